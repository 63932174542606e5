"""From a network's raw output to numbers that are shown or saved."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_SHEET_PIXELS = 1 << 24
MAX_SHEET_SIDE = 32_000
"""Painters count pixels in 16 bits."""


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


def fewer_pixels(pixels: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """Average uint8 (..., H, W, C) over factor x factor blocks; a rest at the edge is cut off."""
    *lead, height, width, channels = pixels.shape
    down, across = max(1, min(factor, height)), max(1, min(factor, width))
    if down * across == 1:
        return pixels
    h, w = height // down, width // across
    cut = pixels[..., : h * down, : w * across, :]
    total = cut.reshape(*lead, h, down, w, across, channels).sum(axis=(-4, -2), dtype=np.uint32)
    mean: NDArray[np.uint8] = ((total + down * across // 2) // (down * across)).astype(np.uint8)
    return mean


def sheet_reduction(height: int, width: int) -> int:
    """By what power of two a sheet of that many pixels is averaged down to be shown.

    It bounds memory, in the render thread and on the screen: 1,024 cells of a model with large
    pictures would take gigabytes that no screen can show.
    """
    factor = 1
    while (height // factor) * (width // factor) > MAX_SHEET_PIXELS or max(
        height, width
    ) // factor > MAX_SHEET_SIDE:
        factor *= 2
    return factor
