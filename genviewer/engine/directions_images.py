"""Directions in a set of images as a model encodes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from genviewer.core.condition import Condition, one_class, pack
from genviewer.core.recipe import default_condition
from genviewer.engine.density_images import fit_images
from genviewer.engine.directions import found_in_data
from genviewer.engine.encoding import need_encoder, to_model_range
from genviewer.io.datasets import load_images

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from genviewer.core.directions import Directions, Method
    from genviewer.core.spec import Spec
    from genviewer.engine.generator import Floats
    from genviewer.io.bundle import Bundle
    from genviewer.io.datasets import Images

LIMIT = 4000
"""Images that are looked at, spread evenly over the set."""


def found_in_images(bundle: Bundle, source: str, method: Method, count: int = 10) -> Directions:
    """Directions in a data set: ``pca`` of its latents, or from its ``class`` means.

    Args:
        bundle: a model with an encoder.
        source: as :func:`~genviewer.io.datasets.load_images` takes it.
        method: ``pca`` or ``class``.
        count: at most so many of ``pca``.

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
    labels = None if data.labels is None else data.labels[rows]
    pixels = to_model_range(fit_images(np.asarray(data.images[rows]), bundle.spec), bundle)
    y = conditions_of_images(data, labels, len(rows), bundle.spec)
    return found_in_data(bundle, pixels, y, labels, data.names, method, count)


def conditions_of_images(
    data: Images, labels: NDArray[np.int64] | None, count: int, spec: Spec
) -> Floats | None:
    """Packed conditions float32 (count, K) of images: their classes where the model knows them.

    Others are left empty where the model can, and are taken for its classes in turn where not.
    """
    if not spec.conditions:
        return None
    wanted, indices = spec.class_condition, None
    if wanted is not None and labels is not None:
        if data.names and wanted.names:
            places = {name: index for index, name in enumerate(wanted.names)}
            if set(data.names) <= places.keys():
                indices = [places[data.names[label]] for label in labels.tolist()]
        elif int(labels.max()) < wanted.size:
            indices = labels.tolist()
    if wanted is not None and indices is not None:
        conditions = [Condition((one_class(wanted.name, index),)) for index in indices]
    elif all(part.optional for part in spec.conditions):
        conditions = [Condition()] * count
    else:
        conditions = [default_condition(spec, index) for index in range(count)]
    return np.stack([pack(condition, spec) for condition in conditions])
