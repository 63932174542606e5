"""How far apart two sets of points are: real images and samples, in some space of features.

NumPy only. Points are (N, F) and worked on as float64, whatever they come as.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Callable

Doubles = NDArray[np.float64]
NEIGHBOURS = 3
_ROWS = 1000  # of a table of distances at once: 80 MB against 10,000 points
# Squared distances come from inner products: this share of the largest norm is rounding.
_ROUNDING = 1e-12


def frechet_distance(a: NDArray[Any], b: NDArray[Any]) -> float:
    """The squared Frechet distance between Gaussians fitted to two sets of points, each N >= 2."""
    return frechet_of_gaussians(*_moments(a), *_moments(b))


def frechet_of_gaussians(
    mean_a: NDArray[Any], cov_a: NDArray[Any], mean_b: NDArray[Any], cov_b: NDArray[Any]
) -> float:
    """|m_a - m_b|^2 + tr(A + B - 2 (A B)^(1/2)) (Dowson and Landau 1982).

    The trace of the root is that of (A^(1/2) B A^(1/2))^(1/2), the sum of the singular values of
    A^(1/2) B^(1/2): covariances may be singular.
    """
    roots = [_root(np.asarray(cov, np.float64)) for cov in (cov_a, cov_b)]
    shared = np.linalg.svd(roots[0] @ roots[1], compute_uv=False).sum()
    apart = np.square(np.asarray(mean_a, np.float64) - mean_b).sum()
    return max(0.0, float(apart + np.trace(cov_a) + np.trace(cov_b) - 2.0 * shared))


def _moments(points: NDArray[Any]) -> tuple[Doubles, Doubles]:
    points = np.asarray(points, np.float64)
    return points.mean(0), np.atleast_2d(np.cov(points, rowvar=False))


def _root(matrix: Doubles) -> Doubles:
    """The symmetric root of a covariance; eigenvalues that are only rounding count as zero."""
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    rounding = len(values) * np.finfo(np.float64).eps * max(0.0, float(values[-1]))
    root: Doubles = (vectors * np.sqrt(np.where(values > rounding, values, 0.0))) @ vectors.T
    return root


class PrecisionRecall(NamedTuple):
    """Shares in 0..1: of the samples that look real, of the real images that could be drawn."""

    precision: float
    recall: float


def precision_recall(
    real: NDArray[Any],
    drawn: NDArray[Any],
    neighbours: int = NEIGHBOURS,
    tick: Callable[[], None] = lambda: None,
) -> PrecisionRecall:
    """Precision and recall of two sets of more than ``neighbours`` points.

    A set covers what is no farther from one of its points than that point's k-th nearest
    neighbour in the set (Kynkaanniemi et al. 2019). The sets should be of one size. ``tick`` is
    called :func:`precision_recall_ticks` times.
    """
    centre = np.asarray(real, np.float64).mean(0)  # small norms keep the rounding small
    real, drawn = real - centre, drawn - centre
    slack = _ROUNDING * max(np.square(real).sum(1).max(), np.square(drawn).sum(1).max())
    reach_real = _reach(real, neighbours, tick) + slack
    reach_drawn = _reach(drawn, neighbours, tick) + slack
    covered = 0
    reached = np.zeros(len(real), bool)
    for start in range(0, len(drawn), _ROWS):
        table = _squared_distances(drawn[start : start + _ROWS], real)
        covered += int((table <= reach_real).any(1).sum())
        reached |= (table <= reach_drawn[start : start + _ROWS, None]).any(0)
        tick()
    return PrecisionRecall(covered / len(drawn), float(reached.mean()))


def precision_recall_ticks(real: int, drawn: int) -> int:
    """How often :func:`precision_recall` ticks for sets of these sizes."""
    return -(-real // _ROWS) + 2 * -(-drawn // _ROWS)


def _reach(points: Doubles, neighbours: int, tick: Callable[[], None]) -> Doubles:
    """The squared distance of every point to its k-th nearest other one: (N,)."""
    reach = np.empty(len(points))
    for start in range(0, len(points), _ROWS):
        table = _squared_distances(points[start : start + _ROWS], points)
        # The nearest is the point itself, so the k-th other one is at place k.
        reach[start : start + _ROWS] = np.partition(table, neighbours, axis=1)[:, neighbours]
        tick()
    return reach


def _squared_distances(a: Doubles, b: Doubles) -> Doubles:
    table: Doubles = np.square(a).sum(1)[:, None] + np.square(b).sum(1) - 2.0 * (a @ b.T)
    np.maximum(table, 0.0, out=table)
    return table


def mean_distance(images: NDArray[Any]) -> float:
    """The mean over all pairs of images (N, ...), N >= 2, of their root mean square distance.

    Of values in [0, 1]: 0 for copies, 1 for black against white.
    """
    points = images.reshape(len(images), -1).astype(np.float64)
    points -= points.mean(0)
    table = np.sqrt(_squared_distances(points, points) / points.shape[1])
    count = len(points)
    return float((table.sum() - np.trace(table)) / (count * (count - 1)))
