"""Everything slower than a frame runs here: one thread of low priority, one job at a time."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
State = Literal["waiting", "running", "done", "failed", "cancelled"]

NICENESS = 10
LOWEST = 19
_log = logging.getLogger(__name__)


class Cancelled(Exception):  # noqa: N818 - it is a request that was granted, not an error
    """Raised by :meth:`Progress.check` in a job that is no longer wanted."""


@dataclass(eq=False)
class Job:
    """A piece of work in a lane. ``state`` may be read, and ``cancel`` called, in any thread."""

    name: str
    key: str | None
    state: State = "waiting"
    _cancelled: threading.Event = field(default_factory=threading.Event, repr=False)

    def cancel(self) -> None:
        """Ask the job to stop; one that waits never starts."""
        self._cancelled.set()


class Progress:
    """What a job's function is given, to tell how far it is and to notice that it should stop."""

    def __init__(self, job: Job, on_progress: Callable[[float, str], None] | None) -> None:
        self._job = job
        self._on_progress = on_progress

    def check(self) -> None:
        """Raise :class:`Cancelled` if the job is no longer wanted. Call it between steps."""
        if self._job._cancelled.is_set():
            raise Cancelled

    def report(self, fraction: float, text: str = "") -> None:
        """Tell how much is done (0..1) and what is going on; also checks."""
        self.check()
        if self._on_progress is not None:
            self._on_progress(min(max(fraction, 0.0), 1.0), text)


@dataclass(eq=False)
class _Work:
    job: Job
    function: Callable[[Progress], Any]
    on_done: Callable[[Any], None] | None
    on_failed: Callable[[Exception], None] | None
    on_progress: Callable[[float, str], None] | None
    on_cancelled: Callable[[], None] | None


class JobLane:
    """One worker thread that runs jobs in the order in which they were submitted.

    ``low_priority`` is for what nobody waits for: other programs and the window go first.

    Callbacks are called in that thread. Every job that is submitted ends in exactly one of
    ``on_done``, ``on_failed`` and ``on_cancelled``, also those that wait when the lane stops.
    """

    def __init__(self, name: str = "jobs", *, low_priority: bool = True) -> None:
        self._waiting: deque[_Work] = deque()
        self._running: _Work | None = None
        self._condition = threading.Condition()
        self._stopping = False
        self._low_priority = low_priority
        self._thread = threading.Thread(target=self._run, name=f"genviewer-{name}", daemon=True)

    def start(self) -> None:
        """Start the worker."""
        self._thread.start()

    def stop(self) -> None:
        """Cancel everything and wait for the worker to end. Not from within a job."""
        with self._condition:
            self._stopping = True
            for work in self._waiting:
                work.job.cancel()
            if self._running is not None:
                self._running.job.cancel()
            self._condition.notify()
        if self._thread.is_alive():
            self._thread.join()

    def submit(
        self,
        function: Callable[[Progress], T],
        name: str,
        *,
        key: str | None = None,
        on_done: Callable[[T], None] | None = None,
        on_failed: Callable[[Exception], None] | None = None,
        on_progress: Callable[[float, str], None] | None = None,
        on_cancelled: Callable[[], None] | None = None,
    ) -> Job:
        """Queue a job; any thread. A job of the same ``key`` that is not done is cancelled.

        Raises:
            RuntimeError: if the lane is stopping.
        """
        work = _Work(Job(name, key), function, on_done, on_failed, on_progress, on_cancelled)
        with self._condition:
            if self._stopping:
                raise RuntimeError("The job lane has stopped.")
            if key is not None:
                for other in (*self._waiting, *([self._running] if self._running else [])):
                    if other.job.key == key:
                        other.job.cancel()
            self._waiting.append(work)
            self._condition.notify()
        return work.job

    def _run(self) -> None:
        if self._low_priority:
            lower_priority()
        while True:
            with self._condition:
                self._running = None
                while not self._waiting and not self._stopping:
                    self._condition.wait()
                if not self._waiting:
                    return
                work = self._running = self._waiting.popleft()
            self._do(work)

    def _do(self, work: _Work) -> None:
        job = work.job
        try:
            progress = Progress(job, work.on_progress)
            progress.check()
            job.state = "running"
            result = work.function(progress)
            progress.check()
        except Cancelled:
            job.state = "cancelled"
            self._tell(work, work.on_cancelled)
        except Exception as error:  # whatever a job raises is the caller's to show
            job.state = "failed"
            if work.on_failed is None:
                _log.exception("The job %r failed.", job.name)
            else:
                self._tell(work, work.on_failed, error)
        else:
            job.state = "done"
            self._tell(work, work.on_done, result)

    def _tell(self, work: _Work, callback: Callable[..., None] | None, *values: object) -> None:
        if callback is None:
            return
        try:
            callback(*values)
        except Exception:  # the lane outlives a caller's mistake, and says so
            _log.exception("The callback of the job %r failed.", work.job.name)


def lower_priority(niceness: int = NICENESS) -> None:
    """Give the calling thread a lower priority than the program's, where the system has one for
    each thread.
    """
    if sys.platform == "linux":
        program = os.getpriority(os.PRIO_PROCESS, os.getpid())
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, min(LOWEST, program + niceness))
