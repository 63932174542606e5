"""One program at a time trains a run: a lock in its folder, which ends with who holds it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from genviewer.engine.train_config import TrainingError

if TYPE_CHECKING:
    from pathlib import Path

LOCK_NAME = ".lock"
WAIT_S = 2.0
"""So long is waited: a thread of this program may be about to end its run."""

_log = logging.getLogger(__name__)


class RunLock:
    """The right to write to a run. The system takes it from a process that ends, however it does.

    Who only looks into the folder needs none. Not thread-safe.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # Not one for each thread: a run may be made in another than it is driven in.
        self._lock = FileLock(folder / LOCK_NAME, timeout=WAIT_S, thread_local=False)

    def take(self) -> None:
        """Take it, or keep it.

        Raises:
            TrainingError: another program has it.
        """
        if self._lock.is_locked:
            return
        try:
            self._lock.acquire()
        except Timeout:
            raise TrainingError(f"{self._folder} is being trained by another program.") from None
        except OSError as error:
            # A file system without locks, or not to be written to, which is told when it is.
            _log.info("%s cannot be locked: %s.", self._folder, error.strerror or error)

    def release(self) -> None:
        """Let others train it."""
        self._lock.release()


def check_free(folder: Path) -> None:
    """Tell early that a run is being trained.

    Raises:
        TrainingError: by another program.
    """
    lock = RunLock(folder)
    lock.take()
    lock.release()
