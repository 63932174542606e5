"""Samples over the steps of a training: a row for each Recipe, a column for each step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QHelpEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from genviewer.ui import theme
from genviewer.ui.widgets.pixels_to_image import image_of
from genviewer.ui.widgets.timeline_columns import GAP, HEAD, TILE, Columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

PITCH = TILE + GAP
TOP = 4


class TimelineStrip(QWidget):
    """Tiles below the slider's steps.

    Signals:
        chosen(int, int): row and step of a tile that is to be looked at.
        tiles_wanted(): other steps have room for a tile now, or there are others.
    """

    chosen = Signal(int, int)
    tiles_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)
        self.setAccessibleName("Samples over the training")
        self._steps: tuple[int, ...] = ()
        self._current: int | None = None
        self._names: tuple[str, ...] = ()
        self._pictures: dict[tuple[int, int], QImage] = {}
        self._hover: tuple[int, int] | None = None
        self._cursor: tuple[int, int] = (0, 0)  # row and step that the keyboard is at
        self._tiled: tuple[int, ...] = ()  # the steps that have room for tiles

    # values in

    def set_steps(self, steps: Sequence[int]) -> None:
        """The steps that can be looked at, ascending."""
        if tuple(steps) != self._steps:
            self._steps = tuple(steps)
            wanted = frozenset(steps)
            self._pictures = {k: v for k, v in self._pictures.items() if k[1] in wanted}
            self._place_tiles()

    def set_current(self, step: int | None) -> None:
        """The step that is looked at; None for the newest."""
        if step != self._current:
            self._current = step
            self.update()

    def set_rows(self, names: Sequence[str]) -> None:
        """The rows, from top to bottom; their pictures come by :meth:`set_picture`."""
        self._names = tuple(names)
        self._pictures.clear()
        self._cursor = (min(self._cursor[0], max(len(names) - 1, 0)), self._cursor[1])
        self.setMinimumHeight(self.sizeHint().height())
        self.updateGeometry()
        self.update()

    def set_picture(self, row: int, step: int, pixels: NDArray[np.uint8] | None) -> None:
        """Show a tile, uint8 (H, W, C), or that it is being drawn: None."""
        if pixels is None:
            self._pictures.pop((row, step), None)
        else:
            self._pictures[row, step] = image_of(pixels)
        self.update()

    # values out

    @property
    def tiled_steps(self) -> tuple[int, ...]:
        """The steps that have room for tiles."""
        return self._tiled

    def tile(self, row: int, step: int) -> QRectF:
        """Where a tile is."""
        x = self._columns.x(self._steps.index(step))
        return QRectF(round(x - TILE / 2), TOP + row * PITCH, TILE, TILE)

    def shows(self, row: int, step: int) -> bool:
        """Whether a tile has its picture."""
        return (row, step) in self._pictures

    def sizeHint(self) -> QSize:
        return QSize(400, TOP + max(len(self._names), 1) * PITCH)

    def minimumSizeHint(self) -> QSize:
        return QSize(280, self.sizeHint().height())

    @property
    def _columns(self) -> Columns:
        return Columns(len(self._steps), self.width())

    def _place_tiles(self) -> None:
        before = self._tiled
        self._tiled = tuple(self._steps[place] for place in self._columns.tiled)
        if self._tiled and self._cursor[1] not in self._tiled:
            self._cursor = (self._cursor[0], self._tiled[-1])
        self.update()
        if before != self._tiled:
            self.tiles_wanted.emit()

    # painting

    def paintEvent(self, event: QPaintEvent) -> None:
        c = theme.colors()
        painter = QPainter(self)
        painter.fillRect(event.rect(), c.panel)
        if not self._steps:
            return
        columns = self._columns
        if self._current in self._steps:
            x = columns.x(self._steps.index(self._current))
            painter.setPen(QPen(c.accent, 1))
            painter.drawLine(QPointF(x, 0), QPointF(x, self.height()))
        first = max((event.rect().top() - TOP) // PITCH, 0)
        last = min((event.rect().bottom() - TOP) // PITCH + 1, len(self._names))
        for row in range(first, last):
            painter.setPen(c.text if row == 0 else c.dim_text)
            box = QRectF(12, TOP + row * PITCH, HEAD - 16, TILE)
            name = self.fontMetrics().elidedText(
                self._names[row], Qt.TextElideMode.ElideRight, int(box.width())
            )
            painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, name)
            for step in self.tiled_steps:
                self._paint_tile(painter, row, step)

    def _paint_tile(self, painter: QPainter, row: int, step: int) -> None:
        c, place = theme.colors(), self.tile(row, step)
        painter.fillRect(place, c.canvas)
        picture = self._pictures.get((row, step))
        if picture is not None:
            scale = TILE / max(picture.width(), picture.height(), 1)
            size = QRectF(0, 0, picture.width() * scale, picture.height() * scale)
            size.moveCenter(place.center())
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, scale < 1)
            painter.drawImage(size, picture)
        current = step == self._current
        at_keys = self.hasFocus() and self._cursor == (row, step)
        if current or at_keys or self._hover == (row, step):
            painter.setPen(QPen(c.accent if current or at_keys else c.dim_text, 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(place.adjusted(1, 1, -1, -1))

    # the hand

    def _tile_at(self, point: QPointF) -> tuple[int, int] | None:
        row = int(point.y() - TOP) // PITCH
        if not 0 <= row < len(self._names):
            return None
        for step in self.tiled_steps:
            if self.tile(row, step).contains(point):
                return row, step
        return None

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        found = self._tile_at(event.position())
        if event.button() == Qt.MouseButton.LeftButton and found is not None:
            self._cursor = found
            self.chosen.emit(*found)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        found = self._tile_at(event.position())
        if found != self._hover:
            self._hover = found
            hand = Qt.CursorShape.PointingHandCursor
            self.setCursor(hand if found is not None else Qt.CursorShape.ArrowCursor)
            self.update()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._hover = None
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = self.tiled_steps
        moves = {
            Qt.Key.Key_Left: (0, -1),
            Qt.Key.Key_Right: (0, 1),
            Qt.Key.Key_Up: (-1, 0),
            Qt.Key.Key_Down: (1, 0),
        }
        move = moves.get(Qt.Key(event.key()))
        if move is not None and steps:
            row = min(max(self._cursor[0] + move[0], 0), len(self._names) - 1)
            place = steps.index(self._cursor[1]) + move[1]
            self._cursor = (row, steps[min(max(place, 0), len(steps) - 1)])
            self.update()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and steps:
            self.chosen.emit(*self._cursor)
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        kind = event.type()
        if kind == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            self._show_tip(event.pos(), event.globalPos())
            return True
        arrows = (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down)
        if kind == QEvent.Type.ShortcutOverride and event.key() in arrows:  # type: ignore[attr-defined]
            event.accept()
            return True
        return super().event(event)

    def _show_tip(self, where: QPoint, globally: QPoint) -> None:
        found = self._tile_at(QPointF(where))
        row = (where.y() - TOP) // PITCH
        if found is not None:
            QToolTip.showText(globally, f"{self._names[found[0]]}, step {found[1]:,}", self)
        elif where.x() < HEAD and 0 <= row < len(self._names):
            QToolTip.showText(globally, self._names[row], self)
        else:
            QToolTip.hideText()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place_tiles()
