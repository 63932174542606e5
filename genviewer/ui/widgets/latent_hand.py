"""What every control of the latent shares: the values, the locks, and the hand that holds some.

No Qt here: a control asks the hand what it may change and under which merge key.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from genviewer.core.spec import LatentSpec
from genviewer.ui.widgets.gesture import Gesture
from genviewer.ui.widgets.prior_range import PriorRange, dim_label, value_text

if TYPE_CHECKING:
    from collections.abc import Callable

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]
Dims = int | NDArray[np.integer] | NDArray[np.bool_]

DEFAULT_STEP = 0.1


class LatentHand:
    """The values a control shows, its locks, and the gesture under way.

    A gesture (a drag, or a burst of key presses or wheel clicks) has one merge key, such as
    ``slider:7:12``: control, what is held, number of the gesture. While a drag holds dimensions,
    values that arrive from outside do not move those; they are taken over on release.

    Args:
        name: of the control, the first part of its merge keys.
        clock: seconds, for telling bursts apart.
    """

    def __init__(self, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.name = name
        self.clock = clock
        self.step = DEFAULT_STEP
        self.range = PriorRange.of(LatentSpec(0))
        self.values: Floats = np.zeros(0, np.float32)
        self.locks: Mask = np.zeros(0, bool)
        self.held: Mask = np.zeros(0, bool)
        self.key = ""
        self._pending: Floats | None = None
        self._what = ""
        self._gesture = Gesture(name, clock)

    @property
    def dim(self) -> int:
        """Number of dimensions."""
        return int(self.values.size)

    @property
    def latent(self) -> LatentSpec:
        """The latent space that the values are from."""
        return self.range.latent

    def show(self, values: ArrayLike, latent: LatentSpec) -> Mask | None:
        """Take values from outside.

        Returns:
            bool (D,): the dimensions whose shown value changed; None where the latent space
            itself is another, so that nothing shown before counts (a drag ends, locks open).

        Raises:
            ValueError: if there are not ``latent.dim`` finite values.
        """
        new = np.array(values, np.float32).reshape(-1)
        if new.size != latent.dim or not np.isfinite(new).all():
            raise ValueError(f"a latent of this space has {latent.dim} finite values")
        if latent != self.latent:
            self.range = PriorRange.of(latent)
            self.values = new
            self.locks = np.zeros(new.size, bool)
            self.held = np.zeros(new.size, bool)
            self._pending, self._what = None, ""
            self._gesture.end()
            return None
        if self.dragging:
            self._pending = new
            new = np.where(self.held, self.values, new)
        changed = new != self.values
        self.values = new
        return changed

    def set_locks(self, mask: ArrayLike) -> bool:
        """Lock exactly the dimensions of a bool (D,) mask; whether that changed anything.

        Raises:
            ValueError: if the mask is not of length D.
        """
        new = np.array(mask, bool).reshape(-1)
        if new.size != self.dim:
            raise ValueError(f"a mask of locks has {self.dim} values")
        if np.array_equal(new, self.locks):
            return False
        self.locks = new
        return True

    @property
    def dragging(self) -> bool:
        """Whether a drag is under way."""
        return self._gesture.dragging

    def press(self, what: str | int) -> None:
        """Begin a drag of ``what`` with a key of its own."""
        self._turn_to(str(what))
        self._gesture.begin()
        self.key = self._gesture.key()
        self.held[:] = False
        self._pending = None

    def hold(self, dims: Dims) -> None:
        """Keep these dimensions where they are until release, whatever arrives."""
        self.held[dims] = True

    def burst(self, what: str | int) -> None:
        """Begin or go on with a burst of key presses or wheel clicks on ``what``."""
        if self._what != str(what):
            self._turn_to(str(what))
        self.key = self._gesture.key()

    def once(self, what: str | int) -> None:
        """Begin a gesture that is over at once, such as a typed value or a click."""
        self._turn_to(str(what))
        self.key = self._gesture.click()

    def release(self) -> Mask:
        """End the drag and take over what arrived meanwhile: bool (D,) of values that changed."""
        pending, self._pending = self._pending, None
        self._gesture.end()
        self.held[:] = False
        if pending is None:
            return np.zeros(self.dim, bool)
        changed = pending != self.values
        self.values = pending
        return changed

    def put(self, dims: Dims, values: ArrayLike) -> Mask:
        """Set coordinates by hand, all but locked ones; a drag holds them from here on.

        Returns:
            bool (D,): the dimensions whose value changed.
        """
        new = self.values.copy()
        new[dims] = np.asarray(values, np.float32)
        if self.dragging:
            self.hold(dims)
        return self.replace(new)

    def replace(self, values: ArrayLike) -> Mask:
        """Set the whole vector by hand, all but locked coordinates.

        Returns:
            bool (D,): the dimensions whose value changed.
        """
        new = np.where(self.locks, self.values, np.asarray(values, np.float32))
        changed: Mask = new != self.values
        self.values = new
        if changed.any():
            self._pending = None  # older than what the hand just said
        return changed

    def stepped(self, dim: int, delta: float) -> float:
        """A coordinate moved by ``delta`` inside the range; one outside it never jumps inwards."""
        value = float(self.values[dim])
        low, high = min(self.range.low, value), max(self.range.high, value)
        return round(min(max(value + delta, low), high), 6)

    def describe(self, dim: int) -> str:
        """Such as ``z7 = 1.28, 90th percentile of the prior``."""
        percentile = self.range.percentile(float(self.values[dim]))
        text = f"{dim_label(dim, self.latent)} = {value_text(float(self.values[dim]))}"
        return f"{text}, {percentile}" if percentile else text

    def _turn_to(self, what: str) -> None:
        self._what = what
        self._gesture = Gesture(f"{self.name}:{what}", self.clock)
