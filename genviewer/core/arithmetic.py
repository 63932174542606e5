"""Arithmetic on latents that keeps them typical of the prior. NumPy only, any thread.

Steps through the prior are made on *normal scores*: every coordinate is mapped to the standard
normal with the same quantile, moved there, and mapped back. For a normal prior that is the
identity; for the others it keeps a step from leaving what the model was trained on.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from genviewer.core import prior

if TYPE_CHECKING:
    from genviewer.core.spec import LatentSpec

Array = NDArray[np.float32]
Doubles = NDArray[np.float64]
Mask = NDArray[np.bool_]

_NORMAL = NormalDist()
_SMALLEST_P = 1e-6  # a coordinate beyond the prior's support counts as this extreme
_PARALLEL = 1e-4  # sine of the angle below which slerp is numerically a lerp


def lerp(a: Array, b: Array, t: float) -> Array:
    """The point a fraction ``t`` of the way along the straight line from ``a`` to ``b``."""
    return ((1.0 - t) * a.astype(np.float64) + t * b).astype(np.float32)


def slerp(a: Array, b: Array, t: float) -> Array:
    """The point a fraction ``t`` of the way along the arc from ``a`` to ``b`` (Shoemake 1985).

    Between draws from a normal prior the arc keeps the norm typical, the straight line does not.
    Vectors that are (anti)parallel or zero have no single arc: there it is :func:`lerp`.

    Both are float32 of one shape, taken as one vector each.
    """
    u, v = a.ravel().astype(np.float64), b.ravel().astype(np.float64)
    norms = float(np.linalg.norm(u) * np.linalg.norm(v))
    if norms == 0.0:
        return lerp(a, b, t)
    angle = math.acos(min(max(float(u @ v) / norms, -1.0), 1.0))
    sine = math.sin(angle)
    if sine < _PARALLEL:
        return lerp(a, b, t)
    mixed = math.sin((1.0 - t) * angle) / sine * u + math.sin(t * angle) / sine * v
    return mixed.reshape(a.shape).astype(np.float32)


def scores(latent: LatentSpec, values: Array) -> Doubles:
    """Normal scores of prior coordinates: float64, of the shape of ``values``."""
    if latent.prior in ("normal", "none"):
        return values.astype(np.float64)
    flat = (prior.cumulative(latent, float(x)) for x in values.ravel())
    p = np.fromiter(flat, np.float64, values.size)
    p = np.clip(p, _SMALLEST_P, 1.0 - _SMALLEST_P)
    return np.array([_NORMAL.inv_cdf(float(x)) for x in p]).reshape(values.shape)


def from_scores(latent: LatentSpec, normal: Doubles) -> Doubles:
    """Inverse of :func:`scores`, in double precision."""
    if latent.prior in ("normal", "none"):
        return normal
    root = math.sqrt(2.0)
    p = np.fromiter((0.5 * math.erfc(-x / root) for x in normal.ravel()), np.float64, normal.size)
    p = np.clip(p, _SMALLEST_P, 1.0 - _SMALLEST_P)
    values = np.fromiter((prior.quantile(latent, float(x)) for x in p), np.float64, normal.size)
    return values.reshape(normal.shape)


def vary(
    latent: LatentSpec, values: Array, strength: float, seed: int, locked: Mask | None = None
) -> Array:
    """A point around ``values``: ``sqrt(1 - s^2) z + s eps`` with ``eps`` a seeded draw.

    What was typical of the prior stays so at every strength; 0 gives ``values`` back, 1 a fresh
    draw.

    Args:
        latent: the space, with its prior.
        values: float32 (D,).
        strength: 0..1; clipped.
        seed: the same seed gives the same direction at every strength.
        locked: bool (D,), True where the coordinate stays.

    Returns:
        float32 (D,).
    """
    s = min(max(float(strength), 0.0), 1.0)
    fresh = prior.draw(latent, seed)
    if s == 0.0:
        return values.copy()
    mixed = fresh
    if s < 1.0:
        scored = math.sqrt(1.0 - s * s) * scores(latent, values) + s * scores(latent, fresh)
        mixed = from_scores(latent, scored).astype(np.float32)
    return mixed if locked is None else np.where(locked, values, mixed).astype(np.float32)


def randomise(latent: LatentSpec, values: Array, seed: int, locked: Mask | None = None) -> Array:
    """A fresh draw from the prior, with the locked coordinates of ``values`` kept: float32 (D,)."""
    return vary(latent, values, 1.0, seed, locked)
