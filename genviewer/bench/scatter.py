"""A scatter of 60,000 latents follows the hand: no event takes two frames."""

from __future__ import annotations

from genviewer.bench.results import FRAME_MS, Result, within
from genviewer.bench.window import move_scatter

POINTS = 60_000
FRAMES = 2


def measure(points: int = POINTS) -> list[Result]:
    """The longest time that the GUI thread is busy with one move or zoom, and the usual one.

    Raises:
        WindowError: the scatter could not be shown.
    """
    moved = move_scatter(points)
    return [
        within("scatter_stall", "", moved.longest_ms, "ms", FRAMES * FRAME_MS),
        within("scatter_p50", "", moved.p50_ms, "ms", FRAME_MS),
    ]
