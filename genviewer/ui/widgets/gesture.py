"""Merge keys: edits with one key are one undo step."""

from __future__ import annotations

import time
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

BURST_S = 0.6  # key presses and wheel clicks closer together than this are one gesture
_numbers = count(1)  # one counter for all widgets, so that no two gestures share a key


class Gesture:
    """The gesture under way on a control: a drag, a burst of key presses, or a click.

    Args:
        name: of the control, the first part of its keys.
        clock: seconds, for telling bursts apart.
    """

    def __init__(self, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._name = name
        self._clock = clock
        self._key = ""
        self._last = float("-inf")
        self.dragging = False

    def begin(self) -> None:
        """A drag starts: every :meth:`key` until :meth:`end` is the same."""
        self.dragging = True
        self._key = f"{self._name}:{next(_numbers)}"

    def end(self) -> None:
        """The drag is over."""
        self.dragging = False
        self._last = float("-inf")

    def key(self) -> str:
        """The merge key of an edit that happens now."""
        now = self._clock()
        if not self.dragging and now - self._last > BURST_S:
            self._key = f"{self._name}:{next(_numbers)}"
        self._last = now
        return self._key

    def click(self) -> str:
        """A merge key that nothing else shares."""
        self._last = float("-inf")
        return f"{self._name}:{next(_numbers)}"
