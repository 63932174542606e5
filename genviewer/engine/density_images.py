"""Images from anywhere, brought to a model's size and channels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional as F

from genviewer.engine.generator import LoadError
from genviewer.io.dataset_fit import fit_image, with_channels

if TYPE_CHECKING:
    from genviewer.core.spec import Spec
    from genviewer.engine.generator import Bytes

_CHUNK = 256


def fit_images(images: Bytes, spec: Spec) -> Bytes:
    """Images as the model's are: grey or coloured, and resized with antialiasing.

    Of other proportions than the model's the middle is kept, as in training and by
    :func:`~genviewer.io.dataset_fit.fit_image`.

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
    if images.shape[1] * wanted[1] != images.shape[2] * wanted[0]:
        for row, image in enumerate(images):
            result[row] = fit_image(image, *wanted)
        return result
    for start in range(0, len(images), _CHUNK):
        part = with_channels(images[start : start + _CHUNK], spec.image.channels)
        x = torch.from_numpy(np.ascontiguousarray(part)).permute(0, 3, 1, 2).float()
        if x.shape[2:] != wanted[:2]:
            x = F.interpolate(x, size=wanted[:2], mode="bilinear", antialias=True)
        pixels = x.clamp(0.0, 255.0).round().to(torch.uint8)
        result[start : start + _CHUNK] = pixels.permute(0, 2, 3, 1).numpy()
    return result
