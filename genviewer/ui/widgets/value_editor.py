"""The little box in which a coordinate is typed, laid over the row it belongs to."""

from __future__ import annotations

import math

from PySide6.QtCore import QEvent, QRegularExpression, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QRegularExpressionValidator
from PySide6.QtWidgets import QLineEdit, QWidget

from genviewer.ui import theme
from genviewer.ui.numerals import MINUS

TYPED = rf"\s*[+\-{MINUS}]?\d{{0,12}}([.,]\d{{0,12}})?([eE][+\-{MINUS}]?\d{{0,2}})?\s*"

_STEPS = {
    Qt.Key.Key_Tab: 1,
    Qt.Key.Key_Backtab: -1,
    Qt.Key.Key_Down: 1,
    Qt.Key.Key_Up: -1,
}


def parse_value(text: str) -> float | None:
    """A typed number, with a point or a comma, either kind of minus; None where it is none."""
    try:
        value = float(text.strip().replace(MINUS, "-").replace(",", "."))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


class ValueEditor(QLineEdit):
    """Takes a number. Enter, Tab, an arrow or leaving commits, Escape gives up.

    A text that is no number is never committed: Enter keeps the box open in the warning colour.

    Args:
        parent: the widget it is laid over.
        home: what gets the keyboard focus back.

    Signals:
        committed: the value, if another text stands there than at first.
        moved: by how many rows to go on editing (Tab and Down 1, Shift + Tab and Up -1).
    """

    committed = Signal(float)
    moved = Signal(int)

    def __init__(self, parent: QWidget, home: QWidget) -> None:
        super().__init__(parent)
        self.setValidator(QRegularExpressionValidator(QRegularExpression(TYPED), self))
        self.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.textEdited.connect(self._look_fine)
        self._home = home
        self._initial = ""
        self._open = False
        self.hide()

    def open_with(self, text: str, name: str) -> None:
        """Show with a text, all of it selected, under an accessible name."""
        self._initial = text
        self._open = True
        self.setText(text)
        self.setAccessibleName(name)
        self._look_fine()
        self.show()
        self.setFocus(Qt.FocusReason.OtherFocusReason)
        self.selectAll()

    def finish(self, commit: bool = True) -> None:
        """Close; commit a number unless told otherwise."""
        if not self._open:
            return
        self._open = False
        if self.hasFocus():
            self._home.setFocus(Qt.FocusReason.OtherFocusReason)
        self.hide()
        value = parse_value(self.text())
        if commit and value is not None and self.text() != self._initial:
            self.committed.emit(value)

    def event(self, event: QEvent) -> bool:
        # Tab would leave the list or be a shortcut of the window; here it goes to the next row.
        if isinstance(event, QKeyEvent) and event.key() in (*_STEPS, Qt.Key.Key_Escape):
            if event.type() == QEvent.Type.ShortcutOverride:
                event.accept()
                return True
            if event.type() == QEvent.Type.KeyPress and event.key() in _STEPS:
                self._enter(_STEPS[Qt.Key(event.key())])
                return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._enter(0)
        elif event.key() == Qt.Key.Key_Escape:
            self.finish(commit=False)
        else:
            super().keyPressEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if event.reason() != Qt.FocusReason.PopupFocusReason:
            self.finish()

    def _enter(self, move: int) -> None:
        if parse_value(self.text()) is None:
            self._look(theme.colors().warning.name())
            return
        self.finish()
        if move:
            self.moved.emit(move)

    def _look_fine(self) -> None:
        self._look(theme.colors().accent.name())

    def _look(self, border: str) -> None:
        self.setStyleSheet(
            f"QLineEdit {{ padding: 0 3px; border: 1px solid {border}; border-radius: 4px; }}"
        )
