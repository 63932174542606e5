"""The stretch of values that a control of one latent coordinate spans, and how it names them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from genviewer.core.prior import TRUNCATED_NORMAL_BOUND, cumulative, quantile
from genviewer.ui.numerals import with_minus

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from genviewer.core.spec import LatentSpec

TAIL = 0.001
"""Fraction of an unbounded prior left out at either end of a control."""
STRIP_TAIL = 0.01
"""Fraction of the prior left out at either end of a strip of thumbnails."""


@dataclass(frozen=True)
class PriorRange:
    """Values ``low`` to ``high`` of one coordinate.

    They are the prior's support where that is bounded, its central 99.8 % where it is not. A
    space without a prior gets the range of a normal one.

    Controls are linear in the value, not in its quantile, so that equal ways of the hand are
    equal ways in latent space.
    """

    latent: LatentSpec
    low: float
    high: float

    @classmethod
    def of(cls, latent: LatentSpec) -> PriorRange:
        """The range of a latent space."""
        if latent.prior == "uniform":
            return cls(latent, -1.0, 1.0)
        if latent.prior == "truncated_normal":
            return cls(latent, -TRUNCATED_NORMAL_BOUND, TRUNCATED_NORMAL_BOUND)
        bound = quantile(latent, 1.0 - TAIL)
        return cls(latent, -bound, bound)

    @property
    def has_prior(self) -> bool:
        """Whether quantiles mean something here."""
        return self.latent.prior != "none"

    def clamp(self, value: float) -> float:
        """The nearest value inside the range."""
        return min(max(value, self.low), self.high)

    def fraction(self, value: float) -> float:
        """Where a value lies between the ends: 0 to 1, values outside at the nearer end."""
        return (self.clamp(value) - self.low) / (self.high - self.low)

    def value(self, fraction: float) -> float:
        """Inverse of :meth:`fraction`; fractions outside 0 to 1 give the nearer end."""
        return self.clamp(self.low + fraction * (self.high - self.low))

    def percentile(self, value: float) -> str:
        """Such as ``90th percentile of the prior``; empty for a space without a prior."""
        if not self.has_prior:
            return ""
        percent = 100.0 * cumulative(self.latent, value)
        if percent < 0.05:
            return "below the 0.1th percentile of the prior"
        if percent > 99.95:
            return "above the 99.9th percentile of the prior"
        if percent < 1.0 or percent > 99.0:
            return f"{percent:.1f}th percentile of the prior"
        return f"{_ordinal(round(percent))} percentile of the prior"


def strip_values(latent: LatentSpec, count: int) -> NDArray[np.float32]:
    """The values of a strip of ``count`` thumbnails: evenly over the prior's central 98 %.

    Returns:
        float32 (count,).
    """
    low, high = quantile(latent, STRIP_TAIL), quantile(latent, 1.0 - STRIP_TAIL)
    return np.linspace(low, high, count, dtype=np.float32)


def value_text(value: float) -> str:
    """A coordinate to two decimals with a real minus sign, and no minus before zero."""
    text = f"{value:.2f}" if abs(value) < 99.995 else f"{value:.4g}"
    return with_minus(text.lstrip("-") if float(text) == 0.0 else text)


def dim_label(dim: int, latent: LatentSpec | None = None) -> str:
    """What a latent dimension is called: ``z7``, or ``w7`` in the space of styles."""
    if latent is not None and latent.prior == "none" and "w" in latent.spaces:
        return f"w{dim}"
    return f"z{dim}"


def _ordinal(number: int) -> str:
    if number % 100 in (11, 12, 13):
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"
