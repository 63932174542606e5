"""Which models can go on learning, what of them, and the configuration of such a run.

Importing this module imports no torch; asking it what can train does.
"""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from genviewer.engine.finetune_presets import REPLAY, Preset, propose_training
from genviewer.engine.train_config import (
    CardConfig,
    DataConfig,
    FinetuneConfig,
    Layers,
    TrainConfig,
    TrainingError,
)
from genviewer.io.dataset_fit import Fit
from genviewer.io.dataset_mapping import propose
from genviewer.nets.families import family

if TYPE_CHECKING:
    from collections.abc import Mapping

    from genviewer.core.spec import ConditionSpec, Spec
    from genviewer.io.bundle import Bundle
    from genviewer.io.dataset_survey import Survey

_SET = {"attention", "clamp"}  # of the network tables' fields those where None is no default
MODEL_NAME_BYTES, DATA_NAME_BYTES = 120, 60
"""As much of both names a run: with its time it is to be a name that file systems take."""
LARGE = 20_000_000
"""Weights beyond which a CPU takes seconds for a step."""

MEASURED_SIZE = 64
"""Larger pictures take too long for samples to be measured while a model learns."""


class PresetText(msgspec.Struct, frozen=True):
    """A preset in plain words: its name on a control, and what choosing it means."""

    label: str
    hint: str


PRESETS: dict[Preset, PresetText] = {
    "touch": PresetText(
        "A touch", "Nudges the model: few steps at a low rate, so most of it stays as it is."
    ),
    "normal": PresetText(
        "Normal", "Teaches the model the new images and keeps what it can of the old ones."
    ),
    "scratch": PresetText(
        "From scratch", "Forgets what it learned: the same network begins again on these images."
    ),
}


class Trainable(msgspec.Struct, frozen=True):
    """What of a model can train.

    Attributes:
        layers: the choices offered; empty where it cannot train at all.
        why_not: the reason for that in one sentence, else empty.
        discriminator: ``own`` where the model carries one, ``new`` where one would be started,
            ``none`` where none is needed.
        new_classes: whether a class can be added.
        notes: sentences on what to expect.
    """

    layers: tuple[Layers, ...]
    why_not: str = ""
    discriminator: Literal["own", "new", "none"] = "none"
    new_classes: bool = False
    notes: tuple[str, ...] = ()


def what_can_train(bundle: Bundle) -> Trainable:
    """What of a model can train. Any thread; imports torch and may take a second.

    Its weights are not read.
    """
    reason = _why_not(bundle)
    if reason:
        return Trainable((), why_not=reason)
    from genviewer.engine.finetune_layers import class_weights_alone
    from genviewer.nets.growth import is_conditional

    spec, table = bundle.spec, bundle.config.network
    kind, adversarial = table["type"], trains_as_gan(bundle)
    layers: list[Layers] = ["all"]
    if kind in ("stylegan2", "stylegan3") or not adversarial:
        layers.append("decoder")
    layers.append("last")
    if class_weights_alone(table):
        layers.append("condition")
    notes: list[str] = []
    discriminator: Literal["own", "new", "none"] = "none"
    if adversarial:
        carried = bool(bundle.config.discriminator) or family(table).kind == "gan"
        discriminator = "own" if spec.discriminator and carried else "new"
    if discriminator == "new":
        notes.append(
            "It carries no discriminator, so a new one is started; it knows nothing at first, and "
            "the pictures may get worse before they get better."
        )
    if table.get("warp"):
        notes.append("The map of its prior stays as it was fitted.")
    if spec.family == "autoencoder" and not adversarial:
        notes.append("It is trained as an autoencoder: there is no prior to be kept.")
    if bundle.parameters > LARGE:
        notes.append(
            f"It has {bundle.parameters / 1e6:.0f} million weights: on a CPU a step takes seconds."
        )
    grows = spec.class_condition is not None and is_conditional(table)
    if spec.conditions and not grows:
        notes.append("No class can be added: its classes enter in a way that leaves no room.")
    return Trainable(tuple(layers), "", discriminator, grows, tuple(notes))


def trains_as_gan(bundle: Bundle) -> bool:
    """Whether its training is a game of two players; else it learns to reconstruct."""
    kind = family(bundle.config.network).kind
    return kind in ("gan", "styles") or not bundle.spec.encoder


def finetune_config(
    bundle: Bundle,
    survey: Survey,
    *,
    preset: Preset = "normal",
    name: str = "",
    layers: Layers | None = None,
    learning_rate: float | None = None,
    batch_size: int | None = None,
    steps: int | None = None,
    seed: int = 0,
    threads: int = 0,
    mapping: dict[str, str] | None = None,
    new_classes: tuple[str, ...] = (),
    fit: Fit | None = None,
    validation: float = 0.0,
    freeze_d: int | None = None,
    augment: str | None = None,
    discriminator: Literal["own", "new"] | None = None,
) -> TrainConfig:
    """The run that trains a model further on a data set. Any thread; imports torch.

    What is None is as the preset proposes for this model and so many images. ``mapping`` and
    ``new_classes`` are as in :class:`~genviewer.io.dataset_mapping.DataChoices`; without a mapping
    classes are matched by name, and those that the model lacks become new ones.

    Raises:
        TrainingError: the model cannot train so, with one sentence for the user.
    """
    possible = what_can_train(bundle)
    if possible.why_not:
        raise TrainingError(possible.why_not)
    if layers is not None and layers not in possible.layers:
        offered = ", ".join(possible.layers)
        raise TrainingError(f"{bundle.spec.name} can train {offered}, not {layers}.")
    known = class_names(bundle.spec)
    if mapping is None:
        found = [label for label, _ in survey.class_counts]
        choices = propose(found, known, survey.source, can_grow=possible.new_classes)
        mapping, new_classes = dict(choices.mapping), choices.new_classes
    if new_classes and not possible.new_classes:
        raise TrainingError(f"{bundle.spec.name} cannot be given another class.")
    again = [label for label in new_classes if label in known]
    if again:
        raise TrainingError(f"{bundle.spec.name} has the class {again[0]!r} already.")
    images = sum(n for label, n in survey.class_counts if not known or mapping.get(label, label))
    proposal = propose_training(bundle, images or survey.count, preset, trains_as_gan(bundle))
    gan = proposal.gan
    if gan is not None and augment is not None:
        gan = msgspec.structs.replace(gan, augment=augment)
    optimizer = proposal.optimizer
    if learning_rate is not None:
        share = learning_rate / optimizer.learning_rate
        optimizer = msgspec.structs.replace(
            optimizer,
            learning_rate=learning_rate,
            discriminator_rate=optimizer.discriminator_rate * share,
        )
    player = discriminator or ("new" if possible.discriminator == "new" else "own")
    if player == "own" and possible.discriminator == "new":
        raise TrainingError(f"{bundle.spec.name} carries no discriminator of its own.")
    if preset == "scratch":
        if bundle.config.network["type"] == "biggan":
            raise TrainingError(
                f"{bundle.spec.name} cannot begin from scratch: it draws with statistics that were "
                "measured after its training."
            )
        player = "new"
    own = gan is not None and player == "own"
    foreign = family(bundle.config.network).kind not in ("vae", "gan")
    try:
        return msgspec.convert(
            msgspec.to_builtins(
                TrainConfig(
                    name=name or _run_name(bundle, survey.source),
                    steps=steps or proposal.steps,
                    data=DataConfig(
                        source=survey.source,
                        class_names=(*known, *new_classes),
                        mapping=mapping,
                        fit=fit or Fit(),
                        validation=validation,
                    ),
                    network=_network(bundle, len(new_classes)),
                    batch_size=batch_size or proposal.batch_size,
                    seed=seed,
                    threads=threads,
                    checkpoint_every=proposal.checkpoint_every,
                    log_every=max(1, min((steps or proposal.steps) // 100, 50)),
                    evaluate_every=_evaluate_every(bundle, steps or proposal.steps),
                    start_from=_source(bundle) if preset != "scratch" or foreign else "",
                    optimizer=optimizer,
                    vae=proposal.vae,
                    gan=gan,
                    finetune=FinetuneConfig(
                        layers=layers or ("all" if preset == "scratch" else proposal.layers),
                        freeze_d=(proposal.freeze_d if freeze_d is None else freeze_d) * own,
                        new_classes=new_classes,
                        discriminator=player if gan is not None else "own",
                        replay=replay_share(bundle.spec, mapping, preset),
                        anew=preset == "scratch",
                        spec=_spec(bundle, new_classes),
                        settings=dict(bundle.settings),
                    ),
                    card=_card(bundle, survey.source),
                )
            ),
            type=TrainConfig,
        )
    except ValueError as error:  # msgspec's among them
        raise TrainingError(f"These options do not fit: {error}.") from error


def replay_share(spec: Spec, mapping: Mapping[str, str], preset: Preset) -> float:
    """The share of each batch that the model as it was draws, of classes that the data lack.

    ``mapping`` is as in :class:`~genviewer.io.dataset_mapping.DataChoices`.
    """
    trained = set(mapping.values())
    forgets = preset != "scratch" and any(label not in trained for label in class_names(spec))
    return REPLAY if forgets else 0.0


def class_names(spec: Spec) -> tuple[str, ...]:
    """The names of a model's classes, or their numbers; empty without classes."""
    condition = spec.class_condition
    return () if condition is None else tuple(map(condition.label, range(condition.size)))


def _why_not(bundle: Bundle) -> str:
    """Why a model cannot train, in one sentence; empty if it can."""
    spec, table = bundle.spec, bundle.config.network
    if table.get("type") == "program":
        return (
            f"{spec.name} comes as a program, which draws but has no weights that could be trained "
            "here."
        )
    kind = family(table).kind
    if kind == "autoencoder" and not spec.encoder:
        return (
            f"{spec.name} has no encoder and no prior to draw from, so nothing says what to draw."
        )
    others = [c for c in spec.conditions if c.kind != "class"]
    if others or len(spec.conditions) > 1:
        what = (others or spec.conditions)[-1].name
        return f"{spec.name} takes the condition {what!r}, which images in folders do not tell."
    if spec.latent.prior == "none" and trains_as_gan(bundle):
        return f"{spec.name} has no prior to draw from, so there is nothing to compare with images."
    if trains_as_gan(bundle) and kind != "gan" and spec.image.width != spec.image.height:
        return (
            f"{spec.name} carries no discriminator, and a new one can be started for square "
            "pictures only."
        )
    return ""


def _evaluate_every(bundle: Bundle, steps: int) -> int:
    """Half a dozen measures of the samples; none where they would hold the training up."""
    image = bundle.spec.image
    return max(100, steps // 6) if max(image.height, image.width) <= MEASURED_SIZE else 0


def _network(bundle: Bundle, extra: int) -> dict[str, Any]:
    """The network table with room for the new classes, as it is when it comes from a file."""
    table = bundle.config.network
    if extra:
        from genviewer.nets.growth import grown_config

        table = grown_config(table, extra)
    return {key: _plain(value) for key, value in table.items() if value is not None or key in _SET}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items() if inner is not None}
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple) else value


def _spec(bundle: Bundle, new_classes: tuple[str, ...]) -> Spec | None:
    """What the result can do, where its network table does not tell all of it."""
    spec = bundle.spec
    if family(bundle.config.network).kind in ("vae", "gan"):
        return None
    conditions = tuple(_grown(c, class_names(spec), new_classes) for c in spec.conditions)
    # What is learned draws without one; it comes to it when it is kept.
    return msgspec.structs.replace(spec, conditions=conditions, discriminator=False)


def _grown(
    condition: ConditionSpec, known: tuple[str, ...], new_classes: tuple[str, ...]
) -> ConditionSpec:
    if not new_classes:
        return condition
    names = (*known, *new_classes)
    return msgspec.structs.replace(condition, size=len(names), names=names)


def _source(bundle: Bundle) -> str:
    from genviewer.core.resources import models_dir

    if bundle.path.parent == models_dir():
        return bundle.path.name  # the same on every machine
    return str(bundle.path.resolve())


def _run_name(bundle: Bundle, source: str) -> str:
    last = PurePath(source.replace(":", "/")).stem
    names = (_cut(bundle.spec.name, MODEL_NAME_BYTES), _cut(last, DATA_NAME_BYTES))
    name = re.sub(r"[^\w.-]+", "-", "-".join(names)).strip("-.")
    return name or "model"


def _cut(name: str, size: int) -> str:
    return name.encode()[:size].decode(errors="ignore")


def _card(bundle: Bundle, source: str) -> CardConfig:
    name = PurePath(source).name
    return CardConfig(
        summary=f"{bundle.spec.name}, trained further on {name}.",
        data=f"{name}, after what {bundle.spec.name} ({bundle.model_id[:8]}) was trained on",
        limits=f"What holds for {bundle.spec.name} may hold for it no longer.",
    )
