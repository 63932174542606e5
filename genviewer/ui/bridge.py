"""From other threads to the GUI thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal

if TYPE_CHECKING:
    from collections.abc import Callable


class Bridge(QObject):
    """Runs callables on the GUI thread, and passes on that frames are ready.

    ``post`` and ``announce_frames`` may be called from any thread; they never block. After
    :meth:`close` whatever still arrives is dropped.
    """

    frames_ready = Signal()
    _posted = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._open = True
        self._posted.connect(self._run, Qt.ConnectionType.QueuedConnection)

    def post(self, function: Callable[[], object]) -> None:
        """Run ``function`` on the GUI thread, soon."""
        if self._open:
            self._posted.emit(function)

    def announce_frames(self) -> None:
        """Say that the render thread's slot holds something; the receiver connects queued."""
        if self._open:
            self.frames_ready.emit()

    def close(self) -> None:
        """Drop everything that comes from now on (GUI thread)."""
        self._open = False

    def _run(self, function: Callable[[], object]) -> None:
        if self._open:
            function()
