"""A training's state that begins with a model's weights, and the steps that train it further."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch

from genviewer.engine.finetune_layers import freeze, freeze_discriminator
from genviewer.engine.finetune_replay import ReplayBatches, absent_classes, add_teacher
from genviewer.engine.train_config import TrainConfig, TrainingError
from genviewer.engine.train_state import Batches, TrainingState, with_layout
from genviewer.engine.train_vae import make_vae_state, train_vae
from genviewer.engine.train_weights import read_base, take_weights
from genviewer.io.bundle import BundleError
from genviewer.nets.families import build, family
from genviewer.nets.growth import class_count, class_places, grown_weights
from genviewer.nets.residual_gan import Discriminator, ResidualGAN, ResidualGANConfig

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor, nn

    from genviewer.core.spec import Spec
    from genviewer.engine.train_config import FinetuneConfig
    from genviewer.engine.train_gan import Players
    from genviewer.io.bundle import Bundle
    from genviewer.io.datasets import Images
    from genviewer.nets.residual_vae import ResidualVAE

_MEASURED = ("running_mean", "running_var", "num_batches_tracked", "w_avg")
CLASS_RATE = 10.0
CRITIC_WIDTH, WIDEST_CRITIC, COARSEST = 32, 256, 7


def make_finetune_state(config: TrainConfig, *, fresh: bool = True) -> TrainingState:
    """The state before the first step; new weights come from torch's own random state.

    Without ``fresh`` the weights of ``start_from`` are not read: a checkpoint takes their place.

    Raises:
        TrainingError: the model cannot be opened, or is another than the network table describes.
    """
    finetune = _finetune(config)
    network = with_layout(build(config.network), torch.channels_last)
    base = _load(network, config, finetune) if config.start_from and fresh else None
    freeze(network, config.network, finetune)
    if config.vae is not None:
        state = _vae_state(network, config)
    else:
        state = _gan_state(network, config, base)
    if finetune.new_classes:
        _hasten_classes(state, config)
    if finetune.replay:
        add_teacher(state)
    return state


def finetune_steps(
    config: TrainConfig, state: TrainingState, images: Images
) -> Iterator[dict[str, float]]:
    """The generator that trains ``state`` on ``images``: one optimizer step per ``next()``."""
    finetune = _finetune(config)
    spec = spec_of(config)
    classes = class_count(config.network)
    absent = absent_classes(images, classes - len(finetune.new_classes)) if classes else ()
    batches: Batches | ReplayBatches
    share = state.noise.share = state.noise.share._replace(parts=())
    if finetune.replay and absent:
        own = config.batch_size // share.world
        remembered = min(own - 1, round(own * finetune.replay))
        left = config.batch_size - remembered * share.world
        data = Batches(images, left, config.seed, classes, share)
        count = max(1, remembered)
        parts = (data.batch_size // share.world * share.world, count * share.world)
        state.noise.share = share._replace(parts=parts)
        batches = ReplayBatches(data, state, spec.prior_latent, spec.image.range, absent, count)
    else:
        labelled = classes or (
            config.label_classes if config.vae and config.vae.class_weight else 0
        )
        batches = Batches(images, config.batch_size, config.seed, labelled, share)
    if config.vae is not None:
        span = spec.image.range
        return train_vae(state, batches, config.vae, config.optimizer, config.steps, span)
    from genviewer.engine.train_gan import train_gan

    assert config.gan is not None  # one of the two, checked when the config was read
    players = players_of(config, state)
    return train_gan(state, batches, config.gan, config.optimizer, config.steps, players)


def spec_of(config: TrainConfig) -> Spec:
    """What the model can do that is trained."""
    if config.finetune is not None and config.finetune.spec is not None:
        return config.finetune.spec
    from genviewer.engine.train_bundle import make_spec

    return make_spec(config)


def players_of(config: TrainConfig, state: TrainingState) -> Players:
    """Generator and discriminator of a run that fine-tunes a GAN."""
    from genviewer.engine.train_gan import DISCRIMINATOR, Players, own_players

    if isinstance(state.network, ResidualGAN):
        return own_players(state)
    spec = spec_of(config)
    discriminator = state.companions[DISCRIMINATOR]
    return Players(state.network, discriminator, spec.prior_latent, spec.image.range)


def discriminator_config(spec: Spec, classes: int) -> ResidualGANConfig:
    """The sizes of a new discriminator for pictures of any square size.

    Raises:
        ValueError: the pictures are not square.
    """
    size = spec.image.width
    if spec.image.height != size:
        raise ValueError("a new discriminator is for square pictures")
    shuffle = 2 if size % 2 == 0 and size > 2 * COARSEST else 1
    widths, side = [CRITIC_WIDTH], size // shuffle
    while side > COARSEST:
        widths.append(min(2 * widths[-1], WIDEST_CRITIC))
        side //= 2
    return ResidualGANConfig(
        image_size=size,
        image_channels=spec.image.channels,
        classes=classes,
        channels=(1,),
        blocks=(1,),
        shuffle=shuffle,
        critic_channels=tuple(widths),
    )


def _vae_state(network: nn.Module, config: TrainConfig) -> TrainingState:
    assert config.vae is not None  # as the caller found
    return make_vae_state(
        cast("ResidualVAE", network),
        config.vae,
        config.optimizer,
        config.seed,
        config.label_classes,
    )


def _gan_state(network: nn.Module, config: TrainConfig, base: Bundle | None) -> TrainingState:
    """``base`` is the model to begin with, or None where a checkpoint takes its place."""
    from genviewer.engine.train_gan import DISCRIMINATOR, make_gan_state

    finetune, optimizer = _finetune(config), config.optimizer
    if isinstance(network, ResidualGAN):
        if finetune.discriminator == "new":
            network.discriminator = with_layout(Discriminator(network.config), torch.channels_last)  # type: ignore[assignment]
        freeze_discriminator(network.discriminator, finetune.freeze_d)
        return make_gan_state(network, optimizer, config.seed)
    sizes = discriminator_config(spec_of(config), class_count(config.network))
    discriminator = with_layout(Discriminator(sizes), torch.channels_last)
    if base is not None and base.config.discriminator and finetune.discriminator == "own":
        _load_discriminator(discriminator, base, config)
    freeze_discriminator(discriminator, finetune.freeze_d)
    betas = (optimizer.beta1, optimizer.beta2)
    rate = optimizer.discriminator_rate or optimizer.learning_rate
    trained = [p for p in network.parameters() if p.requires_grad]
    judging = [p for p in discriminator.parameters() if p.requires_grad]
    players: dict[str, torch.optim.Optimizer] = {
        "generator": torch.optim.Adam(trained, optimizer.learning_rate, betas),
        DISCRIMINATOR: torch.optim.Adam(judging, rate, betas),
    }
    return TrainingState(network, players, config.seed, {DISCRIMINATOR: discriminator})


def _hasten_classes(state: TrainingState, config: TrainConfig) -> None:
    """Give the weights of the classes a higher rate.

    A new class begins in the middle of the old ones and has far to go; at everything's rate the
    rest of the network would move towards it instead.
    """
    places = class_places(config.network)
    named = {
        id(parameter)
        for name, parameter in state.network.named_parameters()
        if name in places and places[name][1:] == (0, parameter.shape[places[name].axis])
    }
    for optimizer in state.optimizers.values():
        group = optimizer.param_groups[0]
        classes = [p for p in group["params"] if id(p) in named]
        if classes and len(classes) < len(group["params"]):
            group["params"] = [p for p in group["params"] if id(p) not in named]
            optimizer.add_param_group({"params": classes, "factor": CLASS_RATE})


def _load_discriminator(discriminator: nn.Module, base: Bundle, config: TrainConfig) -> None:
    """Give it the weights of that which the model carries beside its own, with room for the new
    classes.
    """
    from genviewer.engine.discriminator_file import PREFIX, read_discriminator

    table = base.config.discriminator
    try:
        arrays = read_discriminator(base.discriminator_path, table)
        weights = {name: torch.tensor(array) for name, array in arrays.items()}
        extra = class_count(config.network) - class_count(table)
        if extra > 0:
            weights = grown_weights(table, weights, extra)
        discriminator.load_state_dict({n.removeprefix(PREFIX): w for n, w in weights.items()})
    except (BundleError, RuntimeError, ValueError) as error:
        raise TrainingError(
            f"The discriminator of {base.spec.name} is for other pictures or classes, or damaged: "
            f"move {base.discriminator_path.name} out of its folder, and a new one is started."
        ) from error


def _load(network: nn.Module, config: TrainConfig, finetune: FinetuneConfig) -> Bundle:
    """Give the network the weights of the model to begin with, which is given back."""
    source, extra = config.start_from, len(finetune.new_classes)
    bundle, weights = read_base(source, finetune.settings)
    try:
        family(bundle.config.network)
        if extra and class_count(bundle.config.network) < class_count(config.network):
            weights = grown_weights(bundle.config.network, weights, extra)
    except (BundleError, RuntimeError, ValueError) as error:
        reason = str(error).splitlines()[0].removesuffix(".")
        raise TrainingError(f"The weights of {source} do not fit the network: {reason}.") from error
    if finetune.anew:
        weights = _constants(network, weights)
    take_weights(network, weights, source, whole=not finetune.anew)
    return bundle


def _constants(network: nn.Module, weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """What neither steps nor statistics change."""
    kept = {name for name, _ in network.named_buffers() if not name.endswith(_MEASURED)}
    return {name: value for name, value in weights.items() if name in kept}


def _finetune(config: TrainConfig) -> FinetuneConfig:
    assert config.finetune is not None  # callers ask for nothing else
    return config.finetune
