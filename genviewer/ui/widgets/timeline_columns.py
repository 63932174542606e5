"""Where the steps of a training lie from left to right: the slider and the strip below agree."""

from __future__ import annotations

from dataclasses import dataclass

HEAD = 136  # where the names of the rows are
EDGE = 32  # half a tile and some air, so that the first and the last tile have room
TILE = 48
GAP = 6


@dataclass(frozen=True)
class Columns:
    """Equally spaced places for ``count`` steps on ``width`` pixels."""

    count: int
    width: int

    def x(self, place: int) -> float:
        """The middle of a place."""
        if self.count < 2:
            return float(HEAD + EDGE)
        return HEAD + EDGE + place * self._pitch

    def place(self, x: float) -> int:
        """The place that is nearest; -1 where there is none at all."""
        if self.count < 2:
            return self.count - 1
        return min(max(round((x - HEAD - EDGE) / self._pitch), 0), self.count - 1)

    @property
    def end(self) -> float:
        """Where the last place is, were there any number of them."""
        return float(max(self.width - EDGE, HEAD + EDGE))

    @property
    def tiled(self) -> tuple[int, ...]:
        """The places that have room for a tile: every one, or every second, fourth .. and the
        last. Powers of two, so that tiles stay where they are while steps are added.
        """
        if self.count < 2:
            return tuple(range(self.count))
        apart = 1
        while apart * self._pitch < TILE + GAP and apart < self.count:
            apart *= 2
        places = list(range(0, self.count, apart))
        last = self.count - 1
        if places[-1] != last:
            if (last - places[-1]) * self._pitch < TILE + GAP and len(places) > 1:
                places.pop()
            places.append(last)
        return tuple(places)

    @property
    def _pitch(self) -> float:
        room = max(self.end - HEAD - EDGE, 1.0)
        return min(room / (self.count - 1), 2.0 * TILE)
