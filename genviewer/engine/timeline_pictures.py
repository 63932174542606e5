"""Small pictures of Recipes by the weights that a run had at its steps."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from genviewer.core.pixels import fewer_pixels
from genviewer.engine.cells import decode_recipe

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from genviewer.core.recipe import Recipe
    from genviewer.engine.generator import Bytes
    from genviewer.engine.jobs import Progress
    from genviewer.engine.live_generator import LiveGenerators
    from genviewer.engine.run_timeline import RunTimeline

SIDE = 64
MOST_BYTES = 48 << 20
THREADS = 1  # the others are the training's and the canvas's


class TimelinePictures:
    """Keeps what was drawn, up to a number of bytes; the oldest go first. One thread uses it."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._kept: OrderedDict[tuple[int, Recipe], Bytes] = OrderedDict()
        self._bytes = 0

    def get(self, step: int, recipe: Recipe) -> Bytes | None:
        """What was drawn of a Recipe at a step: uint8 (h, w, C), not to be written to."""
        found = self._kept.get((step, recipe))
        if found is not None:
            self._kept.move_to_end((step, recipe))
        return found

    def put(self, step: int, pictures: Iterable[tuple[Recipe, Bytes]]) -> None:
        """Keep pictures of a step."""
        for recipe, pixels in pictures:
            before = self._kept.pop((step, recipe), None)
            self._bytes += pixels.nbytes - (before.nbytes if before is not None else 0)
            self._kept[step, recipe] = pixels
        while self._bytes > self._most_bytes and self._kept:
            self._bytes -= self._kept.popitem(last=False)[1].nbytes

    def keep_steps(self, steps: Iterable[int]) -> None:
        """Forget the pictures of all other steps: a run that went back draws them anew."""
        wanted = frozenset(steps)
        for key in [key for key in self._kept if key[0] not in wanted]:
            self._bytes -= self._kept.pop(key).nbytes

    def clear(self) -> None:
        """Forget everything, for another run."""
        self._kept.clear()
        self._bytes = 0


def draw_step(
    timeline: RunTimeline,
    generators: LiveGenerators,
    step: int,
    recipes: Sequence[Recipe],
    progress: Progress | None = None,
) -> list[tuple[Recipe, Bytes]]:
    """Draw Recipes with the weights of a step, reduced to at most ``SIDE`` pixels; for a job lane.

    Raises:
        TimelineError, LoadError: the weights cannot be had.
        DecodeError: a Recipe does not fit the model, or the model fails.
        Cancelled: if ``progress`` says so.
    """
    generator = generators.generator_of(timeline.snapshot(step), "cpu", THREADS)
    drawn = []
    for recipe in recipes:
        if progress is not None:
            progress.check()
        pixels = decode_recipe(generator, recipe)
        # A copy: what is kept should not hold the whole picture in memory.
        small = fewer_pixels(pixels, -(-max(pixels.shape[:2]) // SIDE)).copy()
        drawn.append((recipe, small))
    return drawn
