"""Smooth walks through the prior, as pure functions of time. NumPy only, any thread.

A walk is a sample path of a stationary Gaussian process, a short sum of sinusoids with random
amplitudes, conditioned on passing through the current latent at time 0 (Matheron's rule). So the
walk begins where one stands, and every point of it has the prior's own distribution: the pictures
stay typical, which a chain of straight lines between draws does not achieve.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from genviewer.core.arithmetic import from_scores, scores

if TYPE_CHECKING:
    from genviewer.core.spec import LatentSpec

Array = NDArray[np.float32]
Doubles = NDArray[np.float64]
Mask = NDArray[np.bool_]
WalkMode = Literal["random", "loop"]

RATE = 0.35
"""Prior standard deviations per second that a coordinate moves (root mean square) at speed 1."""

_WAVES = 12  # enough that a random walk does not visibly repeat
_LOOP_WEIGHTS: Doubles = np.array([0.62, 0.26, 0.12])  # sum 1; higher harmonics would hurry


class Walk:
    """A path of latents; immutable, so :meth:`at` may be called for any time, in any order.

    Args:
        latent: the space, with its prior.
        start: float32 (D,), where the walk is at time 0.
        seed: chooses the path.
        mode: ``random`` never ends; ``loop`` comes back to the start every ``period`` seconds.
        speed: multiplies time; 1 moves at :data:`RATE` in ``random`` mode, and makes ``period``
            the time of one round in ``loop`` mode.
        period: seconds of one round, above 0; ``loop`` only.
        locked: bool (D,), True where the coordinate never moves.
        origin: where on the seeded path time 0 lies; :meth:`restarted` sets it.

    Raises:
        ValueError: if the period is not above 0 or the speed is negative.
    """

    def __init__(
        self,
        latent: LatentSpec,
        start: Array,
        seed: int,
        mode: WalkMode = "random",
        speed: float = 1.0,
        period: float = 12.0,
        locked: Mask | None = None,
        origin: float = 0.0,
    ) -> None:
        if not period > 0 or not speed >= 0:
            raise ValueError("a walk has a period above 0 seconds and a speed of at least 0")
        self.latent, self.seed, self.mode = latent, seed, mode
        self.speed, self.period = float(speed), float(period)
        self.start = np.array(start, np.float32)
        self.locked = None if locked is None else np.array(locked, np.bool_)
        self._origin = origin
        rng = np.random.default_rng(seed % (1 << 63))
        self._weights, self._frequencies = self._spectrum(rng)
        count = len(self._weights)
        amplitudes = rng.standard_normal((2, self.start.size, count)) * np.sqrt(self._weights)
        self._cosines, self._sines = amplitudes
        self._scores = scores(latent, self.start)
        # What the scores cannot express (a value outside the prior's support) fades away.
        self._beyond = self.start - from_scores(latent, self._scores)
        self._offset = self._scores - self._path(origin)

    def _spectrum(self, rng: np.random.Generator) -> tuple[Doubles, Doubles]:
        """Weights (sum 1) and angular frequencies of the sinusoids, (M,) each."""
        if self.mode == "loop":
            harmonics: Doubles = np.arange(1.0, len(_LOOP_WEIGHTS) + 1.0)
            return _LOOP_WEIGHTS, 2 * math.pi / self.period * harmonics
        # Stratified draws of a half-normal: a Gaussian kernel, with no two walks alike.
        p = (np.arange(_WAVES) + rng.uniform(0.1, 0.9, _WAVES)) / _WAVES
        normal = NormalDist()
        frequencies = np.array([normal.inv_cdf(0.5 + 0.5 * float(x)) for x in p])
        frequencies *= RATE / math.sqrt(float(np.mean(frequencies**2)))
        return np.full(_WAVES, 1.0 / _WAVES), frequencies

    def _path(self, time: float) -> Doubles:
        """The unconditioned path: float64 (D,), standard normal at every time."""
        phase = self._frequencies * time
        path: Doubles = self._cosines @ np.cos(phase) + self._sines @ np.sin(phase)
        return path

    def at(self, t: float) -> Array:
        """Where the walk is ``t`` seconds after its start: float32 (D,)."""
        time = float(t) * self.speed
        if self.mode == "loop":
            time %= self.period
        if time == 0.0:
            return self.start.copy()
        memory = float(self._weights @ np.cos(self._frequencies * time))
        moved = from_scores(self.latent, self._path(self._origin + time) + memory * self._offset)
        point: Array = (moved + memory * self._beyond).astype(np.float32)
        return point if self.locked is None else np.where(self.locked, self.start, point)

    def restarted(
        self,
        start: Array,
        t: float,
        locked: Mask | None = None,
        *,
        speed: float | None = None,
        period: float | None = None,
    ) -> Walk:
        """The same path taken up at time ``t`` from a point: its own time 0.

        For a latent, or a pace, that is edited in the middle of a walk: it goes on much the way
        it was going. Pace and period stay where none is given.
        """
        origin = self._origin + float(t) * self.speed
        speed = self.speed if speed is None else speed
        period = self.period if period is None else period
        if self.mode == "loop":
            origin = origin % self.period * (period / self.period)
        return Walk(self.latent, start, self.seed, self.mode, speed, period, locked, origin)
