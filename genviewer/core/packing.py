"""Recipes put together into packs that a decoder draws at once. NumPy only, any thread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from genviewer.core.sheet import Pack

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from genviewer.core.condition import Condition
    from genviewer.core.recipe import ModelRef, Recipe


def packs_of(cells: Sequence[tuple[int, ModelRef, Recipe]]) -> tuple[Pack, ...]:
    """One pack for each model and each way of drawing."""
    groups: dict[tuple[object, ...], list[tuple[int, Recipe]]] = {}
    models: dict[tuple[object, ...], ModelRef] = {}
    for cell, model, recipe in cells:
        key = (model, recipe.latent.space, *_shared(recipe).values())
        groups.setdefault(key, []).append((cell, recipe))
        models[key] = model
    return tuple(pack_of(members, models[key]) for key, members in groups.items())


def pack_of(members: Sequence[tuple[int, Recipe]], model: ModelRef) -> Pack:
    """The pack of cells whose Recipes differ in latent and Condition only."""
    first = members[0][1]
    distinct: dict[Condition, int] = {}
    index: NDArray[np.int64] = np.array(
        [distinct.setdefault(recipe.condition, len(distinct)) for _, recipe in members], np.int64
    )
    return Pack(
        model,
        np.array([cell for cell, _ in members], np.int64),
        np.stack([recipe.latent.array.reshape(-1) for _, recipe in members]),
        tuple(distinct),
        index,
        space=first.latent.space,
        **_shared(first),
    )


def _shared(recipe: Recipe) -> dict[str, Any]:
    """What all Recipes of a pack have in common: everything but latent and Condition."""
    own = ("latent", "condition")
    return {f: getattr(recipe, f) for f in recipe.__struct_fields__ if f not in own}
