"""A bounded copy of what a file holds, of values that JSON knows: for options and for showing."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from genviewer.io.foreign.budget import clean
from genviewer.io.foreign.inert import Global, Record
from genviewer.io.foreign.stored_tensor import StoredTensor
from genviewer.io.foreign.tensor_walk import is_module, key_text

MAX_DEPTH = 12
MAX_VALUES = 20_000
MAX_TEXT = 2000
_MORE = "…"
_NOTHING = object()


def plain(value: Any, tensors: bool = True) -> Any:
    """A copy of dicts, lists, texts and numbers; at most 12 levels and 20,000 values of it.

    Namespaces and other records become dictionaries of their attributes, classes their dotted
    names, tensors and arrays a text such as ``float32 [3, 4]``, NaN and infinities texts. What is
    beyond the bounds is an ellipsis.

    Args:
        value: what a file holds, or a part of it.
        tensors: whether tensors, arrays and the modules around them are in the copy; without
            them, what holds nothing else is left out too, and None may remain.
    """
    copied = _Copier(tensors).copy(value, 0)
    return None if copied is _NOTHING else copied


class _Copier:
    def __init__(self, tensors: bool) -> None:
        self.left = MAX_VALUES
        self.tensors = tensors

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
        if isinstance(value, StoredTensor | np.ndarray):
            return f"{value.dtype} {list(value.shape)}" if self.tensors else _NOTHING
        if isinstance(value, bytes):
            return f"{len(value)} bytes"
        return _MORE

    def _mapping(self, value: dict[Any, Any], depth: int) -> Any:
        result: dict[str, Any] = {}
        for key, child in value.items():
            if self.left < 0:
                break
            copied = self.copy(child, depth + 1)
            if copied is not _NOTHING:
                result[key_text(key)] = copied
        return result if result or not value or self.tensors else _NOTHING

    def _sequence(self, value: Any, depth: int) -> Any:
        result: list[Any] = []
        for child in value:
            if self.left < 0:
                break
            copied = self.copy(child, depth + 1)
            if copied is not _NOTHING:
                result.append(copied)
        return result if result or not value or self.tensors else _NOTHING

    def _record(self, record: Record, depth: int) -> Any:
        if not self.tensors and is_module(record):
            return _NOTHING
        self.left -= sum(map(len, record.parts))
        if self.left < 0:
            return _MORE
        if record.module.partition(".")[0] == "omegaconf":  # values in wrappers with their types
            for wrapped in ("_content", "_val"):
                if any(wrapped in part for part in record.parts):
                    return self.copy(record.attribute(wrapped), depth + 1)
        attributes = record.attributes
        if attributes:
            return self._mapping(attributes, depth)
        if record.items:
            return self._sequence(record.items, depth)
        if record.args and all(type(a) in (str, int, float, bool) for a in record.args[:8]):
            return f"{record.label}({', '.join(clean(a) for a in record.args[:8])})"
        return record.label
