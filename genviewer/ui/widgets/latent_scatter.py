"""A scatter of latents that follows the hand: move, zoom, point at, go to, draw a line around.

Imports pyqtgraph.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, QSize, Qt, Signal

from genviewer.ui import theme
from genviewer.ui.widgets.data_plot import DataPlot
from genviewer.ui.widgets.lasso import inside
from genviewer.ui.widgets.points_item import PointsItem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent
    from PySide6.QtWidgets import QWidget

REACH = 9.0
"""Pixels within which a point is meant."""

_ORDER_SEED = 0


class ScatterBox(pg.ViewBox):
    """The plane. A drag moves it, or with Shift or in lasso mode draws a line; a click is told.

    Signals:
        clicked(float, float): where, on the plane.
        drawn(object, bool): the line so far, list of (x, y), and whether it is finished.
    """

    clicked = Signal(float, float)
    drawn = Signal(object, bool)

    def __init__(self) -> None:
        super().__init__(enableMenu=False, lockAspect=False)
        self.lasso = False
        self._line: list[tuple[float, float]] = []

    def mouseClickEvent(self, event: object) -> None:
        if event.button() == Qt.MouseButton.LeftButton:  # type: ignore[attr-defined]
            where = self.mapSceneToView(event.scenePos())  # type: ignore[attr-defined]
            self.clicked.emit(where.x(), where.y())
            event.accept()  # type: ignore[attr-defined]

    def mouseDragEvent(self, event: object, axis: int | None = None) -> None:
        drag = event
        left = drag.button() == Qt.MouseButton.LeftButton  # type: ignore[attr-defined]
        shift = drag.modifiers() & Qt.KeyboardModifier.ShiftModifier  # type: ignore[attr-defined]
        drawing = bool(self._line) or (drag.isStart() and (self.lasso or shift))  # type: ignore[attr-defined]
        if not left or axis is not None or not drawing:
            super().mouseDragEvent(event, axis)
            return
        drag.accept()  # type: ignore[attr-defined]
        if drag.isStart():  # type: ignore[attr-defined]
            begin = self.mapSceneToView(drag.buttonDownScenePos())  # type: ignore[attr-defined]
            self._line = [(begin.x(), begin.y())]
        where = self.mapSceneToView(drag.scenePos())  # type: ignore[attr-defined]
        self._line.append((where.x(), where.y()))
        finished = drag.isFinish()  # type: ignore[attr-defined]
        self.drawn.emit(list(self._line), finished)
        if finished:
            self._line = []

    def keyPressEvent(self, event: object) -> None:
        event.ignore()  # type: ignore[attr-defined]


class LatentScatter(DataPlot):
    """Points by class, the current sample among them.

    Keys: arrows move, + and - zoom, Home shows all.

    Signals:
        point_chosen(int): a person clicked the point of that row.
        lassoed(object): rows int64 (n,) inside a line that a person drew.
        hovered(int): the row under the pointer; -1 where there is none.
    """

    point_chosen = Signal(int)
    lassoed = Signal(object)
    hovered = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        self.box = ScatterBox()
        self._item = PointsItem()
        self._line = pg.PlotCurveItem()
        self._ring = pg.ScatterPlotItem(size=18, pxMode=True, symbol="o")
        self._chosen = pg.ScatterPlotItem(size=11, pxMode=True, symbol="o")
        self._points = np.zeros((0, 2), np.float32)
        self._classes: NDArray[np.int64] | None = None
        self._colors: list[QColor] = []
        self._hidden: frozenset[int] = frozenset()
        self._order = np.zeros(0, np.int64)
        self._current: tuple[float, float] | None = None
        self._hovered = -1
        super().__init__("Latents of the data set", "", "", parent, self.box)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        for item in (self._item, self._line, self._chosen, self._ring):
            self.addItem(item, ignoreBounds=item is not self._item)
        for side in ("left", "bottom"):
            self.getPlotItem().getAxis(side).setStyle(maxTickLevel=0)  # half of what a drag costs
        self.box.clicked.connect(self._clicked)
        self.box.drawn.connect(self._drawn)

    def sizeHint(self) -> QSize:
        return QSize(640, 520)

    def set_points(
        self,
        points: NDArray[np.float32],
        classes: NDArray[np.int64] | None,
        colors: Sequence[QColor],
        labels: tuple[str, str],
    ) -> None:
        """Show points float32 (N, 2), of classes int64 (N,) that have these colours."""
        self._points, self._classes, self._colors = points, classes, list(colors)
        self._hidden = frozenset()
        # In a random order, so that no class lies above all others.
        self._order = np.random.default_rng(_ORDER_SEED).permutation(len(points))
        self._chosen.setData([], [])
        self._line.setData([], [])
        self.set_labels(*labels)
        self._show_points()
        self.show_all()

    def set_colors(self, colors: Sequence[QColor]) -> None:
        """Draw the classes in other colours."""
        self._colors = list(colors)
        self._show_points()

    def set_hidden(self, classes: frozenset[int]) -> None:
        """Leave out the points of some classes; they cannot be chosen either."""
        self._hidden = classes
        self._show_points()

    def set_current(self, place: tuple[float, float] | None) -> None:
        """Where the current sample is; None where that cannot be said."""
        if place != self._current:
            self._current = place
            self._ring.setData(*([[place[0]], [place[1]]] if place is not None else [[], []]))

    def set_lasso(self, on: bool) -> None:
        """Let a drag draw a line instead of moving the plane."""
        self.box.lasso = on
        self.setCursor(Qt.CursorShape.CrossCursor if on else Qt.CursorShape.ArrowCursor)

    def show_all(self) -> None:
        """Bring all points into view."""
        if len(self._points):
            low, high = self._points.min(0), self._points.max(0)
            room = 0.04 * np.maximum(high - low, 1e-3)
            low, high = low - room, high + room
            self.box.setRange(
                xRange=(float(low[0]), float(high[0])),
                yRange=(float(low[1]), float(high[1])),
                padding=0.0,
            )

    def row_at(self, x: float, y: float) -> int:
        """The row of the visible point that is nearest to a place on the plane; -1 if none is."""
        if not len(self._points):
            return -1
        px, py = self.box.viewPixelSize()
        away = (self._points - np.array([x, y], np.float32)) / np.array([px, py], np.float32)
        far = (away * away).sum(1)
        if self._hidden:
            far[~self._visible()] = np.inf
        row = int(far.argmin())
        return row if far[row] <= REACH**2 else -1

    def restyle(self) -> None:
        super().restyle()
        c = theme.colors()
        self._ring.setPen(pg.mkPen(c.text, width=3))
        self._ring.setBrush(pg.mkBrush(None))
        self._chosen.setPen(pg.mkPen(c.text, width=1))
        self._chosen.setBrush(pg.mkBrush(c.accent))
        self._line.setPen(pg.mkPen(c.accent, width=2))
        self._show_points()

    def _visible(self) -> NDArray[np.bool_]:
        if self._classes is None or not self._hidden:
            return np.ones(len(self._points), np.bool_)
        return ~np.isin(self._classes, list(self._hidden))

    def _show_points(self) -> None:
        count = len(self._points)
        if self._classes is None or not self._colors:
            words = np.full(count, theme.colors().accent.rgba(), np.uint32)
        else:
            table = np.array([color.rgba() for color in self._colors], np.uint32)
            words = table[self._classes]
        order = self._order[self._visible()[self._order]]
        self._item.set_points(self._points[order], words[order], theme.colors().field.rgba())

    def _clicked(self, x: float, y: float) -> None:
        row = self.row_at(x, y)
        if row >= 0:
            self._chosen.setData([float(self._points[row, 0])], [float(self._points[row, 1])])
            self.point_chosen.emit(row)

    def _drawn(self, line: list[tuple[float, float]], finished: bool) -> None:
        outline = np.array(line)
        if not finished:
            self._line.setData(outline[:, 0], outline[:, 1])
            return
        self._line.setData(*np.vstack([outline, outline[:1]]).T)
        rows = np.flatnonzero(inside(self._points, outline) & self._visible())
        self.lassoed.emit(rows)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        if event.buttons() == Qt.MouseButton.NoButton:
            where = self.box.mapSceneToView(self.mapToScene(event.position().toPoint()))
            self._hover(self.row_at(where.x(), where.y()))

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._hover(-1)

    def _hover(self, row: int) -> None:
        if row != self._hovered:
            self._hovered = row
            self.hovered.emit(row)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        step = {
            Qt.Key.Key_Left: (-0.1, 0.0),
            Qt.Key.Key_Right: (0.1, 0.0),
            Qt.Key.Key_Up: (0.0, 0.1),
            Qt.Key.Key_Down: (0.0, -0.1),
        }.get(key)
        if step is not None:
            (x0, x1), (y0, y1) = self.box.viewRange()
            self.box.translateBy(QPointF(step[0] * (x1 - x0), step[1] * (y1 - y0)))
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.box.scaleBy((0.8, 0.8))
        elif key == Qt.Key.Key_Minus:
            self.box.scaleBy((1.25, 1.25))
        elif key == Qt.Key.Key_Home:
            self.show_all()
        else:
            super().keyPressEvent(event)
