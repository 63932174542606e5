"""The panel of a training's timeline: which step is looked at, and samples over the steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from genviewer.ui.icons import icon
from genviewer.ui.widgets.elided_label import ElidedLabel
from genviewer.ui.widgets.segments import HEIGHT
from genviewer.ui.widgets.timeline_slider import TimelineSlider
from genviewer.ui.widgets.timeline_strip import TimelineStrip

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtGui import QShowEvent

EMPTY = (
    "No training yet. While a model is trained, the weights of its steps are kept here:\n"
    "go back to any of them, and see the pinned samples change over time."
)
WAITING = "The first steps are on their way."
SCROLL_BAR = 10


class TimelinePanel(QWidget):
    """Shows a run's steps and says which is wanted.

    Signals:
        step_wanted(object): the weights of this step are to be looked at, or the newest: None.
        sample_wanted(int, int): the sample of this row, with the weights of this step.
        compare_toggled(bool): the model as it was before the training is to be shown beside it.
        export_wanted(): the current sample over the steps is to be saved as an animation.
        seen(): it is on the screen again.
    """

    step_wanted = Signal(object)
    sample_wanted = Signal(int, int)
    compare_toggled = Signal(bool)
    export_wanted = Signal()
    seen = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._steps: tuple[int, ...] = ()
        self._current: int | None = None
        self._total = 0
        self._running = self._run = False
        self.live = self._button("Live", "play", "Follow the training with its newest weights")
        self.live.setCheckable(True)
        self.live.clicked.connect(self._go_live)
        self.where = ElidedLabel(parent=self)
        self.compare = self._button(
            "Before and After", "compare", "Show the model as it was before the training beside it"
        )
        self.compare.setCheckable(True)
        self.compare.clicked.connect(self.compare_toggled)
        self.export = self._button(
            "Export as animation…", "save", "Save the current sample over the steps as a film"
        )
        self.export.clicked.connect(self.export_wanted)
        bar = QHBoxLayout()
        bar.setContentsMargins(8, 4, 8, 0)
        bar.setSpacing(8)
        bar.addWidget(self.live)
        bar.addWidget(self.where, 1)
        for button in (self.compare, self.export):
            bar.addWidget(button)
        self.slider = TimelineSlider(self)
        self.slider.margin = SCROLL_BAR
        self.slider.step_wanted.connect(self.step_wanted)
        self.strip = TimelineStrip(self)
        self.strip.chosen.connect(self.sample_wanted)
        scroll = QScrollArea(self)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidgetResizable(True)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        # Always there, or the columns would move when a row is added.
        scroll.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        scroll.verticalScrollBar().setFixedWidth(SCROLL_BAR)
        scroll.setWidget(self.strip)
        self._empty = QLabel(EMPTY, self)
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._empty.setForegroundRole(self.palette().ColorRole.PlaceholderText)
        steps = QWidget(self)
        below = QVBoxLayout(steps)
        below.setContentsMargins(0, 0, 0, 0)
        below.setSpacing(0)
        below.addWidget(self.slider)
        below.addWidget(scroll, 1)
        self.stack = QStackedWidget(self)
        self.stack.addWidget(self._empty)
        self.stack.addWidget(steps)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 4)
        column.setSpacing(4)
        column.addLayout(bar)
        column.addWidget(self.stack, 1)
        self._show()

    def set_run(self, run: bool, running: bool, total: int) -> None:
        """Whether there is a run, whether it goes on, and how many steps it is to have."""
        self._run, self._running, self._total = run, running, total
        self._show()

    def set_steps(self, steps: Sequence[int]) -> None:
        """The steps that can be looked at, ascending."""
        self._steps = tuple(steps)
        self.slider.set_steps(steps)
        self.strip.set_steps(steps)
        self._show()

    def set_current(self, step: int | None) -> None:
        """The step that is looked at; None for the newest weights."""
        self._current = step
        self._show()

    def set_comparing(self, on: bool, possible: bool, why_not: str = "") -> None:
        """Whether the model before the training is shown too, or why it cannot be."""
        self.compare.setChecked(on)
        self.compare.setEnabled(possible)
        tip = "Show the model as it was before the training beside it"
        self.compare.setToolTip(tip if possible else why_not or tip)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.seen.emit()

    def _go_live(self) -> None:
        self._show()  # what the button shows is what is so, not what was pressed
        self.step_wanted.emit(None)

    def _show(self) -> None:
        steps = self._steps
        self._empty.setText(WAITING if self._run else EMPTY)
        self.stack.setCurrentIndex(1 if steps else 0)
        self.slider.set_current(self._current, self._running)
        newest = steps[-1] if steps else None
        self.strip.set_current(newest if self._current is None else self._current)
        following = self._current is None and self._run
        self.live.setChecked(following)
        self.live.setEnabled(self._run)
        self.live.setText("Live" if self._running or not self._run else "Newest")
        self.export.setEnabled(len(steps) > 1)
        self.where.setText(self._sentence())

    def _sentence(self) -> str:
        if not self._run:
            return ""
        if self._current is None:
            return "The newest weights" if self._running else "The last weights"
        whole = f" of {self._total:,}" if self._total else ""
        going = " · training goes on" if self._running else ""
        return f"Step {self._current:,}{whole}{going}"

    def _button(self, text: str, name: str, tip: str) -> QToolButton:
        button = QToolButton(self)
        button.setIcon(icon(name))
        button.setIconSize(QSize(16, 16))
        button.setText(text)
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.setToolTip(tip)
        button.setFixedHeight(HEIGHT)
        return button
