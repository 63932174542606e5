"""Follows a run that another process trains: what is new in its folder is shown as it comes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

from genviewer.engine.run_timeline import RunTimeline, TimelineError
from genviewer.engine.run_watcher import RunWatcher
from genviewer.engine.training_news import News
from genviewer.engine.training_sentence import describe

if TYPE_CHECKING:
    from pathlib import Path

    from genviewer.engine.jobs import Progress
    from genviewer.engine.run_timeline import Snapshot
    from genviewer.engine.run_watcher import Watched
    from genviewer.ui.background import Background
    from genviewer.ui.training import Training

POLL_MS = 1500
QUIET_S = 120.0
"""After so long without anything new the run is held to stand still, and can be resumed here."""

RECENT = 100  # rows from which the sentence is made


class TrainingWatch(QObject):
    """Looks into the folder of the run that is shown, while it is not trained here (GUI thread).

    Args:
        training: shows what came.
        looks: the lane in which the folder is looked into.
    """

    def __init__(
        self,
        training: Training,
        looks: Background,
        parent: QObject | None = None,
        poll_ms: int = POLL_MS,
    ) -> None:
        super().__init__(parent)
        self._training, self._looks = training, looks
        self._watcher: RunWatcher | None = None
        self._folder: Path | None = None
        self._known = False  # whether what the folder has is shown already
        self._polling = False
        self._heard = 0.0
        self._recent: list[dict[str, float]] = []
        self._timer = QTimer(self)
        self._timer.setInterval(poll_ms)
        self._timer.timeout.connect(self._poll)
        training.run_changed.connect(self._turn)
        training.news.connect(lambda _: self._leave_aside_own())
        self._turn(training.folder)

    def _turn(self, folder: Path | None) -> None:
        self._folder = folder
        self._watcher = RunWatcher(folder) if folder is not None else None
        self._known, self._recent = False, []
        if folder is None:
            self._timer.stop()
        else:
            self._timer.start()

    def _leave_aside_own(self) -> None:
        if self._training.going:
            self._known = False  # what is new is the work of this window

    def _poll(self) -> None:
        watcher, folder = self._watcher, self._folder
        if self._training.going:
            return
        if self._polling or watcher is None or folder is None:
            return
        self._polling = True
        before = self._training.live.newest

        def work(progress: Progress) -> tuple[Watched | None, Snapshot | None]:
            found, newest = watcher.poll(), None
            progress.check()
            last = found.steps[-1] if found is not None and found.steps else None
            if last is not None and (before is None or before.step != last):
                try:
                    newest = RunTimeline(folder).snapshot(last)
                except TimelineError:
                    newest = None  # it went while it was read; the next one will do
            return found, newest

        def done(came: tuple[Watched | None, Snapshot | None]) -> None:
            self._polling = False
            if watcher is self._watcher and not self._training.going:
                self._show(folder, *came)

        def ended(_: Exception | None = None) -> None:
            self._polling = False

        self._looks.submit(
            work,
            f"Watching {folder.name}",
            done=done,
            failed=ended,
            cancelled=ended,
            quiet=True,
        )

    def _show(self, folder: Path, found: Watched | None, newest: Snapshot | None) -> None:
        known, self._known = self._known, True
        now, standing = time.monotonic(), self._training.standing
        if found is None or not known:
            quiet = now - self._heard > QUIET_S
            if standing.watched and quiet:
                text = f"Nothing new for {QUIET_S / 60:.0f} minutes, at step {standing.step:,}."
                state = News("stopped", standing.step, standing.steps, sentence=text, folder=folder)
                self._training.show_watched(state)
            return
        self._heard = now
        self._recent = [*([] if found.restarted else self._recent), *found.rows][-RECENT:]
        step = int(max([*(row["step"] for row in found.rows[-1:]), *found.steps[-1:]], default=0))
        finished = 0 < standing.steps <= step
        text = "It was trained to its end elsewhere." if finished else "It trains elsewhere."
        self._training.show_watched(
            News(
                "finished" if finished else "running",
                step,
                standing.steps,
                rows=found.rows,
                snapshot=newest,
                sentence=" ".join([text, describe(self._recent)]).strip(),
                checkpoints=found.steps,
                folder=folder,
            )
        )
