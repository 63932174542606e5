"""What the pages of the data set window have in common: figures, or a sentence in their place."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QLabel,
    QPushButton,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from genviewer.ui import theme

MARGIN = 16


class DataPage(QStackedWidget):
    """Shows its figures, or says why there are none.

    Signals:
        wanted(): a person asks for the figures.
    """

    wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        empty = QWidget(self)
        self.sentence = QLabel(empty)
        self.sentence.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.sentence.setWordWrap(True)
        self.sentence.setTextFormat(Qt.TextFormat.PlainText)
        self.button = QPushButton("Measure", empty)
        self.button.clicked.connect(self.wanted)
        column = QVBoxLayout(empty)
        column.setContentsMargins(64, MARGIN, 64, MARGIN)
        column.setSpacing(MARGIN)
        column.addStretch(1)
        column.addWidget(self.sentence)
        column.addWidget(self.button, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(2)
        self.content = QWidget(self)
        self.addWidget(empty)
        self.addWidget(self.content)
        self.say("")

    @property
    def has_figures(self) -> bool:
        """Whether it shows figures."""
        return self.currentWidget() is self.content

    def say(self, text: str, button: str = "") -> None:
        """Show a sentence in the place of the figures, perhaps with a button that asks for them."""
        self.sentence.setText(text)
        self.button.setText(button)
        self.button.setVisible(bool(button))
        self.setCurrentIndex(0)

    def show_figures(self) -> None:
        """Show the figures."""
        self.setCurrentWidget(self.content)


def heading(text: str, parent: QWidget) -> QLabel:
    """The title of a part of a page."""
    label = QLabel(text, parent)
    label.setFont(theme.strong(label.font()))
    return label


def prose(parent: QWidget) -> QLabel:
    """A label for sentences."""
    label = QLabel(parent)
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label


def percent(share: float, decimals: int = 1) -> str:
    """A share (0..1) in per cent."""
    return f"{100.0 * share:.{decimals}f} %"


def scrolled(widget: QWidget, parent: QWidget) -> QScrollArea:
    """A widget that may be higher than its place."""
    area = QScrollArea(parent)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setWidgetResizable(True)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setWidget(widget)
    return area
