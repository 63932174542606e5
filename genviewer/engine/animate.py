"""Animations: frames drawn from an image record and written as they come.

Memory does not grow with the length. Any thread; of the job lane where a window waits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from genviewer.core.packing import packs_of
from genviewer.core.picture import NATIVE
from genviewer.engine.cells import CHUNK, decode_pack
from genviewer.engine.generator import DecodeError
from genviewer.io.atomic import replacing, write_bytes
from genviewer.io.enlarging import finished
from genviewer.io.images import ImageError, ImageRecord
from genviewer.io.movie_files import check_movie, movie_format, open_movie
from genviewer.io.provenance import sidecar_path
from genviewer.io.video import VideoError
from genviewer.io.write_errors import refuse_existing, write_error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from genviewer.core.animation import Animation
    from genviewer.core.picture import Picture
    from genviewer.core.recipe import Recipe
    from genviewer.engine.generator import Bytes, Generator
    from genviewer.engine.jobs import Progress
    from genviewer.io.image_formats import Levels
    from genviewer.io.movie_files import MovieFormat


def animation_record(
    generator: Generator,
    animation: Animation,
    picture: Picture = NATIVE,
    weights_sha256: str = "",
) -> ImageRecord:
    """The record of an animation of one model."""
    return ImageRecord(
        generator.ref,
        animation.start,
        animation=animation,
        picture=picture,
        weights_sha256=weights_sha256,
        engine=generator.engine,
    )


def save_animation(
    path: Path,
    record: ImageRecord,
    generator: Generator,
    *,
    embed: bool = True,
    sidecar: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> None:
    """Draw an animation and write it, in the format of the path's suffix.

    Args:
        path: where to; nothing of it appears before all of it is there.
        record: what to draw.
        generator: the model that it names.
        embed: whether the file carries the record.
        sidecar: whether a ``.json`` beside it does.
        overwrite: whether a file that is there may be replaced.
        progress: is told how far it is; cancelling leaves no file.

    Raises:
        ImageError: the format cannot hold it.
        DecodeError: the model does not fit the record, or fails.
        WriteError: it cannot be written, or is there already.
    """
    form = movie_format(path)
    places = [path, sidecar_path(path)] if sidecar else [path]
    if not overwrite:
        for place in places:
            refuse_existing(place)
    try:
        with replacing(path) as temporary:
            write_movie(
                temporary, form, record, generator, record.text() if embed else None, progress
            )
            if not overwrite:
                refuse_existing(path)
        if sidecar:
            write_bytes(sidecar_path(path), record.text().encode())
    except OSError as error:
        raise write_error(error, path) from error


def write_movie(
    path: Path,
    form: MovieFormat,
    record: ImageRecord,
    generator: Generator,
    text: str | None = None,
    progress: Progress | None = None,
) -> None:
    """Write an animation's frames to ``path``, which is overwritten and may be left in pieces.

    Raises:
        ImageError: the format cannot hold it.
        DecodeError: the model does not fit the record, or fails.
        OSError: it cannot be written.
    """
    if record.animation is None:
        raise DecodeError("The record is not one of an animation.")
    fps, image = record.animation.fps, generator.spec.image
    size = record.picture.size(image.width, image.height)
    check_movie(form, size, fps)
    try:
        writer = open_movie(path, form, size, fps, text, record.picture.quality)
        try:
            for frame in frames(record, generator, progress):
                writer.add(frame.astype(np.uint8, copy=False))
            writer.close()
        except BaseException:
            writer.abandon()
            raise
    except VideoError as error:
        raise ImageError(str(error)) from error


def frames(
    record: ImageRecord, generator: Generator, progress: Progress | None = None
) -> Iterator[Levels]:
    """The finished frames of an animation, one after the other: uint8 (H, W, C).

    Raises:
        DecodeError: the model does not fit the record, or fails.
    """
    animation = record.animation
    if animation is None:
        raise DecodeError("The record is not one of an animation.")
    count = animation.frames
    recipe_of = _recipes(animation, generator)
    for start in range(0, count, CHUNK):
        if progress is not None:
            progress.report(start / count, f"Frame {start + 1} of {count}")
        recipes = [recipe_of(n) for n in range(start, min(start + CHUNK, count))]
        for pixels in decode_recipes(generator, recipes):
            if progress is not None:
                progress.check()
            yield finished(pixels, record.picture)


def _recipes(animation: Animation, generator: Generator) -> Callable[[int], Recipe]:
    try:
        return animation.recipes(generator.spec)
    except ValueError as error:
        raise DecodeError(str(error)) from error


def decode_recipes(generator: Generator, recipes: Sequence[Recipe]) -> Bytes:
    """Samples of any Recipes of one model, drawn together where they can be: uint8 (n, H, W, C).

    Raises:
        DecodeError: a Recipe does not fit the model, or the model fails.
    """
    image = generator.spec.image
    pixels = np.zeros((len(recipes), image.height, image.width, image.channels), np.uint8)
    cells = [(index, generator.ref, recipe) for index, recipe in enumerate(recipes)]
    for pack in packs_of(cells):
        pixels[pack.cells] = decode_pack(generator, pack)
    return pixels
