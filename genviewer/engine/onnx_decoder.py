"""Draws with ONNX Runtime on the CPU: the fastest engine there, and quick to start."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime as ort

from genviewer.engine import onnx_file
from genviewer.engine.device import usable_cores
from genviewer.engine.generator import (
    Bytes,
    DecodeError,
    Floats,
    LoadError,
    check_finite,
    checked_inputs,
)

if TYPE_CHECKING:
    from genviewer.core.recipe import ModelRef
    from genviewer.core.spec import Spec

MAX_THREADS = 8
ONE_THREAD_BELOW_S = 0.004
"""A sample that takes less than this is drawn by one thread.

More would gain little, and the window needs a core for itself.
"""


class OnnxGenerator:
    """A decoder as an ONNX session.

    Its inputs are ``z`` and, where there are conditions, ``y``; its outputs ``raw`` and ``pixels``.

    Args:
        data: the ONNX file's bytes.
        spec, ref: what it must fit, and how Recipes cite it.
        threads: threads of one decode; None measures which number is best.

    Raises:
        LoadError: if the file is not such a decoder.
    """

    engine = "onnx"
    device = "cpu"

    def __init__(self, data: bytes, spec: Spec, ref: ModelRef, threads: int | None = None) -> None:
        onnx_file.check(onnx_file.inspect(data))
        self.spec = spec
        self.ref = ref
        self.notices: list[str] = []
        self.threads = threads if threads is not None else 1
        self._session = _open(data, self.threads)
        self._check_signature()
        if threads is None:
            self._choose_threads(data)

    @property
    def model_id(self) -> str:
        """The id of the model that draws."""
        return self.ref.id

    def decode(self, z: Floats, y: Floats | None) -> Floats:
        """Raw output float32 (N, C, H, W) in the Spec's range."""
        return self._run(z, y)[0]

    def decode_pixels(self, z: Floats, y: Floats | None) -> Bytes:
        """Samples uint8 (N, H, W, C)."""
        return self._run(z, y)[1]

    def _run(self, z: Floats, y: Floats | None) -> tuple[Floats, Bytes]:
        z, y = checked_inputs(self.spec, z, y)
        feed = {"z": z} if y is None else {"z": z, "y": y}
        try:
            raw, pixels = self._session.run(["raw", "pixels"], feed)
        except Exception as error:  # ONNX Runtime's errors share no narrower class
            reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
            raise DecodeError(f"ONNX Runtime could not draw: {reason}") from error
        image = self.spec.image
        if (
            raw.shape != (len(z), image.channels, image.height, image.width)
            or pixels.shape != (len(z), image.height, image.width, image.channels)
            or pixels.dtype != np.uint8
        ):
            raise DecodeError("The model returned a picture of another size than it says.")
        check_finite(raw)
        return raw, pixels

    def _check_signature(self) -> None:
        sizes = {"z": self.spec.latent.dim}
        if self.spec.condition_size:
            sizes["y"] = self.spec.condition_size
        found = {i.name: (i.type, i.shape) for i in self._session.get_inputs()}
        fits = set(found) == set(sizes) and all(
            found[name][0] == "tensor(float)"
            and len(found[name][1]) == 2
            and found[name][1][1] in (size, None)
            for name, size in sizes.items()
        )
        if not fits or {"raw", "pixels"} - {o.name for o in self._session.get_outputs()}:
            raise LoadError(f"The ONNX decoder of {self.spec.name} does not fit its configuration.")

    def _choose_threads(self, data: bytes) -> None:
        """Keep one thread, unless a sample takes long and more threads draw it clearly sooner."""
        most = min(usable_cores(), MAX_THREADS)
        alone = self._seconds_per_sample()
        if most < 2 or alone < ONE_THREAD_BELOW_S:
            return
        one = self._session
        self._session = _open(data, most)
        if self._seconds_per_sample() < 0.8 * alone:
            self.threads = most
        else:
            self._session = one

    def _seconds_per_sample(self) -> float:
        z = np.zeros((1, self.spec.latent.dim), np.float32)
        taken = []
        started = time.perf_counter()
        for _ in range(4):
            before = time.perf_counter()
            try:
                self._run(z, None)
            except DecodeError:
                return 0.0  # whoever decodes next is told why
            taken.append(time.perf_counter() - before)
            if before - started > 0.02:
                break
        return min(taken)


def _open(data: bytes, threads: int) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # errors are raised; the library's own log goes nowhere
    # Threads that spin between two decodes would take the window's core.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's errors share no narrower class
        raise LoadError("ONNX Runtime cannot open the ONNX decoder.") from error
