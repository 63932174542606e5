"""Readers of labelled images that are stored as arrays: npz and idx.

NumPy only. Nothing is unpickled, and sizes are checked before memory is taken.
"""

from __future__ import annotations

import gzip
import math
import struct
import tokenize
import zipfile
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from genviewer.io.dataset_values import (
    MAX_BYTES,
    DataError,
    Images,
    Labels,
    Pixels,
    Splits,
    unpacked_limit,
)
from genviewer.io.foreign.budget import clean

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from genviewer.io.dataset_trees import FileTree

# .npz ------------------------------------------------------------------------------------------


def read_npz(file: BinaryIO, name: str) -> Splits:
    """The splits of an ``.npz``, called ``name``; DataError if it holds none."""
    _check_npz(file, name)
    file.seek(0)
    with np.load(file, allow_pickle=False) as archive:
        prefix = "train_" if "train_images" in archive else ""
        if f"{prefix}images" not in archive:
            found = ", ".join(archive.files[:8])
            raise DataError(f"{name} has no images or train_images, but {found or 'nothing'}.")
        train = _npz_split(archive, name, prefix)
        test = _npz_split(archive, name, "test_") if "test_images" in archive else None
    return train, test


def _check_npz(file: BinaryIO, name: str) -> None:
    """Refuse arrays that are larger than the file holds: their headers decide what is allocated."""
    with zipfile.ZipFile(file) as archive:
        entries = archive.infolist()
        for entry in entries:
            if not entry.filename.endswith(".npy"):  # NumPy would read it all the same
                raise DataError(f"{name} holds {clean(entry.filename, 80)}, which is no array.")
        unpacked = sum(entry.file_size for entry in entries)
        if unpacked > unpacked_limit(sum(entry.compress_size for entry in entries)):
            raise DataError(f"{name} unpacks to {unpacked:,} bytes, which is far too many.")
        for entry in entries:
            with archive.open(entry) as array:
                version = np.lib.format.read_magic(array)
                read = {
                    (1, 0): np.lib.format.read_array_header_1_0,
                    (2, 0): np.lib.format.read_array_header_2_0,
                }.get(version)
                if read is None:
                    raise DataError(f"{name}: {entry.filename} has an unknown version.")
                try:
                    shape, _, dtype = read(array)
                except (SyntaxError, tokenize.TokenError) as error:  # of NumPy's header parser
                    raise DataError(f"{name}: {entry.filename} is damaged.") from error
                if math.prod(shape) * dtype.itemsize > entry.file_size:
                    raise DataError(f"{name}: {entry.filename} is shorter than its header says.")


def _npz_split(archive: np.lib.npyio.NpzFile, name: str, prefix: str) -> Images:
    images = _as_pixels(archive[f"{prefix}images"], name)
    key = f"{prefix}labels"
    return Images(name, images, _as_labels(archive[key]) if key in archive else None)


def _as_pixels(array: NDArray[Any], name: str) -> Pixels:
    """Grey (N, H, W), (N, H, W, C) or (N, C, H, W), uint8 or floats in [0, 1], as uint8 NHWC."""
    if array.ndim == 3:
        array = array[..., None]
    if array.ndim != 4:
        raise DataError(f"{name} has images of {array.ndim} dimensions; 3 or 4 are wanted.")
    if array.shape[3] not in (1, 3, 4) and array.shape[1] in (1, 3, 4):
        array = array.transpose(0, 2, 3, 1)
    if array.dtype.kind == "f":
        if array.size and not (array.min() >= 0.0 and array.max() <= 1.0):
            raise DataError(f"{name} has real-valued images outside [0, 1].")
        array = np.round(array * 255.0)
    elif array.dtype != np.uint8:
        raise DataError(f"{name} has images of type {array.dtype}; uint8 is wanted.")
    return np.ascontiguousarray(array, dtype=np.uint8)


def _as_labels(array: NDArray[Any]) -> Labels:
    if array.ndim == 2 and array.shape[1] > 1:
        array = array.argmax(1)  # one-hot
    if array.dtype.kind not in "iufb":
        raise DataError(f"The labels are of type {array.dtype}; integers are wanted.")
    labels: Labels = array.reshape(-1).astype(np.int64)
    if not np.array_equal(labels, array.reshape(-1)):
        raise DataError("The labels are not whole numbers.")
    return labels


# idx -------------------------------------------------------------------------------------------


def parse_idx(data: bytes, name: str) -> NDArray[np.uint8]:
    """The array of an idx file of unsigned bytes (LeCun's format).

    Raises:
        DataError: the file is of another kind or shorter than it says.
    """
    if len(data) < 4 or data[:3] != b"\x00\x00\x08":
        raise DataError(f"{name} is not an idx file of unsigned bytes.")
    dimensions = data[3]
    if not 1 <= dimensions <= 4 or len(data) < 4 + 4 * dimensions:
        raise DataError(f"{name} has a damaged idx header.")
    shape = struct.unpack(f">{dimensions}I", data[4 : 4 + 4 * dimensions])
    size = 1
    for length in shape:
        size *= length
    if len(data) - 4 - 4 * dimensions != size:
        raise DataError(f"{name} is not as long as its idx header says.")
    return np.frombuffer(data, np.uint8, size, 4 + 4 * dimensions).reshape(shape)


def idx_roles(names: Iterable[str]) -> dict[str, str]:
    """The idx files among those of one folder by role, such as ``train_images``."""
    found: dict[str, str] = {}
    for name in sorted(names):
        lower = name.rpartition("/")[2].lower()
        if not is_idx(lower):
            continue
        split = "test" if lower.startswith(("t10k", "test")) else "train"
        kind = "labels" if "label" in lower else "images"
        found.setdefault(f"{split}_{kind}", name)
    return found


def is_idx(name: str) -> bool:
    """Whether a file's name is that of an idx file."""
    return "-ubyte" in name.lower() or ".idx" in name.lower()


def read_idx(tree: FileTree, roles: dict[str, str]) -> Splits:
    """The splits of idx files by role; DataError if one is damaged."""
    train = _idx_pair(tree, roles["train_images"], roles.get("train_labels"))
    if "test_images" not in roles:
        return train, None
    return train, _idx_pair(tree, roles["test_images"], roles.get("test_labels"))


def _idx_pair(tree: FileTree, images: str, labels: str | None) -> Images:
    pixels = _as_pixels(parse_idx(_read_bytes(tree, images), images), images)
    if labels is None:
        return Images(tree.source, pixels)
    found = _as_labels(parse_idx(_read_bytes(tree, labels), labels))
    return Images(tree.source, pixels, found)


def _read_bytes(tree: FileTree, name: str) -> bytes:
    with tree.open(name, MAX_BYTES) as file:
        if not name.lower().endswith(".gz"):
            return file.read()
        limit = unpacked_limit(file.seek(0, 2))
        file.seek(0)
        data = gzip.GzipFile(fileobj=file).read(limit + 1)
    if len(data) > limit:
        raise DataError(f"{name} unpacks to more than {limit >> 20:,} MiB, which is far too much.")
    return data
