"""A linear model for tests: in plain NumPy, as a bundle, as an ONNX file."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from genviewer.core.latent import Latent
from genviewer.core.pixels import to_pixels
from genviewer.core.recipe import ModelRef, Recipe, seeded_recipe
from genviewer.core.scene import Pane, Scene
from genviewer.core.spec import ConditionSpec, ImageSpec, LatentSpec, Spec
from genviewer.engine.generator import check_finite, checked_inputs
from genviewer.io.bundle import Bundle, Config, write_bundle

if TYPE_CHECKING:
    import threading
    from pathlib import Path

CLASSES = ("zero", "one", "two")


def make_spec(dim=4, size=6, channels=1, classes=3, value_range=(0.0, 1.0)) -> Spec:
    conditions = (ConditionSpec("class", "class", classes, CLASSES[:classes], optional=True),)
    return Spec(
        "linear",
        "decoder",
        LatentSpec(dim),
        ImageSpec(channels, size, size, value_range),
        conditions if classes else (),
    )


class LinearGenerator:
    """A linear decoder in NumPy: ``raw = z W + y V + 0.5``; it can be slow, and fail on demand."""

    engine = "numpy"
    device = "cpu"
    threads = 1

    def __init__(self, spec: Spec | None = None, name="linear", seed=0, delay=0.0) -> None:
        self.spec = spec if spec is not None else make_spec()
        self.ref = ModelRef(name, f"{seed:032x}")
        self.notices: list[str] = []
        self.delay = delay  # seconds per sample
        self.fail: Exception | None = None
        self.nan = False
        self.calls: list[int] = []
        self.gate: threading.Event | None = None
        rng = np.random.default_rng(seed)
        image = self.spec.image
        values = image.channels * image.height * image.width
        self.weights = (0.1 * rng.standard_normal((self.spec.latent.dim, values))).astype(
            np.float32
        )
        size = max(1, self.spec.condition_size)
        self.shifts = (0.1 * rng.standard_normal((size, values))).astype(np.float32)

    @property
    def model_id(self) -> str:
        return self.ref.id

    def decode(self, z, y):
        z, y = checked_inputs(self.spec, z, y)
        self.calls.append(len(z))
        if self.gate is not None:
            assert self.gate.wait(10)
        if self.delay:
            time.sleep(self.delay * len(z))
        if self.fail is not None:
            raise self.fail
        # One row at a time, so that a sample does not depend on its batch at all.
        flat = np.stack([row @ self.weights for row in z]) + np.float32(0.5)
        if y is not None:
            flat += np.stack([row @ self.shifts for row in y])
        image = self.spec.image
        raw = flat.reshape(len(z), image.channels, image.height, image.width).astype(np.float32)
        if self.nan:
            raw[0, 0, 0, 0] = np.nan
        check_finite(raw)
        return raw

    def decode_pixels(self, z, y):
        return to_pixels(self.decode(z, y), self.spec.image.range)


def make_scene(generator, view="focus", options=None, seed=0) -> Scene:
    scene = Scene((Pane(generator.ref, seeded_recipe(generator.spec, seed)),), view)
    return scene if options is None else scene.with_options(options)


def moved(scene: Scene, dim: int, value: float) -> Scene:
    recipe = scene.recipe
    return scene.with_recipe(Recipe(recipe.latent.with_value(dim, value), recipe.condition))


def at(scene: Scene, values) -> Scene:
    return scene.with_recipe(Recipe(Latent(values), scene.recipe.condition))


def write_onnx(path: Path, generator: LinearGenerator, model_id: str, **changes) -> Path:
    """A LinearGenerator as the ONNX file that the program would make of it."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    spec, image = generator.spec, generator.spec.image
    low, high = image.range
    shape = [0, image.channels, image.height, image.width]

    def constant(name, value):
        return numpy_helper.from_array(np.asarray(value), name)

    initializers = [
        constant("W", generator.weights),
        constant("V", generator.shifts),
        constant("half", np.float32(0.5)),
        constant("shape", np.array(shape, np.int64)),
        constant("low", np.float32(low)),
        constant("scale", np.float32(255.0 / (high - low))),
        constant("black", np.float32(0.0)),
        constant("white", np.float32(255.0)),
    ]
    nodes = [
        helper.make_node("MatMul", ["z", "W"], ["from_z"]),
        helper.make_node("Add", ["from_z", "half"], ["base"]),
        helper.make_node("MatMul", ["y", "V"], ["from_y"]),
        helper.make_node("Add", ["base", "from_y"], ["flat"]),
        helper.make_node("Reshape", ["flat", "shape"], ["raw"]),
        helper.make_node("Sub", ["raw", "low"], ["above"]),
        helper.make_node("Mul", ["above", "scale"], ["scaled"]),
        helper.make_node("Clip", ["scaled", "black", "white"], ["clipped"]),
        helper.make_node("Round", ["clipped"], ["rounded"]),
        helper.make_node("Cast", ["rounded"], ["levels"], to=TensorProto.UINT8),
        helper.make_node("Transpose", ["levels"], ["pixels"], perm=[0, 2, 3, 1]),
        *changes.get("nodes", []),
    ]
    inputs = [
        helper.make_tensor_value_info("z", TensorProto.FLOAT, ["batch", spec.latent.dim]),
        helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", spec.condition_size]),
    ]
    outputs = [
        helper.make_tensor_value_info("raw", TensorProto.FLOAT, ["batch", *shape[1:]]),
        helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["batch", *shape[2:], shape[1]]),
    ]
    graph = helper.make_graph(nodes, "decoder", inputs, outputs, initializers)
    opsets = [helper.make_opsetid("", 18), *changes.get("opsets", [])]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
    helper.set_model_props(model, {"genviewer.model_id": model_id})
    changes.get("edit", lambda _: None)(model)
    onnx.save(model, path)
    return path


def write_linear_bundle(folder: Path, generator: LinearGenerator) -> Bundle:
    """A bundle whose weights are a LinearGenerator's; torch cannot build it, ONNX can."""
    config = Config(generator.spec, {"type": "linear"})
    tensors = {"W": generator.weights, "V": generator.shifts, "padding": np.zeros(9, np.float32)}
    return write_bundle(folder, config, tensors, "# Linear\n")
