"""Row and column headers of a sheet: measured, thinned, and kept beside the cells in sight."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QFont, QFontMetrics, QPainter

if TYPE_CHECKING:
    from genviewer.core.sheet import Sheet
    from genviewer.ui.theme import Colors
    from genviewer.ui.widgets.canvas_geometry import CellGrid

FONT_PIXELS = 12
WIDEST = 120
STEP = 16  # headers widen in steps, so that changing numbers do not shift the sheet
GAP = 4  # px between headers and cells, for the outline of a cell
READABLE = 44  # a header elided to less than this is left out in favour of every n-th
_NUMBER = re.compile(r"[+\-\N{MINUS SIGN}]?[\d.]+")
STRIDES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


class SheetHeaders:
    """Draws the headers of a Sheet around its cells.

    Attributes:
        width: of the row headers, logical pixels; 0 where there are none.
        height: of the column headers; 0 where there are none.
    """

    def __init__(self) -> None:
        self.width = 0
        self.height = 0
        self._font = QFont()

    def set_font(self, font: QFont) -> None:
        """Use the widget's font, a little smaller."""
        self._font = QFont(font)
        self._font.setPixelSize(FONT_PIXELS)
        self._font.setFeature(QFont.Tag("tnum"), 1)

    def measure(self, sheet: Sheet, room: int, *, anew: bool) -> None:
        """Take the size that a Sheet's headers need, the rows' at most a third of ``room``.

        They never get narrower unless ``anew``.
        """
        metrics = QFontMetrics(self._font)
        self.height = metrics.height() + 8 if any(sheet.column_labels) else 0
        if not any(sheet.row_labels):
            self.width = 0
            return
        widest = max(metrics.horizontalAdvance(text) for text in sheet.row_labels) + 12
        widest = -(-widest // STEP) * STEP
        self.width = min(WIDEST, room // 3, widest if anew else max(self.width, widest))

    def column_strip(self, grid: CellGrid) -> QRectF:
        """Where column headers are: above the cells in sight, and a little beyond both ends."""
        shown, over = grid.shown, READABLE / 2
        top = shown.top() - GAP - self.height
        strip = QRectF(shown.left(), top, shown.width(), self.height)
        return strip.adjusted(-over, 0, over, 0)

    def row_strip(self, grid: CellGrid) -> QRectF:
        """Where row headers are: left of the cells in sight."""
        shown = grid.shown
        left = shown.left() - GAP - self.width
        return QRectF(left, shown.top(), self.width, shown.height())

    def paint(
        self, painter: QPainter, exposed: QRectF, grid: CellGrid, sheet: Sheet, colors: Colors
    ) -> None:
        """Draw what lies in ``exposed``, over cells that run out beneath."""
        painter.setFont(self._font)
        painter.setPen(colors.dim_text)
        columns, rows = self.column_strip(grid), self.row_strip(grid)
        if self.height and columns.intersects(exposed):
            painter.setClipRect(columns.intersected(exposed))
            painter.fillRect(columns, colors.canvas)
            self._paint_columns(painter, grid, sheet, columns)
        if self.width and rows.intersects(exposed):
            painter.setClipRect(rows.intersected(exposed))
            painter.fillRect(rows, colors.canvas)
            self._paint_rows(painter, grid, sheet, rows)
        painter.setClipRect(exposed)

    def _paint_columns(
        self, painter: QPainter, grid: CellGrid, sheet: Sheet, strip: QRectF
    ) -> None:
        metrics = QFontMetrics(self._font)
        labels = sheet.column_labels
        pitch = grid.cell_width + grid.gap
        widest = max(metrics.horizontalAdvance(text) for text in labels) + 6
        stride = _stride(pitch, min(widest, READABLE))
        room = pitch * stride - 4
        for column in grid.span(grid.shown)[1]:
            if column % stride or column >= len(labels):
                continue
            middle = grid.rect(column).center().x()
            text = shortened(labels[column], metrics, int(room))
            place = QRectF(middle - room / 2, strip.top(), room, strip.height())
            painter.drawText(place, int(Qt.AlignmentFlag.AlignCenter), text)

    def _paint_rows(self, painter: QPainter, grid: CellGrid, sheet: Sheet, strip: QRectF) -> None:
        metrics = QFontMetrics(self._font)
        labels = sheet.row_labels
        height = metrics.height()
        stride = _stride(grid.cell_height + grid.gap, height)
        flags = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        room = int(strip.width()) - 8
        for row in grid.span(grid.shown)[0]:
            if row % stride or row >= len(labels):
                continue
            middle = grid.rect(row * grid.columns).center().y()
            text = shortened(labels[row], metrics, room)
            place = QRectF(strip.left(), middle - height / 2, room, height)
            painter.drawText(place, flags, text)


def shortened(label: str, metrics: QFontMetrics, room: int) -> str:
    """A header in ``room`` pixels. The number that it ends in stays, for by that it differs from
    those beside it; the name before it gives way.
    """
    elide = Qt.TextElideMode.ElideRight
    name, _, number = label.rpartition(" ")
    if metrics.horizontalAdvance(label) <= room or not name or not _NUMBER.fullmatch(number):
        return metrics.elidedText(label, elide, room)
    left = room - metrics.horizontalAdvance(f" {number}")
    if left < metrics.horizontalAdvance(f"{name[:1]}…"):
        return metrics.elidedText(number, elide, room)
    return f"{metrics.elidedText(name, elide, left)} {number}"


def _stride(pitch: float, needed: float) -> int:
    """Label every n-th, so that each has the room it needs."""
    return next((n for n in STRIDES if pitch * n >= needed), STRIDES[-1])
