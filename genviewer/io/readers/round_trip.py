"""What an encoder beside the decoder tells without any data: decode, encode, compare.

Latents from the prior, decoded and encoded by the right network, come back nearly as they were.
So hidden activations, the last one, the reading of a fused head, strides and paddings are held
against each other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from genviewer.io.readers.choices import Choices, assemble
from genviewer.io.readers.norm_evidence import draw
from genviewer.io.readers.trial import Trial
from genviewer.nets import chain_steps as chain

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from torch import Tensor

    from genviewer.io.readers.reading import Reading
    from genviewer.io.readers.trial import Tensors
    from genviewer.nets.chain_config import ChainConfig

MOST, FEWEST = 64, 8
WORK = 4e8
"""Multiplications that one comparison may take."""

UNUSED = 0.9
"""Mean squared error, in variances of the prior, of a dimension that nothing brings back."""


@dataclass(frozen=True)
class Returned:
    """Choices and the mean squared error of what comes back, by dimension (D,)."""

    choices: Choices
    errors: Tensor

    def over(self, used: Tensor) -> float:
        """Mean over the dimensions that are used."""
        return float(self.errors[used].mean())


def returns(reading: Reading, candidates: Iterable[Choices], tensors: Tensors) -> list[Returned]:
    """What comes back with each of the candidates; those that cannot be run are left out."""
    found = []
    for choices in candidates:
        try:
            errors = _errors(assemble(reading, choices), tensors)
        except (ValueError, RuntimeError):
            continue
        if errors is not None and bool(torch.isfinite(errors).all()):
            found.append(Returned(choices, errors))
    return found


def used_dimensions(found: Iterable[Returned]) -> Tensor:
    """Dimensions that at least one candidate brings back: bool (D,)."""
    best = torch.stack([returned.errors for returned in found]).amin(0)
    return best < UNUSED


def _errors(config: ChainConfig, tensors: Tensors) -> Tensor | None:
    encoder = config.encoder
    if encoder is None:
        return None
    count = int(min(MOST, max(FEWEST, WORK / max(1.0, work(config)))))
    trial = Trial(tensors, batch_statistics=False)
    with torch.inference_mode():
        z, parts = draw(config.latent, config.conditions, "normal", count)
        x = trial.steps(config.decoder, z, parts)
        common = trial.steps(encoder.steps, x, parts)
        mean = trial.steps(encoder.mean, common, parts)
        if encoder.split == "halves":
            mean = mean.chunk(2, dim=1)[0]
        elif encoder.split == "interleaved":
            mean = mean[:, 0::2]
        return ((mean - z) ** 2).mean(0).clamp_max(4.0)


def work(config: ChainConfig) -> float:
    """Multiplications of one decoding and one encoding."""
    encoder = config.encoder
    total = _work(config.decoder, (config.latent,), config.conditions)
    if encoder is not None:
        total += _work(encoder.steps, config.image, config.conditions)
    return total


def _work(steps: Sequence[chain.Step], shape: chain.Shape, conditions: Sequence[int]) -> float:
    total = 0.0
    for step in steps:
        after = chain.after_step(step, shape, conditions)
        if isinstance(step, chain.Linear):
            total += step.inputs * step.outputs
        elif isinstance(step, chain.Conv):
            area = math.prod((shape if step.transposed else after)[1:])
            total += area * step.inputs * step.outputs * math.prod(step.kernel) / step.groups
        shape = after
    return total
