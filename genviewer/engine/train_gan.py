"""Training a GAN: one generator step, with its discriminator steps, per ``next()``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import msgspec
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from genviewer.core.spec import LatentSpec
from genviewer.engine.finetune_layers import training_mode, without_gradients
from genviewer.engine.finetune_replay import ReplayBatches, prior_latents
from genviewer.engine.losses_gan import (
    discriminator_loss,
    generator_loss,
    gradient_penalty,
    r1_penalty,
)
from genviewer.engine.train_augment import augment
from genviewer.engine.train_networks import Span, condition_size, to_unit
from genviewer.engine.train_noise import shuffled, uniform
from genviewer.engine.train_state import (
    Batches,
    TrainingState,
    check_finite,
    learning_rate_factor,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from genviewer.engine.train_config import GANObjective, OptimizerConfig
    from genviewer.nets.residual_gan import Discriminator, ResidualGAN

DISCRIMINATOR = "discriminator"
MEMORY_WEIGHT = 10.0  # of the mean distance to the old picture, in grey values of [-1, 1]
MEAN_SAMPLES, STYLE_RATE = 16, 0.005  # of which the mean style is taken, and how fast it follows


class Players(msgspec.Struct, frozen=True):
    """Who plays: a generator of any family and the discriminator that it plays against.

    ``latent`` is what is drawn from, ``span`` the range of the generator's pictures; the
    discriminator takes them in [-1, 1].
    """

    generator: nn.Module
    discriminator: nn.Module
    latent: LatentSpec
    span: Span = (-1.0, 1.0)

    def draw(self, z: Tensor, y: Tensor | None) -> Tensor:
        """Pictures (B, C, H, W), about [-1, 1], of latents (B, D) and conditions (B, K)."""
        picture: Tensor = cast("Any", self.generator).decode(z, y)
        return picture if self.span == (-1.0, 1.0) else to_unit(picture, self.span) * 2.0 - 1.0

    def judge(self, x: Tensor, y: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Score (B,) and, with an auxiliary classifier, class logits (B, K)."""
        return cast("Discriminator", self.discriminator)(x, y)  # type: ignore[no-any-return]


def own_players(state: TrainingState) -> Players:
    """The two players of a network that has both."""
    network = cast("ResidualGAN", state.network)
    return Players(network, network.discriminator, LatentSpec(network.config.latent_dim))


def make_gan_state(network: ResidualGAN, optimizer: OptimizerConfig, seed: int) -> TrainingState:
    """A fresh state with an Adam for either player."""
    betas = (optimizer.beta1, optimizer.beta2)
    rate = optimizer.discriminator_rate or optimizer.learning_rate
    players = {
        "generator": (network.generator, optimizer.learning_rate),
        "discriminator": (network.discriminator, rate),
    }
    return TrainingState(
        network,
        {
            name: torch.optim.Adam([p for p in player.parameters() if p.requires_grad], r, betas)
            for name, (player, r) in players.items()
        },
        seed,
    )


def train_gan(
    state: TrainingState,
    batches: Batches | ReplayBatches,
    objective: GANObjective,
    optimizer: OptimizerConfig,
    steps: int,
    players: Players | None = None,
) -> Iterator[dict[str, float]]:
    """Train ``state`` until its step count is ``steps``, yielding the losses of both players.

    ``d_real`` and ``d_fake`` are the discriminator's probabilities that real and drawn images are
    real; a critic of the Wasserstein distance has none. ``learning_rate`` and ``gradient_norm`` are
    the generator's, with ``_d`` the discriminator's. ``memory`` is how far pictures of
    classes to be remembered are from what they were. ``players`` are the network's own by default.

    Raises:
        FloatingPointError: a loss is no longer finite.
    """
    players = players or own_players(state)
    conditional = condition_size(players.generator) > 0
    training_mode(state.network)
    losses: dict[str, float] = {}  # kept between steps: the penalty is not taken in each
    while state.step < steps:
        factor = learning_rate_factor(state.step, steps, optimizer)
        rate = optimizer.discriminator_rate or optimizer.learning_rate
        for repeat in range(objective.critic_steps):
            x, y = batches.at(state.step * objective.critic_steps + repeat)
            y = y if conditional else None
            loss, terms = _discriminator_loss(state, players, objective, x, y)
            taken = state.descend("discriminator", loss, rate * factor, optimizer.clip)
            losses |= terms | {f"{name}_d": value for name, value in taken.items()}
        y = _drawn_classes(y, state)
        fake = players.draw(prior_latents(players.latent, len(x), state.noise), y)
        with without_gradients(players.discriminator):  # they are not wanted here
            score, logits = players.judge(augment(fake, objective.augment, state.noise), y)
        loss = generator_loss(objective.loss, score)
        losses["generator"] = loss.item()
        if logits is not None and y is not None:
            misread = F.cross_entropy(logits, y)
            losses["class_drawn"] = misread.item()
            loss = loss + misread
        if isinstance(batches, ReplayBatches):
            z_old, y_old, old = batches.remembered()
            memory = (players.draw(z_old, y_old) - (old * 2.0 - 1.0)).abs().mean()
            losses["memory"] = memory.item()
            loss = loss + MEMORY_WEIGHT * memory
        losses |= state.descend("generator", loss, optimizer.learning_rate * factor, optimizer.clip)
        check_finite(losses.values(), state.step)
        _follow_mean_style(state, players)
        state.step += 1
        state.update_ema(optimizer.ema)
        yield dict(losses)


def _discriminator_loss(
    state: TrainingState,
    players: Players,
    objective: GANObjective,
    x: Tensor,
    y: Tensor | None,
) -> tuple[Tensor, dict[str, float]]:
    y_fake = _drawn_classes(y, state)
    with torch.no_grad():
        fake = players.draw(prior_latents(players.latent, len(x), state.noise), y_fake)
        fake = augment(fake, objective.augment, state.noise)
        real = augment(x * 2.0 - 1.0, objective.augment, state.noise)
    regularised = objective.penalty > 0.0 and state.step % objective.penalty_every == 0
    r1 = regularised and objective.loss != "wgan"
    real.requires_grad_(r1)

    score_real, logits = players.judge(real, y)
    score_fake, _ = players.judge(fake, y_fake)
    loss = discriminator_loss(objective.loss, score_real, score_fake)
    losses = {
        "discriminator": loss.item(),
        "score_real": score_real.mean().item(),
        "score_fake": score_fake.mean().item(),
    }
    if objective.loss != "wgan":
        losses["d_real"] = torch.sigmoid(score_real).mean().item()
        losses["d_fake"] = torch.sigmoid(score_fake).mean().item()
    if logits is not None and y is not None:
        misread = F.cross_entropy(logits, y)
        losses["class_real"] = misread.item()
        loss = loss + misread
    if regularised:
        if r1:
            penalty = r1_penalty(score_real, real)
        else:
            mix = uniform(state.noise, len(x))
            penalty = gradient_penalty(
                lambda between: players.judge(between, y)[0], real, fake, mix
            )
        losses["penalty"] = penalty.item()
        loss = loss + objective.penalty * objective.penalty_every * penalty
    return loss, losses


@torch.no_grad()
def _follow_mean_style(state: TrainingState, players: Players) -> None:
    """Truncation moves towards the mean style, which changes as the mapping network learns."""
    mapping = getattr(players.generator, "mapping", None)
    if mapping is None or not any(p.requires_grad for p in mapping.parameters()):
        return
    z = prior_latents(players.latent, MEAN_SAMPLES, state.noise)
    y: Tensor | None = None
    size = condition_size(players.generator)
    if size:
        labels = torch.randint(size, (MEAN_SAMPLES,), generator=state.noise)
        y = F.one_hot(labels, size).float().to(z.device)
    mapping.w_avg.lerp_(mapping(z, y).mean(0), STYLE_RATE)


def _drawn_classes(y: Tensor | None, state: TrainingState) -> Tensor | None:
    """The classes of the real batch in another order, so that their shares are the same."""
    return None if y is None else shuffled(state.noise, y)
