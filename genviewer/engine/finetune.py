"""Which models can go on learning, what of them, and the configuration of such a run."""

from __future__ import annotations

from typing import Literal

import msgspec

from genviewer.engine.train_config import Layers

Preset = Literal["touch", "normal", "scratch"]


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
