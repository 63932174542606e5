"""The clock of a walk: plays a smooth path through latent space."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, Qt, QTimer, Signal

from genviewer.core.walk import Walk, WalkMode

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from genviewer.core.spec import LatentSpec

FRAME_MS = 16


class Walker(QObject):
    """Emits points of a walk at about 60 Hz while it plays; does nothing at rest.

    Signals:
        stepped(object, str): float32 (D,) and the merge key of this walk.
        toggled(bool): the walk began or ended.
    """

    stepped = Signal(object, str)
    toggled = Signal(bool)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(FRAME_MS)
        self._timer.timeout.connect(self._step)
        self._walk: Walk | None = None
        self._started = 0.0
        self._key = ""
        self._last: NDArray[np.float32] | None = None

    @property
    def walking(self) -> bool:
        return self._timer.isActive()

    @property
    def mode(self) -> WalkMode | None:
        """The kind of the walk under way; None at rest."""
        return self._walk.mode if self._walk is not None and self.walking else None

    def set_pace(self, speed: float, seconds: float) -> None:
        """Go on much the same way, at another pace."""
        if self._walk is not None and self._last is not None and self.walking:
            self._restart(self._last, speed=speed, period=seconds)

    def _restart(self, values: NDArray[np.float32], **pace: float) -> None:
        if self._walk is not None:
            now = time.perf_counter()
            self._walk = self._walk.restarted(
                values, now - self._started, self._walk.locked, **pace
            )
            self._started = now
            self._last = values

    def start(
        self,
        latent: LatentSpec,
        values: NDArray[np.float32],
        mode: WalkMode,
        speed: float,
        seconds: float,
        locked: NDArray[np.bool_],
    ) -> None:
        """Walk on from ``values``; a walk under way is replaced."""
        was = self.walking
        seed = secrets.randbelow(2**31)
        self._walk = Walk(
            latent, values, seed=seed, mode=mode, speed=speed, period=seconds, locked=locked
        )
        self._started = time.perf_counter()
        self._key = f"walk:{seed}"
        self._last = None
        self._timer.start()
        if not was:
            self.toggled.emit(True)

    def stop(self) -> None:
        """Stand still."""
        if self.walking:
            self._timer.stop()
            self.toggled.emit(False)

    def follow(self, values: NDArray[np.float32]) -> None:
        """The latent is at ``values`` now; where that was not this walk's doing, the walk goes
        on from there.
        """
        if self._walk is None or not self.walking or self._last is None:
            return
        if values.shape != self._last.shape:
            self.stop()
        elif not np.array_equal(values, self._last):
            self._restart(values)

    def _step(self) -> None:
        if self._walk is not None:
            self._last = self._walk.at(time.perf_counter() - self._started)
            self.stepped.emit(self._last, self._key)
