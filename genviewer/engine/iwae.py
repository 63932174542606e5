"""Training of the networks that "Importance Weighted Autoencoders" reports on.

Burda, Grosse and Salakhutdinov 2016: pixels binarised anew at every look, Adam on batches of 20,
and eight stages of ``3^i`` epochs at the learning rate ``0.001 * 10^(-i / 7)``: 3,280 epochs. The
schedule is the same however many of its stages are trained, so a run that ends after an earlier
stage has an annealed rate all the same, and can go on later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import torch

from genviewer.engine.iwae_network import BoundGradient, IwaeConfig, initial_parameters

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

STAGES = 8
BATCH_SIZE = 20
LEARNING_RATE = 0.001
BETAS = (0.9, 0.999)
EPSILON = 1e-4
"""Of Adam, as in the paper; far above the usual one, it holds back rarely used weights."""

MEASURED_EVERY = 50
"""Steps between two measurements of the bound: with one sample the gradient needs it not."""


class IwaeRunConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What decides a run, down to the last bit at one number of threads.

    ``samples`` is k, ``seed`` that of weights, order and noise.
    """

    samples: int = 1
    batch_size: int = BATCH_SIZE
    seed: int = 0
    threads: int = 1
    network: IwaeConfig = IwaeConfig()

    def __post_init__(self) -> None:
        if min(self.samples, self.batch_size, self.threads) < 1 or self.seed < 0:
            raise ValueError("samples, batch_size and threads are at least 1, the seed at least 0")


def stage_of(epoch: int) -> int:
    """The stage (0 ..) in which epoch ``epoch`` (0 ..) lies."""
    stage = 0
    while epoch >= epochs_until(stage):
        stage += 1
    return stage


def epochs_until(stage: int) -> int:
    """How many epochs have passed when ``stage`` (0 ..) ends; 3,280 for the last of eight."""
    return int((3 ** (stage + 1) - 1) // 2)


def learning_rate(epoch: int) -> float:
    """Adam's rate in an epoch (0 ..)."""
    return float(LEARNING_RATE * 10.0 ** (-stage_of(epoch) / 7.0))


class Binarised:
    """Grey images as random binary ones, drawn anew for every epoch.

    Args:
        images: uint8 (N, pixels); a pixel is on with the probability value / 255.
        seed: of the draws.
    """

    def __init__(self, images: NDArray[np.uint8], seed: int) -> None:
        self._certain = (images == 255).astype(np.uint8)
        # Four pixels of five are black or white: chance has no part in them.
        self._grey = np.flatnonzero((images > 0) & (images < 255))
        self._probability = images.ravel()[self._grey].astype(np.float32) / np.float32(255.0)
        self._seed = seed

    def __len__(self) -> int:
        return len(self._certain)

    def epoch(self, number: int) -> NDArray[np.uint8]:
        """Zeros and ones, uint8 (N, pixels), in a random order of the images."""
        rng = np.random.default_rng([self._seed, 1, number])
        drawn = self._certain.copy()
        uniform = rng.random(len(self._grey), dtype=np.float32)
        drawn.ravel()[self._grey] = uniform < self._probability
        shuffled: NDArray[np.uint8] = drawn[rng.permutation(len(drawn))]
        return shuffled


class IwaeState:
    """Everything that a step changes. Not thread-safe."""

    def __init__(self, config: IwaeRunConfig, mean: NDArray[Any]) -> None:
        self.config = config
        self.parameters = initial_parameters(config.network, mean, config.seed)
        self.optimizer = torch.optim.Adam(
            [self.parameters], lr=LEARNING_RATE, betas=BETAS, eps=EPSILON, fused=True
        )
        self.noise = torch.Generator().manual_seed(config.seed)
        self.step = 0

    def state_dict(self) -> dict[str, Any]:
        """Tensors, numbers and dicts only, so that it loads without running code."""
        return {
            "step": self.step,
            "parameters": self.parameters,
            "optimizer": self.optimizer.state_dict(),
            "noise": self.noise.get_state(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over a state from :meth:`state_dict`; RuntimeError if it is of other sizes."""
        self.parameters.copy_(state["parameters"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.noise.set_state(state["noise"])
        self.step = int(state["step"])


def steps_per_epoch(config: IwaeRunConfig, images: int) -> int:
    """Whole batches of an epoch; images that are left over have their turn in another order."""
    return images // config.batch_size


def train_iwae(
    state: IwaeState, images: NDArray[np.uint8], stages: int = STAGES
) -> Iterator[dict[str, float]]:
    """Train to the end of stage ``stages``: one optimizer step per ``next()``.

    Args:
        state: where to go on.
        images: grey images uint8 (N, pixels).
        stages: how many of the schedule's stages.

    Yields:
        ``bound`` in nats, the mean over the batch, at every :data:`MEASURED_EVERY`-th step, and
        nothing in between.

    Raises:
        FloatingPointError: the training diverged.
    """
    config = state.config
    per_epoch = steps_per_epoch(config, len(images))
    data = Binarised(images, config.seed)
    size = config.batch_size
    bound_of = BoundGradient(state.parameters, config.network, size, config.samples)
    state.parameters.grad = bound_of.gradient
    noise = torch.empty(size, config.samples, config.network.latent_dim)
    for epoch in range(state.step // per_epoch, epochs_until(stages - 1)):
        drawn = torch.from_numpy(data.epoch(epoch))
        state.optimizer.param_groups[0]["lr"] = learning_rate(epoch)
        for position in range(state.step % per_epoch, per_epoch):
            x = drawn[position * size : (position + 1) * size].float()
            noise.normal_(generator=state.noise)
            measured = state.step % MEASURED_EVERY == 0
            bound = bound_of(x, noise, measured)
            state.optimizer.step()
            state.step += 1
            if measured and bound is not None:
                if not np.isfinite(bound):
                    raise FloatingPointError(f"The bound is not finite at step {state.step}.")
                yield {"bound": bound}
            else:
                yield {}
