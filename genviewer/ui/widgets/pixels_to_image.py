"""uint8 pixels to the 32-bit words of a QImage and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtGui import QImage

if TYPE_CHECKING:
    from numpy.typing import NDArray

OPAQUE = np.uint32(0xFF000000)


def argb(pixels: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """uint8 (..., H, W, C) with 1, 3 or 4 channels to 0xAARRGGBB words (..., H, W)."""
    channels = pixels.shape[-1]
    words = pixels[..., 0].astype(np.uint32)
    if channels == 1:
        words *= np.uint32(0x010101)
        words |= OPAQUE
        return words
    words <<= 8
    words |= pixels[..., 1]
    words <<= 8
    words |= pixels[..., 2]
    words |= pixels[..., 3].astype(np.uint32) << 24 if channels == 4 else OPAQUE
    return words


def rgb_bytes(words: NDArray[np.uint32], channels: int) -> NDArray[np.uint8]:
    """0xAARRGGBB words (..., H, W) to uint8 (..., H, W, C); inverse of :func:`argb`."""
    shifts = {1: (0,), 3: (16, 8, 0), 4: (16, 8, 0, 24)}[channels]
    return np.stack([(words >> np.uint32(s)).astype(np.uint8) for s in shifts], axis=-1)


def image_over(words: NDArray[np.uint32], *, alpha: bool = False) -> QImage:
    """A QImage over contiguous uint32 (H, W) words. It does not own them: keep the array."""
    kind = QImage.Format.Format_ARGB32 if alpha else QImage.Format.Format_RGB32
    height, width = words.shape
    if not words.size:
        return QImage()
    return QImage(words.data, width, height, width * 4, kind)


def image_of(pixels: NDArray[np.uint8]) -> QImage:
    """A QImage with its own bytes from uint8 (H, W, C)."""
    return image_over(np.ascontiguousarray(argb(pixels)), alpha=pixels.shape[-1] == 4).copy()


def fewer_pixels(pixels: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """Average uint8 (..., H, W, C) over factor x factor blocks; a rest at the edge is cut off."""
    if factor <= 1:
        return pixels
    *lead, height, width, channels = pixels.shape
    factor_h, factor_w = min(factor, height), min(factor, width)
    h, w = height // factor_h, width // factor_w
    cut = pixels[..., : h * factor_h, : w * factor_w, :]
    blocks = cut.reshape(*lead, h, factor_h, w, factor_w, channels)
    total = blocks.sum(axis=(-4, -2), dtype=np.uint32)
    count = factor_h * factor_w
    return ((total + count // 2) // count).astype(np.uint8)
