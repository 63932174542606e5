"""Easing: how the time of a segment becomes the way along it. Pure functions of 0..1."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

EasingName = Literal["linear", "smooth", "ease_in", "ease_out", "hold"]


def smooth(t: float) -> float:
    """Slow at both ends: half a cosine."""
    return 0.5 - 0.5 * math.cos(math.pi * t)


def ease_in(t: float) -> float:
    """Slow at the start."""
    return t * t


def ease_out(t: float) -> float:
    """Slow at the end."""
    return t * (2.0 - t)


def hold(t: float) -> float:
    """Stays until the very end, then jumps."""
    return 0.0 if t < 1.0 else 1.0


def linear(t: float) -> float:
    """At an even pace."""
    return t


EASINGS: dict[EasingName, Callable[[float], float]] = {
    "linear": linear,
    "smooth": smooth,
    "ease_in": ease_in,
    "ease_out": ease_out,
    "hold": hold,
}


def eased(name: EasingName, t: float) -> float:
    """``t`` clipped to 0..1 and eased: 0 at 0, 1 at 1, never falling."""
    return EASINGS[name](min(max(t, 0.0), 1.0))
