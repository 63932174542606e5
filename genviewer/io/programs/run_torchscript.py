"""TorchScript in the guarded process. Imports torch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from genviewer.io.programs.torch_onnx import graph_of, parse_request
from genviewer.io.programs.torchscript_code import check_torchscript

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

METHODS = ("decode", "decoder", "generate", "sample", "generator", "netG", "G", "forward")
"""What may draw, likeliest first: methods and parts of a model."""


class TorchProgram:
    """A module whose method or part is called with tensors by position."""

    def __init__(self, module: Any) -> None:
        self.module = module
        self.methods = [name for name in METHODS if callable(getattr(module, name, None))]

    def describe(self) -> dict[str, Any]:
        """Its methods with their arguments, and the shapes of its parameters in order."""
        parameters = list(self.module.named_parameters()) + list(self.module.named_buffers())
        return {
            "methods": {name: self._arguments(name) for name in self.methods},
            "parameters": [[name, list(tensor.shape)] for name, tensor in parameters][:10_000],
        }

    def _arguments(self, name: str) -> list[str]:
        target = getattr(self.module, name)
        schema = getattr(getattr(target, "forward", target), "schema", None)
        if schema is None:
            return []
        needed = [a for a in schema.arguments[1:] if not a.has_default_value()]
        return [a.name for a in needed]

    def run(self, method: str, inputs: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        """What the method gives: its tensors, one array each."""
        graph = parse_request(method)
        if graph is not None:
            name, output, free = graph
            return graph_of(name, inputs, output, free, tensors_of, self.module)
        with torch.inference_mode():
            result = getattr(self.module, method)(*(torch.tensor(value) for value in inputs))
        return arrays_of(result)


def tensors_of(result: Any) -> list[Tensor]:
    """The tensors of a result, which may be one, a tuple or a mapping of them."""
    if isinstance(result, dict):
        result = list(result.values())
    if not isinstance(result, (tuple, list)):
        # What other libraries wrap their pictures in.
        for name in ("sample", "reconstruction", "recon_x", "images"):
            result = getattr(result, name, result) if not torch.is_tensor(result) else result
        result = [result]
    return [value for value in result if torch.is_tensor(value)]


def arrays_of(result: Any) -> list[NDArray[Any]]:
    """The same as arrays, bfloat16 as float32."""
    tensors = [value.detach().cpu() for value in tensors_of(result)]
    return [
        np.asarray(t.float().numpy() if t.dtype == torch.bfloat16 else t.contiguous().numpy())
        for t in tensors
    ]


def open_program(request: dict[str, Any], arrays: Sequence[NDArray[Any]]) -> TorchProgram:
    """What the guarded process runs: checks the text again and loads the program."""
    torch.set_num_threads(int(request["threads"]))
    path = Path(request["path"])
    check_torchscript(path)
    module = torch.jit.load(str(path), map_location="cpu")  # type: ignore[no-untyped-call]
    return TorchProgram(module.eval())
