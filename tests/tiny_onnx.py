"""Decoders as ONNX graphs, small enough to be made by the test that needs one."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

LATENT, CLASSES, SIDE = 5, 3, 8


def weights(seed: int = 0, channels: int = 1) -> dict[str, np.ndarray]:
    """W (D, values) and V (K, values) of a linear decoder."""
    rng = np.random.default_rng(seed)
    values = channels * SIDE * SIDE
    return {
        "W": (0.4 * rng.standard_normal((LATENT, values))).astype(np.float32),
        "V": (0.4 * rng.standard_normal((CLASSES, values))).astype(np.float32),
    }


def expected(z, index=None, seed=0, channels=1) -> np.ndarray:
    """What the decoder of those weights draws, by NumPy alone: (N, C, H, W) in [-1, 1]."""
    held = weights(seed, channels)
    flat = z @ held["W"]
    if index is not None:
        flat = flat + held["V"][index]
    return np.tanh(flat).reshape(len(z), channels, SIDE, SIDE)


def write_decoder(
    path: Path,
    *,
    label: str | None = None,
    layout: str = "nchw",
    batch: int | str = "batch",
    uint8: bool = False,
    channels: int = 1,
    four_axes: bool = False,
    extra_nodes: tuple = (),
    domain: str = "",
    edit=None,
) -> Path:
    """tanh(z W + V[label]) as a picture.

    ``label`` is ``index`` (int64 (N,)), ``weights`` (float32 (N, K)) or None.
    """
    held = weights(channels=channels)
    stored = [numpy_helper.from_array(held["W"], "W")]
    nodes, inputs = [], []
    shape = [batch, LATENT, 1, 1] if four_axes else [batch, LATENT]
    inputs.append(helper.make_tensor_value_info("z", TensorProto.FLOAT, shape))
    latent = "z"
    if four_axes:
        stored.append(numpy_helper.from_array(np.array([0, LATENT], np.int64), "flat_z"))
        nodes.append(helper.make_node("Reshape", ["z", "flat_z"], ["z2"]))
        latent = "z2"
    nodes.append(helper.make_node("MatMul", [latent, "W"], ["from_z"]))
    last = "from_z"
    if label is not None:
        stored.append(numpy_helper.from_array(held["V"], "V"))
        if label == "index":
            info = helper.make_tensor_value_info("label", TensorProto.INT64, [batch])
            nodes.append(helper.make_node("Gather", ["V", "label"], ["from_y"], axis=0))
        else:
            info = helper.make_tensor_value_info("label", TensorProto.FLOAT, [batch, CLASSES])
            nodes.append(helper.make_node("MatMul", ["label", "V"], ["from_y"]))
        inputs.append(info)
        nodes.append(helper.make_node("Add", ["from_z", "from_y"], ["sum"]))
        last = "sum"
    nodes.append(helper.make_node("Tanh", [last], ["tanh"]))
    picture = np.array([0, channels, SIDE, SIDE], np.int64)
    stored.append(numpy_helper.from_array(picture, "picture"))
    nodes.append(helper.make_node("Reshape", ["tanh", "picture"], ["image"]))
    last, kind = "image", TensorProto.FLOAT
    if uint8:
        for name, value in (("one", 1.0), ("half", 127.5)):
            stored.append(numpy_helper.from_array(np.float32(value), name))
        nodes += [
            helper.make_node("Add", ["image", "one"], ["above"]),
            helper.make_node("Mul", ["above", "half"], ["scaled"]),
            helper.make_node("Cast", ["scaled"], ["levels"], to=TensorProto.UINT8),
        ]
        last, kind = "levels", TensorProto.UINT8
    if layout == "nhwc":
        nodes.append(helper.make_node("Transpose", [last], ["nhwc"], perm=[0, 2, 3, 1]))
        last = "nhwc"
    nodes += list(extra_nodes)
    outputs = [helper.make_tensor_value_info(last, kind, None)]
    return save(path, nodes, inputs, outputs, stored, domain=domain, edit=edit)


def save(path, nodes, inputs, outputs, stored=(), *, domain="", edit=None) -> Path:
    """A graph as a file."""
    graph = helper.make_graph(list(nodes), "tiny", list(inputs), list(outputs), list(stored))
    opsets = [helper.make_opsetid("", 17)]
    if domain:
        opsets.append(helper.make_opsetid(domain, 1))
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
    if edit is not None:
        edit(model)
    path.write_bytes(model.SerializeToString())
    return path


def floats(name: str, *shape: int | str) -> onnx.ValueInfoProto:
    """A float32 input or output."""
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape))


def write_classifier(path: Path) -> Path:
    """A picture in, ten numbers out."""
    stored = [numpy_helper.from_array(np.ones((3 * 32 * 32, 10), np.float32), "W")]
    nodes = [
        helper.make_node("Flatten", ["x"], ["flat"]),
        helper.make_node("MatMul", ["flat", "W"], ["scores"]),
    ]
    return save(path, nodes, [floats("x", "n", 3, 32, 32)], [floats("scores", "n", 10)], stored)


def write_bomb(path: Path, elements: int = 1 << 42) -> Path:
    """A graph that takes terabytes when it runs, in a file of some hundred bytes."""
    stored = [numpy_helper.from_array(np.array([elements], np.int64), "size")]
    nodes = [
        helper.make_node("ConstantOfShape", ["size"], ["huge"]),
        helper.make_node("ReduceSum", ["huge"], ["sum"], keepdims=0),
        helper.make_node("Add", ["z", "sum"], ["image"]),
    ]
    return save(path, nodes, [floats("z", "n", 64)], [floats("image", "n", 64)], stored)


def write_endless(path: Path) -> Path:
    """A graph whose loop hardly ends."""
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["going"], ["goes_on"]),
            helper.make_node("Mul", ["value", "value"], ["squared"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("step", TensorProto.INT64, []),
            helper.make_tensor_value_info("going", TensorProto.BOOL, []),
            floats("value", "n", 64),
        ],
        [
            helper.make_tensor_value_info("goes_on", TensorProto.BOOL, []),
            floats("squared", "n", 64),
        ],
    )
    stored = [
        numpy_helper.from_array(np.array(1 << 60, np.int64), "count"),
        numpy_helper.from_array(np.array(True), "yes"),
    ]
    nodes = [helper.make_node("Loop", ["count", "yes", "z"], ["image"], body=body)]
    return save(path, nodes, [floats("z", "n", 64)], [floats("image", "n", 64)], stored)


def move_outside(path: Path, location: str, *, name: str = "W", length: int | None = None) -> Path:
    """Let a tensor of a written graph refer to another file."""
    model = onnx.load(str(path))
    for tensor in model.graph.initializer:
        if tensor.name == name:
            size = len(tensor.raw_data)
            tensor.ClearField("raw_data")
            tensor.data_location = TensorProto.EXTERNAL
            values = {"location": location, "offset": "0", "length": str(length or size)}
            for key, value in values.items():
                entry = tensor.external_data.add()
                entry.key, entry.value = key, value
    path.write_bytes(model.SerializeToString())
    return path
