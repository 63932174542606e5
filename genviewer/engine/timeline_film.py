"""Films of one Recipe over the steps of a training. Memory does not grow with their number."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from genviewer.engine.cells import decode_recipe
from genviewer.engine.live_generator import LiveGenerators
from genviewer.engine.run_timeline import TimelineError
from genviewer.io.atomic import replacing
from genviewer.io.enlarging import finished
from genviewer.io.images import ImageError
from genviewer.io.movie_files import check_movie, movie_format, open_movie
from genviewer.io.video import VideoError
from genviewer.io.write_errors import refuse_existing, write_error

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from genviewer.core.picture import Picture
    from genviewer.core.recipe import Recipe
    from genviewer.engine.jobs import Progress
    from genviewer.engine.run_timeline import RunTimeline
    from genviewer.io.image_formats import Levels


def frame_counts(steps: int, seconds: float, fps: float) -> tuple[int, ...]:
    """How many frames each of so many steps has in a film of that length, one at least.

    They are as equal as can be, and add up to the frames of the film where there are enough.
    """
    total = max(steps, round(seconds * fps))
    edges = [round(total * k / steps) for k in range(steps + 1)]
    return tuple(end - start for start, end in itertools.pairwise(edges))


def save_film(
    path: Path,
    timeline: RunTimeline,
    steps: Sequence[int],
    recipe: Recipe,
    *,
    seconds: float,
    fps: float,
    picture: Picture,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> None:
    """Draw a Recipe with the weights of each step, and write a film in the format of the suffix.

    It carries no image record: no one model draws it again. Nothing of the file appears before all
    of it is there; cancelling leaves none. Any thread but the render thread.

    Raises:
        ImageError: the format cannot hold it.
        TimelineError, LoadError: the weights of a step cannot be had.
        DecodeError: the Recipe does not fit the model, or the model fails.
        WriteError: it cannot be written, or is there already.
    """
    if not steps:
        raise TimelineError("There are no steps to make a film of.")
    form, image = movie_format(path), timeline.config().spec.image
    size = picture.size(image.width, image.height)
    check_movie(form, size, fps)
    if not overwrite:
        refuse_existing(path)
    try:
        with replacing(path) as temporary:
            writer = open_movie(temporary, form, size, fps, None, picture.quality)
            try:
                shown = frame_counts(len(steps), seconds, fps)
                drawn = _frames(timeline, steps, recipe, picture, progress)
                for frame, count in zip(drawn, shown, strict=True):
                    for _ in range(count):
                        if progress is not None:
                            progress.check()
                        writer.add(frame.astype(np.uint8, copy=False))
                writer.close()
            except BaseException:
                writer.abandon()
                raise
            if not overwrite:
                refuse_existing(path)
    except VideoError as error:
        raise ImageError(str(error)) from error
    except OSError as error:
        raise write_error(error, path) from error


def _frames(
    timeline: RunTimeline,
    steps: Sequence[int],
    recipe: Recipe,
    picture: Picture,
    progress: Progress | None,
) -> Iterator[Levels]:
    generators = LiveGenerators()
    for place, step in enumerate(steps):
        if progress is not None:
            progress.report(place / len(steps), f"Step {step:,}")
        generator = generators.generator_of(timeline.snapshot(step), "cpu")
        yield finished(decode_recipe(generator, recipe), picture)
