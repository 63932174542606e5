"""What `scan` tells of a file from outside, as JSON documents and as text."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from genviewer.io.foreign.budget import Budget, UnreadableFileError, clean
from genviewer.io.foreign.contents import flat_tensors, module_records, plain, read_contents
from genviewer.io.foreign.sniff import sniff
from genviewer.io.foreign.source import list_folder, open_source
from genviewer.io.foreign.zip_index import ZipIndex

if TYPE_CHECKING:
    from genviewer.io.foreign.contents import Contents
    from genviewer.io.foreign.stored_tensor import StoredTensor

CHECKED_BYTES = 256 << 20
"""Tensors up to this size are looked through for NaN and infinities."""

_FLOATS = ("float16", "bfloat16", "float32", "float64", "complex64", "complex128")
_LINES_SHOWN = 40


def scan_document(path: Path) -> dict[str, Any]:
    """What a file holds, as `scan --json` tells it; ``error`` is None or a sentence."""
    document: dict[str, Any] = {
        "file": str(path),
        "container": None,
        "title": None,
        "error": None,
        "size": None,
        "parameters": 0,
        "tensors": [],
        "values": None,
        "metadata": {},
        "modules": [],
        "classes": [],
        "would_run": [],
        "entries": [],
        "warnings": [],
    }
    try:
        container = sniff(path)
        document |= {"container": container.kind, "title": container.title}
        if container.kind == "folder":
            document["entries"] = [{"name": name, "size": None} for name in list_folder(path)]
            return document
        document["size"] = open_source(path).size
        if container.refusal is not None:
            document["error"] = container.refusal
        elif container.kind == "onnx":
            document |= _onnx(path)
        elif container.kind == "pt2":
            document |= _archive(path)
        else:
            document |= _contents(read_contents(path, strict=False))
        if container.kind in ("torchscript", "pt2"):
            document["warnings"].append(
                "It carries a program, which was not run; opening it needs --trust."
            )
    except UnreadableFileError as error:
        document["error"] = str(error)
    return document


def _contents(contents: Contents) -> dict[str, Any]:
    tensors = flat_tensors(contents)
    return {
        "error": contents.refusal,
        "parameters": sum(t.numel for t in tensors.values() if t.dtype in _FLOATS),
        "tensors": [
            {"name": name, "dtype": tensor.dtype, "shape": list(tensor.shape)}
            for name, tensor in tensors.items()
        ],
        "values": plain(contents.tree, tensors=False),
        "metadata": contents.metadata,
        "modules": [
            {"name": name, "class": f"{module.module}.{module.class_name}"}
            for name, module in module_records(contents).items()
        ],
        "classes": [{"name": name, "count": count} for name, count in contents.records],
        "would_run": list(contents.would_run),
        "warnings": [*contents.warnings, *_not_finite(tensors)],
    }


def _not_finite(tensors: dict[str, StoredTensor]) -> list[str]:
    bad = []
    for name, tensor in tensors.items():
        if tensor.dtype in _FLOATS and tensor.nbytes <= CHECKED_BYTES:
            array = tensor.array()
            if not np.isfinite(array).all():
                bad.append(clean(name))
    if not bad:
        return []
    shown = ", ".join(bad[:3]) + (", …" if len(bad) > 3 else "")
    return [f"{len(bad)} of its tensors hold NaN or infinite values: {shown}."]


def _onnx(path: Path) -> dict[str, Any]:
    from genviewer.io.foreign.source import read_bytes
    from genviewer.io.programs.onnx_graph import DTYPES, MAX_FILE_BYTES, OnnxError, parse

    try:
        graph = parse(read_bytes(path, MAX_FILE_BYTES))
    except OnnxError as error:
        raise UnreadableFileError(f"{clean(path.name, 80)} {error}.") from None
    operators = Counter(node.operator for node in graph.nodes)
    return {
        "parameters": graph.parameters,
        "tensors": [
            {
                "name": tensor.name,
                "dtype": DTYPES.get(tensor.code, "unknown"),
                "shape": list(tensor.shape),
            }
            for tensor in graph.stored.values()
        ],
        "values": {
            "inputs": {v.name: [v.dtype, _axes(v.shape)] for v in graph.free_inputs},
            "outputs": {v.name: [v.dtype, _axes(v.shape)] for v in graph.outputs},
            "operators": dict(operators.most_common()),
        },
        "metadata": graph.metadata,
        "warnings": [f"It {problem}." for problem in graph.problems],
    }


def _axes(shape: tuple[int | None, ...] | None) -> list[int | None] | None:
    return None if shape is None else list(shape)


def _archive(path: Path) -> dict[str, Any]:
    source = open_source(path)
    index = ZipIndex(source, Budget(path.name, source.size))
    return {"entries": [{"name": e.name, "size": e.size} for e in index.entries.values()]}


def scan_text(document: dict[str, Any]) -> str:
    """The document for people, less its error: what it is, then tensors, values and classes."""
    title = document["title"] or "not read"
    lines = [f"{clean(Path(document['file']).name, 80)}: {title}"]
    if document["tensors"]:
        count, parameters = len(document["tensors"]), document["parameters"]
        lines.append(f"  {count:,} tensors, {parameters:,} parameters")
        lines += _shown(
            f"{t['dtype']:<9} {'x'.join(map(str, t['shape'])) or 'scalar':<18} {clean(t['name'])}"
            for t in document["tensors"]
        )
    for key in ("values", "metadata"):
        if document[key]:
            lines.append(f"  {key}")
            lines += _shown(_leaves(document[key]))
    for key, what in (("modules", "class"), ("classes", "count"), ("entries", "size")):
        if document[key]:
            lines.append(f"  {key}")
            lines += _shown(
                f"{clean(entry['name'] or '(the whole)')}  {clean(str(entry[what] or ''))}".rstrip()
                for entry in document[key]
            )
    if document["would_run"]:
        lines.append("  would run in a careless loader")
        lines += _shown(clean(name, 80) for name in document["would_run"])
    return "\n".join([*lines, *(f"  {clean(w, 200)}" for w in document["warnings"])])


def _shown(lines: Any) -> list[str]:
    listed = [f"    {line}" for line in lines]
    more = len(listed) - _LINES_SHOWN
    return listed if more <= 0 else [*listed[:_LINES_SHOWN], f"    and {more:,} more (--json)"]


def _leaves(value: Any, path: str = "") -> list[str]:
    """Lines ``path  value`` of a bounded tree of plain values."""
    if isinstance(value, dict) and value:
        return [
            line
            for key, child in value.items()
            for line in _leaves(child, f"{path}.{clean(key)}" if path else clean(key))
        ]
    text = clean(str(value) if isinstance(value, list | dict) else value)
    return [f"{path}  {text}"]
