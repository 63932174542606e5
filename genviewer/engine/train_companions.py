"""Networks that help a VAE in training and are no part of it: a classifier and a discriminator.

They learn from the real images beside the model, and say of what it draws whether it can be read
and whether it looks real (as in CVAE-GAN, Bao et al. 2017). The posterior mean of a likelihood is
soft wherever the latent does not decide; this keeps the pictures clear there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import msgspec
import torch
from torch import Tensor
from torch.nn import functional as F

from genviewer.engine.finetune_layers import without_gradients
from genviewer.engine.losses_gan import discriminator_loss, generator_loss, r1_penalty
from genviewer.engine.train_augment import augment
from genviewer.engine.train_noise import chosen, normal
from genviewer.engine.train_state import TrainingState, with_layout
from genviewer.nets.classifier import Classifier, ClassifierConfig
from genviewer.nets.residual_gan import Discriminator, ResidualGANConfig

if TYPE_CHECKING:
    from torch import nn

    from genviewer.nets.mlp_vae import MLPVAEConfig
    from genviewer.nets.residual_vae import ResidualVAE, ResidualVAEConfig

RATE = 1e-3
DENSE_WIDTH = 256
CLASSIFIER_SHARE = 1 / 4  # of a batch, drawn from the prior for the classifier to look at
CLASSIFIER_NOISE = 0.2
CLASSIFIER_AUGMENT = "translation"
DISCRIMINATOR_SHARE = 1 / 2
LARGE = 32  # the side above which it looks at blocks twice as large and half as many, for speed
R1_WEIGHT = 0.05
R1_EVERY = 4


def add_classifier(
    state: TrainingState, config: ResidualVAEConfig | MLPVAEConfig, classes: int, kind: str
) -> None:
    """Give ``state`` a fresh classifier; its weights come from torch's own random state."""
    sizes = ClassifierConfig(config.image_size, config.image_channels, classes)
    if kind == "dense":
        sizes = msgspec.structs.replace(sizes, channels=(), hidden=DENSE_WIDTH)
    _add(state, "classifier", Classifier(sizes), (0.9, 0.999))


def add_discriminator(state: TrainingState, config: ResidualVAEConfig) -> None:
    """Give ``state`` a fresh discriminator; its weights come from torch's own random state."""
    sizes = ResidualGANConfig(
        image_size=config.image_size,
        image_channels=config.image_channels,
        classes=config.classes,
        channels=config.channels,
        blocks=config.blocks,
        shuffle=config.shuffle if config.image_size <= LARGE else 2 * config.shuffle,
    )
    _add(state, "discriminator", Discriminator(sizes), (0.0, 0.99))


def _add(state: TrainingState, name: str, network: nn.Module, betas: tuple[float, float]) -> None:
    state.companions[name] = with_layout(network, torch.channels_last)
    state.optimizers[name] = torch.optim.Adam(network.parameters(), RATE, betas)


def misread(
    state: TrainingState, x: Tensor, labels: Tensor, mean: Tensor, remembered: int = 0
) -> Tensor:
    """Teach the classifier a batch, then its cross entropy on what the model draws: scalar.

    With classes that is samples from the prior, else ``mean`` (B, C, H, W), the reconstructions of
    ``x``. The gradient reaches the model alone. The last ``remembered`` images are such samples
    already and of classes that need no help, so others are drawn.
    """
    network, classifier = cast("ResidualVAE", state.network), state.companions["classifier"]
    loss = F.cross_entropy(classifier(_disturbed(x, state.noise)), labels, label_smoothing=0.05)
    state.descend("classifier", loss, RATE)

    drawn, wanted = mean, labels
    if network.config.classes:
        count = max(1, int(len(x) * CLASSIFIER_SHARE))
        wanted = chosen(state.noise, labels, count, without=remembered)
        z = normal(state.noise, count, network.config.latent_dim)
        drawn = torch.sigmoid(network.logits(z, wanted))
    with without_gradients(classifier):
        return F.cross_entropy(classifier(_disturbed(drawn, state.noise)), wanted)


def unreal(state: TrainingState, x: Tensor, y: Tensor | None, mean: Tensor) -> Tensor:
    """Teach the discriminator a part of a batch, then its opinion of what the model draws: scalar.

    The non-saturating loss, with classes of samples from the prior, else of ``mean``, since
    samples alone would soon be the one picture that is easiest to draw. The gradient reaches the
    model alone.
    """
    network, discriminator = cast("ResidualVAE", state.network), state.companions["discriminator"]
    large = network.config.image_size > LARGE
    count = max(1, int(len(x) * DISCRIMINATOR_SHARE / (2 if large else 1)))
    y = None if y is None else y[:count]
    drawn = mean[:count]
    if y is not None:
        z = normal(state.noise, count, network.config.latent_dim)
        drawn = torch.sigmoid(network.logits(z, y))
    drawn = drawn * 2.0 - 1.0
    regularised = state.step % R1_EVERY == 0
    real = (x[:count] * 2.0 - 1.0).requires_grad_(regularised)
    score_real = discriminator(real, y)[0]
    score_drawn = discriminator(drawn.detach(), y)[0]
    loss = discriminator_loss("nonsaturating", score_real, score_drawn)
    if regularised:
        loss = loss + R1_WEIGHT * R1_EVERY * r1_penalty(score_real, real)
    state.descend("discriminator", loss, RATE)

    with without_gradients(discriminator):
        return generator_loss("nonsaturating", discriminator(drawn, y)[0])


def _disturbed(x: Tensor, noise: torch.Generator) -> Tensor:
    # Shifted and noisy, so that no faint pattern can persuade the classifier.
    shifted = augment(x * 2.0 - 1.0, CLASSIFIER_AUGMENT, noise)
    return shifted + CLASSIFIER_NOISE * normal(noise, *shifted.shape)
