"""How a model's encoder uses its latent space over a data set.

The aggregated posterior q(z) = mean over x of q(z | x) against the prior (Hoffman and Johnson
2016), KL per dimension, active units (Burda et al. 2016) and correlations.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from genviewer.engine.encoding import ImageEncoder, are_points, to_model_range

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from genviewer.engine.density import Reports
    from genviewer.engine.density_results import Doubles, Ints
    from genviewer.engine.generator import Bytes, Floats
    from genviewer.io.bundle import Bundle

ACTIVE = 0.01
"""A dimension is active where the posterior's mean varies by more than this (Burda et al. 2016)."""

BINS = 64
LIMIT = 4.0
MAX_LIMIT = 8.0
_CURVE_VALUES = 1 << 18
"""Posteriors times dimensions that a density is made of: more look the same."""

MOST_CORRELATED = 2048
"""Of more dimensions those that vary most are correlated: the matrix takes 32 MB, and making it as
much again.
"""

_CHUNK_VALUES = 1 << 21
_BLOCK = 512


@dataclass(frozen=True, eq=False)
class Encoded:
    """The posteriors of N images: mean and log-variance, float32 (N, D)."""

    mean: Floats
    logvar: Floats


@dataclass(frozen=True, eq=False)
class PosteriorStatistics:
    """What N posteriors say about D dimensions; float64.

    Attributes:
        count: N.
        kl: KL(q(z | x) || standard normal) in nats, the mean over the images, (D,); None of points,
            which have none.
        variance_of_mean: of the posterior's mean over the images, (D,).
        mean, deviation: of the aggregated posterior, (D,).
        correlated: which dimensions are correlated, ascending, int64 (C,): all of them, or the
            :data:`MOST_CORRELATED` that vary most.
        correlations: of their posterior's means, (C, C); 0 beside the diagonal where a dimension
            does not vary.
        edges: of the bins, (B + 1,).
        density: of the aggregated posterior in each bin, (D, B).
        prior: of the standard normal in each bin, (B,).
    """

    count: int
    kl: Doubles | None
    variance_of_mean: Doubles
    mean: Doubles
    deviation: Doubles
    correlated: Ints
    correlations: Doubles
    edges: Doubles
    density: Doubles
    prior: Doubles

    @property
    def active(self) -> NDArray[np.bool_]:
        """Which dimensions carry something about the image, bool (D,)."""
        return self.variance_of_mean > ACTIVE

    @property
    def strength(self) -> Doubles:
        """By what dimensions are ordered: their KL, or of points how much they vary, (D,)."""
        return self.variance_of_mean if self.kl is None else self.kl

    @cached_property
    def outside(self) -> Doubles:
        """What share of the aggregated posterior lies beyond the edges, 0..1 (D,)."""
        width = float(self.edges[1] - self.edges[0])
        outside: Doubles = 1.0 - self.density.sum(1) * width
        return outside.clip(0.0, 1.0)

    @cached_property
    def strongest_pair(self) -> tuple[int, int, float] | None:
        """The two active dimensions that are most correlated, and how; None if there are none."""
        rows = np.flatnonzero(self.active[self.correlated])
        if len(rows) < 2:
            return None
        beside = np.abs(np.triu(self.correlations[np.ix_(rows, rows)], 1))
        i, j = (int(rows[at]) for at in np.unravel_index(int(beside.argmax()), beside.shape))
        first, second = (int(self.correlated[at]) for at in (i, j))
        return first, second, float(self.correlations[i, j])


def encode_data(
    bundle: Bundle,
    images: Bytes,
    y: Floats | None = None,
    device: str = "auto",
    progress: Reports | None = None,
) -> Encoded:
    """The posteriors of images uint8 (N, H, W, C) in the model's size; in a job's thread.

    Args:
        bundle: the model.
        images: N at least 1.
        y: packed conditions float32 (N, K); None for empty ones.
        device: where to compute.
        progress: told how far it is; it may cancel.

    Raises:
        LoadError: the model has no encoder.
    """
    encoder = ImageEncoder(bundle, device)
    means, logvars = [], []
    for at in range(0, len(images), _BLOCK):
        if progress is not None:
            progress.report(at / len(images), "encoding")
        rows = slice(at, at + _BLOCK)
        part = None if y is None else y[rows]
        mean, logvar = encoder.encode(to_model_range(images[rows], bundle), part)
        means.append(mean)
        logvars.append(logvar)
    return Encoded(np.concatenate(means), np.concatenate(logvars))


def describe_posteriors(encoded: Encoded, progress: Reports | None = None) -> PosteriorStatistics:
    """The statistics of at least one posterior; imports torch. ``progress`` may cancel."""
    count, dim = encoded.mean.shape
    kl, spread, middle, deviation = (np.zeros(dim) for _ in range(4))
    step = max(1, _CHUNK_VALUES // count)
    for at in range(0, dim, step):
        if progress is not None:
            progress.report(at / dim, "describing posteriors")
        of = slice(at, at + step)
        mean, logvar = (v[:, of].astype(np.float64) for v in (encoded.mean, encoded.logvar))
        variance = np.exp(logvar)
        kl[of] = 0.5 * (variance + mean**2 - 1.0 - logvar).mean(0)
        spread[of], middle[of] = mean.var(0), mean.mean(0)
        deviation[of] = np.sqrt(spread[of] + variance.mean(0))
    correlated = np.sort(np.argsort(-spread, kind="stable")[:MOST_CORRELATED])
    found = PosteriorStatistics(
        count,
        None if are_points(encoded.logvar) else kl,
        spread,
        middle,
        deviation,
        correlated,
        _correlations(encoded.mean, middle, spread, correlated, progress),
        *_densities(encoded),
    )
    _ = found.strongest_pair  # of thousands of dimensions it takes a while: not when it is shown
    return found


def _correlations(
    mean: Floats, middle: Doubles, spread: Doubles, dims: Ints, progress: Reports | None
) -> Doubles:
    """Of some dimensions, (C, C), from means (N, D), their mean (D,) and variance (D,)."""
    deviations = np.sqrt(spread[dims])
    shares = np.where(deviations > 1e-6, 1.0 / np.maximum(deviations, 1e-6), 0.0)
    correlations = np.zeros((len(dims), len(dims)))
    step = max(1, _CHUNK_VALUES // len(dims))
    for at in range(0, len(mean), step):
        if progress is not None:
            progress.report(at / len(mean), "correlating")
        standing = (mean[at : at + step, dims].astype(np.float64) - middle[dims]) * shares
        correlations += standing.T @ standing
    correlations /= len(mean)
    np.fill_diagonal(correlations, 1.0)
    return np.clip(correlations, -1.0, 1.0, out=correlations)


def _densities(encoded: Encoded) -> tuple[Doubles, Doubles, Doubles]:
    """Edges (B + 1,), the aggregated posterior's density (D, B), and the prior's (B,).

    The mass of a mixture of normals in a bin is exact: a difference of distribution functions.
    """
    import torch

    count, dim = encoded.mean.shape
    rows = np.unique(np.linspace(0, count - 1, max(1, _CURVE_VALUES // dim)).astype(np.int64))
    mean, deviation = encoded.mean[rows], np.exp(0.5 * encoded.logvar[rows])
    reach = float(np.quantile(np.abs(mean), 0.999)) + 0.5
    limit = float(np.clip(np.ceil(reach), LIMIT, MAX_LIMIT))
    edges = np.linspace(-limit, limit, BINS + 1)
    at = torch.from_numpy(edges.astype(np.float32))
    total = torch.zeros(dim, BINS, dtype=torch.float64)
    step = max(1, _CHUNK_VALUES // (dim * (BINS + 1)))
    for start in range(0, len(rows), step):
        m = torch.from_numpy(mean[start : start + step])[..., None]
        s = torch.from_numpy(deviation[start : start + step])[..., None]
        below = torch.special.ndtr((at - m) / s)
        total += below.diff(dim=2).double().sum(0)
    width = float(edges[1] - edges[0])
    prior = torch.special.ndtr(torch.from_numpy(edges)).diff().numpy() / width
    return edges, total.numpy() / (len(rows) * width), prior
