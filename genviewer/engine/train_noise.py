"""Random draws of a training, which several processes share without drawing the same.

Every process draws for all of them from the same state and takes its own rows. So a run on several
devices sees the very noise that it would see on one, and its losses are the same up to rounding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable


class Share(NamedTuple):
    """Which part of every batch a process works on, and where: ``rank`` of ``world`` equal ones."""

    rank: int = 0
    world: int = 1
    device: torch.device = torch.device("cpu")

    def of(self, values: Tensor) -> Tensor:
        """The own rows of a tensor for the whole batch, on the own device."""
        if self.world > 1:
            count = len(values) // self.world
            values = values[self.rank * count : (self.rank + 1) * count]
        return values.to(self.device)


ALONE = Share()


class Noise(torch.Generator):
    """The source of a training's randomness; its state is the same in every process.

    ``gather`` brings together the rows (N, ..) that the processes have, in their order: (N *
    world, ..). Drawn from as any generator it gives every process the same.
    """

    share: Share = ALONE
    gather: Callable[[Tensor], Tensor] | None = None


def share_of(noise: torch.Generator) -> Share:
    """The part of every batch that draws from ``noise`` are for."""
    return noise.share if isinstance(noise, Noise) else ALONE


def normal(noise: torch.Generator, count: int, *shape: int) -> Tensor:
    """Standard normal draws (count, *shape), the own part of those for all processes."""
    share = share_of(noise)
    return share.of(torch.randn(count * share.world, *shape, generator=noise))


def uniform(
    noise: torch.Generator, count: int, *shape: int, dtype: torch.dtype = torch.float32
) -> Tensor:
    """Draws (count, *shape) from 0 up to 1, the own part of those for all processes."""
    share = share_of(noise)
    return share.of(torch.rand(count * share.world, *shape, generator=noise, dtype=dtype))


def integers(noise: torch.Generator, low: int, high: int, count: int, *shape: int) -> Tensor:
    """Draws (count, *shape) from low up to high - 1, the own part of those for all processes."""
    share = share_of(noise)
    size = (count * share.world, *shape)
    return share.of(torch.randint(low, high, size, generator=noise))


def shuffled(noise: torch.Generator, rows: Tensor) -> Tensor:
    """The rows (N, ..) of all processes in another order, the own part of them."""
    gather = noise.gather if isinstance(noise, Noise) else None
    every = rows if gather is None else gather(rows)
    order = torch.randperm(len(every), generator=noise)
    return share_of(noise).of(every[order.to(every.device)])
