"""A histogram with a threshold to drag and a mark. Imports pyqtgraph."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QSize, Qt, Signal

from genviewer.ui import theme
from genviewer.ui.widgets.data_plot import DataPlot, dashed, faded

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PySide6.QtGui import QKeyEvent
    from PySide6.QtWidgets import QWidget

BINS = 60
TAIL = 0.002
"""The share of the values at the low end that is piled up in the first bin."""

THRESHOLD = "reject below"
STEPS = 200.0
ROOM = 1.27


class Histogram(DataPlot):
    """How often which value is, what lies below a threshold, and where one value is among them.

    The threshold is dragged, or moved by the arrow keys (with Shift by ten steps).

    Signals:
        threshold_moved(float): a person moved it.
    """

    threshold_moved = Signal(float)

    def __init__(self, name: str, x: str, parent: QWidget | None = None) -> None:
        self._bars = pg.PlotCurveItem([0.0, 0.0], [0.0], stepMode="center", fillLevel=0)
        self._below = pg.PlotCurveItem([0.0, 0.0], [0.0], stepMode="center", fillLevel=0)
        self._threshold = pg.InfiniteLine(movable=True, angle=90, label=THRESHOLD)
        self._mark = pg.InfiniteLine(movable=False, angle=90, label="")
        self._edges, self._counts = np.zeros(0), np.zeros(0)
        self._value: float | None = None
        self._at = 0.0
        super().__init__(name, x, "images", parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        for item in (self._bars, self._below, self._threshold, self._mark):
            self.addItem(item, ignoreBounds=True)
        self._threshold.label.setPosition(0.95)
        self._mark.label.setPosition(0.86)
        self._threshold.sigPositionChanged.connect(self._dragged)
        self._threshold.setVisible(False)
        self._mark.setVisible(False)

    def sizeHint(self) -> QSize:
        return QSize(420, 220)

    @property
    def threshold(self) -> float:
        """The threshold, which may lie beyond the line that stands for it."""
        return self._at

    @property
    def mark(self) -> float | None:
        """The value that is marked."""
        return self._value

    def set_values(self, values: NDArray[np.float64], highest: float | None = None) -> None:
        """Show the histogram of finite values float64 (N,), N at least 1.

        The threshold is dragged no further than to ``highest``.
        """
        low, high = float(np.quantile(values, TAIL)), float(values.max())
        if high - low < 1e-9:
            low, high = low - 1.0, high + 1.0
        counts, edges = np.histogram(np.clip(values, low, high), BINS, (low, high))
        self._counts, self._edges = counts, edges
        room = 0.06 * (high - low)
        self._bars.setData(edges, counts)
        self.setXRange(low - room, high + room, padding=0.0)
        # Above the highest bar the two labels lie over nothing.
        self.setYRange(0.0, ROOM * float(counts.max()), padding=0.0)
        self._threshold.blockSignals(True)  # nobody has moved it
        self._threshold.setBounds((low - room, high + room if highest is None else highest))
        self._threshold.blockSignals(False)
        self._threshold.setVisible(True)
        self._take_line()
        self.set_mark(self._value)

    def set_threshold(self, value: float) -> None:
        """Show a threshold without saying that a person moved it.

        For one that lies outside the line is at the edge, with an arrow.
        """
        self._threshold.blockSignals(True)
        self._threshold.setValue(value)
        self._threshold.blockSignals(False)
        self._at = value
        beyond = value < self._threshold.value()
        self._threshold.label.setFormat(f"◂ {THRESHOLD}" if beyond else THRESHOLD)
        self._shade()

    def set_mark(self, value: float | None, name: str = "this image") -> None:
        """Mark a value; one that lies outside is marked at the edge, with an arrow."""
        self._value = value
        self._mark.setVisible(value is not None and len(self._edges) > 0)
        if value is None or not len(self._edges):
            return
        low, high = self.viewRange()[0]
        text = f"◂ {name}" if value < low else f"{name} ▸" if value > high else name
        self._mark.setValue(min(max(value, low), high))
        self._mark.label.setFormat(text)

    def restyle(self) -> None:
        super().restyle()
        c = theme.colors()
        self._bars.setPen(pg.mkPen(None))
        self._bars.setBrush(faded(c.accent, 170))
        self._below.setPen(pg.mkPen(None))
        self._below.setBrush(faded(c.warning, 200))
        self._threshold.setPen(pg.mkPen(c.warning, width=2))
        self._threshold.setHoverPen(pg.mkPen(c.warning, width=4))
        self._threshold.label.setColor(c.warning)
        self._threshold.label.fill = pg.mkBrush(c.field)
        self._mark.setPen(dashed(c.text))
        self._mark.label.setColor(c.text)
        self._mark.label.fill = pg.mkBrush(c.field)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        way = {Qt.Key.Key_Left: -1.0, Qt.Key.Key_Right: 1.0}.get(Qt.Key(event.key()))
        if way is None or not len(self._edges):
            super().keyPressEvent(event)
            return
        many = 10.0 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1.0
        step = (self._edges[-1] - self._edges[0]) / STEPS
        self._threshold.setValue(self._threshold.value() + way * many * step)

    def _take_line(self) -> None:
        """The threshold is where its line is."""
        self._at = float(self._threshold.value())
        self._threshold.label.setFormat(THRESHOLD)
        self._shade()

    def _dragged(self) -> None:
        self._take_line()
        self.threshold_moved.emit(self.threshold)

    def _shade(self) -> None:
        """Colour what lies below the threshold."""
        if not len(self._edges):
            return
        bins = int(np.searchsorted(self._edges, self.threshold, "right")) - 1
        bins = min(max(bins, 0), len(self._counts))
        edges, counts = self._edges[: bins + 1], self._counts[:bins]
        if 0 <= bins < len(self._counts) and self.threshold > self._edges[bins]:
            edges = np.r_[edges, self.threshold]
            counts = np.r_[counts, self._counts[bins]]
        if len(counts):
            self._below.setData(edges, counts)
        else:
            self._below.setData([0.0, 0.0], [0.0])
