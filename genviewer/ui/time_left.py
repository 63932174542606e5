"""Progress that says how long it will still take."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from genviewer.engine.jobs import Progress

if TYPE_CHECKING:
    from collections.abc import Callable

TOLD_AFTER_S = 1.0
"""Before, the time that is left is a guess that jumps."""


class TimeLeft(Progress):
    """Passes on what it is told, with a name before it and the time that is left behind.

    Args:
        progress: where to; it also knows whether the job is still wanted.
        name: what is under way.
        clock: seconds; any origin.
    """

    def __init__(
        self, progress: Progress, name: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(progress._job, progress._on_progress)
        self._name, self._clock = name, clock
        self._started = clock()

    def report(self, fraction: float, text: str = "") -> None:
        """Tell how much is done (0..1) and what is going on; also checks."""
        said = f"{self._name}: {text[:1].lower()}{text[1:]}" if text else self._name
        taken = self._clock() - self._started
        if taken >= TOLD_AFTER_S and 0.0 < fraction < 1.0 and "left" not in text:
            left = round(taken * (1.0 - fraction) / fraction)
            said += f", {left // 60}:{left % 60:02d} left"
        super().report(fraction, said)
