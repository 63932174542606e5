"""Images of any size and colour, brought to what a model takes.

Also the look of an image from outside: the same here, in the panel's preview and in training.
Pillow is imported where it is needed: the first picture does not wait for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec
import numpy as np

from genviewer.io.dataset_values import DataError, Pixels

if TYPE_CHECKING:
    from PIL.Image import Image

LUMINANCE = (0.299, 0.587, 0.114)


class Fit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How an image is brought to the size and the colours of a model.

    Attributes:
        how: ``crop`` keeps the middle, ``pad`` keeps all and continues the border's colour,
            ``stretch`` keeps all and changes the proportions.
        colour: ``model`` and ``rgb`` keep colours where the model has them, ``grey`` takes them
            away. Where there is no model yet, ``grey`` and ``rgb`` say how many channels to read.
        invert: dark becomes light; what is transparent stays empty.
    """

    how: Literal["crop", "pad", "stretch"] = "crop"
    colour: Literal["model", "grey", "rgb"] = "model"
    invert: bool = False


DEFAULT_FIT = Fit()


def fit_image(
    pixels: Pixels, height: int, width: int, channels: int, fit: Fit = DEFAULT_FIT
) -> Pixels:
    """One image as a model takes it; any thread.

    Args:
        pixels: uint8 (h, w, C) with 1, 3 or 4 channels; what is transparent becomes black.
        height: of the result.
        width: of the result.
        channels: of the result: 1, 3 or 4.
        fit: how to get there.

    Returns:
        uint8 (height, width, channels); the very array where it fits already.

    Raises:
        DataError: it is empty or has another number of channels.
    """
    if pixels.ndim != 3 or pixels.shape[2] not in (1, 3, 4) or not pixels.size:
        raise DataError(f"An array of the shape {pixels.shape} is no image.")
    size = (height, width)
    inside = _size_inside(pixels.shape[:2], size) if fit.how == "pad" else size
    result = pixels
    if pixels.shape[:2] != inside:
        result = _resized(pixels, inside, fit.how == "crop")
    if fit.invert:
        result = result.copy()
        np.subtract(255, result[..., :3], out=result[..., :3])
    if fit.colour == "grey" and channels > 1:
        result = with_channels(result, 1)
    result = with_channels(result, channels)
    return result if result.shape[:2] == size else _padded(result, size)


def with_channels(images: Pixels, channels: int) -> Pixels:
    """uint8 (..., 1, 3 or 4) as grey, coloured or with opacity; transparent becomes black."""
    have = images.shape[-1]
    if have == channels:
        return images
    if have == 4:
        opacity = images[..., 3:].astype(np.float32) / np.float32(255.0)
        images = np.round(images[..., :3] * opacity).astype(np.uint8)
        have = 3
    if channels == 1 and have == 3:
        grey = images @ np.array(LUMINANCE, np.float32)
        return np.round(grey).clip(0, 255).astype(np.uint8)[..., None]
    if channels >= 3 and have == 1:
        images = np.repeat(images, 3, -1)
    if channels == 4:
        images = np.concatenate([images, np.full_like(images[..., :1], 255)], -1)
    return images


def _size_inside(have: tuple[int, ...], size: tuple[int, int]) -> tuple[int, int]:
    """The largest size of the same proportions inside ``size``, at least one pixel a side."""
    scale = min(size[0] / have[0], size[1] / have[1])
    return (
        min(size[0], max(1, round(have[0] * scale))),
        min(size[1], max(1, round(have[1] * scale))),
    )


def _resized(pixels: Pixels, size: tuple[int, int], crop: bool) -> Pixels:
    """Resized with antialiasing; with ``crop`` the largest part of the proportions of ``size``."""
    from PIL.Image import Resampling

    height, width = pixels.shape[:2]
    box = None
    if crop:
        scale = min(height / size[0], width / size[1])
        # Rounding must not lead past the border, which Pillow refuses.
        high, wide = min(size[0] * scale, height), min(size[1] * scale, width)
        top, left = (height - high) / 2, (width - wide) / 2
        box = (left, top, min(left + wide, float(width)), min(top + high, float(height)))
    image = _pillow(pixels).resize((size[1], size[0]), Resampling.BILINEAR, box=box)
    return np.asarray(image, np.uint8).reshape(*size, pixels.shape[2])


def _pillow(pixels: Pixels) -> Image:
    from genviewer.io.images import to_pillow

    return to_pillow(np.ascontiguousarray(pixels))


def _padded(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    """In the middle of a larger image of the colour that its border mostly has."""
    height, width, channels = pixels.shape
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    result = np.empty((*size, channels), np.uint8)
    result[:] = np.median(border, axis=0).astype(np.uint8)
    top, left = (size[0] - height) // 2, (size[1] - width) // 2
    result[top : top + height, left : left + width] = pixels
    return result
