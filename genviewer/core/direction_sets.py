"""Directions as a list that a person edits, and latents that are moved along them. NumPy only."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from genviewer.core.directions import orthogonalised, select

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from genviewer.core.directions import Directions, Floats

_LEAST_REACH = 1e-3
"""A direction of which locked dimensions leave less than this share cannot be moved along."""


def joined(first: Directions, more: Directions) -> Directions:
    """One list of both; of names that are there already the later gets a number.

    Raises:
        ValueError: they are of latents of other sizes or spaces.
    """
    if (first.dim, first.space) != (more.dim, more.space):
        raise ValueError("the directions are of different latents")
    names = list(first.names)
    for name in more.names:
        names.append(free_name(name, names))
    return replace(
        first,
        vectors=np.concatenate([first.vectors, more.vectors]),
        deviations=np.concatenate([first.deviations, more.deviations]),
        explained=np.concatenate([first.explained, more.explained]),
        names=tuple(names),
        method=first.method if first.method == more.method else "mixed",
        covariance=first.covariance if first.covariance is more.covariance else None,
    )


def free_name(name: str, taken: list[str] | tuple[str, ...]) -> str:
    """The name, or where it is taken the name and a number."""
    found, number = name, 2
    while found in taken:
        found, number = f"{name} ({number})", number + 1
    return found


def renamed(directions: Directions, index: int, name: str) -> Directions:
    """The list with another name at a place; one that is taken gets a number."""
    names = list(directions.names)
    others = [*names[:index], *names[index + 1 :]]
    names[index] = free_name(name, others)
    return replace(directions, names=tuple(names))


def without(directions: Directions, index: int) -> Directions | None:
    """The list without a direction; None where it was the last."""
    kept = [at for at in range(len(directions.names)) if at != index]
    return select(directions, kept) if kept else None


def apart_from_others(directions: Directions, index: int) -> Directions:
    """The list with one direction orthogonal to all others, of which it keeps what they have not.

    Raises:
        ValueError: nothing of it is left.
    """
    others = np.delete(directions.vectors, index, axis=0)
    alone = orthogonalised(select(directions, [index]), others)
    vectors, deviations = directions.vectors.copy(), directions.deviations.copy()
    vectors[index], deviations[index] = alone.vectors[0], alone.deviations[0]
    return replace(directions, vectors=vectors, deviations=deviations)


def unit_is_known(directions: Directions) -> bool:
    """Whether the deviation along another direction is known too, as when one is made orthogonal.

    It is where usual latents were looked at, and where they spread the same in all directions.
    """
    return directions.covariance is not None or bool(
        np.ptp(directions.deviations) <= 1e-3 * directions.deviations.max()
    )


def strengths(directions: Directions, latent: Floats, center: Floats | None = None) -> Floats:
    """How far a latent (D,) lies along every direction: float32 (M,) standard deviations.

    ``center`` (D,) is where all strengths are zero; None for the origin.
    """
    away = latent if center is None else latent - center
    along = directions.vectors @ away
    found: Floats = (along / np.maximum(directions.deviations, 1e-9)).astype(np.float32)
    return found


def moved_to(
    directions: Directions,
    index: int,
    latent: Floats,
    strength: float,
    *,
    locked: NDArray[np.bool_] | None = None,
    center: Floats | None = None,
) -> Floats | None:
    """The latent moved along a direction until its strength is the one wanted.

    Args:
        directions: the list.
        index: of the direction.
        latent: float32 (D,).
        strength: in standard deviations, as :func:`strengths` measures it.
        locked: dimensions bool (D,) that stay; the others go further for it.
        center: as for :func:`strengths`.

    Returns:
        float32 (D,); None where the locked dimensions leave nothing to move.
    """
    unit = directions.vectors[index]
    way = unit if locked is None else np.where(locked, np.float32(0.0), unit)
    reach = float(way @ unit)
    if reach < _LEAST_REACH:
        return None
    now = float(strengths(select(directions, [index]), latent, center)[0])
    step = (strength - now) * float(directions.deviations[index]) / reach
    moved: Floats = (latent + np.float32(step) * way).astype(np.float32)
    return moved
