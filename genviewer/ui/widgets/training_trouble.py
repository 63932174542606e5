"""What went wrong with a training and what can be done, in full, under the line of the panel."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from genviewer.ui import icons, theme

ICON = 16


class TrainingTrouble(QWidget):
    """A sentence on what happened and one on what can be done; hidden where there is none."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.label = QLabel(self)
        self.label.setTextFormat(Qt.TextFormat.PlainText)
        self.label.setWordWrap(True)
        self.label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        row = QHBoxLayout(self)
        row.setContentsMargins(12 + ICON + 8, 6, 12, 6)
        row.addWidget(self.label)
        self.hide()

    @property
    def text(self) -> str:
        """What is said."""
        return self.label.text()

    def say(self, what: str, advice: str) -> None:
        """Say what happened and what can be done; with two empty texts there is no trouble."""
        text = " ".join(part for part in (what, advice) if part)
        self.label.setText(text)
        self.setAccessibleName(f"Warning: {text}" if text else "")
        self.setVisible(bool(text))

    def paintEvent(self, event: QPaintEvent) -> None:
        c = theme.colors()
        painter = QPainter(self)
        painter.fillRect(self.rect(), c.field)
        painter.fillRect(0, 0, 3, self.height(), c.warning)
        image = icons.pixmap("warning", ICON, c.warning, self.devicePixelRatioF())
        painter.drawPixmap(12, (self.height() - ICON) // 2, image)
