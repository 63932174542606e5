"""Where a run trains: one device of this machine, by a single process."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import torch

from genviewer.engine.train_noise import Share

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from genviewer.engine.train_config import TrainConfig
    from genviewer.engine.train_state import TrainingState

T = TypeVar("T")


class Place:
    """A single process and its device, ``cpu`` or ``cuda:0``, that take a run's steps.

    :class:`~genviewer.engine.train_parallel.Parallel` is the place of several. Random draws are
    made on the CPU and then moved, so a run sees the same noise everywhere.
    """

    def __init__(self, device: str = "cpu") -> None:
        self._device = torch.device(device)

    @property
    def first(self) -> bool:
        """Whether this process is the one that writes."""
        return True

    @property
    def share(self) -> Share:
        """Which part of every batch is this process's."""
        return Share(device=self._device)

    def check(self, config: TrainConfig) -> None:
        """TrainingError if a run cannot be shared out; one process takes any."""

    def place(self, state: TrainingState) -> None:
        """Bring a state's networks to this process's device, before a checkpoint is read."""
        for network in (state.network, state.ema, *state.companions.values()):
            network.to(self.share.device)

    def distribute(self, state: TrainingState) -> None:
        """Let this process take its part in every step of ``state``."""
        state.noise.share = self.share

    def mean(self, losses: Mapping[str, float]) -> dict[str, float]:
        """The mean over the processes of each of some figures; all must ask for it."""
        return dict(losses)

    def from_first(self, make: Callable[[], T]) -> T:
        """What the first process makes, in all of them; what it raises is raised in all."""
        return make()
