"""What the canvas shows: the focus sample, the sheet or Map beside it, hints and failures.

Nothing here listens to the hand; :mod:`genviewer.ui.widgets.canvas` adds that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QRegion, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from genviewer.ui import theme
from genviewer.ui.widgets.canvas_geometry import PADDING, split
from genviewer.ui.widgets.canvas_notes import chip_rect, paint_chip, paint_failure, paint_hint
from genviewer.ui.widgets.focus_picture import FocusPicture
from genviewer.ui.widgets.map_picture import MapPicture, map_body
from genviewer.ui.widgets.mosaic import Mosaic
from genviewer.ui.widgets.sheet_picture import SheetPicture, placeholder

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from genviewer.core.scene import ViewName
    from genviewer.core.sheet import Sheet


class CanvasView(QWidget):
    """Paints pictures and only what changed of them. GUI thread only.

    Signals:
        painted: a paint event that showed a new focus sample, or why there is none, is over.
        view_aspect_changed: width over height of the place for a sheet changed.
    """

    painted = Signal()
    view_aspect_changed = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(200, 160)
        self.focus_picture = FocusPicture()
        self.mosaic = Mosaic()
        self.sheet_picture = SheetPicture(self.mosaic)
        self.map_picture = MapPicture(self.mosaic)
        self._view: ViewName = "focus"
        self._beside = True
        self._smooth = False
        self._hint: str | None = None
        self._sheet: Sheet | None = None
        self._new_view = True
        self._sheet_aspect: float | None = None
        self._unpainted = False
        self._hover = -1
        self._chip = QRect()
        self._chip_text = ""
        self._hover_text: Callable[[int], str] | None = None
        self._aspect = 0.0

    # Values in.

    def show_focus(self, pixels: NDArray[np.uint8]) -> None:
        """Show the current sample, uint8 (H, W, C). The array must not change afterwards."""
        failed = self.focus_picture.failure is not None
        anew = self.focus_picture.show(pixels)
        self._unpainted = True
        if failed or self._hint is not None:
            self.update()
        else:
            self.update(self.focus_picture.area if anew else self.focus_picture.rect)

    def show_failure(self, text: str) -> None:
        """Say in one sentence why there is no new sample; the old picture is dimmed."""
        self.focus_picture.failure = text
        self._unpainted = True
        self.update()

    def begin_sheet(
        self, sheet: Sheet, height: int, width: int, channels: int, *, keep: bool = True
    ) -> None:
        """Take a Sheet whose tiles will come, each ``height`` x ``width`` x ``channels``.

        Tiles of the Sheet before it stay until they are overwritten, unless the view changed or
        ``keep`` says that they mean nothing any more. The one cell of the Focus view is
        :meth:`show_focus`'s, and passed over.
        """
        if self._view == "focus" and sheet.rows * sheet.columns == 1:
            return
        before = self._sheet
        same_view = not self._new_view and before is not None and _kind(before) == _kind(sheet)
        self._new_view = False
        self._sheet = sheet
        # With headers on both sides a sheet has a shape of its own; others follow the canvas.
        fixed = bool(sheet.row_labels and sheet.column_labels)
        shape = sheet.columns * width / (sheet.rows * height) if fixed else None
        if shape != self._sheet_aspect:
            self._sheet_aspect = shape
            self._place()
        self.mosaic.begin(
            sheet,
            height,
            width,
            channels,
            empty=placeholder(theme.colors()),
            keep=keep and same_view,
        )
        if sheet.map_frame is not None:
            self.sheet_picture.clear()
            changed = self.map_picture.begin(sheet, height, width, keep=same_view)
        else:
            self.map_picture.clear()
            changed = self.sheet_picture.begin(sheet, height, width, keep=same_view)
        if not same_view or self._hover >= sheet.rows * sheet.columns:
            self._set_hover(-1)
        self._renew_chip()
        if changed is None or not keep:
            self.update(self._sheet_area())
        elif not changed.isEmpty():
            self.update(changed)

    def show_tiles(self, cells: NDArray[np.integer], pixels: NDArray[np.uint8]) -> None:
        """Show uint8 (n, H, W, C) tiles in n flat cells of the Sheet begun last."""
        if self._sheet is None:
            return
        cells = np.asarray(cells)
        self.mosaic.write(cells, pixels)
        part = self.map_picture if self.is_map else self.sheet_picture
        region = part.region(cells)
        if not region.isEmpty():
            self.update(region)

    def set_view(self, name: ViewName) -> None:
        """Show the focus sample alone, or with the sheet of another view."""
        if name == self._view:
            return
        self._view = name
        self._new_view = True
        self._set_hover(-1)
        self._place()

    def set_focus_beside(self, beside: bool) -> None:
        """Whether sheets leave room for the focus sample."""
        self._beside = beside
        self._place()

    def set_smooth(self, smooth: bool) -> None:
        """Smooth pictures and free zoom, or whole pixels."""
        self._smooth = smooth
        self._place()

    def set_hint(self, text: str | None) -> None:
        """What to say while there is nothing to show; with it, pictures are forgotten."""
        self._hint = text
        if text is not None:
            self.focus_picture.clear()
            self.sheet_picture.clear()
            self.map_picture.clear()
            self.mosaic.forget()
            self._sheet = None
            self._new_view = True
            self._set_hover(-1)
        self.update()

    def set_hover_text_source(self, source: Callable[[int], str] | None) -> None:
        """What gives the text of a cell's chip; without one it is the Sheet's label."""
        self._hover_text = source

    # Values out.

    @property
    def view(self) -> ViewName:
        """The view that is shown."""
        return self._view

    @property
    def is_map(self) -> bool:
        """Whether the sheet is a Map."""
        return self._sheet is not None and self._sheet.map_frame is not None

    @property
    def view_aspect(self) -> float:
        """Width over height of the place that a sheet of this view has."""
        area = self._split()[1]
        inside = (
            map_body(area)
            if self._view == "map"
            else QRectF(area.adjusted(PADDING, PADDING, -PADDING, -PADDING))
        )
        return max(1.0, inside.width()) / max(1.0, inside.height())

    def focus_pixels(self) -> NDArray[np.uint8] | None:
        """The current sample as it was given, None where there is none."""
        return self.focus_picture.pixels

    def cell_pixels(self, index: int) -> NDArray[np.uint8] | None:
        """A cell's sample, uint8 (h, w, C), smaller than it came where the sheet is very large."""
        return self.mosaic.tile(index) if self._sheet is not None else None

    def sheet_image(self) -> NDArray[np.uint8] | None:
        """All cells without gaps, uint8 (rows * h, columns * w, C); None without a sheet."""
        return self.mosaic.array() if self._sheet is not None else None

    # Painting.

    def paintEvent(self, event: QPaintEvent) -> None:
        colors = theme.colors()
        region = event.region()
        exposed = region.boundingRect()
        painter = QPainter(self)
        picture = self.focus_picture
        if self._hint is not None and picture.pixels is None:
            painter.fillRect(exposed, colors.canvas)
            paint_hint(painter, self.rect(), colors, self._hint)
            painter.end()
            return
        if not self._covered_by_focus(exposed):
            painter.fillRect(exposed, colors.canvas)
        # The focus sample and some cells change together: what lies between them has not.
        of_focus = (region & picture.area).boundingRect()
        if not of_focus.isEmpty():
            picture.paint(painter, of_focus)
        area = self._sheet_area()
        if self._view != "focus":
            of_sheet = (region & area).boundingRect()
            if not of_sheet.isEmpty():
                if self.is_map:
                    self.map_picture.paint(painter, of_sheet, colors)
                else:
                    self.sheet_picture.paint(painter, of_sheet, colors, focused=self.hasFocus())
            self._paint_hairline(painter, area, colors)
        if picture.failure is not None:
            room = picture.area if not picture.area.isEmpty() else self.rect()
            paint_failure(painter, room, colors, picture.failure)
        if self._hover >= 0 and self._chip.intersects(exposed):
            paint_chip(painter, self._chip, colors, self._chip_text)
        painter.end()
        if self._unpainted and (picture.rect.isEmpty() or region.intersects(picture.rect)):
            self._unpainted = False
            self.painted.emit()

    def _covered_by_focus(self, exposed: QRect) -> bool:
        picture = self.focus_picture
        opaque = picture.pixels is not None and picture.pixels.shape[-1] != 4
        return opaque and picture.failure is None and picture.rect.contains(exposed)

    def _paint_hairline(self, painter: QPainter, area: QRect, colors: theme.Colors) -> None:
        focus = self.focus_picture.area
        if focus.isEmpty():
            return
        if area.left() > focus.right():
            painter.fillRect(QRect(focus.right() + 1, 0, 1, self.height()), colors.line)
        else:
            painter.fillRect(QRect(0, focus.bottom() + 1, self.width(), 1), colors.line)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._place()
        elif event.type() == QEvent.Type.PaletteChange:
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(900, 640)

    # Layout.

    def _split(self) -> tuple[QRect, QRect]:
        """Places of the focus sample and of the sheet; an empty one is not shown."""
        if self._view == "focus":
            return self.rect(), QRect()
        if not self._beside:
            return QRect(), self.rect()
        return split(self.rect(), None if self._new_view else self._sheet_aspect)

    def _sheet_area(self) -> QRect:
        return self._split()[1]

    def _place(self) -> None:
        focus, area = self._split()
        ratio = self.devicePixelRatioF()
        self.focus_picture.place(focus, ratio, smooth=self._smooth)
        self.sheet_picture.place(area, ratio, self.font(), smooth=self._smooth)
        self.map_picture.place(area, self.font(), smooth=self._smooth)
        self._place_chip()
        self.update()
        aspect = self.view_aspect
        if self._view != "focus" and abs(aspect - self._aspect) > 0.01:
            self._aspect = aspect
            self.view_aspect_changed.emit(aspect)

    def _cell_rect(self, index: int) -> QRectF:
        if self.is_map:
            return self.map_picture.cell_rect(index)
        grid = self.sheet_picture.grid
        return grid.rect(index) if grid is not None and index >= 0 else QRectF()

    def _hover_region(self) -> QRegion:
        outline = self._cell_rect(self._hover).toAlignedRect().adjusted(-4, -4, 4, 4)
        return QRegion(outline) + self._chip if self._hover >= 0 else QRegion()

    def _set_hover(self, cell: int) -> bool:
        """Outline a cell and say what it is; True where that is another cell than before."""
        if cell == self._hover:
            return False
        stale = self._hover_region()
        self._hover = self.sheet_picture.hover = self.map_picture.hover = cell
        self._chip_text = self._text_of(cell)
        self._place_chip()
        changed = stale + self._hover_region()
        if not changed.isEmpty():
            self.update(changed)
        return True

    def _renew_chip(self) -> None:
        """Follow what the hovered cell has become."""
        text = self._text_of(self._hover)
        if text != self._chip_text:
            stale = self._chip
            self._chip_text = text
            self._place_chip()
            self.update(QRegion(stale) + self._chip)

    def _text_of(self, cell: int) -> str:
        if cell < 0 or self._sheet is None:
            return ""
        source = self._hover_text or self._sheet.label
        return source(cell)

    def _place_chip(self) -> None:
        self._chip = QRect()
        if self._hover >= 0 and self._chip_text:
            beside = self._cell_rect(self._hover)
            metrics = QFontMetrics(self.font())
            self._chip = chip_rect(metrics, self._chip_text, beside, self.rect())

    def _part_at(self, point: QPointF) -> FocusPicture | SheetPicture | MapPicture | None:
        """What lies under a point of the widget."""
        if self._view == "focus" or self.focus_picture.area.contains(point.toPoint()):
            return self.focus_picture if self.focus_picture.grid is not None else None
        if self._sheet is None:
            return None
        return self.map_picture if self.is_map else self.sheet_picture


def _kind(sheet: Sheet) -> tuple[bool, bool, bool]:
    """Sheets of different kinds have nothing in common that could stay."""
    return bool(sheet.row_labels), bool(sheet.column_labels), sheet.map_frame is not None
