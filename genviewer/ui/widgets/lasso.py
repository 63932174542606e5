"""Which points lie inside a closed line. NumPy only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def inside(points: NDArray[np.floating], outline: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Bool (N,): the points (N, 2) inside the polygon with corners (M, 2), by the even-odd rule."""
    result = np.zeros(len(points), np.bool_)
    if len(outline) < 3:
        return result
    low, high = outline.min(0), outline.max(0)
    near = np.flatnonzero(((points >= low) & (points <= high)).all(1))
    x, y = points[near, 0].astype(np.float64), points[near, 1].astype(np.float64)
    crossed = np.zeros(len(near), np.bool_)
    ends = np.roll(outline, -1, 0)
    for (x0, y0), (x1, y1) in zip(outline, ends, strict=True):
        if y0 != y1:
            between = (y0 > y) != (y1 > y)
            crossed ^= between & (x < x0 + (y - y0) / (y1 - y0) * (x1 - x0))
    result[near] = crossed
    return result
