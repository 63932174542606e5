"""Samples of Recipes and Sheets, drawn at once in the calling thread.

The synchronous path beside the render thread: for saving, the command line and tests.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from genviewer.core.condition import pack as pack_condition
from genviewer.core.prior import truncate
from genviewer.core.views import ViewInputs, make_sheet
from genviewer.engine.generator import DecodeError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from genviewer.core.condition import Condition
    from genviewer.core.recipe import Recipe
    from genviewer.core.scene import Scene
    from genviewer.core.sheet import Ints, Pack, Sheet
    from genviewer.core.spec import Spec
    from genviewer.engine.generator import Bytes, Floats, Generator
    from genviewer.engine.jobs import Progress

CHUNK = 16
"""Cells drawn at a time; more gain nothing on a CPU and delay a cancel."""


@dataclass(frozen=True, eq=False)
class SheetImage:
    """A Sheet with all its samples.

    Attributes:
        sheet: what it shows.
        pixels: uint8 (rows * columns, H, W, C); zeros where a cell is empty.
        filled: bool (rows * columns,), True where a cell holds a sample.
    """

    sheet: Sheet
    pixels: Bytes
    filled: NDArray[np.bool_]


def decode_recipe(generator: Generator, recipe: Recipe) -> Bytes:
    """One sample: uint8 (H, W, C).

    Raises:
        DecodeError: if the Recipe does not fit the model, or the model fails.
    """
    z = _latents(generator, recipe.latent.array.reshape(1, -1), recipe.latent.space)
    z, y = _truncated(z, recipe.truncation, generator), _packed(generator, (recipe.condition,))
    pixels: Bytes = generator.decode_pixels(z, y)[0]
    return pixels


def decode_pack(generator: Generator, pack: Pack, rows: slice | Ints = slice(None)) -> Bytes:
    """Samples of some of a pack's cells, chosen by row: uint8 (n, H, W, C).

    Raises:
        DecodeError: if the pack does not fit the model, or the model fails.
    """
    z = _truncated(_latents(generator, pack.latents[rows], pack.space), pack.truncation, generator)
    y = _packed(generator, pack.conditions)
    if y is not None:
        y = y[pack.condition_index[rows]]
    return generator.decode_pixels(z, y)


def render_sheet(
    scene: Scene,
    generator: Generator,
    inputs: ViewInputs | None = None,
    progress: Progress | None = None,
) -> SheetImage:
    """The whole Sheet of a Scene.

    Raises:
        DecodeError: if the Scene does not fit the model, or the model fails.
    """
    spec = generator.spec
    try:
        sheet = make_sheet(scene, spec, inputs if inputs is not None else ViewInputs())
    except ValueError as error:
        raise DecodeError(str(error)) from error
    image = spec.image
    total = sheet.rows * sheet.columns
    pixels = np.zeros((total, image.height, image.width, image.channels), np.uint8)
    filled = np.zeros(total, bool)
    for pack in sheet.packs:
        for start in range(0, len(pack.cells), CHUNK):
            if progress is not None:
                progress.report(start / max(1, sheet.count))
            rows = slice(start, start + CHUNK)
            pixels[pack.cells[rows]] = decode_pack(generator, pack, rows)
            filled[pack.cells[rows]] = True
    return SheetImage(sheet, pixels, filled)


def _latents(generator: Generator, latents: Floats, space: str) -> Floats:
    spec: Spec = generator.spec
    if space not in spec.latent.spaces:
        raise DecodeError(f"{spec.name} takes no latents of the space {space!r}.")
    if latents.shape[1] != spec.latent.dim:
        raise DecodeError(
            f"The latent has {latents.shape[1]} values, and {spec.name} takes {spec.latent.dim}."
        )
    return latents


def _truncated(latents: Floats, psi: float, generator: Generator) -> Floats:
    return truncate(latents, psi) if generator.spec.truncation else latents


def _packed(generator: Generator, conditions: tuple[Condition, ...]) -> Floats | None:
    if not generator.spec.condition_size:
        return None
    try:
        return np.stack([pack_condition(condition, generator.spec) for condition in conditions])
    except ValueError as error:
        raise DecodeError(f"The condition does not fit {generator.spec.name}: {error}.") from error
