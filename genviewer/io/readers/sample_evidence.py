"""What samples tell: whether an output needs an activation, and whether it is a picture at all."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from genviewer.io.readers.choices import Choices, decoder_steps
from genviewer.io.readers.norm_evidence import draw
from genviewer.io.readers.trial import Trial, work_of
from genviewer.nets import chain_steps as chain

if TYPE_CHECKING:
    from torch import Tensor

    from genviewer.io.readers.lines import Line
    from genviewer.io.readers.reading import Reading
    from genviewer.io.readers.trial import Tensors

SAMPLES, FEWEST = 24, 4
WORK = 4e9
"""Multiplications that they may take."""


@dataclass(frozen=True)
class Pixels:
    """What reaches the last activation.

    Attributes:
        low: quantile of 1 %.
        high: quantile of 99 %.
    """

    low: float
    high: float

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
        count = int(WORK / work_of(steps, (decoder.latent,), sizes))
        count = min(SAMPLES, max(FEWEST, count))
        z, parts = draw(decoder.latent, sizes, choices.prior, count)
        x = Trial(tensors, batch_statistics=False).steps(steps, z, parts).float()
        if not bool(torch.isfinite(x).all()):
            return Pixels(math.nan, math.nan)
        values = x.flatten()
        values = values[:: max(1, len(values) // 200_000)]
        low, high = torch.quantile(values, torch.tensor([0.01, 0.99])).tolist()
        return Pixels(low, high)


def layout_evidence(line: Line, tensors: Tensors) -> tuple[float, float]:
    """How strongly the layer before a reshape is ordered as (C, H, W), and as (H, W, C).

    Its biases and the norms of its rows differ by channel and by place. Taken every ``H * W``-th
    or every ``C``-th value together, only the right order groups what belongs together: the
    variance of the groups' means is then larger than chance, which is 1.
    """
    before: chain.Linear | None = None
    for step in line.steps:
        if isinstance(step, chain.Linear):
            before = step
        elif isinstance(step, chain.Reshape) and before is not None:
            channels, area = step.shape[0], step.shape[1] * step.shape[2]
            weight = tensors[f"{before.name}.weight"]
            rows = [weight.norm(dim=1).clamp_min(1e-9).log()]
            if before.bias:
                rows.append(tensors[f"{before.name}.bias"])
            return max(_grouped(r, area) for r in rows), max(_grouped(r, channels) for r in rows)
    return 1.0, 1.0


def _grouped(values: Tensor, period: int) -> float:
    table = values.double().reshape(-1, period)
    spread = table.var() / len(table)
    return float(table.mean(0).var() / spread.clamp_min(1e-30))
