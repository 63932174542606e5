"""``builtin:shapes``: coloured shapes drawn from six independent factors, for disentangling.

The factors are laid out so that a model can tell them apart from the pictures alone. No two
settings draw the same picture, whatever one factor changes is at right angles (in pixels) to what
the others change, and all six change about equally much.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from genviewer.io.dataset_values import Pixels

    Floats = NDArray[np.float32]

SIZE = 64
FACTORS = ("shape", "colour", "size", "x", "y", "rotation")
SHAPE_NAMES = ("bow tie", "bar", "diamond")
_CHUNK = 256
# Half the length of each shape, half its width in the middle, and how that grows outwards, in units
# of its size. They are symmetric in both axes, so that a change of the shape is no move, and the
# bar is half way from the one to the other. The bow tie, with much at its ends, has less area than
# the diamond: so none looks larger, and a change of the shape is no growth.
_OUTLINES = np.array([(0.89, 0.04, 0.6), (0.92, 0.31, 0.0), (1.14, 0.56, -0.49)], np.float32)
# Lengths are in units of half the picture. The largest shape reaches 0.62 * 1.14 to the side and
# 0.62 * 1.0 up when it is turned, so that it stays inside wherever it stands. They are longer than
# high: a step to the side shows less than one upwards, so those to the side go further.
_SMALLEST, _LARGEST = 0.33, 0.62
_REACH = np.array([0.27, 0.22], np.float32)
# A tenth of a turn to either side: all shapes are longer than wide and the same after half a turn,
# so that a fifth of a turn in all holds no two pictures that are alike.
_MAX_ROTATION = np.pi / 5
# From blue over magenta, red and yellow to green, and not on to blue. All colours are equally far
# from the grey in the middle of them: a change of colour is no change of contrast.
_FIRST_HUE, _LAST_HUE = np.deg2rad(-120.0), np.deg2rad(120.0)
_GREY, _CHROMA = 0.55, 0.5
# The ground is dark and faintly of the shape's colour, as if lit by it.
_GROUND, _TINT = 0.1, 0.16


class Shapes(NamedTuple):
    """Images uint8 (N, 64, 64, 3) and their factors float32 (N, 6) in [0, 1], as FACTORS."""

    images: Pixels
    factors: Floats


def make_shapes(seed: int | list[int], count: int) -> Shapes:
    """``count`` shapes with factors drawn uniformly from ``seed`` (one number or several)."""
    rng = np.random.default_rng(seed)
    factors = rng.random((count, len(FACTORS)), np.float32)
    factors[:, 0] = np.floor(factors[:, 0] * len(SHAPE_NAMES)) / (len(SHAPE_NAMES) - 1)
    return Shapes(draw_shapes(factors), factors)


def draw_shapes(factors: Floats) -> Pixels:
    """The pictures (N, 64, 64, 3) of given factors (N, 6) in [0, 1]; edges are smooth."""
    images = np.empty((len(factors), SIZE, SIZE, 3), np.uint8)
    for start in range(0, len(factors), _CHUNK):
        rows = slice(start, start + _CHUNK)
        images[rows] = _draw(factors[rows].astype(np.float32))
    return images


def _draw(factors: Floats) -> Pixels:
    kind = np.rint(factors[:, 0] * (len(SHAPE_NAMES) - 1)).astype(np.intp)
    # Equal steps are equal ratios: a small shape grows as visibly as a large one.
    size = (_SMALLEST * (_LARGEST / _SMALLEST) ** factors[:, 2])[:, None, None]
    centre = _REACH * (2.0 * factors[:, 3:5] - 1.0)
    angle = (np.float32(_MAX_ROTATION) * (2.0 * factors[:, 5] - 1.0))[:, None, None]
    axis = (np.arange(SIZE, dtype=np.float32) + 0.5) / SIZE * 2.0 - 1.0
    x = axis[None, None, :] - centre[:, 0, None, None]
    y = axis[None, :, None] - centre[:, 1, None, None]
    # Into the frame of the shape, (N, 64, 64), in units of its size.
    cosine, sine = np.cos(angle) / size, np.sin(angle) / size
    u = np.abs(cosine * x + sine * y)
    v = np.abs(cosine * y - sine * x)
    length, width, slope = _OUTLINES[kind].T[:, :, None, None]
    # Signed distance to the outline, negative inside.
    distance = np.maximum(u - length, (v - width - slope * u) / np.hypot(1.0, slope))
    cover = np.clip(0.5 - distance * size * (SIZE / 2.0), 0.0, 1.0)[..., None]
    colour = _colour(factors[:, 1])[:, None, None, :]
    ground = _GROUND + _TINT * (colour - _GREY)
    picture = ground + cover * (colour - ground)
    pixels: Pixels = np.rint(picture * 255.0).astype(np.uint8)
    return pixels


def _colour(place: Floats) -> Floats:
    """The colours (N, 3) at places (N,) in [0, 1] on the ramp."""
    hue = _FIRST_HUE + (_LAST_HUE - _FIRST_HUE) * place[:, None]
    red = np.array([2.0, -1.0, -1.0]) / np.sqrt(6.0)
    green_blue = np.array([0.0, 1.0, -1.0]) / np.sqrt(2.0)
    colour = _GREY + _CHROMA * (np.cos(hue) * red + np.sin(hue) * green_blue)
    clipped: Floats = np.clip(colour, 0.0, 1.0).astype(np.float32)
    return clipped
