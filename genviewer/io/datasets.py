"""Labelled images to train on, from the sources that the command line names."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray


class DataError(ValueError):
    """A data set that cannot be used; the message is one sentence for the user."""


class Images(msgspec.Struct, frozen=True):
    """uint8 images (N, H, W, C) and, where known, labels int64 (N,) and the classes' names."""

    source: str
    images: NDArray[np.uint8]
    labels: NDArray[np.int64] | None = None
    names: tuple[str, ...] | None = None


def load_npz(path: Path, split: str) -> Images:
    with np.load(path, allow_pickle=False) as archive:
        images = archive[f"{split}_images"]
        labels = archive[f"{split}_labels"]
    return Images(path.name, np.ascontiguousarray(images[..., None]), labels.astype(np.int64))
