"""A point in latent space, as a value."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float32]

MAX_LATENT_VALUES = 1 << 24
"""No latent read from a file holds more values than this (64 MiB)."""


class Latent:
    """A point of a model's latent space: the space's name and a read-only float32 array.

    Stored *before* truncation. Equality and hash go by space, shape and bytes, so a Latent can
    key a cache. Safe to share between threads.

    Args:
        values: array-like of any shape, usually (D,); copied to float32.
        space: ``z``, ``w``, ``w+`` or ``grid``.

    Raises:
        ValueError: if a value is not finite.
    """

    __slots__ = ("_hash", "array", "space")
    array: Array
    space: str

    def __init__(self, values: ArrayLike, space: str = "z") -> None:
        array: Array = np.array(values, dtype=np.float32, copy=True)
        if not np.isfinite(array).all():
            raise ValueError("a latent holds finite numbers only")
        array.setflags(write=False)
        object.__setattr__(self, "array", array)
        object.__setattr__(self, "space", space)
        object.__setattr__(self, "_hash", hash((space, array.shape, array.tobytes())))

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("a Latent never changes; make a new one")

    def __reduce__(self) -> tuple[type[Latent], tuple[Array, str]]:
        return Latent, (self.array, self.space)

    def __hash__(self) -> int:
        return int(self._hash)  # type: ignore[attr-defined]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Latent):
            return NotImplemented
        return (
            self.space == other.space
            and self.array.shape == other.array.shape
            and self.array.tobytes() == other.array.tobytes()
        )

    def __repr__(self) -> str:
        shown = ", ".join(f"{v:.3g}" for v in self.array.ravel()[:4])
        return f"Latent({self.space}{list(self.array.shape)}: {shown}, ..)"

    @property
    def dim(self) -> int:
        """Number of values."""
        return int(self.array.size)

    def with_value(self, dim: int, value: float) -> Latent:
        """The same point with one coordinate replaced."""
        array = self.array.copy()
        array[dim] = value
        return Latent(array, self.space)

    def to_json(self) -> dict[str, Any]:
        """A JSON-able dict; the values as base64 of little-endian float32, so exact and small."""
        data = base64.b64encode(self.array.astype("<f4").tobytes()).decode("ascii")
        return {"space": self.space, "shape": list(self.array.shape), "float32": data}

    @classmethod
    def from_json(cls, value: object) -> Latent:
        """Inverse of :meth:`to_json`.

        Raises:
            ValueError: if the dict is not one that :meth:`to_json` writes.
        """
        if not isinstance(value, dict):
            raise ValueError("a latent is a JSON object")
        space, shape, data = value.get("space"), value.get("shape"), value.get("float32")
        if not isinstance(space, str) or not isinstance(data, str) or not isinstance(shape, list):
            raise ValueError("a latent has space, shape and float32")
        if not all(isinstance(n, int) and 0 <= n <= MAX_LATENT_VALUES for n in shape):
            raise ValueError("a latent's shape is a list of sizes")
        size = int(np.prod(shape, dtype=object)) if shape else 1
        if size > MAX_LATENT_VALUES or len(data) != 4 * ((4 * size + 2) // 3):
            raise ValueError("a latent's data do not match its shape")
        raw = base64.b64decode(data, validate=True)
        return cls(np.frombuffer(raw, "<f4").reshape(shape), space)
