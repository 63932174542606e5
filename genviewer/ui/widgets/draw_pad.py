"""A pad to draw on with the mouse: brush, eraser, undo."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QImage,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from genviewer.ui import theme
from genviewer.ui.widgets.pixels_to_image import image_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIDE = 280
"""Pixels of the canvas along each side: ten times those of MNIST."""

SIZES = (4, 72)
DEFAULT_SIZE = 22
UNDO_STEPS = 40
KEY_STEP = 7
HINT = "Draw here"
_UNDO_KEYS = (QKeySequence("Ctrl+Z"),)
_REDO_KEYS = (QKeySequence("Ctrl+Shift+Z"), QKeySequence("Ctrl+Y"))
_MOVES = {
    Qt.Key.Key_Left: (-KEY_STEP, 0),
    Qt.Key.Key_Right: (KEY_STEP, 0),
    Qt.Key.Key_Up: (0, -KEY_STEP),
    Qt.Key.Key_Down: (0, KEY_STEP),
}


class DrawPad(QWidget):
    """Black canvas, light brush. A stroke is one undo step.

    Keys: arrows move a pen that Enter puts down and lifts; Delete clears; Ctrl+Z undoes, and
    Ctrl+Y or Ctrl+Shift+Z redoes. The wheel changes the size of the brush.

    Signals:
        drawn: the canvas has changed, also in the middle of a stroke.
        history_changed: there is more or less to undo or redo.
        size_changed: diameter of the brush in pixels of the canvas.
    """

    drawn = Signal()
    history_changed = Signal()
    size_changed = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.color = QColor(Qt.GlobalColor.white)
        self.erasing = False
        self._size = DEFAULT_SIZE
        self._canvas = _blank()
        self._before: list[QImage] = []
        self._after: list[QImage] = []
        self._stroke: list[QPointF] = []
        self._hover: QPointF | None = None
        self._pen = QPointF(SIDE / 2, SIDE / 2)  # where the keys draw
        self._pen_down = False
        self.setMinimumSize(120, 120)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.setAccessibleName("Drawing")
        self.setAccessibleDescription(
            "Arrow keys move the pen, Enter puts it down or lifts it, Delete clears."
        )
        self.setToolTip(
            "Draw with the mouse; the wheel changes the brush.\n"
            "Arrow keys move the pen, Enter puts it down, Delete clears, Ctrl+Z undoes."
        )

    # -- values ----------------------------------------------------------------------------------

    def pixels(self) -> NDArray[np.uint8]:
        """The canvas, uint8 (SIDE, SIDE, 3)."""
        image = self._canvas.convertToFormat(QImage.Format.Format_RGB888)
        rows = np.frombuffer(image.constBits(), np.uint8).reshape(SIDE, image.bytesPerLine())
        return rows[:, : 3 * SIDE].reshape(SIDE, SIDE, 3).copy()

    def set_pixels(self, pixels: NDArray[np.uint8] | None, *, keep: bool = True) -> None:
        """Put an image uint8 (H, W, C) onto the canvas, to be drawn upon; None for a blank one.

        Without a signal; an undo step unless what was there is not to be kept.
        """
        if keep:
            self._keep()
        self._canvas = _blank()
        if pixels is not None:
            image = image_of(pixels)
            shown = image.size().scaled(SIDE, SIDE, Qt.AspectRatioMode.KeepAspectRatio)
            place = QRectF(
                (SIDE - shown.width()) / 2,
                (SIDE - shown.height()) / 2,
                shown.width(),
                shown.height(),
            )
            p = QPainter(self._canvas)
            large = max(image.width(), image.height()) > SIDE
            p.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, large)
            p.drawImage(place, image)
            p.end()
        self.update()

    def set_size(self, size: int) -> None:
        """The diameter of the brush, in pixels of the canvas."""
        size = min(max(size, SIZES[0]), SIZES[1])
        if size != self._size:
            self._size = size
            self.size_changed.emit(size)
            self.update()

    @property
    def size_of_brush(self) -> int:
        """The diameter of the brush, in pixels of the canvas."""
        return self._size

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to take back."""
        return bool(self._before)

    @property
    def can_redo(self) -> bool:
        """Whether there is an undone step."""
        return bool(self._after)

    @property
    def is_blank(self) -> bool:
        """Whether nothing is on the canvas."""
        return not self.pixels().any()

    def clear(self) -> None:
        """An empty canvas; an undo step."""
        self._keep()
        self._canvas = _blank()
        self._tell()

    def undo(self) -> None:
        """One step back."""
        if self._before:
            self._after.append(self._canvas)
            self._canvas = self._before.pop()
            self.history_changed.emit()
            self._tell()

    def redo(self) -> None:
        """Take back one undo."""
        if self._after:
            self._before.append(self._canvas)
            self._canvas = self._after.pop()
            self.history_changed.emit()
            self._tell()

    def _keep(self) -> None:
        self._before.append(self._canvas.copy())
        del self._before[:-UNDO_STEPS]
        self._after.clear()
        self.history_changed.emit()

    def _tell(self) -> None:
        self.update()
        self.drawn.emit()

    # -- the brush -------------------------------------------------------------------------------

    def _begin(self, at: QPointF) -> None:
        self._keep()
        self._stroke = [at]
        self._draw(at, at, at)

    def _go_on(self, at: QPointF) -> None:
        """From the middle before the last point over it to the middle after it: no corners."""
        last = self._stroke[-1]
        before = self._stroke[-2] if len(self._stroke) > 1 else last
        self._stroke.append(at)
        self._draw((before + last) / 2, last, (last + at) / 2)

    def _finish(self) -> None:
        if len(self._stroke) > 1:
            before, last = self._stroke[-2:]
            self._draw((before + last) / 2, last, last)
        self._stroke = []

    def _draw(self, start: QPointF, over: QPointF, end: QPointF) -> None:
        path = QPainterPath(start)
        path.quadTo(over, end)
        if start == end:
            path.lineTo(end + QPointF(0.01, 0.0))  # a path without a length draws no cap
        p = QPainter(self._canvas)
        p.setRenderHint(QPainter.RenderHint.Antialiasing)
        color = QColor(Qt.GlobalColor.black) if self.erasing else self.color
        pen = QPen(color, self._size, Qt.PenStyle.SolidLine)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        p.strokePath(path, pen)
        p.end()
        self._tell()

    # -- mouse -----------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._lift()
            self._begin(self._to_canvas(event.position()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        at = self._to_canvas(event.position())
        self._hover = at
        if self._stroke:
            self._go_on(at)
        else:
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._stroke and event.button() == Qt.MouseButton.LeftButton:
            self._finish()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._hover = None
        self.update()

    def wheelEvent(self, event: QWheelEvent) -> None:
        steps = event.angleDelta().y() / 120
        self.set_size(round(self._size + 2 * steps))
        event.accept()

    # -- keyboard --------------------------------------------------------------------------------

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            pressed = QKeySequence(event.keyCombination())
            if pressed in (*_UNDO_KEYS, *_REDO_KEYS) or event.key() == Qt.Key.Key_Delete:
                event.accept()
                return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        pressed, key = QKeySequence(event.keyCombination()), Qt.Key(event.key())
        if pressed in _UNDO_KEYS:
            self.undo()
        elif pressed in _REDO_KEYS:
            self.redo()
        elif key == Qt.Key.Key_Delete:
            self.clear()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if self._pen_down:
                self._lift()
            else:
                self._pen_down = True
                self._begin(self._pen)
        elif key in _MOVES:
            x, y = _MOVES[key]
            moved = self._pen + QPointF(x, y)
            self._pen = QPointF(min(max(moved.x(), 0), SIDE), min(max(moved.y(), 0), SIDE))
            if self._pen_down:
                self._go_on(self._pen)
            self.update()
        else:
            super().keyPressEvent(event)

    def _lift(self) -> None:
        if self._pen_down:
            self._pen_down = False
            self._finish()
            self.update()

    def focusOutEvent(self, event: QEvent) -> None:
        self._lift()
        super().focusOutEvent(event)  # type: ignore[arg-type]
        self.update()

    # -- geometry and painting -------------------------------------------------------------------

    def sizeHint(self) -> QSize:
        return QSize(196, 196)

    def _place(self) -> QRectF:
        side = min(self.width(), self.height()) - 2
        return QRectF((self.width() - side) / 2, (self.height() - side) / 2, side, side)

    def _to_canvas(self, at: QPointF) -> QPointF:
        place = self._place()
        scale = SIDE / max(place.width(), 1.0)
        return (at - place.topLeft()) * scale

    def to_widget(self, x: float, y: float) -> QPoint:
        """Where a place of the canvas lies in the widget."""
        place = self._place()
        return (place.topLeft() + QPointF(x, y) * (place.width() / SIDE)).toPoint()

    def paintEvent(self, event: QPaintEvent) -> None:
        c, place = theme.colors(), self._place()
        p = QPainter(self)
        p.setRenderHint(QPainter.RenderHint.Antialiasing)
        p.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        p.drawImage(place, self._canvas)
        if not self._stroke and self.is_blank:
            p.setPen(QColor("#8a8a90"))
            p.drawText(place, int(Qt.AlignmentFlag.AlignCenter), HINT)
        p.setPen(QPen(c.accent if self.hasFocus() else c.line, 1))
        p.setBrush(Qt.BrushStyle.NoBrush)
        p.drawRect(place.adjusted(-0.5, -0.5, 0.5, 0.5))
        scale = place.width() / SIDE
        marks = [self._hover] if self._hover is not None else []
        if self.hasFocus() and self._hover is None:
            marks.append(self._pen)
        for at in marks:
            middle = place.topLeft() + at * scale
            p.setPen(QPen(QColor(128, 128, 128), 1))
            p.drawEllipse(middle, self._size * scale / 2, self._size * scale / 2)
        p.end()


def _blank() -> QImage:
    image = QImage(SIDE, SIDE, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.black)
    return image
