"""Views: pure functions from a Scene to a Sheet. NumPy only; a millisecond for 100 cells.

A view is a function ``(Scene, Spec, ViewInputs) -> Sheet`` in the table :data:`VIEWS`. What has to
be measured on the model comes in as :class:`ViewInputs`; where it is missing or belongs to
another model, the view falls back to the plain order of dimensions.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from genviewer.core import plane
from genviewer.core.axis_view import axes_view
from genviewer.core.condition import Condition, one_class
from genviewer.core.prior import draws, quantile
from genviewer.core.scene import MAX_CELLS, DimOrder, Scene, ViewName
from genviewer.core.sheet import MapFrame, Pack, Sheet
from genviewer.core.spec import LatentSpec, Spec

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

NEIGHBOUR_SEED = 1 << 32
"""Neighbours are drawn from seeds beyond this one, so that none of them is the draw that the
current latent itself came from."""


@dataclass(frozen=True, eq=False)
class ViewInputs:
    """What a view needs that the Scene does not hold.

    Attributes:
        effect_order, kl_order: int64 (D,) dimensions, the strongest first; None if not known.
        plane: float32 (2, D), the two principal directions; None if not known.
        dim_labels: what to call each dimension; empty for ``z0``, ``z1``, ...
        view_aspect: width over height of the space that the Sheet is shown in.
    """

    effect_order: Ints | None = None
    kl_order: Ints | None = None
    plane: Floats | None = None
    dim_labels: tuple[str, ...] = ()
    view_aspect: float = 1.6


View = Callable[[Scene, Spec, ViewInputs], Sheet]


def make_sheet(scene: Scene, spec: Spec, inputs: ViewInputs) -> Sheet:
    """The Sheet of the Scene's own view.

    Raises:
        ValueError: if the current latent does not fit the Spec.
    """
    space = scene.recipe.latent.space
    if spec.synthesis is not None:
        spec = spec.of_space(space)
        if space != "z":  # what is known of the dimensions was measured in the prior's space
            labels = tuple(f"{space}{dim}" for dim in range(spec.latent.dim))
            inputs = replace(inputs, effect_order=None, kl_order=None, dim_labels=labels)
    return VIEWS[scene.view](scene, spec, inputs)


def dim_label(dim: int, inputs: ViewInputs) -> str:
    """What to call a dimension."""
    return inputs.dim_labels[dim] if dim < len(inputs.dim_labels) else f"z{dim}"


def dim_order(order: DimOrder, spec: Spec, inputs: ViewInputs) -> Ints:
    """int64 (D,): the dimensions in the chosen order, or by index where it is not known."""
    known = {"effect": inputs.effect_order, "kl": inputs.kl_order}.get(order)
    if known is None or len(known) != spec.latent.dim:
        return np.arange(spec.latent.dim, dtype=np.int64)
    return known


def plane_axes(scene: Scene, spec: Spec, inputs: ViewInputs) -> tuple[Floats, Floats, str, str]:
    """The Map's orthonormal axes ``u`` and ``v`` (D,) and what to call them.

    The chosen two dimensions; else the principal plane; else the first two dimensions. In a
    latent space of one dimension ``v`` is zero.
    """
    dim, axes = spec.latent.dim, scene.options.map.axes
    measured = inputs.plane if scene.recipe.latent.space == "z" else None
    if axes is None and measured is not None and measured.shape == (2, dim):
        u, v = plane.orthonormal(measured)
        return u, v, "principal 1", "principal 2"
    first, second = axes if axes is not None else (0, 1)
    first, second = min(max(first, 0), dim - 1), min(max(second, 0), dim - 1)
    u = plane.axis(dim, first)
    v = plane.axis(dim, second) if second != first else np.zeros(dim, np.float32)
    return u, v, dim_label(first, inputs), dim_label(second, inputs)


def columns_for(count: int, spec: Spec, view_aspect: float) -> int:
    """The number of columns that makes ``count`` cells largest without leaving many empty."""
    return _columns(count, spec.image.width / spec.image.height, view_aspect)


def focus(scene: Scene, spec: Spec, inputs: ViewInputs) -> Sheet:
    """One cell: the current sample."""
    z = _current(scene, spec)
    return Sheet(1, 1, (_pack(scene, np.zeros(1, np.int64), z[None]),), focus_cell=0)


def grid(scene: Scene, spec: Spec, inputs: ViewInputs) -> Sheet:
    """Neighbours of the current latent around it, or fresh draws after it."""
    options = scene.options.grid
    z, count = _current(scene, spec), options.cells
    columns = columns_for(count, spec, inputs.view_aspect)
    rows = math.ceil(count / columns)
    if options.mode == "near":
        at = min((rows // 2) * columns + columns // 2, count - 1)
        noise = _seeded(spec.latent, NEIGHBOUR_SEED + options.seed, count)
        latents = _neighbours(spec.latent, z, noise, options.strength)
    elif scene.recipe.latent.space == "z":
        at = 0
        latents = _seeded(spec.latent, options.seed, count).copy()
    else:
        first, rest = np.zeros(1, np.int64), np.arange(1, count, dtype=np.int64)
        drawn = _drawn(scene, rest, _seeded(spec.prior_latent, options.seed, count)[1:])
        return Sheet(rows, columns, (_pack(scene, first, z[None]), drawn), focus_cell=0)
    latents[at] = z
    cells = _outwards(count, columns, at)
    return Sheet(rows, columns, (_pack(scene, cells, latents[cells]),), focus_cell=at)


def classes(scene: Scene, spec: Spec, inputs: ViewInputs) -> Sheet:
    """Rows: the current latent, then seeds. Columns: classes, each alone.

    A model without classes has one column.
    """
    options, wanted = scene.options.classes, spec.class_condition
    z, current = _current(scene, spec), scene.recipe.condition
    conditions: tuple[Condition, ...] = (current,)
    labels: tuple[str, ...] = ()
    shown: list[int] = []
    if wanted is not None:
        columns = min(options.columns, wanted.size)
        first = min(options.first, wanted.size - columns)
        shown = list(range(first, first + columns))
        conditions = tuple(current.with_part(one_class(wanted.name, k)) for k in shown)
        labels = tuple(wanted.label(k) for k in shown)
    columns = len(conditions)
    rows = max(1, min(options.rows, MAX_CELLS // columns))
    cells = np.arange(rows * columns, dtype=np.int64)
    top, below = cells[:columns], cells[columns:]
    seeds = np.repeat(_seeded(spec.prior_latent, options.seed, rows - 1), columns, axis=0)
    current_row = np.repeat(z[None], columns, axis=0)
    if scene.recipe.latent.space == "z":
        latents = np.concatenate([current_row, seeds])
        packs: tuple[Pack, ...] = (_pack(scene, cells, latents, conditions, cells % columns),)
    else:
        packs = (
            _pack(scene, top, current_row, conditions, top % columns),
            _drawn(scene, below, seeds, conditions, below % columns),
        )
    row_labels = ("current", *(f"seed {options.seed + r}" for r in range(rows - 1)))
    at = conditions.index(current) if current in conditions else None
    return Sheet(rows, columns, packs, row_labels, labels, focus_cell=at)


def traverse(scene: Scene, spec: Spec, inputs: ViewInputs) -> Sheet:
    """Rows: dimensions in the chosen order. Columns: quantiles of the prior."""
    options = scene.options.traverse
    z, dims = _current(scene, spec), dim_order(options.order, spec, inputs)
    columns = options.columns
    rows = min(options.rows, len(dims), MAX_CELLS // columns)
    first = min(options.first, len(dims) - rows)
    dims = dims[first : first + rows]
    values = quantiles(spec.latent, columns, options.span)
    latents = np.repeat(z[None], rows * columns, axis=0)
    cells = np.arange(rows * columns, dtype=np.int64)
    latents[cells, np.repeat(dims, columns)] = np.tile(values, rows)
    return Sheet(
        rows,
        columns,
        (_pack(scene, cells, latents),),
        tuple(dim_label(int(d), inputs) for d in dims),
        tuple(_signed(float(value)) for value in values),
    )


def _signed(value: float) -> str:
    """A value for a header: ``+1.28``, ``0``, ``\N{MINUS SIGN}1.28``."""
    text = f"{abs(value):.2f}"
    if float(text) == 0.0:
        return "0"
    return ("+" if value > 0 else "\N{MINUS SIGN}") + text


def quantiles(latent: LatentSpec, count: int, span: float) -> Floats:
    """Values of one coordinate, evenly spaced in probability over the prior's central ``span``.

    Returns:
        float32 (count,); ``span`` is 0..1.
    """
    points = np.linspace((1.0 - span) / 2.0, (1.0 + span) / 2.0, count)
    return np.array([quantile(latent, float(p)) for p in points], np.float32)


def map_view(scene: Scene, spec: Spec, inputs: ViewInputs) -> Sheet:
    """A plane through the current latent, tiled with samples.

    Tile (i, j) always lies at plane coordinates (i * step, j * step), whatever part of the plane
    is in view, so panning keeps the tiles it had. There is one more ring of tiles than is in
    view. Drawing order is coarse to fine, the middle first.
    """
    z, options = _current(scene, spec), scene.options.map
    u, v, x_label, y_label = plane_axes(scene, spec, inputs)
    aspect = inputs.view_aspect * spec.image.height / spec.image.width  # in tiles
    half = np.array([max(aspect, 1.0), max(1.0 / aspect, 1.0)]) * options.extent  # x, y
    tiles = options.tiles
    while True:
        step = 2.0 * options.extent / tiles
        columns, rows = (math.ceil(2.0 * h / step - 1e-9) + 3 for h in half)
        if rows * columns <= MAX_CELLS or tiles == 2:
            break
        tiles -= 1
    left = math.floor((options.center[0] - half[0]) / step + 0.5) - 1
    bottom = math.floor((options.center[1] - half[1]) / step + 0.5) - 1
    i = left + np.arange(columns, dtype=np.int64)
    j = bottom + np.arange(rows, dtype=np.int64)[::-1]  # the first row is the highest
    across, up = np.tile(i, rows), np.repeat(j, columns)
    latents = (
        plane.residual(z, u, v)
        + (across * step).astype(np.float32)[:, None] * u
        + (up * step).astype(np.float32)[:, None] * v
    )
    distance = (across - options.center[0] / step) ** 2 + (up - options.center[1] / step) ** 2
    cells = np.lexsort((distance, -_coarseness(across, up))).astype(np.int64)
    frame = MapFrame(
        first=(float(i[0] * step), float(j[0] * step)),
        step=step,
        cursor=plane.position(z, u, v),
        center=options.center,
        extent=options.extent,
        x_label=x_label,
        y_label=y_label,
        u=tuple(u.tolist()),
        v=tuple(v.tolist()),
    )
    return Sheet(rows, columns, (_pack(scene, cells, latents[cells]),), map_frame=frame)


def axes(scene: Scene, spec: Spec, inputs: ViewInputs) -> Sheet:
    """What is chosen along the rows and along the columns."""
    return axes_view(scene, spec)


VIEWS: dict[ViewName, View] = {
    "focus": focus,
    "grid": grid,
    "classes": classes,
    "traverse": traverse,
    "map": map_view,
    "axes": axes,
}


def _current(scene: Scene, spec: Spec) -> Floats:
    latent = scene.recipe.latent
    if latent.dim != spec.latent.dim:
        raise ValueError(
            f"The latent has {latent.dim} values, and {spec.name} takes {spec.latent.dim}."
        )
    return latent.array.reshape(-1)


def _pack(
    scene: Scene,
    cells: Ints,
    latents: Floats,
    conditions: tuple[Condition, ...] | None = None,
    condition_index: Ints | None = None,
) -> Pack:
    recipe = scene.recipe
    return Pack(
        scene.model,
        cells,
        latents,
        conditions if conditions is not None else (recipe.condition,),
        condition_index if condition_index is not None else np.zeros(len(cells), np.int64),
        recipe.truncation,
        recipe.truncation_cutoff,
        recipe.noise,
        recipe.latent.space,
        recipe.noise_strength,
        recipe.mix,
        recipe.transform,
    )


def _drawn(
    scene: Scene,
    cells: Ints,
    latents: Floats,
    conditions: tuple[Condition, ...] | None = None,
    condition_index: Ints | None = None,
) -> Pack:
    """As :func:`_pack`, of draws from the prior, which are in its space and not the current one."""
    pack = _pack(scene, cells, latents, conditions, condition_index)
    return replace(pack, space="z")


@lru_cache(maxsize=64)
def _columns(count: int, tile: float, view_aspect: float) -> int:
    def size(columns: int) -> float:
        rows = math.ceil(count / columns)
        empty = (rows * columns - count) / count
        return min(view_aspect / (columns * tile), 1.0 / rows) * (1.0 - 2.0 * empty)

    return max(range(1, count + 1), key=size)


@lru_cache(maxsize=8)
def _seeded(latent: LatentSpec, seed: int, count: int) -> Floats:
    # A generator per sample costs 15 us: too much to pay for 1,024 cells on every step of a drag.
    drawn = draws(latent, seed, count)
    drawn.setflags(write=False)
    return drawn


def _neighbours(latent: LatentSpec, z: Floats, noise: Floats, strength: float) -> Floats:
    """``z`` mixed with draws so that a normal prior's variance, or another's bounds, are kept."""
    if latent.prior == "uniform":
        return ((1.0 - strength) * z + strength * noise).astype(np.float32)
    mixed = math.sqrt(1.0 - strength**2) * z + strength * noise
    if latent.prior == "truncated_normal":
        mixed = np.clip(mixed, -2.0, 2.0)
    return mixed.astype(np.float32)


def _outwards(count: int, columns: int, at: int) -> Ints:
    cells = np.arange(count, dtype=np.int64)
    row, column = cells // columns, cells % columns
    distance = np.maximum(abs(row - at // columns), abs(column - at % columns))
    return np.argsort(distance, kind="stable").astype(np.int64)


def _coarseness(i: Ints, j: Ints) -> Ints:
    """How coarse the lattice is that a tile belongs to: 3 for every eighth, .. 0."""
    both = i | j
    level = np.zeros_like(both)
    for bits in (1, 3, 7):
        level += (both & bits) == 0
    return level
