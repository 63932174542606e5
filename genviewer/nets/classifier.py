"""A small classifier that helps in training; it is no part of a model."""

from __future__ import annotations

import msgspec
from torch import Tensor, nn


class ClassifierConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Sizes of a :class:`Classifier`; ``channels`` per stage, each at half the side before it.

    Without channels it is dense: its one hidden layer reads the pixels.
    """

    image_size: int
    image_channels: int
    classes: int
    channels: tuple[int, ...] = (16, 32)
    hidden: int = 64


class Classifier(nn.Module):
    """Images (B, C, H, W) to class logits (B, K)."""

    def __init__(self, config: ClassifierConfig) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        previous, size = config.image_channels, config.image_size
        for width in config.channels:
            layers += [nn.Conv2d(previous, width, 4, stride=2, padding=1), nn.ReLU()]
            previous, size = width, size // 2
        if config.channels:
            layers += [nn.Conv2d(previous, previous, 3, padding=1), nn.ReLU()]
        layers += [nn.Flatten()]
        layers += [nn.Linear(previous * size * size, config.hidden), nn.ReLU()]
        layers += [nn.Linear(config.hidden, config.classes)]
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """Images (B, C, H, W) to logits (B, K)."""
        logits: Tensor = self.layers(x)
        return logits
