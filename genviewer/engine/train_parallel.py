"""Training in several processes at once, on one machine or many, through Lightning Fabric.

Every process has the whole networks and works on its share of every batch; the gradients are
averaged (PyTorch's DistributedDataParallel), so all take the same step. Only the first writes.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, TypeVar, cast

import torch
from torch import Tensor, nn

from genviewer.engine.train_config import TrainingError
from genviewer.engine.train_noise import Share
from genviewer.engine.train_place import Place
from genviewer.nets.residual_gan import Discriminator
from genviewer.nets.shared_norm import share_batch_norm

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lightning_fabric import Fabric

    from genviewer.engine.train_config import TrainConfig
    from genviewer.engine.train_state import TrainingState

T = TypeVar("T")


class Parallel(Place):
    """This process among those that train together.

    Args:
        devices: how many on this machine, of its accelerator or, where it has none, processes on
            its CPU. Under ``torchrun`` or ``fabric run`` their numbers hold instead.

    Raises:
        TrainingError: there are not as many devices.
    """

    def __init__(self, devices: int) -> None:
        from lightning_fabric import Fabric
        from lightning_fabric.strategies.ddp import DDPStrategy

        local = int(os.environ.get("LOCAL_WORLD_SIZE", devices))
        nodes = max(1, int(os.environ.get("WORLD_SIZE", local)) // local)
        accelerator = "auto"
        if torch.cuda.is_available() and local > torch.cuda.device_count():
            raise TrainingError(
                f"There are {torch.cuda.device_count()} devices here, fewer than {local}."
            )
        several = local * nodes > 1
        # What takes no part in a loss, as the classes that a batch lacks, is found out.
        strategy = DDPStrategy(find_unused_parameters=True) if several else "auto"
        try:
            self._fabric: Fabric = Fabric(
                accelerator=accelerator, strategy=strategy, devices=local, num_nodes=nodes
            )
            self._fabric.launch()
        except (ValueError, RuntimeError) as error:
            reason = str(error).splitlines()[0]
            raise TrainingError(f"The devices cannot train together: {reason}") from error

    @property
    def first(self) -> bool:
        """Whether this process is the one that writes."""
        return self._fabric.global_rank == 0

    @property
    def share(self) -> Share:
        """Which part of every batch is this process's."""
        return Share(self._fabric.global_rank, self._fabric.world_size, self._fabric.device)

    def check(self, config: TrainConfig) -> None:
        """Whether a run can be shared out.

        Raises:
            TrainingError: its batch cannot be divided, or its objective speaks of whole batches.
        """
        world = self.share.world
        if world == 1:
            return
        if config.batch_size % world:
            raise TrainingError(
                f"A batch of {config.batch_size} cannot be shared by {world} devices: take a "
                f"multiple of {world}."
            )
        whole = config.vae is not None and (
            config.vae.views or config.vae.warp_at or config.vae.total_correlation
        )
        if whole:
            raise TrainingError(
                "views, warp_at and total_correlation are for one device; leave out --devices."
            )

    def distribute(self, state: TrainingState) -> None:
        """Let the processes take every step of ``state`` together, which is the same in all."""
        super().distribute(state)
        share = self.share
        if share.world == 1:
            return
        state.noise.gather = self._gather
        for network in (state.network, *state.companions.values()):
            share_batch_norm(network, _mean_of_all, share.world)
            for module in network.modules():
                if isinstance(module, Discriminator):
                    module.across = _mean_of_all
        for name, optimizer in state.optimizers.items():
            trained = [p for group in optimizer.param_groups for p in group["params"]]
            averaged = self._fabric.setup_module(_Averaged(trained), move_to_device=False)
            state.averaging[name] = cast("Callable[[Tensor], Tensor]", averaged)

    def mean(self, losses: Mapping[str, float]) -> dict[str, float]:
        """The mean over the processes of each of some figures; all must ask for it."""
        if self.share.world == 1:
            return super().mean(losses)
        values = torch.tensor(list(losses.values()), dtype=torch.float64).float()
        mean = cast("Tensor", self._fabric.all_reduce(values.to(self.share.device)))
        return dict(zip(losses, mean.tolist(), strict=True))

    def from_first(self, make: Callable[[], T]) -> T:
        """What the first process makes, in all of them; what it raises is raised in all."""
        value: Any = None
        error: Exception | None = None
        if self.first:
            try:
                value = make()
            except (ValueError, OSError) as raised:
                error = raised
        value, error = self._fabric.broadcast((value, error))
        if error is not None:
            raise error
        return cast("T", value)

    def _gather(self, rows: Tensor) -> Tensor:
        return cast("Tensor", self._fabric.all_gather(rows)).flatten(0, 1)


class _Averaged(nn.Module):
    """Parameters whose gradients are averaged, however the loss came about that is passed."""

    def __init__(self, parameters: list[nn.Parameter]) -> None:
        super().__init__()
        self.parameters_of_all = nn.ParameterList(parameters)

    def forward(self, loss: Tensor) -> Tensor:
        return loss


def launched() -> bool:
    """Whether ``torchrun`` or ``fabric run`` started this process."""
    return "LOCAL_WORLD_SIZE" in os.environ


def first_process() -> bool:
    """Whether this is the process that speaks for all; known before they have met."""
    return int(os.environ.get("RANK", os.environ.get("LOCAL_RANK", "0"))) == 0


def _mean_of_all(values: Tensor) -> Tensor:
    from torch.distributed import get_world_size
    from torch.distributed.nn.functional import all_reduce

    total: Tensor = all_reduce(values)  # type: ignore[no-untyped-call]
    return total / get_world_size()
