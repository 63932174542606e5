"""What is usual where there is no evidence: activations, epsilons, orders, by kind of network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genviewer.io.readers.choices import FINALS, Choices

if TYPE_CHECKING:
    from genviewer.core.spec import Family
    from genviewer.io.readers.layers import Layers
    from genviewer.io.readers.reading import Reading

LARGE_EPS = 0.8
"""The widely copied `BatchNorm1d(n, 0.8)`, where 0.8 was meant as the momentum."""


def usual(reading: Reading, layers: Layers, family: Family) -> Choices:
    """The choices that most networks of this build were made with."""
    line = reading.decoder.lines[0]
    final = "tanh" if family == "gan" else "sigmoid"
    choices = Choices(line, final=FINALS[final])
    return choices
