"""The keys that the controls of the latent share.

| keys | what they do to the current dimension |
|---|---|
| arrows along the control | a step; with Shift a tenth, with Ctrl ten |
| arrows across it, Page Up, Page Down | go to another dimension |
| Home, End | to the ends of the range; with Ctrl to the first and last dimension |
| 0, Delete, Backspace | reset to 0 |
| L | lock or unlock |
| Enter, F2 | type a value (where there is a box to type in) |

All but 0 are taken before the window's shortcuts; 0 is left to them, because digits choose
classes there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt

if TYPE_CHECKING:
    from PySide6.QtGui import QKeyEvent

    from genviewer.ui.widgets.latent_hand import LatentHand

FINE, COARSE = 0.1, 10.0
_K = Qt.Key
_SHIFT = Qt.KeyboardModifier.ShiftModifier
_CTRL = Qt.KeyboardModifier.ControlModifier
_ARROWS = (_K.Key_Left, _K.Key_Right, _K.Key_Up, _K.Key_Down)
_RESETS = (_K.Key_Delete, _K.Key_Backspace)
_PAGES = (_K.Key_PageUp, _K.Key_PageDown)
_EDITS = (_K.Key_Return, _K.Key_Enter, _K.Key_F2)
_FAR = 1 << 30


def takes_key(event: QKeyEvent, editor: bool) -> bool:
    """Whether a control with the focus keeps this key from the window's shortcuts.

    ``editor`` says that the control has a box to type in.
    """
    held = _held(event)
    if event.key() in _ARROWS or event.key() in (_K.Key_Home, _K.Key_End):
        return held in (Qt.KeyboardModifier.NoModifier, _SHIFT, _CTRL)
    plain = (*_RESETS, *_PAGES, _K.Key_L, *(_EDITS if editor else ()))
    return event.key() in plain and held == Qt.KeyboardModifier.NoModifier


def places_moved(event: QKeyEvent, vertical: bool, page: int) -> int | None:
    """By how many places a key goes to another dimension; None where it does not.

    ``vertical`` controls are changed by the up and down keys and stand side by side.
    """
    key, held = event.key(), _held(event)
    if held == _CTRL and key in (_K.Key_Home, _K.Key_End):
        return -_FAR if key == _K.Key_Home else _FAR
    if held != Qt.KeyboardModifier.NoModifier:
        return None
    back, on = (_K.Key_Left, _K.Key_Right) if vertical else (_K.Key_Up, _K.Key_Down)
    return {back: -1, on: 1, _K.Key_PageUp: -page, _K.Key_PageDown: page}.get(_K(key))


def value_by_key(event: QKeyEvent, hand: LatentHand, dim: int, vertical: bool) -> float | None:
    """The value that a key gives a dimension; None where it gives none."""
    key, held = event.key(), _held(event)
    down, up = (_K.Key_Down, _K.Key_Up) if vertical else (_K.Key_Left, _K.Key_Right)
    if key in (down, up) and held in (Qt.KeyboardModifier.NoModifier, _SHIFT, _CTRL):
        factor = {_SHIFT: FINE, _CTRL: COARSE}.get(held, 1.0)
        return hand.stepped(dim, hand.step * factor * (1 if key == up else -1))
    if held != Qt.KeyboardModifier.NoModifier:
        return None
    if key in (_K.Key_0, *_RESETS):
        return 0.0
    return {_K.Key_Home: hand.range.low, _K.Key_End: hand.range.high}.get(_K(key))


def _held(event: QKeyEvent) -> Qt.KeyboardModifier:
    return event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
