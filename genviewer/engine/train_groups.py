"""A latent shared by a group of images: what the letters of one font have in common.

A group x_1..x_K with classes y_1..y_K has one latent z, and training maximises a lower bound on its
log-likelihood, divided by K:

    log p(x_1..x_K | y_1..y_K) >= sum_k E_q(z|S) log p(x_k | z, y_k) - KL(q(z | S) || p(z))

which holds for any q, so also for one that has seen only some of the images, S. Images that the
encoder has not seen must be drawn from the others: the latent learns the typeface and cannot
learn the letter. q is a product of the posteriors of single images (Wu and Goodman 2018, MVAE), so
that a trained model encodes one image as well as several.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from genviewer.engine.train_noise import ALONE, Share, share_of
from genviewer.engine.train_state import images_tensor, one_hot

if TYPE_CHECKING:
    from genviewer.io.datasets import Images


class GroupBatches:
    """Batches by step number of ``views`` images of each of some groups, one group after another.

    The same step gives the same batch, whatever came before. Every group comes once in an epoch.
    Whole batches only: ``share`` says on which device they are wanted.
    """

    def __init__(
        self,
        data: Images,
        batch_size: int,
        views: int,
        seed: int,
        classes: int,
        share: Share = ALONE,
    ) -> None:
        if data.groups is None:
            raise ValueError(f"{data.source} has no groups.")
        self.data, self.seed, self.classes, self.share = data, seed, classes, share
        order = np.argsort(data.groups, kind="stable")
        bounds = np.flatnonzero(np.diff(data.groups[order])) + 1
        self._members = np.split(order, bounds)
        self.views = min(views, *(len(rows) for rows in self._members))
        self.groups = min(batch_size // views, len(self._members))

    def rows(self, step: int) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Which images are in the batch of a step: int64 (groups * views,)."""
        epoch, position = divmod(step, len(self._members) // self.groups)
        order = np.random.default_rng([self.seed, epoch]).permutation(len(self._members))
        chosen = order[position * self.groups : (position + 1) * self.groups]
        rng = np.random.default_rng([self.seed, epoch, position])
        picks = [rng.choice(self._members[group], self.views, replace=False) for group in chosen]
        return np.concatenate(picks)

    def at(self, step: int) -> tuple[Tensor, Tensor | None]:
        """Images (B, C, H, W) in [0, 1], and one-hot classes (B, K) if any are wanted."""
        rows = self.rows(step)
        x = images_tensor(self.data.images[rows]).to(self.share.device)
        if not self.classes or self.data.labels is None:
            return x, None
        return x, one_hot(self.data.labels[rows], self.classes).to(x.device)


def some_views(groups: int, views: int, noise: torch.Generator) -> Tensor:
    """Which images of each group the encoder sees, 1 to ``views`` of them: bool (groups, views)."""
    counts = torch.randint(1, views + 1, (groups, 1), generator=noise)
    seen = torch.rand(groups, views, generator=noise).argsort(1) < counts
    return seen.to(share_of(noise).device)


def combine_posteriors(mean: Tensor, logvar: Tensor, seen: Tensor) -> tuple[Tensor, Tensor]:
    """One posterior per group, (G, D) each, from those (M, D) of its images that are ``seen``.

    p(z) times the product of q(z | x_k) / p(z) over the M true entries of ``seen``, bool (G, V), in
    their order. No image may be less certain than the prior; one that is counts as certain as it.
    """
    group = seen.nonzero()[:, 0]  # (M,)
    precision = torch.exp(-logvar).clamp(min=1.0)
    empty = mean.new_zeros(len(seen), mean.shape[1])
    total = 1.0 + empty.index_add(0, group, precision - 1.0)
    return empty.index_add(0, group, precision * mean) / total, -total.log()
