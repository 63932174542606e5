"""MNIST as the benchmark reads it: rows of grey pixels, training and test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from genviewer.engine.iwae_network import PIXELS
from genviewer.io.datasets import DataError, load_images

if TYPE_CHECKING:
    from numpy.typing import NDArray


def load_grey_digits(source: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Training and test images of a data set of 28x28 grey images, uint8 (N, 784) each.

    Raises:
        DataError: it cannot be read, has no test split, or images of another kind.
    """
    train, test = load_images(source)
    if test is None:
        raise DataError(f"{source} has no test images, on which the benchmark is measured.")
    parts = []
    for part in (train, test):
        count, *shape = part.images.shape
        if np.prod(shape) != PIXELS:
            raise DataError(f"{source} has other images than 28x28 grey ones.")
        parts.append(np.ascontiguousarray(part.images).reshape(count, PIXELS))
    return parts[0], parts[1]
