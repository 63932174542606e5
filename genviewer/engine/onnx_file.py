"""What is inside an ONNX file, read before ONNX Runtime is given it.

A decoder file comes with a model from anywhere. It is taken only if it is one self-contained
graph of standard operators without control flow: nothing that reads other files, runs other
code or loops. The file is walked as plain protobuf, which needs no further import.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from genviewer.engine.generator import LoadError
from genviewer.io.programs.protobuf import fields, message, text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_NESTING = 8
STANDARD_DOMAINS = ("", "ai.onnx")
CONTROL_FLOW = ("If", "Loop", "Scan", "SequenceMap")


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


def float_tensors(data: bytearray) -> dict[str, NDArray[np.float32]]:
    """The graph's float32 initializers by name, as views: what is written there is in ``data``.

    Those whose values are not stored as they lie in memory are left out.

    Raises:
        LoadError: if the bytes are no ONNX model.
    """
    from genviewer.io.programs.onnx_graph import OnnxError, array_of, parse

    try:
        stored = parse(memoryview(data)).stored
    except OnnxError:
        raise LoadError("The ONNX decoder is damaged.") from None
    arrays = {name: array_of(tensor) for name, tensor in stored.items()}
    return {n: a for n, a in arrays.items() if a is not None and a.dtype == "float32"}


def _model(data: memoryview, contents: Contents) -> None:
    for number, value in fields(data):
        if number == 7:
            _graph(message(value), contents, 0)
        elif number == 8:  # opset_import
            domains = [text(v) for n, v in fields(message(value)) if n == 1]
            contents.foreign |= any(domain not in STANDARD_DOMAINS for domain in domains)
        elif number == 14:  # metadata_props
            entry = {n: text(v) for n, v in fields(message(value)) if n in (1, 2)}
            contents.metadata[entry.get(1, "")] = entry.get(2, "")
        elif number in (20, 25):  # training_info, functions
            contents.foreign = True


def _graph(data: memoryview, contents: Contents, depth: int) -> None:
    if depth > MAX_NESTING:
        raise ValueError
    for number, value in fields(data):
        if number == 1:
            _node(message(value), contents, depth)
        elif number == 5:
            _tensor(message(value), contents)
        elif number == 15:
            _sparse(message(value), contents)


def _node(data: memoryview, contents: Contents, depth: int) -> None:
    for number, value in fields(data):
        if number == 4:
            contents.operators.add(text(value))
        elif number == 7:
            contents.foreign |= text(value) not in STANDARD_DOMAINS
        elif number == 5:
            _attribute(message(value), contents, depth)


def _attribute(data: memoryview, contents: Contents, depth: int) -> None:
    for number, value in fields(data):
        if number in (5, 10):
            _tensor(message(value), contents)
        elif number in (6, 11):
            _graph(message(value), contents, depth + 1)
        elif number in (22, 23):
            _sparse(message(value), contents)


def _sparse(data: memoryview, contents: Contents) -> None:
    for number, value in fields(data):
        if number in (1, 2):
            _tensor(message(value), contents)


def _tensor(data: memoryview, contents: Contents) -> None:
    for number, value in fields(data):
        contents.external |= number == 13 or (number == 14 and value != 0)
