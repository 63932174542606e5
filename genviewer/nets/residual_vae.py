"""A residual convolutional VAE, conditional where it has classes.

Kingma and Welling 2014 (VAE), Sohn et al. 2015 (conditional VAE), Shi et al. 2016 (pixel shuffle).
"""

from __future__ import annotations

from typing import Literal

import msgspec
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from genviewer.nets.residual import ResidualBlock, ResidualDecoder, base_size

Likelihood = Literal["bernoulli", "discretised_logistic", "gaussian"]

# Beyond these the posterior's variance is numerically a point or the whole line: exp overflows.
LOGVAR_RANGE = (-12.0, 8.0)


class ResidualVAEConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Sizes of a :class:`ResidualVAE`.

    ``channels`` and ``blocks`` are per stage, coarse to fine; each stage doubles the side, and the
    last is ``shuffle`` times smaller than the picture. With ``modulated`` latent and class act on
    every block of the decoder. ``sharpness`` multiplies the logit of what is drawn: above 1 the
    picture is nearer to the mode of a Bernoulli likelihood than to its mean, which is soft wherever
    the latent leaves an edge open. The likelihood itself does not change. ``gain_classes`` is how
    many classes a modulated network had before more were added; 0: as many as it has.
    """

    image_size: int = 28
    image_channels: int = 1
    latent_dim: int = 16
    classes: int = 0
    hidden: int = 128
    channels: tuple[int, ...] = (64, 32)
    blocks: tuple[int, ...] = (1, 2)
    encoder_blocks: tuple[int, ...] = (1, 1)
    shuffle: int = 2
    latent_layers: int = 0
    modulated: bool = False
    gain_classes: int = 0
    sharpness: float = 1.0
    likelihood: Likelihood = "bernoulli"

    def __post_init__(self) -> None:
        if not len(self.channels) == len(self.blocks) == len(self.encoder_blocks) > 0:
            raise ValueError("channels, blocks and encoder_blocks must have one entry per stage")
        if min(self.image_size, self.image_channels, self.latent_dim, self.hidden) < 1:
            raise ValueError("sizes must be positive")
        if not self.sharpness > 0:
            raise ValueError("sharpness must be positive")
        if self.shuffle < 1 or min(self.classes, self.latent_layers, self.gain_classes) < 0:
            raise ValueError("shuffle must be at least 1, classes and layers at least 0")
        base_size(self.image_size, len(self.channels), self.shuffle)


class Encoder(nn.Module):
    """Image and class weights to the mean and log-variance of the posterior."""

    def __init__(self, config: ResidualVAEConfig) -> None:
        super().__init__()
        fine = config.channels[-1]
        layers: list[nn.Module] = [
            nn.PixelUnshuffle(config.shuffle),
            nn.Conv2d(config.image_channels * config.shuffle**2, fine, 3, padding=1),
            nn.ReLU(),
        ]
        stages = list(zip(config.channels, config.encoder_blocks, strict=True))[::-1]
        previous = fine
        for index, (channels, blocks) in enumerate(stages):
            if index:
                layers += [nn.Conv2d(previous, channels, 3, stride=2, padding=1), nn.ReLU()]
            layers += [ResidualBlock(channels) for _ in range(blocks)]
            previous = channels
        self.features = nn.Sequential(*layers)
        base = base_size(config.image_size, len(config.channels), config.shuffle)
        self.hidden = nn.Linear(previous * base * base, config.hidden)
        self.classes = (
            nn.Linear(config.classes, config.hidden, bias=False) if config.classes else None
        )
        self.class_gain = 1.0  # as in the decoder
        if config.modulated:
            self.class_gain = (config.gain_classes or config.classes) ** 0.5
        self.posterior = nn.Linear(config.hidden, 2 * config.latent_dim)

    def forward(self, x: Tensor, y: Tensor | None) -> tuple[Tensor, Tensor]:
        """Images (B, C, H, W) and class weights (B, K) to mean and log-variance (B, D)."""
        h = self.hidden(self.features(x).flatten(1))  # (B, hidden)
        if self.classes is not None and y is not None:
            h = h + self.classes(y * self.class_gain if self.class_gain != 1.0 else y)
        mean, logvar = self.posterior(F.relu(h)).chunk(2, dim=1)  # (B, D) each
        return mean, logvar.clamp(*LOGVAR_RANGE)


class Decoder(ResidualDecoder):
    """Latent and class weights to logits of the picture's mean, and the likelihood's scale."""

    def __init__(self, config: ResidualVAEConfig) -> None:
        super().__init__(
            latent_dim=config.latent_dim,
            classes=config.classes,
            hidden=config.hidden,
            base=base_size(config.image_size, len(config.channels), config.shuffle),
            channels=config.channels,
            blocks=config.blocks,
            shuffle=config.shuffle,
            image_channels=config.image_channels,
            latent_layers=config.latent_layers,
            modulated=config.modulated,
            gain_classes=config.gain_classes,
        )
        # One per channel; a Bernoulli likelihood has none.
        self.log_scale: nn.Parameter | None = None
        if config.likelihood != "bernoulli":
            self.log_scale = nn.Parameter(torch.full((config.image_channels, 1, 1), -2.5))


class ResidualVAE(nn.Module):
    """Encoder and decoder; images and the decoder's mean are in [0, 1]."""

    def __init__(self, config: ResidualVAEConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)

    def encode(self, x: Tensor, y: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Mean and log-variance (B, D) of q(z | x, y) for images (B, C, H, W) in [0, 1]."""
        mean, logvar = self.encoder(x, y)
        return mean, logvar

    def logits(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """The logit (B, C, H, W) of the mean of p(x | z, y)."""
        logits: Tensor = self.decoder(z, y)
        return logits

    def decode(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """The mean (B, C, H, W) of p(x | z, y), sharpened, in [0, 1]."""
        logits = self.logits(z, y)
        sharpness = self.config.sharpness
        return torch.sigmoid(logits if sharpness == 1.0 else sharpness * logits)

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """As :meth:`decode`."""
        return self.decode(z, y)
