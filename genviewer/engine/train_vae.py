"""Training a VAE: one optimizer step per ``next()``."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor
from torch.nn import functional as F

from genviewer.engine.losses import (
    bernoulli_nll,
    decompose_kl,
    discretised_logistic_nll,
    free_bits,
    gaussian_nll,
    kl_normal,
    sample_posterior,
)
from genviewer.engine.train_augment import augment
from genviewer.engine.train_state import (
    Batches,
    TrainingState,
    check_finite,
    images_tensor,
    learning_rate_factor,
    one_hot,
    set_learning_rate,
    with_layout,
)
from genviewer.nets.classifier import Classifier, ClassifierConfig

if TYPE_CHECKING:
    from collections.abc import Iterator

    from genviewer.engine.train_config import OptimizerConfig, VAEObjective
    from genviewer.io.datasets import Images
    from genviewer.nets.residual_vae import ResidualVAE


# The share of a batch that is drawn from the prior for the classifier to look at.
PRIOR_SHARE = 1 / 4
CLASSIFIER_RATE = 1e-3
CLASSIFIER_NOISE = 0.2
CLASSIFIER_AUGMENT = "translation"


def make_vae_state(
    network: ResidualVAE,
    objective: VAEObjective,
    optimizer: OptimizerConfig,
    seed: int,
    label_classes: int = 0,
) -> TrainingState:
    """A fresh state with one Adam for encoder and decoder, and the classifier's if it is used.

    ``label_classes`` is how many classes the classifier tells apart; its first weights come from
    torch's own random state.
    """
    adam = torch.optim.Adam(
        network.parameters(), optimizer.learning_rate, (optimizer.beta1, optimizer.beta2)
    )
    if not objective.class_weight:
        return TrainingState(network, {"vae": adam}, seed)
    config = network.config
    classifier = with_layout(
        Classifier(ClassifierConfig(config.image_size, config.image_channels, label_classes)),
        torch.channels_last,
    )
    optimizers: dict[str, torch.optim.Optimizer] = {
        "vae": adam,
        "classifier": torch.optim.Adam(classifier.parameters(), CLASSIFIER_RATE),
    }
    return TrainingState(network, optimizers, seed, {"classifier": classifier})


def reconstruction_nll(network: ResidualVAE, logits: Tensor, x: Tensor) -> Tensor:
    """-log p(x | z, y) in nats, (B,), under the network's likelihood with the mean's logits."""
    if network.config.likelihood == "bernoulli":
        return bernoulli_nll(logits, x)
    mean, scale = torch.sigmoid(logits), cast("Tensor", network.decoder.log_scale)
    if network.config.likelihood == "gaussian":
        return gaussian_nll(mean, scale, x)
    return discretised_logistic_nll(mean, scale, x)


def train_vae(
    state: TrainingState,
    batches: Batches,
    objective: VAEObjective,
    optimizer: OptimizerConfig,
    steps: int,
) -> Iterator[dict[str, float]]:
    """Train ``state`` until its step count is ``steps``, yielding the losses (nats per image).

    Raises:
        FloatingPointError: the loss is no longer finite.
    """
    network = cast("ResidualVAE", state.network)
    adam = state.optimizers["vae"]
    network.train()
    while state.step < steps:
        set_learning_rate(
            adam, optimizer.learning_rate * learning_rate_factor(state.step, steps, optimizer)
        )
        x, labels = batches.at(state.step)
        y = labels if network.config.classes else None
        if y is not None and objective.condition_dropout:
            kept = torch.rand(len(y), 1, generator=state.noise) >= objective.condition_dropout
            y = y * kept
        mean, logvar = network.encode(x, y)
        noise = torch.randn(mean.shape, generator=state.noise)
        z = sample_posterior(mean, logvar, noise)
        logits = network.logits(z, y)
        nll = reconstruction_nll(network, logits, x).mean()
        kl = kl_normal(mean, logvar)
        beta = objective.beta
        if state.step < objective.kl_warmup:
            beta *= (state.step + 1) / objective.kl_warmup
        losses = {"nll": nll.item(), "kl": kl.sum(1).mean().item(), "beta": beta}
        if objective.total_correlation:
            parts = decompose_kl(z, mean, logvar, len(batches.data.images))
            loss = nll + parts.mutual_information + beta * parts.total_correlation
            loss = loss + parts.dimension_wise
            losses["tc"] = parts.total_correlation.item()
        else:
            loss = nll + beta * free_bits(kl, objective.free_bits)
        if labels is not None and objective.class_weight:
            misread = _misread(state, x, labels, torch.sigmoid(logits))
            losses["class"] = misread.item()
            ramp = min(1.0, (state.step + 1) / max(1, objective.class_warmup))
            loss = loss + ramp * objective.class_weight * misread
        losses["elbo"] = -losses["nll"] - losses["kl"]
        check_finite(losses.values(), state.step)
        adam.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        adam.step()
        state.step += 1
        state.update_ema(optimizer.ema)
        yield losses


def _misread(state: TrainingState, x: Tensor, labels: Tensor, mean: Tensor) -> Tensor:
    """Teach the classifier a batch, then the cross entropy of what the model draws under it.

    With classes that is samples from the prior, else ``mean`` (B, C, H, W), the reconstructions.
    """
    network, classifier = cast("ResidualVAE", state.network), state.companions["classifier"]
    adam = state.optimizers["classifier"]
    loss = F.cross_entropy(classifier(_disturbed(x, state.noise)), labels, label_smoothing=0.05)
    adam.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    adam.step()

    drawn, wanted = mean, labels
    if network.config.classes:
        count = max(1, int(len(x) * PRIOR_SHARE))
        wanted = labels[torch.randint(len(labels), (count,), generator=state.noise)]
        z = torch.randn(count, network.config.latent_dim, generator=state.noise)
        drawn = network.decode(z, wanted)
    classifier.requires_grad_(False)
    misread = F.cross_entropy(classifier(_disturbed(drawn, state.noise)), wanted)
    classifier.requires_grad_(True)
    return misread


def _disturbed(x: Tensor, noise: torch.Generator) -> Tensor:
    # Shifted and noisy, so that no faint pattern can persuade the classifier.
    shifted = augment(x * 2.0 - 1.0, CLASSIFIER_AUGMENT, noise)
    return shifted + CLASSIFIER_NOISE * torch.randn(shifted.shape, generator=noise)


@torch.inference_mode()
def measure_elbo(
    network: ResidualVAE, data: Images, *, limit: int = 10_000, seed: int = 0, batch: int = 250
) -> tuple[float, list[float]]:
    """The ELBO in nats per image over the first images, and the KL of every dimension."""
    noise = torch.Generator().manual_seed(seed)
    total, count = 0.0, min(limit, len(data.images))
    kl_sum = torch.zeros(network.config.latent_dim)
    for start in range(0, count, batch):
        rows = slice(start, min(start + batch, count))
        x = images_tensor(data.images[rows])
        y = None
        if network.config.classes and data.labels is not None:
            y = one_hot(data.labels[rows], network.config.classes)
        mean, logvar = network.encode(x, y)
        z = sample_posterior(mean, logvar, torch.randn(mean.shape, generator=noise))
        kl = kl_normal(mean, logvar)
        total -= float((reconstruction_nll(network, network.logits(z, y), x) + kl.sum(1)).sum())
        kl_sum += kl.sum(0)
    return total / count, [float(value) / count for value in kl_sum]
