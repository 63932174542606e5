"""Readers of labelled images, one per kind of file; folders, zip and CSV are read here.

NumPy and Pillow only. Nothing is unpickled, and sizes are checked before memory is taken.
"""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from genviewer.io.dataset_arrays import idx_files, read_idx_file, read_idx_folder, read_npz
from genviewer.io.dataset_values import MAX_BYTES, DataError, Images, Pixels, Splits

if TYPE_CHECKING:
    from collections.abc import Callable

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff"})


def reader_for(path: Path) -> Callable[[Path], Splits]:
    """The reader of a file or folder; DataError says what it should have been."""
    if not path.exists():
        raise DataError(f"{path} does not exist.")
    if path.is_dir():
        return read_idx_folder if idx_files(path) else _read_folder
    name = path.name.lower()
    for suffix, reader in _READERS.items():
        if name.endswith(suffix):
            return reader
    if "-ubyte" in name or ".idx" in name:
        return read_idx_file
    raise DataError(
        f"{path} is none of a folder, .npz, .zip, .csv or idx file (a name with ubyte or idx)."
    )


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
    if path.stat().st_size > MAX_BYTES:
        raise DataError(f"{path} is larger than {MAX_BYTES >> 30} GiB.")
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
    ".npz": read_npz,
    ".zip": _read_zip,
    ".csv": _read_csv,
}
