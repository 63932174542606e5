"""A torch program as ONNX, made in the guarded process where the program runs. Imports torch."""

from __future__ import annotations

import io
import logging
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.onnx
import torch.onnx.utils  # imported before rights are given up

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

OPSET = 18
PREFIX = "onnx:"
"""Before a method's name asks for its graph: ``onnx:OUTPUT:ANY:METHOD``, with the index of the
output that is kept and 1 where the number of samples is free.
"""


def parse_request(method: str) -> tuple[str, int, bool] | None:
    """The method, the output and whether the batch is free; None if no graph is asked for."""
    if not method.startswith(PREFIX):
        return None
    _onnx, output, free, name = method.split(":", 3)
    return name, int(output), free == "1"


def graph_of(
    call: Callable[..., Any] | str,
    inputs: Sequence[NDArray[Any]],
    output: int,
    free: bool,
    tensors_of: Callable[[Any], list[Tensor]],
    module: torch.nn.Module | None = None,
) -> list[NDArray[Any]]:
    """The bytes of the graph of one output, as a single uint8 array.

    Inputs are called ``in0``, ``in1`` .. in their order. ``call`` is a function, or the
    name of a method of ``module``.

    Raises:
        ValueError: a scripted module draws by another method than ``forward``.
        Exception: of the exporter, which share no narrower class.
    """
    scripted = isinstance(module, torch.jit.ScriptModule)
    if scripted and (call != "forward" or output):
        raise ValueError("only the forward of a scripted module can be expressed in ONNX")

    class Traced(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.part = module

        def forward(self, *arguments: Tensor) -> Tensor:
            if not isinstance(call, str):
                return tensors_of(call(*arguments))[output]
            return tensors_of(getattr(self.part, call)(*arguments))[output]

    names = [f"in{index}" for index in range(len(inputs))]
    axes = {name: {0: "batch"} for name, array in zip(names, inputs, strict=True) if array.ndim}
    buffer = io.BytesIO()
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module if scripted and module is not None else Traced().eval(),
            tuple(torch.tensor(array) for array in inputs),
            buffer,  # type: ignore[arg-type]
            input_names=names,
            output_names=["image"],
            dynamic_axes=(axes | {"image": {0: "batch"}}) if free else None,
            opset_version=OPSET,
            dynamo=False,
        )
    return [np.frombuffer(buffer.getvalue(), np.uint8)]
