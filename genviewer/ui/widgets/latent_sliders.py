"""One slider per latent dimension, in one painted and virtualised list."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QHelpEvent, QKeyEvent, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QToolTip, QWidget

from genviewer.ui.widgets.latent_keys import FINE, places_moved, takes_key, value_by_key
from genviewer.ui.widgets.latent_rows import LatentRows
from genviewer.ui.widgets.prior_range import dim_label
from genviewer.ui.widgets.slider_row import GRAB

SCROLLING_S = 0.4
"""A wheel that scrolls the list goes on doing so for this long, whatever comes under it."""
HINT = "Double click resets. Ctrl + wheel changes the value, Shift is fine."


@dataclass
class _Drag:
    dim: int
    fraction: float  # where the hand is; may run beyond the ends and must come back the same way
    x: float


class LatentSliders(LatentRows):
    """The rows, and what a hand does to them.

    Mouse: pressing a track jumps there and drags, pressing the handle drags it from where it is,
    Shift is ten times finer; double click resets to 0; the value box is typed into; a press on a
    padlock toggles it and dragging on paints the same over other rows. The wheel scrolls the
    list; over a track it changes the value with Ctrl or Alt held, or where the row is current and
    the list has the focus. Keys: see :mod:`genviewer.ui.widgets.latent_keys`.

    Signals:
        edited: values float32 (D,) and a merge key, one key for each gesture.
        locks_changed: bool (D,).
        current_changed: dimension that the person made current.
    """

    edited = Signal(object, str)
    locks_changed = Signal(object)
    current_changed = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        self._edited_dim = 0
        self._drag: _Drag | None = None
        self._press_dim = -1
        self._lock_stroke: bool | None = None
        self._scrolled_at = float("-inf")
        super().__init__(parent)
        self._editor.committed.connect(self._type_in)
        self._editor.moved.connect(self._edit_next)
        self._strip.chosen.connect(self._choose)

    def _start_over(self) -> None:
        self._drag, self._lock_stroke = None, None
        super()._start_over()

    # -- mouse -----------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        x, dim = event.position().x(), self.dim_at(event.position().y())
        self._editor.finish()
        if event.button() != Qt.MouseButton.LeftButton or dim < 0:
            return
        self._choose_current(dim)
        zone = self._layout.zone(x)
        locked = bool(self.hand.locks[dim])
        self._press_dim = -1
        if zone == "lock":
            self._lock_stroke = not locked
            self._lock(dim, self._lock_stroke)
        elif zone == "value":
            self._edit(dim)
        elif zone == "track" and not locked:
            self._take_hold(dim, x, bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier))

    def _take_hold(self, dim: int, x: float, fine: bool) -> None:
        at = self.hand.range.fraction(float(self.hand.values[dim]))
        self._press_dim = dim
        self.hand.press(dim)
        self.hand.hold(dim)
        self._drag = _Drag(dim, at, x)
        self._held_dim = dim
        if not fine and abs(x - self._layout.handle_x(at)) > GRAB:
            self._drag.fraction = self._layout.fraction(x)
            self._put(dim, self.hand.range.value(self._drag.fraction))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        x, y = event.position().x(), event.position().y()
        if self._drag is not None:
            fine = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            way = (x - self._drag.x) / self._layout.way
            self._drag.x = x
            if way:
                self._drag.fraction += way * (FINE if fine else 1.0)
                self._put(self._drag.dim, self.hand.range.value(self._drag.fraction))
        elif self._lock_stroke is not None:
            dim = self.dim_at(y)
            if dim >= 0:
                self._lock(dim, self._lock_stroke)
        elif not event.buttons():
            self._hover(self.dim_at(y), self._layout.zone(x))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._lock_stroke = None
        if self._drag is not None and event.button() == Qt.MouseButton.LeftButton:
            self._drag = None
            self._held_dim = -1
            self._refresh(self.hand.release())
            self._describe()
            self._hover_under_mouse()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        dim = self.dim_at(event.position().y())
        zone = self._layout.zone(event.position().x())
        if event.button() != Qt.MouseButton.LeftButton or dim < 0 or zone in ("lock", "value"):
            self.mousePressEvent(event)
            return
        self._choose_current(dim)
        if self._press_dim != dim:  # else the first click may have moved it: one undo step
            self.hand.once(dim)
        self._press_dim = -1
        self._put(dim, 0.0)

    def wheelEvent(self, event: QWheelEvent) -> None:
        delta = event.angleDelta().y() or event.angleDelta().x()  # Alt turns the wheel sideways
        dim = self.dim_at(event.position().y())
        held = event.modifiers()
        asked = bool(held & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier))
        now = self.hand.clock()
        ready = self.hasFocus() and dim == self._current and now > self._scrolled_at + SCROLLING_S
        on_track = dim >= 0 and self._layout.zone(event.position().x()) == "track"
        if not (on_track and (asked or ready)):
            self._scrolled_at = now
            super().wheelEvent(event)
            return
        event.accept()
        if delta and self._drag is None:
            fine = FINE if held & Qt.KeyboardModifier.ShiftModifier else 1.0
            self.hand.burst(dim)
            self._put(dim, self.hand.stepped(dim, delta / 120 * fine * self.hand.step))

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Leave:
            self._hover(-1, "")
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            dim = self.dim_at(event.pos().y())
            if dim >= 0:
                text = f"{self.summary(dim)}\n{HINT}"
                QToolTip.showText(event.globalPos(), text, self.viewport(), self.row_rect(dim))
            return True
        return super().viewportEvent(event)

    # -- keyboard --------------------------------------------------------------------------------

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            if takes_key(event, editor=True):
                event.accept()
                return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        dim = self._current
        if not self.hand.dim:
            return super().keyPressEvent(event)
        move = places_moved(event, False, max(self.viewport().height() // self.row_height, 1))
        value = value_by_key(event, self.hand, dim, False)
        if move is not None:
            row = min(max(int(self.ranking.row_of[dim]) + move, 0), self.hand.dim - 1)
            self._choose_current(int(self.ranking.dims[row]))
            self._reveal(self._current)
        elif value is not None:
            self._reveal(dim)
            self.hand.burst(dim)
            self._put(dim, value)
            self._describe()
        elif event.key() == Qt.Key.Key_L and not event.modifiers():
            self._lock(dim, not self.hand.locks[dim])
            self._describe()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_F2):
            self._edit(dim)
        else:
            super().keyPressEvent(event)
        return None

    # -- what the person wants -------------------------------------------------------------------

    def _put(self, dim: int, value: float) -> None:
        changed = self.hand.put(dim, value)
        if changed.any():
            self._refresh(changed)
            self.edited.emit(self.hand.values.copy(), self.hand.key)

    def _lock(self, dim: int, locked: bool) -> None:
        mask = self.hand.locks.copy()
        mask[dim] = locked
        if self.hand.set_locks(mask):
            self._refresh_dim(dim)
            self._caption()
            self.locks_changed.emit(mask)

    def _choose_current(self, dim: int) -> None:
        if dim != self._current:
            self._make_current(dim)
            self.current_changed.emit(dim)

    def _edit(self, dim: int) -> None:
        if self.hand.locks[dim]:
            return
        self._reveal(dim)
        self._edited_dim = dim
        self._editor.setGeometry(self.zone_rect(dim, "value").adjusted(0, 1, 0, -1))
        self._editor.open_with(
            f"{float(self.hand.values[dim]):.4g}", f"Value of {dim_label(dim, self.hand.latent)}"
        )

    def _type_in(self, value: float) -> None:
        self.hand.once(self._edited_dim)
        self._put(self._edited_dim, value)

    def _edit_next(self, move: int) -> None:
        row = int(self.ranking.row_of[self._edited_dim]) + move
        if 0 <= row < self.hand.dim:
            self._choose_current(int(self.ranking.dims[row]))
            self._edit(self._current)

    def _choose(self, dim: int, value: float) -> None:
        self._choose_current(dim)
        self.hand.once(dim)
        self._put(dim, value)
