"""Whether a file is ONNX, told from its outermost fields; nothing is read for its tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genviewer.io.foreign.budget import Budget, UnreadableFileError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from genviewer.io.foreign.source import ByteSource

_MAX_FIELDS = 1000
_MODEL_FIELDS = {1: 0, 2: 2, 3: 2, 4: 2, 5: 0, 6: 2, 7: 2, 8: 2, 14: 2, 20: 2, 25: 2, 26: 2}
"""Fields of a ModelProto -> their wire types."""


def is_onnx(source: ByteSource) -> bool:
    """Whether a source is an ONNX model: a protocol buffer with a version and a graph."""
    budget = Budget("", source.size)
    seen: set[int] = set()
    try:
        for number, wire, value in _Message(source, budget).fields():
            if _MODEL_FIELDS.get(number) != wire or (number == 1 and not 0 < value < 1000):
                return False
            seen.add(number)
    except UnreadableFileError:
        return False
    return {1, 7} <= seen


class _Message:
    """A protocol-buffer message in a source: field, wire type and number, one by one."""

    def __init__(self, source: ByteSource, budget: Budget) -> None:
        self.source = source
        self.budget = budget
        self.at = 0
        self._ahead = b""
        self._base = 0

    def _byte(self) -> int:
        place = self.at - self._base
        if not 0 <= place < len(self._ahead):
            length = min(512, self.source.size - self.at)
            if length <= 0:
                self.budget.damaged("it ends in the middle")
            self._ahead, self._base, place = self.source.read(self.at, length), self.at, 0
        self.at += 1
        return self._ahead[place]

    def _varint(self) -> int:
        value = 0
        for shift in range(0, 70, 7):
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
        return self.budget.damaged("a number in it")

    def fields(self) -> Iterator[tuple[int, int, int]]:
        """(field, wire type, number) up to the end; the number is 0 for all that is longer."""
        for _ in range(_MAX_FIELDS):
            if self.at >= self.source.size:
                return
            tag = self._varint()
            value, length, wire = 0, 0, tag & 7
            if wire == 0:
                value = self._varint()
            elif wire == 2:
                length = self._varint()
            elif wire in (1, 5):
                length = 8 if wire == 1 else 4
            else:
                self.budget.damaged("its encoding")
            if length > self.source.size - self.at:
                self.budget.damaged("it ends in the middle")
            self.at += length
            yield tag >> 3, wire, value
        self.budget.refuse("has far more parts than a model has")
