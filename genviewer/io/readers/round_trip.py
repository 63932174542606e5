"""What an encoder beside the decoder tells without any data: decode, encode, compare.

Latents from the prior, decoded and encoded by the right network, come back nearly as they were.
So hidden activations, the last one, the reading of a fused head, strides and paddings are held
against each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from genviewer.io.readers.choices import Choices, assemble
from genviewer.io.readers.norm_evidence import draw
from genviewer.io.readers.trial import Effort, Trial, work_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from torch import Tensor

    from genviewer.io.readers.reading import Reading
    from genviewer.io.readers.trial import Tensors
    from genviewer.nets import chain_steps as chain
    from genviewer.nets.chain_config import ChainConfig

MOST, FEWEST = 64, 4
WORK = 4e8
"""Multiplications that one comparison may take."""

MAX_KEPT = 1 << 22
"""Values of pictures that are kept for the next candidate, some dozens of times."""

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


class Comparison:
    """Decodes and encodes with one candidate after the other; what two have in common is run once.

    Args:
        reading: the network.
        tensors: the file's.
        effort: what it may take.
    """

    def __init__(self, reading: Reading, tensors: Tensors, effort: Effort) -> None:
        self._reading = reading
        self._trial = Trial(tensors, batch_statistics=False, effort=effort)
        self._known: dict[object, Tensor] = {}

    def returns(self, candidates: Iterable[Choices]) -> list[Returned]:
        """What comes back with each candidate; those that cannot be run are left out, and where
        the effort is spent all but the first.
        """
        found: list[Returned] = []
        for choices in candidates:
            if found and self._trial.effort.spent:
                break
            try:
                errors = self._errors(assemble(self._reading, choices))
            except (ValueError, RuntimeError):
                continue
            if errors is not None and bool(torch.isfinite(errors).all()):
                found.append(Returned(choices, errors))
        return found

    def _errors(self, config: ChainConfig) -> Tensor | None:
        encoder = config.encoder
        if encoder is None:
            return None
        count = int(min(MOST, max(FEWEST, WORK / max(1.0, work(config)))))
        with torch.inference_mode():
            z, parts = draw(config.latent, config.conditions, "normal", count)
            key = (count, config.decoder, encoder.steps, encoder.mean)
            mean = self._known.get(key)
            if mean is None:
                x = self._decoded(config.decoder, z, parts)
                common = self._trial.steps(encoder.steps, x, parts)
                mean = self._known[key] = self._trial.steps(encoder.mean, common, parts)
            if encoder.split == "halves":
                mean = mean.chunk(2, dim=1)[0]
            elif encoder.split == "interleaved":
                mean = mean[:, 0::2]
            return ((mean - z) ** 2).mean(0).clamp_max(4.0)

    def _decoded(self, steps: tuple[chain.Step, ...], z: Tensor, parts: Sequence[Tensor]) -> Tensor:
        """The pictures; candidates often differ in what follows the last layer alone."""
        last = max(index for index, step in enumerate(steps) if hasattr(step, "name")) + 1
        key = (len(z), steps[:last])
        x = self._known.get(key)
        if x is None:
            x = self._trial.steps(steps[:last], z, parts)
            if x.numel() <= MAX_KEPT:
                self._known[key] = x
        return self._trial.steps(steps[last:], x, parts)


def used_dimensions(found: Iterable[Returned]) -> Tensor:
    """Dimensions that at least one candidate brings back: bool (D,)."""
    best = torch.stack([returned.errors for returned in found]).amin(0)
    return best < UNUSED


def work(config: ChainConfig) -> float:
    """Multiplications of one decoding and one encoding."""
    encoder = config.encoder
    total = work_of(config.decoder, (config.latent,), config.conditions)
    if encoder is not None:
        total += work_of(encoder.steps, config.image, config.conditions)
    return total
