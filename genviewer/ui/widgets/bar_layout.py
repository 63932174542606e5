"""Where the bars of the equaliser lie."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

INSET = 2  # px between the frame and the bars
LEAST_PITCH = 1.75  # px per bar that may still be squeezed into the width
SCROLLED_PITCH = 2.0
WIDEST_BAR = 28.0


@dataclass(frozen=True)
class BarLayout:
    """Bars side by side, ``pitch`` px apart, in a content that may be wider than the view.

    Attributes:
        count: number of bars.
        pitch: px from one bar to the next.
        height: of the whole widget.
        top, bottom: heights of the range's upper and lower end.
        labels: height of the line of labels below the bars, 0 where they do not fit.
    """

    count: int
    pitch: float
    height: int
    top: float
    bottom: float
    labels: int

    @classmethod
    def of(
        cls, count: int, width: int, height: int, line: int = 0, label_width: int = 0
    ) -> BarLayout:
        """Fit ``count`` bars; text lines are ``line`` px high, labels ``label_width`` px wide."""
        pitch = (width - 2 * INSET) / max(count, 1)
        if pitch < LEAST_PITCH:
            pitch = SCROLLED_PITCH
        labels = line if pitch >= label_width + 2 and height >= 4 * line > 0 else 0
        return cls(count, pitch, height, 5.0, height - 5.0 - labels, labels)

    @property
    def content_width(self) -> int:
        """Px that all bars take."""
        return round(self.count * self.pitch) + 2 * INSET

    @property
    def way(self) -> float:
        """Px from the lower to the upper end of the range."""
        return max(self.bottom - self.top, 1.0)

    def edges(self, place: int) -> tuple[int, int]:
        """Left and right edge of a column."""
        return INSET + round(place * self.pitch), INSET + round((place + 1) * self.pitch)

    def place_at(self, x: float) -> int:
        """The place whose column covers ``x``; outside 0 to count - 1 beside the bars."""
        place = int((x - INSET) // self.pitch)
        for near in (place, place - 1, place + 1):  # edges are rounded to whole pixels
            left, right = self.edges(near)
            if left <= x < right:
                return near
        return place

    def bars(self, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Left edges and widths of the bars themselves, float64 (n,) each."""
        left = INSET + np.round(places * self.pitch)
        right = INSET + np.round((places + 1) * self.pitch)
        gap = 2.0 if self.pitch >= 8 else 1.0 if self.pitch >= 3.5 else 0.0
        width = np.minimum(right - left - gap, WIDEST_BAR)
        return np.floor(left + (right - left - width) / 2), width

    def y_of(self, fraction: float) -> float:
        """Height of a fraction of the range."""
        return self.bottom - fraction * self.way

    def ys_of(self, fractions: np.ndarray) -> np.ndarray:
        """The same for many, float64 (n,)."""
        heights: np.ndarray = self.bottom - fractions * self.way
        return heights

    def fraction(self, y: float) -> float:
        """Inverse of :meth:`y_of`; beyond 0 to 1 outside."""
        return (self.bottom - y) / self.way

    def heights(
        self, start: tuple[float, float], end: tuple[float, float]
    ) -> tuple[np.ndarray, np.ndarray]:
        """What a hand that went from ``start`` to ``end`` gives the bars it crossed.

        Args:
            start: x in the content and fraction of the range where the hand was.
            end: the same where it is now; the bar there gets exactly its fraction.

        Returns:
            int64 (n,) places and float64 (n,) fractions, 0 to 1; at least one bar.
        """
        (x0, f0), (x1, f1) = start, end
        last = min(max(self.place_at(x1), 0), self.count - 1)
        other = min(max(self.place_at(x0), 0), self.count - 1)
        places = np.arange(min(last, other), max(last, other) + 1)
        left, width = self.bars(places)
        along = np.ones(len(places))
        if x1 != x0:
            along = np.clip((left + width / 2 - x0) / (x1 - x0), 0.0, 1.0)
        along[places == last] = 1.0
        return places, np.clip(f0 + (f1 - f0) * along, 0.0, 1.0)
