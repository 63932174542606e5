"""What samples tell: whether an output needs an activation, and whether it is a picture at all."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from genviewer.io.readers.choices import Choices, decoder_steps
from genviewer.io.readers.norm_evidence import draw
from genviewer.io.readers.trial import Trial

if TYPE_CHECKING:
    from genviewer.io.readers.reading import Reading
    from genviewer.io.readers.trial import Tensors

SAMPLES = 24


@dataclass(frozen=True)
class Pixels:
    """What reaches the last activation.

    Attributes:
        low, high: quantiles of 1 and 99 %.
        roughness: mean squared difference of neighbours, in variances of the pixels.
    """

    low: float
    high: float
    roughness: float

    @property
    def fill_unit(self) -> bool:
        """Whether the values already are a picture's, from 0 to 1."""
        return -0.45 < self.low < 0.12 and 0.75 < self.high < 1.6


def look(reading: Reading, choices: Choices, tensors: Tensors) -> Pixels:
    """Draw a few samples and measure them before the last activation."""
    decoder = reading.decoder
    steps = decoder_steps(replace(choices, final=None))
    sizes = [condition.size for condition in decoder.conditions]
    with torch.inference_mode():
        z, parts = draw(decoder.latent, sizes, choices.prior, SAMPLES)
        x = Trial(tensors, batch_statistics=False).steps(steps, z, parts).float()
        if not bool(torch.isfinite(x).all()):
            return Pixels(math.nan, math.nan, math.inf)
        values = x.flatten()
        values = values[:: max(1, len(values) // 200_000)]
        low, high = torch.quantile(values, torch.tensor([0.01, 0.99])).tolist()
        shown = torch.tanh(x)
        across = (shown[..., :, 1:] - shown[..., :, :-1]).square().mean()
        down = (shown[..., 1:, :] - shown[..., :-1, :]).square().mean()
        spread = shown.var().clamp_min(1e-9)
        return Pixels(low, high, float((across + down) / (2.0 * spread)))
