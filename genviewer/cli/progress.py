"""How far a long command is, told on stderr."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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


def training_line(progress: TrainingProgress) -> None:
    """One line per logged training step: the step, the losses and the time that is left."""
    losses = "  ".join(f"{name} {value:.4g}" for name, value in progress.losses.items())
    minutes, seconds = divmod(round(progress.remaining), 60)
    done = f"step {progress.step}/{progress.steps}"
    sys.stderr.write(f"{done}  {losses}  {minutes}:{seconds:02d} left\n")
