"""The prior over latents: seeded draws, quantiles, truncation. NumPy only.

One generator per sample, always on the CPU, so the same seed is the same picture on every
device and in every batch.
"""

from __future__ import annotations

from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from genviewer.core.spec import LatentSpec

Array = NDArray[np.float32]
_NORMAL = NormalDist()
TRUNCATED_NORMAL_BOUND = 2.0


def draw(latent: LatentSpec, seed: int) -> Array:
    """One draw from the prior: float32 (D,), from ``numpy.random.default_rng(seed)``.

    ``seed`` is any integer; a negative one is taken modulo 2**63. A space without a prior is
    drawn from as if it were normal.
    """
    rng = np.random.default_rng(seed % (1 << 63))
    if latent.prior == "uniform":
        return rng.uniform(-1.0, 1.0, latent.dim).astype(np.float32)
    values = rng.standard_normal(latent.dim)
    if latent.prior == "truncated_normal":
        while (outside := np.abs(values) > TRUNCATED_NORMAL_BOUND).any():
            values[outside] = rng.standard_normal(int(outside.sum()))
    return values.astype(np.float32)


def draws(latent: LatentSpec, seed: int, count: int) -> Array:
    """Samples 0..count-1 of a run with ``seed``: float32 (count, D), row i from ``seed + i``."""
    if count == 0:
        return np.zeros((0, latent.dim), np.float32)
    return np.stack([draw(latent, seed + i) for i in range(count)])


def quantile(latent: LatentSpec, p: float) -> float:
    """Value of one coordinate below which a fraction ``p`` (0 < p < 1) of the prior lies."""
    if latent.prior == "uniform":
        return 2.0 * p - 1.0
    if latent.prior == "truncated_normal":
        low = _NORMAL.cdf(-TRUNCATED_NORMAL_BOUND)
        return _NORMAL.inv_cdf(low + p * (1.0 - 2.0 * low))
    return _NORMAL.inv_cdf(p)


def cumulative(latent: LatentSpec, value: float) -> float:
    """Fraction of the prior below ``value`` in one coordinate; inverse of :func:`quantile`."""
    if latent.prior == "uniform":
        return min(max((value + 1.0) / 2.0, 0.0), 1.0)
    if latent.prior == "truncated_normal":
        low = _NORMAL.cdf(-TRUNCATED_NORMAL_BOUND)
        p = (_NORMAL.cdf(value) - low) / (1.0 - 2.0 * low)
        return min(max(p, 0.0), 1.0)
    return _NORMAL.cdf(value)


def truncate(values: Array, psi: float) -> Array:
    """Latents scaled towards the prior's centre: ``psi * z`` (truncation in z space)."""
    return values if psi == 1.0 else (values * np.float32(psi)).astype(np.float32)
