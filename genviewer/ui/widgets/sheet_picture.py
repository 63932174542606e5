"""The sheet on the canvas: its cells from the mosaic, headers that stay in sight, outlines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPen, QRegion

from genviewer.ui.widgets.canvas_geometry import (
    PADDING,
    CellGrid,
    PanZoom,
    Zoomable,
    lay_out,
)
from genviewer.ui.widgets.sheet_headers import GAP, SheetHeaders

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from genviewer.core.sheet import Sheet
    from genviewer.ui.theme import Colors
    from genviewer.ui.widgets.mosaic import Mosaic

OUTLINE = GAP  # px that the outline of a cell takes around it


class SheetPicture(Zoomable):
    """Draws a Sheet's cells and headers in its place on the canvas.

    Attributes:
        area: its place.
        view: fitted, or the zoom that the hand chose.
        grid: where the cells are; None where there is no sheet.
        hover, cursor: flat cell indices that are outlined, -1 for none.
    """

    def __init__(self, mosaic: Mosaic) -> None:
        self.area = QRect()
        self.view = PanZoom()
        self.grid: CellGrid | None = None
        self.hover = -1
        self.cursor = -1
        self.ratio = 1.0
        self.smooth = False
        self._mosaic = mosaic
        self._sheet: Sheet | None = None
        self._image = (1, 1)
        self._headers = SheetHeaders()

    def place(self, area: QRect, ratio: float, font: QFont, *, smooth: bool) -> None:
        """Give it a place, a device pixel ratio, the widget's font, and whether to smooth."""
        self.area, self.ratio, self.smooth = area, ratio, smooth
        self._headers.set_font(font)
        self._lay_out()

    def begin(self, sheet: Sheet, height: int, width: int, *, keep: bool) -> QRegion | None:
        """Take a Sheet; gives what must be painted anew, None for the whole place."""
        before, old_grid = self._sheet, self.grid
        same = before is not None and (
            (before.rows, before.columns, self._image)
            == (sheet.rows, sheet.columns, (height, width))
        )
        self._sheet, self._image = sheet, (height, width)
        if not keep or not same:
            self.hover = -1
            if self.cursor >= sheet.rows * sheet.columns:
                self.cursor = -1
        if not keep:
            self.view.fit()
            self.cursor = -1
        self._lay_out(anew=not keep or not same)
        if not keep or before is None or self.grid != old_grid or self.grid is None:
            return None
        changed = QRegion()
        if (before.row_labels, before.column_labels) != (sheet.row_labels, sheet.column_labels):
            changed += self._headers.row_strip(self.grid).toAlignedRect()
            changed += self._headers.column_strip(self.grid).toAlignedRect()
        if before.focus_cell != sheet.focus_cell:
            for cell in (before.focus_cell, sheet.focus_cell):
                if cell is not None:
                    changed += self.outline_rect(cell)
        return changed

    @property
    def sheet(self) -> Sheet | None:
        """The Sheet that is shown."""
        return self._sheet

    def clear(self) -> None:
        """Show nothing."""
        self._sheet = self.grid = None
        self.hover = self.cursor = -1

    def reveal(self, index: int) -> None:
        """Pan until a cell is in sight."""
        if self.grid is None:
            return
        rect, body = self.grid.rect(index), self.grid.body
        dx = max(0.0, body.left() - rect.left()) - max(0.0, rect.right() - body.right())
        dy = max(0.0, body.top() - rect.top()) - max(0.0, rect.bottom() - body.bottom())
        if dx or dy:
            self.pan(dx, dy)

    def region(self, cells: NDArray[np.integer]) -> QRegion:
        """What the cells cover of the widget."""
        grid = self.grid
        if grid is None or not len(cells):
            return QRegion()
        region = QRegion()
        rows, columns = cells // grid.columns, cells % grid.columns
        for row in set(rows.tolist()):
            touched = columns[rows == row]
            first = grid.rect(row * grid.columns + int(touched.min()))
            last = grid.rect(row * grid.columns + int(touched.max()))
            run = first.united(last).intersected(grid.body)
            if not run.isEmpty():
                region += run.toAlignedRect()
        return region

    def outline_rect(self, index: int) -> QRect:
        """What a cell covers with its outline."""
        if self.grid is None or index < 0:
            return QRect()
        return self.grid.rect(index).toAlignedRect().adjusted(-OUTLINE, -OUTLINE, OUTLINE, OUTLINE)

    def paint(self, painter: QPainter, exposed: QRect, colors: Colors, *, focused: bool) -> None:
        """Draw what lies in ``exposed``, which is cleared already; ``focused``: show the cursor."""
        grid, sheet = self.grid, self._sheet
        if grid is None or sheet is None:
            return
        painter.save()
        painter.setClipRect(exposed)
        painter.save()
        self._paint_cells(painter, QRectF(exposed), grid, colors)
        painter.restore()
        self._paint_outlines(painter, exposed, grid, sheet, colors, focused=focused)
        self._headers.paint(painter, QRectF(exposed), grid, sheet, colors)
        painter.restore()

    def _paint_cells(
        self, painter: QPainter, exposed: QRectF, grid: CellGrid, colors: Colors
    ) -> None:
        mosaic = self._mosaic
        if mosaic.columns != grid.columns or mosaic.rows != grid.rows:
            return
        stored = mosaic.tile_width / max(1, self._image[1])
        source = mosaic.at_scale(grid.scale / stored)
        smooth = (self.smooth and grid.scale != 1) or not grid.exact or source is not mosaic
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
        rows, columns = grid.span(exposed)
        image, filled = source.image, mosaic.filled
        # Cells on the edge of the body would run out under the headers.
        painter.setClipRect(exposed.intersected(grid.body), Qt.ClipOperation.IntersectClip)
        empty = placeholder(colors)
        width, height = source.tile_width, source.tile_height
        pitch_x, pitch_y = grid.cell_width + grid.gap, grid.cell_height + grid.gap
        whole = grid.gap == 0 and len(rows) * len(columns) > 1
        if whole:  # without gaps, all cells are one picture; what has no tile is bare in it
            block = QRectF(
                columns[0] * width, rows[0] * height, len(columns) * width, len(rows) * height
            )
            first, last = rows[0] * grid.columns, rows[-1] * grid.columns
            target = grid.rect(first + columns[0]).united(grid.rect(last + columns[-1]))
            painter.drawImage(target, image, block)
        for row in rows:
            if whole and filled[row * grid.columns : (row + 1) * grid.columns].all():
                continue
            y = grid.top + row * pitch_y
            for column in columns:
                x = grid.left + column * pitch_x
                target = QRectF(x, y, grid.cell_width, grid.cell_height)
                index = row * grid.columns + column
                if whole:
                    if not self.holds(index):
                        painter.fillRect(target, colors.canvas)
                elif filled[index]:
                    painter.drawImage(
                        target, image, QRectF(column * width, row * height, width, height)
                    )
                elif self.holds(index):
                    painter.fillRect(target, empty)
        painter.setClipRect(exposed)

    def holds(self, index: int) -> bool:
        """Whether the Sheet has a sample for the cell; the last row may be part empty."""
        return self._sheet is not None and (not self._sheet.packs or index < self._sheet.count)

    def _paint_outlines(
        self,
        painter: QPainter,
        exposed: QRect,
        grid: CellGrid,
        sheet: Sheet,
        colors: Colors,
        *,
        focused: bool,
    ) -> None:
        outlines = []
        if self.hover >= 0:
            outlines.append((self.hover, colors.handle, 1))
        if sheet.focus_cell is not None and sheet.rows * sheet.columns > 1:
            outlines.append((sheet.focus_cell, colors.accent, 3 if grid.cell_width > 40 else 2))
        if focused and self.cursor >= 0:
            outlines.append((self.cursor, colors.handle, 2))
        for index, color, width in outlines:
            if not self.outline_rect(index).intersects(exposed):
                continue
            rect = grid.rect(index)
            if not rect.intersects(grid.body.adjusted(-1, -1, 1, 1)):
                continue
            outline(painter, rect, color, width)

    def _lay_out(self, *, anew: bool = False) -> None:
        sheet = self._sheet
        if sheet is None or self.area.isEmpty():
            self.grid = None
            return
        self._headers.measure(sheet, self.area.width(), anew=anew)
        edge = PADDING if self.view.scale is None else 0
        body = QRectF(
            self.area.adjusted(
                max(edge, self._headers.width + GAP if self._headers.width else 0),
                max(edge, self._headers.height + GAP if self._headers.height else 0),
                -edge,
                -edge,
            )
        )
        if body.width() < 8 or body.height() < 8:
            self.grid = None
            return
        self.grid = lay_out(
            body,
            (sheet.rows, sheet.columns),
            self._image,
            self.view,
            ratio=self.ratio,
            smooth=self.smooth,
        )


def placeholder(colors: Colors) -> QColor:
    """The colour of a cell whose sample is still to come."""
    return colors.canvas.lighter(118) if colors.dark else colors.canvas.darker(104)


def outline(painter: QPainter, rect: QRectF, color: QColor, width: int) -> None:
    """A frame around a cell that stands out from any picture."""
    painter.save()
    painter.setBrush(Qt.BrushStyle.NoBrush)
    halo = QColor(0, 0, 0, 160) if color.lightness() > 115 else QColor(255, 255, 255, 220)
    shadow = QPen(halo, width + 2)
    shadow.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
    painter.setPen(shadow)
    half = width / 2
    painter.drawRect(rect.adjusted(-half, -half, half, half))
    pen = QPen(color, width)
    pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
    painter.setPen(pen)
    painter.drawRect(rect.adjusted(-half, -half, half, half))
    painter.restore()
