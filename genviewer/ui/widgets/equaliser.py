"""All latent dimensions as bars, shaped by drawing across them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent

from genviewer.ui.widgets.latent_bars import LatentBars
from genviewer.ui.widgets.latent_keys import FINE, places_moved, takes_key, value_by_key

if TYPE_CHECKING:
    import numpy as np
    from PySide6.QtGui import QMouseEvent, QWheelEvent
    from PySide6.QtWidgets import QWidget

HINT = (
    "Draw across the bars. Right button or Alt resets, Shift is fine,\n"
    "double click resets one, the wheel moves one, L locks it."
)


class Equaliser(LatentBars):
    """The bars, and what a hand does to them.

    Mouse: a drag gives every bar it crosses the height of the pointer there, without gaps however
    fast; with Shift it moves the bar it began on, ten times finer; the right button or Alt resets
    the bars it crosses. Double click resets a bar, the wheel moves the bar under it. Locked bars
    are hatched and nothing moves them. Keys: see :mod:`genviewer.ui.widgets.latent_keys`.

    Signals:
        edited: values float32 (D,) and a merge key, one key for each gesture.
        locks_changed: bool (D,).
        current_changed: dimension that the person made current.
    """

    edited = Signal(object, str)
    locks_changed = Signal(object)
    current_changed = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._press_dim = -1
        self._resetting = False
        self._at: tuple[float, float] | None = None  # x in the content and fraction, of the hand
        self._pointer_y = 0.0
        self._fine_dim = 0
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        self.setToolTip(HINT)

    def _start_over(self) -> None:
        self._at = None
        super()._start_over()

    # -- mouse -----------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        buttons = (Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton)
        dim = self.dim_at(event.position().x())
        if event.button() not in buttons or dim < 0 or self._at is not None:
            return
        alt = bool(event.modifiers() & Qt.KeyboardModifier.AltModifier)
        self._resetting = alt or event.button() == Qt.MouseButton.RightButton
        self._choose_current(dim)
        self._press_dim = dim
        self._hovered = dim
        self.hand.press(dim)
        self._fine_dim = dim
        self._at = self._hand_at(event)
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier and not self._resetting:
            self._at = (self._at[0], self.hand.range.fraction(float(self.hand.values[dim])))
            self.hand.hold(dim)
        else:
            self._shape(self._at, self._at)
        self._pointer_y = event.position().y()
        self.viewport().update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._at is None:
            if not event.buttons():
                self._hover(self.dim_at(event.position().x()))
            return
        fine = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier) and not self._resetting
        y, before = event.position().y(), self._at
        if fine:
            way = (self._pointer_y - y) / self._layout.way * FINE
            self._at = (before[0], before[1] + way)
            self._put(self._fine_dim, self.hand.range.value(self._at[1]))
        else:
            self._at = self._hand_at(event)
            self._hovered = self._fine_dim = self._nearest_dim(self._at[0])
            self._shape(before, self._at)
        self._pointer_y = y

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        wanted = Qt.MouseButton.LeftButton | Qt.MouseButton.RightButton
        if self._at is None or event.buttons() & wanted:
            return
        last = self._nearest_dim(self._at[0])
        self._at = None
        self.hand.release()
        self._choose_current(last)
        self._hover(self.dim_at(event.position().x()))
        self._describe()
        self.viewport().update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        dim = self.dim_at(event.position().x())
        if event.button() != Qt.MouseButton.LeftButton or dim < 0:
            self.mousePressEvent(event)
            return
        if self._press_dim != dim:  # else the first click may have moved it: one undo step
            self.hand.once(dim)
        self._press_dim = -1
        self._put(dim, 0.0)

    def wheelEvent(self, event: QWheelEvent) -> None:
        sideways = event.angleDelta().x()
        alt = bool(event.modifiers() & Qt.KeyboardModifier.AltModifier)
        if sideways and not alt:
            super().wheelEvent(event)
            return
        event.accept()
        dim, delta = self.dim_at(event.position().x()), event.angleDelta().y() or sideways
        if dim >= 0 and delta and self._at is None:
            fine = FINE if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1.0
            self.hand.burst(dim)
            self._put(dim, self.hand.stepped(dim, delta / 120 * fine * self.hand.step))

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Leave and self._at is None:
            self._hover(-1)
        return super().viewportEvent(event)

    def _hand_at(self, event: QMouseEvent) -> tuple[float, float]:
        fraction = self._layout.fraction(event.position().y())
        return event.position().x() + self._scroll(), fraction

    # -- keyboard --------------------------------------------------------------------------------

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            if takes_key(event, editor=False):
                event.accept()
                return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        dim = self._current
        move = places_moved(event, True, max(self.hand.dim // 8, 1))
        value = value_by_key(event, self.hand, dim, True) if self.hand.dim else None
        if move is not None and self.hand.dim:
            place = min(max(int(self.ranking.row_of[dim]) + move, 0), self.hand.dim - 1)
            self._choose_current(int(self.ranking.dims[place]))
            self._reveal(self._current)
        elif value is not None:
            self._reveal(dim)
            self.hand.burst(dim)
            self._put(dim, value)
            self._describe()
        elif event.key() == Qt.Key.Key_L and not event.modifiers() and self.hand.dim:
            self._lock(dim, not self.hand.locks[dim])
        else:
            super().keyPressEvent(event)

    # -- what the person wants -------------------------------------------------------------------

    def _shape(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Give the bars between two positions of the hand the heights on the line between them."""
        places, fractions = self._layout.heights(start, end)
        dims = self.ranking.dims[places]
        span = self.hand.range.high - self.hand.range.low
        self._put(dims, 0.0 if self._resetting else self.hand.range.low + fractions * span)

    def _put(self, dims: int | np.ndarray, values: float | np.ndarray) -> None:
        changed = self.hand.put(dims, values)
        if changed.any():
            self._refresh(changed)
            self.edited.emit(self.hand.values.copy(), self.hand.key)

    def _lock(self, dim: int, locked: bool) -> None:
        mask = self.hand.locks.copy()
        mask[dim] = locked
        if self.hand.set_locks(mask):
            self.viewport().update()
            self._describe()
            self.locks_changed.emit(mask)

    def _choose_current(self, dim: int) -> None:
        if dim != self._current:
            self._current = dim
            self._describe()
            self.viewport().update()
            self.current_changed.emit(dim)
