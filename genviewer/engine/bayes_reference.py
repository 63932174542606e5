"""What log p(x) is usual: a set of reference images, by which an outlier is told.

The figures are kept in the user's cache under the model's id and a hash of the images, so the next
question about the same model and images is answered at once.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import msgspec
import numpy as np

from genviewer.core.prior import draws
from genviewer.engine.bayes import GLANCE, SAMPLES, believe, class_rows
from genviewer.engine.cache_folder import cache_folder
from genviewer.engine.density import measure_likelihood
from genviewer.engine.encoding import to_model_range
from genviewer.engine.generator import load_generator
from genviewer.io.atomic import write_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from genviewer.engine.density import Density, Reports
    from genviewer.engine.density_results import Doubles
    from genviewer.engine.generator import Bytes
    from genviewer.io.bundle import Bundle

LIMIT = 1000
"""Images of a reference set that are looked at, spread evenly over it."""

OWN_SAMPLES = 300
REJECTED = 0.01
"""The share of the reference set that lies below the threshold."""

FILE = "reference.json"
"""In a model's folder: log p(x) of test images, so that nobody needs them to be told an outlier."""

_MAX_BYTES = 1 << 20
_SEED = 1 << 40  # of the model's own samples, apart from those that anybody explores
_VERSION = 1  # of the estimate: raise it when the figures change


@dataclass(frozen=True, eq=False)
class Reference:
    """log p(x) in nats of usual images, ascending, float64 (N,), and what they are."""

    log_px: Doubles
    name: str

    def threshold(self, rejected: float = REJECTED) -> float:
        """The log p(x) that so large a share (0..1) of the reference is below."""
        return float(np.quantile(self.log_px, rejected))


def measure_reference(
    density: Density,
    bundle: Bundle,
    images: Bytes,
    name: str,
    *,
    glance: int = GLANCE,
    samples: int = SAMPLES,
    progress: Reports | None = None,
) -> Reference:
    """The reference that some images give, from the cache where it is there.

    Args:
        density: the model's.
        bundle: the model.
        images: uint8 (N, H, W, C) in the model's size; at most :data:`LIMIT` are looked at.
        name: what to call them.
        glance: importance samples for every class.
        samples: for the leading ones. Bounds of more samples are tighter, so they are compared
            with their like only.
        progress: told how far it is; it may cancel.

    Raises:
        LoadError: the model has conditions that cannot be summed over.
        OSError: the cache cannot be written.
    """
    chosen = images
    if len(images) > LIMIT:
        chosen = images[np.linspace(0, len(images) - 1, LIMIT).astype(np.int64)]
    digest = hashlib.sha256(f"{_VERSION} {glance} {samples} {chosen.shape}".encode())
    digest.update(np.ascontiguousarray(chosen).data)
    path = cache_folder("reference") / f"{bundle.model_id}-{digest.hexdigest()[:16]}.npz"
    known = _read(path)
    if known is None:
        x = to_model_range(chosen, bundle)
        if bundle.spec.conditions:
            rows = class_rows(bundle.spec)
            beliefs = believe(density, x, rows, glance=glance, samples=samples, progress=progress)
            found = beliefs.likelihoods
        else:
            found = measure_likelihood(density, x, samples=samples, progress=progress)
        known = np.sort(found.log_px)
        buffer = io.BytesIO()
        np.savez(buffer, log_px=known)
        write_bytes(path, buffer.getvalue())
    return Reference(known, name)


class _Kept(msgspec.Struct, frozen=True):
    """A reference as it lies in a model's folder."""

    model_id: str
    name: str
    version: int
    glance: int
    samples: int
    log_px: Annotated[tuple[float, ...], msgspec.Meta(min_length=1, max_length=LIMIT)]


def bundled_reference(bundle: Bundle) -> Reference | None:
    """The reference that lies in the model's folder; None where there is none for this model.

    One that was measured on other weights, or in another way than :func:`measure_reference` does
    by default, does not count.
    """
    path = bundle.path / FILE
    try:
        if path.stat().st_size > _MAX_BYTES:
            return None
        kept = msgspec.json.decode(path.read_bytes(), type=_Kept)
    except (OSError, ValueError, RecursionError):
        return None
    figures = np.sort(np.array(kept.log_px, np.float64))
    how = (kept.model_id, kept.version, kept.glance, kept.samples)
    usable = how == (bundle.model_id, _VERSION, GLANCE, SAMPLES) and np.isfinite(figures).all()
    return Reference(figures, kept.name) if usable else None


def keep_reference(bundle: Bundle, reference: Reference) -> Path:
    """Write a reference of default effort into the model's folder, atomically.

    Raises:
        OSError: it cannot be written.
    """
    figures = tuple(round(float(value), 2) for value in reference.log_px)
    kept = _Kept(bundle.model_id, reference.name, _VERSION, GLANCE, SAMPLES, figures)
    path = bundle.path / FILE
    write_bytes(path, msgspec.json.encode(kept))
    return path


def own_samples(bundle: Bundle, count: int = OWN_SAMPLES) -> Bytes:
    """Samples of the model itself, of its classes in turn: uint8 (N, H, W, C).

    They stand in where nobody says what is usual: a model finds its own samples about as likely
    as the images that it was trained on.

    Raises:
        DecodeError, LoadError: the model cannot draw.
    """
    generator = load_generator(bundle, device="cpu")
    y = None
    if bundle.spec.conditions:
        rows = class_rows(bundle.spec)
        y = rows[np.arange(count) % len(rows)]
    z = draws(bundle.spec.latent, _SEED, count)
    parts = [
        generator.decode_pixels(z[at : at + 50], None if y is None else y[at : at + 50])
        for at in range(0, count, 50)
    ]
    return np.concatenate(parts)


def _read(path: Path) -> Doubles | None:
    """The figures in a file of the cache; None where it is not there or not what it should be."""
    try:
        if path.stat().st_size > _MAX_BYTES:
            return None
        # From the bytes: NumPy leaves a damaged file open that it opened itself.
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as archive:
            values: Doubles = archive["log_px"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    usable = values.ndim == 1 and values.dtype == np.float64 and 0 < len(values) <= LIMIT
    return values if usable and bool(np.isfinite(values).all()) else None
