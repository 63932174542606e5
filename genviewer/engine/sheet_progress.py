"""A Sheet on its way to the screen: which cells are known, which are still to be drawn.

Used by the render thread only.
"""

from __future__ import annotations

import itertools
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np

from genviewer.core.pixels import sheet_reduction
from genviewer.engine.rendered import Tiles

if TYPE_CHECKING:
    from collections.abc import Iterable

    from genviewer.core.condition import Condition
    from genviewer.core.recipe import Recipe
    from genviewer.core.scene import ViewName
    from genviewer.core.sheet import Ints, Pack, Sheet
    from genviewer.engine.generator import Bytes, Generator

MAX_TILES = 4096
MAX_TILE_BYTES = 64 << 20

Key = tuple[tuple[object, ...], "Condition", bytes]
"""What a cell shows: generator and settings, condition, latent."""


class TileCache:
    """Tiles drawn lately, by what they show; the oldest leave first.

    It keeps no generator alive: keys hold numbers given to generators.
    """

    def __init__(self, max_tiles: int = MAX_TILES, max_bytes: int = MAX_TILE_BYTES) -> None:
        self._tiles: OrderedDict[Key, Bytes] = OrderedDict()
        self._numbers: WeakKeyDictionary[Generator, int] = WeakKeyDictionary()
        self._next_number = itertools.count()
        self._max_tiles, self._max_bytes = max_tiles, max_bytes

    def keys(self, generator: Generator, pack: Pack, reduction: int = 1) -> list[Key]:
        """What each row of a pack shows, averaged down by ``reduction``."""
        setting = (
            self._number(generator),
            reduction,
            pack.synthesis,
        )
        data = np.ascontiguousarray(pack.latents).tobytes()
        size = len(data) // max(1, len(pack.cells))
        return [
            (setting, pack.conditions[index], data[row * size : (row + 1) * size])
            for row, index in enumerate(pack.condition_index.tolist())
        ]

    def key(self, generator: Generator, recipe: Recipe) -> Key:
        """What a Recipe shows."""
        setting = (
            self._number(generator),
            1,
            recipe.synthesis,
        )
        return setting, recipe.condition, recipe.latent.array.tobytes()

    def get(self, key: Key) -> Bytes | None:
        """The tile uint8 (H, W, C), if it is still there."""
        return self._tiles.get(key)

    def add(self, keys: Iterable[Key], pixels: Bytes) -> None:
        """Keep tiles uint8 (n, H, W, C), within the bounds."""
        for key, tile in zip(keys, pixels, strict=True):
            self._tiles[key] = tile
            self._tiles.move_to_end(key)
        if len(pixels):
            most = min(self._max_tiles, self._max_bytes // max(1, pixels[0].nbytes))
            while len(self._tiles) > most:
                self._tiles.popitem(last=False)

    def _number(self, generator: Generator) -> int:
        number = self._numbers.get(generator)
        if number is None:
            number = self._numbers[generator] = next(self._next_number)
        return number


@dataclass(frozen=True, eq=False)
class Plan:
    """A Sheet as asked for: under which view, by which generator."""

    sheet: Sheet
    view: ViewName
    generator: Generator

    @property
    def reduction(self) -> int:
        """By what factor its samples are averaged down, so that memory is bounded."""
        image = self.generator.spec.image
        return sheet_reduction(self.sheet.rows * image.height, self.sheet.columns * image.width)

    def same_layout(self, other: Plan) -> bool:
        """Whether both have the same cells of the same picture size under the same view."""
        a, b = self.sheet, other.sheet
        return (
            self.view == other.view
            and self.generator.spec.image == other.generator.spec.image
            and (a.rows, a.columns, a.count) == (b.rows, b.columns, b.count)
        )

    def same_places(self, other: Plan) -> bool:
        """Whether a cell means the same place in both; on a Map that has moved it does not."""
        a, b = self.sheet.map_frame, other.sheet.map_frame
        if not self.same_layout(other) or (a is None) != (b is None):
            return False
        return a is None or b is None or (a.first, a.step, a.u, a.v) == (b.first, b.step, b.u, b.v)

    def overtaken_by(self, newer: Plan) -> bool:
        """Whether it makes no sense to finish this one before the newer.

        It usually does: a Sheet that restarted at every step of a drag would never be complete.
        But another layout makes what is drawn useless, and a panned Map shares its tiles.
        """
        a, b = self.sheet.map_frame, newer.sheet.map_frame
        panned = a is not None and b is not None and a.step == b.step and a.first != b.first
        return panned or not self.same_layout(newer)

    def same_picture(self, other: Plan) -> bool:
        """Whether headers, frame and places are the same, so that only cells can differ."""
        a, b = self.sheet, other.sheet
        return self.same_places(other) and (
            (a.row_labels, a.column_labels, a.focus_cell, a.map_frame)
            == (b.row_labels, b.column_labels, b.focus_cell, b.map_frame)
        )


class SheetProgress:
    """The cells of a plan that are still to be drawn, in drawing order.

    Args:
        plan: the Sheet.
        serial: its number.
        cache: tiles that need not be drawn again.
        handed: what each cell shows on the other side, by flat index; empty after a reset. It is
            kept up to date.
    """

    def __init__(self, plan: Plan, serial: int, cache: TileCache, handed: dict[int, Key]) -> None:
        self.plan = plan
        self.serial = serial
        self._cache = cache
        self._handed = handed
        self._todo: list[tuple[Pack, list[int], list[Key]]] = []
        self.known: tuple[Tiles, ...] = self._sort_out()

    @property
    def done(self) -> bool:
        """Whether every cell has been handed over."""
        return not self._todo

    def next_chunk(self, size: int) -> tuple[Pack, Ints]:
        """The pack and rows of the next ``size`` cells to draw."""
        pack, rows, _ = self._todo[0]
        return pack, np.array(rows[:size], np.int64)

    def drawn(self, pixels: Bytes) -> Tiles:
        """Take over the samples of the last :meth:`next_chunk`: uint8 (n, H, W, C)."""
        pack, rows, keys = self._todo[0]
        size = len(pixels)
        cells = pack.cells[rows[:size]]
        self._cache.add(keys[:size], pixels)
        self._handed.update(zip(cells.tolist(), keys[:size], strict=True))
        if size == len(rows):
            self._todo.pop(0)
        else:
            self._todo[0] = (pack, rows[size:], keys[size:])
        return Tiles(self.serial, cells, pixels)

    def _sort_out(self) -> tuple[Tiles, ...]:
        """Tiles that are known but not handed over; the rest that is not known becomes the todo."""
        known = []
        for pack in self.plan.sheet.packs:
            keys = self._cache.keys(self.plan.generator, pack, self.plan.reduction)
            cells: list[int] = []
            tiles: list[Bytes] = []
            rows: list[int] = []
            missing: list[Key] = []
            for row, (cell, key) in enumerate(zip(pack.cells.tolist(), keys, strict=True)):
                if self._handed.get(cell) == key:
                    continue
                tile = self._cache.get(key)
                if tile is None:
                    rows.append(row)
                    missing.append(key)
                else:
                    cells.append(cell)
                    tiles.append(tile)
                    self._handed[cell] = key
            if cells:
                known.append(Tiles(self.serial, np.array(cells, np.int64), np.stack(tiles)))
            if rows:
                self._todo.append((pack, rows, missing))
        return tuple(known)
