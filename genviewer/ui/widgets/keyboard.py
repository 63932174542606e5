"""How widgets share the keyboard with a window whose shortcuts are single letters and Space."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractButton, QAbstractSpinBox, QApplication, QWidget

if TYPE_CHECKING:
    _Box = QAbstractSpinBox
else:
    _Box = object  # a mixin must not bring a second Qt base class along


class NumberKeys(_Box):
    """Mixin of number boxes: letters and Space are the window's until something is typed.

    Otherwise a number box that was used once would swallow every shortcut until the focus
    leaves it.
    """

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.ShortcutOverride:
            text = event.text()
            plain = not event.modifiers() & Qt.KeyboardModifier.ControlModifier
            if plain and (text.isalpha() or text == " ") and not self.lineEdit().isModified():
                event.ignore()
                return False
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        super().keyPressEvent(event)
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.lineEdit().setModified(False)


class ButtonPanel(QWidget):
    """A panel in which Enter presses the button that has the focus; Space is the window's."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        focused = QApplication.focusWidget()
        enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if enter and isinstance(focused, QAbstractButton) and self.isAncestorOf(focused):
            focused.click()
        else:
            super().keyPressEvent(event)
