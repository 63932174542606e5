"""What is inside an ONNX file, read before ONNX Runtime is given it.

A decoder file comes with a model from anywhere. It is taken only if it is one self-contained
graph of standard operators without control flow: nothing that reads other files, runs other
code or loops. The file is walked as plain protobuf, which needs no further import.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from genviewer.engine.generator import LoadError

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_NESTING = 8
STANDARD_DOMAINS = ("", "ai.onnx")
CONTROL_FLOW = ("If", "Loop", "Scan", "SequenceMap")

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


@dataclass
class Contents:
    """Metadata, operators and outside references of an ONNX file."""

    metadata: dict[str, str] = field(default_factory=dict)
    operators: set[str] = field(default_factory=set)
    foreign: bool = False
    external: bool = False


def inspect(data: bytes) -> Contents:
    """Walk a serialised ModelProto.

    Raises:
        LoadError: if the bytes are no protobuf of that shape.
    """
    contents = Contents()
    try:
        _model(memoryview(data), contents)
    except (ValueError, IndexError, UnicodeDecodeError):
        raise LoadError("The ONNX decoder is damaged.") from None
    return contents


def check(contents: Contents) -> None:
    """Refuse what a decoder does not need.

    Raises:
        LoadError: naming the reason.
    """
    loops = sorted(contents.operators.intersection(CONTROL_FLOW))
    problems = [
        (not contents.operators, "it has no graph"),
        (contents.external, "it refers to other files"),
        (contents.foreign, "it uses operators that are not standard"),
        (bool(loops), f"it uses {', '.join(loops)}"),
    ]
    for wrong, reason in problems:
        if wrong:
            raise LoadError(f"The ONNX decoder is not used: {reason}.")


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise ValueError


def _fields(data: memoryview) -> Iterator[tuple[int, memoryview | int]]:
    """Field numbers and values of one message; a length-delimited value is a view of it."""
    at, end = 0, len(data)
    while at < end:
        key, at = _varint(data, at)
        number, wire = key >> 3, key & 7
        if wire == _VARINT:
            number_value, at = _varint(data, at)
            yield number, number_value
            continue
        if wire == _BYTES:
            size, at = _varint(data, at)
        elif wire in (_FIXED64, _FIXED32):
            size = 8 if wire == _FIXED64 else 4
        else:
            raise ValueError
        if at + size > end:
            raise ValueError
        yield number, data[at : at + size]
        at += size


def _message(value: memoryview | int) -> memoryview:
    if isinstance(value, int):
        raise ValueError
    return value


def _text(value: memoryview | int) -> str:
    return bytes(_message(value)).decode("utf-8")


def _model(data: memoryview, contents: Contents) -> None:
    for number, value in _fields(data):
        if number == 7:
            _graph(_message(value), contents, 0)
        elif number == 8:  # opset_import
            domains = [_text(v) for n, v in _fields(_message(value)) if n == 1]
            contents.foreign |= any(domain not in STANDARD_DOMAINS for domain in domains)
        elif number == 14:  # metadata_props
            entry = {n: _text(v) for n, v in _fields(_message(value)) if n in (1, 2)}
            contents.metadata[entry.get(1, "")] = entry.get(2, "")
        elif number in (20, 25):  # training_info, functions
            contents.foreign = True


def _graph(data: memoryview, contents: Contents, depth: int) -> None:
    if depth > MAX_NESTING:
        raise ValueError
    for number, value in _fields(data):
        if number == 1:
            _node(_message(value), contents, depth)
        elif number == 5:
            _tensor(_message(value), contents)
        elif number == 15:
            _sparse(_message(value), contents)


def _node(data: memoryview, contents: Contents, depth: int) -> None:
    for number, value in _fields(data):
        if number == 4:
            contents.operators.add(_text(value))
        elif number == 7:
            contents.foreign |= _text(value) not in STANDARD_DOMAINS
        elif number == 5:
            _attribute(_message(value), contents, depth)


def _attribute(data: memoryview, contents: Contents, depth: int) -> None:
    for number, value in _fields(data):
        if number in (5, 10):
            _tensor(_message(value), contents)
        elif number in (6, 11):
            _graph(_message(value), contents, depth + 1)
        elif number in (22, 23):
            _sparse(_message(value), contents)


def _sparse(data: memoryview, contents: Contents) -> None:
    for number, value in _fields(data):
        if number in (1, 2):
            _tensor(_message(value), contents)


def _tensor(data: memoryview, contents: Contents) -> None:
    for number, value in _fields(data):
        contents.external |= number == 13 or (number == 14 and value != 0)
