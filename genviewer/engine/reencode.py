"""A sample of one model as a latent of another that has an encoder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from genviewer.core.condition import pack
from genviewer.core.latent import Latent
from genviewer.engine.encoding import to_model_range

if TYPE_CHECKING:
    from genviewer.core.condition import Condition
    from genviewer.core.spec import ImageSpec
    from genviewer.engine.encoding import ImageEncoder
    from genviewer.engine.generator import Bytes
    from genviewer.io.bundle import Bundle


def reencode(bundle: Bundle, encoder: ImageEncoder, pixels: Bytes, condition: Condition) -> Latent:
    """The posterior's mean for a picture that another model drew. Any thread; imports torch.

    Args:
        bundle: a model with an encoder.
        encoder: that model's.
        pixels: uint8 (H, W, C) of any size with 1, 3 or 4 channels.
        condition: what the model is to take the picture for.

    Raises:
        ValueError: the condition does not fit it.
    """
    image = fitted(pixels, bundle.spec.image)
    y = pack(condition, bundle.spec)[None] if bundle.spec.condition_size else None
    mean, _ = encoder.encode(to_model_range(image[None], bundle), y)
    return Latent(mean[0])


def fitted(pixels: Bytes, image: ImageSpec) -> Bytes:
    """uint8 (H, W, C) with the size and channels of a model's images."""
    from PIL import Image

    mode = {1: "L", 3: "RGB", 4: "RGBA"}[image.channels]
    picture = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).convert(mode)
    size = (image.width, image.height)
    if picture.size != size:
        picture = picture.resize(size, Image.Resampling.BICUBIC)
    array = np.asarray(picture, np.uint8)
    return array[..., None] if array.ndim == 2 else array
