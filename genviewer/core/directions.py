"""Directions in a latent space: how they are found in points and matrices. NumPy only."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Method = Literal["pca", "sefa", "class", "attribute", "mixed"]
"""How directions were found; ``mixed`` is of a list that holds several kinds."""

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

_TINY = 1e-9
_MOST_DIMENSIONS = 1024
"""Of larger latents no covariance is kept: it would be tens of megabytes."""

_MOST_EXACT = 1 << 36
"""Multiplications that a whole decomposition may take, seconds; else only the components that are
wanted are found, if they are few.
"""

_MORE, _MOST_ROUNDS, _SETTLED = 8, 30, 1e-5
"""Components that are followed beside those, how often at most, and when they stand."""

_BLOCK_VALUES = 1 << 22


@dataclass(frozen=True, eq=False)
class Directions:
    """M named directions of a latent space.

    Attributes:
        vectors: float32 (M, D), each of length one.
        deviations: float32 (M,), the standard deviation of usual latents along each: the unit of
            a strength.
        explained: float32 (M,), the share (0..1) of what was looked at that each accounts for:
            of the variance, or of the squared response of a layer.
        names: what to call each.
        method: how they were found.
        space: of the latents, ``z`` or ``w``.
        covariance: float64 (D, D), of the usual latents that the deviations are of, where they
            were looked at; it is not kept in files.
    """

    vectors: Floats
    deviations: Floats
    explained: Floats
    names: tuple[str, ...]
    method: Method
    space: str = "z"
    covariance: Doubles | None = None

    @property
    def dim(self) -> int:
        """The size of the latents."""
        return int(self.vectors.shape[1])

    def moved(self, latent: Floats, index: int, strength: float) -> Floats:
        """A latent float32 (D,) moved ``strength`` standard deviations along a direction."""
        step = np.float32(strength) * self.deviations[index]
        moved: Floats = (latent + step * self.vectors[index]).astype(np.float32)
        return moved


def principal_directions(
    points: NDArray[np.floating], count: int, check: Callable[[], object] | None = None
) -> tuple[Doubles, Doubles]:
    """The principal components of points (N, D), N above 1.

    Args:
        points: float (N, D); of many, in many dimensions, no copy is made.
        count: how many are wanted.
        check: called now and then where it takes long; it may raise to end it.

    Returns:
        float64 (M, D), orthonormal, by falling variance, and the variances float64 (D,) along
        all of them; M is ``count``, or the rank the points can have. Of thousands of points in
        thousands of dimensions the variances beyond the first M are their mean.
    """
    number, dim = points.shape
    rank = min(count, number - 1, dim)
    least = min(number, dim)
    if number * dim * least + 8 * least**3 > _MOST_EXACT and 4 * rank < least:
        return _leading(points, rank, check)
    centred = np.asarray(points, np.float64)
    centred = centred - centred.mean(0)
    if number < dim:
        # The inner products of the points have the same variances, and are the smaller matrix.
        known, mixtures = np.linalg.eigh(centred @ centred.T / (number - 1))
        along, _ = np.linalg.qr(centred.T @ mixtures[:, ::-1][:, :rank])
        values = np.zeros(dim)
        values[:number] = np.maximum(known[::-1], 0.0)
        return signed(along.T), values
    covariance = centred.T @ centred / (number - 1)
    values, vectors = np.linalg.eigh(covariance)
    order = np.argsort(values)[::-1]
    return signed(vectors.T[order[:rank]]), np.maximum(values[order], 0.0)


def _leading(
    points: NDArray[np.floating], count: int, check: Callable[[], object] | None
) -> tuple[Doubles, Doubles]:
    """As :func:`principal_directions`, by subspace iteration (Halko et al. 2011): the covariance
    of many dimensions would take gigabytes, and its decomposition an hour.
    """
    number, dim = points.shape
    middle = points.mean(0, dtype=np.float64)
    step = max(1, _BLOCK_VALUES // dim)
    width = min(count + _MORE, number - 1, dim)
    basis, _ = np.linalg.qr(np.random.default_rng(0).standard_normal((dim, width)))
    before = np.zeros(width)
    for _ in range(_MOST_ROUNDS):
        along, total = np.zeros((dim, width)), 0.0
        for at in range(0, number, step):
            if check is not None:
                check()
            centred = points[at : at + step] - middle
            along += centred.T @ (centred @ basis)
            total += float(np.vdot(centred, centred))
        along /= number - 1
        found, mixtures = np.linalg.eigh(basis.T @ along)
        found, mixtures = found[::-1], mixtures[:, ::-1]
        vectors = basis @ mixtures[:, :count]
        if np.abs(found - before)[:count].max() <= _SETTLED * max(float(found[0]), _TINY):
            break
        before = found
        basis, _ = np.linalg.qr(along @ mixtures)
    values = np.zeros(dim)
    values[:count] = np.maximum(found[:count], 0.0)
    values[count:] = max(total / (number - 1) - float(values.sum()), 0.0) / (dim - count)
    return signed(vectors.T), values


def factorised(matrix: NDArray[np.floating]) -> tuple[Doubles, Doubles]:
    """The eigenvectors of A'A of a matrix (R, D): the directions it responds to most.

    Shen and Zhou 2021 (SeFa): the closed-form factorisation of a layer's weights.

    Returns:
        float64 (D, D), orthonormal, by falling eigenvalue, and the eigenvalues float64 (D,).
    """
    weights = np.asarray(matrix, np.float64)
    values, vectors = np.linalg.eigh(weights.T @ weights)
    order = np.argsort(values)[::-1]
    return signed(vectors.T[order]), np.maximum(values[order], 0.0)


def class_means(
    points: NDArray[np.floating], labels: NDArray[np.int64]
) -> tuple[Doubles, Doubles, NDArray[np.int64]]:
    """From the middle of all classes to that of each.

    Args:
        points: (N, D).
        labels: int64 (N,).

    Returns:
        the vectors float64 (M, D), not of length one; the share of the points' variance that each
        class's mean accounts for, float64 (M,); and the classes int64 (M,) that have points.
    """
    values = np.asarray(points, np.float64)
    classes, counts = np.unique(labels, return_counts=True)
    means = np.stack([values[labels == index].mean(0) for index in classes])
    total = float(values.var(0).sum()) * len(values)
    apart = np.square(means - values.mean(0)).sum(1) * counts
    return means - means.mean(0), apart / max(total, _TINY), classes.astype(np.int64)


def signed(vectors: Doubles) -> Doubles:
    """The same rows, each turned so that its largest entry is positive: a sign that repeats."""
    largest = np.abs(vectors).argmax(1)
    signs: Doubles = np.sign(vectors[np.arange(len(vectors)), largest])
    result: Doubles = vectors * np.where(signs == 0.0, 1.0, signs)[:, None]
    return result


def covariance_of(points: NDArray[np.floating]) -> Doubles | None:
    """The covariance float64 (D, D) of points (N, D); None where D is too large to keep it."""
    if points.shape[1] > _MOST_DIMENSIONS:
        return None
    centred = np.asarray(points, np.float64)
    centred = centred - centred.mean(0)
    covariance: Doubles = centred.T @ centred / len(centred)
    return covariance


def unit_rows(vectors: NDArray[np.floating]) -> Floats:
    """Rows of length one, float32; rows without a length stay zero."""
    values = np.asarray(vectors, np.float64)
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    units: Floats = (values / np.maximum(lengths, _TINY)).astype(np.float32)
    return units


def orthogonalised(directions: Directions, against: Floats) -> Directions:
    """The directions without what they share with others.

    Explained shares stay those of the directions as they were found, and so do deviations where
    there is no covariance of usual latents: of a prior they are the same along all directions,
    others are not known any more.

    Args:
        directions: to be changed.
        against: (K, D) of any lengths, K may be 0.

    Returns:
        those of the directions of which something is left.

    Raises:
        ValueError: the others have another size, or nothing is left.
    """
    others = np.asarray(against, np.float64)
    if others.ndim != 2 or others.shape[1] != directions.dim:
        raise ValueError(f"Directions of {directions.dim} values go with others of as many.")
    _, sizes, basis = np.linalg.svd(others, full_matrices=False)
    basis = basis[sizes > _TINY * max(1.0, sizes.max(initial=0.0))]
    left = directions.vectors - directions.vectors @ basis.T @ basis
    kept = np.linalg.norm(left, axis=1) > 1e-3
    if not kept.any():
        raise ValueError("Nothing is left of the directions: they lie within the others.")
    units, deviations = unit_rows(left), directions.deviations
    if directions.covariance is not None:
        variances = np.einsum("md,de,me->m", units, directions.covariance, units, optimize=True)
        deviations = np.sqrt(np.maximum(variances, 0.0)).astype(np.float32)
    apart = replace(directions, vectors=units, deviations=deviations)
    return select(apart, np.flatnonzero(kept).tolist())


def select(directions: Directions, indices: Sequence[int]) -> Directions:
    """Some of the directions, in the order given."""
    rows = list(indices)
    return replace(
        directions,
        vectors=directions.vectors[rows],
        deviations=directions.deviations[rows],
        explained=directions.explained[rows],
        names=tuple(directions.names[index] for index in rows),
    )
