"""Decide what weights do not say: by what was told, by evidence, else by what is usual."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from genviewer.io.bundle import Assumption
from genviewer.io.readers.choices import (
    ACTIVATIONS,
    FINALS,
    Choices,
    activation_name,
)
from genviewer.io.readers.conventions import usual

if TYPE_CHECKING:
    from genviewer.core.spec import Family
    from genviewer.io.readers.canonical import Network
    from genviewer.io.readers.layers import Layers
    from genviewer.io.readers.reading import Reading
    from genviewer.io.readers.settings import Settings


@dataclass(frozen=True)
class Settled:
    """A reading with everything chosen, and what had to be assumed for it."""

    reading: Reading
    choices: Choices
    family: Family
    range: tuple[float, float]
    assumptions: tuple[Assumption, ...] = ()
    warnings: tuple[str, ...] = ()


def settle(
    readings: list[Reading], layers: Layers, network: Network, settings: Settings
) -> Settled:
    """Choose a reading and everything that it leaves open.

    Raises:
        SettingError: what was told does not fit.
    """
    reading = readings[0]
    family = family_of(reading, layers)
    choices = usual(reading, layers, family)
    choices = _told(choices, settings)
    low, high = (0.0, 1.0) if choices.final is None or choices.final.kind == "sigmoid" else (-1, 1)
    return Settled(
        reading,
        choices,
        family,
        (low, high),
        (_assume("activation", activation_name(choices.hidden[0]), 0.5, ACTIVATIONS),),
    )


def family_of(reading: Reading, layers: Layers) -> Family:
    """What kind of model it is."""
    if reading.encoder is not None:
        return "autoencoder" if reading.encoder.heads.split == "none" else "vae"
    return "gan"


def _told(choices: Choices, settings: Settings) -> Choices:
    hidden = settings.text("activation")
    if hidden is not None and hidden in ACTIVATIONS:
        choices = replace(
            choices, hidden=(ACTIVATIONS[hidden],), encoder_hidden=ACTIVATIONS[hidden]
        )
    final = settings.choice("final", FINALS)
    if final is not None:
        choices = replace(choices, final=FINALS[final])
    return choices


def _assume(field: str, value: Any, confidence: float, others: Any) -> Assumption:
    return Assumption(field, value, confidence, tuple(x for x in others if x != value))
