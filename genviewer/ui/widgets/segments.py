"""A segmented control: one of a few choices, side by side in one frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QEnterEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QSizePolicy, QToolButton, QWidget

from genviewer.ui import theme

if TYPE_CHECKING:
    from collections.abc import Sequence

HEIGHT = 28
ROUND = 5


class _Segment(QToolButton):
    """One choice; drawn flat, so that the control reads as one thing."""

    def __init__(self, text: str, room: int, parent: QWidget) -> None:
        super().__init__(parent)
        self._room = room
        self.setText(text)
        self.setCheckable(True)
        self.setAutoRaise(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(self.fontMetrics().horizontalAdvance(self.text()) + self._room, HEIGHT - 4)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def enterEvent(self, event: QEnterEvent) -> None:
        super().enterEvent(event)
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        colors = theme.colors()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setPen(Qt.PenStyle.NoPen)
        if self.isChecked():
            painter.setBrush(colors.accent_soft)
            painter.drawRoundedRect(box, ROUND - 1, ROUND - 1)
        elif self.underMouse() and self.isEnabled():
            painter.setBrush(colors.raised if colors.dark else colors.window)
            painter.drawRoundedRect(box, ROUND - 1, ROUND - 1)
        if self.hasFocus():
            painter.setPen(QPen(colors.accent, 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(box, ROUND - 1, ROUND - 1)
        lively = self.isChecked() or (self.underMouse() and self.isEnabled())
        painter.setPen(colors.text if lively else colors.dim_text)
        painter.drawText(self.rect(), int(Qt.AlignmentFlag.AlignCenter), self.text())
        painter.end()


class Segments(QWidget):
    """One of several named choices. The arrow keys move between them.

    Args:
        choices: (key, text) in order.
        name: for screen readers.
        room: pixels around each text.

    Signals:
        chosen(key): the user picked another choice.
    """

    chosen = Signal(str)

    def __init__(
        self,
        choices: Sequence[tuple[str, str]],
        name: str,
        parent: QWidget | None = None,
        *,
        room: int = 18,
    ) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._group = QButtonGroup(self)
        self._group.setExclusive(True)
        self._buttons: dict[str, QToolButton] = {}
        layout = QHBoxLayout(self)
        layout.setContentsMargins(2, 2, 2, 2)
        layout.setSpacing(1)
        for key, text in choices:
            button = _Segment(text, room, self)
            button.setAccessibleName(text)
            self._group.addButton(button)
            self._buttons[key] = button
            layout.addWidget(button)
            # `clicked` is the user's doing only, and comes for the arrow keys too.
            button.clicked.connect(lambda _on=False, key=key: self._pick(key))
        self._current = ""

    @property
    def current(self) -> str:
        """The key of the choice that is set; empty where none is."""
        return self._current

    def set_current(self, key: str) -> None:
        """Show a choice as set."""
        self._current = key
        self._buttons[key].setChecked(True)
        self._lead_tab()

    def button(self, key: str) -> QToolButton:
        """The button of a choice."""
        return self._buttons[key]

    def set_available(self, key: str, available: bool) -> None:
        """Offer a choice or hide it."""
        self._buttons[key].setVisible(available)

    def set_tip(self, key: str, text: str) -> None:
        """The tooltip of a choice."""
        self._buttons[key].setToolTip(text)

    def _pick(self, key: str) -> None:
        if key != self._current:
            self._current = key
            self._lead_tab()
            self.chosen.emit(key)

    def _lead_tab(self) -> None:
        """Tab comes to the choice that is set; Qt sees to that only from the first time on."""
        for key, button in self._buttons.items():
            here = key == (self._current or next(iter(self._buttons)))
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus if here else Qt.FocusPolicy.NoFocus)

    def paintEvent(self, event: QPaintEvent) -> None:
        colors = theme.colors()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(colors.line, 1))
        painter.setBrush(colors.field)
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), ROUND, ROUND)
        painter.end()
