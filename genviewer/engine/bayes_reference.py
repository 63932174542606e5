"""What log p(x) is usual: a set of reference images, by which an outlier is told.

How likely a model finds a picture depends first of all on how much there is to tell about it: an
image with little in it is likely whatever it shows (Serra et al. 2020). So an image is compared
with what is usual for pictures with as much outline, a straight line through the reference set.

The figures are kept in the user's cache under the model's id and a hash of the images, so the next
question about the same model and images is answered at once.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import dataclass
from functools import cached_property
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

    from numpy.typing import NDArray

    from genviewer.engine.density import Density, Reports
    from genviewer.engine.density_results import Doubles
    from genviewer.engine.generator import Bytes
    from genviewer.io.bundle import Bundle

    Outliers = NDArray[np.bool_]

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
_ORDER = 2  # of the files in the cache: their figures are in the order of the images


EDGES = (0.005, 0.995)
"""Beyond these quantiles of the outlines nothing is known of what is usual: the line goes on flat,
so that no picture is excused by having more to it than any usual one.
"""


@dataclass(frozen=True, eq=False)
class Reference:
    """log p(x) in nats of usual images, ascending, float64 (N,), and what they are.

    ``outlines`` are those of the same images, as :func:`outlines_of` measures them; None where
    they are not known.
    """

    log_px: Doubles
    name: str
    outlines: Doubles | None = None

    def threshold(self, rejected: float = REJECTED) -> float:
        """The log p(x) that so large a share (0..1) of the reference is below."""
        return float(np.quantile(self.log_px, rejected))

    def adjusted(self, log_px: Doubles, outlines: Doubles) -> Doubles:
        """How log p(x) of images compares with what is usual for as much outline.

        Args:
            log_px: in nats, float64 (N,).
            outlines: of the same images, float64 (N,).

        Returns:
            standard deviations float64 (N,), below 0 for what is less likely than usual.
        """
        offset, slope, spread, low, high = self._line
        usual = offset + slope * np.clip(outlines, low, high)
        result: Doubles = (log_px - usual) / spread
        return result

    def rejected(self, log_px: Doubles, outlines: Doubles, share: float = REJECTED) -> Outliers:
        """Which images are stranger than all but so large a share (0..1) of the reference."""
        result: Outliers = self.adjusted(log_px, outlines) < np.quantile(self.own, share)
        return result

    @cached_property
    def own(self) -> Doubles:
        """The reference set's :meth:`adjusted` figures, in the order of ``log_px``."""
        none = np.zeros(len(self.log_px))
        return self.adjusted(self.log_px, none if self.outlines is None else self.outlines)

    @cached_property
    def _line(self) -> tuple[float, float, float, float, float]:
        """Offset, slope and spread of log p(x) over the outline, and where the line ends."""
        offset, slope, low, high = float(self.log_px.mean()), 0.0, 0.0, 0.0
        left = self.log_px - offset
        if self.outlines is not None and len(self.log_px) > 2:
            low, high = (float(edge) for edge in np.quantile(self.outlines, EDGES))
            x = np.clip(self.outlines, low, high)
            away = x - x.mean()
            if float(away @ away) > 0.0:
                slope = float(away @ left) / float(away @ away)
                offset -= slope * float(x.mean())
                left = left - slope * away
        return offset, slope, max(float(left.std()), 1e-9), low, high


def outlines_of(images: Bytes) -> Doubles:
    """How much outline pictures have: where neighbouring pixels differ, and by how much.

    Args:
        images: uint8 (N, H, W, C).

    Returns:
        float64 (N,), in px of an edge from black to white; the mean over the channels.
    """
    found = np.empty(len(images))
    for index, image in enumerate(images):
        grey = image.astype(np.float64)
        across, down = np.abs(np.diff(grey, axis=1)).sum(), np.abs(np.diff(grey, axis=0)).sum()
        found[index] = (across + down) / (255.0 * image.shape[2])
    return found


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
    digest = hashlib.sha256(f"{_VERSION} {_ORDER} {glance} {samples} {chosen.shape}".encode())
    digest.update(np.ascontiguousarray(chosen).data)
    path = cache_folder("reference") / f"{bundle.model_id}-{digest.hexdigest()[:16]}.npz"
    outlines, known = outlines_of(chosen), _read(path, len(chosen))
    if known is None:
        x = to_model_range(chosen, bundle)
        if bundle.spec.conditions:
            rows = class_rows(bundle.spec)
            beliefs = believe(density, x, rows, glance=glance, samples=samples, progress=progress)
            found = beliefs.likelihoods
        else:
            found = measure_likelihood(density, x, samples=samples, progress=progress)
        known = found.log_px
        buffer = io.BytesIO()
        np.savez(buffer, log_px=known)
        write_bytes(path, buffer.getvalue())
    order = np.argsort(known, kind="stable")
    return Reference(known[order], name, outlines[order])


class _Kept(msgspec.Struct, frozen=True):
    """A reference as it lies in a model's folder."""

    model_id: str
    name: str
    version: int
    glance: int
    samples: int
    log_px: Annotated[tuple[float, ...], msgspec.Meta(min_length=1, max_length=LIMIT)]
    outlines: Annotated[tuple[float, ...], msgspec.Meta(max_length=LIMIT)] = ()


def bundled_reference(bundle: Bundle) -> Reference | None:
    """The reference that lies in the model's folder; None where there is none for this model.

    One that was measured on other weights, or in another way than :func:`measure_reference` does
    by default, does not count.
    """
    path = bundle.path / FILE
    try:
        if not path.is_file() or path.stat().st_size > _MAX_BYTES:
            return None
        kept = msgspec.json.decode(path.read_bytes(), type=_Kept)
    except (OSError, ValueError, RecursionError):
        return None
    figures, outlines = np.array(kept.log_px), np.array(kept.outlines)
    order = np.argsort(figures, kind="stable")
    how = (kept.model_id, kept.version, kept.glance, kept.samples)
    usable = how == (bundle.model_id, _VERSION, GLANCE, SAMPLES) and np.isfinite(figures).all()
    if not usable:
        return None
    known = len(outlines) == len(figures) and bool(np.isfinite(outlines).all())
    return Reference(figures[order], kept.name, outlines[order] if known else None)


def keep_reference(bundle: Bundle, reference: Reference) -> Path:
    """Write a reference of default effort into the model's folder, atomically.

    Raises:
        OSError: it cannot be written.
    """
    figures = tuple(round(float(value), 2) for value in reference.log_px)
    outlines = () if reference.outlines is None else reference.outlines.round(2).tolist()
    kept = _Kept(
        bundle.model_id, reference.name, _VERSION, GLANCE, SAMPLES, figures, tuple(outlines)
    )
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


def _read(path: Path, count: int) -> Doubles | None:
    """The figures in a file of the cache; None where it is not there or not what it should be."""
    try:
        if path.stat().st_size > _MAX_BYTES:
            return None
        # From the bytes: NumPy leaves a damaged file open that it opened itself.
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as archive:
            values: Doubles = archive["log_px"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    usable = values.shape == (count,) and values.dtype == np.float64
    return values if usable and bool(np.isfinite(values).all()) else None
