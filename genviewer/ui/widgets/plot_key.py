"""Which curve is which: beside a plot's title, where it lies over none of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from genviewer.ui import theme

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PySide6.QtGui import QColor, QPaintEvent

SWATCH, NEAR, APART = 14, 5, 14


class PlotKey(QWidget):
    """A short line in each curve's colour, and its name.

    Args:
        names: of the curves.
        colors: gives their colours in the scheme in force.
        parent: of the widget.
    """

    def __init__(
        self,
        names: Sequence[str],
        colors: Callable[[], Sequence[QColor]],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._names, self._colors = tuple(names), colors
        self.setAccessibleName(", ".join(names))
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        words = sum(metrics.horizontalAdvance(name) for name in self._names)
        count = len(self._names)
        return QSize(words + count * (SWATCH + NEAR) + (count - 1) * APART, metrics.height())

    def paintEvent(self, event: QPaintEvent) -> None:
        p, metrics, x = QPainter(self), self.fontMetrics(), 0.0
        p.setRenderHint(QPainter.RenderHint.Antialiasing)
        middle, height = self.height() / 2.0, float(self.height())
        for name, color in zip(self._names, self._colors(), strict=True):
            p.setPen(QPen(color, 2.0, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap))
            p.drawLine(QPointF(x, middle), QPointF(x + SWATCH, middle))
            x += SWATCH + NEAR
            width = float(metrics.horizontalAdvance(name))
            p.setPen(theme.colors().dim_text)
            p.drawText(QRectF(x, 0.0, width + 1.0, height), Qt.AlignmentFlag.AlignVCenter, name)
            x += width + APART
