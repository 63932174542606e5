"""Images from anywhere, brought to a model's size and channels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional as F

from genviewer.engine.generator import LoadError

if TYPE_CHECKING:
    from genviewer.core.spec import Spec
    from genviewer.engine.generator import Bytes

LUMINANCE = (0.299, 0.587, 0.114)
_CHUNK = 256


def fit_images(images: Bytes, spec: Spec) -> Bytes:
    """Images as the model's are: grey or coloured, and resized with antialiasing.

    Args:
        images: uint8 (N, H, W, C) with 1, 3 or 4 channels; what is transparent becomes black.
        spec: of the model.

    Returns:
        uint8 (N, H, W, C) in the Spec's size; the very array where it fits already.

    Raises:
        LoadError: they have another number of channels.
    """
    wanted = (spec.image.height, spec.image.width, spec.image.channels)
    if images.shape[1:] == wanted:
        return images
    if images.ndim != 4 or images.shape[3] not in (1, 3, 4) or not images.size:
        raise LoadError(f"Images of the shape {images.shape[1:]} cannot be shown to {spec.name}.")
    result = np.empty((len(images), *wanted), np.uint8)
    for start in range(0, len(images), _CHUNK):
        part = with_channels(images[start : start + _CHUNK], spec.image.channels)
        x = torch.from_numpy(np.ascontiguousarray(part)).permute(0, 3, 1, 2).float()
        if x.shape[2:] != wanted[:2]:
            x = F.interpolate(x, size=wanted[:2], mode="bilinear", antialias=True)
        pixels = x.clamp(0.0, 255.0).round().to(torch.uint8)
        result[start : start + _CHUNK] = pixels.permute(0, 2, 3, 1).numpy()
    return result


def with_channels(images: Bytes, channels: int) -> Bytes:
    """uint8 (N, H, W, 1, 3 or 4) as grey, coloured or with opacity; transparent becomes black."""
    have = images.shape[3]
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
        images = np.repeat(images, 3, 3)
    if channels == 4:
        images = np.concatenate([images, np.full_like(images[..., :1], 255)], 3)
    return images
