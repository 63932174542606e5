"""The square of the pad: a handle on a plane, with the prior's contours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QKeyEvent, QPainter, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from genviewer.ui import theme
from genviewer.ui.widgets.latent_hand import LatentHand
from genviewer.ui.widgets.latent_keys import COARSE, FINE
from genviewer.ui.widgets.prior_range import value_text

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from PySide6.QtGui import QFocusEvent, QMouseEvent, QPaintEvent

    from genviewer.core.spec import LatentSpec
    from genviewer.ui.theme import Colors
    from genviewer.ui.widgets.pad_plane import PadPlane, Ring

RADIUS = 7.0
GRAB = 12  # px from the handle's centre within which a press takes hold of it
HINT = (
    "Drag anywhere; Shift is fine, double click goes to the centre.\n"
    "Arrow keys move by a step. The rings hold 50, 90 and 99 % of the prior."
)
_ARROWS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, 1),
    Qt.Key.Key_Down: (0, -1),
}
_RESETS = (Qt.Key.Key_0, Qt.Key.Key_Delete, Qt.Key.Key_Backspace)


class PadSquare(QWidget):
    """A handle where the latent lies in the plane of two directions.

    Signals:
        edited: values float32 (D,) and a merge key, one key for each gesture.
        moved: the handle lies elsewhere, whoever moved it.
    """

    edited = Signal(object, str)
    moved = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.hand = LatentHand("pad")
        self.plane: PadPlane | None = None
        self._background: QImage | None = None
        self._target: tuple[float, float] | None = None  # of the drag; may run beyond the square
        self._position = (0.0, 0.0)
        self._pointer = QPointF()
        self._pressed = False
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.setAccessibleName("Pad of two directions in latent space")
        self.setToolTip(HINT)

    # -- values in -------------------------------------------------------------------------------

    def set_latent(self, values: ArrayLike, latent: LatentSpec) -> bool:
        """Show values (D,); whether the latent space is another, so that the plane is gone."""
        changed = self.hand.show(values, latent)
        if changed is None:
            self.plane, self._target, self._pressed, self._background = None, None, False, None
            self.update()
        elif self._target is not None and self.plane is not None:
            # Others may move the latent while the handle is held, but not within the plane.
            at = self.plane.inside(*self._target)
            self.hand.values = self.plane.moved(self.hand.values, at, self.hand.locks)
        if changed is None or changed.any():
            self._changed()
        return changed is None

    def set_plane(self, plane: PadPlane) -> None:
        """Move through this plane from now on; a drag ends."""
        self.plane = plane
        self._let_go()
        self._changed()
        self._describe()
        self.update()

    def set_locks(self, mask: ArrayLike) -> None:
        """Lock exactly the dimensions of a bool (D,) mask."""
        if self.hand.set_locks(mask):
            self.update()

    def set_background(self, image: QImage | None) -> None:
        """A picture stretched over the square, or None; it is copied."""
        self._background = None if image is None or image.isNull() else image.copy()
        self.update()

    @property
    def position(self) -> tuple[float, float]:
        """Coordinates of the latent in the plane; the origin where there is no plane."""
        return self._position

    # -- geometry --------------------------------------------------------------------------------

    def square(self) -> QRect:
        """Where the square lies in the widget."""
        side = min(self.width(), self.height())
        return QRect(0, (self.height() - side) // 2, side, side)

    def point(self, x: float, y: float) -> QPointF:
        """Where plane coordinates lie in the widget; those outside the square at its edge."""
        if self.plane is None:
            return QPointF(self.square().center())
        x, y = self.plane.inside(x, y)
        area, scale = self._field(), self._scale()
        return QPointF(area.center().x() + x * scale, area.center().y() - y * scale)

    def sizeHint(self) -> QSize:
        return QSize(168, 168)

    def minimumSizeHint(self) -> QSize:
        return QSize(120, 120)

    def _field(self) -> QRectF:
        """The part of the square that the handle's centre can reach."""
        return QRectF(self.square()).adjusted(RADIUS, RADIUS, -RADIUS, -RADIUS)

    def _scale(self) -> float:
        """Px per plane unit."""
        extent = self.plane.extent if self.plane is not None else 1.0
        return max(self._field().width(), 1.0) / (2.0 * extent)

    # -- painting --------------------------------------------------------------------------------

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.FontChange):
            self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        c = theme.colors()
        area = self.square()
        p = QPainter(self)
        p.fillRect(area, c.field)
        if self._background is not None:
            p.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            p.drawImage(area, self._background)
        if self.plane is not None:
            p.setRenderHint(QPainter.RenderHint.Antialiasing)
            p.setClipRect(area)
            self._paint_rings(p, self.plane.rings, c)
            p.setClipping(False)
            self._paint_handle(p, c)
        p.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        p.setBrush(Qt.BrushStyle.NoBrush)
        p.setPen(c.accent if self.hasFocus() else c.line)
        p.drawRect(area.adjusted(0, 0, -1, -1))
        p.end()

    def _paint_rings(self, p: QPainter, rings: tuple[Ring, ...], c: Colors) -> None:
        plane, scale = self.plane, self._scale()
        assert plane is not None
        area, middle = QRectF(self.square()), self._field().center()
        ink, back = QColor(c.dim_text), QColor(c.field)
        ink.setAlpha(150)
        back.setAlpha(130)
        p.setPen(c.line)
        p.drawLine(QPointF(area.left(), middle.y()), QPointF(area.right(), middle.y()))
        p.drawLine(QPointF(middle.x(), area.top()), QPointF(middle.x(), area.bottom()))
        p.setBrush(Qt.BrushStyle.NoBrush)
        for ring in rings:
            radius = ring.radius * scale
            box = QRectF(middle.x() - radius, middle.y() - radius, 2 * radius, 2 * radius)
            for pen in (QPen(back, 3), QPen(ink, 1)) if self._background else (QPen(ink, 1),):
                p.setPen(pen)
                p.drawRect(box) if ring.square else p.drawEllipse(box)

    def _paint_handle(self, p: QPainter, c: Colors) -> None:
        at = self.point(*self.position)
        stuck = self._stuck()
        middle = self._field().center()
        trace = QColor(c.dim_text if stuck else c.accent)
        trace.setAlpha(120)
        p.setPen(QPen(trace, 1))
        p.drawLine(QPointF(at.x(), middle.y()), at)
        p.drawLine(QPointF(middle.x(), at.y()), at)
        p.setPen(QPen(c.dim_text if stuck else c.accent, 2))
        p.setBrush(c.field if stuck else c.handle)
        p.drawEllipse(at, RADIUS - 1, RADIUS - 1)

    def _stuck(self) -> bool:
        """Whether locks leave the handle no way to go."""
        plane = self.plane
        if plane is None:
            return True
        dims = plane.dims
        return bool(self.hand.locks[list(dims)].all() if dims else self.hand.locks.all())

    # -- mouse -----------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        inside = self.square().contains(event.position().toPoint())
        if event.button() != Qt.MouseButton.LeftButton or self.plane is None or not inside:
            super().mousePressEvent(event)
            return
        self.hand.press(self._what())
        self._pressed = True
        self._pointer = event.position()
        x, y = self.position
        self._target = x, y
        fine = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        off = self.point(x, y) - event.position()
        if not fine and off.x() ** 2 + off.y() ** 2 > GRAB**2:
            middle, scale = self._field().center(), self._scale()
            x = (event.position().x() - middle.x()) / scale
            self._target = x, (middle.y() - event.position().y()) / scale
            self._go()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._target is None or self.plane is None:
            return
        way = event.position() - self._pointer
        self._pointer = event.position()
        fine = FINE if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1.0
        scale = fine / self._scale()
        if way.x() or way.y():
            self._target = (self._target[0] + way.x() * scale, self._target[1] - way.y() * scale)
            self._go()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._let_go()
            self._changed()
            self._describe()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        inside = self.square().contains(event.position().toPoint())
        if event.button() != Qt.MouseButton.LeftButton or self.plane is None or not inside:
            return
        if not self._pressed:  # else the first click may have moved it: one undo step
            self.hand.once(self._what())
        self._pressed = False
        self._put((0.0, 0.0))

    # -- keyboard --------------------------------------------------------------------------------

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            held = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
            arrow = event.key() in _ARROWS and _factor(held) is not None
            if arrow or (event.key() in _RESETS[1:] and not held):
                event.accept()
                return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        factor = _factor(event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier)
        arrow = _ARROWS.get(Qt.Key(event.key()))
        if self.plane is not None and arrow is not None and factor is not None:
            step = self.hand.step * factor
            self.hand.burst(self._what())
            self._put(self.plane.stepped(self.position, (arrow[0] * step, arrow[1] * step)))
            self._describe()
        elif self.plane is not None and event.key() in _RESETS and factor == 1.0:
            self.hand.once(self._what())
            self._put((0.0, 0.0))
            self._describe()
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.update()

    # -- what the person wants -------------------------------------------------------------------

    def _go(self) -> None:
        if self._target is not None and self.plane is not None:
            self._put(self.plane.inside(*self._target))

    def _put(self, target: tuple[float, float]) -> None:
        if self.plane is None:
            return
        moved = self.plane.moved(self.hand.values, target, self.hand.locks)
        if self.hand.replace(moved).any():
            self._changed()
            self.edited.emit(self.hand.values.copy(), self.hand.key)

    def _let_go(self) -> None:
        self._target = None
        if self.hand.dragging:
            self.hand.release()

    def _what(self) -> str:
        return "+".join(self.plane.labels) if self.plane is not None else ""

    def _changed(self) -> None:
        before, plane = self._position, self.plane
        self._position = (0.0, 0.0) if plane is None else plane.coordinates(self.hand.values)
        if self._position != before:
            self.moved.emit()
            self.update()

    def _describe(self) -> None:
        if self.plane is not None:
            (u, v), (x, y) = self.plane.labels, self._position
            self.setAccessibleDescription(f"{u} {value_text(x)}, {v} {value_text(y)}")


def _factor(held: Qt.KeyboardModifier) -> float | None:
    return {
        Qt.KeyboardModifier.NoModifier: 1.0,
        Qt.KeyboardModifier.ShiftModifier: FINE,
        Qt.KeyboardModifier.ControlModifier: COARSE,
    }.get(held)
