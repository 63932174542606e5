"""ONNX graphs whose weights live in the bundle's ``model.safetensors``: each number once on disk.

A safetensors file is plain little-endian bytes after a header, and ONNX refers to external data by
file, offset and length. So a graph can use it as it is, in any ONNX runtime.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from genviewer.io.bundle import WEIGHTS_NAME, read_header

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

SMALLEST_BYTES = 256
"""Smaller tensors, such as shapes, stay in the graph: runtimes look at them when they open it."""

_DTYPES = ("float32", "float16", "float64", "int8", "uint8", "int16", "int32", "int64")


def take_weights(
    data: bytes, external: Mapping[str, NDArray[Any]], prefix: str = ""
) -> tuple[Any, dict[str, NDArray[Any]]]:
    """A checked graph's large tensors.

    Args:
        data: the serialised model.
        external: its tensors in other files.
        prefix: goes before their names in the safetensors file.

    Returns:
        The model (an ``onnx.ModelProto``), and the arrays by ``prefix`` + name.
    """
    import onnx
    from onnx import numpy_helper

    model = onnx.load_model_from_string(data)
    taken: dict[str, NDArray[Any]] = {}
    for tensor in model.graph.initializer:
        if tensor.name in external:
            array = np.array(external[tensor.name])
        elif tensor.data_location == onnx.TensorProto.EXTERNAL:
            continue
        else:
            array = numpy_helper.to_array(tensor)
        if array.dtype.name in _DTYPES and array.nbytes >= SMALLEST_BYTES:
            taken[prefix + tensor.name] = array
        elif tensor.name in external:
            tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))
    return model, taken


def with_weights_in(model: Any, weights: Path, prefix: str = "") -> bytes:
    """The model with its large tensors referring to a safetensors file that holds them.

    Args:
        model: as :func:`take_weights` gave it; changed.
        weights: the written file.
        prefix: as it was given there.
    """
    import onnx

    entries, start = read_header(weights)
    for tensor in model.graph.initializer:
        entry = entries.get(prefix + tensor.name)
        if entry is None:
            continue
        name, dtype, dims = tensor.name, tensor.data_type, list(tensor.dims)
        tensor.Clear()
        tensor.name, tensor.data_type = name, dtype
        tensor.dims.extend(dims)
        tensor.data_location = onnx.TensorProto.EXTERNAL
        values = {
            "location": WEIGHTS_NAME,
            "offset": str(start + entry.start),
            "length": str(entry.end - entry.start),
        }
        for key, value in values.items():
            item = tensor.external_data.add()
            item.key, item.value = key, value
    data: bytes = model.SerializeToString()
    return data
