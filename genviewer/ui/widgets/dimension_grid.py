"""For each latent dimension its aggregated posterior against the prior, as a small plot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from genviewer.ui import theme
from genviewer.ui.widgets.data_plot import faded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from PySide6.QtCore import QEvent
    from PySide6.QtGui import QPaintEvent, QResizeEvent

WIDTH, HEIGHT, GAP = 148, 96, 8
HEAD = 18
HIGHEST = 2.5
"""Densities beyond so many times the prior's peak leave the picture."""


class DimensionGrid(QWidget):
    """Small plots in rows, as many beside each other as there is room for."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Aggregated posterior of each dimension")
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self._density = np.zeros((0, 0))
        self._prior = np.zeros(0)
        self._titles: list[str] = []
        self._tips: list[str] = []
        self._active = np.zeros(0, np.bool_)

    def set_dimensions(
        self,
        density: NDArray[np.float64],
        prior: NDArray[np.float64],
        titles: Sequence[str],
        tips: Sequence[str],
        active: NDArray[np.bool_],
    ) -> None:
        """Show densities (D, B) against the prior's (B,); those not active are dimmed."""
        self._density, self._prior = density, prior
        self._titles, self._tips, self._active = list(titles), list(tips), active
        self.updateGeometry()
        self.update()

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        rows = -(-len(self._titles) // self._columns(width))
        return max(1, rows) * (HEIGHT + GAP) - GAP

    def sizeHint(self) -> QSize:
        return QSize(3 * (WIDTH + GAP), self.heightForWidth(self.width()))

    def minimumSizeHint(self) -> QSize:
        return QSize(WIDTH, self.heightForWidth(self.width()))

    def _columns(self, width: int) -> int:
        return max(1, (width + GAP) // (WIDTH + GAP))

    def _cell(self, index: int) -> QRect:
        columns = self._columns(self.width())
        row, column = divmod(index, columns)
        wide = (self.width() + GAP) // columns - GAP
        return QRect(column * (wide + GAP), row * (HEIGHT + GAP), wide, HEIGHT)

    def _within(self, rect: QRect) -> list[int]:
        """The dimensions whose plots are in a part of the widget; there may be thousands beside."""
        columns = self._columns(self.width())
        first = columns * max(0, rect.top() // (HEIGHT + GAP))
        last = columns * (rect.bottom() // (HEIGHT + GAP) + 1)
        near = range(len(self._titles))[first : max(last, 0)]
        return [index for index in near if self._cell(index).intersects(rect)]

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.updateGeometry()

    def paintEvent(self, event: QPaintEvent) -> None:
        c = theme.colors()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = painter.font()
        font.setPixelSize(11)
        painter.setFont(font)
        peak = float(self._prior.max(initial=1e-9))
        top = min(HIGHEST * peak, 1.1 * max(peak, float(self._density.max(initial=0.0))))
        for index in self._within(event.rect()):
            cell, title = self._cell(index), self._titles[index]
            on = bool(self._active[index])
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(c.field)
            painter.drawRoundedRect(cell, 4, 4)
            painter.setPen(c.text if on else c.dim_text)
            head = QRect(cell.left() + 8, cell.top(), cell.width() - 16, HEAD + 4)
            flags = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(head, int(flags), title)
            plot = QRectF(cell).adjusted(8, HEAD + 6, -8, -6)
            shape = _outline(self._density[index], plot, top)
            painter.setClipRect(plot)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(faded(c.accent if on else c.dim_text, 150 if on else 70))
            painter.drawPolygon(shape)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(c.text if on else c.dim_text, 1, Qt.PenStyle.DashLine))
            painter.drawPolyline(_outline(self._prior, plot, top))
            painter.setClipping(False)
            painter.setPen(QPen(c.line, 1))
            painter.drawLine(plot.bottomLeft(), plot.bottomRight())
        painter.end()

    def event(self, event: QEvent) -> bool:
        if event.type() == event.Type.ToolTip:
            where = event.pos()  # type: ignore[attr-defined]
            for index in self._within(QRect(where, where)):
                QToolTip.showText(event.globalPos(), self._tips[index], self)  # type: ignore[attr-defined]
                return True
            QToolTip.hideText()
            return True
        return super().event(event)


def _outline(values: NDArray[np.float64], plot: QRectF, top: float) -> QPolygonF:
    """A density over the width of a plot, closed along its floor."""
    xs = np.linspace(plot.left(), plot.right(), len(values))
    ys = plot.bottom() - np.minimum(values / top, 1.2) * plot.height()
    points = [QPointF(plot.left(), plot.bottom())]
    points += [QPointF(float(x), float(y)) for x, y in zip(xs, ys, strict=True)]
    points.append(QPointF(plot.right(), plot.bottom()))
    return QPolygonF(points)
