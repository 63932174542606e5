"""The plots of a training next to each other: one range of steps, one cross hair.

Imports pyqtgraph: whoever needs plots imports this module then.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

import pyqtgraph as pg
from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtWidgets import QFrame, QSizePolicy

from genviewer.ui import theme
from genviewer.ui.widgets.curve_plot import AXIS_WIDTH, TITLE_HEIGHT, CurvePlot

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtCore import QPointF
    from PySide6.QtGui import QColor, QPaintEvent, QResizeEvent
    from PySide6.QtWidgets import QWidget

    from genviewer.ui.widgets.curve_data import CurveData
    from genviewer.ui.widgets.curve_series import Series

ASPECT = 1.7
"""A plot that is so many times wider than high is read best."""
CLOSEST = 2.0
"""At least so many steps are seen."""
AHEAD = 0.04
"""The axis of steps is so much longer than the training so far, and grows in leaps: writing its
numbers anew takes longer than drawing all curves."""


class CurvePlots(pg.GraphicsLayoutWidget):
    """A plot for each scale, all of the same steps.

    Signals:
        hovered(object): the pointer is at this step, a float, or nowhere: None.
        moved(): the hand has chosen other steps.
    """

    hovered = Signal(object)
    moved = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(160, 96)
        self.ci.layout.setContentsMargins(4, 0, 8, 4)
        self.ci.layout.setSpacing(8)
        self._made: dict[str, CurvePlot] = {}
        self._plots: dict[str, CurvePlot] = {}  # those of them that are seen
        self._columns = 0
        self._range: tuple[float, float] | None = None
        self._drawn = (0.0, 1.0)
        self._log = False
        self.cost = 0.0
        """Seconds that the last painting took."""
        self.setBackground(theme.colors().panel)
        self.scene().sigMouseMoved.connect(self._point)

    @property
    def steps(self) -> tuple[float, float]:
        """The steps that are drawn."""
        return self._drawn

    @property
    def plots(self) -> tuple[CurvePlot, ...]:
        """The plots, in their order."""
        return tuple(self._plots.values())

    def set_curves(self, curves: Sequence[tuple[Series, CurveData, QColor]]) -> None:
        """Show these curves, those of one scale in one plot."""
        wanted: dict[str, dict[str, tuple[CurveData, QColor]]] = {}
        units = {}
        for series, data, color in curves:
            wanted.setdefault(series.plot, {})[series.key] = (data, color)
            units[series.plot] = series.unit
        if list(wanted) != list(self._plots):
            self.clear()
            for name in wanted:
                if name not in self._made:
                    self._made[name] = self._make(name, units[name])
            self._plots = {name: self._made[name] for name in wanted}
            self._columns = 0
        for name, plot in self._plots.items():
            plot.set_curves(wanted[name])
        self._lay_out()

    def draw(self, measured: tuple[float, float], smoothing: bool) -> None:
        """Draw the curves from the first to the last step that was measured, or those steps that
        the hand has chosen.
        """
        self._drawn = self._range or self._roomy(*measured)
        for plot in self._plots.values():
            plot.show_steps(*self._drawn, smoothing)

    def _roomy(self, first: float, last: float) -> tuple[float, float]:
        """The steps of a whole training, with some room for those to come."""
        low, high = self._drawn
        long = max(last - first, CLOSEST)
        if low == first and 0 <= high - last <= 2 * AHEAD * long:
            return self._drawn
        return first, first + long * (1 + AHEAD)

    def mark(self, step: float | None) -> None:
        """Put the cross hair at a step in every plot, or take it away."""
        for plot in self._plots.values():
            plot.mark(step)

    def set_log(self, on: bool) -> None:
        """Show values on logarithmic axes."""
        self._log = on
        for plot in self._made.values():
            plot.set_log(on)

    def show_all(self) -> None:
        """Let the ranges of all axes follow the curves again."""
        self._range = None
        for plot in self._made.values():
            plot.free_values = False

    def zoom(self, factor: float, about: float | None) -> None:
        """See ``factor`` times as many steps, about one of them or the middle."""
        low, high = self._drawn
        middle = about if about is not None else (low + high) / 2
        self._choose(middle + (low - middle) * factor, middle + (high - middle) * factor)

    def pan(self, share: float) -> None:
        """Move by a share of the steps that are seen."""
        low, high = self._drawn
        self._choose(low + share * (high - low), high + share * (high - low))

    def beside(self, step: float | None, aside: int) -> float:
        """The step one pixel or so beside another; without one, at the end of those seen."""
        low, high = self._drawn
        if step is None:
            return high
        width = max((plot.inside.width() for plot in self._plots.values()), default=100.0)
        return min(max(step + aside * max((high - low) / max(width, 1.0) * 2, 1.0), low), high)

    def restyle(self) -> None:
        """Take the colours of the scheme in force."""
        self.setBackground(theme.colors().panel)
        for plot in self._made.values():
            plot.restyle()

    def _make(self, name: str, unit: str) -> CurvePlot:
        plot = CurvePlot(name, unit)
        # Never shown, but a widget, which needs an owner; without the flag it would be seen in it.
        plot.ctrlMenu.setParent(self, Qt.WindowType.Popup)
        plot.set_log(self._log)
        plot.inside.steps_moved.connect(self._choose)
        plot.inside.values_moved.connect(self.moved)
        plot.inside.reset_wanted.connect(self._reset)
        return plot

    def _reset(self) -> None:
        self.show_all()
        self.moved.emit()

    def _choose(self, low: float, high: float) -> None:
        if math.isfinite(low) and math.isfinite(high) and high - low >= CLOSEST:
            self._range = (low, high)
        self.moved.emit()

    def _lay_out(self) -> None:
        """Next to each other as far as there is room, else below."""
        count = len(self._plots)
        if not count:
            return
        columns = max(range(1, count + 1), key=lambda n: self._readable(count, n))
        if columns == self._columns:
            return
        self._columns = columns
        self.clear()
        for place, plot in enumerate(self._plots.values()):
            self.addItem(plot, place // columns, place % columns)
            plot.showAxis("bottom", place + columns >= count)  # all have the same steps
        grid = self.ci.layout
        for column in range(grid.columnCount()):
            used = column < columns
            grid.setColumnStretchFactor(column, int(used))
            grid.setColumnPreferredWidth(column, int(used))  # all are of one width

    def _readable(self, count: int, columns: int) -> float:
        """How large plots of a good shape are in so many columns."""
        rows = -(-count // columns)
        wide = self.width() / columns - AXIS_WIDTH
        return min(wide / ASPECT, self.height() / rows - TITLE_HEIGHT)

    def _point(self, position: QPointF) -> None:
        for plot in self._plots.values():
            if plot.inside.sceneBoundingRect().contains(position):
                self.hovered.emit(float(plot.inside.mapSceneToView(position).x()))
                return
        self.hovered.emit(None)

    def paintEvent(self, event: QPaintEvent) -> None:
        started = time.perf_counter()
        super().paintEvent(event)
        self.cost = time.perf_counter() - started

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self.hovered.emit(None)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if hasattr(self, "_plots"):  # pyqtgraph resizes before it is put together
            self._lay_out()
            self.moved.emit()

    def keyPressEvent(self, event: QEvent) -> None:
        event.ignore()  # the keyboard belongs to the widget around it

    def contextMenuEvent(self, event: QEvent) -> None:
        event.accept()  # pyqtgraph's menu offers what does not fit here
