"""What a view makes of a Scene: cells in rows and columns, packed for the decoder."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from genviewer.core.latent import Latent
from genviewer.core.recipe import ModelRef, Recipe
from genviewer.core.synthesis import Mix, Noise, Synthesis, Transform

if TYPE_CHECKING:
    from genviewer.core.condition import Condition

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Pack:
    """The cells of one model, as arrays; Recipes are made only when somebody asks for one.

    Attributes:
        model: what draws them.
        cells: int64 (n,) flat cell indices (row * columns + column), in drawing order.
        latents: float32 (n, D), before truncation.
        conditions: the distinct conditions.
        condition_index: int64 (n,) index into ``conditions``.
        truncation, truncation_cutoff, noise, noise_strength, mix, transform: as in the Recipe.
        space: the latents' space.
    """

    model: ModelRef
    cells: Ints
    latents: Floats
    conditions: tuple[Condition, ...]
    condition_index: Ints
    truncation: float = 1.0
    truncation_cutoff: int | None = None
    noise: Noise = "const"
    space: str = "z"
    noise_strength: float = 1.0
    mix: Mix | None = None
    transform: Transform | None = None

    @property
    def synthesis(self) -> Synthesis:
        """As of the Recipes of all its cells."""
        return Synthesis(
            self.space,
            self.truncation,
            self.truncation_cutoff,
            self.noise,
            self.noise_strength,
            self.mix,
            self.transform,
        )

    def recipe(self, row: int) -> Recipe:
        """The Recipe of the pack's row-th cell."""
        return Recipe(
            Latent(self.latents[row], self.space),
            self.conditions[int(self.condition_index[row])],
            self.truncation,
            self.truncation_cutoff,
            self.noise,
            self.noise_strength,
            self.mix,
            self.transform,
        )


@dataclass(frozen=True)
class MapFrame:
    """Where a Map's tiles lie: plane coordinates of the middle of the first tile, the distance
    between tiles, the two axis vectors, and the current latent's own plane coordinates.
    """

    first: tuple[float, float]
    step: float
    cursor: tuple[float, float]
    center: tuple[float, float]
    extent: float
    x_label: str
    y_label: str
    u: tuple[float, ...]
    v: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class Sheet:
    """Cells in rows and columns.

    Attributes:
        rows, columns: the layout; the last row may be part empty.
        packs: the cells per model, in drawing order.
        row_labels, column_labels: header texts; empty tuples where the view has no headers.
        focus_cell: flat index of the cell that shows the current sample, or None.
        map_frame: the plane's geometry for the Map.
    """

    rows: int
    columns: int
    packs: tuple[Pack, ...]
    row_labels: tuple[str, ...] = ()
    column_labels: tuple[str, ...] = ()
    focus_cell: int | None = None
    map_frame: MapFrame | None = None
    _places: dict[int, tuple[int, int]] = field(default_factory=dict, repr=False)

    @property
    def count(self) -> int:
        """Number of cells that hold a sample."""
        return sum(len(pack.cells) for pack in self.packs)

    def cell(self, index: int) -> tuple[ModelRef, Recipe] | None:
        """Model reference and Recipe of a flat cell index; None where the cell is empty."""
        if not self._places:
            for p, pack in enumerate(self.packs):
                for row, cell in enumerate(pack.cells):
                    self._places[int(cell)] = (p, row)
        place = self._places.get(index)
        if place is None:
            return None
        pack = self.packs[place[0]]
        return pack.model, pack.recipe(place[1])

    def label(self, index: int) -> str:
        """What to call a cell: its row and column header, joined."""
        row, column = divmod(index, self.columns)
        texts = []
        if row < len(self.row_labels):
            texts.append(self.row_labels[row])
        if column < len(self.column_labels):
            texts.append(self.column_labels[column])
        return " · ".join(t for t in texts if t)
