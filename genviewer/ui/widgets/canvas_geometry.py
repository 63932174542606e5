"""Where pictures lie on the canvas: fitting, whole-pixel zoom, pan, cells, the split in two.

Lengths are logical pixels unless they say device pixels; positions fall on device pixels, so that
a picture at a whole-number zoom is exact on every screen.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRect, QRectF

PADDING = 12
FOCUS_SHARE = 0.38
WIDE = 1.15  # from this width to height on, the focus sample stands beside the sheet
MAX_SCALE = 256.0
WASTE = 0.85  # a whole-number zoom may leave this share of the possible size, not less


def split(area: QRect, sheet_aspect: float | None = None) -> tuple[QRect, QRect]:
    """The canvas as (place of the focus sample, place of the sheet), one pixel apart.

    The focus sample stands beside the sheet in a wide canvas, above it in a tall one; where the
    sheet's own width over height is fixed, in the way that makes its cells larger.
    """
    beside = area.width() > area.height() * WIDE
    if sheet_aspect is not None:
        rest = 1.0 - FOCUS_SHARE
        height_beside = min(rest * area.width() / sheet_aspect, area.height())
        height_below = min(area.width() / sheet_aspect, rest * area.height())
        beside = height_beside > height_below
    if beside:
        width = round(area.width() * FOCUS_SHARE)
        return (
            QRect(area.left(), area.top(), width, area.height()),
            area.adjusted(width + 1, 0, 0, 0),
        )
    height = round(area.height() * FOCUS_SHARE)
    return (
        QRect(area.left(), area.top(), area.width(), height),
        area.adjusted(0, height + 1, 0, 0),
    )


def gap_for(cell: float) -> int:
    """Device pixels between cells whose shorter side is ``cell`` device pixels."""
    return 2 if cell >= 48 else 1 if cell >= 28 else 0


def whole(scale: float, *, fit: bool = False) -> float:
    """The zoom to show for a wanted one: whole numbers above 1, as they show pixels exactly.

    A fit never grows, and keeps the fraction where a whole number would waste much of the place.
    """
    if scale < 1:
        return scale
    if not fit:
        return float(round(scale))
    floor = math.floor(scale)
    return float(floor) if floor / scale >= WASTE else scale


@dataclass
class PanZoom:
    """What the hand chose: fitted, or a scale and the content's point in the middle.

    Attributes:
        scale: device pixels per image pixel as wanted, before :func:`whole`; None when fitted.
        middle: the point of the content in the middle of its place, as fractions of its size.
    """

    scale: float | None = None
    middle: tuple[float, float] = (0.5, 0.5)

    def fit(self) -> None:
        """Show everything."""
        self.scale = None
        self.middle = (0.5, 0.5)


@dataclass(frozen=True)
class CellGrid:
    """Cells in rows and columns on the widget; one picture is a grid of one cell.

    Attributes:
        body: the place in which the cells scroll.
        left, top: of the first cell.
        cell_width, cell_height, gap: of every cell.
        scale: device pixels per image pixel.
        ratio: device pixels per logical pixel.
    """

    body: QRectF
    rows: int
    columns: int
    left: float
    top: float
    cell_width: float
    cell_height: float
    gap: float
    scale: float
    ratio: float

    @property
    def width(self) -> float:
        """Of all cells with their gaps."""
        return self.columns * (self.cell_width + self.gap) - self.gap

    @property
    def height(self) -> float:
        """Of all cells with their gaps."""
        return self.rows * (self.cell_height + self.gap) - self.gap

    @property
    def exact(self) -> bool:
        """Whether every image pixel is a whole number of device pixels."""
        return self.scale == math.floor(self.scale)

    @property
    def shown(self) -> QRectF:
        """The part of the cells' rectangle that is in sight."""
        return QRectF(self.left, self.top, self.width, self.height).intersected(self.body)

    def rect(self, index: int) -> QRectF:
        """Where a flat cell index lies, in sight or not."""
        row, column = divmod(index, self.columns)
        return QRectF(
            self.left + column * (self.cell_width + self.gap),
            self.top + row * (self.cell_height + self.gap),
            self.cell_width,
            self.cell_height,
        )

    def cell_at(self, point: QPointF) -> int:
        """The flat index of the cell under a point, -1 where there is none."""
        if not self.body.contains(point):
            return -1
        x, y = point.x() - self.left, point.y() - self.top
        column, in_x = divmod(x, self.cell_width + self.gap)
        row, in_y = divmod(y, self.cell_height + self.gap)
        inside = 0 <= column < self.columns and 0 <= row < self.rows
        if not inside or in_x >= self.cell_width or in_y >= self.cell_height:
            return -1
        return int(row) * self.columns + int(column)

    def span(self, exposed: QRectF) -> tuple[range, range]:
        """Rows and columns that a rectangle touches."""
        part = exposed.intersected(self.shown)
        if part.isEmpty():
            return range(0), range(0)
        return (
            _touched(part.top(), part.bottom(), self.top, self.cell_height + self.gap, self.rows),
            _touched(
                part.left(), part.right(), self.left, self.cell_width + self.gap, self.columns
            ),
        )

    def fraction(self, point: QPointF) -> tuple[float, float]:
        """A point as fractions of the whole."""
        return (point.x() - self.left) / self.width, (point.y() - self.top) / self.height


def lay_out(
    body: QRectF,
    cells: tuple[int, int],
    image: tuple[int, int],
    view: PanZoom,
    *,
    ratio: float = 1.0,
    smooth: bool = False,
) -> CellGrid:
    """Place (rows, columns) cells of (height, width) image pixels in ``body``."""
    rows, columns = cells
    height, width = max(1, image[0]), max(1, image[1])
    if view.scale is None:
        scale, gap = _fitted(body, rows, columns, height, width, ratio, smooth)
    else:
        scale = view.scale if smooth else whole(view.scale)
        gap = gap_for(min(height, width) * scale)
    if rows * columns == 1:
        gap = 0
    cell_width = max(1, math.floor(width * scale + 1e-6)) / ratio
    cell_height = max(1, math.floor(height * scale + 1e-6)) / ratio
    space = gap / ratio
    total_width = columns * (cell_width + space) - space
    total_height = rows * (cell_height + space) - space
    left = _start(body.left(), body.width(), total_width, view.middle[0], ratio)
    top = _start(body.top(), body.height(), total_height, view.middle[1], ratio)
    return CellGrid(body, rows, columns, left, top, cell_width, cell_height, space, scale, ratio)


def zoom_about(
    view: PanZoom, grid: CellGrid, point: QPointF, factor: float, *, smooth: bool = False
) -> None:
    """Zoom by a factor so that what is under the point stays there."""
    u, v = grid.fraction(point)
    old = grid.scale if view.scale is None else view.scale
    least = min(1.0, grid.scale) / 4
    wanted = min(MAX_SCALE, max(least, old * factor))
    shown = wanted if smooth else whole(wanted)
    if not smooth and shown == grid.scale and wanted > 1 and abs(math.log2(factor)) > 0.2:
        # A whole notch always shows, though the next whole number may be more than a notch off.
        shown = wanted = min(MAX_SCALE, max(1.0, grid.scale + math.copysign(1, factor - 1)))
    view.scale = wanted
    ratio = shown / grid.scale
    cell_width, cell_height = grid.cell_width * ratio, grid.cell_height * ratio
    gap = gap_for(min(cell_width, cell_height) * grid.ratio) / grid.ratio if grid.gap else 0
    middle = grid.body.center()
    view.middle = (
        u + (middle.x() - point.x()) / (grid.columns * (cell_width + gap)),
        v + (middle.y() - point.y()) / (grid.rows * (cell_height + gap)),
    )


def pan(view: PanZoom, grid: CellGrid, dx: float, dy: float) -> None:
    """Move the content with the hand; it stops at its edges."""
    if view.scale is None:
        return
    view.middle = (
        _held(view.middle[0] - dx / grid.width, grid.body.width() / grid.width),
        _held(view.middle[1] - dy / grid.height, grid.body.height() / grid.height),
    )


def _held(middle: float, share: float) -> float:
    """The middle, kept where a window of this share of the whole stays inside."""
    half = min(0.5, share / 2)
    return min(1 - half, max(half, middle))


def _start(first: float, room: float, total: float, middle: float, ratio: float) -> float:
    """Left or top edge of content of a total length in a room, on a device pixel."""
    if total <= room:
        start = first + (room - total) / 2
    else:
        start = first + room / 2 - _held(middle, room / total) * total
    return round(start * ratio) / ratio


def _touched(low: float, high: float, first: float, pitch: float, count: int) -> range:
    start = max(0, math.floor((low - first) / pitch))
    return range(start, min(count, math.ceil((high - first) / pitch)))


def _fitted(
    body: QRectF,
    rows: int,
    columns: int,
    height: int,
    width: int,
    ratio: float,
    smooth: bool,
) -> tuple[float, int]:
    """Largest scale at which everything is in sight, with the gap that goes with it."""
    scale, gap = 1.0, 0
    for gap in (2, 1, 0):
        scale = min(
            (body.width() * ratio - (columns - 1) * gap) / (columns * width),
            (body.height() * ratio - (rows - 1) * gap) / (rows * height),
        )
        scale = min(MAX_SCALE, max(scale, 1 / max(height, width)))
        if not smooth:
            scale = whole(scale, fit=True)
        if gap_for(min(height, width) * scale) >= gap:
            break
    return scale, gap


class Zoomable:
    """A part of the canvas that the hand zooms and pans within its place.

    Attributes:
        view: what the hand chose.
        grid: where the cells are now; None where there is nothing to show.
        smooth: whether a free zoom is wanted, or whole pixels.
    """

    view: PanZoom
    grid: CellGrid | None
    smooth: bool

    def fit(self) -> None:
        """Show all of it."""
        self.view.fit()
        self._lay_out()

    def zoom(self, point: QPointF, factor: float) -> None:
        """Zoom about a point of the widget."""
        if self.grid is not None:
            zoom_about(self.view, self.grid, point, factor, smooth=self.smooth)
            self._lay_out()

    def actual(self) -> None:
        """One device pixel for each pixel of the picture."""
        self.view.scale = 1.0
        self._lay_out()

    def pan(self, dx: float, dy: float) -> None:
        """Move with the hand."""
        if self.grid is not None:
            pan(self.view, self.grid, dx, dy)
            self._lay_out()

    def _lay_out(self) -> None:
        """Compute :attr:`grid` anew from place and view."""
        raise NotImplementedError
