"""Fitting a VAE's prior warp, and teaching the encoder again for the warped decoder.

The warp comes from iterative distribution transfer (Pitié et al. 2007): turn the plane at random,
match the sorted coordinates of both clouds along each axis, repeat. Each match is a monotone map,
so neighbours stay neighbours.
"""

from __future__ import annotations

import copy
import math
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from genviewer.engine.losses import kl_normal, sample_posterior
from genviewer.engine.train_noise import normal, share_of
from genviewer.engine.train_state import (
    Batches,
    TrainingState,
    check_finite,
    images_tensor,
    learning_rate_factor,
)
from genviewer.engine.train_vae import reconstruction_nll, train_vae
from genviewer.nets.prior_warp import prior_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from genviewer.engine.train_config import OptimizerConfig, VAEObjective
    from genviewer.io.datasets import Images
    from genviewer.nets.mlp_vae import MLPVAE

TURNS = 300
GUIDE_WEIGHT = 30.0  # nats per squared unit at the start of the encoder's second training


def train_warped_vae(
    state: TrainingState,
    batches: Batches,
    objective: VAEObjective,
    optimizer: OptimizerConfig,
    steps: int,
) -> Iterator[dict[str, float]]:
    """Train a VAE with a prior warp: both networks without it, then the encoder with it.

    Raises:
        FloatingPointError: the loss is no longer finite.
    """
    network, first = cast("MLPVAE", state.network), objective.warp_at
    network.warping = state.step > first
    if not network.warping:
        yield from train_vae(state, batches, objective, optimizer, min(first, steps))
        if state.step >= steps:
            return
        fit_warp(state, batches.data)
        network.warping = True
    yield from train_warped_encoder(state, batches, optimizer, first, steps)


def add_warp(state: TrainingState, optimizer: OptimizerConfig) -> None:
    """Give ``state`` what the second part of its training needs."""
    network = cast("MLPVAE", state.network)
    betas = (optimizer.beta1, optimizer.beta2)
    state.companions["first_encoder"] = copy.deepcopy(network.encoder)
    state.optimizers["encoder"] = torch.optim.Adam(
        network.encoder.parameters(), optimizer.learning_rate, betas
    )


def transfer_table(codes: Tensor, side: int, noise: torch.Generator, turns: int = TURNS) -> Tensor:
    """A warp's table (2, S, S) that takes the prior to the distribution of ``codes`` (S * S, 2)."""
    cloud = prior_table(side).flatten(1).T * codes.std(0) + codes.mean(0)  # (S * S, 2)
    for _ in range(turns):
        angle = float(torch.rand((), generator=noise)) * math.pi
        cos, sin = math.cos(angle), math.sin(angle)
        turn = torch.tensor([[cos, -sin], [sin, cos]])
        turned, wanted = cloud @ turn, codes @ turn
        for axis in (0, 1):
            turned[turned[:, axis].argsort(), axis] = wanted[:, axis].sort().values
        cloud = turned @ turn.T
    return cloud.T.reshape(2, side, side).contiguous()


@torch.no_grad()
def fit_warp(state: TrainingState, data: Images, batch: int = 1000) -> None:
    """End the first part: take over the averaged weights, and fit the warp to what they encode.

    The aggregated posterior is sampled once or more per image, as often as the table has places.
    """
    state.network.load_state_dict(state.ema.state_dict())
    network = cast("MLPVAE", state.network)
    state.companions["first_encoder"].load_state_dict(network.encoder.state_dict())
    assert network.warp is not None  # the configuration was checked
    device = share_of(state.noise).device
    parts = [
        network.encode(images_tensor(data.images[start : start + batch]).to(device))
        for start in range(0, len(data.images), batch)
    ]
    mean, logvar = (torch.cat(part).cpu() for part in zip(*parts, strict=True))
    side = network.config.warp
    rows = torch.arange(side * side) % len(mean)
    draws = torch.randn(side * side, 2, generator=state.noise)
    codes = sample_posterior(mean[rows], logvar[rows], draws)
    table = transfer_table(codes, side, state.noise)
    network.warp.table.copy_(table)
    cast("MLPVAE", state.ema).warp.table.copy_(table)  # type: ignore[union-attr]


def train_warped_encoder(
    state: TrainingState, batches: Batches, optimizer: OptimizerConfig, first: int, steps: int
) -> Iterator[dict[str, float]]:
    """From step ``first`` to ``steps`` train the encoder alone on the ELBO of the fixed decoder.

    At first it is led to the places of the prior that the warp takes to where it put the images
    before; that guidance ends halfway.

    Raises:
        FloatingPointError: the loss is no longer finite.
    """
    network = cast("MLPVAE", state.network)
    before, warp = state.companions["first_encoder"], network.warp
    assert warp is not None  # the configuration was checked
    network.train()
    network.decoder.requires_grad_(False)
    places, origins = warp.table.flatten(1).T, prior_table(network.config.warp).flatten(1).T
    origins = origins.to(places.device)
    while state.step < steps:
        done, count = state.step - first, steps - first
        factor = learning_rate_factor(done, count, optimizer)
        x, _ = batches.at(state.step)
        mean, logvar = network.encode(x)
        z = sample_posterior(mean, logvar, normal(state.noise, *mean.shape))
        nll = reconstruction_nll(network, network.logits(z), x).mean()
        kl = kl_normal(mean, logvar).sum(1).mean()
        loss = nll + kl
        guide = GUIDE_WEIGHT * max(0.0, 1.0 - 2.0 * done / count)
        if guide:
            loss = loss + guide * F.mse_loss(mean, _origins(before, x, places, origins))
        losses = {"nll": nll.item(), "kl": kl.item()}
        losses["elbo"] = -losses["nll"] - losses["kl"]
        check_finite(losses.values(), state.step)
        losses |= state.descend("encoder", loss, optimizer.learning_rate * factor, optimizer.clip)
        state.step += 1
        state.update_ema(optimizer.ema)
        yield losses


@torch.no_grad()
def _origins(encoder: nn.Module, x: Tensor, places: Tensor, origins: Tensor) -> Tensor:
    # Where the prior has what the warp takes to the first encoder's mean: (B, 2).
    code = encoder(x.flatten(1), None)[:, :2]
    return origins[torch.cdist(code, places).argmin(1)]
