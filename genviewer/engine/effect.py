"""What each latent dimension does to the picture, measured on the decoder alone.

The decoder's Jacobian J (pixels by dimensions) is taken by central differences around a few draws
from the prior. The mean of J'J over them says how much every dimension, and every direction,
changes the picture: its diagonal orders the dimensions, its leading eigenvectors span the
principal plane (the directions of Ramesh et al. 2018, "A spectral regularizer for unsupervised
disentanglement"). It needs no encoder, so it works for a GAN as for a VAE.
"""

from __future__ import annotations

import io
import math
import time
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from genviewer.core.condition import pack as pack_condition
from genviewer.core.prior import draws
from genviewer.core.recipe import default_condition
from genviewer.engine.cache_folder import cache_folder
from genviewer.engine.generator import DecodeError
from genviewer.io.atomic import write_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from genviewer.core.spec import LatentSpec, Spec
    from genviewer.engine.generator import Floats, Generator
    from genviewer.engine.jobs import Progress
    from genviewer.io.bundle import Bundle

Ints = NDArray[np.int64]

STEP = 0.25
"""Half the distance of a central difference, in standard deviations of the prior."""

MAX_DECODES = 4096
MAX_SAMPLES = 8
MAX_SECONDS = 240.0  # of background work, for an order of dimensions that is nice to have
MAX_VALUES = 16384
"""The principal plane is found on pictures averaged down to at most this many values."""

CHUNK = 16
DEAD_SHARE = 0.01
"""A dimension with less than this share of the largest effect is dead."""

KL_SAMPLES = 256
_SALT = 1 << 40  # seeds of the base samples, apart from those that anybody explores


@dataclass(frozen=True, eq=False)
class Effect:
    """What the dimensions of a model do.

    Attributes:
        effect: float32 (D,), root mean square change of the picture (as a share of its range) per
            standard deviation of the prior.
        order: int64 (D,), dimensions by falling effect.
        dead: bool (D,), True where moving the dimension hardly changes the picture.
        plane: float32 (2, D), orthonormal directions that change the picture most.
    """

    effect: Floats
    order: Ints
    dead: NDArray[np.bool_]
    plane: Floats


def order_of(strength: Floats) -> Ints:
    """int64 (D,): dimensions by falling strength; equals stay in their order."""
    return np.argsort(-strength, kind="stable").astype(np.int64)


def measure_effect(generator: Generator, progress: Progress | None = None) -> Effect:
    """Measure and remember the effect of every dimension; seconds, in the job lane.

    A slow model is measured around fewer samples.

    Raises:
        DecodeError: if the model fails, or would take longer than ``MAX_SECONDS``.
        Cancelled: if ``progress`` says so.
    """
    spec = generator.spec
    dim = spec.latent.dim
    count = min(max(MAX_DECODES // (2 * dim), 1), MAX_SAMPLES)
    affordable = int(MAX_SECONDS / max(_seconds_per_decode(generator) * 2 * dim, 1e-9))
    if not affordable:
        raise DecodeError(f"{spec.name} is too slow to measure what its dimensions do.")
    count = min(count, affordable)
    sigma = prior_sigma(spec.latent)
    total = np.zeros((dim, dim))
    power = np.zeros(dim)
    for index, z in enumerate(draws(spec.latent, _SALT, count)):
        row = pack_condition(default_condition(spec, index), spec) if spec.conditions else None
        small = []
        for start in range(0, dim, CHUNK):
            if progress is not None:
                progress.report((index + start / dim) / count)
            dims = np.arange(start, min(start + CHUNK, dim))
            changes = _changes(generator, z, row, dims, STEP * sigma) * (sigma / spec_range(spec))
            power[dims] += np.mean(np.square(changes), axis=(1, 2, 3))
            small.append(_averaged(changes).reshape(len(dims), -1))
        jacobian = np.concatenate(small)
        total += jacobian @ jacobian.T / jacobian.shape[1]
    effect = _effect(np.sqrt(power / count), total)
    _save(_path("effects", generator.model_id), effect=effect.effect, plane=effect.plane)
    return effect


def _seconds_per_decode(generator: Generator) -> float:
    """Of one sample alone, the quicker of two: the first may be slow for other reasons."""
    spec = generator.spec
    z = draws(spec.latent, _SALT, 1)
    y = pack_condition(default_condition(spec), spec)[None] if spec.conditions else None
    taken = []
    for _ in range(2):
        before = time.perf_counter()
        generator.decode(z, y)
        taken.append(time.perf_counter() - before)
    return min(taken)


def cached_effect(model_id: str) -> Effect | None:
    """What was measured of that model before, if anything."""
    arrays = _load(_path("effects", model_id), ("effect", "plane"))
    if arrays is None:
        return None
    effect, plane = arrays
    if effect.ndim != 1 or plane.shape != (2, len(effect)):
        return None
    return _described(effect, plane)


def cached_kl(bundle: Bundle) -> Floats | None:
    """KL per dimension in nats: from the bundle's statistics, or measured before; float32 (D,)."""
    dim = bundle.spec.latent.dim
    try:
        known = np.asarray(bundle.config.statistics.get("kl"), np.float32)
    except (TypeError, ValueError):
        known = np.empty(0, np.float32)
    if known.shape == (dim,) and np.isfinite(known).all():
        return known
    arrays = _load(_path("kl", bundle.model_id), ("kl",))
    return arrays[0] if arrays is not None and arrays[0].shape == (dim,) else None


def measure_kl(bundle: Bundle, progress: Progress | None = None) -> Floats:
    """KL of the posterior from the prior per dimension, over the model's own samples.

    Samples are decoded and encoded again, which needs no data. Imports torch; seconds.

    Returns:
        float32 (D,), in nats; remembered by model id.

    Raises:
        LoadError: if the network cannot be built.
        ValueError: if the model has no encoder, or one that gives points.
    """
    import torch

    from genviewer.engine.encoding import are_points
    from genviewer.engine.torch_decoder import load_network, use_threads

    spec = bundle.spec
    if not spec.encoder:
        raise ValueError(f"{spec.name} has no encoder, so its dimensions have no KL.")
    network = load_network(bundle)
    use_threads(1)
    total = np.zeros(spec.latent.dim)
    z = draws(spec.latent, _SALT, KL_SAMPLES)
    for start in range(0, KL_SAMPLES, CHUNK):
        if progress is not None:
            progress.report(start / KL_SAMPLES)
        rows = range(start, min(start + CHUNK, KL_SAMPLES))
        y = None
        if spec.conditions:
            packed = [pack_condition(default_condition(spec, index), spec) for index in rows]
            y = torch.from_numpy(np.stack(packed))
        with torch.inference_mode():
            images = network.decode(torch.from_numpy(z[rows.start : rows.stop]), y)  # type: ignore[operator]
            mean, logvar = network.encode(images, y)  # type: ignore[operator]
            if are_points(logvar.numpy()):
                raise ValueError(
                    f"The encoder of {spec.name} gives an image a point, not a distribution: its "
                    "dimensions have no KL."
                )
            kl = 0.5 * (mean.square() + logvar.exp() - 1.0 - logvar)
        total += kl.sum(dim=0).double().numpy()
    result: Floats = (total / KL_SAMPLES).astype(np.float32)
    _save(_path("kl", bundle.model_id), kl=result)
    return result


def prior_sigma(latent: LatentSpec) -> float:
    """Standard deviation of one coordinate under the prior."""
    if latent.prior == "uniform":
        return 1.0 / math.sqrt(3.0)
    return 0.8796 if latent.prior == "truncated_normal" else 1.0


def spec_range(spec: Spec) -> float:
    """Width of the range of the raw output."""
    low, high = spec.image.range
    return high - low


def _changes(
    generator: Generator, z: Floats, row: Floats | None, dims: Ints, step: float
) -> Floats:
    """Derivatives of the raw output by some dimensions: float32 (len(dims), C, H, W)."""
    count = len(dims)
    moved = np.repeat(z[None], 2 * count, axis=0)
    moved[np.arange(count), dims] += np.float32(step)
    moved[np.arange(count, 2 * count), dims] -= np.float32(step)
    y = None if row is None else np.repeat(row[None], 2 * count, axis=0)
    raw = generator.decode(moved, y)
    changes: Floats = (raw[:count] - raw[count:]) / np.float32(2.0 * step)
    return changes


def _averaged(changes: Floats) -> Floats:
    """Pictures (n, C, H, W) averaged over blocks until they have few enough values."""
    _, channels, height, width = changes.shape
    block = 1
    while channels * (height // block) * (width // block) > MAX_VALUES:
        block += 1
    if block == 1:
        return changes
    rows, columns = height // block, width // block
    cut = changes[:, :, : rows * block, : columns * block]
    blocks = cut.reshape(-1, channels, rows, block, columns, block)
    small: Floats = blocks.mean(axis=(3, 5), dtype=np.float32)
    return small


def _effect(strength: NDArray[np.float64], gram: NDArray[np.float64]) -> Effect:
    dim = len(strength)
    plane = np.eye(2, dim, dtype=np.float32)
    if dim >= 2 and gram.any():
        _, vectors = np.linalg.eigh(gram)
        plane = vectors[:, [-1, -2]].T
        # An eigenvector's sign is arbitrary: the largest part is made positive.
        largest = np.abs(plane).argmax(axis=1)
        plane = (plane * np.sign(plane[[0, 1], largest])[:, None]).astype(np.float32)
    return _described(strength.astype(np.float32), plane)


def _described(effect: Floats, plane: Floats) -> Effect:
    dead = effect <= DEAD_SHARE * float(effect.max(initial=0.0))
    return Effect(effect, order_of(effect), dead, plane)


def _path(kind: str, model_id: str) -> Path:
    return cache_folder(kind) / f"{model_id}.npz"


def _save(path: Path, **arrays: Floats) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    write_bytes(path, buffer.getvalue())


def _load(path: Path, names: tuple[str, ...]) -> tuple[Floats, ...] | None:
    """Finite float32 arrays from the cache; None where they are missing or damaged."""
    try:
        # From memory: where the bytes are no archive, np.load leaves a file that it opened open.
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
            arrays = tuple(np.asarray(file[name], np.float32) for name in names)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    return arrays if all(np.isfinite(array).all() for array in arrays) else None
