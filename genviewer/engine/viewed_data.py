"""Some images of a data set, as a model takes them: what is looked at in the window."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from genviewer.engine.generator import LoadError

if TYPE_CHECKING:
    from genviewer.core.spec import Spec
    from genviewer.engine.density import Reports
    from genviewer.engine.density_results import Ints
    from genviewer.engine.generator import Bytes, Floats
    from genviewer.io.dataset_values import Images

MAX_BYTES = 1 << 30
_CHUNK = 1024


@dataclass(frozen=True, eq=False)
class ViewedData:
    """N images of a data set that has ``total`` of them.

    Attributes:
        source: the path or name of the data set.
        images: uint8 (N, H, W, C) in the model's size.
        rows: int64 (N,), ascending: which of the data set's.
        total: how many the data set has.
        has_test: it has a test split of its own.
        labels: the model's class of each, int64 (N,), where the data's classes are the model's.
        groups: the data's own class of each, int64 (N,), where it has some.
        names: of the data's own classes.
        digest: of the pixels and classes, by which figures about them are found again.
    """

    source: str
    images: Bytes
    rows: Ints
    total: int
    has_test: bool
    labels: Ints | None
    groups: Ints | None
    names: tuple[str, ...] | None
    digest: str


def view_data(
    data: Images,
    spec: Spec,
    limit: int,
    progress: Reports | None = None,
    *,
    has_test: bool = False,
) -> ViewedData:
    """At most ``limit`` images, spread evenly over a data set; in a job's thread.

    No more than :data:`MAX_BYTES` of pixels are taken.

    Args:
        data: images in the model's size, which may be read when they are asked for.
        spec: the model's.
        limit: at least 1.
        progress: told how far it is; it may cancel.
        has_test: the data set has a test split of its own.

    Raises:
        DataError: the images cannot be read.
        LoadError: there are none, or they are of another size.
    """
    image = spec.image
    size = image.height * image.width * image.channels
    total = len(data.images)
    count = min(limit, total, max(1, MAX_BYTES // size))
    wanted = (image.height, image.width, image.channels)
    if count < 1 or data.images.shape[1:] != wanted:
        raise LoadError(f"{data.source} has no images that {spec.name} can be shown.")
    rows = np.unique(np.linspace(0, total - 1, count).astype(np.int64))
    images = np.empty((len(rows), *wanted), np.uint8)
    for at in range(0, len(rows), _CHUNK):
        if progress is not None:
            progress.report(at / len(rows), "reading images")
        images[at : at + _CHUNK] = data.images[rows[at : at + _CHUNK]]
    labels = model_labels(data, spec)
    labels = None if labels is None else labels[rows]
    groups = None if data.labels is None else data.labels[rows]
    digest = hashlib.sha256(f"{images.shape}".encode())
    digest.update(images.data)
    if groups is not None:
        digest.update(np.ascontiguousarray(groups).data)
    return ViewedData(
        data.source, images, rows, total, has_test, labels, groups, data.names, digest.hexdigest()
    )


def part_of(view: ViewedData, limit: int) -> tuple[ViewedData, Ints]:
    """At most ``limit`` images of a view, spread evenly, and which of its rows they are."""
    rows = np.unique(np.linspace(0, len(view.images) - 1, limit).astype(np.int64))
    if len(rows) == len(view.images):
        return view, rows
    labels = None if view.labels is None else view.labels[rows]
    groups = None if view.groups is None else view.groups[rows]
    part = replace(
        view,
        images=view.images[rows],
        rows=view.rows[rows],
        labels=labels,
        groups=groups,
        digest=f"{view.digest} {limit}",
    )
    return part, rows


def model_labels(data: Images, spec: Spec) -> Ints | None:
    """The model's class of each image, int64 (N,), where the data's classes are the model's."""
    condition = spec.class_condition
    if condition is None or data.labels is None:
        return None
    if data.names and condition.names:
        if not set(data.names) <= set(condition.names):
            return None
        return np.array([condition.names.index(name) for name in data.names])[data.labels]
    return data.labels if int(data.labels.max()) < condition.size else None


def class_conditions(spec: Spec, labels: Ints | None, count: int) -> Floats | None:
    """What an encoder is told of ``count`` images: packed conditions float32 (count, K).

    None where the model has no conditions. Without labels they are empty, which the model has to
    allow.

    Raises:
        LoadError: it does not, or its classes are not all that it has to be told.
    """
    from genviewer.engine.bayes import class_rows

    if not spec.conditions:
        return None
    if labels is not None:
        return class_rows(spec)[labels]
    if all(condition.optional for condition in spec.conditions):
        return np.zeros((count, spec.condition_size), np.float32)
    if spec.class_condition is None or spec.must_be_told:
        told = " and ".join(condition.name for condition in spec.conditions)
        raise LoadError(f"{spec.name} is told {told} of an image, which these images do not say.")
    raise LoadError(
        f"{spec.name} encodes an image of a known class, and the classes of these images are not "
        "its own."
    )
