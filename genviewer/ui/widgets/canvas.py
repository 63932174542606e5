"""The canvas: shows the samples, and says what the hand wants of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QApplication, QWidget

from genviewer.ui.widgets.canvas_moves import CanvasMoves, Part, new_key
from genviewer.ui.widgets.focus_picture import FocusPicture
from genviewer.ui.widgets.map_picture import MapPicture

NOTCH = 120  # QWheelEvent.angleDelta of one step of a wheel
ZOOM_PER_NOTCH = 1.2
NUDGE = 0.04  # of the picture's side or the Map's extent, per arrow key
FINE = 0.2
ARROWS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, 1),
    Qt.Key.Key_Down: (0, -1),
}


@dataclass
class Gesture:
    """A pressed button and what its drag does; a drag that has not begun is a click."""

    kind: Literal["image", "cells", "map", "cursor", "pan"]
    part: Part
    start: QPointF
    last: QPointF
    key: str
    moved: bool = False


class Canvas(CanvasMoves):
    """Focus sample, sheet and Map under the hand: pick, drag, pan, zoom. GUI thread only.

    Every gesture has a ``key`` of its own, so that what it did becomes one undo step.

    Signals:
        cell_clicked(cell): a cell was picked, by a click or with Enter.
        cell_hovered(cell): the pointer is over another cell, -1 for none.
        context_menu_wanted(cell, global position): -1 for the focus sample.
        dragged_on_image(dx, dy, fine, key): the hand moved on the focus sample since the last
            such signal, in fractions of its displayed width and height, to the right and up.
    """

    cell_clicked = Signal(int)
    cell_hovered = Signal(int)
    context_menu_wanted = Signal(int, QPoint)
    dragged_on_image = Signal(float, float, bool, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAccessibleName("Canvas")
        self._gesture: Gesture | None = None
        self._space = False
        self._arrow_key = ""

    # Mouse.

    def mousePressEvent(self, event: QMouseEvent) -> None:
        point = event.position()
        part = self._part_at(point)
        if part is None or self._gesture is not None:
            return
        button = event.button()
        kind: Literal["image", "cells", "map", "cursor", "pan"]
        if button == Qt.MouseButton.MiddleButton or (
            button == Qt.MouseButton.LeftButton and self._space
        ):
            kind = "pan"
        elif button != Qt.MouseButton.LeftButton:
            return
        elif isinstance(part, FocusPicture):
            if not part.rect.contains(point.toPoint()):
                return
            kind = "image"
        elif isinstance(part, MapPicture):
            if part.port is None or not part.port.rect.contains(point):
                return
            kind = "cursor" if part.on_cursor(point) else "map"
        else:
            kind = "cells"
        self._gesture = Gesture(kind, part, point, point, new_key(kind))
        if kind == "pan":
            self._gesture.moved = True
        self._point_with(point)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        point = event.position()
        gesture = self._gesture
        if gesture is None:
            self._hover_at(point)
            self._point_with(point)
            return
        if not gesture.moved:
            away = (point - gesture.start).manhattanLength()
            if away < QApplication.startDragDistance():
                return
            gesture.moved = True
            if gesture.kind in ("cells", "map"):
                self._announce_hover(-1)
            self._point_with(point)
        delta = point - gesture.last
        gesture.last = point
        part = gesture.part
        if gesture.kind == "image" and isinstance(part, FocusPicture) and part.grid is not None:
            fine = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            dx, dy = delta.x() / part.grid.width, -delta.y() / part.grid.height
            self.dragged_on_image.emit(dx, dy, fine, gesture.key)
        elif gesture.kind == "cursor" and isinstance(part, MapPicture) and part.port is not None:
            self._move_cursor(part.port.plane(point), gesture.key)
        elif gesture.kind in ("cells", "map", "pan"):
            self._pan(part, delta, gesture.key)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        gesture = self._gesture
        wanted = Qt.MouseButton.LeftButton | Qt.MouseButton.MiddleButton
        if gesture is None or event.buttons() & wanted:
            return
        self._gesture = None
        part, point = gesture.part, event.position()
        if not gesture.moved and gesture.kind == "cells":
            cell = self._cell_at(gesture.start)
            if cell >= 0:
                self._set_cell_cursor(cell)
                self.cell_clicked.emit(cell)
        elif not gesture.moved and isinstance(part, MapPicture) and gesture.kind == "map":
            if part.port is not None:
                self._move_cursor(part.port.plane(gesture.start), gesture.key)
        self._hover_at(point)
        self._point_with(point)

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._announce_hover(-1)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if event.reason() == QContextMenuEvent.Reason.Keyboard:
            cell = self.sheet_picture.cursor if self._main_part() is self.sheet_picture else -1
            beside = self._cell_rect(cell) if cell >= 0 else QRectF(self.focus_picture.rect)
            where = self.mapToGlobal(beside.center().toPoint())
        else:
            point = QPointF(event.pos())
            cell = self._cell_at(point)
            on_focus = isinstance(self._part_at(point), FocusPicture)
            if cell < 0 and not on_focus:
                return
            where = event.globalPos()
        if cell >= 0 or self.focus_picture.pixels is not None:
            self.context_menu_wanted.emit(cell, where)

    def _cell_at(self, point: QPointF) -> int:
        part = self._part_at(point)
        if isinstance(part, MapPicture):
            return part.cell_at(point)
        if part is None or isinstance(part, FocusPicture) or part.grid is None:
            return -1
        cell = part.grid.cell_at(point)
        has_sample = cell >= 0 and self._sheet is not None and part.holds(cell)
        return cell if has_sample else -1

    def _hover_at(self, point: QPointF) -> None:
        inside = self.rect().contains(point.toPoint())
        part = self._part_at(point) if inside else None
        if isinstance(part, MapPicture) and part.on_cursor(point):
            self._announce_hover(-1)
        else:
            self._announce_hover(self._cell_at(point) if inside else -1)

    def _announce_hover(self, cell: int) -> None:
        if self._set_hover(cell):
            self.cell_hovered.emit(cell)

    def _point_with(self, point: QPointF) -> None:
        """Let the pointer say what a press would do."""
        part, gesture = self._part_at(point), self._gesture
        shape = Qt.CursorShape.ArrowCursor
        if gesture is not None and (gesture.moved or gesture.kind in ("image", "cursor")):
            shape = Qt.CursorShape.ClosedHandCursor
        elif self._space and part is not None:
            shape = Qt.CursorShape.OpenHandCursor
        elif isinstance(part, FocusPicture):
            if part.rect.contains(point.toPoint()):
                shape = Qt.CursorShape.OpenHandCursor
        elif isinstance(part, MapPicture):
            if part.on_cursor(point):
                shape = Qt.CursorShape.OpenHandCursor
            elif part.port is not None and part.port.rect.contains(point):
                shape = Qt.CursorShape.CrossCursor
        elif self._cell_at(point) >= 0:
            shape = Qt.CursorShape.PointingHandCursor
        if self.cursor().shape() != shape:
            self.setCursor(shape)

    # Wheel and touchpad.

    def wheelEvent(self, event: QWheelEvent) -> None:
        point = event.position()
        part = self._part_at(point)
        if part is None:
            event.ignore()
            return
        modifiers = event.modifiers()
        fingers = event.pixelDelta()
        scrolling = not fingers.isNull() or event.phase() != Qt.ScrollPhase.NoScrollPhase
        angle = event.angleDelta()
        if modifiers & Qt.KeyboardModifier.ControlModifier or not (
            scrolling or modifiers & Qt.KeyboardModifier.ShiftModifier
        ):
            # Alt turns a vertical wheel into a horizontal one on some systems.
            notches = (angle.y() or angle.x()) / NOTCH
            if notches:
                self._zoom(part, point, ZOOM_PER_NOTCH**notches)
        else:
            delta = QPointF(fingers) if not fingers.isNull() else QPointF(angle) * 0.5
            if modifiers & Qt.KeyboardModifier.ShiftModifier and not delta.x():
                delta = QPointF(delta.y(), 0)
            self._scroll(part, delta)
        event.accept()
        if self._gesture is None:
            self._hover_at(point)

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QNativeGestureEvent):
            if event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture:
                part = self._part_at(event.position())
                if part is not None:
                    self._zoom(part, event.position(), 1 + event.value())
                return True
        return super().event(event)

    # Keyboard.

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, plain = event.key(), event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        shift = plain == Qt.KeyboardModifier.ShiftModifier
        if key in ARROWS and (shift or plain == Qt.KeyboardModifier.NoModifier):
            self._arrow(Qt.Key(key), fine=shift, repeated=event.isAutoRepeat())
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.sheet_picture.cursor >= 0:
            self.cell_clicked.emit(self.sheet_picture.cursor)
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.zoom_by(ZOOM_PER_NOTCH)
        elif key == Qt.Key.Key_Minus:
            self.zoom_by(1 / ZOOM_PER_NOTCH)
        elif key == Qt.Key.Key_0:
            self.actual_pixels()
        elif key == Qt.Key.Key_Home:
            self.fit()
        elif key == Qt.Key.Key_Space:
            self._space = True
            self._point_with(QPointF(self.mapFromGlobal(self.cursor().pos())))
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self._space = False
            self._point_with(QPointF(self.mapFromGlobal(self.cursor().pos())))
        else:
            super().keyReleaseEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.update(self.sheet_picture.outline_rect(self.sheet_picture.cursor))

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._space = False
        self.update(self.sheet_picture.outline_rect(self.sheet_picture.cursor))

    def _arrow(self, key: Qt.Key, *, fine: bool, repeated: bool) -> None:
        x, y = ARROWS[key]
        if not repeated or not self._arrow_key:
            self._arrow_key = new_key("arrow")
        part = self._main_part()
        if isinstance(part, FocusPicture):
            if part.pixels is not None:
                self.dragged_on_image.emit(x * NUDGE, y * NUDGE, fine, self._arrow_key)
        elif isinstance(part, MapPicture):
            at, (_, extent) = part.cursor.value, part.window.value
            step = extent * NUDGE * (FINE if fine else 1)
            self._move_cursor((at[0] + x * step, at[1] + y * step), self._arrow_key)
        elif self._sheet is not None:
            start = self._sheet.focus_cell or 0
            if part.cursor < 0:
                self._set_cell_cursor(start)
                return
            row, column = divmod(part.cursor, self._sheet.columns)
            row = min(self._sheet.rows - 1, max(0, row - y))
            column = min(self._sheet.columns - 1, max(0, column + x))
            cell = row * self._sheet.columns + column
            if part.holds(cell):
                self._set_cell_cursor(cell)

    def _set_cell_cursor(self, cell: int) -> None:
        part = self.sheet_picture
        stale = part.outline_rect(part.cursor)
        part.cursor = cell
        grid = part.grid
        part.reveal(cell)
        if part.grid != grid:
            self.update(part.area)
        self.update(stale)
        self.update(part.outline_rect(cell))
