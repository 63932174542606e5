"""Batch normalisation over a batch that several processes share, on a CPU as well as on GPUs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Callable


class SharedBatchNorm2d(nn.BatchNorm2d):
    """As ``nn.BatchNorm2d``, in training by the mean and variance of all processes' images.

    ``across`` is the mean over the processes of a tensor, through which the gradient passes;
    ``world`` is how many they are.
    """

    across: Callable[[Tensor], Tensor]
    world: int

    def forward(self, input: Tensor) -> Tensor:
        """Images (B, C, H, W), normalised."""
        if not self.training:
            return super().forward(input)
        mean = self.across(input.mean((0, 2, 3)))
        centred = input - mean.view(1, -1, 1, 1)
        variance = self.across(centred.square().mean((0, 2, 3)))
        self._follow(mean.detach(), variance.detach(), input.numel() // input.shape[1])
        normalised = centred * torch.rsqrt(variance + self.eps).view(1, -1, 1, 1)
        if not self.affine:
            return normalised
        return normalised * self.weight.view(1, -1, 1, 1) + self.bias.view(1, -1, 1, 1)

    @torch.no_grad()
    def _follow(self, mean: Tensor, variance: Tensor, count: int) -> None:
        if self.running_mean is None or self.running_var is None:  # it keeps no statistics
            return
        count *= self.world
        rate = self.momentum
        if self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
            rate = 1.0 / float(self.num_batches_tracked) if rate is None else rate
        self.running_mean.lerp_(mean, rate or 0.0)
        self.running_var.lerp_(variance * (count / max(1, count - 1)), rate or 0.0)


def share_batch_norm(network: nn.Module, across: Callable[[Tensor], Tensor], world: int) -> None:
    """Replace every batch normalisation in a network, in place; parameters stay the same ones."""
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if type(child) is not nn.BatchNorm2d:
                continue
            shared = SharedBatchNorm2d(
                child.num_features,
                child.eps,
                child.momentum,
                child.weight is not None,
                child.track_running_stats,
            )
            shared.weight, shared.bias = child.weight, child.bias
            shared._buffers.update(child._buffers)
            shared.train(child.training)
            shared.across, shared.world = across, world
            setattr(parent, name, shared)
