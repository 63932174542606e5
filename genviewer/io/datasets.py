"""Labelled images to train on, from the sources that the command line names."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

from genviewer.io.dataset_files import reader_for
from genviewer.io.dataset_letters import load_letters
from genviewer.io.dataset_mnist import mnist_folder
from genviewer.io.dataset_shapes import make_shapes
from genviewer.io.dataset_values import DataError, Images

__all__ = ["DataError", "Images", "load_images"]

DEFAULT_SHAPES = 20_000
TEST_SHAPES = 2_000


def load_images(source: str, *, seed: int = 0, count: int = 0) -> tuple[Images, Images | None]:
    """Training images and, where the source has one, the test split.

    ``source`` is ``mnist``, ``builtin:shapes`` (``count`` of them, from ``seed``),
    ``builtin:letters`` (of the fonts on this machine), a folder of
    images (its subfolders are the classes) or of idx files, a zip of either kind of images, an
    ``.npz`` with ``images``/``labels`` or ``train_images``/``train_labels`` and
    ``test_images``/``test_labels``, an idx file, or a CSV file with rows of ``label, pixel...``
    (a square grey image) or ``file, label``. All images of a source have one size and mode.

    Raises:
        DataError: with one sentence for the user.
    """
    if source == "mnist":
        source = str(mnist_folder())
    if source.startswith("builtin:"):
        if source == "builtin:letters":
            return load_letters()
        if source != "builtin:shapes":
            raise DataError(
                f"{source} is not known; the built-in sources are builtin:shapes and "
                "builtin:letters."
            )
        train = Images(source, make_shapes(seed, count or DEFAULT_SHAPES).images)
        # A seed of its own kind, which no seed of a training set can be.
        return train, Images(source, make_shapes([seed, 1], TEST_SHAPES).images)
    path = Path(source)
    try:
        train, test = reader_for(path)(path)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile, struct.error) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path} is not a data set that can be read: {error}.") from error
    for part in (train, test):
        if part is not None:
            _check(part)
    return train, test


def _check(data: Images) -> None:
    if data.images.ndim != 4 or data.images.shape[0] == 0:
        raise DataError(f"{data.source} has no images.")
    if data.images.shape[3] not in (1, 3, 4):
        raise DataError(f"{data.source} has images of {data.images.shape[3]} channels.")
    if data.labels is not None:
        if data.labels.shape != data.images.shape[:1]:
            raise DataError(f"{data.source} has not one label for every image.")
        if data.labels.min() < 0:
            raise DataError(f"{data.source} has negative labels.")
