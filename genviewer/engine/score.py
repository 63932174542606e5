"""A model's own opinion of its samples, and the rejection of those that it likes least.

A GAN is asked by its discriminator, a VAE by its ELBO. Samples are scored one by one, since a
score may depend on the batch, so that a sample is rejected or not whatever it is drawn with.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from genviewer.core.condition import pack as pack_condition
from genviewer.core.packing import pack_of
from genviewer.engine.cells import decode_pack, decode_raw, pack_inputs
from genviewer.engine.generator import LoadError

if TYPE_CHECKING:
    from genviewer.core.dataset_plan import DatasetPlan
    from genviewer.core.recipe import Recipe
    from genviewer.engine.discriminator_file import OwnDiscriminator
    from genviewer.engine.generator import Generator
    from genviewer.io.bundle import Bundle

TRIES = 32
"""After so many rejected draws the last one is taken: a bound on how long a sample can take."""

CALIBRATION = 128
"""Samples whose scores tell where the threshold lies."""

_CALIBRATION_SEED = 1 << 40


class Scorer:
    """Scores samples of a model by its own discriminator or density; higher is better.

    Raises:
        LoadError: the model has neither, or they cannot be used here.
    """

    def __init__(self, bundle: Bundle, generator: Generator) -> None:
        spec = bundle.spec
        if not spec.discriminator and not spec.density:
            raise LoadError(f"{spec.name} has no score of its own: no discriminator, no density.")
        from genviewer.engine.discriminator_file import OwnDiscriminator
        from genviewer.engine.torch_decoder import load_network

        self._generator = generator
        self._discriminator: OwnDiscriminator | None = None
        if spec.discriminator:
            self._discriminator = OwnDiscriminator(bundle)
            return
        self._network: Any = load_network(bundle)
        if not hasattr(self._network, "logits"):
            raise LoadError(f"{spec.name} is of a family whose score cannot be used here.")

    def score(self, recipe: Recipe) -> float:
        """The score of one sample.

        Raises:
            DecodeError: the model fails.
        """
        spec = self._generator.spec
        pack = pack_of([(0, recipe)], self._generator.ref)
        if self._discriminator is not None:
            return self._by_discriminator(self._discriminator, pack, recipe)
        from genviewer.engine.train_vae import measure_elbo
        from genviewer.io.datasets import Images

        labels = None
        if spec.condition_size:
            labels = np.array([int(pack_condition(recipe.condition, spec).argmax())])
        images = Images("a sample", decode_pack(self._generator, pack), labels)
        return float(measure_elbo(self._network, images, seed=0, batch=1)[0])

    def _by_discriminator(self, judge: OwnDiscriminator, pack: Any, recipe: Recipe) -> float:
        import torch

        drawn = decode_raw(self._generator, *pack_inputs(self._generator, pack))
        raw = torch.from_numpy(np.ascontiguousarray(drawn))
        row = pack_condition(recipe.condition, self._generator.spec)
        y = torch.from_numpy(row[None]) if len(row) else None
        return float(judge.score(raw, y)[0])


class Rejection:
    """Rejects the share of samples that the model scores lowest.

    The threshold is measured on samples of seeds that no plan uses.
    """

    def __init__(self, scorer: Scorer, plan: DatasetPlan) -> None:
        self._scorer, self._plan = scorer, plan

    @cached_property
    def threshold(self) -> float:
        """The score below which samples are rejected."""
        spec = self._scorer._generator.spec
        attempt = _CALIBRATION_SEED // self._plan.count + 1
        scores = [
            self._scorer.score(self._plan.recipe(spec, index % self._plan.count, attempt + index))
            for index in range(CALIBRATION)
        ]
        return float(np.quantile(scores, self._plan.reject))

    def first_accepted(self, plan: DatasetPlan, index: int) -> int:
        """How often sample ``index`` is drawn again before it is good enough: 0..TRIES."""
        spec = self._scorer._generator.spec
        for attempt in range(TRIES):
            if self._scorer.score(plan.recipe(spec, index, attempt)) >= self.threshold:
                return attempt
        return TRIES
