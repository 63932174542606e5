"""What the graph itself tells about a decoder: sizes, classes, the bounds of its output, and
whether its memory may depend on the values that it is given.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from genviewer.io.programs.discover import Hints
from genviewer.io.programs.onnx_graph import array_of

if TYPE_CHECKING:
    from genviewer.io.programs.onnx_graph import Node, OnnxGraph

_PASSES = ("Reshape", "Transpose", "Identity", "Squeeze", "Unsqueeze", "Flatten", "Slice", "Cast")
_SHAPE_INPUTS = {
    "ConstantOfShape": (0,), "Expand": (1,), "Range": (0, 1, 2), "Tile": (1,), "Resize": (2, 3),
    "Upsample": (1,), "Pad": (1,), "OneHot": (1,), "CenterCropPad": (1,), "EyeLike": (),
    "Reshape": (1,), "SplitToSequence": (1,), "RandomUniform": (), "BlackmanWindow": (0,),
    "HannWindow": (0,), "HammingWindow": (0,), "Col2Im": (1,), "AffineGrid": (1,),
    "MaxUnpool": (2,), "MelWeightMatrix": (0, 1), "DFT": (1,), "STFT": (1, 3),
}  # fmt: skip
"""Inputs whose values decide how large an output is."""

_CUTS = ("Shape", "Size")
"""Operators whose result depends on sizes only, not on values."""

MAX_WALK = 64


def hints_of(graph: OnnxGraph) -> Hints:
    """What the graph tells about latent sizes, numbers of classes and the output's bounds."""
    sizes, classes = [], []
    for node in graph.nodes:
        size = _input_size(graph, node)
        if size is not None:
            sizes.append(size)
        table = graph.stored.get(node.inputs[0]) if node.operator == "Gather" else None
        if table is not None and len(table.shape) == 2 and table.shape[0] > 1:
            classes.append(table.shape[0])
        if node.operator == "OneHot" and len(node.inputs) > 1:
            depth = _number(graph, node.inputs[1])
            if depth is not None and depth > 1:
                classes.append(int(depth))
    return Hints(
        tuple(dict.fromkeys(sizes)),
        tuple(dict.fromkeys(classes)),
        _bounds(graph),
        graph.metadata,
    )


def size_follows_values(graph: OnnxGraph) -> bool:
    """Whether some tensor's size may depend on the values of an input.

    A test run then says nothing about the memory that another one takes.
    """
    tainted = {value.name for value in graph.inputs}
    for node in graph.nodes:
        if any(
            index < len(node.inputs) and node.inputs[index] in tainted
            for index in _SHAPE_INPUTS.get(node.operator, ())
        ):
            return True
        if node.operator in ("NonZero", "Compress", "Unique", "NonMaxSuppression"):
            return True  # no larger than their input, but nothing in a decoder needs them
        if node.operator not in _CUTS and tainted.intersection(node.inputs):
            tainted.update(node.outputs)
    return False


def _input_size(graph: OnnxGraph, node: Node) -> int | None:
    """How many values a layer with stored weights takes from each sample."""
    if len(node.inputs) < 2 or node.inputs[1] not in graph.stored:
        return None
    shape = graph.stored[node.inputs[1]].shape
    if node.operator == "Gemm" and len(shape) == 2:
        return shape[1] if node.attributes.get("transB") else shape[0]
    if node.operator == "MatMul" and len(shape) == 2:
        return shape[0]
    if node.operator == "ConvTranspose" and len(shape) == 4:
        return shape[0]
    if node.operator == "Conv" and len(shape) == 4:
        return shape[1]
    return None


def _bounds(graph: OnnxGraph) -> tuple[float, float] | None:
    """What the last operation before the first output allows, through what only moves values."""
    makers = {name: node for node in graph.nodes for name in node.outputs}
    name = graph.outputs[0].name if graph.outputs else ""
    for _step in range(MAX_WALK):
        node = makers.get(name)
        if node is None:
            return None
        if node.operator == "Sigmoid":
            return 0.0, 1.0
        if node.operator == "Tanh":
            return -1.0, 1.0
        if node.operator == "Cast" and node.attributes.get("to") == 2:
            return 0.0, 255.0
        if node.operator == "Clip":
            limits = [_number(graph, part) for part in node.inputs[1:3]]
            low, high = (*limits, None, None)[:2]
            low = node.attributes.get("min") if low is None else low
            high = node.attributes.get("max") if high is None else high
            return None if low is None or high is None or low >= high else (low, high)
        if node.operator not in _PASSES:
            return None
        name = node.inputs[0] if node.inputs else ""
    return None


def _number(graph: OnnxGraph, name: str) -> float | None:
    """The only value of a stored tensor or of a Constant."""
    stored = graph.stored.get(name)
    if stored is None:
        maker = next((node for node in graph.nodes if name in node.outputs), None)
        if maker is None or maker.operator != "Constant":
            return None
        value = maker.attributes.get("value")
        if isinstance(value, (int, float)):
            return float(value)
        stored = value
    array = array_of(stored) if stored is not None and hasattr(stored, "raw") else None
    if array is None or array.size != 1 or not math.isfinite(float(array.reshape(-1)[0])):
        return None
    return float(array.reshape(-1)[0])
