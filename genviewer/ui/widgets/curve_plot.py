"""One plot of the curves of a training: axes, curves raw and smoothed, zoom and pan.

Imports pyqtgraph, which takes a while: whoever needs a plot imports this module then.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontMetrics
from PySide6.QtWidgets import QGraphicsItem, QGraphicsSimpleTextItem

from genviewer.ui import theme
from genviewer.ui.widgets.curve_series import tick_text

if TYPE_CHECKING:
    from PySide6.QtGui import QPen

    from genviewer.ui.widgets.curve_data import CurveData, Seen, Values

FEW = 48
"""So few points are drawn as dots too, for a line between two of them hides where they are."""
FAINT = 64  # alpha of the raw values behind the smoothed ones
MARGIN = 0.06  # of the values' range, above and below them
OUTLIERS = 0.01  # share of the raw values at either end that may leave the picture
SLACK = 0.12
"""An axis that follows the values stays as it is while they fill it but for this share: writing
its numbers anew takes longer than drawing all curves."""
NO_RANGE = (0.0, 1.0)
TITLE_HEIGHT, AXIS_WIDTH = 18, 52
SMALL = 11  # pixels of the text in a plot


LABEL_GAP, LABEL_DIGIT = 16, 7  # pixels between the numbers of steps, and of each digit
LABEL_HEIGHT = 18  # pixels between two values, at least
FEWEST = 0.7  # of the steps that are seen: so far apart are numbers at most


def _spacing(low: float, high: float, least: float, most: float) -> list[tuple[float, float]]:
    """Where numbers and finer lines are, at least ``least`` apart unless that is more than the
    share ``most`` of what is seen: rather close than none.
    """
    power = 10.0 ** math.floor(math.log10(max(least, 1e-300)))
    leap = next(m for m in (1.0, 2.0, 5.0, 10.0) if m * power >= least * (1 - 1e-9))
    if leap * power > most * (high - low):
        leap = {10.0: 5.0, 5.0: 2.0, 2.0: 1.0, 1.0: 0.5}[leap]
    return [(leap * power, 0), (leap * power / (4 if leap == 2 else 5), 0)]


class StepAxis(pg.AxisItem):
    """Steps with their thousands apart, as many numbers as there is room for."""

    def tickSpacing(self, low: float, high: float, size: float) -> list[tuple[float, float]]:
        wide = LABEL_GAP + LABEL_DIGIT * len(f"{high:,.0f}")
        least = max((high - low) * wide / max(size, 1.0), 1e-9)
        return _spacing(low, high, least, FEWEST)

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        decimals = 0 if spacing >= 1 else 1
        return [f"{value * scale:,.{decimals}f}" for value in values]


class ValueAxis(pg.AxisItem):
    """Values in few characters, with a minus sign, as many as there is room for."""

    def tickSpacing(self, low: float, high: float, size: float) -> list[tuple[float, float]]:
        if self.logMode or not high > low:
            return super().tickSpacing(low, high, size)
        return _spacing(low, high, (high - low) * LABEL_HEIGHT / max(size, 1.0), 1.0)

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        texts = super().tickStrings(values, scale, spacing)
        return texts if self.logMode else [tick_text(text) for text in texts]


class PlotView(pg.ViewBox):
    """The inside of a plot: the wheel zooms the steps, a drag moves them; axes do the same by
    themselves.

    Signals:
        steps_moved(float, float): the hand wants to see these steps.
        values_moved(): the hand has taken the values' axis.
        reset_wanted(): all of it is wanted again.
    """

    steps_moved = Signal(float, float)
    values_moved = Signal()
    reset_wanted = Signal()

    def __init__(self) -> None:
        super().__init__(enableMenu=False, defaultPadding=0.0)
        self.disableAutoRange()

    def wheelEvent(self, event: object, axis: int | None = None) -> None:
        before = self.viewRange()
        along = 0 if axis is None else axis
        super().wheelEvent(event, axis=along)
        self._tell(before)

    def mouseDragEvent(self, event: object, axis: int | None = None) -> None:
        if event.button() != Qt.MouseButton.LeftButton:  # type: ignore[attr-defined]
            event.ignore()  # type: ignore[attr-defined]
            return
        before = self.viewRange()
        super().mouseDragEvent(event, axis=0 if axis is None else axis)
        self._tell(before)

    def mouseDoubleClickEvent(self, event: object) -> None:
        self.reset_wanted.emit()

    def _tell(self, before: list[list[float]]) -> None:
        after = self.viewRange()
        if after[1] != before[1]:
            self.values_moved.emit()
        if after[0] != before[0]:
            self.steps_moved.emit(*after[0])

    def keyPressEvent(self, event: object) -> None:
        event.ignore()  # type: ignore[attr-defined]


@dataclass
class _Lines:
    data: CurveData
    color: QColor
    raw: pg.PlotCurveItem
    smooth: pg.PlotCurveItem
    dots: pg.ScatterPlotItem
    few: bool = True
    band: bool = False


class CurvePlot(pg.PlotItem):
    """The curves of one scale over the steps.

    Args:
        title: above the plot.
        unit: of the values.
    """

    def __init__(self, title: str, unit: str) -> None:
        self.inside = PlotView()
        super().__init__(
            viewBox=self.inside,
            enableMenu=False,
            axisItems={"bottom": StepAxis("bottom"), "left": ValueAxis("left")},
        )
        self.hideButtons()
        self.name, self._unit = title, unit
        self._lines: dict[str, _Lines] = {}
        self._log = self._faint = False
        self._values = NO_RANGE
        self.free_values = False
        """Whether the hand has chosen the range of the values."""
        self._cross = pg.InfiniteLine(angle=90, movable=False)
        self._cross.setVisible(False)
        self.addItem(self._cross, ignoreBounds=True)
        for side in ("left", "bottom"):
            axis = self.getAxis(side)
            axis.enableAutoSIPrefix(False)
            axis.setCacheMode(QGraphicsItem.CacheMode.DeviceCoordinateCache)
        self.getAxis("left").setWidth(AXIS_WIDTH)
        # Not pyqtgraph's own title: a plot of that is never narrower than the text.
        self._title = QGraphicsSimpleTextItem(self)
        self._title.setPos(AXIS_WIDTH + 2, 1)
        self.layout.setContentsMargins(0, TITLE_HEIGHT, 0, 0)
        self.inside.values_moved.connect(self._hold_values)
        self.restyle()

    @property
    def keys(self) -> tuple[str, ...]:
        """The curves in it."""
        return tuple(self._lines)

    def set_curves(self, curves: dict[str, tuple[CurveData, QColor]]) -> None:
        """Show these curves in these colours."""
        for key in [key for key in self._lines if key not in curves]:
            lines = self._lines.pop(key)
            for item in (lines.raw, lines.smooth, lines.dots):
                self.removeItem(item)
        for key, (data, color) in curves.items():
            if key not in self._lines:
                smooth = pg.PlotCurveItem(antialias=True)
                items = pg.PlotCurveItem(), smooth, pg.ScatterPlotItem()
                for depth, item in zip((0, 10, 11), items, strict=True):
                    item.setZValue(depth)
                    self.addItem(item, ignoreBounds=True)
                self._lines[key] = _Lines(data, color, *items)
            self._lines[key].color = color
        self._color()

    def set_log(self, on: bool) -> None:
        """Show values on a logarithmic axis; those that are not above 0 are left out then."""
        if on != self._log:
            self._log = on
            self.free_values = False
            self.getAxis("left").setLogMode(False, on)

    def restyle(self) -> None:
        """Take the colours of the scheme in force."""
        c = theme.colors()
        font = QFont()
        font.setPixelSize(SMALL)
        font.setFeature(QFont.Tag("tnum"), 1)
        self._metrics = QFontMetrics(font)
        for side in ("left", "bottom"):
            axis = self.getAxis(side)
            axis.setPen(pg.mkPen(c.line))
            axis.setTextPen(pg.mkPen(c.dim_text))
            axis.setTickFont(font)
            axis.setStyle(tickLength=-4, tickTextOffset=4, maxTextLevel=0, maxTickLevel=1)
        self._title.setFont(font)
        self._title.setBrush(c.dim_text)
        self._show_title()
        self._cross.setPen(pg.mkPen(c.dim_text, width=1))
        self.inside.setBackgroundColor(c.field)
        self.showGrid(x=True, y=True, alpha=0.12)
        self._color()

    def _show_title(self) -> None:
        """The name of the scale, and its unit where there is room for it."""
        title = f"{self.name} · {self._unit}" if self._unit else self.name
        if self._metrics.horizontalAdvance(title) > self.inside.width():
            title = self.name
        if title != self._title.text():
            self._title.setText(title)

    def show_steps(self, low: float, high: float, smoothing: bool) -> None:
        """Draw what lies between two steps; the values' axis follows unless a hand holds it."""
        self._show_title()
        if self.inside.viewRange()[0] != [low, high]:
            self.inside.setXRange(low, high, padding=0)
        if smoothing != self._faint:
            self._faint = smoothing
            self._color()
        columns = max(int(self.inside.width()), 64)
        ends: list[float] = []
        for lines in self._lines.values():
            ends += self._draw(lines, lines.data.seen(low, high, columns))
        if not self.free_values:
            self._fit(ends)

    def _draw(self, lines: _Lines, seen: Seen) -> list[float]:
        """Draw a curve; returns values that are to be in the picture."""
        few, band = len(lines.data) <= FEW, seen.low is not seen.high
        if (few, band) != (lines.few, lines.band):
            lines.few, lines.band = few, band
            self._color()
        x, low = self._scaled(seen.x, seen.low)
        if not band:
            lines.raw.setData(x, low, fillLevel=None)
            high = low
        else:
            top_x, high = self._scaled(seen.x, seen.high)
            around = np.concatenate([x, top_x[::-1]]), np.concatenate([low, high[::-1]])
            lines.raw.setData(*around, fillLevel="enclosed")
        if few or lines.dots.data.size:
            lines.dots.setData(x if few else [], low if few else [])
        ends: list[float] = []
        for values, edge in ((low, 0), (high, -1)):
            if values.size:
                apart = int(OUTLIERS * values.size)
                ends.append(float(np.sort(values)[-1 - apart if edge else apart]))
        if lines.smooth.isVisible():
            smooth_x, smooth = self._scaled(seen.smooth_x, seen.smooth)
            lines.smooth.setData(smooth_x, smooth)
            if smooth.size:
                ends += [float(smooth.min()), float(smooth.max())]
        return ends

    def _fit(self, ends: list[float]) -> None:
        """Let the values' axis hold these, with some room, unless it does so well enough."""
        low, high = (min(ends), max(ends)) if ends else NO_RANGE
        if high - low < 1e-12 * max(abs(high), 1.0):
            room = max(abs(high) * 0.5, 1e-9)
        else:
            room = (high - low) * MARGIN
        now_low, now_high = self._values
        slack = SLACK * (now_high - now_low)
        fits = now_low <= low <= now_low + slack and now_high - slack <= high <= now_high
        if not fits or self.inside.viewRange()[1] != [now_low, now_high]:
            self._values = (low - room, high + room)
            self.inside.setYRange(*self._values, padding=0)

    def mark(self, step: float | None) -> None:
        """Put the cross hair at a step, or take it away."""
        self._cross.setVisible(step is not None)
        if step is not None:
            self._cross.setPos(step)

    def _scaled(self, x: Values, y: Values) -> tuple[Values, Values]:
        if not self._log:
            return x, y
        above = y > 0
        return x[above], np.log10(y[above])

    def _hold_values(self) -> None:
        self.free_values = True

    def _color(self) -> None:
        """Colours; raw values are thin and pale where smoothed ones lie over them."""
        for lines in self._lines.values():
            smooth = self._faint and not lines.few  # few points are seen best as they are
            pale = QColor(lines.color)
            pale.setAlpha(FAINT if smooth else 255)
            lines.raw.setPen(None if lines.band else _pen(pale, 1.0 if smooth else 1.5))
            lines.raw.setBrush(pg.mkBrush(pale))
            lines.smooth.setPen(_pen(lines.color, 2.0))
            lines.smooth.setVisible(smooth)
            lines.dots.setBrush(pg.mkBrush(lines.color))
            lines.dots.setPen(pg.mkPen(None))
            lines.dots.setSize(5)


def _pen(color: QColor, width: float) -> QPen:
    pen = pg.mkPen(color, width=width)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    return pen
