"""The value range of a program's pictures, from what bounds them and from samples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Range = tuple[float, float]

UNIT, SIGNED, LEVELS = (0.0, 1.0), (-1.0, 1.0), (0.0, 255.0)
_NAMES: tuple[Range, ...] = (UNIT, SIGNED, LEVELS)


def judge_range(
    bounds: Range | None, samples: NDArray[np.float32], wanted: Range | None
) -> tuple[Range, tuple[float, tuple[Any, ...]] | None]:
    """The range that pictures are shown with, and how certain that is.

    Args:
        bounds: what the last operation allows, where the program can be read: (0, 1) of a
            sigmoid, (-1, 1) of a hyperbolic tangent, the limits of a clip.
        samples: raw output of any shape, finite.
        wanted: what the person said.

    Returns:
        The range; and its confidence with the alternatives, or None where nothing was guessed.
    """
    if wanted is not None:
        return wanted, None
    if bounds is not None and bounds[0] < bounds[1]:
        return bounds, None
    low, high = (float(np.quantile(samples, q)) for q in (0.001, 0.999))
    chosen, confidence = _by_statistics(low, high)
    others = tuple(list(other) for other in _NAMES if other != chosen)
    return chosen, (confidence, others)


def _by_statistics(low: float, high: float) -> tuple[Range, float]:
    if low >= -0.02 and high <= 1.02:
        return UNIT, 0.9 if high > 0.5 else 0.6
    if low >= -1.02 and high <= 1.02:
        return SIGNED, 0.95
    if low >= -16.0 and high > 16.0:
        return LEVELS, 0.9
    if low > -0.5 and high < 1.6:
        return UNIT, 0.6
    return SIGNED, 0.7 if low > -2.0 and high < 2.0 else 0.5
