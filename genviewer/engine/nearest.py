"""The nearest images of a data set, and whether a sample is too near one of them. NumPy only.

A sample that copies a training image lies nearer to it than different images lie to each other,
and much nearer than to the images around that one (Carlini et al. 2023). Both are asked for: a
smooth sample is near to everything, and copies nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from genviewer.engine.density_results import Doubles, Ints, percentile

if TYPE_CHECKING:
    from genviewer.engine.density import Reports

AROUND = 50
"""Neighbours that a nearest distance is held against."""

QUERIES = 300
"""Images of the set whose own nearest neighbours say what is typical."""

SUSPICIOUS = 1.0
"""Per cent of the set's own images that may be as near to another, in both ways."""

_CHUNK_VALUES = 1 << 23

Points = NDArray[np.uint8] | NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The nearest points of a query, nearest first: rows int64 (k,), distances float64 (k,)."""

    rows: Ints
    distances: Doubles

    @property
    def ratio(self) -> float:
        """The nearest distance over the mean of them all: near 0 for a copy; NaN of none."""
        whole = float(self.distances.mean()) if len(self.distances) else 0.0
        return float(self.distances[0]) / whole if whole > 0.0 else float("nan")


@dataclass(frozen=True, eq=False)
class Typical:
    """What is usual between different points of a set: float64 (M,), ascending.

    Attributes:
        distances: to the nearest other point that is not the very same.
        ratios: that over the mean distance of the :data:`AROUND` nearest.
    """

    distances: Doubles
    ratios: Doubles


@dataclass(frozen=True)
class Nearness:
    """How near a sample is to a set.

    Attributes:
        distance: to its nearest point.
        typical: the median of those between points of the set.
        percentile: 0 .. 100, the points of the set that are as near to another.
        ratio_percentile: the same for the ratio to the points around.
    """

    distance: float
    typical: float
    percentile: float
    ratio_percentile: float

    @property
    def suspicious(self) -> bool:
        """Whether it looks like a copy."""
        return max(self.percentile, self.ratio_percentile) <= SUSPICIOUS


def nearest(
    points: Points, query: Points, k: int = AROUND, progress: Reports | None = None
) -> Neighbours:
    """The k nearest points, by Euclidean distance.

    Args:
        points: (N, ...) bytes, which count as values in [0, 1], or float32.
        query: (...) of the same kind.
        k: how many, fewer where there are fewer.
        progress: told how far it is; it may cancel.
    """
    rows = _search(points, query[None], k, progress)[0]
    return _exact(points, query, rows)


def typical_distances(
    points: Points,
    *,
    queries: int = QUERIES,
    k: int = AROUND,
    progress: Reports | None = None,
) -> Typical:
    """How near different points of a set, (N, ...), lie to one another; in a job's thread."""
    chosen = np.unique(np.linspace(0, len(points) - 1, queries).astype(np.int64))
    found = _search(points, points[chosen], k + 1, progress, chosen)
    distances, ratios = [], []
    for row, rows in zip(chosen, found, strict=True):
        around = _exact(points, points[row], rows)
        different = around.distances[around.distances > 0.0][:k]
        if len(different):
            distances.append(different[0])
            ratios.append(different[0] / different.mean())
    return Typical(np.sort(distances), np.sort(ratios))


def judge(found: Neighbours, typical: Typical) -> Nearness | None:
    """How near a sample is to a set; None where the set has no two different points."""
    if not len(found.rows) or not len(typical.distances):
        return None
    first, ratio = np.array([found.distances[0]]), np.array([found.ratio])
    if found.distances[0] == 0.0:
        ratio = np.zeros(1)  # the very image, whatever is around it
    return Nearness(
        float(found.distances[0]),
        float(np.median(typical.distances)),
        float(percentile(typical.distances, first)[0]),
        float(percentile(typical.ratios, ratio)[0]),
    )


def _search(
    points: Points,
    queries: Points,
    k: int,
    progress: Reports | None,
    own: Ints | None = None,
) -> Ints:
    """Rows int64 (M, k) of the nearest points; ``own`` rows are left out, one for each query."""
    dim = int(np.prod(points.shape[1:]))
    k = min(k, len(points) - (own is not None))
    wanted = _flat(queries)
    best = np.full((len(wanted), k), np.inf, np.float32)
    rows = np.zeros((len(wanted), k), np.int64)
    step = max(1, min(_CHUNK_VALUES // max(dim, 1), _CHUNK_VALUES // max(len(wanted), 1)))
    for start in range(0, len(points), step):
        if progress is not None:
            progress.report(start / len(points), "looking for the nearest images")
        part = _flat(points[start : start + step])
        # |a - b|^2 up to |b|^2, which is the same for all of one query.
        far = (part * part).sum(1)[None] - 2.0 * (wanted @ part.T)
        if own is not None:
            inside = np.flatnonzero((own >= start) & (own < start + len(part)))
            far[inside, own[inside] - start] = np.inf
        both = np.concatenate([best, far], 1)
        where = np.concatenate(
            [rows, np.broadcast_to(np.arange(start, start + len(part)), far.shape)], 1
        )
        kept = np.argpartition(both, min(k, both.shape[1] - 1), 1)[:, :k]
        best = np.take_along_axis(both, kept, 1)
        rows = np.take_along_axis(where, kept, 1)
    return rows


def _flat(points: Points) -> NDArray[np.float32]:
    flat = points.reshape(len(points), -1).astype(np.float32)
    return flat / np.float32(255.0) if points.dtype == np.uint8 else flat


def _exact(points: Points, query: Points, rows: Ints) -> Neighbours:
    """The distances of some rows in double precision, nearest first; equals by row."""
    rows = np.sort(rows)
    scale = 255.0 if points.dtype == np.uint8 else 1.0
    away = points[rows].astype(np.float64) - query.astype(np.float64)
    distances = np.sqrt((away**2).sum(tuple(range(1, away.ndim)))) / scale
    order = np.argsort(distances, kind="stable")
    return Neighbours(rows[order], distances[order])
