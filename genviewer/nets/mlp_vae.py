"""A VAE of fully connected layers, for small images and latents of few dimensions.

Kingma and Welling 2014. A plane of pictures needs no convolutions: they cost ten times the time
that these layers take, and what has two coordinates has little to share between places.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec
import torch
from torch import Tensor, nn

from genviewer.nets.prior_warp import PriorWarp
from genviewer.nets.residual_vae import LOGVAR_RANGE, Likelihood

if TYPE_CHECKING:
    from collections.abc import Sequence


MAX_WARP = 1024
Activation = Literal["silu", "tanh"]
_ACTIVATIONS: dict[Activation, type[nn.Module]] = {"silu": nn.SiLU, "tanh": nn.Tanh}


class MLPVAEConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Sizes of an :class:`MLPVAE`.

    ``encoder`` and ``decoder`` are the widths of the hidden layers, which ``activation`` follows.
    ``warp`` is the side of the table of a :class:`~genviewer.nets.prior_warp.PriorWarp` before the
    decoder; 0: none.
    """

    image_size: int = 28
    image_channels: int = 1
    latent_dim: int = 2
    classes: int = 0
    encoder: tuple[int, ...] = (512, 512, 256)
    decoder: tuple[int, ...] = (128, 256, 256, 512)
    warp: int = 0
    likelihood: Likelihood = "bernoulli"
    activation: Activation = "silu"

    def __post_init__(self) -> None:
        sizes = (self.image_size, self.image_channels, self.latent_dim)
        if min(*sizes, *self.encoder, *self.decoder) < 1 or not (self.encoder and self.decoder):
            raise ValueError("sizes must be positive, and encoder and decoder have hidden layers")
        if self.classes < 0 or (self.warp and not 2 <= self.warp <= MAX_WARP):
            raise ValueError(
                f"classes must not be negative; a warp has 2 to {MAX_WARP} cells a side"
            )
        if self.warp and self.latent_dim != 2:
            raise ValueError("a warp is for two dimensions")


class Layers(nn.Module):
    """Hidden layers of given widths, the class weights added into the first one."""

    def __init__(
        self,
        inputs: int,
        classes: int,
        widths: Sequence[int],
        outputs: int,
        activation: Activation = "silu",
    ) -> None:
        super().__init__()
        self.first = nn.Linear(inputs, widths[0])
        self.classes = nn.Linear(classes, widths[0], bias=False) if classes else None
        rest: list[nn.Module] = []
        for before, after in zip(widths, [*widths[1:], outputs], strict=True):
            rest += [_ACTIVATIONS[activation](), nn.Linear(before, after)]
        self.rest = nn.Sequential(*rest)

    def forward(self, x: Tensor, y: Tensor | None) -> Tensor:
        """(B, inputs) and class weights (B, K) to (B, outputs)."""
        h = self.first(x)
        if self.classes is not None and y is not None:
            h = h + self.classes(y)
        result: Tensor = self.rest(h)
        return result


class Decoder(Layers):
    """Latent and class weights to logits of the picture's mean, and the likelihood's scale."""

    def __init__(self, config: MLPVAEConfig) -> None:
        pixels = config.image_channels * config.image_size**2
        super().__init__(
            config.latent_dim, config.classes, config.decoder, pixels, config.activation
        )
        # One per channel; a Bernoulli likelihood has none.
        self.log_scale: nn.Parameter | None = None
        if config.likelihood != "bernoulli":
            self.log_scale = nn.Parameter(torch.full((config.image_channels, 1, 1), -2.5))


class MLPVAE(nn.Module):
    """Encoder and decoder; images and the decoder's mean are in [0, 1].

    ``warping`` is off while the networks around a warp that is not fitted yet are trained.
    """

    def __init__(self, config: MLPVAEConfig) -> None:
        super().__init__()
        self.config = config
        pixels = config.image_channels * config.image_size**2
        self.encoder = Layers(
            pixels, config.classes, config.encoder, 2 * config.latent_dim, config.activation
        )
        self.decoder = Decoder(config)
        self.warp = PriorWarp(config.warp) if config.warp else None
        self.warping = True

    def encode(self, x: Tensor, y: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Mean and log-variance (B, D) of q(z | x, y) for images (B, C, H, W) in [0, 1]."""
        mean, logvar = self.encoder(x.flatten(1), y).chunk(2, dim=1)  # (B, D) each
        return mean, logvar.clamp(*LOGVAR_RANGE)

    def logits(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """The logit (B, C, H, W) of the mean of p(x | z, y)."""
        if self.warp is not None and self.warping:
            z = self.warp(z)
        size = self.config.image_size
        logits: Tensor = self.decoder(z, y).view(-1, self.config.image_channels, size, size)
        return logits

    def decode(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """The mean (B, C, H, W) of p(x | z, y), in [0, 1]."""
        return torch.sigmoid(self.logits(z, y))

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """As :meth:`decode`."""
        return self.decode(z, y)
