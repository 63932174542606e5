"""ONNX graphs in ONNX Runtime, here or in the guarded process."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime as ort

from genviewer.io.programs.onnx_graph import external_arrays, read_onnx

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def open_session(
    data: bytes, external: dict[str, NDArray[Any]], threads: int
) -> ort.InferenceSession:
    """A session over checked bytes and the arrays that they leave to other files.

    ONNX Runtime is never given a path, so that it opens no file.

    Raises:
        Exception: of ONNX Runtime, which share no narrower class.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # errors are raised; the library's own log goes nowhere
    # Threads that spin between two decodes would take the window's core.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if external:
        names = list(external)
        values = [ort.OrtValue.ortvalue_from_numpy(np.array(external[name])) for name in names]
        options.add_external_initializers(names, values)
    return ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])


class OnnxProgram:
    """A session; inputs and outputs go by position. A method is the name of one output."""

    def __init__(self, session: ort.InferenceSession) -> None:
        self._session = session
        self._inputs = [value.name for value in session.get_inputs()]

    def describe(self) -> dict[str, Any]:
        """The names of its inputs and outputs."""
        return {
            "inputs": self._inputs,
            "outputs": [value.name for value in self._session.get_outputs()],
        }

    def run(self, method: str, inputs: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        """The output called ``method``; all of them for ``forward``."""
        feed = dict(zip(self._inputs, inputs, strict=True))
        wanted = None if method == "forward" else [method]
        outputs: list[NDArray[Any]] = self._session.run(wanted, feed)
        return [np.asarray(value) for value in outputs]


def open_program(request: dict[str, Any], arrays: Sequence[NDArray[Any]]) -> OnnxProgram:
    """What the guarded process runs: checks the file again and opens it."""
    path = Path(request["path"])
    data, graph = read_onnx(path)
    session = open_session(data, external_arrays(graph, path.parent), int(request["threads"]))
    return OnnxProgram(session)
