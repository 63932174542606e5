"""What the render thread hands over, and the one slot through which it does."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from genviewer.core.frame import Failure, Frame
    from genviewer.core.sheet import Ints, Sheet

MAX_STAMPS = 512


@dataclass(frozen=True, eq=False)
class Tiles:
    """Some cells of a Sheet, drawn.

    Attributes:
        serial: of the Sheet that they were drawn for.
        cells: int64 (n,) flat cell indices.
        pixels: uint8 (n, H, W, C).
    """

    serial: int
    cells: Ints
    pixels: NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class SheetUpdate:
    """What is new about the Sheet.

    Attributes:
        sheet, serial: the newest Sheet that is being drawn, and its number.
        reset: what was handed over before lies elsewhere or shows something else. Without it,
            cells that are in no chunk keep what they show: it is the same or redrawn soon.
        chunks: to be painted in this order. No cell is in two of them.
        complete: every cell of ``sheet`` has been handed over, now or before.
        failure: why the Sheet will not be completed, if so.
    """

    sheet: Sheet
    serial: int
    reset: bool
    chunks: tuple[Tiles, ...]
    complete: bool
    failure: Failure | None = None


@dataclass(frozen=True, eq=False)
class Rendered:
    """All that is new since the last :meth:`Slot.take`.

    Attributes:
        focus: the newest current sample, or None where it has not changed.
        stamps: of every request that ``focus`` answers, those it overtook included.
        sheet: what is new about the Sheet, if anything.
        panes: the samples of the panes that have no focus, by the index of the pane; those that
            are new.
        notices: sentences for the user, such as a change of device.
    """

    focus: Frame | Failure | None = None
    stamps: tuple[float, ...] = ()
    sheet: SheetUpdate | None = None
    panes: Mapping[int, Frame | Failure] = field(default_factory=dict)
    notices: tuple[str, ...] = ()


class Slot:
    """Holds what has not been taken yet: newest focus, at most one Sheet's worth of tiles."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: Rendered | None = None
        self._taken = threading.Event()

    def take(self) -> Rendered | None:
        """Everything since the last call, or None. Any thread."""
        with self._lock:
            held, self._held = self._held, None
        self._taken.set()
        return held

    def wait_taken(self, seconds: float) -> None:
        """Return when what is held has been taken, or after that many seconds."""
        if not self.empty:
            self._taken.wait(seconds)

    @property
    def empty(self) -> bool:
        """Whether there is nothing to take. Any thread."""
        with self._lock:
            return self._held is None

    def put(self, new: Rendered) -> bool:
        """Add to what is held; True if the slot was empty."""
        with self._lock:
            held = self._held
            self._taken.clear()
            self._held = new if held is None else _merged(held, new)
        return held is None


def _merged(old: Rendered, new: Rendered) -> Rendered:
    sheet = new.sheet if new.sheet is not None else old.sheet
    if old.sheet is not None and new.sheet is not None and not new.sheet.reset:
        chunks = (*_without(old.sheet.chunks, new.sheet.chunks), *new.sheet.chunks)
        sheet = replace(new.sheet, reset=old.sheet.reset, chunks=chunks)
    return Rendered(
        new.focus if new.focus is not None else old.focus,
        (*old.stamps, *new.stamps)[-MAX_STAMPS:],
        sheet,
        {**old.panes, **new.panes},
        (*old.notices, *new.notices),
    )


def _without(old: tuple[Tiles, ...], new: tuple[Tiles, ...]) -> list[Tiles]:
    """The old tiles less those of cells that the new ones paint over."""
    if not new:
        return list(old)
    painted = np.concatenate([tiles.cells for tiles in new])
    left = []
    for tiles in old:
        keep = ~np.isin(tiles.cells, painted)
        if keep.all():
            left.append(tiles)
        elif keep.any():
            left.append(Tiles(tiles.serial, tiles.cells[keep], tiles.pixels[keep]))
    return left
