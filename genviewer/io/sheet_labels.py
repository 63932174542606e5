"""Row and column labels drawn beside a sheet, with Pillow's own font."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, cast

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from PIL.ImageFont import FreeTypeFont

    from genviewer.io.image_formats import Levels

MIN_FONT, MAX_FONT = 11, 40
PAPER = 255
ELLIPSIS = "..."


def with_labels(
    sheet: Levels,
    rows: int,
    columns: int,
    row_labels: Sequence[str],
    column_labels: Sequence[str],
) -> Levels:
    """A sheet with its labels to the left of it and above it; as it is where there are none.

    Black on white. A column's label that is wider than its column is shortened.

    Args:
        sheet: (H, W, C) uint8 or uint16, H and W whole multiples of ``rows`` and ``columns``.
        rows: of the layout.
        columns: of the layout.
        row_labels: from the first row on; may be fewer.
        column_labels: from the first column on; may be fewer.
    """
    if not any(row_labels) and not any(column_labels):
        return sheet
    height, width, _ = sheet.shape
    cell_height, cell_width = height // rows, width // columns
    size = min(max(cell_height // 7, MIN_FONT), MAX_FONT)
    pad = size // 2
    shown_columns = [_shortened(text, size, cell_width - 2) for text in column_labels[:columns]]
    shown_rows = [_shortened(text, size, 24 * size) for text in row_labels[:rows]]
    top = size + 2 * pad if any(column_labels) else 0
    left = max((_width(text, size) for text in shown_rows), default=0)
    left = left + 2 * pad if any(row_labels) else 0
    margins: NDArray[np.uint8] = np.full((top + height, left + width), PAPER, np.uint8)
    for column, text in enumerate(shown_columns):
        x = left + column * cell_width + (cell_width - _width(text, size)) // 2
        _draw(margins, text, size, max(x, left), pad)
    for row, text in enumerate(shown_rows):
        y = top + row * cell_height + (cell_height - size) // 2
        _draw(margins, text, size, left - pad - _width(text, size), max(y, 0))
    return _composed(sheet, margins, top, left)


def _composed(sheet: Levels, margins: NDArray[np.uint8], top: int, left: int) -> Levels:
    channels = sheet.shape[2]
    whole = np.repeat(margins[..., None], channels, axis=2).astype(sheet.dtype)
    if sheet.dtype == np.uint16:
        whole *= 257
    if channels == 4:
        whole[..., 3] = np.iinfo(sheet.dtype).max
    whole[top:, left:] = sheet
    return whole


@lru_cache(maxsize=8)
def _font(size: int) -> FreeTypeFont:
    from PIL import ImageFont

    return cast("FreeTypeFont", ImageFont.load_default(size))


@lru_cache(maxsize=4096)
def _width(text: str, size: int) -> int:
    return int(np.ceil(_font(size).getlength(text))) if text else 0


def _shortened(text: str, size: int, space: int) -> str:
    text = text.replace("\N{MINUS SIGN}", "-").replace("\n", " ")  # the font has no minus sign
    if _width(text, size) <= space:
        return text
    for length in range(len(text) - 1, 0, -1):
        if _width(text[:length].rstrip() + ELLIPSIS, size) <= space:
            return text[:length].rstrip() + ELLIPSIS
    first = text[:1]
    return first if _width(first, size) <= space else ""


def _draw(margins: NDArray[np.uint8], text: str, size: int, x: int, y: int) -> None:
    if not text:
        return
    from PIL import Image, ImageDraw

    height, width = margins.shape
    box = (x, y, min(x + _width(text, size) + 2, width), min(y + 2 * size, height))
    if box[2] <= box[0] or box[3] <= box[1]:
        return
    patch = Image.new("L", (box[2] - box[0], box[3] - box[1]), PAPER)
    ImageDraw.Draw(patch).text((0, size), text, fill=0, font=_font(size), anchor="ls")
    area = margins[box[1] : box[3], box[0] : box[2]]
    np.minimum(area, np.asarray(patch, np.uint8), out=area)
