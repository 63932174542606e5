"""Where a run's losses go: a CSV file, and TensorBoard event files with the extra of that name."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from genviewer.engine.train_config import TrainingError
from genviewer.engine.train_run import EVENTS_NAME, MetricsFile
from genviewer.io.write_errors import write_error

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from genviewer.engine.train_run import RunFolder

FLUSH_S = 10


def check_tensorboard() -> None:
    """TrainingError where event files cannot be written, before a run begins that wants them."""
    if find_spec("tensorboard") is None:
        raise TrainingError(
            "tensorboard is not installed: pip install 'genviewer[tensorboard]', or train without "
            "event files."
        )


class EventFiles:
    """``tensorboard/`` in a run's folder; a resumed run adds a file and hides what it repeats."""

    def __init__(self, folder: Path, step: int) -> None:
        check_tensorboard()
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(folder / EVENTS_NAME, purge_step=step + 1, flush_secs=FLUSH_S)

    def write(self, step: int, losses: Mapping[str, float]) -> None:
        """Add the figures of a step; OSError if they cannot be written."""
        for name, value in losses.items():
            self._writer.add_scalar(name, value, step)

    def close(self) -> None:
        """Write what waits."""
        self._writer.close()


class RunLog:
    """Where a run's figures go: ``metrics.csv``, and event files if they are wanted."""

    def __init__(self, folder: RunFolder, step: int, tensorboard: bool) -> None:
        self._path = folder.metrics_path
        try:
            self._metrics = MetricsFile(self._path, step)
            self._events = EventFiles(folder.path, step) if tensorboard else None
        except OSError as error:
            raise write_error(error, self._path) from error

    def write(self, step: int, seconds: float, losses: Mapping[str, float]) -> None:
        """Add a row; WriteError if that fails."""
        try:
            self._metrics.write(step, seconds, losses)
            if self._events is not None:
                self._events.write(step, losses)
        except OSError as error:
            raise write_error(error, self._path) from error

    def close(self) -> None:
        """Write what waits."""
        if self._events is not None:
            self._events.close()
