"""Any decoder as an ONNX file: inspected, run once in a process with limits, then described."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from genviewer.io.bundle import Assumption
from genviewer.io.programs.discover import Discovery, Input, NotADecoderError, discover
from genviewer.io.programs.guarded_process import GuardedProcess, ProgramError, memory_for
from genviewer.io.programs.onnx_graph import (
    OnnxError,
    OnnxGraph,
    array_of,
    external_arrays,
    read_onnx,
)
from genviewer.io.programs.onnx_hints import hints_of, size_follows_values
from genviewer.io.readers.source import Source, UnreadableModelError, make_bundle

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from genviewer.io.bundle import Bundle

NETWORK_TYPE = "program"


def sniff(source: Source) -> bool:
    """Whether it is an ONNX file."""
    return source.container.kind == "onnx"


def read(source: Source) -> Bundle:
    """The decoder in an ONNX file.

    Raises:
        UnreadableModelError: one sentence that says why it is none.
    """
    name = source.path.name
    try:
        data, graph = read_onnx(source.path)
        external = external_arrays(graph, source.path.parent)
        found = _discover(source, graph, len(data) + sum(a.nbytes for a in external.values()))
    except (OnnxError, NotADecoderError, ProgramError) as error:
        raise UnreadableModelError(f"{name} {str(error).rstrip('.')}.") from error
    network = {
        "type": NETWORK_TYPE,
        "runtime": "onnx",
        "sha256": hashlib.sha256(data).hexdigest(),
        "guarded": bool(graph.control_flow) or size_follows_values(graph),
        "wiring": msgspec.to_builtins(found.wiring),
    }
    del external
    return make_bundle(
        source,
        reader="onnx",
        spec=found.spec,
        network=network,
        arrays=_arrays_of(source.path),
        assumptions=assumptions(found),
        warnings=found.warnings,
    )


def _discover(source: Source, graph: OnnxGraph, size: int) -> Discovery:
    inputs = [Input(value.name, value.dtype, value.shape) for value in graph.free_inputs]
    process = GuardedProcess(
        {"runtime": "onnx", "path": str(source.path.absolute())},
        memory=memory_for(size, source.trust),
    )
    try:
        return discover(source.name, inputs, process.run, hints_of(graph), source.settings)
    finally:
        process.close()


def assumptions(found: Discovery) -> list[Assumption]:
    """What was guessed, as a bundle keeps it."""
    return [Assumption(g.field, g.value, g.confidence, g.alternatives) for g in found.guesses]


def _arrays_of(path: Path) -> Callable[[], dict[str, NDArray[Any]]]:
    def arrays() -> dict[str, NDArray[Any]]:
        _data, graph = read_onnx(path)
        found = {name: array_of(tensor) for name, tensor in graph.stored.items()}
        kept = {name: array for name, array in found.items() if array is not None}
        return kept | {k: np.asarray(v) for k, v in external_arrays(graph, path.parent).items()}

    return arrays
