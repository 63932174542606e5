"""Readers of labelled images, one per kind of file: npz, idx, folders, zip and CSV.

NumPy and Pillow only. Nothing is unpickled, and sizes are checked before memory is taken.
"""

from __future__ import annotations

import csv
import gzip
import io
import struct
import zipfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from genviewer.io.dataset_values import DataError, Images, Labels, Pixels

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

Splits = tuple[Images, Images | None]
IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff"})
MAX_BYTES = 8 << 30  # a whole data set is held in memory


def reader_for(path: Path) -> Callable[[Path], Splits]:
    """The reader of a file or folder; DataError says what it should have been."""
    if not path.exists():
        raise DataError(f"{path} does not exist.")
    if path.is_dir():
        return _read_idx_folder if _idx_files(path) else _read_folder
    name = path.name.lower()
    for suffix, reader in _READERS.items():
        if name.endswith(suffix):
            return reader
    if "-ubyte" in name or ".idx" in name:
        return _read_idx_file
    raise DataError(
        f"{path} is none of a folder, .npz, .zip, .csv or idx file (a name with ubyte or idx)."
    )


# .npz ------------------------------------------------------------------------------------------


def _read_npz(path: Path) -> Splits:
    with np.load(path, allow_pickle=False) as archive:
        prefix = "train_" if "train_images" in archive else ""
        if f"{prefix}images" not in archive:
            found = ", ".join(archive.files[:8])
            raise DataError(f"{path} has no images or train_images, but {found or 'nothing'}.")
        train = _npz_split(archive, path, prefix)
        test = _npz_split(archive, path, "test_") if "test_images" in archive else None
    return train, test


def _npz_split(archive: np.lib.npyio.NpzFile, path: Path, prefix: str) -> Images:
    images = _as_pixels(archive[f"{prefix}images"], path)
    key = f"{prefix}labels"
    return Images(str(path), images, _as_labels(archive[key]) if key in archive else None)


def _as_pixels(array: NDArray[Any], path: Path) -> Pixels:
    """Grey (N, H, W), (N, H, W, C) or (N, C, H, W), uint8 or floats in [0, 1], as uint8 NHWC."""
    if array.ndim == 3:
        array = array[..., None]
    if array.ndim != 4:
        raise DataError(f"{path} has images of {array.ndim} dimensions; 3 or 4 are wanted.")
    if array.shape[3] not in (1, 3, 4) and array.shape[1] in (1, 3, 4):
        array = array.transpose(0, 2, 3, 1)
    if array.dtype.kind == "f":
        if array.size and not (array.min() >= 0.0 and array.max() <= 1.0):
            raise DataError(f"{path} has real-valued images outside [0, 1].")
        array = np.round(array * 255.0)
    elif array.dtype != np.uint8:
        raise DataError(f"{path} has images of type {array.dtype}; uint8 is wanted.")
    return np.ascontiguousarray(array, dtype=np.uint8)


def _as_labels(array: NDArray[Any]) -> Labels:
    one_hot = array.ndim == 2 and array.shape[1] > 1
    labels: Labels = (array.argmax(1) if one_hot else array.reshape(-1)).astype(np.int64)
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


def _read_bytes(path: Path) -> bytes:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rb") as file:
        data: bytes = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise DataError(f"{path} is larger than {MAX_BYTES >> 30} GiB.")
    return data


def _idx_files(folder: Path) -> dict[str, Path]:
    """The idx files of a folder by role, such as ``train_images``."""
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        name = path.name.lower()
        if "ubyte" not in name and ".idx" not in name:
            continue
        split = "test" if name.startswith(("t10k", "test")) else "train"
        kind = "labels" if "label" in name else "images"
        found.setdefault(f"{split}_{kind}", path)
    return found


def _read_idx_folder(folder: Path) -> Splits:
    files = _idx_files(folder)
    if "train_images" not in files:
        raise DataError(f"{folder} has no idx file of training images.")
    train = _idx_pair(files["train_images"], files.get("train_labels"))
    if "test_images" not in files:
        return train, None
    return train, _idx_pair(files["test_images"], files.get("test_labels"))


def _idx_pair(images: Path, labels: Path | None) -> Images:
    pixels = _as_pixels(parse_idx(_read_bytes(images), images.name), images)
    if labels is None:
        return Images(str(images), pixels)
    return Images(str(images), pixels, _as_labels(parse_idx(_read_bytes(labels), labels.name)))


def _read_idx_file(path: Path) -> Splits:
    labels = path.with_name(path.name.replace("images", "labels").replace("idx3", "idx1"))
    beside = labels if labels != path and labels.is_file() else None
    return _idx_pair(path, beside), None


# Folders and zips of image files -------------------------------------------------------------


def _read_folder(folder: Path) -> Splits:
    files = sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file()
    )
    names = [PurePosixPath(path.relative_to(folder).as_posix()) for path in files]
    return _from_files(str(folder), names, lambda name: (folder / name).read_bytes())


def _read_zip(path: Path) -> Splits:
    with zipfile.ZipFile(path) as archive:
        entries = [
            entry
            for entry in archive.infolist()
            if PurePosixPath(entry.filename).suffix.lower() in IMAGE_SUFFIXES
            and not entry.filename.startswith("__MACOSX")
        ]
        if sum(entry.file_size for entry in entries) > MAX_BYTES:
            raise DataError(f"{path} unpacks to more than {MAX_BYTES >> 30} GiB.")
        names = sorted(PurePosixPath(entry.filename) for entry in entries)
        return _from_files(str(path), names, lambda name: archive.read(str(name)))


def _from_files(
    source: str, names: list[PurePosixPath], read: Callable[[PurePosixPath], bytes]
) -> Splits:
    """Images by path; folders ``train`` and ``test`` at the top are splits, below them classes."""
    if not names:
        raise DataError(f"{source} has no image files.")
    tops = {name.parts[0] for name in names if len(name.parts) > 1}
    if tops == {"train", "test"}:
        classes = sorted({name.parts[1] for name in names if len(name.parts) > 2})
        train, test = (
            _decode_files(source, [n for n in names if n.parts[0] == split], 1, classes, read)
            for split in ("train", "test")
        )
        return train, test
    common = 1 if len(tops) == 1 and all(len(name.parts) > 2 for name in names) else 0
    classes = sorted({name.parts[common] for name in names if len(name.parts) > common + 1})
    return _decode_files(source, names, common, classes, read), None


def _decode_files(
    source: str,
    names: list[PurePosixPath],
    level: int,
    classes: list[str],
    read: Callable[[PurePosixPath], bytes],
) -> Images:
    images = _decode_images(names, read)
    if len(classes) < 2 or any(len(name.parts) <= level + 1 for name in names):
        return Images(source, images)
    index = {name: i for i, name in enumerate(classes)}
    labels = np.array([index[name.parts[level]] for name in names], np.int64)
    return Images(source, images, labels, tuple(classes))


def _decode_images(names: list[PurePosixPath], read: Callable[[PurePosixPath], bytes]) -> Pixels:
    result: Pixels | None = None
    mode = ""
    for i, name in enumerate(names):
        try:
            with Image.open(io.BytesIO(read(name))) as opened:
                if result is None:
                    grey = opened.mode in {"1", "L", "I", "I;16", "F", "LA"}
                    mode = "L" if grey else "RGB"
                pixels = np.asarray(opened.convert(mode))
        except (OSError, ValueError, Image.DecompressionBombError) as error:
            raise DataError(f"{name} cannot be read as an image: {error}.") from error
        pixels = pixels[..., None] if pixels.ndim == 2 else pixels
        if result is None:
            if pixels.nbytes * len(names) > MAX_BYTES:
                raise DataError(f"These images take more than {MAX_BYTES >> 30} GiB of memory.")
            result = np.empty((len(names), *pixels.shape), np.uint8)
        if pixels.shape != result.shape[1:]:
            size, first = pixels.shape[1::-1], result.shape[2:0:-1]
            raise DataError(
                f"{name} is {size[0]}x{size[1]}, the first image {first[0]}x{first[1]}: "
                f"bring all images to one size."
            )
        result[i] = pixels
    if result is None:
        raise DataError("There are no image files.")
    return result


# CSV -------------------------------------------------------------------------------------------


def _read_csv(path: Path) -> Splits:
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = [row for row in csv.reader(file) if row]
    if not rows:
        raise DataError(f"{path} is empty.")
    # A heading is a first row whose cells are no numbers, where the last row's are.
    if not _is_number(rows[0][-1]) and (_is_number(rows[-1][-1]) or not _is_file(rows[0][0])):
        rows = rows[1:]
    if not rows:
        raise DataError(f"{path} has a heading and no rows.")
    if _is_file(rows[0][0]):
        return _csv_of_files(path, rows), None
    return _csv_of_pixels(path, rows), None


def _csv_of_files(path: Path, rows: list[list[str]]) -> Images:
    names = [PurePosixPath(row[0]) for row in rows]
    images = _decode_images(names, lambda name: (path.parent / name).read_bytes())
    if any(len(row) < 2 for row in rows):
        return Images(str(path), images)
    values = [row[1].strip() for row in rows]
    if all(value.isdigit() for value in values):
        return Images(str(path), images, np.array([int(v) for v in values], np.int64))
    classes = sorted(set(values))
    labels = np.array([classes.index(value) for value in values], np.int64)
    return Images(str(path), images, labels, tuple(classes))


def _csv_of_pixels(path: Path, rows: list[list[str]]) -> Images:
    if len({len(row) for row in rows}) != 1:
        raise DataError(f"{path} has rows of different lengths.")
    try:
        table = np.array(rows, np.float64)
    except ValueError as error:
        raise DataError(f"{path} has cells that are no numbers: {error}.") from error
    pixels = table[:, 1:]
    side = round(pixels.shape[1] ** 0.5)
    if side * side != pixels.shape[1] or side == 0:
        raise DataError(
            f"{path} has {pixels.shape[1]} pixels per row after the label; a square is wanted."
        )
    if pixels.min() < 0 or pixels.max() > 255:
        raise DataError(f"{path} has pixels outside 0..255.")
    images = pixels.round().astype(np.uint8).reshape(-1, side, side, 1)
    return Images(str(path), images, table[:, 0].astype(np.int64))


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _is_file(cell: str) -> bool:
    return PurePosixPath(cell).suffix.lower() in IMAGE_SUFFIXES


_READERS: dict[str, Callable[[Path], Splits]] = {
    ".npz": _read_npz,
    ".zip": _read_zip,
    ".csv": _read_csv,
}
