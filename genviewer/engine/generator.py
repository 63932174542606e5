"""A loaded model: what the rest of the program asks for samples."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from genviewer.core.recipe import ModelRef
    from genviewer.core.spec import Spec
    from genviewer.core.synthesis import Synthesis
    from genviewer.io.bundle import Bundle

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]
Engine = Literal["auto", "onnx", "torch"]

NOT_FINITE = "The model returned NaN or infinity."


class DecodeError(RuntimeError):
    """A sample could not be drawn; the message is one sentence for the user."""


class LoadError(RuntimeError):
    """A model could not be made ready to draw; the message is one sentence for the user."""


class Generator(Protocol):
    """A model that draws. Several threads may decode at once.

    ``z`` is float32 (N, D), after truncation; ``y`` is float32 (N, K) packed conditions, or None
    for empty ones. ``notices`` collects sentences for the user, such as a change of device.
    """

    spec: Spec
    ref: ModelRef
    engine: str
    device: str
    threads: int
    notices: list[str]

    @property
    def model_id(self) -> str:
        """The id of the model that draws."""
        ...

    def decode(self, z: Floats, y: Floats | None) -> Floats:
        """Raw output float32 (N, C, H, W) in the Spec's range; DecodeError if there is none."""
        ...

    def decode_pixels(self, z: Floats, y: Floats | None) -> Bytes:
        """Samples uint8 (N, H, W, C); DecodeError if there are none."""
        ...


class SynthesisGenerator(Generator, Protocol):
    """A generator of a model whose Spec has a ``synthesis``: it reads more than ``z`` and ``y``."""

    def decode(self, z: Floats, y: Floats | None, how: Synthesis | None = None) -> Floats:
        """As of a :class:`Generator`; ``z`` is in ``how.space``, not truncated in ``w``."""
        ...

    def decode_pixels(self, z: Floats, y: Floats | None, how: Synthesis | None = None) -> Bytes:
        """As of a :class:`Generator`; ``z`` is in ``how.space``, not truncated in ``w``."""
        ...

    def map_to_w(self, z: Floats, y: Floats | None) -> Floats:
        """Latents of the space ``w``, float32 (N, W), that draw the same as ``z``."""
        ...

    def average_w(self) -> Floats:
        """The latent float32 (W,) that truncation moves towards."""
        ...


def checked_inputs(
    spec: Spec, z: Floats, y: Floats | None, space: str = "z"
) -> tuple[Floats, Floats | None]:
    """``z`` and ``y`` as contiguous float32 arrays that fit the Spec; empty conditions as zeros.

    Raises:
        DecodeError: naming what does not fit.
    """
    z = np.ascontiguousarray(z, np.float32)
    dim = spec.latent.dim if space == "z" else spec.of_space(space).latent.dim
    if z.ndim != 2 or z.shape[1] != dim:
        raise DecodeError(f"{spec.name} takes latents of {dim} values.")
    if not spec.condition_size:
        return z, None
    if y is None:
        y = np.zeros((len(z), spec.condition_size), np.float32)
    y = np.ascontiguousarray(y, np.float32)
    if y.shape != (len(z), spec.condition_size):
        raise DecodeError(f"{spec.name} takes {spec.condition_size} condition values per sample.")
    return z, y


def check_finite(raw: Floats) -> None:
    """DecodeError if a value is NaN or infinite; one pass, no temporary array."""
    with np.errstate(invalid="ignore", over="ignore"):
        total = float(raw.sum())
    if not math.isfinite(total):
        raise DecodeError(NOT_FINITE)


def load_generator(
    bundle: Bundle, device: str = "auto", engine: Engine = "auto", threads: int | None = None
) -> Generator:
    """The bundle, ready to draw. May take seconds where torch is needed; any thread.

    ``auto`` chooses the best device, and on the CPU ONNX Runtime where the bundle or the user's
    cache has a decoder for it that names this very model; else torch. ``onnx`` makes such a
    decoder first if there is none. ``threads`` bounds the threads of one decode on the CPU.

    Raises:
        LoadError: if the model cannot be built, or the device is not there.
    """
    from genviewer.engine import accelerator
    from genviewer.engine.device import choose_device

    if engine not in ("auto", "onnx", "torch"):
        raise LoadError(f"There is no engine {engine!r}; the engines are auto, onnx and torch.")
    if engine == "onnx" and device == "auto":
        device = "cpu"
    chosen = choose_device(device)
    if engine == "onnx" and chosen != "cpu":
        raise LoadError("ONNX Runtime draws on the CPU only; choose the device cpu for it.")
    notices: list[str] = []
    if bundle.config.network.get("type") == "program":
        return _load_program(bundle, device, chosen, engine, threads)
    if bundle.spec.synthesis is not None:
        # The accelerator's graph takes latents and conditions, and no styles, noise or transform.
        if engine == "onnx":
            raise LoadError(f"{bundle.spec.name} takes styles and noise, so only torch draws it.")
        engine = "torch"
    if engine != "torch" and chosen == "cpu":
        try:
            decoder = accelerator.find(bundle)
            if decoder is None and engine == "onnx":
                outcome = accelerator.prepare(bundle)
                decoder = accelerator.find(bundle)
                if decoder is None:
                    raise LoadError(outcome.message)
            if decoder is not None:
                from genviewer.engine.onnx_decoder import OnnxGenerator

                return OnnxGenerator(decoder, bundle.spec, bundle.ref, threads)
        except LoadError as error:
            if engine == "onnx":
                raise
            notices.append(str(error))
    from genviewer.engine.torch_decoder import load_torch

    generator = load_torch(bundle, chosen, threads)
    generator.notices.extend(notices)
    return generator


def _load_program(
    bundle: Bundle, device: str, chosen: str, engine: Engine, threads: int | None
) -> Generator:
    """A decoder that came as a program: it brings its own engine, on the CPU."""
    from genviewer.engine.program_generator import load_program

    runtime = bundle.config.network.get("runtime")
    if device not in ("auto", "cpu") and chosen != "cpu":
        raise LoadError(f"{bundle.spec.name} comes as a program, which draws on the CPU only.")
    if engine == "torch" and runtime == "onnx":
        raise LoadError(f"{bundle.spec.name} comes as ONNX, which torch cannot draw.")
    if engine == "onnx" and runtime != "onnx":
        raise LoadError(f"{bundle.spec.name} is no ONNX model, so ONNX Runtime cannot draw it.")
    return load_program(bundle, threads)
