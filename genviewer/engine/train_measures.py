"""What is measured of a model while it learns: the bound on held-out images, and its samples."""

from __future__ import annotations

import copy
import logging
import math
from typing import TYPE_CHECKING, Literal

import numpy as np

from genviewer.engine.train_quality import LEAST, Quality
from genviewer.engine.train_vae import measure_elbo

if TYPE_CHECKING:
    from genviewer.core.spec import Spec
    from genviewer.engine.train_config import TrainConfig
    from genviewer.engine.train_state import TrainingState
    from genviewer.io.datasets import Images

VALIDATION_IMAGES = 500
ENOUGH_HELD_OUT = 32
"""Samples are compared with held-out images where there are so many; of fewer there is no telling
how they are spread.
"""

Measure = Literal["validation", "quality"]

_log = logging.getLogger(__name__)


class Measures:
    """Which measures a run takes at which steps; they follow from the step alone.

    Attributes:
        real: the images that samples are compared with.
    """

    def __init__(
        self, config: TrainConfig, images: Images, held_out: Images | None, spec: Spec
    ) -> None:
        self._config, self._held_out = config, held_out
        self._spec = spec
        enough = held_out is not None and len(held_out.images) >= ENOUGH_HELD_OUT
        self.real = held_out if held_out is not None and enough else images
        self._quality: Quality | None = None

    def due(self, step: int, stop: bool) -> tuple[Measure, ...]:
        """Those due at a step; ``stop`` where its weights are written anyway."""
        every = self._config.evaluate_every
        due: list[Measure] = []
        if stop and self._held_out is not None and self._config.vae is not None:
            due.append("validation")
        comparable = len(self.real.images) >= LEAST
        if every and comparable and (step % every == 0 or step == self._config.steps):
            due.append("quality")
        return tuple(due)

    def take(self, state: TrainingState, due: tuple[Measure, ...]) -> dict[str, float]:
        """Measure the averaged weights: ``validation_elbo`` in nats per image, ``frechet``.

        A figure that is none, as weights can have it that are about to diverge, is left out.
        """
        network = state.ema
        if state.noise.share.device.type != "cpu":
            network = copy.deepcopy(network).to("cpu")
        found: dict[str, float] = {}
        if "validation" in due and self._held_out is not None:
            elbo, _ = measure_elbo(
                network, self._held_out, limit=VALIDATION_IMAGES, span=self._spec.image.range
            )
            found["validation_elbo"] = elbo
        if "quality" in due:
            if self._quality is None:
                self._quality = Quality(self.real, self._spec, self._config.seed)
            try:
                found |= self._quality.measure(network)
            except np.linalg.LinAlgError as error:
                _log.warning("The samples of step %s are not measured: %s.", state.step, error)
        return {name: value for name, value in found.items() if math.isfinite(value)}
