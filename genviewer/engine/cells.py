"""Samples of Recipes and Sheets, drawn at once in the calling thread.

The synchronous path beside the render thread: for saving, the command line and tests.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

from genviewer.core.condition import pack as pack_condition
from genviewer.core.pixels import to_unit
from genviewer.core.prior import truncate
from genviewer.core.sheet import Pack
from genviewer.core.views import ViewInputs, make_sheet
from genviewer.engine.generator import DecodeError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from genviewer.core.condition import Condition
    from genviewer.core.recipe import Recipe
    from genviewer.core.scene import Scene
    from genviewer.core.sheet import Ints, Sheet
    from genviewer.core.spec import Spec
    from genviewer.core.synthesis import Synthesis
    from genviewer.engine.generator import Bytes, Floats, Generator, SynthesisGenerator
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
    z = recipe.latent.array.reshape(1, -1)
    z, how = truncated(generator.spec, z, recipe)
    y = _packed(generator, (recipe.condition,))
    pixels: Bytes = pixels_from_inputs(generator, z, y, how)[0]
    return pixels


def decode_pack(generator: Generator, pack: Pack, rows: slice | Ints = slice(None)) -> Bytes:
    """Samples of some of a pack's cells, chosen by row: uint8 (n, H, W, C).

    Raises:
        DecodeError: if the pack does not fit the model, or the model fails.
    """
    return pixels_from_inputs(generator, *pack_inputs(generator, pack, rows))


def decode_unit(generator: Generator, pack: Pack, rows: slice | Ints = slice(None)) -> Floats:
    """The same samples from the network's own numbers: float32 (n, H, W, C) in [0, 1].

    Raises:
        DecodeError: if the pack does not fit the model, or the model fails.
    """
    return unit_from_inputs(generator, *pack_inputs(generator, pack, rows))


def unit_from_inputs(
    generator: Generator, z: Floats, y: Floats | None, how: Synthesis | None
) -> Floats:
    """As :func:`decode_unit`, of what :func:`pack_inputs` gives.

    Raises:
        DecodeError: if the model fails.
    """
    unit = to_unit(decode_raw(generator, z, y, how), generator.spec.image.range)
    return np.ascontiguousarray(unit.transpose(0, 2, 3, 1))


def pack_inputs(
    generator: Generator, pack: Pack, rows: slice | Ints = slice(None)
) -> tuple[Floats, Floats | None, Synthesis | None]:
    """What the decoder takes for some of a pack's cells: latents, packed conditions, and how to
    draw them where the model reads that.

    Raises:
        DecodeError: if the pack does not fit the model.
    """
    z, how = truncated(generator.spec, pack.latents[rows], pack)
    y = _packed(generator, pack.conditions)
    return z, None if y is None else y[pack.condition_index[rows]], how


def decode_raw(generator: Generator, z: Floats, y: Floats | None, how: Synthesis | None) -> Floats:
    """Raw output float32 (N, C, H, W); ``how`` is None for models that read no more than ``z, y``.

    Raises:
        DecodeError: if the model fails.
    """
    if how is None:
        return generator.decode(z, y)
    return cast("SynthesisGenerator", generator).decode(z, y, how)


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


def truncated(
    spec: Spec, latents: Floats, source: Recipe | Pack
) -> tuple[Floats, Synthesis | None]:
    """Latents (N, D) of a Recipe or pack as the model takes them, and how to draw them if it reads
    that: where truncation acts inside the network, they are left as they are.

    Raises:
        DecodeError: if the latents or their space are not the model's.
    """
    space = source.space if isinstance(source, Pack) else source.latent.space
    if space not in spec.latent.spaces:
        raise DecodeError(f"{spec.name} takes no latents of the space {space!r}.")
    dim = spec.of_space(space).latent.dim
    if latents.shape[1] != dim:
        raise DecodeError(f"The latent has {latents.shape[1]} values, and {spec.name} takes {dim}.")
    if spec.synthesis is None:
        return (truncate(latents, source.truncation) if spec.truncation else latents), None
    if not spec.truncates_styles:
        latents = truncate(latents, source.truncation)
    return latents, source.synthesis


def pixels_from_inputs(
    generator: Generator, z: Floats, y: Floats | None, how: Synthesis | None
) -> Bytes:
    """As :func:`decode_pack`, of what :func:`pack_inputs` gives.

    Raises:
        DecodeError: if the model fails.
    """
    if how is None:
        return generator.decode_pixels(z, y)
    return cast("SynthesisGenerator", generator).decode_pixels(z, y, how)


def _packed(generator: Generator, conditions: tuple[Condition, ...]) -> Floats | None:
    if not generator.spec.condition_size:
        return None
    try:
        return np.stack([pack_condition(condition, generator.spec) for condition in conditions])
    except ValueError as error:
        raise DecodeError(f"The condition does not fit {generator.spec.name}: {error}.") from error
