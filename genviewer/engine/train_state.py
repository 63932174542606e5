"""Everything that an optimizer step changes, so that a run can stop and go on exactly."""

from __future__ import annotations

import copy
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from genviewer.engine.train_noise import ALONE, Noise, Share

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from genviewer.engine.train_config import OptimizerConfig
    from genviewer.io.datasets import Images


class TrainingState:
    """A network, the moving average of its weights, its optimizers, noise and step count.

    ``companions`` are networks that help in training and are no part of the model.

    Not thread-safe: the training thread owns it; others get copies (:meth:`ema_weights`).
    """

    def __init__(
        self,
        network: nn.Module,
        optimizers: dict[str, torch.optim.Optimizer],
        seed: int,
        companions: dict[str, nn.Module] | None = None,
    ) -> None:
        self.network = network
        self.companions = companions or {}
        self.ema = copy.deepcopy(network).eval().requires_grad_(False)
        self.optimizers = optimizers
        self.noise = Noise()
        self.noise.manual_seed(seed)
        self.step = 0
        # Where several processes train: what turns an optimizer's loss into one whose gradient is
        # the mean of all of theirs.
        self.averaging: dict[str, Callable[[Tensor], Tensor]] = {}

    def update_ema(self, decay: float) -> None:
        """Move the average towards the weights; it follows quickly at first."""
        decay = min(decay, (1.0 + self.step) / (10.0 + self.step))
        with torch.no_grad():
            for average, value in zip(
                self.ema.parameters(), self.network.parameters(), strict=True
            ):
                if value.requires_grad:
                    average.lerp_(value, 1.0 - decay)
            for kept, buffer in zip(self.ema.buffers(), self.network.buffers(), strict=True):
                kept.copy_(buffer)

    def ema_weights(self) -> dict[str, np.ndarray[Any, np.dtype[Any]]]:
        """A copy of the averaged weights by name, as NumPy arrays."""
        return {
            k: v.detach().cpu().contiguous().numpy().copy()
            for k, v in self.ema.state_dict().items()
        }

    def descend(self, name: str, loss: Tensor, rate: float, clip: float = 0.0) -> dict[str, float]:
        """One step of the optimizer ``name`` down the gradient of ``loss`` at the rate ``rate``.

        A gradient longer than ``clip`` is shortened to it; 0: any is taken as it is. Given are the
        rate and the gradient's length before that.

        Raises:
            FloatingPointError: the gradient is not finite; the weights are as they were.
        """
        optimizer = self.optimizers[name]
        set_learning_rate(optimizer, rate)
        optimizer.zero_grad(set_to_none=True)
        if name in self.averaging:
            loss = self.averaging[name](loss)
        loss.backward()  # type: ignore[no-untyped-call]
        trained = [p for group in optimizer.param_groups for p in group["params"]]
        norm = nn.utils.get_total_norm([p.grad for p in trained if p.grad is not None])
        length = norm.item()
        if not math.isfinite(length):
            raise FloatingPointError(
                f"The gradient is not finite at step {self.step}: lower the learning rate."
            )
        if clip:
            nn.utils.clip_grads_with_norm_(trained, clip, norm)
        optimizer.step()
        return {"learning_rate": rate, "gradient_norm": length}

    def finite(self) -> bool:
        """Whether every weight is a number."""
        with torch.no_grad():
            return all(bool(p.isfinite().all()) for p in self.network.parameters())

    def state_dict(self) -> dict[str, Any]:
        """Tensors, numbers and dicts only, so that it loads without running code."""
        return {
            "step": self.step,
            "network": self.network.state_dict(),
            "ema": self.ema.state_dict(),
            "companions": {k: v.state_dict() for k, v in self.companions.items()},
            "optimizers": {k: v.state_dict() for k, v in self.optimizers.items()},
            "noise": self.noise.get_state(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over a state from :meth:`state_dict`; RuntimeError if it is of another network."""
        step = state["step"]
        if not isinstance(step, int) or step < 0:
            raise RuntimeError(f"{step!r:.40} is no step")
        self.network.load_state_dict(state["network"])
        self.ema.load_state_dict(state["ema"])
        for key, companion in self.companions.items():
            companion.load_state_dict(state["companions"][key])
        for key, optimizer in self.optimizers.items():
            optimizer.load_state_dict(state["optimizers"][key])
        self.noise.set_state(state["noise"])
        self.step = step


def learning_rate_factor(step: int, steps: int, config: OptimizerConfig) -> float:
    """The share of the learning rate at ``step``: a pure function, so resuming needs no state."""
    warmup = min(1.0, (step + 1) / config.warmup) if config.warmup else 1.0
    progress = min(1.0, step / steps) if steps else 1.0
    cosine = 0.5 * (1.0 + math.cos(math.pi * progress))
    return warmup * (config.final + (1.0 - config.final) * cosine)


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Give the parameters of ``optimizer`` the rate, times the ``factor`` of their group."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group.get("factor", 1.0)


class Batches:
    """Batches of a data set by step number, as tensors; remembers the current epoch's order.

    ``share`` is the part of each that this process takes.
    """

    def __init__(
        self, data: Images, batch_size: int, seed: int, classes: int, share: Share = ALONE
    ) -> None:
        self.data, self.seed, self.classes, self.share = data, seed, classes, share
        self.batch_size = min(batch_size, len(data.images))
        self._per_epoch = len(data.images) // self.batch_size
        self._epoch = -1
        self._order: np.ndarray[Any, Any] = np.empty(0, np.int64)

    def at(self, step: int) -> tuple[Tensor, Tensor | None]:
        """Images (B, C, H, W) in [0, 1], and one-hot classes (B, K) if any are wanted.

        Where several processes train, the own share of them.
        """
        epoch, position = divmod(step, self._per_epoch)
        if epoch != self._epoch:
            count = len(self.data.images)
            self._order = np.random.default_rng([self.seed, epoch]).permutation(count)
            self._epoch = epoch
        rows = self._order[position * self.batch_size : (position + 1) * self.batch_size]
        count = len(rows) // self.share.world
        rows = rows[self.share.rank * count :][:count]
        x = images_tensor(self.data.images[rows]).to(self.share.device)
        if not self.classes:
            return x, None
        if self.data.labels is None:
            raise ValueError(f"{self.data.source} has no labels, and classes are wanted.")
        return x, one_hot(self.data.labels[rows], self.classes).to(self.share.device)


def images_tensor(images: np.ndarray[Any, Any]) -> Tensor:
    """uint8 (B, H, W, C) to float32 (B, C, H, W) in [0, 1]."""
    return torch.from_numpy(images).permute(0, 3, 1, 2).float().div_(255.0)


def one_hot(labels: np.ndarray[Any, Any], classes: int) -> Tensor:
    """Integer labels (B,) to float32 class weights (B, K)."""
    return nn.functional.one_hot(torch.from_numpy(labels.astype(np.int64)), classes).float()


def with_layout(network: nn.Module, layout: torch.memory_format) -> nn.Module:
    """The same network, its convolutions' weights laid out so; in place."""
    moved: nn.Module = network.to(memory_format=layout)  # type: ignore[call-overload]
    return moved


def check_finite(losses: Iterable[float], step: int) -> None:
    """FloatingPointError if the training has diverged."""
    if not all(math.isfinite(value) for value in losses):
        raise FloatingPointError(f"The loss is not finite at step {step}: lower the learning rate.")
