"""What a measured density is, and what is read off it. NumPy only."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]
Ints = NDArray[np.int64]

LEVELS = 256
MEASURES = {
    "bernoulli": "log-probability of binary pixels; grey values in [0, 1] count as the expectation "
    "over random binarisation",
    "discretised_logistic": f"log-probability of an image of {LEVELS} grey levels",
    "gaussian": "log-density of pixels in [0, 1], dequantised by uniform noise one of "
    f"{LEVELS} grey levels wide",
}
"""What ``log p(x)`` is of, per likelihood of the decoder."""


@dataclass(frozen=True, eq=False)
class Likelihoods:
    """Two lower bounds on log p(x) of N images, float64 (N,), in nats.

    Attributes:
        elbo: the evidence lower bound, ``reconstruction - kl``.
        reconstruction: the expectation of log p(x | z) under the posterior q, from samples.
        kl: KL(q || prior), in closed form.
        log_px: the importance-weighted bound (Burda et al. 2016) of ``samples`` samples.
        stderr: the Monte-Carlo standard error of ``log_px``: see :meth:`WeightSums.stderr`.
        samples: importance samples per image; of a conditional model, of its leading classes.
        values: how many values an image has.
        likelihood: the decoder's, a key of :data:`MEASURES`.
    """

    elbo: Doubles
    reconstruction: Doubles
    kl: Doubles
    log_px: Doubles
    stderr: Doubles
    samples: int
    values: int
    likelihood: str

    @property
    def measure(self) -> str:
        """What ``log_px`` is the logarithm of."""
        return MEASURES[self.likelihood]

    @property
    def bits_per_dim(self) -> Doubles:
        """``log_px`` in bits per value of an image of 256 levels, float64 (N,); lower is better.

        For a Bernoulli likelihood the levels are two, and it compares with other Bernoulli models.
        """
        return to_bits_per_dim(self.log_px, self.values, self.likelihood)


def to_bits_per_dim(nats: Doubles, values: int, likelihood: str) -> Doubles:
    """Log-likelihoods of images with ``values`` values, in bits per value."""
    per_value = -nats / values
    if likelihood == "gaussian":
        per_value = per_value + math.log(LEVELS)  # a density, times the width of a level
    return per_value / math.log(2.0)


class WeightSums:
    """Running sums over importance weights w = p(x, z) / q(z | x) of several rows.

    Sums of w and its square are kept as logarithms, float64 (N,). Sums of different samples add
    up, so a row may be refined later.
    """

    def __init__(self, rows: int) -> None:
        self.count = np.zeros(rows, np.int64)
        self.kl = np.zeros(rows)
        self._nll = np.zeros(rows)
        self._log_sum = np.full(rows, -np.inf)
        self._log_square = np.full(rows, -np.inf)

    def add(self, rows: Ints, log_weights: Doubles, reconstruction: Doubles) -> None:
        """More samples of some distinct rows: log w and log p(x | z), float64 (len(rows), S)."""
        self.count[rows] += log_weights.shape[1]
        self._nll[rows] -= reconstruction.sum(1)
        for sums, terms in ((self._log_sum, log_weights), (self._log_square, 2.0 * log_weights)):
            sums[rows] = np.logaddexp(sums[rows], np.logaddexp.reduce(terms, axis=1))

    @property
    def reconstruction(self) -> Doubles:
        """The mean of log p(x | z)."""
        return -self._nll / self.count

    @property
    def log_px(self) -> Doubles:
        """Logarithm of the mean weight: on average a lower bound that tightens with the count."""
        result: Doubles = self._log_sum - np.log(self.count)
        return result

    @property
    def effective_samples(self) -> Doubles:
        """(sum w)^2 / sum w^2: how many equally weighted samples these are worth."""
        result: Doubles = np.exp(2.0 * self._log_sum - self._log_square)
        return result

    @property
    def stderr(self) -> Doubles:
        """The standard error of ``log_px`` by the delta method: that of the mean weight over it.

        From k weights it cannot show more than one nat, however far off the bound is: where it
        nears one, a single sample outweighs all others. NaN from one sample, which tells nothing.
        """
        spread = self.count / self.effective_samples - 1.0
        with np.errstate(divide="ignore", invalid="ignore"):
            result: Doubles = np.sqrt(np.maximum(spread, 0.0) / (self.count - 1.0))
        return np.where(self.count > 1, result, np.nan)


def percentile(reference: Doubles, values: Doubles) -> Doubles:
    """The share in percent of ``reference`` below each value; ties count half. Float64, in 0..100.

    3 means: stranger than 97 % of the reference.
    """
    ordered = np.sort(reference)
    below = np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")
    result: Doubles = 50.0 * below / len(ordered)
    return result


def auroc(inside: Doubles, outside: Doubles) -> float:
    """How often a value of ``inside`` is the higher one of a random pair; ties count half."""
    return float(percentile(outside, inside).mean()) / 100.0
