"""What a model with a density believes about a whole data set, and how far that can be trusted.

Measuring needs torch; what is read off the figures is NumPy only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from genviewer.engine.density import Density, Reports
    from genviewer.engine.density_results import Doubles, Ints
    from genviewer.engine.generator import Bytes
    from genviewer.io.bundle import Bundle

BINS = 15
CURVE_POINTS = 200
SAMPLES = 16
BLOCK = 512
"""Images that are brought to the model's range and measured together."""


@dataclass(frozen=True, eq=False)
class DataBeliefs:
    """What was measured for N images, all float64.

    Attributes:
        log_px: the importance-weighted bound on log p(x) in nats, (N,).
        stderr: its Monte-Carlo error, (N,).
        posterior: p(y | x) under equal priors, (N, K); None for a model without classes.
        measure: what ``log_px`` is the logarithm of, in words.
    """

    log_px: Doubles
    stderr: Doubles
    posterior: Doubles | None
    measure: str

    @property
    def best(self) -> Ints | None:
        """The most probable class of each image, int64 (N,); None without classes."""
        return None if self.posterior is None else self.posterior.argmax(1).astype(np.int64)


def measure_data(
    density: Density,
    bundle: Bundle,
    images: Bytes,
    *,
    samples: int = SAMPLES,
    seed: int = 0,
    progress: Reports | None = None,
) -> DataBeliefs:
    """Bounds on log p(x), and p(y | x) where the model has classes; in a job's thread.

    Every class gets one importance sample, the leading ones ``samples``. The figures of an image
    do not depend on what it is among.

    Args:
        density: the model's.
        bundle: the model.
        images: uint8 (N, H, W, C) in the model's size, N at least 1.
        samples: importance samples per image, and per class that may matter.
        seed: of the noise.
        progress: told how far it is; it may cancel.

    Raises:
        LoadError: the model has conditions that cannot be summed over.
    """
    from genviewer.engine.bayes import GLANCE, believe, class_rows
    from genviewer.engine.density import ShareOfProgress, measure_likelihood
    from genviewer.engine.encoding import to_model_range

    rows = class_rows(bundle.spec) if bundle.spec.conditions else None
    log_px, stderr, posterior = [], [], []
    measure = ""
    for at in range(0, len(images), BLOCK):
        x = to_model_range(images[at : at + BLOCK], bundle)
        share = ShareOfProgress(progress, at / len(images), len(x) / len(images))
        if rows is None:
            found = measure_likelihood(density, x, samples=samples, seed=seed, progress=share)
        else:
            beliefs = believe(
                density, x, rows, glance=GLANCE, samples=samples, seed=seed, progress=share
            )
            found = beliefs.likelihoods
            posterior.append(beliefs.posterior)
        log_px.append(found.log_px)
        stderr.append(found.stderr)
        measure = found.measure
    return DataBeliefs(
        np.concatenate(log_px),
        np.concatenate(stderr),
        np.concatenate(posterior) if posterior else None,
        measure,
    )


def confusion(truth: Ints, predicted: Ints, classes: int) -> Ints:
    """How many images of each class are taken for each class: int64 (K, K), rows the truth."""
    pairs = truth * classes + predicted
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def doubt(posterior: Doubles) -> Doubles:
    """1 minus the largest of p(y | x) (N, K): float64 (N,), exact where that is nearly 1."""
    others = posterior.copy()
    others[np.arange(len(others)), posterior.argmax(1)] = 0.0
    result: Doubles = others.sum(1)
    return result


@dataclass(frozen=True, eq=False)
class Calibration:
    """How often the model is right where it is so sure (Guo et al. 2017); all of ``bins`` values.

    Attributes:
        edges: float64 (bins + 1,), of the confidence.
        count: int64, images in each bin.
        confidence: float64, their mean confidence; NaN in an empty bin.
        accuracy: float64, the share that is right; NaN in an empty bin.
        error: the expected calibration error, 0 .. 1.
    """

    edges: Doubles
    count: Ints
    confidence: Doubles
    accuracy: Doubles
    error: float


def calibration(posterior: Doubles, truth: Ints, bins: int = BINS) -> Calibration:
    """The calibration of p(y | x) float64 (N, K), N at least 1, against int64 (N,) classes."""
    sure = posterior.max(1)
    right = posterior.argmax(1) == truth
    edges = np.linspace(0.0, 1.0, bins + 1)
    # A confidence on an edge belongs to the bin below it, as in the paper; 0 to the first.
    which = np.clip(np.searchsorted(edges, sure, "left") - 1, 0, bins - 1)
    count = np.bincount(which, minlength=bins)
    with np.errstate(invalid="ignore"):
        confidence = np.bincount(which, sure, bins) / count
        accuracy = np.bincount(which, right, bins) / count
    filled = count > 0
    gaps = np.abs(confidence - accuracy)[filled]
    error = float((count[filled] * gaps).sum() / len(sure))
    return Calibration(edges, count, confidence, accuracy, error)


def accuracy_against_rejection(
    trust: Doubles, right: NDArray[np.bool_], points: int = CURVE_POINTS
) -> tuple[Doubles, Doubles]:
    """How accurate the rest is when the least trusted images are left unanswered.

    Args:
        trust: float64 (N,), such as log p(x); the lowest goes first, and equals go together.
        right: bool (N,), whether the image is classified rightly.
        points: how many the curve has at most.

    Returns:
        shares rejected, from 0 up to below 1, and the accuracy of what is kept.
    """
    order = np.argsort(trust, kind="stable")
    ordered = trust[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] > ordered[:-1]])
    kept_right = np.cumsum(right[order][::-1])[::-1]
    if len(starts) > points:
        starts = starts[np.linspace(0, len(starts) - 1, points).astype(np.int64)]
    rejected = starts / len(trust)
    accuracy: Doubles = kept_right[starts] / (len(trust) - starts)
    return rejected, accuracy
