"""Sizes of the autoencoder of a latent diffusion model; torch-free, so readers may use them."""

from __future__ import annotations

import msgspec


class AutoencoderKLConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Sizes of an :class:`~genviewer.nets.autoencoder_kl.AutoencoderKL`.

    ``channels`` is per stage, fine to coarse, each but the last halving the side; ``height`` and
    ``width`` are those of the latent. ``layers`` is the number of residual blocks of a stage of
    the encoder; the decoder has one more.
    """

    image_channels: int = 3
    output_channels: int = 3
    latent_channels: int = 4
    channels: tuple[int, ...] = (128, 256, 512, 512)
    layers: int = 2
    groups: int = 32
    height: int = 32
    width: int = 32
    attention: bool = True
    quant: bool = True
    post_quant: bool = True
    encoder: bool = True
