"""Enlarging images and giving them their final depth. NumPy, and Pillow for Lanczos."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from genviewer.io.images import to_pillow

if TYPE_CHECKING:
    from genviewer.core.picture import Picture
    from genviewer.io.image_formats import Levels

Floats = NDArray[np.float32]


def finished(image: NDArray[np.uint8] | Floats, picture: Picture) -> Levels:
    """An image enlarged and in its final depth.

    Args:
        image: (H, W, C), uint8 or float32 in [0, 1].
        picture: the scale, how to enlarge, and the depth.

    Returns:
        (sH, sW, C), uint8 or, for 16 bits, uint16 over the whole range.
    """
    height, width, _ = image.shape
    scale = float(picture.scale)
    if picture.canvas is not None:
        scale = min(picture.canvas[0] / width, picture.canvas[1] / height)
        if picture.method == "nearest" and scale >= 1.0:
            scale = float(int(scale))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    whole = scale.is_integer() and picture.method == "nearest"
    if not whole and size != (width, height):
        image = _lanczos(image, size)
    levels = _quantised(image, picture.bits)
    if whole and scale > 1.0:
        levels = levels.repeat(int(scale), axis=0).repeat(int(scale), axis=1)
    return levels if picture.canvas is None else _centred(levels, picture.canvas)


def _centred(levels: Levels, canvas: tuple[int, int]) -> Levels:
    """On a canvas (width, height) of black, opaque where there is transparency."""
    height, width, channels = levels.shape
    if (width, height) == canvas:
        return levels
    whole = np.zeros((canvas[1], canvas[0], channels), levels.dtype)
    if channels == 4:
        whole[..., 3] = np.iinfo(levels.dtype).max
    top, left = (canvas[1] - height) // 2, (canvas[0] - width) // 2
    whole[top : top + height, left : left + width] = levels
    return whole


def _quantised(image: NDArray[np.uint8] | Floats, bits: int) -> Levels:
    if image.dtype == np.uint8:
        eight: NDArray[np.uint8] = image.astype(np.uint8, copy=False)
        return eight if bits == 8 else eight.astype(np.uint16) * np.uint16(257)
    top = 255.0 if bits == 8 else 65535.0
    scaled = np.rint(np.clip(image, 0.0, 1.0).astype(np.float64) * top)
    return scaled.astype(np.uint8) if bits == 8 else scaled.astype(np.uint16)


def _lanczos(
    image: NDArray[np.uint8] | Floats, size: tuple[int, int]
) -> NDArray[np.uint8] | Floats:
    """The image in that width and height."""
    from PIL import Image

    channels = image.shape[2]
    kernel = Image.Resampling.LANCZOS
    if image.dtype == np.uint8:
        enlarged = np.asarray(to_pillow(image.astype(np.uint8)).resize(size, kernel), np.uint8)
        return enlarged[..., None] if channels == 1 else enlarged
    planes = [
        np.asarray(Image.fromarray(np.ascontiguousarray(image[..., c])).resize(size, kernel))
        for c in range(channels)
    ]
    return np.stack(planes, axis=-1).astype(np.float32)
