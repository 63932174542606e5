"""Keyframes: a timeline of Recipes with durations and easing. NumPy only, any thread."""

from __future__ import annotations

import bisect
from typing import Annotated, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from genviewer.core.arithmetic import lerp, slerp
from genviewer.core.condition_mixing import mix_conditions
from genviewer.core.easing import EasingName, eased
from genviewer.core.latent import Latent
from genviewer.core.recipe import Recipe

Array = NDArray[np.float32]
PathKind = Literal["lerp", "slerp", "spline"]

MAX_KEYFRAMES = 1024
MAX_SECONDS = 24.0 * 3600.0
Seconds = Annotated[float, msgspec.Meta(gt=0.0, le=MAX_SECONDS)]


class Keyframe(msgspec.Struct, frozen=True):
    """A Recipe, how long it takes from here to the next one, and how the time is spent."""

    recipe: Recipe
    seconds: Seconds = 1.0
    easing: EasingName = "smooth"


class Timeline(msgspec.Struct, frozen=True, tag="keyframes"):
    """Keyframes in their order.

    Attributes:
        keyframes: at least one; their latents share space and shape.
        loop: whether the last one leads back to the first, in its own ``seconds``.
        path: ``lerp`` goes straight, ``slerp`` along arcs, ``spline`` smoothly through several
            (Catmull and Rom 1974). Arcs and splines keep the norm between those of their ends.

    Raises:
        ValueError: there are no keyframes or too many, or the latents do not fit each other.
    """

    keyframes: tuple[Keyframe, ...]
    loop: bool = False
    path: PathKind = "slerp"

    def __post_init__(self) -> None:
        if not 1 <= len(self.keyframes) <= MAX_KEYFRAMES:
            raise ValueError(f"a timeline has 1 to {MAX_KEYFRAMES} keyframes")
        kinds = {(k.recipe.latent.space, k.recipe.latent.array.shape) for k in self.keyframes}
        if len(kinds) > 1:
            raise ValueError("the latents of all keyframes have one space and one size")

    @property
    def segments(self) -> int:
        """The number of ways from one keyframe to the next."""
        count = len(self.keyframes)
        return count if self.loop and count > 1 else count - 1

    @property
    def starts(self) -> tuple[float, ...]:
        """When each segment starts, and when the last one ends, in seconds."""
        times = [0.0]
        for keyframe in self.keyframes[: self.segments]:
            times.append(times[-1] + keyframe.seconds)
        return tuple(times)

    @property
    def seconds(self) -> float:
        """How long it takes; a single keyframe stands still for its own ``seconds``."""
        return self.starts[-1] if self.segments else self.keyframes[0].seconds

    def at(self, t: float) -> Recipe:
        """The Recipe at ``t`` seconds; clipped to the ends, or wrapped around in a loop.

        At the time of a keyframe it is that keyframe's own Recipe.
        """
        if not self.segments:
            return self.keyframes[0].recipe
        starts = self.starts
        t = t % starts[-1] if self.loop else min(max(t, 0.0), starts[-1])
        segment = min(bisect.bisect_right(starts, t) - 1, self.segments - 1)
        start = self.keyframes[segment]
        lasts = starts[segment + 1] - starts[segment]  # exactly 1 at its end, whatever was rounded
        fraction = eased(start.easing, (t - starts[segment]) / lasts)
        end = self.keyframes[(segment + 1) % len(self.keyframes)]
        if fraction <= 0.0 or fraction >= 1.0:
            return (start if fraction <= 0.0 else end).recipe
        return _between(start.recipe, end.recipe, fraction, self._latent(segment, fraction))

    def _latent(self, segment: int, fraction: float) -> Array:
        count = len(self.keyframes)
        a = self.keyframes[segment].recipe.latent.array
        b = self.keyframes[(segment + 1) % count].recipe.latent.array
        if self.path == "lerp":
            return lerp(a, b, fraction)
        if self.path == "slerp" or count < 3:
            return _typical(slerp(a, b, fraction), a, b, fraction)
        before, after = segment - 1, segment + 2
        if self.loop:
            before, after = before % count, after % count
        p = self.keyframes[max(before, 0)].recipe.latent.array
        q = self.keyframes[min(after, count - 1)].recipe.latent.array
        return _typical(_spline(p, a, b, q, fraction), a, b, fraction)


def _spline(p: Array, a: Array, b: Array, q: Array, t: float) -> Array:
    """Catmull-Rom from ``a`` to ``b``, between their neighbours ``p`` and ``q``."""
    u, v = 0.5 * (b - p), 0.5 * (q - a)
    point: Array = (
        (2 * t**3 - 3 * t**2 + 1) * a
        + (t**3 - 2 * t**2 + t) * u
        + (3 * t**2 - 2 * t**3) * b
        + (t**3 - t**2) * v
    ).astype(np.float32)
    return point


def _typical(point: Array, a: Array, b: Array, t: float) -> Array:
    """The point scaled to a norm between those of ``a`` and ``b``: curves overshoot."""
    wanted = (1.0 - t) * float(np.linalg.norm(a)) + t * float(np.linalg.norm(b))
    norm = float(np.linalg.norm(point))
    if norm <= 1e-6 * wanted:
        return point
    scaled: Array = (point * np.float32(wanted / norm)).astype(np.float32)
    return scaled


def _between(a: Recipe, b: Recipe, t: float, latent: Array) -> Recipe:
    """Truncation is mixed; what cannot be, such as a noise seed, changes half-way."""
    return msgspec.structs.replace(
        a if t < 0.5 else b,
        latent=Latent(latent, a.latent.space),
        condition=mix_conditions(a.condition, b.condition, t),
        truncation=(1.0 - t) * a.truncation + t * b.truncation,
    )
