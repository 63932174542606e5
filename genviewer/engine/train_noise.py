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
    """Which part of every batch a process works on, and where: ``rank`` of ``world`` equal ones.

    A whole batch may be of ``parts`` of so many rows, one after the other; of each every process
    has its share.
    """

    rank: int = 0
    world: int = 1
    device: torch.device = torch.device("cpu")
    parts: tuple[int, ...] = ()

    def of(self, values: Tensor) -> Tensor:
        """The own rows of a tensor for the whole batch, on the own device."""
        if self.world > 1:
            own = []
            for part in torch.split(values, self._parts(len(values))):
                count = len(part) // self.world
                own.append(part[self.rank * count : (self.rank + 1) * count])
            values = torch.cat(own)
        return values.to(self.device)

    def whole(self, rows: Tensor) -> Tensor:
        """The rows (N, ..) that the processes have, one after the other, as in a whole batch."""
        own = [count // self.world for count in self._parts(len(rows))]
        of_each = torch.split(rows.view(self.world, -1, *rows.shape[1:]), own, 1)
        return torch.cat([part.flatten(0, 1) for part in of_each])

    def _parts(self, count: int) -> list[int]:
        """The parts of so many rows; draws for something else than the batch have one."""
        return list(self.parts) if count == sum(self.parts) else [count]


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
    every = _every(noise, rows)
    order = torch.randperm(len(every), generator=noise)
    return share_of(noise).of(every[order.to(every.device)])


def chosen(noise: torch.Generator, rows: Tensor, count: int, without: int = 0) -> Tensor:
    """``count`` rows drawn with replacement from those (N, ..) of all processes, the own part.

    The last ``without`` rows of every process are none of them.
    """
    share, every = share_of(noise), _every(noise, rows)
    places = torch.randint(
        0, len(every) - without * share.world, (count * share.world,), generator=noise
    )
    return share.of(every[places.to(every.device)])


def _every(noise: torch.Generator, rows: Tensor) -> Tensor:
    """The rows of all processes, as in a whole batch."""
    gather = noise.gather if isinstance(noise, Noise) else None
    return rows if gather is None else share_of(noise).whole(gather(rows))
