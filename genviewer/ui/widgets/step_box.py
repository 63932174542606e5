"""A compact whole-number box whose two arrows are drawn in the colours of the scheme."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QPolygonF, QResizeEvent
from PySide6.QtWidgets import QAbstractButton, QSpinBox, QWidget

from genviewer.ui import theme

ARROWS = 16  # width of the two arrows
REPEAT_AFTER_MS, REPEAT_EVERY_MS = 350, 60


class _Arrow(QAbstractButton):
    """One of the two arrows; held down, it repeats."""

    def __init__(self, up: bool, parent: QWidget) -> None:
        super().__init__(parent)
        self._up = up
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setCursor(Qt.CursorShape.ArrowCursor)
        self.setAutoRepeat(True)
        self.setAutoRepeatDelay(REPEAT_AFTER_MS)
        self.setAutoRepeatInterval(REPEAT_EVERY_MS)
        self.setAccessibleName("More" if up else "Less")

    def sizeHint(self) -> QSize:
        return QSize(ARROWS, 12)

    def paintEvent(self, event: QPaintEvent) -> None:
        colors = theme.colors()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        lively = self.isEnabled() and (self.isDown() or self.underMouse())
        painter.setPen(QPen(colors.text if lively else colors.dim_text, 1.4))
        middle = QPointF(self.width() / 2 - 1, self.height() / 2 + (1 if self._up else -1))
        tip = -1.6 if self._up else 1.6
        painter.drawPolyline(
            QPolygonF(
                [
                    middle + QPointF(-3.2, -tip),
                    middle + QPointF(0, tip),
                    middle + QPointF(3.2, -tip),
                ]
            )
        )
        painter.end()


class StepBox(QSpinBox):
    """A QSpinBox that edits only when a number is complete, wide enough for its range.

    The style sheet gives its own buttons no width; these arrows stand in their place.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setKeyboardTracking(False)
        self.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.lineEdit().setTextMargins(0, 0, ARROWS - 4, 0)
        self._more = _Arrow(True, self)
        self._less = _Arrow(False, self)
        self._more.clicked.connect(self.stepUp)
        self._less.clicked.connect(self.stepDown)

    def sizeHint(self) -> QSize:
        widest = max(
            self.fontMetrics().horizontalAdvance(f"{self.prefix()}{value}{self.suffix()}")
            for value in (self.minimum(), self.maximum())
        )
        return QSize(widest + ARROWS + 20, super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        half = self.height() // 2
        self._more.setGeometry(self.width() - ARROWS - 1, 1, ARROWS, half - 1)
        self._less.setGeometry(self.width() - ARROWS - 1, half, ARROWS, half - 1)
