"""What class a conditional model takes an image for: p(y | x) by Bayes' rule from p(x | y).

Every class gets a few importance samples; those that may still matter then get more. A class that
is far behind after one sample stays there: the noise of a log weight is a few nats, the gaps are
tens of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from genviewer.engine.density import (
    ShareOfProgress,
    add_samples,
    measure_likelihood,
    open_density,
)
from genviewer.engine.density_results import Likelihoods, WeightSums
from genviewer.engine.encoding import to_model_range
from genviewer.engine.generator import LoadError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from genviewer.core.spec import ConditionSpec, Spec
    from genviewer.engine.density import Density, Reports
    from genviewer.engine.density_results import Doubles, Ints
    from genviewer.engine.generator import Bytes, Floats
    from genviewer.io.bundle import Bundle

GLANCE = 1
SAMPLES = 16
MARGIN = 15.0
"""Classes within so many nats of the leading one are looked at again."""

NEGLIGIBLE = 1e-4
"""A posterior probability below which a class does not add to the error of log p(x)."""

BLOCK = 512
"""Images that are looked at and refined together: what bounds the arrays between the two."""


@dataclass(frozen=True, eq=False)
class Beliefs:
    """What a model believes about N images; all float64.

    Attributes:
        posterior: p(y | x), (N, K); rows sum to one.
        log_pxy: the importance-weighted bound on log p(x | y) in nats, (N, K); of the classes
            that are far behind from few samples.
        prior: p(y), (K,).
        likelihoods: of p(x) = sum_y p(x | y) p(y). The error of ``log_px`` is at most the one
            given, which it has where the classes err together: they share their noise.
    """

    posterior: Doubles
    log_pxy: Doubles
    prior: Doubles
    likelihoods: Likelihoods

    @property
    def entropy(self) -> Doubles:
        """How undecided the model is, (N,) in nats: 0 .. log K."""
        return entropy(self.posterior)

    @property
    def best(self) -> Ints:
        """The most probable class of each image, int64 (N,)."""
        result: Ints = self.posterior.argmax(1).astype(np.int64)
        return result


def class_condition(spec: Spec) -> ConditionSpec:
    """The condition whose classes a model can tell apart.

    Raises:
        LoadError: there is none, or others beside it that cannot be left empty.
    """
    condition = spec.class_condition
    if condition is None and spec.conditions:
        told = " and ".join(other.name for other in spec.conditions)
        raise LoadError(f"{spec.name} is told {told}, not a class: there are none to sum over.")
    if condition is None:
        raise LoadError(f"{spec.name} has no classes: p(y | x) needs a conditional model.")
    if spec.must_be_told:
        needed = ", ".join(spec.must_be_told)
        raise LoadError(f"{spec.name} also takes {needed}, which cannot be left out.")
    return condition


def class_rows(spec: Spec) -> Floats:
    """Packed conditions float32 (K, size), each with one class and nothing else.

    Raises:
        LoadError: as :func:`class_condition`.
    """
    condition = class_condition(spec)
    rows = np.zeros((condition.size, spec.condition_size), np.float32)
    start = 0
    for other in spec.conditions:
        if other is condition:
            break
        start += 0 if other.kind == "text" else other.size
    rows[:, start : start + condition.size] = np.eye(condition.size, dtype=np.float32)
    return rows


def normalised_prior(prior: Doubles | None, classes: int) -> Doubles:
    """p(y), float64 (K,): weights made to sum to one; None for equal ones.

    Raises:
        ValueError: they are not K weights of at least 0, with one above it.
    """
    weights = np.ones(classes) if prior is None else np.asarray(prior, np.float64)
    usable = weights.shape == (classes,) and np.isfinite(weights).all()
    if not usable or weights.min() < 0.0 or weights.sum() <= 0.0:
        raise ValueError(f"A prior is {classes} weights of at least 0, not all of them 0.")
    normalised: Doubles = weights / weights.sum()
    return normalised


def believe(
    density: Density,
    images: Floats,
    rows: Floats,
    *,
    prior: Doubles | None = None,
    glance: int = GLANCE,
    samples: int = SAMPLES,
    seed: int = 0,
    progress: Reports | None = None,
) -> Beliefs:
    """p(y | x) and log p(x) of images; in a job's thread.

    Args:
        density: the model.
        images: float32 (N, C, H, W) in the model's range.
        rows: what the model is told of each class, float32 (K, size): :func:`class_rows`.
        prior: weights of the classes, float64 (K,); None for equal ones.
        glance: importance samples for every class.
        samples: how many the leading classes have in the end; with ``glance`` or less, nothing
            is refined.
        seed: of the noise; an image's figures do not depend on what it is among.
        progress: told how far it is; it may cancel.

    Raises:
        ValueError: there are no images, the prior is not one, or ``glance`` is below 1.
    """
    if glance < 1 or not len(images):
        raise ValueError("There has to be an image, and a sample for every class.")
    weights = normalised_prior(prior, len(rows))
    parts = []
    for at in range(0, len(images), BLOCK):
        block = images[at : at + BLOCK]
        share = ShareOfProgress(progress, at / len(images), len(block) / len(images))
        parts.append(_believe_block(density, block, rows, weights, (glance, samples, seed), share))
    sums = tuple(np.concatenate(part) for part in zip(*parts, strict=True))
    return concluded(sums, weights, max(glance, samples), int(images[0].size), density.likelihood)


def concluded(
    sums: Sequence[Doubles], prior: Doubles, samples: int, values: int, likelihood: str
) -> Beliefs:
    """Bayes' rule on what was measured of every class.

    Args:
        sums: the bound on log p(x | y), its error, reconstruction and KL; float64 (N, K) each.
        prior: p(y), float64 (K,), which sums to one.
        samples: importance samples of the leading classes.
        values: how many values an image has.
        likelihood: the decoder's.
    """
    log_pxy, stderr, reconstruction, kl = sums
    with np.errstate(divide="ignore"):
        log_prior = np.log(prior)
    joint = log_pxy + log_prior
    log_px = np.logaddexp.reduce(joint, axis=1)
    posterior = np.exp(joint - log_px[:, None])
    # Classes of an image share their noise, so their errors add up as they are, not as squares.
    # Classes that do not count may have had one sample, from which there is no error.
    counts = posterior > NEGLIGIBLE
    errors = np.where(counts, posterior * stderr, 0.0)
    # log p(x) >= sum_y q(y | x) (ELBO(x, y) + log p(y) - log q(y | x)), for any q(y | x)
    divergence = (posterior * kl).sum(1) - entropy(posterior)
    divergence -= (posterior * np.where(prior > 0.0, log_prior, 0.0)).sum(1)
    expected = (posterior * reconstruction).sum(1)
    likelihoods = Likelihoods(
        expected - divergence,
        expected,
        divergence,
        log_px,
        errors.sum(1),
        samples,
        values,
        likelihood,
    )
    return Beliefs(posterior, log_pxy, prior, likelihoods)


def glance_to_measure(samples: int) -> int:
    """How many importance samples of ``samples`` every class has when log p(x) is measured."""
    return min(samples, 4)


def measure_marginal(
    density: Density,
    bundle: Bundle,
    images: Bytes,
    *,
    samples: int,
    seed: int = 0,
    progress: Reports | None = None,
) -> Likelihoods:
    """Bounds on log p(x) of a model with or without classes, which are summed over.

    Args:
        density: the model's.
        bundle: the model.
        images: uint8 (N, H, W, C) in the model's size.
        samples: importance samples per image, and per class that may matter.
        seed: of the noise.
        progress: told how far it is; it may cancel.

    Raises:
        LoadError: the model has conditions that cannot be summed over.
    """
    x = to_model_range(images, bundle)
    if not bundle.spec.conditions:
        return measure_likelihood(density, x, samples=samples, seed=seed, progress=progress)
    rows = class_rows(bundle.spec)
    glance = glance_to_measure(samples)
    beliefs = believe(
        density, x, rows, glance=glance, samples=samples, seed=seed, progress=progress
    )
    return beliefs.likelihoods


def taken_for(
    bundle: Bundle,
    images: Floats,
    device: str = "auto",
    progress: Reports | None = None,
) -> Ints | None:
    """The class that a model takes each image for at a glance, int64 (N,); in a job's thread.

    Args:
        bundle: the model.
        images: float32 (N, C, H, W) in its range.
        device: where to compute.
        progress: told how far it is; it may cancel.

    Returns:
        None where the model cannot say: it has no density, or its classes are not all that it has
        to be told.
    """
    try:
        rows = class_rows(bundle.spec)
        density = open_density(bundle, device)
    except LoadError:
        return None
    return believe(density, images, rows, glance=1, samples=1, progress=progress).best


def entropy(posterior: Doubles) -> Doubles:
    """The entropy in nats of distributions (N, K): (N,)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(posterior > 0.0, posterior * np.log(posterior), 0.0)
    result: Doubles = -terms.sum(1)
    return result


def _believe_block(
    density: Density,
    images: Floats,
    rows: Floats,
    prior: Doubles,
    effort: tuple[int, int, int],
    progress: Reports,
) -> tuple[Doubles, ...]:
    """Bound, its error, reconstruction and KL, each (n, K)."""
    glance, samples, seed = effort
    shape = (len(images), len(rows))
    which = np.repeat(np.arange(shape[0]), shape[1])
    y = np.tile(rows, (shape[0], 1))
    sums = WeightSums(len(which))
    first = ShareOfProgress(progress, 0.0, 0.5)
    add_samples(density, sums, images, which, y, glance, (seed, 0), first)
    if samples > glance:
        with np.errstate(divide="ignore"):
            joint = sums.log_px.reshape(shape) + np.log(prior)
        near = joint >= joint.max(1, keepdims=True) - MARGIN
        again = np.flatnonzero(near.ravel())
        more = ShareOfProgress(progress, 0.5, 0.5)
        add_samples(
            density, sums, images, which[again], y[again], samples - glance, (seed, 1), more, again
        )
    parts = (sums.log_px, sums.stderr, sums.reconstruction, sums.kl)
    return tuple(part.reshape(shape) for part in parts)
