"""Remembering old classes while new ones are learnt: the model as it was draws them.

Shin et al. 2017 (generative replay): a share of every batch are samples of the old model, for
the classes that the data lack. The model draws from the very latents that they came from, too, so
it is also held to the old picture of each (Hinton et al. 2015, distillation).
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from genviewer.core.prior import TRUNCATED_NORMAL_BOUND
from genviewer.engine.train_networks import Span, drawn_mean
from genviewer.engine.train_noise import integers, normal, uniform

if TYPE_CHECKING:
    from collections.abc import Sequence

    from genviewer.core.spec import LatentSpec
    from genviewer.engine.train_state import Batches, TrainingState
    from genviewer.io.datasets import Images

TEACHER = "teacher"


def add_teacher(state: TrainingState) -> None:
    """Keep the network as it is now, to draw what must not be forgotten."""
    teacher = copy.deepcopy(state.network).eval().requires_grad_(False)
    state.companions[TEACHER] = teacher


def absent_classes(images: Images, old: int) -> tuple[int, ...]:
    """Those of the first ``old`` classes that no image of the data has."""
    there = set() if images.labels is None else set(np.unique(images.labels).tolist())
    return tuple(index for index in range(old) if index not in there)


class ReplayBatches:
    """Batches of a data set and, after them, samples of the state's teacher.

    Not thread-safe; noise is the state's, so the steps are to be taken in their order.
    """

    def __init__(
        self,
        batches: Batches,
        state: TrainingState,
        latent: LatentSpec,
        span: Span,
        absent: Sequence[int],
        count: int,
    ) -> None:
        """``span`` is the range of the network's pictures, ``count`` how many are drawn for the
        batch of this process.
        """
        self.batches, self.state, self.latent, self.span = batches, state, latent, span
        self.absent = torch.tensor(absent)
        self.count = count
        self._last: tuple[Tensor, Tensor, Tensor] | None = None

    @property
    def data(self) -> Images:
        """The images."""
        return self.batches.data

    def at(self, step: int) -> tuple[Tensor, Tensor | None]:
        """Images (B, C, H, W) in [0, 1] and one-hot classes (B, K), the old model's last."""
        x, y = self.batches.at(step)
        if y is None:
            raise ValueError("Old classes are remembered by models with classes only.")
        noise = self.state.noise
        z = prior_latents(self.latent, self.count, noise)
        labels = self.absent[integers(noise, 0, len(self.absent), self.count).cpu()]
        y_old = nn.functional.one_hot(labels, y.shape[1]).float().to(y.device)
        with torch.no_grad():
            old = drawn_mean(self.state.companions[TEACHER], z, y_old, self.span)
        self._last = z, y_old, old
        return torch.cat([x, old]), torch.cat([y, y_old])

    def remembered(self) -> tuple[Tensor, Tensor, Tensor]:
        """Latents (N, D), classes (N, K) and pictures (N, C, H, W) in [0, 1] of the last batch."""
        if self._last is None:
            raise RuntimeError("no batch was taken yet")
        return self._last


def prior_latents(latent: LatentSpec, count: int, noise: torch.Generator) -> Tensor:
    """Draws from the prior: float32 (count, D)."""
    if latent.prior == "uniform":
        return uniform(noise, count, latent.dim) * 2.0 - 1.0
    if latent.prior == "truncated_normal":
        bound = torch.special.ndtr(torch.tensor(-TRUNCATED_NORMAL_BOUND, dtype=torch.float64))
        shares = uniform(noise, count, latent.dim, dtype=torch.float64)
        z: Tensor = torch.special.ndtri(bound + shares * (1.0 - 2.0 * bound)).float()
        return z
    return normal(noise, count, latent.dim)
