"""The live curves of a training: plots side by side, and the list of what is measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QSize, Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QSplitter,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from genviewer.ui.icons import icon
from genviewer.ui.widgets.curve_data import CurveData, columns_of
from genviewer.ui.widgets.curve_list import CurveList
from genviewer.ui.widgets.curve_series import order_of, series_of, step_text
from genviewer.ui.widgets.segments import HEIGHT
from genviewer.ui.widgets.value_slider import ValueSlider

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from PySide6.QtGui import QKeyEvent, QResizeEvent

    from genviewer.ui.widgets.curve_data import Columns
    from genviewer.ui.widgets.curve_plots import CurvePlots

SMOOTHING, MOST_SMOOTHING = 10, 1000
"""Points that the thick lines average over."""
LIST_SHARE, LIST_LEAST, LIST_MOST = 0.36, 228, 272  # of the width, in pixels
UPDATE_MS, SLOWEST_MS = 100, 1000
"""The plots follow at most ten times a second."""
PAUSES = 10
"""They rest so many times as long as they took to paint: the hand on the canvas comes first."""
EMPTY = "The curves are drawn here from the first step on."


class Curves(QWidget):
    """Shows what a training measures (GUI thread).

    Signals:
        file_wanted(): the file with all the numbers is to be shown.
    """

    file_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._data: dict[str, CurveData] = {}
        self._plots: CurvePlots | None = None
        self._hover: float | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._show)
        self.smoothing = ValueSlider(
            "Smoothing",
            1,
            MOST_SMOOTHING,
            SMOOTHING,
            decimals=0,
            logarithmic=True,
            label_width=68,
            parent=self,
        )
        self.smoothing.setFixedWidth(224)
        self.smoothing.setToolTip(
            "How many points the thick lines average over; with 1 there are none"
        )
        self.smoothing.edited.connect(lambda *_: self._smooth())
        self.log = self._button("Log", "", "Show the values on a logarithmic axis")
        self.log.setCheckable(True)
        self.log.toggled.connect(self._set_log)
        self.reset = self._button("", "fit", "Show all steps again (Home, or a double click)")
        self.reset.clicked.connect(self.show_all)
        self.file = self._button("Show file", "open", "Show the file with all the numbers")
        self.file.clicked.connect(self.file_wanted)
        self.file.setEnabled(False)
        bar = QHBoxLayout()
        bar.setContentsMargins(8, 4, 8, 0)
        bar.setSpacing(8)
        bar.addWidget(self.smoothing)
        for button in (self.log, self.reset):
            bar.addWidget(button)
        bar.addStretch(1)
        bar.addWidget(self.file)
        self.list = CurveList(self)
        self.list.setMinimumWidth(144)
        self.list.shown_changed.connect(self._arrange)
        self._empty = QLabel(EMPTY, self)
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._empty.setWordWrap(True)
        self._empty.setForegroundRole(self.palette().ColorRole.PlaceholderText)
        self.splitter = QSplitter(Qt.Orientation.Horizontal, self)
        self.splitter.setChildrenCollapsible(False)
        self.splitter.setHandleWidth(1)
        self.splitter.addWidget(self.list)
        self.stack = QStackedWidget(self)
        self.stack.addWidget(self._empty)
        self.stack.addWidget(self.splitter)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(bar)
        column.addWidget(self.stack, 1)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Curves of the training")
        self._enable()

    # values in

    def append(self, rows: Iterable[Mapping[str, float]]) -> None:
        """Add measured rows, each with its ``step``; the plots follow within a tenth of a second.

        A step that is not beyond those before means that the training went back: what was
        measured from there on is forgotten.
        """
        self.extend(columns_of(rows))

    def extend(self, columns: Columns) -> None:
        """As :meth:`append`, of the steps and values of each curve."""
        new = False
        for key, (steps, values) in columns.items():
            data = self._data.get(key)
            if data is None:
                if not steps.size:
                    continue
                data = self._data[key] = CurveData(self._strength)
                new = True
            data.extend(steps, values)
        if new:
            self._offer()
        if columns and not self._timer.isActive():
            cost = self._plots.cost if self._plots is not None else 0.0
            self._timer.start(round(min(max(UPDATE_MS, 1e3 * PAUSES * cost), SLOWEST_MS)))

    def clear(self) -> None:
        """Forget everything, for another run."""
        self._timer.stop()
        self._data.clear()
        self._hover = None
        self.list.set_series(())
        if self._plots is not None:
            self._plots.show_all()
        self.stack.setCurrentWidget(self._empty)
        self._enable()

    def set_file(self, known: bool) -> None:
        """Whether there is a file with the numbers to show."""
        self.file.setEnabled(known)

    # values out

    @property
    def steps(self) -> tuple[float, float]:
        """The first and the last step that was measured; equal where there are none."""
        ends = [(d.steps[0], d.steps[-1]) for d in self._data.values() if len(d)]
        if not ends:
            return 0.0, 0.0
        return float(min(e[0] for e in ends)), float(max(e[1] for e in ends))

    def values_at(self, step: float | None) -> dict[str, float]:
        """The values of all curves nearest to a step, or the latest, as they came."""
        found = {}
        for key, data in self._data.items():
            point = data.at(float("inf") if step is None else step)
            if point is not None:
                found[key] = point[1]
        return found

    def show_all(self) -> None:
        """Show all steps, and let the values' axes follow."""
        if self._plots is not None:
            self._plots.show_all()
            self._show()

    # what follows

    def _offer(self) -> None:
        self.list.set_series([series_of(key) for key in sorted(self._data, key=order_of)])
        self._arrange()

    def _arrange(self) -> None:
        """Other curves are to be seen."""
        plots = self._plots
        if plots is None:
            from genviewer.ui.widgets.curve_plots import CurvePlots

            plots = self._plots = CurvePlots(self)
            plots.setFocusProxy(self)
            plots.hovered.connect(self._hovered)
            plots.moved.connect(self._show)
            plots.set_log(self.log.isChecked())
            self.splitter.insertWidget(0, plots)
            self.splitter.setStretchFactor(0, 1)
            self.splitter.setStretchFactor(1, 0)
            self._share_out()
        shown = self.list.shown
        keys = [key for key in sorted(self._data, key=order_of) if key in shown]
        plots.set_curves([(series_of(k), self._data[k], self.list.color(k)) for k in keys])
        plots.mark(self._hover)
        self.stack.setCurrentWidget(self.splitter)
        self._enable()
        self._show()

    def _share_out(self) -> None:
        """Give the list its part of the width."""
        wide = round(min(max(LIST_SHARE * self.width(), LIST_LEAST), LIST_MOST))
        self.splitter.setSizes([self.width() - wide, wide])

    def _show(self) -> None:
        """Draw what there is now."""
        self._timer.stop()
        if self._plots is None or not self._data:
            return
        if not self.isVisible():
            return  # it is drawn when it is seen
        self._plots.draw(self.steps, self._strength > 0)
        self._show_values()

    def _show_values(self) -> None:
        head = "Latest" if self._hover is None else f"at {step_text(self._hover)}"
        self.list.set_values(self.values_at(self._hover), head)

    def _hovered(self, step: float | None) -> None:
        """The pointer is at a step: mark the nearest one that was measured."""
        if step is not None:
            points = [data.at(step) for data in self._data.values()]
            near = [(abs(point[0] - step), point[0]) for point in points if point is not None]
            step = min(near)[1] if near else None
        if step != self._hover:
            self._hover = step
            if self._plots is not None:
                self._plots.mark(step)
            self._show_values()

    @property
    def _strength(self) -> float:
        return 1.0 - 1.0 / max(round(self.smoothing.value), 1)

    def _smooth(self) -> None:
        for data in self._data.values():
            data.set_strength(self._strength)
        self._show()

    def _set_log(self, on: bool) -> None:
        if self._plots is not None:
            self._plots.set_log(on)
            self._show()

    def _enable(self) -> None:
        some = bool(self._data)
        for widget in (self.smoothing, self.log, self.reset):
            widget.setEnabled(some)

    # keyboard and theme

    def keyPressEvent(self, event: QKeyEvent) -> None:
        plots = self._plots
        if plots is None or not self._data:
            super().keyPressEvent(event)
            return
        key, control = event.key(), event.modifiers() & Qt.KeyboardModifier.ControlModifier
        aside = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(key), 0)
        closer = {Qt.Key.Key_Plus: 0.8, Qt.Key.Key_Equal: 0.8, Qt.Key.Key_Minus: 1.25}
        if aside and control:
            plots.pan(0.1 * aside)
        elif aside:
            self._hovered(plots.beside(self._hover, aside))
        elif key in closer:
            plots.zoom(closer[Qt.Key(key)], self._hover)
        elif key == Qt.Key.Key_Home:
            self.show_all()
        elif key == Qt.Key.Key_Escape and self._hover is not None:
            self._hovered(None)
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        # Home is the plots' while they have the focus, whatever the window uses it for.
        if event.type() == QEvent.Type.ShortcutOverride and event.key() == Qt.Key.Key_Home:  # type: ignore[attr-defined]
            event.accept()
            return True
        return super().event(event)

    def showEvent(self, event: QEvent) -> None:
        super().showEvent(event)  # type: ignore[arg-type]
        self._timer.start(0)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.oldSize().width() != event.size().width() and self._plots is not None:
            self._share_out()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.list.restyle()
            if self._plots is not None:
                self._plots.restyle()
                self._arrange()

    def _button(self, text: str, name: str, tip: str) -> QToolButton:
        button = QToolButton(self)
        if name:
            button.setIcon(icon(name))
            button.setIconSize(QSize(16, 16))
        if text:
            button.setText(text)
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.setToolTip(tip)
        button.setAccessibleName(text or tip)
        button.setFixedHeight(HEIGHT)
        return button
