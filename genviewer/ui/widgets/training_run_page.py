"""How a training goes, and what becomes of it: the curves, figures, keep and discard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from genviewer.ui.icons import icon
from genviewer.ui.widgets.segments import HEIGHT

if TYPE_CHECKING:
    from PySide6.QtCore import SignalInstance

    from genviewer.ui.widgets.training_panel import Standing

SIDE = 224


class TrainingRunPage(QWidget):
    """Curves at the left; figures and what can be done with the result at the right.

    Signals:
        keep_wanted(): the result is to be a model of its own.
        keep_checkpoint_wanted(): the weights of this moment are to stay with the run.
        compare_wanted(): the model as it was is to be shown beside the one that learns.
        timeline_wanted(): the steps of the training are to be seen.
        leave_wanted(): the run is to be closed and stays on the disk.
        discard_wanted(): the run and its result are to go.
    """

    keep_wanted = Signal()
    keep_checkpoint_wanted = Signal()
    compare_wanted = Signal()
    timeline_wanted = Signal()
    leave_wanted = Signal()
    discard_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._figures: dict[str, QLabel] = {}
        self.keep = self._button("Keep as New Model…", "save", self.keep_wanted)
        self.checkpoint = self._button("Keep Checkpoint", "pin", self.keep_checkpoint_wanted)
        self.compare = self._button("Before and After", "", self.compare_wanted)
        self.compare.setCheckable(True)
        self.timeline = self._button("Timeline", "", self.timeline_wanted)
        self.timeline.setToolTip("Look at the steps of the training, and go back to any")
        self.leave = self._button("Leave for Later", "", self.leave_wanted)
        self.discard = self._button("Discard", "", self.discard_wanted)
        for name in ("Step", "Speed", "Left"):
            value = QLabel(self)
            value.setAccessibleName(name)
            self._figures[name] = value
        for name in ("Speed", "Left"):
            self._figures[name].setForegroundRole(self.palette().ColorRole.PlaceholderText)
        grid = QGridLayout()
        grid.setHorizontalSpacing(4)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(0, 1)
        wide, right = Qt.AlignmentFlag(0), Qt.AlignmentFlag.AlignRight
        grid.addWidget(self._figures["Step"], 0, 0, 1, 2)
        grid.addWidget(self._figures["Speed"], 1, 0)
        grid.addWidget(self._figures["Left"], 1, 1, right)
        for row, button in enumerate((self.keep, self.checkpoint)):
            grid.addWidget(button, 2 + row, 0, 1, 2, wide)
        pairs = ((self.compare, self.timeline), (self.leave, self.discard))
        for row, pair in enumerate(pairs):
            halves = QHBoxLayout()
            halves.setSpacing(4)
            for button, share in zip(pair, (3, 2), strict=True):
                halves.addWidget(button, share)
            grid.addLayout(halves, 4 + row, 0, 1, 2)
        side = QVBoxLayout()
        side.addLayout(grid)
        side.addStretch(1)
        holder = QWidget(self)
        holder.setFixedWidth(SIDE)
        holder.setLayout(side)
        side.setContentsMargins(0, 6, 12, 6)
        self._place = QVBoxLayout()
        self._place.setContentsMargins(0, 0, 0, 0)
        self.empty = QLabel("The curves are drawn here once a training runs.", self)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.empty.setWordWrap(True)
        self.empty.setForegroundRole(self.empty.palette().ColorRole.PlaceholderText)
        self._place.addWidget(self.empty)
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(12)
        line.addLayout(self._place, 1)
        line.addWidget(holder)

    def minimumSizeHint(self) -> QSize:
        return QSize(320, 120)

    @property
    def has_curves(self) -> bool:
        """Whether there is a widget with the curves."""
        return self.empty.isHidden()

    def set_curves(self, widget: QWidget) -> None:
        """Show this widget in the place of the curves."""
        self.empty.hide()
        self._place.addWidget(widget, 1)

    def set_standing(self, now: Standing) -> None:
        """Show how the run stands, and offer what can be done with it."""
        from genviewer.ui.widgets.training_panel import duration

        known = now.state != "none"
        self._figures["Step"].setText(
            f"Step {now.step:,} of {now.steps:,}" if known else "No training"
        )
        self._figures["Speed"].setText(f"{now.rate:,.0f} images/s" if now.rate else "")
        left = now.state == "running" and now.remaining > 0
        self._figures["Left"].setText(f"{duration(now.remaining)} left" if left else "")
        nothing = "There is no training whose result could be kept."
        for button, tip in (
            (self.keep, "Write what it has learned as a model of its own, and end the training"),
            (self.checkpoint, "Keep the weights of this moment with the run; it goes on"),
            (self.compare, "Show the model as it was beside the one that learns"),
        ):
            button.setEnabled(now.model)
            button.setToolTip(tip if now.model else nothing)
        still = known and not now.going
        self.leave.setEnabled(still)
        self.leave.setToolTip(
            "Close the run; it stays on the disk and can be opened again"
            if still
            else "Stop the training first."
            if known
            else "There is no training to leave."
        )
        own = known and not now.watched and now.state != "stopping"
        self.discard.setEnabled(own)
        self.discard.setToolTip(
            "Go back to the model as it was; the run is deleted if the window made it"
            if own
            else "A run that trains elsewhere is not deleted here."
            if now.watched
            else now.sentence
            if known
            else "There is no training to discard."
        )

    def _button(self, text: str, picture: str, signal: SignalInstance) -> QPushButton:
        button = QPushButton(text, self)
        if picture:
            button.setIcon(icon(picture))
        button.setFixedHeight(HEIGHT)
        button.clicked.connect(signal)
        return button
