"""The other end of a training's thread in the window: what begins it, takes its news, and knows
when it has ended.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from genviewer.engine.device import training_device
from genviewer.engine.training_thread import ENDED, TrainingThread

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from genviewer.engine.train_config import TrainConfig
    from genviewer.engine.training_run import TrainingRun
    from genviewer.io.dataset_survey import Survey
    from genviewer.ui.explorer import Explorer
    from genviewer.ui.training_live import LiveView

WHILE_TRAINING = 1
"""Threads of a decode while the trainer needs the cores; its own are as many."""

SNAPSHOTS_PER_S = 2.0  # each is drawn everywhere, on cores that the training could use
JOIN_S = 60.0


class TrainingDriver(QObject):
    """Drives one run at a time, in a thread of its own (GUI thread). While it goes on, drawing
    leaves it the cores.

    Signals:
        told(object): a News of the run.
        ended(object): the last News of a run; its thread is no more.
    """

    told = Signal(object)
    ended = Signal(object)

    def __init__(self, explorer: Explorer, live: LiveView, parent: QObject) -> None:
        super().__init__(parent)
        self._explorer, self._live = explorer, live
        self._thread: TrainingThread | None = None
        self._then: Callable[[], object] | None = None

    @property
    def going(self) -> bool:
        """Whether there is a run that has not ended."""
        return self._thread is not None

    def start(self, config: TrainConfig, folder: Path, found: Survey | None) -> None:
        """Begin a run in ``folder``, on the device that draws; ``found`` is a survey of its data,
        if there is one.
        """
        device = self._explorer.store.device

        def make_run() -> TrainingRun:
            from genviewer.engine.train_place import Place
            from genviewer.engine.training_run import TrainingRun

            return TrainingRun.start(config, folder, Place(training_device(device)), found)

        self._drive(make_run)

    def go_on(self, folder: Path, slowed: Callable[[float], object] | None) -> None:
        """Go on with the run in ``folder`` from its newest checkpoint; at a lower learning rate,
        which ``slowed`` is given, where that is there.
        """
        device = self._explorer.store.device

        def make_run() -> TrainingRun:
            from genviewer.engine.lower_rate import lower_rate
            from genviewer.engine.train_place import Place
            from genviewer.engine.training_run import TrainingRun

            if slowed is not None:
                rate = lower_rate(folder)
                self._explorer.bridge.post(lambda: slowed(rate))
            return TrainingRun.resume(folder, Place(training_device(device)))

        self._drive(make_run)

    def pause(self) -> None:
        """Wait before the next step."""
        if self._thread is not None:
            self._thread.pause()

    def resume(self) -> None:
        """Go on after a pause, or after trouble."""
        if self._thread is not None:
            self._thread.resume()

    def end(self, then: Callable[[], object] | None) -> None:
        """End after the current step, with a checkpoint; ``then`` is called when it has."""
        if self._thread is not None:
            self._then = then or self._then
            self._thread.stop()

    def close(self) -> None:
        """End the thread and wait for it; nothing more is told."""
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.stop()
            thread.join(JOIN_S)

    def _drive(self, make_run: Callable[[], TrainingRun]) -> None:
        def on_news() -> None:
            self._explorer.bridge.post(lambda: self._take(thread))

        renderer = self._explorer.renderer
        thread = TrainingThread(
            make_run, on_news, WHILE_TRAINING, SNAPSHOTS_PER_S, lambda: renderer.moving
        )
        self._thread = thread
        self._live.threads = WHILE_TRAINING
        self._explorer.use_threads(WHILE_TRAINING)
        renderer.sparing = True
        thread.start()

    def _take(self, thread: TrainingThread) -> None:
        if thread is not self._thread:
            return
        news = thread.take()
        if news is None:
            return
        ended = news.state in ENDED
        if ended:  # what is learned last is looked at longest
            self._live.threads = None
        self.told.emit(news)
        if not ended:
            return
        self._thread = None
        self._explorer.use_threads(None)
        self._explorer.renderer.sparing = False
        then, self._then = self._then, None
        self.ended.emit(news)
        if then is not None:
            then()
