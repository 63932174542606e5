"""Drag-to-pixel latency and frame rate, as the status line shows them."""

from __future__ import annotations

import time
from collections import deque
from statistics import median

WINDOW = 120
RATE_SECONDS = 1.0


class LatencyMeter:
    """From an input event to the end of the paint that shows its value or a newer one.

    Every event counts, overwritten ones too. Belongs to the GUI thread.
    """

    def __init__(self) -> None:
        self._pending: list[float] = []
        self._latencies: deque[float] = deque(maxlen=WINDOW)
        self._paints: deque[float] = deque(maxlen=WINDOW)
        self.on_latency: list[float] | None = None

    def record_into(self, samples: list[float] | None) -> None:
        """Also append every latency, in seconds, to a list; None stops that."""
        self.on_latency = samples

    def frame_arrived(self, stamps: tuple[float, ...]) -> None:
        """A frame that answers these events is about to be painted."""
        self._pending.extend(stamp for stamp in stamps if stamp > 0.0)

    def painted(self) -> None:
        """The paint that shows the newest frame has ended."""
        now = time.perf_counter()
        self._paints.append(now)
        for stamp in self._pending:
            self._latencies.append(now - stamp)
            if self.on_latency is not None:
                self.on_latency.append(now - stamp)
        self._pending.clear()

    @property
    def milliseconds(self) -> float | None:
        """Median of the recent latencies; None before the first."""
        return 1e3 * median(self._latencies) if self._latencies else None

    @property
    def frames_per_second(self) -> float:
        """Frames painted during the last second."""
        since = time.perf_counter() - RATE_SECONDS
        return sum(1 for moment in self._paints if moment > since) / RATE_SECONDS
