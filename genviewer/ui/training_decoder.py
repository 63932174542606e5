"""The ONNX decoder of a network that is being trained, made while torch draws it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

from genviewer.engine.jobs import JobLane
from genviewer.ui.background import Background

if TYPE_CHECKING:
    from genviewer.engine.jobs import Job, Progress
    from genviewer.engine.live_onnx import OnnxTemplate
    from genviewer.engine.run_timeline import Snapshot
    from genviewer.ui.bridge import Bridge
    from genviewer.ui.models import Loaded

WAITS_MS = 1500
"""A run that ends at once needs none."""


class LiveDecoder(QObject):
    """Makes the decoder of one run at a time, in a lane of its own (GUI thread)."""

    def __init__(self, bridge: Bridge, parent: QObject) -> None:
        super().__init__(parent)
        self.template: OnnxTemplate | None = None
        self._lane = JobLane("live-decoder")
        self._lane.start()
        self._background = Background(self._lane, bridge, self)
        self._wish: tuple[Snapshot, Loaded] | None = None
        self._job: Job | None = None
        self._delay = QTimer(self)
        self._delay.setSingleShot(True)
        self._delay.setInterval(WAITS_MS)
        self._delay.timeout.connect(self._make)

    @property
    def wanted(self) -> bool:
        """Whether that of the run was asked for, also where there is none to be had."""
        return self._wish is not None

    def want(self, snapshot: Snapshot, base: Loaded) -> None:
        """Make the decoder of the network of ``snapshot``, which began as ``base``."""
        self.forget()
        self._wish = snapshot, base
        self._delay.start()

    def forget(self) -> None:
        """The run is over, or another begins."""
        self._delay.stop()
        self._wish = self.template = None
        if self._job is not None:
            self._job.cancel()
            self._job = None

    def close(self) -> None:
        """End the lane."""
        self.forget()
        self._background.close()
        self._lane.stop()

    def _make(self) -> None:
        wish = self._wish
        if wish is None:
            return
        snapshot, base = wish

        def work(progress: Progress) -> OnnxTemplate | None:
            from genviewer.engine.live_generator import template_for

            return template_for(snapshot, base.bundle, progress)

        def use(template: OnnxTemplate | None) -> None:
            if self._wish is wish:
                self.template = template

        self._job = self._background.submit(
            work, "Making a faster decoder of what is learned", done=use, quiet=True
        )
