"""A VAE whose decoder knows where in the picture it draws, so that moving is easy to learn.

Watters et al. 2019 (spatial broadcast decoder): the latent is laid on every place of a grid beside
the place's coordinates, and the same small network draws each place. Here a place is a patch of
pixels and that network a stack of 1x1 convolutions, which is cheap on a CPU.
"""

from __future__ import annotations

import math
from typing import Literal

import msgspec
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from genviewer.nets.residual_vae import LOGVAR_RANGE


class BroadcastVAEConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Sizes of a :class:`BroadcastVAE`.

    ``scale`` is the standard deviation of a Gaussian likelihood, in grey values of [0, 1]. It is
    not learned: with ``beta`` it decides how much of the picture is worth its bits.
    """

    image_size: int = 28
    image_channels: int = 1
    latent_dim: int = 8
    patch: int = 2
    encoder_channels: tuple[int, int] = (32, 48)
    hidden: int = 192
    width: int = 64
    layers: int = 3
    likelihood: Literal["bernoulli", "gaussian"] = "gaussian"
    scale: float = 0.25

    @property
    def classes(self) -> int:
        """None: the network takes no condition."""
        return 0

    def __post_init__(self) -> None:
        sizes = (self.image_size, self.image_channels, self.latent_dim, self.patch, self.hidden)
        if min(*sizes, self.width, *self.encoder_channels) < 1 or self.layers < 0:
            raise ValueError("sizes must be positive, layers at least 0")
        factor = 2 * self.patch  # the encoder sees the picture at half its size
        if self.image_size % factor:
            raise ValueError(f"image_size {self.image_size} must be a multiple of {factor}")
        if self.scale <= 0:
            raise ValueError("scale must be positive")


class Encoder(nn.Module):
    """Image to the mean and log-variance of the posterior."""

    def __init__(self, config: BroadcastVAEConfig) -> None:
        super().__init__()
        first, second = config.encoder_channels
        grid = config.image_size // (2 * config.patch)
        half = (grid + 1) // 2
        self.features = nn.Sequential(
            nn.AvgPool2d(2),  # what a factor is shows at half the size; reading it costs a quarter
            nn.PixelUnshuffle(config.patch),
            nn.Conv2d(config.image_channels * config.patch**2, first, 1),
            nn.ReLU(),
            nn.Conv2d(first, second, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(second * half * half, config.hidden),
            nn.ReLU(),
            nn.Linear(config.hidden, config.hidden),
            nn.ReLU(),
        )
        self.posterior = nn.Linear(config.hidden, 2 * config.latent_dim)
        _keep_the_signal(self)
        with torch.no_grad():
            self.posterior.weight *= 0.3  # the posterior begins near the prior

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Images (B, C, H, W) to mean and log-variance (B, D)."""
        mean, logvar = self.posterior(self.features(x)).chunk(2, dim=1)  # (B, D) each
        return mean, logvar.clamp(*LOGVAR_RANGE)


class Decoder(nn.Module):
    """Latent to logits of the picture's mean."""

    places: Tensor
    log_scale: Tensor | None

    def __init__(self, config: BroadcastVAEConfig) -> None:
        super().__init__()
        grid, width = config.image_size // config.patch, config.width
        axis = (torch.arange(grid) + 0.5) / grid * 2.0 - 1.0
        y, x = torch.meshgrid(axis, axis, indexing="ij")
        # They follow from the configuration, so they are no part of the weights.
        self.register_buffer("places", torch.stack([x, y])[None], persistent=False)
        fixed = torch.full((config.image_channels, 1, 1), math.log(config.scale))
        gaussian = config.likelihood == "gaussian"
        self.register_buffer("log_scale", fixed if gaussian else None, persistent=False)
        self.latent = nn.Linear(config.latent_dim, width)
        self.place = nn.Conv2d(2, width, 1)
        layers: list[nn.Module] = []
        for _ in range(config.layers):
            layers += [nn.Conv2d(width, width, 1), nn.ReLU()]
        self.layers = nn.Sequential(*layers)
        self.picture = nn.Sequential(
            nn.Conv2d(width, config.image_channels * config.patch**2, 1),
            nn.PixelShuffle(config.patch),
        )
        _keep_the_signal(self)
        nn.init.uniform_(self.latent.bias, -1.0, 1.0)  # edges at many places from the start

    def forward(self, z: Tensor) -> Tensor:
        """Latents (B, D) to (B, C, H, W)."""
        h = F.relu(self.latent(z)[:, :, None, None] + self.place(self.places))  # (B, width, G, G)
        picture: Tensor = self.picture(self.layers(h))
        return picture


def _keep_the_signal(module: nn.Module) -> None:
    """He et al. 2015: with torch's own weights the colour all but vanishes before the latent."""
    for part in module.modules():
        if isinstance(part, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_normal_(part.weight, nonlinearity="relu")
            if part.bias is not None:
                nn.init.zeros_(part.bias)


class BroadcastVAE(nn.Module):
    """Encoder and decoder; images and the decoder's mean are in [0, 1]. There are no classes."""

    def __init__(self, config: BroadcastVAEConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)

    def encode(self, x: Tensor, y: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Mean and log-variance (B, D) of q(z | x) for images (B, C, H, W) in [0, 1]."""
        mean, logvar = self.encoder(x)
        return mean, logvar

    def logits(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """The logit (B, C, H, W) of the mean of p(x | z)."""
        logits: Tensor = self.decoder(z)
        return logits

    def decode(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """The mean (B, C, H, W) of p(x | z), in [0, 1]."""
        return torch.sigmoid(self.logits(z, y))

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """As :meth:`decode`."""
        return self.decode(z, y)
