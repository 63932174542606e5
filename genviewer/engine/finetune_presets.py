"""What a preset means for a model and so many images: rate, steps, objective."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from genviewer.engine.train_config import (
    GANObjective,
    Layers,
    OptimizerConfig,
    TrainConfig,
    TrainingError,
    VAEObjective,
    read_config,
)
from genviewer.nets.families import family

if TYPE_CHECKING:
    from genviewer.core.spec import Spec
    from genviewer.io.bundle import Bundle

Preset = Literal["touch", "normal", "scratch"]

RECIPE_NAME = "train.toml"
FEW_IMAGES = 5_000  # a discriminator learns fewer by heart
VERY_FEW_IMAGES = 1_000  # and needs what it knew already
SMALL_BATCH = 32  # of few images, more steps teach more than larger ones
REPLAY = 0.5  # of a batch, where classes could be forgotten
EMA = 0.99


class Proposal(msgspec.Struct, frozen=True):
    """What a preset proposes; fields as in :class:`TrainConfig`."""

    steps: int
    batch_size: int
    optimizer: OptimizerConfig
    checkpoint_every: int
    vae: VAEObjective | None = None
    gan: GANObjective | None = None
    layers: Layers = "all"
    freeze_d: int = 0


def propose_training(bundle: Bundle, images: int, preset: Preset, adversarial: bool) -> Proposal:
    """The proposal for a model and a number of images; ``adversarial`` if it trains as a GAN."""
    recipe = _recipe(bundle)
    if adversarial:
        return _for_gan(bundle, recipe, images, preset)
    return _for_vae(bundle, recipe, images, preset)


def _for_vae(bundle: Bundle, recipe: TrainConfig | None, images: int, preset: Preset) -> Proposal:
    batch = recipe.batch_size if recipe is not None else _batch(bundle.spec, 64)
    rate, epochs, least, most = {
        "touch": (2e-4, 5, 100, 1_000),
        "normal": (1e-3, 20, 300, 8_000),
        "scratch": (2e-3, 60, 2_000, 40_000),
    }[preset]
    if preset != "scratch" and images < FEW_IMAGES:
        batch = min(batch, SMALL_BATCH)
    if family(bundle.config.network).kind == "autoencoder":
        rate *= 0.1
    steps = _steps(images, batch, epochs, least, most)
    optimizer = OptimizerConfig(
        learning_rate=rate,
        warmup=50 if preset != "scratch" else 200,
        final=0.05,
        ema=EMA,
        clip=100.0,
    )
    objective = _vae_objective(bundle, recipe)
    return Proposal(steps, batch, optimizer, _checkpoints(steps), vae=objective)


def _vae_objective(bundle: Bundle, recipe: TrainConfig | None) -> VAEObjective:
    """As it was trained, without what belongs to a beginning."""
    spec, kind = bundle.spec, family(bundle.config.network).kind
    classes = spec.class_condition
    optional = 0.1 if classes is not None and classes.optional else 0.0
    if recipe is not None and recipe.vae is not None:
        return msgspec.structs.replace(
            recipe.vae,
            kl_warmup=0,
            heat=1.0,
            cooling=0,
            warp_at=0,
            views=0,
            companions_from=0,
            condition_dropout=recipe.vae.condition_dropout or optional,
            # Without classes a classifier of the old data says nothing of the new.
            class_weight=recipe.vae.class_weight if classes is not None else 0.0,
        )
    if spec.family == "autoencoder" or (not spec.density and spec.latent.prior == "none"):
        return VAEObjective(beta=0.0)
    helped = 10.0 if classes is not None and kind == "vae" else 0.0
    return VAEObjective(class_weight=helped, condition_dropout=optional)


def _for_gan(bundle: Bundle, recipe: TrainConfig | None, images: int, preset: Preset) -> Proposal:
    spec, kind = bundle.spec, family(bundle.config.network).kind
    batch = recipe.batch_size if recipe is not None else _batch(spec, 32)
    full = recipe.optimizer.learning_rate if recipe is not None else 5e-4
    if kind == "styles":
        full = 2e-3 if "mapping" in bundle.config.network else 1e-4
    share, epochs, least, most = {
        "touch": (0.1, 5, 100, 1_000),
        "normal": (0.3, 30, 1_000, 10_000),
        "scratch": (1.0, 100, 3_000, 50_000),
    }[preset]
    steps = _steps(images, batch, epochs, least, most)
    optimizer = OptimizerConfig(
        learning_rate=full * share,
        discriminator_rate=full * share,
        beta1=0.0,
        beta2=0.99,
        warmup=50,
        final=0.1,
        ema=EMA if preset != "scratch" else 0.999,
    )
    # R1 counts gradients of all pixels (Karras et al. 2020 scale it so, too).
    penalty = 0.05 * max(1.0, (spec.image.width / 28) ** 2)
    gan = GANObjective(penalty=penalty, penalty_every=4)
    if recipe is not None and recipe.gan is not None:
        gan = recipe.gan
    if images < FEW_IMAGES:
        gan = msgspec.structs.replace(gan, augment="brightness,translation,cutout")
    return Proposal(
        steps,
        batch,
        optimizer,
        _checkpoints(steps),
        gan=gan,
        freeze_d=1 if images < VERY_FEW_IMAGES and preset != "scratch" else 0,
    )


def _recipe(bundle: Bundle) -> TrainConfig | None:
    """How a bundle of ours was trained, where it tells and the network is still the same kind."""
    path = bundle.path / RECIPE_NAME
    if bundle.reader != "bundle" or not path.is_file():
        return None
    try:
        recipe = read_config(path)
    except TrainingError:
        return None  # of another version; the defaults will do
    return recipe if recipe.network["type"] == bundle.config.network["type"] else None


def _batch(spec: Spec, most: int) -> int:
    """So many images that a step needs neither long nor much memory."""
    side = max(spec.image.width, spec.image.height)
    return max(4, min(most, most * 64 // side)) if side > 64 else most


def _steps(images: int, batch: int, epochs: int, least: int, most: int) -> int:
    steps = min(max(epochs * images // batch, least), most)
    return max(50, round(steps, -2) if steps >= 1_000 else steps // 50 * 50)


def _checkpoints(steps: int) -> int:
    return max(50, min(500, steps // 10))
