"""The classifier of real images whose features samples are measured in; no part of a model."""

from __future__ import annotations

from typing import Annotated

import msgspec
from torch import Tensor, nn
from torch.nn import functional as F

MAX_SIDE = 64
_Side = Annotated[int, msgspec.Meta(ge=4, le=MAX_SIDE)]
_Width = Annotated[int, msgspec.Meta(ge=1, le=1024)]


class FeatureClassifierConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Sizes of a :class:`FeatureClassifier`; bounded, since they come from files too."""

    image_height: _Side
    image_width: _Side
    image_channels: Annotated[int, msgspec.Meta(ge=1, le=4)]
    classes: Annotated[int, msgspec.Meta(ge=1, le=100_000)]
    channels: tuple[_Width, _Width] = (24, 48)
    features: _Width = 128


class FeatureClassifier(nn.Module):
    """Images (B, C, H, W) in [0, 1] to features (B, F) and class logits (B, K)."""

    def __init__(self, config: FeatureClassifierConfig) -> None:
        super().__init__()
        self.config = config
        fine, coarse = config.channels
        # Large pictures are folded into channels, so that a step costs about the same for all.
        self.fold = 2 if max(config.image_height, config.image_width) > MAX_SIDE // 2 else 1
        height, width = (
            -(-side // self.fold) for side in (config.image_height, config.image_width)
        )
        layers: list[nn.Module] = []
        previous = config.image_channels * self.fold**2
        for channels, stride in ((fine, 1), (fine, 2), (coarse, 1), (coarse, 2)):
            layers += [
                nn.Conv2d(previous, channels, 3, stride=stride, padding=1, bias=False),
                nn.BatchNorm2d(channels),
                nn.ReLU(),
            ]
            previous, height, width = channels, -(-height // stride), -(-width // stride)
        self.layers = nn.Sequential(*layers)
        self.hidden = nn.Linear(previous * height * width, config.features)
        self.dropout = nn.Dropout(0.3)
        self.classes = nn.Linear(config.features, config.classes)

    def features(self, x: Tensor) -> Tensor:
        """Images (B, C, H, W) in [0, 1] to what the last layer sees, (B, F), none negative."""
        if self.fold > 1:
            x = F.pad(x, (0, x.shape[3] % self.fold, 0, x.shape[2] % self.fold))
            x = F.pixel_unshuffle(x, self.fold)
        return F.relu(self.hidden(self.dropout(self.layers(x).flatten(1))))

    def forward(self, x: Tensor) -> Tensor:
        """Images (B, C, H, W) in [0, 1] to logits (B, K)."""
        logits: Tensor = self.classes(self.features(x))
        return logits
