"""The numbers behind one curve: bounded, smoothed as they come, thinned for the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    Values = NDArray[np.float64]
    Columns = dict[str, tuple[Values, Values]]

NOT_SERIES = ("step", "seconds", "epoch")
"""Columns that say when something was measured."""

MOST = 1 << 16
"""Points that a curve keeps. One that is full is thinned to half of them, again and again: the
memory of a run does not grow with its length."""
BLOCK = 256
COARSER = 3
"""Columns of pixels for each point of a smooth line: thick lines take long to paint."""


class Seen(NamedTuple):
    """What of a curve is drawn.

    Attributes:
        x, low, high: steps, and the least and the largest raw value at each; these are the same
            where every point has its own column of pixels.
        smooth_x, smooth: steps and smoothed values.
    """

    x: Values
    low: Values
    high: Values
    smooth_x: Values
    smooth: Values


def columns_of(rows: Iterable[Mapping[str, float]]) -> Columns:
    """The steps and values of each curve in measured rows. Any thread: many rows take long."""
    lists: dict[str, tuple[list[float], list[float]]] = {}
    for row in rows:
        step = row.get("step")
        if step is None:
            continue
        for key, value in row.items():
            if key not in NOT_SERIES:
                steps, values = lists.setdefault(key, ([], []))
                steps.append(float(step))
                values.append(float(value))
    return {key: (np.array(steps), np.array(values)) for key, (steps, values) in lists.items()}


class CurveData:
    """The points of one curve in the order of their steps.

    Smoothing is an exponential moving average over the points, without the bias of its start:
    ``strength`` 0 changes nothing, 0.99 averages over about the last hundred.
    """

    def __init__(self, strength: float = 0.0, most: int = MOST) -> None:
        self._most = most
        self._steps, self._raw, self._smooth = (np.zeros(1024) for _ in range(3))
        self._count = 0
        self._strength = strength
        self._mean, self._weight = 0.0, 0.0  # of the moving average: its sum and that of its ones

    def __len__(self) -> int:
        return self._count

    @property
    def steps(self) -> Values:
        """The steps of the points, ascending; a view."""
        return self._steps[: self._count]

    @property
    def raw(self) -> Values:
        """The values as they came; a view."""
        return self._raw[: self._count]

    @property
    def smooth(self) -> Values:
        """The values smoothed; a view."""
        return self._smooth[: self._count]

    def extend(self, steps: Sequence[float] | Values, values: Sequence[float] | Values) -> None:
        """Add points, in ascending order of their steps.

        Values that are not finite are left out. Where the steps begin again at an earlier one, as
        they do when a run went back to a checkpoint, the points from there on are forgotten.
        """
        x, y = np.asarray(steps, np.float64), np.asarray(values, np.float64)
        fine = np.isfinite(y) & np.isfinite(x)
        x, y = x[fine], y[fine]
        if not x.size:
            return
        back = np.flatnonzero(np.diff(x) <= 0)
        if back.size:  # it went back among these very points
            cut = int(back[0]) + 1
            self.extend(x[:cut], y[:cut])
            self.extend(x[cut:], y[cut:])
            return
        if self._count and x[0] <= self._steps[self._count - 1]:
            self._count = int(np.searchsorted(self.steps, x[0]))
            self._smooth_again()
        while x.size:
            room = self._most - self._count
            self._add(x[:room], y[:room])
            x, y = x[room:], y[room:]
            if self._count >= self._most:
                self._thin()

    def set_strength(self, strength: float) -> None:
        """Smooth more or less: 0 <= ``strength`` < 1."""
        if strength != self._strength:
            self._strength = strength
            self._smooth_again()

    def at(self, step: float) -> tuple[float, float, float] | None:
        """Step, value and smoothed value of the point that is nearest to a step."""
        if not self._count:
            return None
        steps = self.steps
        after = int(np.searchsorted(steps, step))
        near = min(max(after, 0), self._count - 1)
        if after and abs(steps[after - 1] - step) <= abs(steps[near] - step):
            near = after - 1
        return float(steps[near]), float(self._raw[near]), float(self._smooth[near])

    def seen(self, low: float, high: float, columns: int) -> Seen:
        """What to draw between two steps on so many columns of pixels.

        The points next to the range are among them, so that lines lead out of the picture.
        """
        first = max(int(np.searchsorted(self.steps, low)) - 1, 0)
        last = min(int(np.searchsorted(self.steps, high, "right")) + 1, self._count)
        each = 1
        while (last - first) > each * max(columns, 1):
            each *= 2
        line = self._line(first, last, columns // COARSER)
        if each == 1:
            x, raw = self._steps[first:last], self._raw[first:last]
            return Seen(x, raw, raw, *line)
        # Whole multiples, so that the picture does not flicker while points are added.
        first -= first % each
        starts = np.arange(first, last, each)
        raw = self._raw[first:last]
        lows = np.minimum.reduceat(raw, starts - first)
        highs = np.maximum.reduceat(raw, starts - first)
        # A band reaches to the next one's start, or gaps would be seen between them.
        x = self._steps[starts]
        x[-1] = self._steps[last - 1]
        return Seen(x, lows, highs, *line)

    def _line(self, first: int, last: int, columns: int) -> tuple[Values, Values]:
        """Steps and smoothed values of about every so many columns, the last one among them."""
        each = 1
        while last - first > each * max(columns, 1):
            each *= 2
        places = np.arange(first - first % each, last, each)
        if places.size and places[-1] != last - 1:
            places = np.append(places, last - 1)
        return self._steps[places], self._smooth[places]

    def _add(self, x: Values, y: Values) -> None:
        count = self._count + x.size
        if count > self._steps.size:
            size = min(max(2 * self._steps.size, count), self._most)
            self._steps, self._raw, self._smooth = (
                np.concatenate([old[: self._count], np.zeros(size - self._count)])
                for old in (self._steps, self._raw, self._smooth)
            )
        place = slice(self._count, count)
        self._steps[place], self._raw[place] = x, y
        self._smooth[place], self._mean, self._weight = smoothed(
            y, self._strength, self._mean, self._weight
        )
        self._count = count

    def _thin(self) -> None:
        """Keep the least and the largest of every four points, in their order."""
        raw = self.raw[: self._count // 4 * 4].reshape(-1, 4)
        picked = np.sort(np.stack([raw.argmin(1), raw.argmax(1)], 1), axis=1)
        picked[picked[:, 0] == picked[:, 1]] = (0, 2)  # four equal values
        rows = (picked + 4 * np.arange(len(picked))[:, None]).ravel()
        kept = rows.size
        for values in (self._steps, self._raw, self._smooth):
            values[:kept] = values[rows]
        self._count = kept

    def _smooth_again(self) -> None:
        values, self._mean, self._weight = smoothed(self.raw, self._strength, 0.0, 0.0)
        self._smooth[: self._count] = values


def smoothed(
    values: Values, strength: float, mean: float, weight: float
) -> tuple[Values, float, float]:
    """An exponential moving average that goes on from ``mean`` and ``weight``, both 0 at first.

    The weight is the average of ones, by which the average is divided: so it does not lean to 0
    at its start. In blocks, each a product with one matrix, since a loop over twenty thousand
    points takes as long as many frames.
    """
    if not values.size or strength <= 0.0:
        return values.copy(), mean, weight
    size = min(BLOCK, values.size)
    power = np.arange(size)
    lag = power[:, None] - power[None, :]
    kernel = np.where(lag >= 0, (1.0 - strength) * strength ** np.maximum(lag, 0), 0.0)
    decay = strength ** (power + 1.0)
    out = np.empty_like(values)
    for start in range(0, values.size, size):
        block = values[start : start + size]
        n = block.size
        means = kernel[:n, :n] @ block + decay[:n] * mean
        weights = 1.0 - decay[:n] * (1.0 - weight)
        out[start : start + n] = means / weights
        mean, weight = float(means[-1]), float(weights[-1])
    return out, mean, weight
