"""One chip: its body, and a button that is one."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import (
    QKeyEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QAbstractButton, QWidget

from genviewer.ui import theme

PADDING = 10  # left and right of the text
MARGIN = 2  # room for the focus ring
RADIUS = 6.0


def paint_chip(
    painter: QPainter, rect: QRectF, share: float, *, hovered: bool = False, held: bool = False
) -> None:
    """The body of a chip: filled when chosen alone, filled up to its share in a blend."""
    c = theme.colors()
    outline = QPainterPath()
    outline.addRoundedRect(rect, RADIUS, RADIUS)
    body = c.accent if share >= 1 else c.accent_soft if held else c.raised
    painter.fillPath(outline, body)
    if 0 < share < 1:
        painter.save()
        painter.setClipPath(outline)
        filled = QRectF(rect.left(), rect.top(), rect.width() * share, rect.height())
        painter.fillRect(filled, c.accent_soft)
        painter.fillRect(QRectF(filled.left(), filled.bottom() - 3, filled.width(), 3), c.accent)
        painter.restore()
    border = c.accent if share > 0 else c.dim_text if hovered else c.line
    painter.setPen(QPen(border, 1.5 if 0 < share < 1 else 1))
    painter.drawPath(outline)


class ChipButton(QAbstractButton):
    """A single chip that is on or off."""

    def __init__(self, text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setText(text)
        self.setCheckable(True)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def sizeHint(self) -> QSize:
        return QSize(self.fontMetrics().horizontalAdvance(self.text()) + 2 * PADDING + 8, 26)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        c = theme.colors()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rect = QRectF(self.rect()).adjusted(2.5, 2.5, -2.5, -2.5)
        on = self.isChecked()
        paint_chip(painter, rect, float(on), hovered=self.underMouse(), held=self.isDown())
        if self.hasFocus():
            painter.setPen(QPen(c.accent, 1.5))
            painter.drawRoundedRect(rect.adjusted(-2, -2, 2, 2), RADIUS + 2, RADIUS + 2)
        painter.setPen(c.accent_text if on else c.text)
        painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, self.text())
