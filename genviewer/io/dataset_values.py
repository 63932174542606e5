"""What a data set is once it has been read."""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from genviewer.io.foreign.budget import clean

Pixels = NDArray[np.uint8]
Labels = NDArray[np.int64]
MAX_BYTES = 8 << 30  # a whole data set is held in memory


_MUCH_BYTES = 256 << 20
_MOST_TIMES = 100


def unpacked_limit(packed: int, limit: int = MAX_BYTES) -> int:
    """How many bytes may come out of ``packed`` compressed ones.

    Real images do not shrink a hundredfold; what does may be made to fill the memory.
    """
    return min(limit, max(_MUCH_BYTES, _MOST_TIMES * packed))


class DataError(ValueError):
    """A data set that cannot be used; the message is one sentence for the user."""


class BadFileError(DataError):
    """One file of a data set that cannot be used; ``reason`` follows its name in a sentence."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{clean(name, 120)} {reason}.")
        self.name = name
        self.reason = reason


class MissingFileError(BadFileError):
    """A file of a data set that is not there, or not any more."""


class DamagedFileError(BadFileError):
    """A file of a data set that can be read and is no sound image."""


class Images(msgspec.Struct, frozen=True):
    """uint8 images (N, H, W, C) and, where known, labels int64 (N,) and the classes' names.

    ``groups`` int64 (N,) counts from 0 and says which images belong together beside their class,
    as the letters of one font do; ``group_names`` names them.
    """

    source: str
    images: Pixels
    labels: Labels | None = None
    names: tuple[str, ...] | None = None
    groups: Labels | None = None
    group_names: tuple[str, ...] | None = None


Splits = tuple[Images, Images | None]
