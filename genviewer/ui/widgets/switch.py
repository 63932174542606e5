"""On or off."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QWidget

from genviewer.ui import theme

TRACK = QSize(36, 20)


class Switch(QAbstractButton):
    """A switch; on has its handle at the right, a tick beside it and the accent."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setCheckable(True)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def sizeHint(self) -> QSize:
        return TRACK + QSize(6, 6)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        c = theme.colors()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        track = QRectF(0, 0, TRACK.width(), TRACK.height()).adjusted(0.5, 0.5, -0.5, -0.5)
        track.moveCenter(QRectF(self.rect()).center())
        radius = track.height() / 2
        if self.hasFocus():
            painter.setPen(QPen(c.accent, 1.5))
            painter.drawRoundedRect(track.adjusted(-2.5, -2.5, 2.5, 2.5), radius + 2, radius + 2)
        on = self.isChecked()
        edge = c.accent if on else c.text if self.underMouse() else c.dim_text
        painter.setPen(QPen(edge, 1))
        painter.setBrush(c.accent if on else c.field)
        painter.drawRoundedRect(track, radius, radius)
        x = track.right() - radius if on else track.left() + radius
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(c.accent_text if on else c.dim_text)
        painter.drawEllipse(QPointF(x, track.center().y()), radius - 3.5, radius - 3.5)
        if on:
            painter.setPen(QPen(c.accent_text, 1.75))
            left, middle = track.left() + 7, track.center().y()
            painter.drawPolyline(
                [
                    QPointF(left, middle + 0.5),
                    QPointF(left + 3, middle + 3.5),
                    QPointF(left + 8, middle - 3),
                ]
            )
