"""The data panel while there are no data: a place to drop some, and the progress of a survey."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from genviewer.ui import theme
from genviewer.ui.icons import icon
from genviewer.ui.widgets.segments import HEIGHT

if TYPE_CHECKING:
    from PySide6.QtGui import QPaintEvent

MARGIN = 8  # px between the edge and the frame to drop into
PARTS = 1000
INVITATION = "Drop a folder of images here"
DETAIL = "Or a .zip, .npz, .csv, .parquet or idx file. Folders inside it are its classes."


class DropFrame(QWidget):
    """A dashed frame around where something can be dropped; lit while it is dragged there."""

    def __init__(self, parent: QWidget, *, lit: bool = False) -> None:
        super().__init__(parent)
        self._lit = lit

    def paintEvent(self, _event: QPaintEvent) -> None:
        c = theme.colors()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        style = Qt.PenStyle.SolidLine if self._lit else Qt.PenStyle.DashLine
        painter.setPen(QPen(c.accent if self._lit else c.line, 2 if self._lit else 1.5, style))
        frame = QRectF(self.rect()).adjusted(MARGIN, MARGIN, -MARGIN, -MARGIN)
        painter.drawRoundedRect(frame, MARGIN, MARGIN)
        painter.end()


class AskPage(DropFrame):
    """Asks for data.

    Signals:
        folder_wanted(), file_wanted(), hub_wanted(): choose some.
    """

    folder_wanted = Signal()
    file_wanted = Signal()
    hub_wanted = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._message = QLabel(self)
        self._message.setFont(theme.strong(self.font()))
        self._message.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._detail = QLabel(self)
        self._detail.setTextFormat(Qt.TextFormat.PlainText)
        self._detail.setWordWrap(True)
        self._detail.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._detail.setForegroundRole(self._detail.palette().ColorRole.PlaceholderText)
        line = QHBoxLayout()
        line.setSpacing(8)
        line.addStretch(1)
        for text, signal, tip in (
            ("Folder…", self.folder_wanted, "Choose a folder of images"),
            ("File…", self.file_wanted, "Choose a .zip, .npz, .csv, .parquet or idx file"),
            ("Hub…", self.hub_wanted, "Fetch a data set of the Hugging Face Hub"),
        ):
            button = QPushButton(text, self)
            button.setFixedHeight(HEIGHT)
            button.setToolTip(tip)
            button.clicked.connect(signal)
            line.addWidget(button)
        line.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 16, 24, 16)
        column.setSpacing(8)
        column.addStretch(1)
        column.addWidget(self._message)
        column.addWidget(self._detail)
        column.addSpacing(4)
        column.addLayout(line)
        column.addStretch(2)
        self.show_text()

    def show_text(self, message: str = INVITATION, detail: str = DETAIL) -> None:
        """Say something: one line, and below it more."""
        self._message.setText(message)
        self._detail.setText(detail)


class WorkingPage(QWidget):
    """How far a survey is.

    Signals:
        cancel_wanted(): it is no longer wanted.
    """

    cancel_wanted = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._doing = QLabel(self)
        self._doing.setTextFormat(Qt.TextFormat.PlainText)
        self._doing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._bar = QProgressBar(self)
        self._bar.setRange(0, PARTS)
        self._bar.setTextVisible(False)
        self._bar.setFixedSize(280, 6)
        self._bar.setAccessibleName("Progress of looking at the images")
        cancel = QPushButton(icon("close"), "Cancel", self)
        cancel.setFixedHeight(HEIGHT)
        cancel.clicked.connect(self.cancel_wanted)
        column = QVBoxLayout(self)
        column.setSpacing(12)
        column.addStretch(1)
        column.addWidget(self._doing)
        column.addWidget(self._bar, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addWidget(cancel, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(2)

    def show_progress(self, done: float, text: str) -> None:
        """Show how much is done (0..1), and what is going on."""
        self._bar.setValue(round(done * PARTS))
        self._doing.setText(text)
