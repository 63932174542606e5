"""What is usual where there is no evidence: activations, epsilons, orders, by kind of network."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from genviewer.io.readers.choices import ACTIVATIONS, FINALS, Choices
from genviewer.io.readers.lines import HIDDEN
from genviewer.io.readers.naming import steps_between
from genviewer.nets import chain_steps as chain

if TYPE_CHECKING:
    from genviewer.core.spec import Family
    from genviewer.io.readers.layers import Layers
    from genviewer.io.readers.reading import Reading

LARGE_EPS = 0.8
"""The widely copied `BatchNorm1d(n, 0.8)`, where 0.8 was meant as the momentum."""


@dataclass(frozen=True)
class Usual:
    """The usual choices, and how far they are to be trusted (0..1)."""

    choices: Choices
    hidden: float = 0.5
    final: float = 0.7
    eps: float = 0.6
    order: float = 0.6


def usual(reading: Reading, layers: Layers, family: Family) -> Usual:
    """The choices that most networks of this build were made with."""
    line = reading.decoder.lines[0]
    choices = Choices(line, final=FINALS["tanh" if family == "gan" else "sigmoid"])
    if _lightning_zoo(layers):
        return Usual(_zoo(choices), hidden=0.8, final=0.8)
    if family == "gan":
        found = _resized(choices) or _dense(choices, layers)
        if found is not None:
            return found
    return Usual(choices)


def _lightning_zoo(layers: Layers) -> bool:
    """PyTorch-VAE by AntixK and what was made after it: told by the names of its parts."""
    names = {part for layer in layers.layers for part in layer.name.split(".")[:2]}
    return {"decoder_input", "final_layer"} <= names


def _zoo(choices: Choices) -> Choices:
    leaky = ACTIVATIONS["leaky_relu:0.01"]
    hidden = [leaky] * choices.holes
    first = next((i for i, s in enumerate(choices.line.steps) if s == HIDDEN), None)
    reshape = next(
        (i for i, s in enumerate(choices.line.steps) if isinstance(s, chain.Reshape)), None
    )
    if first is not None and reshape is not None and first < reshape:
        hidden[0] = None  # its decoder_input is followed by the reshape alone
    return Choices(choices.line, hidden=tuple(hidden), encoder_hidden=leaky, final=FINALS["tanh"])


def _resized(choices: Choices) -> Usual | None:
    """PyTorch-GAN by eriklindernoren: a norm after unfolding, then resizing and convolving."""
    steps = [step for step in choices.line.steps if not isinstance(step, chain.Merge)]
    kinds = [type(step) for step in steps[:4]]
    if kinds != [chain.Linear, chain.Reshape, chain.BatchNorm, chain.Upsample]:
        return None
    eps = (1e-5, *[LARGE_EPS] * (choices.norms - 1))
    hidden = (ACTIVATIONS["leaky_relu:0.2"],)
    return Usual(
        Choices(choices.line, hidden=hidden, eps=eps, final=choices.final), hidden=0.7, eps=0.7
    )


def _dense(choices: Choices, layers: Layers) -> Usual | None:
    """The same author's dense generators: no norm after the first layer, one after each later."""
    steps = [step for step in choices.line.steps if not isinstance(step, chain.Merge)]
    linear = [step for step in steps if isinstance(step, chain.Linear)]
    if len(linear) < 3 or any(isinstance(step, chain.Conv) for step in steps):
        return None
    numbered = all(steps_between(a.name, b.name) is not None for a, b in pairwise(linear))
    norms = [isinstance(step, chain.BatchNorm) for step in steps]
    if not numbered or sum(norms) != len(linear) - 2 or norms.index(True) < 3:
        return None
    square = any(
        layer.kind == "linear" and not layer.bias and layer.shape[0] == layer.shape[1]
        for layer in layers.layers
    )
    return Usual(
        Choices(
            choices.line,
            hidden=(ACTIVATIONS["leaky_relu:0.2"],),
            eps=(LARGE_EPS,),
            final=choices.final,
            order="condition_first" if square else "z_first",
        ),
        hidden=0.7,
        eps=0.7,
    )
