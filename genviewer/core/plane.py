"""A plane through latent space: its axes, and the place of a latent on it. NumPy only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

RESIDUAL_GRID = 2.0**14
"""What a latent has outside a plane is rounded to this many steps per unit.

Moving within the plane changes that part by rounding errors only; rounded, it stays the same
bytes, and tiles of a Map that were drawn already are recognised.
"""


def axis(dim: int, index: int) -> Floats:
    """The unit vector (dim,) along coordinate ``index``."""
    vector = np.zeros(dim, np.float32)
    vector[index] = 1.0
    return vector


def position(latent: Floats, u: Floats, v: Floats) -> tuple[float, float]:
    """Plane coordinates of a latent (D,) for orthonormal axes ``u`` and ``v`` (D,)."""
    return float(latent @ u), float(latent @ v)


def residual(latent: Floats, u: Floats, v: Floats) -> Floats:
    """What a latent (D,) has outside the plane, rounded to :data:`RESIDUAL_GRID`."""
    z = latent.astype(np.float64)
    left = z - (z @ u) * u - (z @ v) * v
    rounded: Floats = (np.round(left * RESIDUAL_GRID) / RESIDUAL_GRID).astype(np.float32)
    return rounded


def moved(latent: Floats, u: Floats, v: Floats, x: float, y: float) -> Floats:
    """The latent (D,) moved within the plane to (x, y); float32 (D,)."""
    at_x, at_y = position(latent, u, v)
    there: Floats = (latent + (x - at_x) * u + (y - at_y) * v).astype(np.float32)
    return there


def orthonormal(plane: Floats) -> tuple[Floats, Floats]:
    """Orthonormal axes of the plane that two rows (2, D) span.

    Raises:
        ValueError: if they do not span a plane.
    """
    first, second = plane.astype(np.float64)
    size = float(np.linalg.norm(first))
    first = first / max(size, 1e-30)
    second = second - (second @ first) * first
    left = float(np.linalg.norm(second))
    if not (np.isfinite(size) and np.isfinite(left)) or min(size, left) < 1e-12:
        raise ValueError("a plane needs two independent directions")
    return first.astype(np.float32), (second / left).astype(np.float32)
