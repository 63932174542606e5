"""The real images that samples are measured against, made to fit the model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np
import torch
from torch.nn import functional as F

from genviewer.engine.evaluate_features import EvaluationError
from genviewer.engine.train_state import images_tensor
from genviewer.io.datasets import Images

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from genviewer.core.spec import ConditionSpec, Spec

_CHUNK = 1000


class Reference(msgspec.Struct, frozen=True):
    """Which real images: the source's name, the :func:`data_hash` of its training split, the
    sizes of its splits, and the split and number of images that samples were compared with.
    """

    source: str
    sha256: str
    train: int
    test: int | None
    compared_with: str  # "test" or "train"
    compared: int
    balanced: bool
    resized_from: tuple[int, int] | None  # height, width


class Fitted(NamedTuple):
    """Both splits in the model's size, channels and order of classes.

    ``compared`` is what samples are measured against, ``floor`` as many training images to measure
    in their place. ``by_class`` says that labels and the model's classes are the same.
    """

    train: Images
    test: Images | None
    compared: Images
    floor: Images
    by_class: bool
    reference: Reference


def make_reference(
    spec: Spec,
    train: Images,
    test: Images | None,
    count: int,
    seed: int,
    sha256: str,
    notes: list[str],
) -> Fitted:
    """The real images for a model; at most ``count``, equally many of each class it knows.

    Raises:
        EvaluationError: the images cannot be brought to the model's size.
    """
    size = train.images.shape[1:3]
    wanted = (spec.image.height, spec.image.width)
    if size != wanted:
        notes.append(
            f"The real images were resized from {size[1]}x{size[0]} to {wanted[1]}x{wanted[0]}."
        )
    by_class = _classes_match(spec.class_condition, train, notes)
    order = _order(spec.class_condition, train) if by_class else None
    train, tested = (_fit(part, spec, order) for part in (train, test or train))
    classes = spec.class_condition.size if by_class and spec.class_condition is not None else 0
    rng = np.random.default_rng(seed)
    compared = _choose(tested, count, classes, rng)
    return Fitted(
        train,
        None if test is None else tested,
        compared,
        _choose(train, count, classes, rng),
        by_class,
        Reference(
            Path(train.source).name or train.source,
            sha256,
            len(train.images),
            None if test is None else len(tested.images),
            "train" if test is None else "test",
            len(compared.images),
            bool(classes),
            None if size == wanted else (int(size[0]), int(size[1])),
        ),
    )


def _classes_match(condition: ConditionSpec | None, data: Images, notes: list[str]) -> bool:
    """Whether the model's classes are the data's; a note where that is in doubt."""
    if condition is None or data.labels is None:
        return False
    known = len(data.names) if data.names else int(data.labels.max()) + 1
    if known != condition.size:
        notes.append(f"The data has {known} classes, the model {condition.size}: none were read.")
        return False
    if data.names and condition.names and set(data.names) != set(condition.names):
        notes.append("The classes of data and model have other names: matched by their place.")
    return True


def _order(condition: ConditionSpec | None, data: Images) -> NDArray[np.int64] | None:
    """The model's index of each of the data's classes, where names say that it is another."""
    if condition is None or not data.names or not condition.names:
        return None
    if data.names == condition.names or set(data.names) != set(condition.names):
        return None
    return np.array([condition.names.index(name) for name in data.names], np.int64)


def _fit(data: Images, spec: Spec, order: NDArray[np.int64] | None) -> Images:
    images = data.images
    channels = spec.image.channels
    if images.shape[3] != channels:
        if images.shape[3] != 1:
            raise EvaluationError(
                f"{data.source} has images of {images.shape[3]} channels, {spec.name} draws "
                f"{channels}."
            )
        images = np.repeat(images, channels, 3)
        if channels == 4:
            images[..., 3] = 255
    if images.shape[1:3] != (spec.image.height, spec.image.width):
        images = _resized(images, spec.image.height, spec.image.width)
    labels, names = data.labels, data.names
    if order is not None and labels is not None and spec.class_condition is not None:
        labels, names = order[labels], spec.class_condition.names
    return Images(data.source, images, labels, names)


def _resized(images: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    result = np.empty((len(images), height, width, images.shape[3]), np.uint8)
    for start in range(0, len(images), _CHUNK):
        x = images_tensor(images[start : start + _CHUNK])
        x = F.interpolate(x, size=(height, width), mode="bilinear", antialias=True)
        pixels = (x.clamp(0, 1) * 255).round().to(torch.uint8)
        result[start : start + _CHUNK] = pixels.permute(0, 2, 3, 1).numpy()
    return result


def _choose(data: Images, count: int, classes: int, rng: np.random.Generator) -> Images:
    """At most ``count`` images in random order, with ``classes`` equally many of each."""
    rows = rng.permutation(len(data.images))
    if classes and data.labels is not None:
        mixed = data.labels[rows]
        each = min(count // classes, int(np.bincount(mixed, minlength=classes).min()))
        if each:
            kept = np.concatenate([np.flatnonzero(mixed == c)[:each] for c in range(classes)])
            rows = rows[np.sort(kept)]
    rows = rows[:count]
    labels = None if data.labels is None else data.labels[rows]
    return Images(data.source, data.images[rows], labels, data.names)
