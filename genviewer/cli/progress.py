"""How far a long command is, told on stderr."""

from __future__ import annotations

import contextlib
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.progress import TaskID

    from genviewer.engine.iwae_run import IwaeProgress
    from genviewer.engine.training import Progress as TrainingProgress


@contextlib.contextmanager
def progress_bar(total: int, what: str) -> Iterator[Callable[[int], None]]:
    """Yield a function to call with the number of items just done.

    Nothing is drawn where stderr is no terminal.
    """
    if not sys.stderr.isatty():
        yield lambda _done: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.advance(task, done)


LINE_EVERY_S = 15.0


@contextlib.contextmanager
def stages() -> Iterator[Callable[[str, int, int], None]]:
    """Yield a function to call with a stage's name, what is done of it, and its total.

    On a terminal each stage has a bar with the time that is left, elsewhere a line when it
    begins and one every quarter of a minute.
    """
    if not sys.stderr.isatty():
        yield _StageLines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        tasks: dict[str, TaskID] = {}

        def report(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(stage, total=total)
            bar.update(tasks[stage], completed=done)

        yield report


class _StageLines:
    """Tells of stages in lines, not too many of them."""

    def __init__(self) -> None:
        self._stage = ""
        self._began = self._told = 0.0

    def __call__(self, stage: str, done: int, total: int) -> None:
        now = time.monotonic()
        if stage != self._stage:
            self._stage, self._began, self._told = stage, now, now
            sys.stderr.write(f"{stage}\n")
        elif now - self._told >= LINE_EVERY_S and 0 < done < total:
            self._told = now
            left = (now - self._began) / done * (total - done)
            sys.stderr.write(f"{stage}  {done}/{total}  {_clock(left)} left\n")


def training_line(progress: TrainingProgress) -> None:
    """One line per logged training step: the step, the losses and the time that is left."""
    losses = "  ".join(f"{name} {value:.4g}" for name, value in progress.losses.items())
    done = f"step {progress.step}/{progress.steps}"
    sys.stderr.write(f"{done}  {losses}  {_clock(progress.remaining)} left\n")


def epoch_line(progress: IwaeProgress) -> None:
    """One line per epoch: the bound in nats and the time that is left."""
    sys.stderr.write(
        f"epoch {progress.epoch}/{progress.epochs}  bound {progress.bound:.3f}  "
        f"{_clock(progress.remaining)} left\n"
    )


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"
