"""``builtin:shapes``: coloured shapes drawn from six independent factors, for disentangling."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from genviewer.io.dataset_values import Pixels

SIZE = 64
FACTORS = ("shape", "colour", "size", "x", "y", "rotation")
SHAPE_NAMES = ("ellipse", "rectangle", "triangle")
_CHUNK = 256
# No two settings of the factors draw the same picture: the rotation stays within an eighth of a
# turn, and the hues stop before they come round to red again.
_MAX_ROTATION = np.pi / 4
_MAX_HUE = 0.72


class Shapes(NamedTuple):
    """Images uint8 (N, 64, 64, 3) and their factors float32 (N, 6) in [0, 1], as FACTORS."""

    images: Pixels
    factors: NDArray[np.float32]


def make_shapes(seed: int, count: int) -> Shapes:
    """``count`` shapes with factors drawn uniformly from ``seed``; the same on every machine."""
    rng = np.random.default_rng(seed)
    factors = rng.random((count, len(FACTORS)), np.float32)
    factors[:, 0] = np.floor(factors[:, 0] * len(SHAPE_NAMES)) / (len(SHAPE_NAMES) - 1)
    return Shapes(draw_shapes(factors), factors)


def draw_shapes(factors: NDArray[np.float32]) -> Pixels:
    """The pictures (N, 64, 64, 3) of given factors (N, 6) in [0, 1]; edges are smooth."""
    images = np.empty((len(factors), SIZE, SIZE, 3), np.uint8)
    for start in range(0, len(factors), _CHUNK):
        rows = slice(start, start + _CHUNK)
        images[rows] = _draw(factors[rows])
    return images


def _draw(factors: NDArray[np.float32]) -> Pixels:
    shape = np.rint(factors[:, 0] * (len(SHAPE_NAMES) - 1))[:, None, None]
    size = (0.28 + 0.22 * factors[:, 2])[:, None, None]
    centre = 0.40 * (2.0 * factors[:, 3:5] - 1.0)
    angle = (_MAX_ROTATION * (2.0 * factors[:, 5] - 1.0))[:, None, None]
    axis = (np.arange(SIZE, dtype=np.float32) + 0.5) / SIZE * 2.0 - 1.0
    x = axis[None, None, :] - centre[:, 0, None, None]
    y = axis[None, :, None] - centre[:, 1, None, None]
    # Into the frame of the shape, (N, 64, 64), in units of its size.
    u = (np.cos(angle) * x + np.sin(angle) * y) / size
    v = (-np.sin(angle) * x + np.cos(angle) * y) / size
    # Signed distance to the edge in the same units, negative inside; all are wider than high.
    radius = np.sqrt(u * u + (v / 0.55) ** 2)
    ellipse = (radius - 1.0) * 0.7
    rectangle = np.maximum(np.abs(u) - 0.95, np.abs(v) - 0.5)
    slope = 1.0 / np.sqrt(1.0 + 0.62**2)
    triangle = np.maximum(v - 0.6, (np.abs(u) * 1.0 - (v + 0.9) * 0.62) * slope)
    distance = np.where(shape == 0, ellipse, np.where(shape == 1, rectangle, triangle))
    cover = np.clip(0.5 - distance * size * (SIZE / 2.0), 0.0, 1.0)  # (N, 64, 64)
    colour = _hue_to_rgb(factors[:, 1] * _MAX_HUE)[:, None, None, :]
    background = np.float32(0.08)
    picture = background + cover[..., None] * (colour - background)
    pixels: Pixels = np.rint(picture * 255.0).astype(np.uint8)
    return pixels


def _hue_to_rgb(hue: NDArray[np.float32]) -> NDArray[np.float32]:
    """Fully saturated hues (N,) in [0, 1) as RGB (N, 3)."""
    offsets = np.array([5.0, 3.0, 1.0], np.float32)
    k = (offsets + hue[:, None] * 6.0) % 6.0
    return (1.0 - np.clip(np.minimum(k, 4.0 - k), 0.0, 1.0)).astype(np.float32)
