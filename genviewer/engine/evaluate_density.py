"""The ELBO of a VAE on real images, in nats and in bits per value."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, cast

import msgspec

from genviewer.engine.torch_decoder import load_network
from genviewer.engine.train_vae import measure_elbo
from genviewer.io.datasets import Images

if TYPE_CHECKING:
    from collections.abc import Callable

    from genviewer.io.bundle import Bundle
    from genviewer.nets.residual_vae import ResidualVAE

LIMIT = 10_000
_CHUNK = 250


class Bound(msgspec.Struct, frozen=True):
    """The ELBO, a lower bound on log p(x), averaged over ``n`` images of ``split``.

    ``nats`` per image under ``likelihood``: of 256 grey levels for a discretised logistic, of a
    density over [0, 1] for a Gaussian, of a Bernoulli's expected log-likelihood else. ``kl`` is
    the part of the KL. ``bits_per_dim`` is per value of an image with 256 levels; for a Bernoulli
    it is the same figure in bits and compares with other Bernoulli models only.
    """

    nats: float
    bits_per_dim: float
    kl: float
    likelihood: str
    split: str
    n: int


def bits_per_dim(nats: float, values: int, likelihood: str) -> float:
    """An ELBO of an image with ``values`` values, in bits per value."""
    per_value = -nats / values
    if likelihood == "gaussian":
        per_value += math.log(256)  # a density over [0, 1], taken at bins of 1/256
    return per_value / math.log(2)


def measure_bound(
    bundle: Bundle,
    data: Images,
    split: str,
    seed: int,
    notes: list[str],
    report: Callable[[str, int, int], None],
) -> Bound | None:
    """The bound over the first images of ``data``; None, with a note, where it is not defined.

    Raises:
        LoadError: the network cannot be built.
    """
    network = load_network(bundle)
    if not hasattr(network, "logits"):
        notes.append("The ELBO of this family of networks is not measured here.")
        return None
    if bundle.spec.conditions and data.labels is None:
        notes.append("The ELBO needs the classes of the images, which have no labels.")
        return None
    vae = cast("ResidualVAE", network)
    count = min(LIMIT, len(data.images))
    nats = kl = 0.0
    for start in range(0, count, _CHUNK):
        rows = slice(start, min(start + _CHUNK, count))
        labels = None if data.labels is None else data.labels[rows]
        part = Images(data.source, data.images[rows], labels)
        elbo, per_dimension = measure_elbo(vae, part, seed=seed + start, batch=_CHUNK)
        share = (rows.stop - start) / count
        nats += share * elbo
        kl += share * sum(per_dimension)
        report("measuring the ELBO", rows.stop, count)
    values = int(data.images[0].size)
    likelihood = vae.config.likelihood
    return Bound(nats, bits_per_dim(nats, values, likelihood), kl, likelihood, split, count)
