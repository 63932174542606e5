"""Draws with a program that came as a file: an ONNX graph, TorchScript, a person's own class.

An ONNX graph whose memory does not depend on what it is given runs here, in ONNX Runtime, once it
has drawn in a process with limits. Everything else stays in such a process for good.
"""

from __future__ import annotations

import hashlib
import threading
import time
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from genviewer.core.pixels import to_pixels
from genviewer.engine.cache_folder import cache_folder
from genviewer.engine.device import usable_cores
from genviewer.engine.generator import (
    Bytes,
    DecodeError,
    Floats,
    LoadError,
    check_finite,
    checked_inputs,
)
from genviewer.io.atomic import write_bytes
from genviewer.io.bundle import WEIGHTS_NAME
from genviewer.io.programs.guarded_process import GuardedProcess, ProgramError
from genviewer.io.programs.onnx_graph import (
    OnnxError,
    external_arrays,
    external_files,
    read_onnx,
)
from genviewer.io.programs.onnx_hints import size_follows_values
from genviewer.io.programs.opening import opened_again
from genviewer.io.programs.wiring import ANY_BATCH, Wiring, arrays_for, draw

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from genviewer.core.recipe import ModelRef
    from genviewer.core.spec import Spec
    from genviewer.io.bundle import Bundle

MAX_THREADS = 8
ONE_THREAD_BELOW_S = 0.004
MAX_RESTARTS = 3
CHUNK = 16


class ProgramGenerator:
    """A decoder that runs somewhere, fed as its wiring says.

    Args:
        spec, ref: what it can do, and how Recipes cite it.
        wiring: how latents go in and pictures come out.
        run: runs the program once.
        engine: what draws, to be shown.
        threads: threads of one decode.
    """

    device = "cpu"

    def __init__(
        self,
        spec: Spec,
        ref: ModelRef,
        wiring: Wiring,
        run: Callable[[Sequence[NDArray[Any]]], list[NDArray[Any]]],
        engine: str,
        threads: int,
    ) -> None:
        self.spec = spec
        self.ref = ref
        self.engine = engine
        self.threads = threads
        self.notices: list[str] = []
        self._wiring = wiring
        self._run = run

    @property
    def model_id(self) -> str:
        """The id of the model that draws."""
        return self.ref.id

    def decode(self, z: Floats, y: Floats | None) -> Floats:
        """Raw output float32 (N, C, H, W) in the Spec's range."""
        z, y = checked_inputs(self.spec, z, y)
        try:
            raw = draw(self._wiring, self.spec.image, self._run, z, y, largest=_largest(self.spec))
        except ValueError as error:
            raise DecodeError(str(error)) from error
        check_finite(raw)
        return raw

    def decode_pixels(self, z: Floats, y: Floats | None) -> Bytes:
        """Samples uint8 (N, H, W, C)."""
        if self._wiring.levels is None or self._wiring.batch != ANY_BATCH:
            return to_pixels(self.decode(z, y), self.spec.image.range)
        z, y = checked_inputs(self.spec, z, y)
        outputs = self._run(arrays_for(self._wiring, z, y))
        image = self.spec.image
        wanted = (len(z), image.height, image.width, image.channels)
        levels = outputs[self._wiring.levels]
        if levels.shape != wanted or levels.dtype != np.uint8:
            raise DecodeError("The model returned a picture of another size than it says.")
        check_finite(np.asarray(outputs[self._wiring.output], np.float32))
        return levels

    def close(self) -> None:
        """End the process that runs the program, if there is one; it also ends with this object."""
        if isinstance(self._run, _Restarted):
            self._run.close()


def _largest(spec: Spec) -> int:
    """How many samples one run takes at most, so that its pictures stay below 64 MB."""
    values = spec.image.channels * spec.image.height * spec.image.width
    return max(1, min(64, (16 << 20) // values))


def load_program(bundle: Bundle, threads: int | None = None) -> ProgramGenerator:
    """The program of a bundle or of a foreign file, ready to draw. Any thread; may take seconds.

    Raises:
        LoadError: with one sentence, if it cannot be opened or is another one than before.
    """
    network = bundle.config.network
    try:
        wiring = msgspec.convert(network["wiring"], type=Wiring)
        if network["runtime"] != "onnx":
            if not bundle.trusted:
                raise LoadError(f"{bundle.spec.name} runs a program, which needs your trust first.")
            return _guarded(bundle, wiring, threads)
        # A bundle may say of itself that it is harmless: the graph is looked at again.
        path = program_path(bundle)
        guarded = bool(network.get("guarded")) or must_be_guarded(path)
        if guarded:
            return _guarded(bundle, wiring, threads)
        z = np.zeros((max(wiring.batch, 1), bundle.spec.latent.dim), np.float32)
        y = np.zeros((len(z), bundle.spec.condition_size), np.float32)
        _try_within_limits(bundle, path, arrays_for(wiring, z, y))
        return _in_process(bundle, wiring, threads)
    except OnnxError as error:
        raise LoadError(f"{program_path(bundle).name} {error}.") from error
    except (KeyError, msgspec.ValidationError) as error:
        raise LoadError(f"{bundle.spec.name}: its configuration is not usable.") from error
    except OSError as error:
        raise LoadError(f"{bundle.spec.name} cannot be read: {error.strerror}.") from error


def program_path(bundle: Bundle) -> Path:
    """The program's file: the foreign file itself, or the graph in a bundle's folder."""
    if bundle.path.is_dir() and bundle.config.network.get("runtime") == "onnx":
        name = str(bundle.config.network.get("decoder", ""))
        if Path(name).name != name or not name:
            raise LoadError(f"{bundle.spec.name}: its configuration names no decoder.")
        return bundle.path / name
    return bundle.path


def must_be_guarded(path: Path) -> bool:
    """Whether an ONNX graph loops, branches, or takes memory by the values that it is given.

    Raises:
        OnnxError: if it is not taken at all.
    """
    _data, graph = read_onnx(path)
    return bool(graph.control_flow) or size_follows_values(graph)


def _try_within_limits(bundle: Bundle, path: Path, inputs: Sequence[NDArray[Any]]) -> None:
    """Run a graph once in a process with limits, unless that went well before.

    The reader of a foreign ONNX file did so just now. For a bundle it is remembered by the file's
    name and the model id, which covers the graphs and the weights.

    Raises:
        LoadError: if it takes too much.
    """
    if bundle.reader == "onnx":
        return
    note = cache_folder("programs") / f"{bundle.model_id}-{path.stem}-{version('onnxruntime')}"
    if note.is_file():
        return
    try:
        process = opened_again(bundle, path, 1)
    except ProgramError as error:
        raise LoadError(f"{path.name} {str(error).rstrip('.')}.") from error
    try:
        process.run(inputs)
    except ProgramError as error:
        raise LoadError(f"{path.name} {str(error).rstrip('.')}.") from error
    finally:
        process.close()
    write_bytes(note, b"")


def open_onnx(
    bundle: Bundle, path: Path, digest: str, threads: int
) -> Callable[[Sequence[NDArray[Any]]], list[NDArray[Any]]]:
    """A checked graph in ONNX Runtime: runs it over arrays in the order of its inputs.

    Raises:
        LoadError: if it is not taken, or not the one of that sha256.
        OSError: if it cannot be read.
    """
    from genviewer.io.programs.run_onnx import OnnxProgram, open_session

    try:
        data, graph = read_onnx(path)
        only = {WEIGHTS_NAME} if bundle.path.is_dir() else None
        if only is not None and not external_files(graph) <= only:
            raise LoadError(f"{path.name} keeps its weights outside {WEIGHTS_NAME}.")
        external = external_arrays(graph, path.parent)
    except OnnxError as error:
        raise LoadError(f"{path.name} {error}.") from error
    if hashlib.sha256(data).hexdigest() != digest:
        raise LoadError(f"{path.name} has changed since {bundle.spec.name} was opened.")
    if graph.control_flow:
        raise LoadError(f"{path.name} uses {', '.join(graph.control_flow)}.")
    try:
        program = OnnxProgram(open_session(data, external, threads))
    except Exception as error:  # ONNX Runtime's errors share no narrower class
        raise LoadError(f"ONNX Runtime cannot open {path.name}.") from error

    def run(inputs: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        try:
            return program.run("forward", inputs)
        except Exception as error:  # as above
            reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
            raise DecodeError(f"ONNX Runtime could not draw: {reason}") from error

    return run


def _in_process(bundle: Bundle, wiring: Wiring, threads: int | None) -> ProgramGenerator:
    path, digest = program_path(bundle), str(bundle.config.network["sha256"])

    def generator(count: int) -> ProgramGenerator:
        run = open_onnx(bundle, path, digest, count)
        return ProgramGenerator(bundle.spec, bundle.ref, wiring, run, "onnx", count)

    alone = generator(threads or 1)
    most = min(usable_cores(), MAX_THREADS)
    if threads is not None or most < 2:
        return alone
    seconds = _seconds_per_sample(alone)
    if seconds < ONE_THREAD_BELOW_S:
        return alone
    together = generator(most)
    return together if _seconds_per_sample(together) < 0.8 * seconds else alone


def _seconds_per_sample(generator: ProgramGenerator) -> float:
    z = np.zeros((1, generator.spec.latent.dim), np.float32)
    taken = []
    for _ in range(3):
        before = time.perf_counter()
        try:
            generator.decode(z, None)
        except DecodeError:
            return 0.0  # whoever decodes next is told why
        taken.append(time.perf_counter() - before)
    return min(taken)


def _guarded(bundle: Bundle, wiring: Wiring, threads: int | None) -> ProgramGenerator:
    count = threads if threads is not None else min(usable_cores(), MAX_THREADS)
    program = _Restarted(bundle, program_path(bundle), count)
    runtime = str(bundle.config.network["runtime"])
    return ProgramGenerator(bundle.spec, bundle.ref, wiring, program, runtime, count)


class _Restarted:
    """A guarded process that is started again, a few times, after it had to be stopped."""

    def __init__(self, bundle: Bundle, path: Path, threads: int) -> None:
        self._bundle = bundle
        self._path = path
        self._threads = threads
        self._lock = threading.Lock()
        self._starts = 0
        self._method = str(bundle.config.network["wiring"].get("method", "forward"))
        try:
            self._process = self._start()
        except ProgramError as error:
            raise LoadError(f"{path.name} {str(error).rstrip('.')}.") from error

    def _start(self) -> GuardedProcess:
        self._starts += 1
        return opened_again(self._bundle, self._path, self._threads)

    def close(self) -> None:
        """End the process; the next run starts another."""
        with self._lock:
            self._process.close()

    def __call__(self, inputs: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        try:
            with self._lock:
                if not self._process.alive and self._starts <= MAX_RESTARTS:
                    self._process = self._start()
            return self._process.run(inputs, self._method)
        except ProgramError as error:
            text = f"{self._path.name} {str(error).rstrip('.')}."
            raise DecodeError(text) from error


def encode_program(bundle: Bundle, images: Floats, y: Floats | None) -> tuple[Floats, Floats]:
    """Pictures through the encoder of a bundle whose network is ONNX.

    Args:
        bundle: one that ``genviewer.export`` wrote with an encoder.
        images: float32 (N, C, H, W) in the Spec's range.
        y: float32 (N, K) packed conditions, or None for empty ones.

    Returns:
        Mean and log variance of the posterior, float32 (N, D) each.

    Raises:
        LoadError: there is no encoder, or it cannot be opened.
        DecodeError: it fails.
    """
    network, name = bundle.config.network, bundle.spec.name
    file = str(network.get("encoder", ""))
    if not file or Path(file).name != file or not bundle.path.is_dir():
        raise LoadError(f"{name} has no encoder.")
    path = bundle.path / file
    try:
        if must_be_guarded(path):
            raise LoadError(f"The encoder of {name} does more than an encoder needs to.")
        image, size = bundle.spec.image, bundle.spec.condition_size
        blank: list[NDArray[Any]] = [
            np.zeros((1, image.channels, image.height, image.width), np.float32)
        ]
        if size:
            blank.append(np.zeros((1, size), np.float32))
        _try_within_limits(bundle, path, blank)
        run = open_onnx(bundle, path, str(network.get("encoder_sha256")), 1)
    except OnnxError as error:
        raise LoadError(f"{path.name} {error}.") from error
    except OSError as error:
        raise LoadError(f"{path.name} cannot be read: {error.strerror}.") from error
    parts = []
    for start in range(0, len(images), CHUNK):
        rows = slice(start, start + CHUNK)
        inputs: list[NDArray[Any]] = [np.ascontiguousarray(images[rows], np.float32)]
        if size:
            empty = np.zeros((len(inputs[0]), size), np.float32)
            inputs.append(empty if y is None else np.ascontiguousarray(y[rows], np.float32))
        parts.append(run(inputs)[:2])
    dim = bundle.spec.latent.dim
    mean, logvar = (np.concatenate([part[index] for part in parts]) for index in (0, 1))
    if mean.shape != (len(images), dim) or logvar.shape != mean.shape:
        raise DecodeError("The encoder returned latents of another size than it says.")
    return mean, logvar
