"""In which order latent dimensions are shown, and what is known of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, eq=False)
class DimRanking:
    """An order of D dimensions.

    Attributes:
        dims: int64 (D,), the dimension in each place.
        row_of: int64 (D,), the place of each dimension.
        scores: float64 (D,) by dimension, or None where nothing was measured.
        dead: bool (D,) by dimension: no effect on the picture.
        score_name: what the scores are.
    """

    dims: NDArray[np.int64]
    row_of: NDArray[np.int64]
    scores: NDArray[np.float64] | None
    dead: NDArray[np.bool_]
    score_name: str = "effect"

    @classmethod
    def by_index(cls, dim: int) -> DimRanking:
        """Dimensions 0 to D - 1 as they come."""
        return cls.of(dim, np.arange(dim), None, None)

    @classmethod
    def of(
        cls,
        dim: int,
        dims: ArrayLike,
        scores: ArrayLike | None,
        dead: ArrayLike | None,
        score_name: str = "effect",
    ) -> DimRanking:
        """Check and keep an order of ``dim`` dimensions.

        Raises:
            ValueError: if ``dims`` is not a permutation, or an array is of another length.
        """
        places = np.array(dims, np.int64).reshape(-1)
        if not np.array_equal(np.sort(places), np.arange(dim)):
            raise ValueError(f"an order names each of the {dim} dimensions once")
        kept = None if scores is None else np.array(scores, np.float64).reshape(-1)
        marks = np.zeros(dim, bool) if dead is None else np.array(dead, bool).reshape(-1)
        if marks.size != dim or (kept is not None and kept.size != dim):
            raise ValueError(f"scores and dead marks have {dim} values")
        return cls(places, np.argsort(places), kept, marks, score_name)

    def share(self, dim: int) -> float | None:
        """The score of a dimension over the largest, 0 to 1; None where nothing was measured."""
        if self.scores is None:
            return None
        largest = float(self.scores.max())
        return min(max(float(self.scores[dim]) / largest, 0.0), 1.0) if largest > 0 else 0.0

    def describe(self, dim: int) -> str:
        """Such as ``effect 0.031``; empty where nothing is known."""
        parts = []
        if self.scores is not None:
            parts.append(f"{self.score_name} {float(self.scores[dim]):.2g}")
        if self.dead[dim]:
            parts.append("no effect on the picture")
        return "; ".join(parts)
