"""uint8 pixels to the 32-bit words of a QImage and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtGui import QImage

if TYPE_CHECKING:
    from numpy.typing import NDArray

# By number of channels: what comes in, and what the painter draws fastest.
_FORMATS = {
    1: (QImage.Format.Format_Grayscale8, QImage.Format.Format_RGB32),
    3: (QImage.Format.Format_RGB888, QImage.Format.Format_RGB32),
    4: (QImage.Format.Format_RGBA8888, QImage.Format.Format_ARGB32),
}
_EVEN = np.uint32(0xFEFEFEFE)


def image_of(pixels: NDArray[np.uint8]) -> QImage:
    """A QImage with its own bytes, RGB32 or ARGB32, from uint8 (H, W, C); C is 1, 3 or 4."""
    pixels = np.ascontiguousarray(pixels)
    height, width, channels = pixels.shape
    source, target = _FORMATS[channels]
    return QImage(pixels.data, width, height, width * channels, source).convertToFormat(target)


def thinned(pixels: NDArray[np.uint8], least: int) -> NDArray[np.uint8]:
    """Every n-th pixel of a picture uint8 (H, W, C), with at least ``least`` left along each side.

    For what is shown small: the window would wait for all pixels of a large picture.
    """
    step = max(1, min(pixels.shape[:2]) // least)
    return pixels[::step, ::step]


def argb(pixels: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """uint8 (..., H, W, C) with 1, 3 or 4 channels to 0xAARRGGBB words (..., H, W)."""
    *lead, width, channels = pixels.shape
    if not pixels.size:
        return np.zeros((*lead, width), np.uint32)
    # Qt's own conversion is several times faster than NumPy's strided bytes.
    image = image_of(pixels.reshape(-1, width, channels))
    return np.frombuffer(image.constBits(), np.uint32).reshape(*lead, width).copy()


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


def averaged(words: NDArray[np.uint32], factor: int) -> NDArray[np.uint32]:
    """Words (..., H, W) averaged over blocks; ``factor`` is a power of two.

    Four bytes are averaged at once, within 2/255 of the exact mean. A rest at the edge is cut
    off, and a side stays at least one pixel long.
    """
    while factor > 1:
        if words.shape[-2] > 1:
            even = words.shape[-2] // 2 * 2
            a, b = words[..., 0:even:2, :], words[..., 1:even:2, :]
            words = (a & b) + (((a ^ b) & _EVEN) >> np.uint32(1))  # rounds down
        if words.shape[-1] > 1:
            even = words.shape[-1] // 2 * 2
            a, b = words[..., 0:even:2], words[..., 1:even:2]
            words = (a | b) - (((a ^ b) & _EVEN) >> np.uint32(1))  # rounds up
        factor //= 2
    return words
