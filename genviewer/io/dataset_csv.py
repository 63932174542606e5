"""CSV files of labelled images: rows of ``file, label``, or of ``label, pixel, pixel ...``."""

from __future__ import annotations

import csv
import io
from contextlib import closing
from itertools import chain, islice
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from genviewer.io.dataset_decode import PICTURE_SUFFIXES
from genviewer.io.dataset_items import UNLABELLED
from genviewer.io.dataset_values import MAX_BYTES, DataError, Images, Labels, Pixels
from genviewer.io.foreign.budget import clean

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

MAX_ROWS = 2_000_000
_MAX_LINE = 1 << 22  # characters; 1024x1024 pixels of three digits
_FEW_CLASSES = 100
_FILE_HEADINGS = ("file", "file_name", "filename", "path", "image", "name")
_LABEL_HEADINGS = ("label", "class", "category", "target")


def is_picture(name: str) -> bool:
    """Whether a file's name is that of an image."""
    return PurePosixPath(name).suffix.lower() in PICTURE_SUFFIXES


Named = tuple[list[str], list[str]]
"""Files, and the class of each, UNLABELLED where there is none."""


def read_csv(file: BinaryIO, name: str) -> Named | Images:
    """The files that a CSV file names with their classes, or the images that its rows are.

    Raises:
        DataError: it is empty, or is neither of the two kinds.
    """
    with closing(_rows(file, name)) as rows:
        first = next(rows, None)
        if first is None:
            raise DataError(f"{name} is empty.")
        heading: list[str] = []
        if _is_heading(first):
            heading = [cell.strip().lower() for cell in first]
            first = next(rows, None)
        if first is None:
            raise DataError(f"{name} has a heading and no rows.")
        at = _column(heading, _FILE_HEADINGS, 0)
        if is_picture(_cell(first, at)):
            label = _column(heading, _LABEL_HEADINGS, 1 - at)
            return _named(chain([first], rows), at, label)
        return Images(name, *_of_pixels(first, rows, name))


def names_files(file: BinaryIO) -> bool:
    """Whether the first rows of a CSV file name images."""
    with closing(_rows(file, "")) as rows:
        try:
            return any(is_picture(cell) for row in islice(rows, 2) for cell in row)
        except DataError:
            return False


def _rows(file: BinaryIO, name: str) -> Generator[list[str], None, None]:
    """The rows that are not empty; a line without end is not read to its end."""
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    try:
        for number, row in enumerate(csv.reader(_lines(text, name))):
            if number >= MAX_ROWS:
                raise DataError(f"{name} has more than {MAX_ROWS:,} rows.")
            if row:
                yield row
    except csv.Error as error:
        raise DataError(f"{name} is not a CSV file: {error}.") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{name} is not text in UTF-8.") from error
    finally:
        text.detach()  # whoever opened the file closes it


def _lines(text: io.TextIOWrapper, name: str) -> Iterator[str]:
    while line := text.readline(_MAX_LINE):
        if len(line) == _MAX_LINE:
            raise DataError(f"{name} has a line that is far too long.")
        yield line


def _is_heading(first: list[str]) -> bool:
    return not _is_number(first[-1]) and not any(map(is_picture, first))


def _column(heading: list[str], known: tuple[str, ...], usual: int) -> int:
    return next((heading.index(name) for name in known if name in heading), usual)


def _cell(row: list[str], at: int) -> str:
    return row[at].strip() if 0 <= at < len(row) else ""


def _named(rows: Iterable[list[str]], at: int, label: int) -> Named:
    names, given = [], []
    for row in rows:
        if name := _cell(row, at):
            names.append(name)
            given.append(clean(_cell(row, label), 80))
    if are_captions(len(set(given)), len(given)):
        given = [UNLABELLED] * len(given)
    return names, given


def are_captions(different: int, images: int) -> bool:
    """Whether so many different texts of so many images are captions or numbers of the images, and
    no classes.
    """
    return different > _FEW_CLASSES and different > images / 2


def _of_pixels(first: list[str], rows: Iterable[list[str]], name: str) -> tuple[Pixels, Labels]:
    """uint8 (N, S, S, 1), and the labels."""
    width, images, labels = len(first), [], []
    side = round((width - 1) ** 0.5)
    for row in chain([first], rows):
        if len(row) != width:
            raise DataError(f"{name} has rows of different lengths.")
        try:
            values = np.array(row, np.float64)
        except ValueError as error:
            raise DataError(f"{name} has cells that are no numbers: {error}.") from error
        if side * side != width - 1 or side == 0:
            raise DataError(
                f"{name} has {width - 1} pixels per row after the label; a square is wanted."
            )
        if not (values[1:].min() >= 0 and values[1:].max() <= 255):
            raise DataError(f"{name} has pixels outside 0..255.")
        if not values[0].is_integer() or abs(values[0]) > 1 << 52:
            raise DataError(f"{name} has labels that are not whole numbers.")
        images.append(values[1:].round().astype(np.uint8))
        labels.append(int(values[0]))
        if len(images) * (width - 1) > MAX_BYTES:
            raise DataError(f"{name} holds more than {MAX_BYTES >> 30} GiB of pixels.")
    return np.stack(images).reshape(-1, side, side, 1), np.array(labels, np.int64)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
