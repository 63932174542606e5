"""A bounded copy of what a file holds, of values that JSON knows: for options and for showing."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from genviewer.io.foreign.budget import clean
from genviewer.io.foreign.inert import Global, Record
from genviewer.io.foreign.stored_tensor import StoredTensor
from genviewer.io.foreign.tensor_walk import key_text

MAX_DEPTH = 12
MAX_VALUES = 20_000
MAX_TEXT = 2000
_MORE = "…"


def plain(value: Any) -> Any:
    """A copy of dicts, lists, texts and numbers; at most 12 levels and 20,000 values of it.

    Namespaces and other records become dictionaries of their attributes, classes their dotted
    names, tensors and arrays a text such as ``float32 [3, 4]``, NaN and infinities texts. What is
    beyond the bounds is an ellipsis.
    """
    return _Copier().copy(value, 0)


class _Copier:
    def __init__(self) -> None:
        self.left = MAX_VALUES

    def copy(self, value: Any, depth: int) -> Any:
        self.left -= 1
        if self.left < 0 or depth > MAX_DEPTH:
            return _MORE
        if value is None or isinstance(value, bool | int):
            return value
        if isinstance(value, float):
            return value if math.isfinite(value) else str(value)
        if isinstance(value, str):
            return value if len(value) <= MAX_TEXT else clean(value, MAX_TEXT)
        if isinstance(value, dict):
            return self._mapping(value, depth)
        if isinstance(value, list | tuple | set | frozenset):
            return self._sequence(value, depth)
        if isinstance(value, Record):
            return self._record(value, depth)
        if isinstance(value, Global):
            return value.label
        if isinstance(value, StoredTensor):
            return f"{value.dtype} {list(value.shape)}"
        if isinstance(value, np.ndarray):
            return f"{value.dtype} {list(value.shape)}"
        if isinstance(value, bytes):
            return f"{len(value)} bytes"
        return _MORE

    def _mapping(self, value: dict[Any, Any], depth: int) -> dict[str, Any]:
        result = {}
        for key, child in value.items():
            if self.left < 0:
                break
            result[key_text(key)] = self.copy(child, depth + 1)
        return result

    def _sequence(self, value: Any, depth: int) -> list[Any]:
        result = []
        for child in value:
            if self.left < 0:
                break
            result.append(self.copy(child, depth + 1))
        return result

    def _record(self, record: Record, depth: int) -> Any:
        attributes = record.attributes
        if attributes:
            return self._mapping(attributes, depth)
        if record.items:
            return self._sequence(record.items, depth)
        return record.label
