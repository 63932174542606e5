"""Small pictures of samples as PNG bytes, as pins and keyframes keep them, and back."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from genviewer.core.pixels import fewer_pixels
from genviewer.io.images import ImageError, decode_png, encode_png

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIDE = 96
KEPT = 1024
"""Pictures that stay decoded: lists of them are shown anew at every change."""


def small_png(pixels: NDArray[np.uint8]) -> bytes:
    """A small picture of a sample, uint8 (H, W, C), as PNG bytes."""
    return encode_png(fewer_pixels(pixels, max(1, max(pixels.shape[:2]) // SIDE)))


@lru_cache(maxsize=KEPT)
def picture_of(data: bytes) -> NDArray[np.uint8]:
    """What such bytes show, uint8 (H, W, C), not to be written to; grey where they are damaged."""
    try:
        return decode_png(data)
    except ImageError:
        return np.full((8, 8, 1), 128, np.uint8)
