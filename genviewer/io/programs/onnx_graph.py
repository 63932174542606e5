"""What an ONNX file holds, read before any runtime is given it.

The file is walked as plain protobuf: torch-free, without the ``onnx`` package and without touching
any other file. What a decoder has no need of is refused by name: operators outside the standard
domains, training graphs, tensors that are larger than the file, external data outside the folder.
"""

from __future__ import annotations

import math
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from genviewer.io.programs.protobuf import fields, integers, message, number, signed, text

MAX_FILE_BYTES = 2 << 30
"""protobuf itself allows no larger file."""

MAX_EXTERNAL_BYTES = 8 << 30
MAX_NODES = 100_000
MAX_TENSORS = 50_000
MAX_NESTING = 8
MAX_RANK = 16
MAX_NAME = 4096
STANDARD_DOMAINS = ("", "ai.onnx")
CONTROL_FLOW = ("If", "Loop", "Scan", "SequenceMap")

DTYPES = {
    1: "float32", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64",
    9: "bool", 10: "float16", 11: "float64", 12: "uint32", 13: "uint64",
}  # fmt: skip
"""ONNX element types that NumPy has too."""

_BYTES = {code: np.dtype(name).itemsize for code, name in DTYPES.items()} | {
    14: 8, 15: 16, 16: 2, 17: 1, 18: 1, 19: 1, 20: 1, 21: 0.5, 22: 0.5, 23: 0.5,
}  # fmt: skip


class OnnxError(ValueError):
    """An ONNX file that is not taken; the message ends a sentence that begins with its name."""


@dataclass(frozen=True)
class Value:
    """An input or output: element type (None if unknown to NumPy) and shape, None where free."""

    name: str
    dtype: str | None
    shape: tuple[int | None, ...] | None


@dataclass(frozen=True)
class Stored:
    """An initializer: where its numbers are, none of them read yet.

    ``raw`` is a view of the file's bytes; ``external`` the place in another file.
    """

    name: str
    code: int
    shape: tuple[int, ...]
    raw: memoryview | None = None
    external: dict[str, str] | None = None

    @property
    def elements(self) -> int:
        """How many numbers it holds."""
        return math.prod(self.shape)


@dataclass(frozen=True)
class Node:
    """One operator of the main graph; ``attributes`` holds its numbers, text and integer lists."""

    operator: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any]


@dataclass
class OnnxGraph:
    """The main graph of an ONNX file and what all of it refers to.

    ``operators`` are those of nested graphs too. ``problems`` says what stands against using it.
    """

    inputs: list[Value] = field(default_factory=list)
    outputs: list[Value] = field(default_factory=list)
    stored: dict[str, Stored] = field(default_factory=dict)
    nodes: list[Node] = field(default_factory=list)
    operators: set[str] = field(default_factory=set)
    metadata: dict[str, str] = field(default_factory=dict)
    domains: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)
    node_count: int = 0
    tensor_count: int = 0

    @property
    def control_flow(self) -> list[str]:
        """The operators that loop or branch."""
        return sorted(self.operators.intersection(CONTROL_FLOW))

    @property
    def external(self) -> list[Stored]:
        """The initializers whose numbers are in other files."""
        return [tensor for tensor in self.stored.values() if tensor.external is not None]

    @property
    def free_inputs(self) -> list[Value]:
        """Inputs that have no default in the file."""
        return [value for value in self.inputs if value.name not in self.stored]

    @property
    def parameters(self) -> int:
        """How many numbers the floating-point initializers hold."""
        return sum(t.elements for t in self.stored.values() if t.code in (1, 10, 11, 16))


def parse(data: bytes | memoryview) -> OnnxGraph:
    """Walk a serialised ModelProto. Any thread; allocates no tensor.

    Raises:
        OnnxError: if the bytes are no ONNX model, or hold more than any decoder does.
    """
    graph = OnnxGraph()
    try:
        _model(memoryview(data), graph)
    except (ValueError, IndexError, UnicodeDecodeError, OverflowError) as error:
        if isinstance(error, OnnxError):
            raise
        raise OnnxError("is not a readable ONNX model") from None
    if not graph.nodes:
        raise OnnxError("has no graph")
    return graph


def check(graph: OnnxGraph) -> None:
    """Refuse what a decoder does not need.

    Raises:
        OnnxError: naming the first reason.
    """
    foreign = sorted(domain for domain in graph.domains if domain not in STANDARD_DOMAINS)
    if foreign:
        raise OnnxError(f"uses operators that are not standard ONNX ({foreign[0][:60]})")
    if graph.problems:
        raise OnnxError(graph.problems[0])


def read_onnx(path: Path) -> tuple[bytes, OnnxGraph]:
    """A checked ONNX file: its bytes and what they hold. External data are not opened.

    Raises:
        OnnxError: with the end of a sentence, if it is not taken.
        OSError: if it cannot be read.
    """
    data = read_regular(path, MAX_FILE_BYTES)
    graph = parse(data)
    check(graph)
    return data, graph


def read_regular(path: Path, limit: int) -> bytes:
    """The bytes of a regular file of at most ``limit`` bytes; never blocks on anything else.

    Raises:
        OnnxError: if it is no regular file, or larger.
        OSError: if it cannot be read.
    """
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    handle = os.open(path, flags)
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise OnnxError("is not a regular file")
        if status.st_size > limit:
            raise OnnxError("is too large")
        return file.read(status.st_size)


def external_arrays(graph: OnnxGraph, folder: Path) -> dict[str, np.ndarray]:
    """The initializers that are in other files of ``folder``, memory-mapped read-only.

    Raises:
        OnnxError: if a location leaves the folder, is a link, or does not hold what is said.
        OSError: if a file cannot be read.
    """
    arrays: dict[str, np.ndarray] = {}
    total = 0
    for tensor in graph.external:
        path, offset, length = _place(tensor, folder)
        total += length
        if total > MAX_EXTERNAL_BYTES:
            raise OnnxError("refers to more external data than is read")
        if length == 0:
            arrays[tensor.name] = np.zeros(tensor.shape, DTYPES[tensor.code])
            continue
        view = np.memmap(path, DTYPES[tensor.code], "r", offset, tensor.elements)
        arrays[tensor.name] = view.reshape(tensor.shape)
    return arrays


def external_files(graph: OnnxGraph) -> set[str]:
    """The names of the files that hold a graph's external data, as it gives them."""
    return {(tensor.external or {}).get("location", "") for tensor in graph.external}


def _place(tensor: Stored, folder: Path) -> tuple[Path, int, int]:
    """The file, offset and length in bytes of an external tensor, all checked."""
    entry = tensor.external or {}
    location = entry.get("location", "")
    named = Path(location)
    if (
        not location
        or "\\" in location
        or "\0" in location
        or named.is_absolute()
        or named.drive
        or ".." in named.parts
    ):
        raise OnnxError(f"refers to data outside its folder ({location[:60]!r})")
    path = folder
    for part in named.parts:
        path = path / part
        if path.is_symlink() and not _inside(path.resolve(), folder.resolve()):
            raise OnnxError(f"refers to data outside its folder ({location[:60]!r})")
    if not path.is_file():
        raise OnnxError(f"needs the file {location[:60]!r}, which is not beside it")
    if tensor.code not in DTYPES:
        raise OnnxError(f"keeps external data of a type that is not read ({tensor.code})")
    try:
        offset, length = int(entry.get("offset", "0")), int(entry.get("length", "-1"))
    except ValueError:
        raise OnnxError("refers to external data by numbers that are none") from None
    wanted = tensor.elements * np.dtype(DTYPES[tensor.code]).itemsize
    size = path.stat().st_size
    if length == -1:
        length = wanted
    if length != wanted or offset < 0 or offset + length > size:
        raise OnnxError(f"needs more data than {location[:60]!r} holds")
    return path, offset, length


def _inside(path: Path, folder: Path) -> bool:
    # The Hub's cache links every file of a snapshot to ../../blobs: those two levels are its own.
    if path.is_relative_to(folder):
        return True
    snapshots = folder.parent
    return snapshots.name == "snapshots" and path.parent == snapshots.parent / "blobs"


def array_of(tensor: Stored) -> np.ndarray | None:
    """A stored tensor's numbers where they are in the file as raw bytes; None otherwise."""
    if tensor.raw is None or tensor.code not in DTYPES:
        return None
    return np.frombuffer(tensor.raw, DTYPES[tensor.code]).reshape(tensor.shape)


def _model(data: memoryview, graph: OnnxGraph) -> None:
    for field_number, value in fields(data):
        if field_number == 7:
            _graph(message(value), graph, 0)
        elif field_number == 8:  # opset_import
            graph.domains.update(text(v) for n, v in fields(message(value)) if n == 1)
        elif field_number == 14:  # metadata_props
            entry = {n: text(v) for n, v in fields(message(value)) if n in (1, 2)}
            graph.metadata[entry.get(1, "")[:MAX_NAME]] = entry.get(2, "")
        elif field_number == 20:
            graph.problems.append("holds a training graph")
        elif field_number == 25:
            graph.problems.append("defines functions of its own; export it with them inlined")


def _graph(data: memoryview, graph: OnnxGraph, depth: int) -> None:
    if depth > MAX_NESTING:
        raise OnnxError("nests graphs too deeply")
    for field_number, value in fields(data):
        if field_number == 1:
            _node(message(value), graph, depth)
        elif field_number == 5:
            tensor = _tensor(message(value), graph)
            if depth == 0:
                graph.stored[tensor.name] = tensor
        elif field_number in (11, 12) and depth == 0:
            (graph.inputs if field_number == 11 else graph.outputs).append(_value(message(value)))
        elif field_number == 15:
            graph.problems.append("holds sparse tensors")


def _node(data: memoryview, graph: OnnxGraph, depth: int) -> None:
    graph.node_count += 1
    if graph.node_count > MAX_NODES:
        raise OnnxError("has more operators than any decoder")
    operator, inputs, outputs, attributes = "", [], [], {}
    for field_number, value in fields(data):
        if field_number == 1:
            inputs.append(text(value))
        elif field_number == 2:
            outputs.append(text(value))
        elif field_number == 4:
            operator = text(value)
        elif field_number == 5:
            name, content = _attribute(message(value), graph, depth)
            attributes[name] = content
        elif field_number == 7:
            graph.domains.add(text(value))
    graph.operators.add(operator)
    if depth == 0:
        graph.nodes.append(Node(operator, tuple(inputs), tuple(outputs), attributes))


def _attribute(data: memoryview, graph: OnnxGraph, depth: int) -> tuple[str, Any]:
    name, numbers = "", []
    content: Any = None
    for field_number, value in fields(data):
        if field_number == 1:
            name = text(value)
        elif field_number == 2:
            content = number(value)
        elif field_number == 3 and isinstance(value, int):
            content = signed(value)
        elif field_number == 4:
            content = bytes(message(value)[:MAX_NAME])
        elif field_number in (5, 10):
            content = _tensor(message(value), graph)
        elif field_number in (6, 11):
            _graph(message(value), graph, depth + 1)
        elif field_number == 8:
            numbers.extend(integers(value))
        elif field_number in (22, 23):
            graph.problems.append("holds sparse tensors")
    return name, numbers if numbers else content


def _value(data: memoryview) -> Value:
    name, dtype, shape = "", None, None
    for field_number, value in fields(data):
        if field_number == 1:
            name = text(value)
        elif field_number == 2:
            for kind, content in fields(message(value)):
                if kind == 1:
                    dtype, shape = _tensor_type(message(content))
    return Value(name, dtype, shape)


def _tensor_type(data: memoryview) -> tuple[str | None, tuple[int | None, ...] | None]:
    dtype, shape = None, None
    for field_number, value in fields(data):
        if field_number == 1 and isinstance(value, int):
            dtype = DTYPES.get(value)
        elif field_number == 2:
            sizes: list[int | None] = []
            for n, dim in fields(message(value)):
                if n == 1:
                    sizes.append(_dimension(message(dim)))
            if len(sizes) > MAX_RANK:
                raise OnnxError("has a tensor of too many axes")
            shape = tuple(sizes)
    return dtype, shape


def _dimension(data: memoryview) -> int | None:
    for field_number, value in fields(data):
        if field_number == 1 and isinstance(value, int):
            size = signed(value)
            return size if size > 0 else None
    return None


def _tensor(data: memoryview, graph: OnnxGraph) -> Stored:
    graph.tensor_count += 1
    if graph.tensor_count > MAX_TENSORS:
        raise OnnxError("has more tensors than any decoder")
    name, code, shape, raw, held = "", 0, [], None, 0
    external: dict[str, str] = {}
    elsewhere = False
    for field_number, value in fields(data):
        if field_number == 1:
            shape.extend(integers(value))
        elif field_number == 2 and isinstance(value, int):
            code = value
        elif field_number == 8:
            name = text(value)
        elif field_number == 9:
            raw = message(value)
        elif field_number == 13:
            entry = {n: text(v) for n, v in fields(message(value)) if n in (1, 2)}
            external[entry.get(1, "")] = entry.get(2, "")
        elif field_number == 14:
            elsewhere = value == 1
        elif field_number in (4, 5, 6, 7, 10, 11):
            # A packed number takes at least a byte, an unpacked one stands alone.
            held += 1 if isinstance(value, int) else max(len(value), 1)
    if len(shape) > MAX_RANK or any(size < 0 for size in shape):
        raise OnnxError(f"has a tensor of impossible shape ({name[:60]!r})")
    elements = math.prod(shape)
    if not elsewhere:
        width = _BYTES.get(code, 1)
        fits = len(raw) == math.ceil(elements * width) if raw is not None else elements <= held
        if not fits:
            raise OnnxError(f"has a tensor that is larger than its data ({name[:60]!r})")
    elif not external:
        raise OnnxError(f"has a tensor without data ({name[:60]!r})")
    return Stored(name, code, tuple(shape), raw, external if elsewhere else None)
