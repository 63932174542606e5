"""Keyframes on a line, and where the playing stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QApplication, QWidget

from genviewer.ui import theme
from genviewer.ui.widgets.pixels_to_image import image_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

TILE = 64  # side of a keyframe's picture
GAP = 56  # between two pictures, where the seconds stand
EDGE = 12
RULER = 20  # the band above the pictures where the playing stands and can be moved
FOOT = 18


class KeyframeStrip(QWidget):
    """Pictures of the keyframes from left to right; the ways between them are equally wide.

    Signals:
        chosen(int): a keyframe is to be the current sample, and the one that is edited.
        scrubbed(float, bool): the hand is at this place, in keyframes (1.5 is half-way from the
            second to the third); the bool tells that the hand has let go.
        moved(int, int): a keyframe is to be at another place.
        removed(int): a keyframe is to go.
        menu_wanted(int, QPoint): a context menu for a keyframe, at this global position.
    """

    chosen = Signal(int)
    scrubbed = Signal(float, bool)
    moved = Signal(int, int)
    removed = Signal(int)
    menu_wanted = Signal(int, QPoint)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAccessibleName("Keyframes")
        self._pictures: list[QImage] = []
        self._labels: list[str] = []
        self._loop = False
        self._current = -1
        self._place: float | None = None
        self._drag: tuple[str, int, QPointF] | None = None
        self._target: int | None = None

    # what is shown

    def set_keyframes(
        self, pictures: Sequence[NDArray[np.uint8]], labels: Sequence[str], *, loop: bool
    ) -> None:
        """Show keyframes, uint8 (H, W, C) each, and what stands between each and the next."""
        self._pictures = [image_of(pixels) for pixels in pictures]
        self._labels, self._loop = list(labels), loop
        self._current = min(self._current, len(self._pictures) - 1)
        self.setMinimumWidth(self.sizeHint().width())
        self.updateGeometry()
        self.update()

    def set_current(self, index: int) -> None:
        """Mark the keyframe that is edited; -1 for none."""
        if index != self._current:
            self._current = index
            self.update()

    def set_place(self, place: float | None) -> None:
        """Where the playing stands, in keyframes; None hides it."""
        if place != self._place:
            self._place = place
            self.update()

    @property
    def current(self) -> int:
        """The keyframe that is edited; -1 for none."""
        return self._current

    def tile(self, index: int) -> QRect:
        """Where a keyframe's picture is."""
        return QRect(EDGE + index * (TILE + GAP), RULER, TILE, TILE)

    def x_of(self, place: float) -> float:
        """The horizontal position of a place in keyframes."""
        return EDGE + TILE / 2 + place * (TILE + GAP)

    def sizeHint(self) -> QSize:
        ways = len(self._pictures) - (not self._loop)
        width = 2 * EDGE + len(self._pictures) * TILE + max(0, ways) * GAP
        if self._loop:
            width += TILE // 2
        return QSize(max(200, width), RULER + TILE + FOOT)

    def minimumSizeHint(self) -> QSize:
        return QSize(200, RULER + TILE + FOOT)

    # painting

    def paintEvent(self, event: QPaintEvent) -> None:
        c = theme.colors()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), c.panel)
        count = len(self._pictures)
        if not count:
            painter.setPen(c.dim_text)
            text = "No keyframes yet. Add the current sample, or pins from their menu."
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, text)
            return
        self._paint_ruler(painter)
        for index in range(count):
            self._paint_tile(painter, index)
            if index < count - 1 or (self._loop and count > 1):
                self._paint_way(painter, index)
        if self._target is not None:
            x = self.tile(self._target).left() - GAP / 2
            painter.setPen(QPen(c.accent, 3))
            painter.drawLine(QPointF(x, RULER), QPointF(x, RULER + TILE))
        if self._place is not None:
            x = self.x_of(self._place)
            painter.setPen(QPen(c.accent, 2))
            painter.drawLine(QPointF(x, RULER / 2), QPointF(x, RULER + TILE))
            painter.setBrush(c.accent)
            painter.drawEllipse(QPointF(x, RULER / 2), 5, 5)

    def _paint_ruler(self, painter: QPainter) -> None:
        c = theme.colors()
        end = len(self._pictures) - (0 if self._loop and len(self._pictures) > 1 else 1)
        painter.setPen(QPen(c.line, 2))
        y = RULER / 2
        painter.drawLine(QPointF(self.x_of(0), y), QPointF(self.x_of(end), y))
        painter.setBrush(c.dim_text)
        painter.setPen(Qt.PenStyle.NoPen)
        for place in range(end + 1):
            painter.drawEllipse(QPointF(self.x_of(place), y), 2.5, 2.5)

    def _paint_tile(self, painter: QPainter, index: int) -> None:
        c = theme.colors()
        place, picture = QRectF(self.tile(index)), self._pictures[index]
        painter.fillRect(place, c.canvas)
        scale = TILE / max(picture.width(), picture.height(), 1)
        size = QRectF(0, 0, picture.width() * scale, picture.height() * scale)
        size.moveCenter(place.center())
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, scale < 1)
        painter.drawImage(size, picture)
        current = index == self._current
        pen = QPen(c.accent if current else c.line, 2 if current else 1)
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(place.adjusted(0.5, 0.5, -0.5, -0.5))
        painter.setPen(c.text if current else c.dim_text)
        foot = QRectF(place.left() - GAP / 2, place.bottom(), TILE + GAP, FOOT)
        painter.drawText(foot, Qt.AlignmentFlag.AlignCenter, str(index + 1))

    def _paint_way(self, painter: QPainter, index: int) -> None:
        c = theme.colors()
        tile = QRectF(self.tile(index))
        room = QRectF(tile.right() + 2, tile.top(), GAP - 4, TILE)
        painter.setPen(c.dim_text)
        flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
        painter.drawText(room, int(flags), self._labels[index])

    # the hand

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton or not self._pictures:
            return
        point = event.position()
        index = self._tile_at(point)
        if index >= 0:
            self._drag = ("tile", index, point)
        else:
            self._drag = ("scrub", -1, point)
            self.scrubbed.emit(self._place_at(point), False)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        point = event.position()
        if self._drag is None:
            over = self._tile_at(point) >= 0
            shape = Qt.CursorShape.PointingHandCursor if over else Qt.CursorShape.SplitHCursor
            self.setCursor(shape if self._pictures else Qt.CursorShape.ArrowCursor)
            return
        kind, _, start = self._drag
        if kind == "scrub":
            self.scrubbed.emit(self._place_at(point), False)
        elif (point - start).manhattanLength() >= QApplication.startDragDistance():
            before = round((point.x() - EDGE + GAP / 2) / (TILE + GAP))
            self._target = max(0, min(before, len(self._pictures)))
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._drag is None or event.button() != Qt.MouseButton.LeftButton:
            return
        (kind, index, _), self._drag = self._drag, None
        target, self._target = self._target, None
        if kind == "scrub":
            self.scrubbed.emit(self._place_at(event.position()), True)
        elif target is None:
            self.set_current(index)
            self.chosen.emit(index)
        else:
            to = target - (target > index)
            if to != index:
                self.moved.emit(index, to)
        self.update()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        keyboard = event.reason() == QContextMenuEvent.Reason.Keyboard
        index = self._current if keyboard else self._tile_at(QPointF(event.pos()))
        if index >= 0:
            below = self.mapToGlobal(self.tile(index).center())
            self.menu_wanted.emit(index, below if keyboard else event.globalPos())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, count, current = event.key(), len(self._pictures), self._current
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(key), 0)
        if count and step:
            to = max(0, min(current + step, count - 1))
            if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
                if current >= 0 and to != current:
                    self._current = to
                    self.moved.emit(current, to)
            else:
                self.set_current(to)
                self.chosen.emit(to)
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace) and current >= 0:
            self.removed.emit(current)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and current >= 0:
            self.chosen.emit(current)
        else:
            super().keyPressEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.update()

    def _tile_at(self, point: QPointF) -> int:
        inside = (k for k in range(len(self._pictures)) if self.tile(k).contains(point.toPoint()))
        return next(inside, -1)

    def _place_at(self, point: QPointF) -> float:
        end = len(self._pictures) - (0 if self._loop and len(self._pictures) > 1 else 1)
        place = (point.x() - self.x_of(0)) / (TILE + GAP)
        return max(0.0, min(place, float(end)))
