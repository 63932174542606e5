"""Training a GAN: one generator step, with its discriminator steps, per ``next()``."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor
from torch.nn import functional as F

from genviewer.engine.losses_gan import (
    discriminator_loss,
    generator_loss,
    gradient_penalty,
    r1_penalty,
)
from genviewer.engine.train_augment import augment
from genviewer.engine.train_state import (
    Batches,
    TrainingState,
    check_finite,
    learning_rate_factor,
    set_learning_rate,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from genviewer.engine.train_config import GANObjective, OptimizerConfig
    from genviewer.nets.residual_gan import ResidualGAN


def make_gan_state(network: ResidualGAN, optimizer: OptimizerConfig, seed: int) -> TrainingState:
    """A fresh state with an Adam for either player."""
    betas = (optimizer.beta1, optimizer.beta2)
    rate = optimizer.discriminator_rate or optimizer.learning_rate
    return TrainingState(
        network,
        {
            "generator": torch.optim.Adam(
                network.generator.parameters(), optimizer.learning_rate, betas
            ),
            "discriminator": torch.optim.Adam(network.discriminator.parameters(), rate, betas),
        },
        seed,
    )


def train_gan(
    state: TrainingState,
    batches: Batches,
    objective: GANObjective,
    optimizer: OptimizerConfig,
    steps: int,
) -> Iterator[dict[str, float]]:
    """Train ``state`` until its step count is ``steps``, yielding the losses of both players.

    Raises:
        FloatingPointError: a loss is no longer finite.
    """
    network = cast("ResidualGAN", state.network)
    adam_g, adam_d = state.optimizers["generator"], state.optimizers["discriminator"]
    network.train()
    losses: dict[str, float] = {}  # kept between steps: the penalty is not taken in each
    while state.step < steps:
        factor = learning_rate_factor(state.step, steps, optimizer)
        set_learning_rate(adam_g, optimizer.learning_rate * factor)
        rate = optimizer.discriminator_rate or optimizer.learning_rate
        set_learning_rate(adam_d, rate * factor)

        for repeat in range(objective.critic_steps):
            x, y = batches.at(state.step * objective.critic_steps + repeat)
            losses |= _discriminator_step(state, objective, adam_d, x, y)
        y = _drawn_classes(y, state)
        fake = network.decode(_latents(state, len(x)), y)
        network.discriminator.requires_grad_(False)  # its gradients are not wanted here
        score, logits = network.discriminator(augment(fake, objective.augment, state.noise), y)
        loss = generator_loss(objective.loss, score)
        losses["generator"] = loss.item()
        if logits is not None and y is not None:
            misread = F.cross_entropy(logits, y)
            losses["class_drawn"] = misread.item()
            loss = loss + misread
        adam_g.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        adam_g.step()
        network.discriminator.requires_grad_(True)

        check_finite(losses.values(), state.step)
        state.step += 1
        state.update_ema(optimizer.ema)
        yield dict(losses)


def _discriminator_step(
    state: TrainingState,
    objective: GANObjective,
    adam: torch.optim.Optimizer,
    x: Tensor,
    y: Tensor | None,
) -> dict[str, float]:
    network = cast("ResidualGAN", state.network)
    y_fake = _drawn_classes(y, state)
    with torch.no_grad():
        fake = network.decode(_latents(state, len(x)), y_fake)
        fake = augment(fake, objective.augment, state.noise)
        real = augment(x * 2.0 - 1.0, objective.augment, state.noise)
    regularised = objective.penalty > 0.0 and state.step % objective.penalty_every == 0
    r1 = regularised and objective.loss != "wgan"
    real.requires_grad_(r1)

    score_real, logits = network.discriminator(real, y)
    score_fake, _ = network.discriminator(fake, y_fake)
    loss = discriminator_loss(objective.loss, score_real, score_fake)
    losses = {
        "discriminator": loss.item(),
        "score_real": score_real.mean().item(),
        "score_fake": score_fake.mean().item(),
    }
    if logits is not None and y is not None:
        misread = F.cross_entropy(logits, y)
        losses["class_real"] = misread.item()
        loss = loss + misread
    if regularised:
        if r1:
            penalty = r1_penalty(score_real, real)
        else:
            mix = torch.rand(len(x), generator=state.noise)
            penalty = gradient_penalty(
                lambda between: network.discriminate(between, y), real, fake, mix
            )
        losses["penalty"] = penalty.item()
        loss = loss + objective.penalty * objective.penalty_every * penalty
    adam.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    adam.step()
    return losses


def _latents(state: TrainingState, count: int) -> Tensor:
    dim = cast("ResidualGAN", state.network).config.latent_dim
    return torch.randn(count, dim, generator=state.noise)


def _drawn_classes(y: Tensor | None, state: TrainingState) -> Tensor | None:
    """The classes of the real batch in another order, so that their shares are the same."""
    return None if y is None else y[torch.randperm(len(y), generator=state.noise)]
