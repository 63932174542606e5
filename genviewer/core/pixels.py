"""From a network's raw output to numbers that are shown or saved."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def to_unit(raw: NDArray[np.float32], value_range: tuple[float, float]) -> NDArray[np.float32]:
    """Raw output of any shape in ``value_range`` as float32 in [0, 1], clamped."""
    low, high = value_range
    scale = np.float32(1.0 / (high - low))
    unit: NDArray[np.float32] = (raw - np.float32(low)) * scale
    np.clip(unit, 0.0, 1.0, out=unit)
    return unit


def to_pixels(raw: NDArray[np.float32], value_range: tuple[float, float]) -> NDArray[np.uint8]:
    """Raw output float32 (N, C, H, W) as uint8 (N, H, W, C), rounded to the nearest level."""
    low, high = value_range
    levels = (raw - np.float32(low)) * np.float32(255.0 / (high - low))
    np.clip(levels, 0.0, 255.0, out=levels)
    np.rint(levels, out=levels)
    return np.ascontiguousarray(levels.astype(np.uint8).transpose(0, 2, 3, 1))
