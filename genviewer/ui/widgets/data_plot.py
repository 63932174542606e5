"""A plot in the colours of the program.

Imports pyqtgraph, which takes a while: whoever needs a plot imports this module then.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pyqtgraph as pg
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QColor, QFont

from genviewer.ui import theme
from genviewer.ui.numerals import with_minus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtGui import QMouseEvent
    from PySide6.QtWidgets import QWidget


SPARSE = [(0, 0.8), (2, 0.35), (4, 0.2)]
"""How much of a vertical axis numbers fill at most, by how many there are already."""


class SignedAxis(pg.AxisItem):
    """An axis whose numbers have a proper minus sign.

    Beyond ``highest`` there are no values, and so no ticks.
    """

    highest = math.inf

    def tickValues(
        self, low: float, high: float, size: float
    ) -> list[tuple[float, Sequence[float]]]:
        levels = super().tickValues(low, high, size)
        most = self.highest + 1e-9
        return [(spacing, [v for v in values if v <= most]) for spacing, values in levels]

    def tickStrings(self, values: Sequence[float], scale: float, spacing: float) -> list[str]:
        return [with_minus(text) for text in super().tickStrings(values, scale, spacing)]


class DataPlot(pg.PlotWidget):
    """Axes that show all there is; the mouse does not move them.

    Args:
        name: for assistive programs.
        x: label of the horizontal axis, and
        y: of the vertical one.
        view: pyqtgraph's view box, by default one that stays where it is.
    """

    _made = False  # pyqtgraph's constructor changes the palette before there is a plot

    def __init__(
        self,
        name: str,
        x: str,
        y: str,
        parent: QWidget | None = None,
        view: pg.ViewBox | None = None,
    ) -> None:
        axes = {side: SignedAxis(side) for side in ("bottom", "left")}
        super().__init__(parent, background=None, viewBox=view, enableMenu=False, axisItems=axes)
        self.setAccessibleName(name)
        self.setFrameShape(pg.PlotWidget.Shape.NoFrame)
        item = self.getPlotItem()
        item.hideButtons()
        item.setMenuEnabled(False)
        item.ctrlMenu.setParent(self, Qt.WindowType.Popup)  # or it outlives the plot
        if view is None:
            item.setMouseEnabled(False, False)
        self._labels = {"bottom": x, "left": y}
        for side in self._labels:
            item.getAxis(side).enableAutoSIPrefix(False)
        item.getAxis("left").setStyle(textFillLimits=SPARSE)
        self._made = True
        self.restyle()

    def set_labels(self, x: str, y: str) -> None:
        """Call the axes something else."""
        self._labels = {"bottom": x, "left": y}
        self.restyle()

    def restyle(self) -> None:
        """Take the colours of the scheme in force; overridden where there is more to colour."""
        c = theme.colors()
        self.setBackground(c.field)
        font = QFont(self.font())
        font.setPixelSize(11)
        for side, text in self._labels.items():
            axis = self.getPlotItem().getAxis(side)
            axis.setPen(pg.mkPen(c.line))
            axis.setTextPen(pg.mkPen(c.dim_text))
            axis.setTickFont(font)
            if text:
                axis.setLabel(text, **{"color": c.dim_text.name(), "font-size": "11px"})

    def mousePressEvent(self, event: QMouseEvent) -> None:
        super().mousePressEvent(event)
        event.accept()  # a plot's own: what is behind it does not hear of it

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        event.accept()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if self._made and event.type() == QEvent.Type.PaletteChange:
            self.restyle()


def faded(color: QColor, alpha: int) -> QColor:
    """The colour with another opacity, 0..255."""
    result = QColor(color)
    result.setAlpha(alpha)
    return result


def dashed(color: QColor) -> pg.QtGui.QPen:
    """A thin dashed pen."""
    return pg.mkPen(color, width=1, style=Qt.PenStyle.DashLine)
