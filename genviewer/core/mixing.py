"""New samples out of old ones: between two, the average, ``a - b + c``, and children of two."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from genviewer.core.arithmetic import vary
from genviewer.core.condition import ClassPart, Condition, Part, VectorPart
from genviewer.core.keyframes import Keyframe, PathKind, Timeline
from genviewer.core.latent import Latent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from genviewer.core.recipe import Recipe
    from genviewer.core.spec import LatentSpec

CHILD_WAY = 0.25
"""How far the class of a child may lie on either parent's side, as a share of the way."""


class MixError(ValueError):
    """Samples that cannot be mixed; the message is one sentence for the user."""


def between(recipes: Sequence[Recipe], t: float, path: PathKind = "slerp") -> Recipe:
    """The point a fraction ``t`` (0..1) of the way from the first to the last of some Recipes.

    Raises:
        MixError: their latents do not fit each other.
    """
    check(recipes)
    timeline = Timeline(tuple(Keyframe(r, 1.0, "linear") for r in recipes), path=path)
    return (
        timeline.at(min(max(t, 0.0), 1.0) * timeline.seconds) if timeline.segments else recipes[0]
    )


def average(recipes: Sequence[Recipe]) -> Recipe:
    """The mean latent, conditions and truncation of some Recipes; the rest is the first's.

    Raises:
        MixError: their latents do not fit each other.
    """
    check(recipes)
    weights = [1.0 / len(recipes)] * len(recipes)
    return _combined(recipes, weights)


def analogy(a: Recipe, b: Recipe, c: Recipe) -> Recipe:
    """``a - b + c``: what leads from ``b`` to ``a``, done to ``c`` (Mikolov et al. 2013; Radford et
    al. 2016 for images).

    Class weights below zero count as zero; truncation and the rest are ``c``'s.

    Raises:
        MixError: their latents do not fit each other.
    """
    check((a, b, c))
    mixed = _combined((c, a, b), (1.0, 1.0, -1.0))
    return msgspec.structs.replace(mixed, truncation=c.truncation)


def child(a: Recipe, b: Recipe, latent: LatentSpec, similarity: float, seed: int) -> Recipe:
    """A child of two parents: every dimension from one of them, then as far from both as
    ``similarity`` (0 a fresh draw .. 1 the parents' own) leaves room.

    Its classes lie between those of the parents. The same seed is the same child.

    Raises:
        MixError: the parents' latents do not fit each other.
    """
    check((a, b))
    rng = np.random.default_rng(seed)
    one, two = a.latent.array, b.latent.array
    inherited = np.where(rng.random(one.shape) < 0.5, one, two).astype(np.float32)
    if a.latent.space == "z":
        inherited = vary(latent, inherited, 1.0 - similarity, seed + 1)
    way = float(rng.uniform(0.5 - CHILD_WAY, 0.5 + CHILD_WAY))
    mixed = _combined((a, b), (1.0 - way, way))
    return msgspec.structs.replace(mixed, latent=Latent(inherited, a.latent.space))


def check(recipes: Sequence[Recipe]) -> None:
    """MixError unless there are Recipes whose latents have one space and one shape."""
    if not recipes:
        raise MixError("There is nothing to mix yet: pin some samples first.")
    kinds = {(r.latent.space, r.latent.array.shape) for r in recipes}
    if len(kinds) > 1:
        raise MixError("Only samples with latents of one size and space can be mixed.")


def _combined(recipes: Sequence[Recipe], weights: Sequence[float]) -> Recipe:
    """The weighted sum of latents, conditions and truncation; the rest is the first's."""
    total = np.zeros(recipes[0].latent.array.shape)
    for recipe, weight in zip(recipes, weights, strict=True):
        total += weight * recipe.latent.array.astype(np.float64)
    truncation = sum(w * r.truncation for r, w in zip(recipes, weights, strict=True))
    return msgspec.structs.replace(
        recipes[0],
        latent=Latent(total.astype(np.float32), recipes[0].latent.space),
        condition=_combined_condition([r.condition for r in recipes], weights),
        truncation=max(0.0, float(truncation)),
    )


def _combined_condition(conditions: Sequence[Condition], weights: Sequence[float]) -> Condition:
    first, parts = conditions[0], []
    for name in sorted({part.name for condition in conditions for part in condition.parts}):
        some = [condition.part(name) for condition in conditions]
        parts.append(_combined_part(some, weights) or first.part(name))
    return Condition(tuple(part for part in parts if part is not None))


def _combined_part(parts: Sequence[Part | None], weights: Sequence[float]) -> Part | None:
    """The weighted sum of parts of one name; None where they cannot be added."""
    if all(isinstance(part, ClassPart) for part in parts if part is not None):
        totals: dict[int, float] = {}
        for part, weight in zip(parts, weights, strict=True):
            if isinstance(part, ClassPart):
                for index, share in part.weights:
                    totals[index] = totals.get(index, 0.0) + weight * share
        kept = {index: share for index, share in totals.items() if share > 1e-6}
        whole = sum(kept.values())
        name = next(part.name for part in parts if part is not None)
        if whole > 1.0:
            kept = {index: share / whole for index, share in kept.items()}
        return ClassPart(name, tuple(sorted(kept.items()))) if kept else None
    vectors = [part for part in parts if isinstance(part, VectorPart)]
    if len(vectors) == len(parts) and len({len(part.values) for part in vectors}) == 1:
        values = np.zeros(len(vectors[0].values))
        for vector, weight in zip(vectors, weights, strict=True):
            values += weight * np.asarray(vector.values)
        return VectorPart(vectors[0].name, tuple(float(value) for value in values))
    return None
