"""The encoded images of a row group of a Parquet table, in memory or on the disk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from genviewer.io.dataset_spill import Spill
    from genviewer.io.dataset_values import Labels


class EncodedImages:
    """The encoded images of a row group, equal ones once; any thread.

    Args:
        column: ``pyarrow.ChunkedArray`` of dictionaries of bytes, or of structures of such.
    """

    def __init__(self, column: Any) -> None:
        import pyarrow as pa

        parts = [c.flatten()[0] if isinstance(c, pa.StructArray) else c for c in column.chunks]
        places, count = [np.empty(0, np.int64)], 0
        for part in parts:
            found = part.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
            if len(found) and not -1 <= found.min() <= found.max() < len(part.dictionary):
                raise ValueError("an index leads out of its dictionary")
            places.append(np.where(found < 0, -1, found + count))
            count += len(part.dictionary)
        self._places: Labels = np.concatenate(places)
        self._values = pa.chunked_array([part.dictionary for part in parts] or [[]])
        self.nbytes = self._places.nbytes + int(self._values.nbytes)

    def __len__(self) -> int:
        return len(self._places)

    def size(self, row: int) -> int | None:
        """The bytes of an image, or None if there is none."""
        found = self._buffer(row)
        return None if found is None else int(found.size)

    def read(self, row: int) -> bytes:
        """An image's file; empty if there is none."""
        found = self._buffer(row)
        return b"" if found is None else bytes(found.to_pybytes())

    def spilled(self, spill: Spill) -> SpilledImages | None:
        """The same ones on the disk; None if there is no room for them."""
        starts = spill.add(memoryview(value.as_buffer()) for value in self._values)
        return None if starts is None else SpilledImages(spill, self._places, starts)

    def _buffer(self, row: int) -> Any:
        place = int(self._places[row])
        return None if place < 0 else self._values[place].as_buffer()


class SpilledImages:
    """The encoded images of a row group on the disk, equal ones once; any thread.

    Args:
        spill: where they are.
        places: which of them that of a row is, int64 (N,); -1 where there is none.
        starts: where each begins, and the last ends, int64.
    """

    def __init__(self, spill: Spill, places: Labels, starts: Labels) -> None:
        self._spill, self._places, self._starts = spill, places, starts

    def size(self, row: int) -> int | None:
        """The bytes of an image, or None if there is none."""
        place = int(self._places[row])
        return None if place < 0 else int(self._starts[place + 1] - self._starts[place])

    def read(self, row: int) -> bytes:
        """An image's file; empty if there is none.

        Raises:
            OSError: the disk cannot be read.
        """
        place = int(self._places[row])
        if place < 0:
            return b""
        return self._spill.read(int(self._starts[place]), int(self._starts[place + 1]))
