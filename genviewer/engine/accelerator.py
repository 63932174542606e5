"""Decoders for ONNX Runtime: found, made in the background, and checked against torch.

A bundle may carry one (``decoder.onnx``), else one is made and kept in the user's cache by model
id. Either is compared with torch once per machine, in a process of low priority, so that neither
torch's import nor the work is felt in the window. One that disagrees is not used again.

As a program: ``python -m genviewer.engine.accelerator PLACE ..`` makes or checks the decoder of a
model and prints an :class:`Outcome` as JSON.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec
import numpy as np

from genviewer.core.prior import draws
from genviewer.core.resources import PACKAGE
from genviewer.engine import onnx_file
from genviewer.engine.cache_folder import cache_folder
from genviewer.engine.generator import DecodeError, LoadError
from genviewer.engine.onnx_export import MODEL_ID_KEY
from genviewer.io.atomic import write_bytes
from genviewer.io.bundle import Bundle, BundleError
from genviewer.io.library import open_place

if TYPE_CHECKING:
    from genviewer.engine.generator import Floats, Generator
    from genviewer.engine.jobs import Progress

TOLERANCE = 1e-4
"""Largest difference from torch, as a share of the output's range; a level is 40 times that."""

MAX_OVERHEAD_BYTES = 16 << 20
TIME_LIMIT_S = 600.0
CHECKED_SAMPLES = 12


class Outcome(msgspec.Struct, frozen=True):
    """What came of making or checking a decoder; ``message`` is one sentence for the user."""

    status: Literal["verified", "exported", "disagrees", "failed"]
    message: str
    max_abs_diff: float | None = None


class Record(msgspec.Struct, frozen=True):
    """The result of a comparison, and what it was made with."""

    agrees: bool
    max_abs_diff: float
    versions: dict[str, str]


def find(bundle: Bundle) -> bytes | None:
    """The bytes of a decoder that names this very model and is not known to disagree.

    Fast and without torch: this is on the way to the first picture.

    Raises:
        LoadError: if the bundle's own decoder is damaged.
    """
    shipped = _read(bundle, bundle.accelerator_path)
    if shipped is not None and _usable(bundle, shipped):
        return shipped
    cached = _read(bundle, _cached_path(bundle))
    return cached if cached is not None and _usable(bundle, cached) else None


def needs_prepare(bundle: Bundle) -> bool:
    """Whether the bundle's decoder is still to be made or checked on this machine."""
    if bundle.spec.synthesis is not None:
        return False
    if bundle.config.network.get("type") == "program":
        return False  # it comes with the engine that draws it
    try:
        data = find(bundle)
    except LoadError:
        return False
    if data is not None:
        return _record(bundle, data) is None
    # One that disagrees is told once, not made again.
    paths = (bundle.accelerator_path, _cached_path(bundle))
    return all(_read(bundle, path) is None for path in paths)


def prepare(bundle: Bundle, progress: Progress | None = None) -> Outcome:
    """Make or check the bundle's decoder in a process of low priority; takes seconds.

    After ``exported`` and ``disagrees`` :func:`genviewer.engine.generator.load_generator` chooses
    another engine than before. Never raises but :class:`~genviewer.engine.jobs.Cancelled`.
    """
    command = [
        sys.executable,
        "-m",
        "genviewer.engine.accelerator",
        str(bundle.path.resolve()),
        bundle.model_id,
        "trust" if bundle.trusted else "",
        msgspec.json.encode(dict(bundle.settings)).decode(),
    ]
    failed = f"The ONNX decoder of {bundle.spec.name} could not be made; torch draws instead."
    try:
        process = subprocess.Popen(
            command,
            cwd=PACKAGE.parent,  # not a folder in which something else may have our name
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    except OSError:
        return Outcome("failed", failed)
    try:
        deadline = time.monotonic() + TIME_LIMIT_S
        while True:
            if progress is not None:
                progress.check()
            try:
                out, _ = process.communicate(timeout=0.2)
                break
            except subprocess.TimeoutExpired:
                if time.monotonic() > deadline:
                    return Outcome("failed", failed)
        return msgspec.json.decode(out, type=Outcome)
    except msgspec.DecodeError:
        return Outcome("failed", failed)
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


def discard(bundle: Bundle) -> None:
    """Let go of what was made for a model that nobody opens again."""
    path = _cached_path(bundle)
    try:
        _record_path(bundle, path.read_bytes()).unlink(missing_ok=True)
        path.unlink()
    except OSError:
        return  # there is none, or it stays where caches are cleared


def make_or_check(bundle: Bundle) -> Outcome:
    """What :func:`prepare` runs in the other process. Imports torch.

    Raises:
        LoadError, DecodeError, OSError, RuntimeError: if it cannot be done.
    """
    from genviewer.engine.onnx_decoder import OnnxGenerator
    from genviewer.engine.onnx_export import export_decoder
    from genviewer.engine.torch_decoder import TorchGenerator, load_network

    name = bundle.spec.name
    network = load_network(bundle)
    reference = TorchGenerator(network, bundle.spec, bundle.ref, threads=1)
    data = find(bundle)
    made = data is None
    if data is None:
        path = _cached_path(bundle)
        export_decoder(network, bundle.spec, bundle.model_id, path)
        data = path.read_bytes()
    candidate = OnnxGenerator(data, bundle.spec, bundle.ref, threads=1)
    difference = largest_difference(reference, candidate)
    low, high = bundle.spec.image.range
    agrees = difference <= TOLERANCE * (high - low)
    record = Record(agrees, difference, _versions())
    write_bytes(_record_path(bundle, data), msgspec.json.encode(record))
    if not agrees:
        text = f"The ONNX decoder of {name} draws differently from torch, so torch draws instead."
        return Outcome("disagrees", text, difference)
    if made:
        return Outcome("exported", f"{name} now draws with ONNX Runtime.", difference)
    return Outcome("verified", f"The ONNX decoder of {name} agrees with torch.", difference)


def largest_difference(
    reference: Generator, candidate: Generator, samples: int = CHECKED_SAMPLES
) -> float:
    """Largest difference of the raw output over at least 3 seeded samples, alone and in a batch.

    Where there are conditions, samples go through them one at a time, mixed, and empty. The
    candidate's pixels have to be its raw output rounded: a difference there counts as infinite.
    """
    from genviewer.core.pixels import to_pixels

    z, y = _samples(reference, samples)
    worst = 0.0
    for rows in (slice(0, 1), slice(None)):
        conditions = None if y is None else y[rows]
        raw = candidate.decode(z[rows], conditions)
        expected = reference.decode(z[rows], conditions)
        worst = max(worst, float(np.abs(raw - expected).max()))
        levels = to_pixels(raw, candidate.spec.image.range).astype(np.int16)
        if np.abs(levels - candidate.decode_pixels(z[rows], conditions)).max() > 1:
            return float("inf")
    return worst


def _samples(generator: Generator, count: int) -> tuple[Floats, Floats | None]:
    spec = generator.spec
    z = draws(spec.latent, 0, count)
    size = spec.condition_size
    if not size:
        return z, None
    y = np.zeros((len(z), size), np.float32)
    for row in range(len(z) - 2):
        y[row, row % size] = 1.0
    y[-2] = 1.0 / size
    return z, y


def _read(bundle: Bundle, path: Path) -> bytes | None:
    """The file's bytes if it is there, of sensible size, and names this model."""
    try:
        size = path.stat().st_size
        # float64 weights would be the largest that a decoder could hold of the model's own.
        if size > 8 * bundle.parameters + MAX_OVERHEAD_BYTES:
            return None
        data = path.read_bytes()
    except OSError:
        return None
    named = onnx_file.inspect(data).metadata.get(MODEL_ID_KEY)
    return data if named == bundle.model_id else None


def _usable(bundle: Bundle, data: bytes) -> bool:
    record = _record(bundle, data)
    return record is None or record.agrees


def _cached_path(bundle: Bundle) -> Path:
    return cache_folder("decoders") / f"{bundle.model_id}.onnx"


def _record_path(bundle: Bundle, data: bytes) -> Path:
    digest = hashlib.sha256(data).hexdigest()[:16]
    return cache_folder("decoders") / f"{bundle.model_id}-{digest}.json"


def _record(bundle: Bundle, data: bytes) -> Record | None:
    """What a comparison of this file by these versions said; None if there was none."""
    try:
        record = msgspec.json.decode(_record_path(bundle, data).read_bytes(), type=Record)
    except (OSError, msgspec.DecodeError):
        return None
    return record if record.versions == _versions() else None


@cache
def _versions() -> dict[str, str]:
    return {package: version(package) for package in ("onnxruntime", "torch")}


def main(arguments: list[str]) -> int:
    """``PLACE ID TRUST SETTINGS``: make or check its decoder, print the outcome as JSON on stdout.

    The three after the place say which model it is, so that a foreign file opens as it did before.
    """
    if hasattr(os, "nice"):
        os.nice(19)
    try:
        place, model_id, trust, settings = arguments
        bundle = open_place(Path(place), msgspec.json.decode(settings), bool(trust))
        if bundle.model_id != model_id:
            raise BundleError(f"{bundle.path.name} has changed since it was opened.")
        outcome = make_or_check(bundle)
    except (BundleError, LoadError, DecodeError) as error:
        outcome = Outcome("failed", str(error))
    except (OSError, RuntimeError) as error:
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        outcome = Outcome("failed", f"The ONNX decoder could not be made: {reason}")
    sys.stdout.write(msgspec.json.encode(outcome).decode() + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
