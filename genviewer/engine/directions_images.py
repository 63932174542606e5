"""Directions in a set of images as a model encodes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from genviewer.core.condition import Condition, one_class, pack
from genviewer.core.recipe import default_condition
from genviewer.engine.bayes import taken_for
from genviewer.engine.density import ShareOfProgress
from genviewer.engine.density_images import fit_images
from genviewer.engine.directions import found_in_data
from genviewer.engine.encoding import need_encoder, to_model_range
from genviewer.engine.viewed_data import model_labels
from genviewer.io.datasets import load_images

if TYPE_CHECKING:
    from genviewer.core.directions import Directions, Method
    from genviewer.engine.density import Reports
    from genviewer.engine.density_results import Ints
    from genviewer.engine.generator import Floats
    from genviewer.io.bundle import Bundle

LIMIT = 4000
"""Images that are looked at, spread evenly over the set."""

Guess = Literal["known", "empty", "believed", "in turn"]
"""Where the classes that images are encoded as come from."""


def found_in_images(
    bundle: Bundle,
    source: str,
    method: Method,
    count: int = 10,
    progress: Reports | None = None,
) -> Directions:
    """Directions in a data set: ``pca`` of its latents, or from its ``class`` means.

    Images whose class is not known are encoded as :func:`conditions_of_images` says.

    Args:
        bundle: a model with an encoder.
        source: as :func:`~genviewer.io.datasets.load_images` takes it.
        method: ``pca`` or ``class``.
        count: at most so many of ``pca``.
        progress: told how far it is; it may cancel.

    Raises:
        DataError: the images cannot be read.
        LoadError: the model has no encoder.
        ValueError: there are too few images or classes.
    """
    need_encoder(bundle)
    image = bundle.spec.image
    data, _ = load_images(source, mixed_shape=(image.height, image.width, image.channels))
    rows = np.arange(len(data.images))
    if len(rows) > LIMIT:
        rows = np.linspace(0, len(rows) - 1, LIMIT).astype(np.int64)
    labels, known = data.labels, model_labels(data, bundle.spec)
    labels = None if labels is None else labels[rows]
    known = None if known is None else known[rows]
    pixels = to_model_range(fit_images(np.asarray(data.images[rows]), bundle.spec), bundle)
    looked = ShareOfProgress(progress, 0.0, 0.5)
    y, _ = conditions_of_images(bundle, pixels, known, progress=looked)
    encoded = ShareOfProgress(progress, 0.5, 0.5)
    return found_in_data(bundle, pixels, y, labels, data.names, method, count, progress=encoded)


def conditions_of_images(
    bundle: Bundle,
    images: Floats,
    labels: Ints | None,
    device: str = "auto",
    progress: Reports | None = None,
) -> tuple[Floats | None, Guess]:
    """What an encoder is told of images: packed conditions float32 (N, K), and how they came.

    Args:
        bundle: the model.
        images: float32 (N, C, H, W) in its range.
        labels: its class of each, int64 (N,), where that is known.
        device: where a model looks at images whose class is not known.
        progress: told how far it is with that; it may cancel.

    Returns:
        the conditions, None for a model without; and what stands in the place of classes that are
        not known: ``empty`` where the model can do without, ``believed`` where it says itself what
        it takes the images for, ``in turn`` where it needs a class and cannot say which.
    """
    spec = bundle.spec
    wanted = spec.class_condition
    if not spec.conditions:
        return None, "known"
    guess: Guess = "known"
    if labels is None and not all(part.optional for part in spec.conditions):
        labels = taken_for(bundle, images, device, progress)
        guess = "in turn" if labels is None else "believed"
    if labels is not None and wanted is not None:
        conditions = [Condition((one_class(wanted.name, index),)) for index in labels.tolist()]
    elif guess == "in turn":
        conditions = [default_condition(spec, index) for index in range(len(images))]
    else:
        conditions, guess = [Condition()] * len(images), "empty"
    return np.stack([pack(condition, spec) for condition in conditions]), guess
