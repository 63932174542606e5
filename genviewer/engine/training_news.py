"""How a run goes, told a few times a second to whoever looks. Imports no torch."""

from __future__ import annotations

import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from genviewer.engine.run_timeline import Snapshot
from genviewer.engine.training_sentence import describe

if TYPE_CHECKING:
    from genviewer.engine.training_events import Stepped
    from genviewer.engine.training_run import TrainingRun

ROWS_PER_S = 10.0
MOST_ROWS, MOST_NOTICES = 3000, 20  # that wait to be taken
SENTENCE_ROWS = 100  # of the latest, in which a trend is looked for
RATE_SMOOTHING = 0.9
MEASURED = 2  # rows; the first steps take longer than those that follow
State = Literal["starting", "running", "paused", "stopped", "finished", "failed"]
ENDED: frozenset[State] = frozenset({"stopped", "finished", "failed"})


class News(msgspec.Struct, frozen=True, eq=False):
    """How a run goes, and what is new since the last one was taken.

    ``rows`` are the losses (``step`` among them), each the mean over about a tenth of a second.
    ``rate`` is in images a second, ``remaining`` in seconds (0: not known yet).
    ``snapshot`` is there when newer weights are. ``notices`` are sentences to show once;
    ``sentence`` tells what is going on, or in the states ``failed`` and ``paused`` after trouble,
    why. ``checkpoints`` are the steps on the timeline. ``diverged`` tells of a run that failed
    because something was no number any more; the same steps at the same rate would end as it did.
    """

    state: State
    step: int = 0
    steps: int = 0
    rate: float = 0.0
    remaining: float = 0.0
    rows: tuple[dict[str, float], ...] = ()
    snapshot: Snapshot | None = None
    notices: tuple[str, ...] = ()
    sentence: str = ""
    checkpoints: tuple[int, ...] = ()
    saved_step: int = -1  # the newest checkpoint from which the run can be resumed
    folder: Path | None = None
    diverged: bool = False


class Report:
    """What the thread tells of the run it drives."""

    def __init__(self) -> None:
        self.step = self.steps = 0
        self.saved_step = -1
        self.checkpoints: tuple[int, ...] = ()
        self.folder: Path | None = None
        self.trouble = ""
        self.snapshot_at = 0.0
        self._rate = 0.0
        self._batch = 1
        self._recent: deque[dict[str, float]] = deque(maxlen=SENTENCE_ROWS)
        self._since: list[dict[str, float]] = []
        self._samples = 0
        self._row_at = 0.0

    def begin(self, run: TrainingRun) -> None:
        """Know the run; its first step is about to come."""
        self.folder, self.step, self.steps = run.folder.path, run.step, run.steps
        self.checkpoints = run.timeline.steps()
        self.rest()

    def rest(self) -> None:
        """Forget the time that passed without steps."""
        self._since, self._samples = [], 0
        self._row_at = time.monotonic()

    def add(self, event: Stepped) -> dict[str, float] | None:
        """Count a step; the row of losses if one is due."""
        self.step, self._batch = event.step, event.samples
        self._since.append(event.losses)
        self._samples += event.samples
        passed = time.monotonic() - self._row_at
        if passed < 1.0 / ROWS_PER_S:
            return None
        rate = self._samples / passed
        self._rate = RATE_SMOOTHING * self._rate + (1 - RATE_SMOOTHING) * rate
        if len(self._recent) < MEASURED:
            self._rate = rate
        row: dict[str, float] = {"step": event.step}
        for name in dict.fromkeys(name for losses in self._since for name in losses):
            values = [losses[name] for losses in self._since if name in losses]
            row[name] = sum(values) / len(values)
        self._recent.append(row)
        self.rest()
        return row

    def snapshot_due(self, every: float) -> bool:
        """Whether the last snapshot is old enough."""
        return time.monotonic() - self.snapshot_at >= every

    def news(
        self,
        state: State,
        row: dict[str, float] | None = None,
        *,
        snapshot: Snapshot | None = None,
        notice: str = "",
        sentence: str = "",
        diverged: bool = False,
    ) -> News:
        """How things stand; ``sentence`` in the place of the one on the losses."""
        left = (self.steps - self.step) * self._batch
        if len(self._recent) < MEASURED:
            left = 0
        return News(
            state,
            self.step,
            self.steps,
            self._rate,
            left / self._rate if self._rate else 0.0,
            (row,) if row is not None else (),
            snapshot,
            (notice,) if notice else (),
            sentence or describe(list(self._recent)),
            self.checkpoints,
            self.saved_step,
            self.folder,
            diverged,
        )


def merged(older: News, newer: News) -> News:
    """Of two that were not taken, the newer with what is new in the older."""
    return msgspec.structs.replace(
        newer,
        rows=(older.rows + newer.rows)[-MOST_ROWS:],
        snapshot=newer.snapshot or older.snapshot,
        notices=(older.notices + newer.notices)[-MOST_NOTICES:],
    )
