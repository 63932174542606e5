"""Training a VAE: one optimizer step per ``next()``."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor

from genviewer.engine.finetune_layers import training_mode
from genviewer.engine.finetune_replay import ReplayBatches
from genviewer.engine.losses import (
    bernoulli_nll,
    decompose_kl,
    discretised_logistic_nll,
    free_bits,
    gaussian_nll,
    kl_normal,
    sample_posterior,
)
from genviewer.engine.train_companions import (
    add_classifier,
    add_discriminator,
    misread,
    unreal,
)
from genviewer.engine.train_groups import GroupBatches, combine_posteriors, some_views
from genviewer.engine.train_networks import UNIT, Span, condition_size, encode, reconstruct
from genviewer.engine.train_noise import normal, uniform
from genviewer.engine.train_state import (
    Batches,
    TrainingState,
    check_finite,
    images_tensor,
    learning_rate_factor,
    one_hot,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import nn

    from genviewer.engine.train_config import OptimizerConfig, VAEObjective
    from genviewer.io.datasets import Images
    from genviewer.nets.mlp_vae import MLPVAE
    from genviewer.nets.residual_vae import ResidualVAE


def make_vae_state(
    network: ResidualVAE,
    objective: VAEObjective,
    optimizer: OptimizerConfig,
    seed: int,
    label_classes: int = 0,
) -> TrainingState:
    """A fresh state with one Adam for encoder and decoder, and the companions it trains with.

    ``label_classes`` is how many classes the classifier tells apart. The companions' first weights
    come from torch's own random state.
    """
    betas = (optimizer.beta1, optimizer.beta2)
    trained = [p for p in network.parameters() if p.requires_grad]
    adam = torch.optim.Adam(trained, optimizer.learning_rate, betas)
    state = TrainingState(network, {"vae": adam}, seed)
    if objective.class_weight:
        add_classifier(state, network.config, label_classes, objective.classifier)
    if objective.adversarial_weight:
        add_discriminator(state, network.config)
    return state


def reconstruction_nll(network: ResidualVAE | MLPVAE, logits: Tensor, x: Tensor) -> Tensor:
    """-log p(x | z, y) in nats, (B,), under the network's likelihood with the mean's logits."""
    if network.config.likelihood == "bernoulli":
        return bernoulli_nll(logits, x)
    mean, scale = torch.sigmoid(logits), cast("Tensor", network.decoder.log_scale)
    if network.config.likelihood == "gaussian":
        return gaussian_nll(mean, scale, x)
    return discretised_logistic_nll(mean, scale, x)


def train_vae(
    state: TrainingState,
    batches: Batches | GroupBatches | ReplayBatches,
    objective: VAEObjective,
    optimizer: OptimizerConfig,
    steps: int,
    span: Span = UNIT,
) -> Iterator[dict[str, float]]:
    """Train ``state`` until its step count is ``steps``, yielding the losses (nats per image).

    ``span`` is the range of the network's pictures. ``memory`` among the losses is that of what is
    drawn of classes to be remembered.

    Raises:
        FloatingPointError: the loss is no longer finite.
    """
    network = state.network
    conditional = condition_size(network) > 0
    remembered = batches.count if isinstance(batches, ReplayBatches) else 0
    training_mode(network)
    while state.step < steps:
        rate = optimizer.learning_rate * learning_rate_factor(state.step, steps, optimizer)
        x, labels = batches.at(state.step)
        y = labels if conditional else None
        if y is not None and objective.condition_dropout:
            kept = uniform(state.noise, len(y), 1) >= objective.condition_dropout
            y = y * kept
        views = 1
        if isinstance(batches, GroupBatches):
            views = batches.views
            seen = some_views(len(x) // views, views, state.noise)
            rows = seen.view(-1)
            single = encode(network, x[rows], None if y is None else y[rows], span)
            mean, logvar = combine_posteriors(*single, seen)
        else:
            mean, logvar = encode(network, x, y, span)
        noise = normal(state.noise, *mean.shape)
        z = sample_posterior(mean, logvar, noise).repeat_interleave(views, 0)
        drawn, terms = reconstruct(network, z, y, x, span)
        nll = terms.mean()
        kl = kl_normal(mean, logvar) / views  # a latent's cost is shared by the images it draws
        beta = objective.beta
        if state.step < objective.kl_warmup:
            beta *= (state.step + 1) / objective.kl_warmup
        losses = {"nll": nll.item(), "kl": kl.sum(1).mean().item(), "beta": beta}
        if objective.total_correlation:
            # The KL as a whole is known in closed form; only what is added to it is estimated.
            correlation = decompose_kl(z, mean, logvar).total_correlation
            weighted = kl.sum(1).mean() + (beta - 1.0) * correlation
            losses["tc"] = correlation.item()
        else:
            weighted = beta * free_bits(kl, objective.free_bits)
        heat = current_heat(objective, state.step)
        if heat != 1.0:
            losses["heat"] = heat
        loss = nll + heat * weighted
        helped = state.step - objective.companions_from
        if helped < 0 and objective.class_weight:
            losses["class"] = 0.0
        if helped < 0 and objective.adversarial_weight:
            losses["adversarial"] = 0.0
        ramp = min(1.0, (helped + 1) / max(1, objective.companion_warmup))
        if labels is not None and objective.class_weight and helped >= 0:
            wrong = misread(state, x, labels, drawn, remembered)
            losses["class"] = wrong.item()
            loss = loss + ramp * objective.class_weight * wrong
        if objective.adversarial_weight and helped >= 0:
            fake = unreal(state, x, y, drawn)
            losses["adversarial"] = fake.item()
            loss = loss + ramp * objective.adversarial_weight * fake
        if isinstance(batches, ReplayBatches):
            z_old, y_old, old = batches.remembered()
            memory = reconstruct(network, z_old, y_old, old, span)[1].sum() / len(x)
            losses["memory"] = memory.item()
            loss = loss + memory
        if objective.beta:
            losses["elbo"] = -losses["nll"] - losses["kl"]
        losses |= state.descend("vae", loss, rate, optimizer.clip)
        check_finite(losses.values(), state.step)
        state.step += 1
        state.update_ema(optimizer.ema)
        yield losses


def current_heat(objective: VAEObjective, step: int) -> float:
    """How many times heavier the KL terms are at ``step``: a function of it, as for resuming."""
    if step >= objective.cooling:
        return 1.0
    return float(objective.heat ** (1.0 - step / objective.cooling))


@torch.inference_mode()
def measure_elbo(
    network: nn.Module,
    data: Images,
    *,
    limit: int = 10_000,
    seed: int = 0,
    batch: int = 250,
    span: Span = UNIT,
) -> tuple[float, list[float]]:
    """The ELBO in nats per image over the first images, and the KL of every dimension.

    ``span`` is the range of the network's pictures.
    """
    noise = torch.Generator().manual_seed(seed)
    total, count = 0.0, min(limit, len(data.images))
    classes = condition_size(network)
    kl_sum: Tensor | float = 0.0
    for start in range(0, count, batch):
        rows = slice(start, min(start + batch, count))
        x = images_tensor(data.images[rows])
        y = None
        if classes and data.labels is not None:
            y = one_hot(data.labels[rows], classes)
        mean, logvar = encode(network, x, y, span)
        z = sample_posterior(mean, logvar, torch.randn(mean.shape, generator=noise))
        kl = kl_normal(mean, logvar)
        total -= float((reconstruct(network, z, y, x, span)[1] + kl.sum(1)).sum())
        kl_sum = kl_sum + kl.sum(0)
    per_dimension = torch.as_tensor(kl_sum).reshape(-1) / count
    return total / count, per_dimension.tolist()
