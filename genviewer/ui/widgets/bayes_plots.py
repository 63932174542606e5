"""How far a classifier can be trusted, as two plots. Imports pyqtgraph."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QSize

from genviewer.ui import theme
from genviewer.ui.widgets.data_plot import DataPlot, dashed, faded
from genviewer.ui.widgets.plot_key import PlotKey

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PySide6.QtGui import QColor
    from PySide6.QtWidgets import QWidget


class CalibrationPlot(DataPlot):
    """Accuracy against confidence in bins; faint bars say how many images a bin has."""

    def __init__(self, parent: QWidget | None = None) -> None:
        self._line = pg.PlotDataItem(symbol="o", symbolSize=7)
        self._ideal = pg.PlotCurveItem([0.0, 1.0], [0.0, 1.0])
        self._counts = pg.PlotCurveItem([0.0, 0.0], [0.0], stepMode="center", fillLevel=0)
        super().__init__(
            "Calibration: accuracy against confidence", "confidence p(y | x)", "accuracy", parent
        )
        for item in (self._counts, self._ideal, self._line):
            self.addItem(item)
        self.setXRange(0.0, 1.0, padding=0.02)
        self.setYRange(0.0, 1.0, padding=0.04)

    def sizeHint(self) -> QSize:
        return QSize(280, 190)

    def set_bins(
        self,
        edges: NDArray[np.float64],
        count: NDArray[np.int64],
        confidence: NDArray[np.float64],
        accuracy: NDArray[np.float64],
    ) -> None:
        """Show bins with these edges (B + 1,) and contents (B,); NaN in empty ones."""
        filled = count > 0
        self._line.setData(confidence[filled], accuracy[filled])
        # By the logarithm: nearly all images are in the last bin.
        heights = np.log1p(count) / max(float(np.log1p(count).max()), 1e-9)
        self._counts.setData(edges, 0.9 * heights)

    def restyle(self) -> None:
        super().restyle()
        c = theme.colors()
        self._line.setPen(pg.mkPen(c.accent, width=2))
        self._line.setSymbolBrush(pg.mkBrush(c.accent))
        self._line.setSymbolPen(pg.mkPen(c.field))
        self._ideal.setPen(dashed(c.dim_text))
        self._counts.setPen(pg.mkPen(None))
        self._counts.setBrush(faded(c.dim_text, 50))


class RejectionPlot(DataPlot):
    """Accuracy of what is kept against the share that is rejected, for two ways to reject.

    ``key`` tells the two apart, and is to be put beside the title.
    """

    WAYS = ("by log p(x)", "by confidence")

    def __init__(self, parent: QWidget | None = None) -> None:
        self._lines = [pg.PlotCurveItem() for _ in self.WAYS]
        self._share = pg.InfiniteLine(angle=90, movable=False)
        super().__init__(
            "Accuracy against rejection", "share rejected", "accuracy of the rest", parent
        )
        self.key = PlotKey(self.WAYS, way_colors, parent)
        for line in self._lines:
            self.addItem(line)
        self.addItem(self._share, ignoreBounds=True)
        self.getPlotItem().getAxis("left").highest = 1.0
        self.setXRange(0.0, 1.0, padding=0.02)

    def sizeHint(self) -> QSize:
        return QSize(280, 190)

    def set_curves(self, *curves: tuple[NDArray[np.float64], NDArray[np.float64]]) -> None:
        """Show shares rejected and accuracies for each of :attr:`WAYS`."""
        for line, (rejected, accuracy) in zip(self._lines, curves, strict=True):
            line.setData(rejected, accuracy)
        low = min(float(accuracy.min()) for _, accuracy in curves)
        room = max(0.08 * (1.0 - low), 0.002)
        self.setYRange(low - room, 1.0 + room, padding=0.0)

    def set_share(self, share: float) -> None:
        """Mark the share that the threshold rejects."""
        self._share.setValue(share)

    def restyle(self) -> None:
        super().restyle()
        c = theme.colors()
        for line, color in zip(self._lines, way_colors(), strict=True):
            line.setPen(pg.mkPen(color, width=2))
        self._share.setPen(dashed(c.text))


def way_colors() -> tuple[QColor, QColor]:
    """The colours of the two ways to reject."""
    c = theme.colors()
    return c.accent, c.warning
