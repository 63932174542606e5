"""Jobs in a lane, with their callbacks on the GUI thread and their progress in the status line."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import QObject, QTimer, Signal

from genviewer.engine.jobs import Job

if TYPE_CHECKING:
    from collections.abc import Callable

    from genviewer.engine.jobs import JobLane, Progress
    from genviewer.ui.bridge import Bridge

T = TypeVar("T")
_log = logging.getLogger(__name__)
SHOWN_AFTER_MS = 400


class Background(QObject):
    """Submits jobs and marshals what comes of them (GUI thread).

    Signals:
        work_changed(object, object): name (None when nothing is under way) and fraction (None
            where it is not known) of the job to show; only jobs that take a moment are shown.
    """

    work_changed = Signal(object, object)

    def __init__(self, lane: JobLane, bridge: Bridge, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lane = lane
        self._bridge = bridge
        self._visible: dict[int, tuple[Job, str, float | None]] = {}
        self._count = 0
        self._closed = False
        self._delay = QTimer(self)
        self._delay.setSingleShot(True)
        self._delay.setInterval(SHOWN_AFTER_MS)
        self._delay.timeout.connect(self._show)

    def submit(
        self,
        function: Callable[[Progress], T],
        name: str,
        *,
        key: str | None = None,
        done: Callable[[T], object] | None = None,
        failed: Callable[[Exception], object] | None = None,
        cancelled: Callable[[], object] | None = None,
        quiet: bool = False,
    ) -> Job:
        """Run ``function`` in the lane; callbacks come on the GUI thread.

        A quiet job is not shown in the status line and not cancelled by :meth:`cancel`. After
        :meth:`close` a job is cancelled at once, and no callback comes.
        """
        if self._closed:
            job = Job(name, key)
            job.cancel()
            return job
        self._count += 1
        number = self._count

        def end(then: Callable[[], object] | None) -> None:
            def on_gui() -> None:
                self._end(number)
                if then is not None:
                    then()

            self._bridge.post(on_gui)

        def progress(fraction: float, text: str) -> None:
            self._bridge.post(lambda: self._progress(number, fraction, text))

        def fail(error: Exception) -> None:
            if failed is None:
                _log.error("%s failed.", name, exc_info=error)
            else:
                failed(error)

        job = self._lane.submit(
            function,
            name,
            key=key,
            on_done=lambda result: end(lambda: done(result) if done else None),
            on_failed=lambda error: end(lambda: fail(error)),
            on_cancelled=lambda: end(cancelled),
            on_progress=None if quiet else progress,
        )
        if not quiet:
            self._visible[number] = (job, name, None)
            if not self._delay.isActive():
                self._delay.start()
        return job

    def close(self) -> None:
        """Take no more jobs; the lane is about to stop."""
        self._closed = True
        self._delay.stop()

    def cancel(self) -> None:
        """Cancel every job that is shown."""
        for job, _, _ in list(self._visible.values()):
            job.cancel()

    def _progress(self, number: int, fraction: float, text: str) -> None:
        if number in self._visible:
            job, name, _ = self._visible[number]
            self._visible[number] = (job, text or name, fraction)
            if not self._delay.isActive():
                self._show()

    def _end(self, number: int) -> None:
        if self._visible.pop(number, None) is not None:
            self._show()

    def _show(self) -> None:
        if not self._visible:
            self._delay.stop()
            self.work_changed.emit(None, None)
        elif not self._delay.isActive():
            _, name, fraction = next(iter(self._visible.values()))
            self.work_changed.emit(name, fraction)
