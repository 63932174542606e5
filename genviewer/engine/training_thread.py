"""A run in a thread of its own: training goes on while the window is used.

The thread owns the run and everything in it. Others ask it to pause, to go on, to stop, and take
its newest :class:`News` when they like: what is not taken is added to, never queued. Imports no
torch before it starts.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Literal

from genviewer.engine.generator import LoadError
from genviewer.engine.jobs import Cancelled, lower_priority
from genviewer.engine.training_events import Ended, Notice, OnTimeline, Saved, Stepped
from genviewer.engine.training_news import ENDED, News, Report, State, merged
from genviewer.io.cancelling import cancelled_by
from genviewer.io.dataset_values import DataError
from genviewer.io.write_errors import WriteError

if TYPE_CHECKING:
    from collections.abc import Callable

    from genviewer.engine.run_timeline import Snapshot
    from genviewer.engine.training_events import Event
    from genviewer.engine.training_run import TrainingRun

__all__ = ["ENDED", "News", "TrainingThread"]

NICENESS = 19
WHILE_MOVING_S = 1.0
"""Between two snapshots while a hand is at work: to draw all with other weights costs it frames."""

_log = logging.getLogger(__name__)


class TrainingThread:
    """Drives one run; its methods may be called in any thread.

    Args:
        make_run: starts or resumes the run; called in the thread, its ValueErrors, OSErrors and
            LoadErrors are told as sentences.
        on_news: called in the thread when there is news and all before was taken.
        threads: torch's threads; 0: as the run's configuration says.
        snapshots_per_second: at most so many, and none before the last was taken.
        moving: whether a hand is at work in the window, which then gets fewer; asked in the thread.
    """

    def __init__(
        self,
        make_run: Callable[[], TrainingRun],
        on_news: Callable[[], None],
        threads: int = 0,
        snapshots_per_second: float = 3.0,
        moving: Callable[[], bool] = lambda: False,
    ) -> None:
        self._make_run = make_run
        self._on_news = on_news
        self._threads = threads
        self._snapshot_every = 1.0 / snapshots_per_second
        self._moving = moving
        self._condition = threading.Condition()
        self._paused = False
        self._stop: Literal["", "checkpoint", "discard"] = ""
        self._news: News | None = None
        self._thread = threading.Thread(target=self._run, name="genviewer-training", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def pause(self) -> None:
        """Wait before the next step."""
        with self._condition:
            self._paused = True

    def resume(self) -> None:
        """Go on; after trouble with the disk or the data, try again."""
        with self._condition:
            self._paused = False
            self._condition.notify()

    def stop(self, *, checkpoint: bool = True) -> None:
        """End after the current step, with a checkpoint to resume from; returns at once."""
        with self._condition:
            self._stop = self._stop or ("checkpoint" if checkpoint else "discard")
            self._condition.notify()

    def check(self) -> None:
        """Raise :class:`~genviewer.engine.jobs.Cancelled` if it was asked to stop: what reads the
        data looks here, through :mod:`genviewer.io.cancelling`.
        """
        if self._stop:
            raise Cancelled

    @property
    def alive(self) -> bool:
        """Whether the thread still runs."""
        return self._thread.is_alive()

    def join(self, timeout: float | None = None) -> bool:
        """Wait for the thread to end; whether it has."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def take(self) -> News | None:
        """What is new, once."""
        with self._condition:
            news, self._news = self._news, None
            return news

    # In the thread ---------------------------------------------------------------------------

    def _run(self) -> None:
        lower_priority(NICENESS)
        report = Report()
        try:
            self._tell(report.news("starting", sentence="Reading the data."))
            with cancelled_by(self):
                run = self._make_run()
            report.begin(run)
            self._drive(run, report)
        except Cancelled:
            self._tell(report.news("stopped", sentence="Stopped before it began."))
        except FloatingPointError as error:
            self._tell(report.news("failed", sentence=str(error), diverged=True))
        except (ValueError, OSError, LoadError) as error:
            self._tell(report.news("failed", sentence=str(error)))
        except Exception as error:  # the thread never ends silently
            _log.exception("The training failed.")
            self._tell(report.news("failed", sentence=f"The training failed: {error}."))

    def _drive(self, run: TrainingRun, report: Report) -> None:
        import torch

        torch.set_num_threads(self._threads or run.config.threads or torch.get_num_threads())
        while True:
            try:
                for event in run.events():
                    self._heed(event, run, report)
                    if isinstance(event, Ended):
                        return  # whoever asked for a pause or a stop meanwhile came too late
                    if not self._may_go_on(run, report):
                        self._end(run, report)
                        return
                return
            except (DataError, WriteError) as error:
                # Nothing is lost: what went wrong can be put right, and the run goes on from here.
                self.pause()
                report.trouble = str(error)
            # Not in the clause above: an error holds on to the networks of its step.
            if not self._may_go_on(run, report):
                self._end(run, report)
                return

    def _heed(self, event: Event, run: TrainingRun, report: Report) -> None:
        if isinstance(event, Stepped):
            row = report.add(event)
            every = self._snapshot_every
            if self._moving():
                every = max(every, WHILE_MOVING_S)
            wanted = report.snapshot_due(every) and self._snapshot_taken()
            if row is not None or wanted:
                snapshot = self._snapshot(run, report) if wanted else None
                self._tell(report.news("running", row, snapshot=snapshot))
        elif isinstance(event, Notice):
            report.step, report.checkpoints = run.step, run.timeline.steps()  # it went back
            self._tell(report.news("running", notice=event.sentence))
        elif isinstance(event, Saved):
            report.saved_step = event.step
        elif isinstance(event, OnTimeline):
            report.checkpoints = run.timeline.steps()
        else:
            report.step = run.step
            state: State = "finished" if event.finished else "failed"
            snapshot = self._snapshot(run, report)
            news = report.news(
                state, snapshot=snapshot, sentence=event.sentence, diverged=event.diverged
            )
            self._tell(news)

    def _may_go_on(self, run: TrainingRun, report: Report) -> bool:
        """Wait while paused; False when the run is to end."""
        told = False
        while True:
            with self._condition:
                if self._paused and not self._stop and told:
                    self._condition.wait()
                paused, stop = self._paused, self._stop
            if stop:
                return False
            if not paused:
                if told:
                    report.rest()
                return True
            if not told:
                why = report.trouble or "Training is paused."
                report.trouble = ""
                snapshot = self._snapshot(run, report)
                report.step = run.step  # without its data it went back to a checkpoint
                self._tell(report.news("paused", snapshot=snapshot, sentence=why))
                told = True

    def _end(self, run: TrainingRun, report: Report) -> None:
        if self._stop == "checkpoint":
            report.saved_step = run.save()
        snapshot = self._snapshot(run, report)
        sentence = f"Stopped at step {run.step}; the run can be resumed."
        if self._stop == "discard":
            sentence = "Stopped; nothing more was written."
        self._tell(report.news("stopped", snapshot=snapshot, sentence=sentence))

    def _snapshot(self, run: TrainingRun, report: Report) -> Snapshot:
        report.snapshot_at = time.monotonic()
        return run.snapshot()

    def _snapshot_taken(self) -> bool:
        with self._condition:
            return self._news is None or self._news.snapshot is None

    def _tell(self, news: News) -> None:
        with self._condition:
            waiting, self._news = self._news, news
            if waiting is not None:
                self._news = merged(waiting, news)
        if waiting is None:
            self._on_news()
