"""What is no image generator, recognised and named."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from genviewer.io.readers.naming import is_quantised, is_time
from genviewer.io.readers.sizes import CHANNELS

if TYPE_CHECKING:
    from genviewer.io.readers.layers import Layer, Layers

_ATTENTION = re.compile(r"(in_proj_weight|self_attn|attention\.(self|query)|\.attn\.|q_proj|qkv)")
_RECURRENT = re.compile(r"(^|\.)(weight|bias)_(ih|hh)(_l\d+)?(_reverse)?$")
_LANGUAGE = re.compile(r"(wte|word_embeddings|embed_tokens|lm_head|tok_embeddings)")


def refusal(layers: Layers) -> str | None:
    """What a network is instead of an image generator; None if nothing speaks against it."""
    found = layers.layers
    if not found:
        return "there are no weights in it"
    names = [layer.name for layer in found]
    if any(_LANGUAGE.search(name) for name in names):
        return "it is a language model"
    if any(_RECURRENT.search(name) for name in names):
        return "it is a recurrent network, for text, sound or other sequences"
    if any(is_quantised(name) for name in names) and any(layer.kind == "conv" for layer in found):
        return (
            "it is a vector-quantised autoencoder (VQ-VAE), whose latents are a grid of codes "
            "without a prior to draw from"
        )
    if any(is_time(name) for name in names):
        return "it is a diffusion model, which draws in many steps and not from a latent"
    if any(len(layer.shape) == 3 and layer.kind == "other" for layer in found):
        return "it has one-dimensional convolutions, as networks for sound and series do"
    if any(len(layer.shape) == 5 for layer in found):
        return "it has three-dimensional convolutions, for volumes or videos"
    if any(_ATTENTION.search(name) for name in names):
        return "it is a transformer"
    return _by_shape(found)


def _by_shape(layers: tuple[Layer, ...]) -> str | None:
    """A network from a picture to a few numbers, or to a picture."""
    weighted = [layer for layer in layers if layer.kind in ("linear", "conv")]
    if not weighted:
        return "it has no linear or convolutional layers"
    convs = [layer for layer in weighted if layer.kind == "conv"]
    first, last = weighted[0], weighted[-1]
    if not convs or first.kind != "conv" or first.shape[1] not in CHANNELS:
        return None
    if last.kind == "linear" and last.shape[0] <= 1000 and last.shape[0] < last.shape[1]:
        growing = [x for x in weighted if x.kind == "linear" and x.shape[0] > x.shape[1]]
        if not growing:
            kind = "a discriminator" if last.shape[0] == 1 else "a classifier or an encoder"
            return f"it takes pictures and gives {last.shape[0]} number(s), as {kind} does"
    if all(layer.kind == "conv" for layer in weighted) and last.shape[0] == 1:
        widths = [layer.shape[0] for layer in weighted]
        if widths == [*sorted(widths[:-1]), 1]:
            return "it takes pictures and gives a score, as a discriminator does"
    return None
