"""The plane that the pad moves through: two directions in latent space. No Qt."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from genviewer.core.prior import TRUNCATED_NORMAL_BOUND, quantile
from genviewer.core.spec import LatentSpec
from genviewer.ui.widgets.prior_range import TAIL, PriorRange

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from genviewer.ui.widgets.latent_hand import Floats, Mask

MASSES = (0.5, 0.9, 0.99)
"""Fractions of the prior that lie inside the rings."""
_PARALLEL = 1e-3  # an axis whose unlocked part is shorter than this is not moved along
_GRID = 200  # quantiles per axis from which the rings of a truncated normal are read


@dataclass(frozen=True)
class Ring:
    """The contour that holds ``mass`` of the prior: a circle, or a square of that half side."""

    mass: float
    radius: float
    square: bool = False


class PadPlane:
    """Two directions ``u``, ``v`` and how a latent lies and moves in their plane.

    Args:
        latent: the latent space.
        u: float (D,), the direction to the right; ``v`` the one upwards. Unit vectors.
        u_label: what the axis is called; so ``v_label``.

    Raises:
        ValueError: if a vector does not have D finite values, or they span no plane.
    """

    def __init__(
        self, latent: LatentSpec, u: ArrayLike, v: ArrayLike, u_label: str, v_label: str
    ) -> None:
        basis = np.array([u, v], np.float64).reshape(2, -1)
        if basis.shape[1] != latent.dim or not np.isfinite(basis).all():
            raise ValueError(f"an axis has {latent.dim} finite values")
        gram = basis @ basis.T
        if np.linalg.det(gram) < _PARALLEL * gram[0, 0] * gram[1, 1]:
            raise ValueError("the two axes point the same way")
        self.latent = latent
        self.labels = (u_label, v_label)
        self._basis = basis
        self._gram = gram
        self._projection = np.linalg.solve(gram, basis)
        self.dims = self._single_dims()
        self.extent = self._half_side()
        self.rings = self._contours()

    def coordinates(self, values: Floats) -> tuple[float, float]:
        """Where a latent float32 (D,) lies: its coordinates along u and v."""
        x, y = self._projection @ values
        return float(x), float(y)

    def moved(self, values: Floats, target: tuple[float, float], locks: Mask) -> Floats:
        """A latent moved in the plane to ``target``, everything across the plane untouched.

        Locked coordinates stay: the others move so that the target is reached, or as near as they
        can where an axis is locked altogether.
        """
        way = np.array(target) - np.array(self.coordinates(values))
        free = self._basis * ~locks
        # Least change of the free coordinates that has the wanted components along u and v.
        weights = np.linalg.pinv(free @ free.T, rcond=_PARALLEL) @ (self._gram @ way)
        result = values.astype(np.float64) + weights @ free
        if self.dims is not None:  # plain coordinates come out exact, without rounding
            for dim, value in zip(self.dims, target, strict=True):
                result[dim] = values[dim] if locks[dim] else value
        return result.astype(np.float32)

    def stepped(self, at: tuple[float, float], way: tuple[float, float]) -> tuple[float, float]:
        """A point moved inside the square; one outside it never jumps inwards."""
        wide = [max(self.extent, abs(place)) for place in at]
        x, y = (min(max(a + w, -e), e) for a, w, e in zip(at, way, wide, strict=True))
        return x, y

    def inside(self, x: float, y: float) -> tuple[float, float]:
        """The nearest point of the square."""
        side = self.extent
        return min(max(x, -side), side), min(max(y, -side), side)

    def _single_dims(self) -> tuple[int, int] | None:
        dims = []
        for row in self._basis:
            used = np.flatnonzero(row)
            if used.size != 1 or row[used[0]] != 1.0:
                return None
            dims.append(int(used[0]))
        return dims[0], dims[1]

    def _half_side(self) -> float:
        if self.dims is not None:
            return PriorRange.of(self.latent).high
        # A mixture of many coordinates is near normal, with the spread of one coordinate.
        return quantile(LatentSpec(self.latent.dim), 1.0 - TAIL) * _spread(self.latent)

    def _contours(self) -> tuple[Ring, ...]:
        if self.latent.prior == "none":
            return ()
        if self.dims is not None and self.latent.prior == "uniform":
            return tuple(Ring(mass, math.sqrt(mass), square=True) for mass in MASSES)
        if self.dims is not None and self.latent.prior == "truncated_normal":
            points = [quantile(self.latent, (i + 0.5) / _GRID) for i in range(_GRID)]
            distances = np.sort(np.hypot(*np.meshgrid(points, points)).ravel())
            last = distances.size - 1
            return tuple(Ring(m, float(distances[round(m * last)])) for m in MASSES)
        spread = _spread(self.latent)
        return tuple(Ring(m, spread * math.sqrt(-2.0 * math.log(1.0 - m))) for m in MASSES)


def _spread(latent: LatentSpec) -> float:
    """Standard deviation of one coordinate of the prior."""
    if latent.prior == "uniform":
        return 1.0 / math.sqrt(3.0)
    if latent.prior == "truncated_normal":
        bound = TRUNCATED_NORMAL_BOUND
        density = math.exp(-bound * bound / 2.0) / math.sqrt(2.0 * math.pi)
        return math.sqrt(1.0 - 2.0 * bound * density / math.erf(bound / math.sqrt(2.0)))
    return 1.0
