"""What is measured of a model while it learns: the bound on held-out images, and its samples."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Literal

from genviewer.engine.train_quality import Quality
from genviewer.engine.train_vae import measure_elbo

if TYPE_CHECKING:
    from genviewer.core.spec import Spec
    from genviewer.engine.train_config import TrainConfig
    from genviewer.engine.train_state import TrainingState
    from genviewer.io.datasets import Images

VALIDATION_IMAGES = 500
Measure = Literal["validation", "quality"]


class Measures:
    """Which measures a run takes at which steps; they follow from the step alone."""

    def __init__(
        self, config: TrainConfig, images: Images, held_out: Images | None, spec: Spec
    ) -> None:
        self._config, self._images, self._held_out = config, images, held_out
        self._spec = spec
        self._quality: Quality | None = None

    def due(self, step: int, stop: bool) -> tuple[Measure, ...]:
        """Those due at a step; ``stop`` where its weights are written anyway."""
        every = self._config.evaluate_every
        due: list[Measure] = []
        if stop and self._held_out is not None and self._config.vae is not None:
            due.append("validation")
        if every and (step % every == 0 or step == self._config.steps):
            due.append("quality")
        return tuple(due)

    def take(self, state: TrainingState, due: tuple[Measure, ...]) -> dict[str, float]:
        """Measure the averaged weights: ``validation_elbo`` in nats per image, ``frechet``."""
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
                real = self._held_out or self._images
                self._quality = Quality(real, self._spec, self._config.seed)
            found |= self._quality.measure(network)
        return found
