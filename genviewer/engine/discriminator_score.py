"""What a GAN's discriminator says of an image: how real it finds it, which is no density."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from genviewer.core.condition import pack
from genviewer.core.prior import draws
from genviewer.core.recipe import default_condition
from genviewer.engine.density_results import percentile
from genviewer.engine.discriminator_file import OwnDiscriminator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from genviewer.engine.generator import Floats, Generator
    from genviewer.io.bundle import Bundle

OWN_SAMPLES = 100
TOGETHER = 10
"""Own samples that are scored before a newer question is heard."""

_SEED = 1 << 40  # apart from the samples that anybody explores


class DiscriminatorScore:
    """Scores images by a model's discriminator, one by one: a score may depend on its batch.

    Raises:
        LoadError: the model has no discriminator that can be used here.
    """

    def __init__(self, bundle: Bundle, generator: Generator) -> None:
        self._spec, self._generator = bundle.spec, generator
        self._discriminator = OwnDiscriminator(bundle)
        self._own: list[float] = []
        self._drawn: Floats | None = None

    def take_weights(self, bundle: Bundle, generator: Generator) -> None:
        """Go on with other weights of the same network; LoadError if they do not fit."""
        self._discriminator.take_weights(bundle)
        self._generator, self._own, self._drawn = generator, [], None

    def of(self, x: Floats) -> float:
        """The score of an image, float32 (1, C, H, W) in the model's range; higher is more real.

        Of a conditional model it is the highest score under any class.
        """
        rows, score = self._rows(), self._discriminator.score
        image = torch.from_numpy(np.ascontiguousarray(x))
        if rows is None:
            return float(score(image, None)[0])
        return max(float(score(image, torch.from_numpy(row[None]))[0]) for row in rows)

    def measure_own(self) -> Iterator[None]:
        """Score the model's own samples, some at a time; one that is left goes on the next time."""
        while len(self._own) < OWN_SAMPLES:
            if self._drawn is None:
                self._drawn = self._samples()
            done = len(self._own)
            self._own += [self.of(sample[None]) for sample in self._drawn[done : done + TOGETHER]]
            yield
        self._drawn = None

    def among_own(self, x: Floats) -> tuple[float, float]:
        """The score, and the share in percent of the model's own samples that score lower."""
        for _ in self.measure_own():
            continue
        score = self.of(x)
        return score, float(percentile(np.array(self._own), np.array([score]))[0])

    def _samples(self) -> Floats:
        """Samples as the network draws them, float32 (N, C, H, W), of its classes in turn."""
        z = draws(self._spec.latent, _SEED, OWN_SAMPLES)
        rows = self._rows()
        y = None if rows is None else rows[np.arange(OWN_SAMPLES) % len(rows)]
        return self._generator.decode(z, y)

    def _rows(self) -> Floats | None:
        """Packed conditions (K, size), one for every class; None where there are none."""
        wanted = self._spec.class_condition
        if wanted is None:
            size = self._spec.condition_size
            return np.zeros((1, size), np.float32) if size else None
        return np.stack(
            [pack(default_condition(self._spec, i), self._spec) for i in range(wanted.size)]
        )
