"""What came of a Recipe: a picture, or the reason why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from genviewer.core.recipe import ModelRef, Recipe


@dataclass(frozen=True, eq=False)
class Frame:
    """A sample as it is shown.

    Attributes:
        pixels: uint8 (H, W, C).
        model, recipe: what it shows.
        decode_ms: how long the decoder took, in milliseconds.
        weights: cites what drew it, which ``model`` does not while that learns.
    """

    pixels: NDArray[np.uint8]
    model: ModelRef
    recipe: Recipe
    decode_ms: float
    weights: ModelRef | None = None


@dataclass(frozen=True)
class Failure:
    """Stands in the place of a Frame; ``message`` is one sentence for the user."""

    message: str
    model: ModelRef
    recipe: Recipe | None = None
