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
    if picture.scale > 1 and picture.method == "lanczos":
        image = _lanczos(image, picture.scale)
    levels = _quantised(image, picture.bits)
    if picture.scale > 1 and picture.method == "nearest":
        levels = levels.repeat(picture.scale, axis=0).repeat(picture.scale, axis=1)
    return levels


def _quantised(image: NDArray[np.uint8] | Floats, bits: int) -> Levels:
    if image.dtype == np.uint8:
        eight: NDArray[np.uint8] = image.astype(np.uint8, copy=False)
        return eight if bits == 8 else eight.astype(np.uint16) * np.uint16(257)
    top = 255.0 if bits == 8 else 65535.0
    scaled = np.rint(np.clip(image, 0.0, 1.0).astype(np.float64) * top)
    return scaled.astype(np.uint8) if bits == 8 else scaled.astype(np.uint16)


def _lanczos(image: NDArray[np.uint8] | Floats, scale: int) -> NDArray[np.uint8] | Floats:
    """Each channel alone: colours of transparent pixels are not mixed into the others'."""
    from PIL import Image

    height, width, channels = image.shape
    size = (width * scale, height * scale)
    kernel = Image.Resampling.LANCZOS
    if image.dtype == np.uint8:
        enlarged = np.asarray(to_pillow(image.astype(np.uint8)).resize(size, kernel), np.uint8)
        return enlarged[..., None] if channels == 1 else enlarged
    planes = [
        np.asarray(Image.fromarray(np.ascontiguousarray(image[..., c])).resize(size, kernel))
        for c in range(channels)
    ]
    return np.stack(planes, axis=-1).astype(np.float32)
