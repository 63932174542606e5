"""The weights that drew the pictures of the last moments of a training."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from genviewer.core.recipe import ModelRef
    from genviewer.engine.run_timeline import Snapshot

MOST_BYTES = 32 << 20
"""Of weights that are held for older pictures."""

MOST_STEPS = 1000  # more than there are older pictures


class RecentWeights:
    """Which weights drew what was seen of a run, the last of them themselves (GUI thread)."""

    def __init__(self) -> None:
        self._held: dict[str, Snapshot] = {}
        self._steps: dict[str, int] = {}

    def add(self, snapshot: Snapshot) -> None:
        """Weights that draw from now on."""
        model = snapshot.ref.id
        self._steps.pop(model, None)
        self._steps[model] = snapshot.step
        if len(self._steps) > MOST_STEPS:
            del self._steps[next(iter(self._steps))]
        self._held.pop(model, None)
        self._held[model] = snapshot
        room = MOST_BYTES - sum(map(_size, self._held.values()))
        while room < 0 and self._held:
            room += _size(self._held.pop(next(iter(self._held))))

    def find(self, weights: ModelRef, folder: Path) -> Callable[[], Snapshot] | None:
        """Reads weights that drew before, in any thread, from memory or from the timeline of the
        run in ``folder``; None where they are known no more.

        What is given raises TimelineError where the timeline has others, or none, of that step.
        """
        held = self._held.get(weights.id)
        if held is not None:
            return lambda: held
        step = self._steps.get(weights.id)
        return None if step is None else lambda: _read(folder, step, weights)

    def clear(self) -> None:
        """The run is over, or another begins."""
        self._held.clear()
        self._steps.clear()


def _read(folder: Path, step: int, weights: ModelRef) -> Snapshot:
    from genviewer.engine.run_timeline import RunTimeline, TimelineError

    snapshot = RunTimeline(folder).snapshot(step)
    if snapshot.ref.id != weights.id:
        raise TimelineError(f"{folder.name} has other weights of step {step} now.")
    return snapshot


def _size(snapshot: Snapshot) -> int:
    return sum(array.nbytes for array in snapshot.weights.values())
