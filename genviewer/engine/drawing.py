"""A drawing brought to where a model expects its subject, as the makers of MNIST did it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from genviewer.engine.generator import Bytes

BOX = 20 / 28
"""The share of the side that the longer side of what is drawn takes."""

INK = 8
"""Levels of 256 from which on a pixel counts as drawn."""


def centred(drawing: Bytes, height: int, width: int) -> Bytes:
    """What is drawn on black, in a box of the middle, its centre of mass in the centre.

    LeCun et al. 1998 normalised digits so: into 20x20 pixels of 28x28 with the shape kept, then
    moved by the centre of mass.

    Args:
        drawing: uint8 (H, W, C) with 1 or 3 channels, light on black.
        height: of the result.
        width: of the result.

    Returns:
        uint8 (height, width, C); black where nothing is drawn.
    """
    from PIL import Image

    result = np.zeros((height, width, drawing.shape[2]), np.uint8)
    ink = drawing.max(2) >= INK
    if not ink.any():
        return result
    rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
    part = drawing[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = BOX * min(height, width) / max(part.shape[:2])
    size = tuple(max(1, round(scale * side)) for side in (part.shape[1], part.shape[0]))
    grey = part.shape[2] == 1
    picture = Image.fromarray(part[..., 0] if grey else np.ascontiguousarray(part))
    small = np.asarray(picture.resize(size, Image.Resampling.BOX, reducing_gap=None), np.uint8)
    small = small[..., None] if grey else small
    top, left = _corner(small, height, width)
    result[top : top + small.shape[0], left : left + small.shape[1]] = small
    return result


def _corner(small: Bytes, height: int, width: int) -> tuple[int, int]:
    """Where the corner of the box goes, so that the centre of mass is in the centre, as far as the
    picture reaches.
    """
    weight = small.astype(np.float64).sum(2)
    total = max(float(weight.sum()), 1.0)
    middle_y = float(weight.sum(1) @ np.arange(weight.shape[0])) / total
    middle_x = float(weight.sum(0) @ np.arange(weight.shape[1])) / total
    top = round(height / 2 - middle_y)  # as in MNIST, whose digits centre on pixel 14 of 28
    left = round(width / 2 - middle_x)
    return (
        min(max(top, 0), height - weight.shape[0]),
        min(max(left, 0), width - weight.shape[1]),
    )
