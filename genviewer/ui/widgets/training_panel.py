"""The training's panel: the data, how to train, and the run, under one line that says what is
going on.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import (
    QHBoxLayout,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from genviewer.ui.icons import icon
from genviewer.ui.widgets.elided_label import ElidedLabel
from genviewer.ui.widgets.segments import HEIGHT, Segments
from genviewer.ui.widgets.training_run_page import TrainingRunPage
from genviewer.ui.widgets.training_trouble import TrainingTrouble

RunState = Literal[
    "none", "starting", "running", "paused", "stopping", "stopped", "finished", "failed"
]
Main = Literal["start", "pause", "resume", "keep"]
PAGES = (("data", "Data"), ("how", "How"), ("run", "Run"))
TIPS = {
    "data": "What the model is to learn",
    "how": "Which layers learn, how long and how fast",
    "run": "How it goes, and what becomes of it",
}
WHERE = "on the NVIDIA GPU that draws it, or else on the CPU"
"""Where a model learns: :func:`genviewer.engine.device.training_device`."""

WANTED = QSize(640, 300)
PARTS = 1000


class Standing(msgspec.Struct, frozen=True):
    """How the run stands.

    Attributes:
        state: ``none`` where there is no run.
        step, steps: how far it is, and how far it goes.
        rate: images a second; 0 where that is not known.
        remaining: seconds.
        sentence: what is going on, in plain words.
        advice: what can be done where something went wrong, as ``sentence`` says; else empty.
        blocked: why a run cannot be started or go on; empty if it can.
        model: whether there are weights to keep.
        watched: whether it trains elsewhere and can only be looked at.
    """

    state: RunState = "none"
    step: int = 0
    steps: int = 0
    rate: float = 0.0
    remaining: float = 0.0
    sentence: str = ""
    advice: str = ""
    blocked: str = ""
    model: bool = False
    watched: bool = False

    @property
    def going(self) -> bool:
        """Whether its thread is at work here or waits to go on."""
        return self.state in ("starting", "running", "paused", "stopping") and not self.watched


class TrainingPanel(QWidget):
    """Data, How and Run under one line with Start and Stop.

    Args:
        data: the page of the data.
        how: the page of the choices.

    Signals:
        start_wanted(), pause_wanted(), resume_wanted(), stop_wanted(): of the run.
    """

    start_wanted = Signal()
    pause_wanted = Signal()
    resume_wanted = Signal()
    stop_wanted = Signal()

    def __init__(self, data: QWidget, how: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.run = TrainingRunPage(self)
        self._standing = Standing()
        self.pages = Segments(PAGES, "Part of the training", self)
        for key, tip in TIPS.items():
            self.pages.set_tip(key, tip)
        self.stack = QStackedWidget(self)
        for page in (data, how, self.run):
            self.stack.addWidget(page)
        self.pages.chosen.connect(self.show_page)
        self.sentence = ElidedLabel("", self)
        self.sentence.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.sentence.setAccessibleName("What the training does")
        self.figures = ElidedLabel("", self)
        self.figures.setForegroundRole(self.figures.palette().ColorRole.PlaceholderText)
        self.figures.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.main = QPushButton(self)
        self.main.setFixedHeight(HEIGHT)
        self.main.setMinimumWidth(96)
        self.main.setDefault(True)
        self.main.clicked.connect(self._press_main)
        self.stop = QPushButton(icon("stop"), "Stop", self)
        self.stop.setFixedHeight(HEIGHT)
        self.stop.clicked.connect(self.stop_wanted)
        self.bar = QProgressBar(self)
        self.bar.setObjectName("thin")
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(3)
        self.bar.setRange(0, PARTS)
        self.bar.setAccessibleName("Progress of the training")
        self.trouble = TrainingTrouble(self)
        top = QHBoxLayout()
        top.setContentsMargins(8, 6, 8, 6)
        top.setSpacing(12)
        top.addWidget(self.pages)
        top.addWidget(self.sentence, 1)
        top.addWidget(self.figures)
        top.addWidget(self.stop)
        top.addWidget(self.main)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(top)
        column.addWidget(self.bar)
        column.addWidget(self.trouble)
        column.addWidget(self.stack, 1)
        self.show_page("data")
        self.set_standing(self._standing)

    def sizeHint(self) -> QSize:
        return WANTED

    def minimumSizeHint(self) -> QSize:
        return QSize(480, 180)

    @property
    def page(self) -> str:
        """The key of the page that is shown."""
        return self.pages.current

    @property
    def standing(self) -> Standing:
        """What is shown of the run."""
        return self._standing

    def show_page(self, key: str) -> None:
        """Turn to a page: ``data``, ``how`` or ``run``."""
        self.pages.set_current(key)
        self.stack.setCurrentIndex([name for name, _ in PAGES].index(key))
        self._show_left()

    def _show_left(self) -> None:
        now, left = self._standing, ""
        if now.state == "running" and now.remaining > 0 and self.page != "run":  # it has its own
            left = f"{duration(now.remaining)} left"
        self.figures.setText(left)
        self.figures.setVisible(bool(left))

    def set_standing(self, standing: Standing) -> None:
        """Show how the run stands, and offer what can be done about it."""
        self._standing = now = standing
        known = now.state != "none"
        self.trouble.say(*((now.sentence, now.advice) if known and now.advice else ("", "")))
        told = stands_at(now.step, now.steps) if now.advice else now.sentence
        self.sentence.setText(told if known else now.blocked)
        share = now.step / now.steps if now.steps else 0.0
        self.bar.setRange(0, 0 if now.state == "starting" else PARTS)
        self.bar.setValue(round(share * PARTS))
        self._show_left()
        what = main_of(now)
        going_on = "Go on from where it stands"
        if not now.going:  # one that is paused stays where it is
            going_on += f", {WHERE}"
        text, tip = {
            "start": ("Start", f"Train the current model on these images, {WHERE}"),
            "pause": ("Pause", "Wait before the next step"),
            "resume": ("Resume", going_on),
            "keep": ("Keep…", "Write what it has learned as a model of its own"),
        }[what]
        self.main.setText(text)
        self.main.setEnabled(not why_not(now))
        self.main.setToolTip(why_not(now) or tip)
        stoppable = now.going and now.state != "stopping"
        self.stop.setEnabled(stoppable)
        self.stop.setVisible(now.going)
        self.stop.setToolTip("End here; the run can be resumed")
        self.run.set_standing(now)

    def _press_main(self) -> None:
        {
            "start": self.start_wanted,
            "pause": self.pause_wanted,
            "resume": self.resume_wanted,
            "keep": self.run.keep_wanted,
        }[main_of(self._standing)].emit()


def stands_at(step: int, steps: int) -> str:
    """How far a run has come, as a sentence."""
    return f"Stands at step {step:,} of {steps:,}."


def main_of(standing: Standing) -> Main:
    """What the one large button does."""
    if standing.state in ("running", "starting", "stopping"):
        return "pause"
    if standing.state in ("paused", "stopped", "failed") and not standing.watched:
        return "resume"
    return "keep" if standing.state == "finished" else "start"


def why_not(standing: Standing) -> str:
    """Why the large button cannot be pressed; empty if it can."""
    if standing.state == "starting":
        return "It begins in a moment"
    if standing.state == "stopping":
        return standing.sentence.removesuffix(".") or "It ends after this step"
    if standing.watched and standing.state == "running":
        return "This run trains elsewhere"
    if standing.state == "finished" and not standing.model:
        return "What was learned is on its way"
    return standing.blocked if standing.state == "none" else ""


def duration(seconds: float) -> str:
    """A time in the two units that matter."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
