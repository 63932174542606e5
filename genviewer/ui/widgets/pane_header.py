"""The line above a pane: its letter, its model, whether it moves with the others."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QToolButton, QWidget

from genviewer.ui import theme
from genviewer.ui.icons import icon

HEIGHT = 32
BADGE = 20
LETTERS = "ABCD"


class PaneHeader(QWidget):
    """A pane's name and what can be done with it.

    Signals:
        pressed(): the pane is to have the focus.
        link_toggled(bool): it is to move with the others, or by itself.
        close_wanted(): it is to go.
    """

    pressed = Signal()
    link_toggled = Signal(bool)
    close_wanted = Signal()

    def __init__(self, index: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.letter = LETTERS[index]
        self._name = ""
        self._focused = False
        self.setFixedHeight(HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.link = self._button("link", f"Pane {self.letter} moves with the linked panes")
        self.link.setCheckable(True)
        self.link.clicked.connect(self.link_toggled)
        self.close_button = self._button("close", f"Close pane {self.letter}")
        self.close_button.clicked.connect(self.close_wanted)
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 2, 4, 2)
        row.setSpacing(2)
        row.addStretch(1)
        row.addWidget(self.link)
        row.addWidget(self.close_button)

    def show_pane(self, name: str, *, linked: bool, focused: bool) -> None:
        """Show whose pane it is."""
        self._name, self._focused = name, focused
        self.setToolTip(f"{self.letter}: {name}" + (" (in focus)" if focused else ""))
        self.link.setChecked(linked)
        self.link.setIcon(icon("link" if linked else "unlink"))
        self.update()

    def minimumSizeHint(self) -> QSize:
        return QSize(BADGE + 88, HEIGHT)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.pressed.emit()

    def paintEvent(self, event: QPaintEvent) -> None:
        c = theme.colors()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), c.panel)
        painter.fillRect(0, self.height() - 1, self.width(), 1, c.line)
        if self._focused:
            painter.fillRect(0, self.height() - 2, self.width(), 2, c.accent)
        badge = QRectF(8, (self.height() - BADGE) / 2, BADGE, BADGE)
        painter.setPen(QPen(c.accent if self._focused else c.line, 1))
        painter.setBrush(c.accent if self._focused else c.raised)
        painter.drawRoundedRect(badge.adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        painter.setFont(theme.strong(self.font()))
        painter.setPen(c.accent_text if self._focused else c.text)
        painter.drawText(badge, Qt.AlignmentFlag.AlignCenter, self.letter)
        painter.setFont(self.font())
        painter.setPen(c.text if self._focused else c.dim_text)
        left = badge.right() + 8
        room = self.link.geometry().left() - 6 - left
        text = self.fontMetrics().elidedText(self._name, Qt.TextElideMode.ElideMiddle, int(room))
        line = QRectF(left, 0, room, self.height())
        painter.drawText(line, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.update()

    def _button(self, name: str, tip: str) -> QToolButton:
        button = QToolButton(self)
        button.setObjectName("tight")
        button.setAutoRaise(True)
        button.setFixedSize(26, 26)
        button.setIconSize(QSize(16, 16))
        button.setIcon(icon(name))
        button.setToolTip(tip)
        button.setAccessibleName(tip)
        button.setCursor(Qt.CursorShape.ArrowCursor)
        return button
