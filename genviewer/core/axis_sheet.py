"""An axis grid as a Sheet: a pure function, NumPy only, any thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from genviewer.core.axes import Axis, AxisError, AxisGrid
from genviewer.core.condition import one_class
from genviewer.core.latent import Latent
from genviewer.core.packing import packs_of
from genviewer.core.prior import draw
from genviewer.core.scene import MAX_CELLS
from genviewer.core.sheet import Sheet

if TYPE_CHECKING:
    from collections.abc import Mapping

    from genviewer.core.recipe import ModelRef, Recipe
    from genviewer.core.spec import Spec

_ORDER = ("model", "seed", "direction", "dim", "class", "psi")
"""In which order the two axes act, whichever of them is the rows."""


def axis_sheet(grid: AxisGrid, specs: Mapping[str, Spec]) -> Sheet:
    """The Sheet of an axis grid.

    Every cell starts from the grid's Recipe, so that what no axis changes is the same in all of
    them: the same seed too, unless an axis is ``seed``. A class is looked up in each model by its
    name; cells whose model has no class of that name stay empty.

    Args:
        grid: what changes along rows and columns.
        specs: by model id, of at least the grid's models.

    Raises:
        AxisError: there are more than :data:`~genviewer.core.scene.MAX_CELLS` cells, a model is
            missing, or an axis does not fit a model.
    """
    rows = 1 if grid.rows is None else len(grid.rows.values)
    columns = 1 if grid.columns is None else len(grid.columns.values)
    if rows * columns > MAX_CELLS:
        raise AxisError(f"{rows} x {columns} cells are more than {MAX_CELLS}.")
    for model in grid.models:
        if model.id not in specs:
            raise AxisError(f"The model {model.name!r} is not open.")
    cells = []
    for cell in range(rows * columns):
        made = _cell(grid, divmod(cell, columns), specs)
        if made is not None:
            cells.append((cell, *made))
    return Sheet(
        rows,
        columns,
        packs_of(cells),
        _labels(grid.rows, grid.models),
        _labels(grid.columns, grid.models),
    )


def _labels(axis: Axis | None, models: tuple[ModelRef, ...]) -> tuple[str, ...]:
    return () if axis is None else tuple(axis.label(i, models) for i in range(len(axis.values)))


def _cell(
    grid: AxisGrid, place: tuple[int, int], specs: Mapping[str, Spec]
) -> tuple[ModelRef, Recipe] | None:
    acting = [
        (axis, axis.values[at])
        for axis, at in zip((grid.rows, grid.columns), place, strict=True)
        if axis is not None
    ]
    acting.sort(key=lambda pair: _ORDER.index(pair[0].kind))
    model, seed = grid.models[0], grid.seed
    for axis, value in acting:
        if axis.kind == "model":
            model = grid.models[int(value)]
    spec = specs[model.id]
    recipe: Recipe | None = grid.recipe
    if grid.recipe.latent.dim != spec.latent.dim:
        recipe = msgspec.structs.replace(grid.recipe, latent=Latent(draw(spec.latent, seed)))
    for axis, value in acting:
        if recipe is not None and axis.kind != "model":
            recipe = _changed(recipe, axis, value, spec)
    return None if recipe is None else (model, _fitting(recipe, spec))


def _changed(recipe: Recipe, axis: Axis, value: float | str, spec: Spec) -> Recipe | None:
    """The Recipe with one thing changed; None where the model cannot do that."""
    latent = recipe.latent
    if axis.kind == "psi":
        return msgspec.structs.replace(recipe, truncation=float(value))
    if axis.kind == "class":
        wanted = spec.class_condition
        index = None if wanted is None else class_index(str(value), wanted.names, wanted.size)
        if wanted is None or index is None:
            return None
        part = one_class(wanted.name, index)
        return msgspec.structs.replace(recipe, condition=recipe.condition.with_part(part))
    if axis.kind == "seed":
        moved = Latent(draw(spec.prior_latent, int(value)))
    else:
        array = latent.array.reshape(-1).copy()
        if axis.kind == "dim":
            if axis.dim >= len(array):
                raise AxisError(f"{spec.name} has no latent dimension {axis.dim}.")
            array[axis.dim] = float(value)
        elif axis.direction is not None:
            if axis.direction.dim != len(array):
                raise AxisError(
                    f"The direction has {axis.direction.dim} values, and {spec.name} takes "
                    f"{len(array)}."
                )
            array += np.float32(value) * axis.direction.array.reshape(-1)
        moved = Latent(array.reshape(latent.array.shape), latent.space)
    return msgspec.structs.replace(recipe, latent=moved)


def class_index(name: str, names: tuple[str, ...] | None, size: int) -> int | None:
    """The class of that name in a model; a model without names knows its classes by number."""
    if names is not None:
        return names.index(name) if name in names else None
    return int(name) if name.isascii() and name.isdigit() and int(name[:9]) < size else None


def _fitting(recipe: Recipe, spec: Spec) -> Recipe:
    """The Recipe without parts of its Condition that another model does not have."""
    condition = recipe.condition
    sizes = {wanted.name: wanted.size for wanted in spec.conditions}
    for part in condition.parts:
        known = part.name in sizes
        weights = getattr(part, "weights", ())
        values = getattr(part, "values", None)
        fits = all(index < sizes.get(part.name, 0) for index, _ in weights)
        if not known or not fits or (values is not None and len(values) != sizes[part.name]):
            condition = condition.without(part.name)
    return msgspec.structs.replace(recipe, condition=condition)
