"""The archive of a ``torch.export`` program, read without running it.

``torch.export.load`` unpickles the example inputs without restriction, evaluates the texts of
symbolic sizes and guards, and looks names up as it goes. It is never called: the graph is plain
JSON and the weights are raw bytes, which is all that :mod:`~genviewer.io.programs.run_exported`
needs.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from genviewer.io.foreign.budget import Budget, UnreadableFileError, clean
from genviewer.io.foreign.source import open_source
from genviewer.io.foreign.zip_index import ZipIndex
from genviewer.io.programs.discover import Input

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_GRAPH_BYTES = 64 << 20
MAX_WALK = 4_000_000
_TARGET = re.compile(r"torch\.ops\.(?:aten|prims)\.[A-Za-z_]\w*\.[A-Za-z_]\w*|_operator\.[a-z]\w*")
_WRITES = re.compile(r"torch\.ops\.aten\.(?:save|from_file|_save)\b")
_DTYPES = {
    1: "uint8", 2: "int8", 3: "int16", 4: "int32", 5: "int64", 6: "float16", 7: "float32",
    8: "float64", 12: "bool", 13: "float32",
}  # fmt: skip
_MOVES = re.compile(r"\.(?:view|_unsafe_view|reshape|permute|transpose|unsqueeze|squeeze|clone)\.")
"""Operators that move values and leave them as they are."""

_MODEL = re.compile(r"^([^/]+)/models/model\.json$")


@dataclass(frozen=True)
class ExportedArchive:
    """A checked archive: its inputs, the shapes of its weights in order, and the index."""

    inputs: list[Input]
    weights: list[tuple[str, tuple[int, ...]]]
    last_operator: str
    index: ZipIndex
    root: str
    graph: dict[str, Any]
    payloads: dict[str, dict[str, Any]]


def check_exported(path: Path) -> ExportedArchive:
    """Read and check the archive of an exported program.

    Raises:
        UnreadableFileError: naming what stands against running it.
    """
    source = open_source(path)
    budget = Budget(path.name, source.size)
    index = ZipIndex(source, budget)
    root = next((m[1] for m in map(_MODEL.match, index.entries) if m), None)
    if root is None:
        budget.refuse("is a program of an older torch.export: export its decoder to ONNX")
    graph = _json(index, f"{root}/models/model.json", budget)
    try:
        _check_graph(graph, budget)
        payloads = {kind: _payloads(index, root, kind, budget) for kind in ("weights", "constants")}
        inputs = _inputs(graph)
        weights = _shapes(payloads["weights"])
        nodes = graph["graph_module"]["graph"]["nodes"]
        last = next(
            (t for t in (str(n["target"]) for n in nodes[::-1]) if not _MOVES.search(t)), ""
        )
    except (KeyError, TypeError, AttributeError, IndexError):
        budget.damaged("its graph")
    return ExportedArchive(inputs, weights, last, index, root, graph, payloads)


def _json(index: ZipIndex, name: str, budget: Budget) -> dict[str, Any]:
    try:
        value = json.loads(index.read(name, MAX_GRAPH_BYTES))
    except (ValueError, RecursionError):
        budget.damaged(name)
    if not isinstance(value, dict):
        budget.damaged(name)
    return value


def _check_graph(graph: dict[str, Any], budget: Budget) -> None:
    for key, value in _walk(graph, budget):
        if key == "target" and isinstance(value, str) and value:
            if _TARGET.fullmatch(value) is None or _WRITES.match(value) is not None:
                budget.refuse(f"is a program that does more than compute ({clean(value)})")
        elif (key == "custom_obj_values" and value) or key in ("as_custom_obj", "custom_obj"):
            budget.refuse("is a program with objects of its own")
        elif key == "as_graph":
            budget.refuse("is a program with control flow, which is not run")


def _walk(value: Any, budget: Budget) -> Iterator[tuple[str, Any]]:
    """Every key with its value, in a nested JSON document, without recursion."""
    waiting, visits = [value], 0
    while waiting:
        current = waiting.pop()
        visits += 1
        if visits > MAX_WALK:
            budget.refuse("has a graph that is larger than any decoder's")
        if isinstance(current, dict):
            yield from current.items()
            waiting.extend(current.values())
        elif isinstance(current, list):
            waiting.extend(current)


def _payloads(index: ZipIndex, root: str, kind: str, budget: Budget) -> dict[str, Any]:
    """What is said of the weights or constants by name: raw bytes, all of them there."""
    name = f"{root}/data/{kind}/model_{kind}_config.json"
    config: dict[str, Any] = _json(index, name, budget)["config"]
    for tensor, entry in config.items():
        stored = str(entry["path_name"])
        if entry["use_pickle"] is not False or not re.fullmatch(r"(?:weight|tensor)_\d+", stored):
            budget.refuse(f"keeps {clean(tensor)} as a pickle, which is not loaded")
        if f"{root}/data/{kind}/{stored}" not in index.entries:
            budget.damaged(clean(tensor))
    return config


def _shapes(config: dict[str, Any]) -> list[tuple[str, tuple[int, ...]]]:
    return [
        (name, tuple(int(size["as_int"]) for size in entry["tensor_meta"]["sizes"]))
        for name, entry in config.items()
    ]


def _inputs(graph: dict[str, Any]) -> list[Input]:
    module = graph["graph_module"]
    values = module["graph"]["tensor_values"]
    inputs = []
    for spec in module["signature"]["input_specs"]:
        if "user_input" not in spec:
            continue
        argument = spec["user_input"]["arg"]
        if "as_tensor" not in argument:
            raise UnreadableFileError("A program whose inputs are no tensors is not opened.")
        name = argument["as_tensor"]["name"]
        meta = values[name]
        shape = tuple(size.get("as_int") for size in meta["sizes"])
        inputs.append(Input(name, _DTYPES.get(meta["dtype"]), shape))
    return inputs
