"""The terms of a VAE's objective, in nats, one value per image unless a docstring says otherwise.

Images are float32 (B, C, H, W) in [0, 1]; latents, means and log-variances (B, D).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F


def bernoulli_nll(logits: Tensor, x: Tensor) -> Tensor:
    """-log p(x | z) of a Bernoulli in every pixel: (B,).

    Linear in ``x``, so a grey pixel counts as its expectation over random binarisation.
    """
    return F.binary_cross_entropy_with_logits(logits, x, reduction="none").flatten(1).sum(1)


def discretised_logistic_nll(
    mean: Tensor, log_scale: Tensor, x: Tensor, levels: int = 256
) -> Tensor:
    """-log P(x | z) of a logistic rounded to ``levels`` grey values in [0, 1]: (B,).

    The mass of a bin; the outer bins take the tails (Kingma et al. 2016, Salimans et al. 2017).
    """
    half = 0.5 / (levels - 1)
    inverse = torch.exp(-log_scale)
    above, below = (x + half - mean) * inverse, (x - half - mean) * inverse
    # log(sigmoid(a) - sigmoid(b)) = log sigmoid(a) + log sigmoid(-b) + log(1 - exp(b - a))
    width = torch.log(-torch.expm1(below - above))
    inner = F.logsigmoid(above) + F.logsigmoid(-below) + width
    logp = torch.where(x <= half, F.logsigmoid(above), inner)
    logp = torch.where(x >= 1.0 - half, F.logsigmoid(-below), logp)
    return -logp.flatten(1).sum(1)


def gaussian_nll(mean: Tensor, log_scale: Tensor, x: Tensor) -> Tensor:
    """-log p(x | z) of a normal density with standard deviation exp(``log_scale``): (B,)."""
    error = (x - mean) * torch.exp(-log_scale)
    terms = 0.5 * error.square() + log_scale + 0.5 * math.log(2.0 * math.pi)
    return terms.flatten(1).sum(1)


def kl_normal(mean: Tensor, logvar: Tensor) -> Tensor:
    """KL(N(mean, exp(logvar)) || N(0, 1)) of every dimension: (B, D)."""
    return 0.5 * (mean.square() + logvar.exp() - 1.0 - logvar)


def free_bits(kl: Tensor, nats: float) -> Tensor:
    """The KL (B, D) summed over dimensions, each counted at least as ``nats``: scalar.

    Per dimension and averaged over the batch (Kingma et al. 2016, section C.8), so that a dimension
    below the floor is not pushed further down.
    """
    per_dimension = kl.mean(0)
    return (per_dimension.clamp(min=nats) if nats > 0.0 else per_dimension).sum()


def sample_posterior(mean: Tensor, logvar: Tensor, noise: Tensor) -> Tensor:
    """A draw from q(z | x) by the reparameterisation trick; ``noise`` is standard normal."""
    return mean + noise * torch.exp(0.5 * logvar)


class KLParts(NamedTuple):
    """The KL of the ELBO taken apart (Chen et al. 2018); scalars whose sum estimates it."""

    mutual_information: Tensor
    total_correlation: Tensor
    dimension_wise: Tensor


def decompose_kl(z: Tensor, mean: Tensor, logvar: Tensor) -> KLParts:
    """Mutual information, total correlation and dimension-wise KL of a batch, averaged over it.

    Minibatch-weighted sampling (Chen et al. 2018, section 4.1) as in Locatello et al. 2019: the
    batch stands for the data set, a sample's own posterior counts as any other. Where posteriors
    are narrow that overestimates the total correlation. Stratified weights underestimate it there,
    and an optimizer finds out: it spends dimensions on making the estimate negative.
    """
    log_q = _log_normal(z[:, None], mean[None], logvar[None])  # (B, B, D), z_i under q(. | x_j)
    log_size = math.log(len(z))
    log_joint = torch.logsumexp(log_q.sum(2), 1) - log_size  # (B,), log q(z)
    log_marginals = (torch.logsumexp(log_q, 1) - log_size).sum(1)  # (B,)
    log_conditional = _log_normal(z, mean, logvar).sum(1)
    log_prior = _log_normal(z, torch.zeros_like(z), torch.zeros_like(z)).sum(1)
    return KLParts(
        (log_conditional - log_joint).mean(),
        (log_joint - log_marginals).mean(),
        (log_marginals - log_prior).mean(),
    )


def _log_normal(z: Tensor, mean: Tensor, logvar: Tensor) -> Tensor:
    squared = (z - mean).square() * torch.exp(-logvar)
    return -0.5 * (squared + logvar + math.log(2.0 * math.pi))
