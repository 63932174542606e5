"""What decides a sample beside its latent and condition, for models that read more than those."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import msgspec
import numpy as np

from genviewer.core.latent import Latent

if TYPE_CHECKING:
    from numpy.typing import NDArray

Noise = Literal["const", "none"] | int


class Mix(msgspec.Struct, frozen=True):
    """Style mixing (Karras et al. 2019): layers ``first`` to ``last``, both included, take their
    style from a second latent, in ``z`` or ``w``, stored before truncation.
    """

    latent: Latent
    first: int
    last: int


class Transform(msgspec.Struct, frozen=True):
    """Where the picture's content lies (Karras et al. 2021).

    Shifted by ``x`` to the right and ``y`` downwards, in sides of the picture, and turned by
    ``angle`` degrees counter-clockwise.
    """

    x: float = 0.0
    y: float = 0.0
    angle: float = 0.0

    def matrix(self) -> NDArray[np.float32]:
        """From places in the picture to places in the content: float32 (3, 3)."""
        turn = math.radians(self.angle)
        sine, cosine = math.sin(turn), math.cos(turn)
        there = np.array([[cosine, sine, self.x], [-sine, cosine, self.y], [0.0, 0.0, 1.0]])
        return np.linalg.inv(there).astype(np.float32)


class Synthesis(msgspec.Struct, frozen=True):
    """How a network draws latents.

    Attributes:
        space: the latents' space, ``z`` or ``w``.
        psi, cutoff: truncation, of the layers below the cutoff only; None means all.
        noise, noise_strength: of the noise inputs: ``const``, ``none`` or a seed; a factor.
        mix: a second latent for some layers.
        transform: where the content lies, for models whose input can be moved.
    """

    space: str = "z"
    psi: float = 1.0
    cutoff: int | None = None
    noise: Noise = "const"
    noise_strength: float = 1.0
    mix: Mix | None = None
    transform: Transform | None = None


PLAIN = Synthesis()
