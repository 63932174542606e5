"""A residual convolutional GAN, conditional where it has classes.

Goodfellow et al. 2014 (GAN), Miyato and Koyama 2018 (projection), Odena et al. 2017 (auxiliary
classifier), Karras et al. 2018 (standard deviation over the batch).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from genviewer.nets.residual import ResidualDecoder, base_size

if TYPE_CHECKING:
    from collections.abc import Callable

LEAK = 0.2


class ResidualGANConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Sizes of a :class:`ResidualGAN`.

    The generator's ``channels`` and ``blocks`` are per stage, coarse to fine; the discriminator's
    ``critic_channels`` per stage, fine to coarse, each halving the side after the first.
    """

    image_size: int = 28
    image_channels: int = 1
    latent_dim: int = 32
    classes: int = 0
    hidden: int = 128
    channels: tuple[int, ...] = (64, 32)
    blocks: tuple[int, ...] = (1, 1)
    shuffle: int = 2
    critic_channels: tuple[int, ...] = (32, 64, 128)
    conditioning: Literal["projection", "auxiliary"] = "projection"

    def __post_init__(self) -> None:
        if not len(self.channels) == len(self.blocks) > 0 or not self.critic_channels:
            raise ValueError("channels and blocks must have one entry per stage")
        if min(self.image_size, self.image_channels, self.latent_dim, self.hidden) < 1:
            raise ValueError("sizes must be positive")
        if self.shuffle < 1 or self.classes < 0:
            raise ValueError("shuffle must be at least 1 and classes at least 0")
        base_size(self.image_size, len(self.channels), self.shuffle)


class Discriminator(nn.Module):
    """Image in [-1, 1] and class weights to a score (B,): higher is more like real images.

    ``across`` is the mean over the processes that share a batch, where there are several; the
    gradient passes through it.
    """

    across: Callable[[Tensor], Tensor] | None = None

    def __init__(self, config: ResidualGANConfig) -> None:
        super().__init__()
        fine = config.critic_channels[0]
        size = config.image_size // config.shuffle
        layers: list[nn.Module] = [
            nn.PixelUnshuffle(config.shuffle),
            nn.Conv2d(config.image_channels * config.shuffle**2, fine, 3, padding=1),
            nn.LeakyReLU(LEAK),
        ]
        previous = fine
        for width in config.critic_channels[1:]:
            layers += [nn.Conv2d(previous, width, 4, stride=2, padding=1), nn.LeakyReLU(LEAK)]
            previous, size = width, size // 2
        self.features = nn.Sequential(*layers)
        # One more channel: how much the batch varies, so that a generator which repeats itself
        # is seen to.
        self.hidden = nn.Linear((previous + 1) * size * size, config.hidden)
        self.score = nn.Linear(config.hidden, 1)
        self.projection: nn.Linear | None = None
        self.classifier: nn.Linear | None = None
        if config.classes and config.conditioning == "projection":
            self.projection = nn.Linear(config.classes, config.hidden, bias=False)
        elif config.classes:
            self.classifier = nn.Linear(config.hidden, config.classes)

    def forward(self, x: Tensor, y: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Score (B,) and, with an auxiliary classifier, class logits (B, K)."""
        h = self.features(x)  # (B, C, H, W)
        variation = torch.sqrt(self._variance(h) + 1e-8).mean()
        h = torch.cat([h, variation.expand(len(h), 1, *h.shape[2:])], 1)
        h = F.leaky_relu(self.hidden(h.flatten(1)), LEAK)  # (B, hidden)
        score = self.score(h).squeeze(1)
        if self.projection is not None and y is not None:
            score = score + (h * self.projection(y)).sum(1)
        return score, self.classifier(h) if self.classifier is not None else None

    def _variance(self, h: Tensor) -> Tensor:
        if self.across is None:
            return h.var(0, unbiased=False)
        mean = self.across(h.mean(0))
        return self.across((h - mean).square().mean(0))


class ResidualGAN(nn.Module):
    """Generator and discriminator; images are in [-1, 1]."""

    def __init__(self, config: ResidualGANConfig) -> None:
        super().__init__()
        self.config = config
        self.generator = ResidualDecoder(
            latent_dim=config.latent_dim,
            classes=config.classes,
            hidden=config.hidden,
            base=base_size(config.image_size, len(config.channels), config.shuffle),
            channels=config.channels,
            blocks=config.blocks,
            shuffle=config.shuffle,
            image_channels=config.image_channels,
            norm=True,
        )
        self.discriminator = Discriminator(config)

    def decode(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """The picture (B, C, H, W), in [-1, 1], of latents (B, D) and class weights (B, K)."""
        return torch.tanh(self.generator(z, y))

    def discriminate(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """Score (B,) of images (B, C, H, W) in [-1, 1]; it depends on the batch's variation."""
        score: Tensor = self.discriminator(x, y)[0]
        return score

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """As :meth:`decode`."""
        return self.decode(z, y)
