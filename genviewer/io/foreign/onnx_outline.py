"""The outline of an ONNX file, read from its bytes: what it takes, gives and holds.

A minimal reader of protocol buffers that allocates nothing for tensors. It tells an ONNX file
from others and what `scan` shows; running one is another module's matter.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from genviewer.io.foreign.budget import Budget, UnreadableFileError, clean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from genviewer.io.foreign.source import ByteSource

_MAX_FIELDS = 200_000
_ONNX_TYPES = {
    1: "float32", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64",
    8: "string", 9: "bool", 10: "float16", 11: "float64", 12: "uint32", 13: "uint64",
    14: "complex64", 15: "complex128", 16: "bfloat16",
}  # fmt: skip
_MODEL_FIELDS = {1: 0, 2: 2, 3: 2, 4: 2, 5: 0, 6: 2, 7: 2, 8: 2, 14: 2, 20: 2, 25: 2, 26: 2}
"""Fields of a ModelProto -> their wire types."""


@dataclass(slots=True)
class Value:
    """An input, an output or a constant tensor: dtype, and lengths or names of its axes."""

    dtype: str
    shape: list[int | str]


@dataclass(slots=True)
class Outline:
    """What an ONNX file holds, without its tensors' data.

    Attributes:
        producer: the program that wrote it.
        inputs: name -> dtype and shape, constants left out.
        outputs: name -> dtype and shape.
        constants: name -> dtype and shape of the stored tensors.
        operators: operator -> how often it occurs at the top level.
        external: files outside that it refers to.
    """

    producer: str = ""
    inputs: dict[str, Value] = field(default_factory=dict)
    outputs: dict[str, Value] = field(default_factory=dict)
    constants: dict[str, Value] = field(default_factory=dict)
    operators: dict[str, int] = field(default_factory=dict)
    external: list[str] = field(default_factory=list)


class _Message:
    """A protocol-buffer message in a source: (field, wire type, value or place) one by one."""

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

    def fields(self) -> Iterator[tuple[int, int, int, ByteSource | None]]:
        """(field number, wire type, number, part) up to the end."""
        while self.at < self.source.size:
            self.budget.opcodes += 1
            if self.budget.opcodes > _MAX_FIELDS:
                self.budget.refuse("has far more parts than a model has")
            tag = self._varint()
            number, wire = tag >> 3, tag & 7
            if wire == 0:
                yield number, wire, self._varint(), None
            elif wire in (1, 5):
                length = 8 if wire == 1 else 4
                if self.at + length > self.source.size:
                    self.budget.damaged("it ends in the middle")
                self.at += length
                yield number, wire, 0, None
            elif wire == 2:
                length = self._varint()
                if length > self.source.size - self.at:
                    self.budget.damaged("it ends in the middle")
                start = self.at
                self.at += length
                yield number, wire, 0, self.source.slice(start, length)
            else:
                self.budget.damaged("its encoding")


def is_onnx(source: ByteSource) -> bool:
    """Whether a source is an ONNX model: a protocol buffer with a version and a graph."""
    budget = Budget("", source.size)
    seen: set[int] = set()
    try:
        for number, wire, value, _ in _Message(source, budget).fields():
            if _MODEL_FIELDS.get(number) != wire or (number == 1 and not 0 < value < 1000):
                return False
            seen.add(number)
            if budget.opcodes > 1000:
                return False
    except UnreadableFileError:
        return False
    return {1, 7} <= seen


def read_outline(source: ByteSource, name: str) -> Outline:
    """What an ONNX file holds.

    Raises:
        UnreadableFileError: it is damaged.
    """
    budget = Budget(name, source.size)
    outline = Outline()
    for number, _, _, part in _Message(source, budget).fields():
        if number == 2 and part is not None:
            outline.producer = _text(part)
        elif number == 7 and part is not None:
            _read_graph(_Message(part, budget), outline)
    for constant in outline.constants:
        outline.inputs.pop(constant, None)
    return outline


def _read_graph(graph: _Message, outline: Outline) -> None:
    for number, _, _, part in graph.fields():
        if part is None:
            continue
        message = _Message(part, graph.budget)
        if number == 1:
            for field_number, _, _, text in message.fields():
                if field_number == 4 and text is not None:
                    operator = _text(text)
                    outline.operators[operator] = outline.operators.get(operator, 0) + 1
        elif number == 5:
            _read_constant(message, outline)
        elif number in (11, 12):
            name, value = _read_value(message)
            (outline.inputs if number == 11 else outline.outputs)[name] = value


def _read_constant(message: _Message, outline: Outline) -> None:
    name, value = "", Value("", [])
    for number, wire, integer, part in message.fields():
        if number == 1 and wire == 0:
            value.shape.append(integer)
        elif number == 1 and part is not None:
            value.shape.extend(_packed(part, message.budget))
        elif number == 2:
            value.dtype = _ONNX_TYPES.get(integer, "unknown")
        elif number == 8 and part is not None:
            name = _text(part)
        elif number == 13 and part is not None:
            texts = [_text(p) for n, _, _, p in _Message(part, message.budget).fields() if p]
            if len(texts) == 2 and texts[0] == "location" and texts[1] not in outline.external:
                outline.external.append(texts[1])
    outline.constants[name] = value


def _packed(part: ByteSource, budget: Budget) -> list[int]:
    message = _Message(part, budget)
    values: list[int] = []
    while message.at < part.size and len(values) < 16:
        values.append(message._varint())
    return values


def _read_value(message: _Message) -> tuple[str, Value]:
    name, value = "", Value("unknown", [])
    for number, _, _, part in message.fields():
        if part is None:
            continue
        if number == 1:
            name = _text(part)
        elif number == 2:
            for kind, _, _, tensor in _Message(part, message.budget).fields():
                if kind == 1 and tensor is not None:
                    _read_tensor_type(_Message(tensor, message.budget), value)
    return name, value


def _read_tensor_type(message: _Message, value: Value) -> None:
    for number, _, integer, part in message.fields():
        if number == 1:
            value.dtype = _ONNX_TYPES.get(integer, "unknown")
        elif number == 2 and part is not None:
            for _, _, _, axis in _Message(part, message.budget).fields():
                if axis is None:
                    continue
                length: int | str = "?"
                for kind, _, size, text in _Message(axis, message.budget).fields():
                    length = size if kind == 1 else clean(_text(text), 30) if text else length
                value.shape.append(length)


def _text(part: ByteSource) -> str:
    return part.read(0, min(part.size, 512)).decode("utf-8", "replace")
