"""Reconstruction, KL, ELBO and log p(x) of an image on one scale of nats."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from genviewer.ui import theme
from genviewer.ui.widgets.explain_picture import nats

HEIGHT = 148
SIDE = 96
"""Room for a number left and right of the scale."""


class BoundsPicture(QWidget):
    """A scale on which the ELBO lies a KL left of the reconstruction, and log p(x) between."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._values = (0.0, -1.0, -0.5)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Bounds on log p(x)")

    def set_bounds(self, reconstruction: float, elbo: float, log_px: float) -> None:
        """Show these, in nats."""
        self._values = (reconstruction, elbo, log_px)
        self.setAccessibleDescription(
            f"Reconstruction {nats(reconstruction)}, ELBO {nats(elbo)}, log p(x) {nats(log_px)}."
        )
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(560, HEIGHT)

    def minimumSizeHint(self) -> QSize:
        return QSize(420, HEIGHT)

    def _x(self, value: float) -> float:
        low, high = min(self._values), max(self._values)
        share = (value - low) / max(high - low, 1e-9)
        return SIDE + share * (self.width() - 2 * SIDE)

    def paintEvent(self, event: QPaintEvent) -> None:
        c = theme.colors()
        reconstruction, elbo, log_px = self._values
        p = QPainter(self)
        p.setRenderHint(QPainter.RenderHint.Antialiasing)
        scale = HEIGHT / 2 + 6
        p.setPen(QPen(c.line, 2))
        p.drawLine(QPointF(16, scale), QPointF(self.width() - 16, scale))
        self._stretch(p, elbo, reconstruction, scale - 46, f"KL {nats(reconstruction - elbo)}")
        self._mark(p, reconstruction, scale, "reconstruction", above=True)
        self._mark(p, elbo, scale, "ELBO", above=True)
        self._mark(p, log_px, scale, "log p(x) at least", above=False, strong=True)
        p.end()

    def _stretch(self, p: QPainter, low: float, high: float, y: float, text: str) -> None:
        """A line with ends from one value to another, and what it is."""
        c = theme.colors()
        left, right = self._x(low), self._x(high)
        p.setPen(QPen(c.warning, 1.5))
        p.drawLine(QPointF(left, y), QPointF(right, y))
        for x in (left, right):
            p.drawLine(QPointF(x, y - 4), QPointF(x, y + 4))
        p.setPen(c.text)
        middle = QRectF((left + right) / 2 - 100, y - 22, 200, 18)
        p.drawText(middle, int(Qt.AlignmentFlag.AlignCenter), text)

    def _mark(
        self, p: QPainter, value: float, y: float, name: str, *, above: bool, strong: bool = False
    ) -> None:
        c, x = theme.colors(), self._x(value)
        p.setPen(Qt.PenStyle.NoPen)
        p.setBrush(c.accent if strong else c.dim_text)
        p.drawEllipse(QPointF(x, y), 6, 6)
        p.setFont(theme.strong(self.font()) if strong else self.font())
        p.setPen(c.text if strong else c.dim_text)
        top = y - 34 if above else y + 12
        place = QRectF(x - 100, top, 200, 18)
        p.drawText(place, int(Qt.AlignmentFlag.AlignCenter), f"{name} {nats(value)}")
        p.setFont(self.font())
