"""log p(x) of images under a model with an explicit density: the ELBO and a tighter bound.

Kingma and Welling 2014 (the evidence lower bound), Burda et al. 2016 (importance weighting).
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np
import torch

from genviewer.engine.density_results import LEVELS, Likelihoods, WeightSums
from genviewer.engine.device import choose_device
from genviewer.engine.generator import LoadError
from genviewer.engine.losses import kl_normal, sample_posterior
from genviewer.engine.torch_decoder import load_network, take_weights
from genviewer.engine.train_vae import reconstruction_nll

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from genviewer.engine.density_results import Ints
    from genviewer.engine.generator import Floats
    from genviewer.io.bundle import Bundle

SAMPLES = 500
CHUNK_VALUES = 1 << 17
"""Pixel values of the pictures that are decoded at once: what bounds the memory."""

MAX_CHUNK = 256
NOT_FINITE = (
    "log p(x) is not a number for some of the images: the model's weights are damaged, or the "
    "images beyond what it was made for."
)


class Density(Protocol):
    """An encoder q(z | x, y) and a decoder p(x | z, y) under a standard normal prior.

    ``likelihood`` is a key of :data:`~genviewer.engine.density_results.MEASURES`, ``bin_width`` how
    wide the noise is that makes grey levels continuous; 0 where p(x | z) is of the levels
    themselves.
    """

    likelihood: str
    bin_width: float
    device: str

    def encode(self, x: Tensor, y: Tensor | None) -> tuple[Tensor, Tensor]:
        """Mean and log-variance (B, D) for images (B, C, H, W) and packed conditions (B, K)."""
        ...

    def log_likelihood(self, x: Tensor, z: Tensor, y: Tensor | None) -> Tensor:
        """The nats of p(x | z, y): (B,)."""
        ...


class Reports(Protocol):
    """What hears how far a measurement is, such as a job's progress; it may raise to end it."""

    def report(self, fraction: float, text: str = "") -> None:
        """``fraction`` (0..1) is done."""
        ...


class ShareOfProgress:
    """The progress of a part of some work, told as that of the whole."""

    def __init__(self, whole: Reports | None, start: float, share: float) -> None:
        self._whole, self._start, self._share = whole, start, share

    def report(self, fraction: float, text: str = "") -> None:
        """As :meth:`Reports.report`."""
        if self._whole is not None:
            self._whole.report(self._start + self._share * fraction, text)


class NetworkDensity:
    """The density of one of the VAE families, whose networks have ``logits`` and a likelihood."""

    def __init__(self, network: Any, device: str = "cpu") -> None:
        self._network = network.to(device)
        self.device = device
        self.likelihood: str = network.config.likelihood
        self.bin_width = 1.0 / LEVELS if self.likelihood == "gaussian" else 0.0

    def take_weights(self, bundle: Bundle) -> None:
        """Go on with other weights of the same network; LoadError if they do not fit."""
        take_weights(self._network, bundle)

    def encode(self, x: Tensor, y: Tensor | None) -> tuple[Tensor, Tensor]:
        """As :meth:`Density.encode`."""
        return cast("tuple[Tensor, Tensor]", self._network.encode(x, y))

    def log_likelihood(self, x: Tensor, z: Tensor, y: Tensor | None) -> Tensor:
        """As :meth:`Density.log_likelihood`."""
        return -reconstruction_nll(self._network, self._network.logits(z, y), x)


def open_density(bundle: Bundle, device: str = "auto") -> NetworkDensity:
    """The density of a model.

    Raises:
        LoadError: it has none, or cannot be built.
    """
    spec = bundle.spec
    if spec.family == "gan":
        raise LoadError(f"{spec.name} is a GAN: it draws, but has no density.")
    if not spec.density or not spec.encoder:
        raise LoadError(f"{spec.name} has no density: log p(x) needs a VAE with its encoder.")
    network = load_network(bundle)
    if not hasattr(network, "logits") or not hasattr(network, "encode"):
        raise LoadError(f"{spec.name} is of a family whose density cannot be measured here.")
    return NetworkDensity(network, choose_device(device))


def measure_likelihood(
    density: Density,
    images: Floats,
    y: Floats | None = None,
    *,
    samples: int = SAMPLES,
    seed: int = 0,
    progress: Reports | None = None,
) -> Likelihoods:
    """Both bounds on log p(x), or with conditions on log p(x | y); in a job's thread.

    The noise of an image comes from ``seed`` and its pixels, so its figures are the same alone and
    among others, up to rounding.

    Args:
        density: the model.
        images: float32 (N, C, H, W) in the model's range.
        y: packed conditions float32 (N, K), or None.
        samples: importance samples per image, at least 1.
        seed: of the noise.
        progress: told how far it is; it may cancel.

    Raises:
        LoadError: the model's figures are not finite.
    """
    sums = WeightSums(len(images))
    add_samples(density, sums, images, np.arange(len(images)), y, samples, (seed, 0), progress)
    reconstruction = sums.reconstruction
    return Likelihoods(
        reconstruction - sums.kl,
        reconstruction,
        sums.kl,
        sums.log_px,
        sums.stderr,
        samples,
        int(images[0].size) if len(images) else 0,
        density.likelihood,
    )


def add_samples(
    density: Density,
    sums: WeightSums,
    images: Floats,
    which: Ints,
    y: Floats | None,
    samples: int,
    seed: tuple[int, int],
    progress: Reports | None = None,
    rows: Ints | None = None,
    *,
    steady: bool = False,
) -> None:
    """Add importance samples to some rows of ``sums``.

    Args:
        density: the model.
        sums: what they are added to.
        images: float32 (N, C, H, W) in the model's range.
        which: int64 (R,), the image that each row is of.
        y: packed conditions float32 (R, K) of the rows, or None.
        samples: how many for each row.
        seed: of the noise, and which round of samples of these rows it is. Rows of one image
            have the same noise, which makes what differs between its classes the more certain.
        progress: told how far it is; it may cancel.
        rows: int64 (R,), the rows of ``sums`` that are meant; by default the first R.
        steady: the noise comes from ``seed`` alone, the same for every image, so that what is
            measured does not flicker while an image changes little by little.

    Raises:
        LoadError: the model's figures are not finite.
    """
    rows = np.arange(len(which)) if rows is None else rows
    total = max(1, len(which) * samples)
    for part, count, done in _chunks(len(which), samples, _chunk_rows(images)):
        if progress is not None:
            progress.report(done / total, "measuring log p(x)")
        pictures = images[which[part]]
        noise = _Noise(pictures, seed, steady)
        conditions = None if y is None else y[part]
        _add_chunk(density, sums, pictures, conditions, noise, count, rows[part])
    if progress is not None:
        progress.report(1.0, "measuring log p(x)")


def _chunk_rows(images: Floats) -> int:
    values = int(np.prod(images.shape[1:]))
    return int(np.clip(CHUNK_VALUES // max(1, values), 1, MAX_CHUNK))


def _chunks(rows: int, samples: int, limit: int) -> Iterator[tuple[Ints, tuple[int, ...], int]]:
    """Rows that are done together, the parts their samples are drawn in, and what is done before.

    At most ``limit`` pictures are in one part.
    """
    together = max(1, limit // samples)
    sizes = [limit] * (samples // limit)
    if samples % limit:
        sizes.append(samples % limit)
    for start in range(0, rows, together):
        yield np.arange(start, min(start + together, rows)), tuple(sizes), start * samples


class _Noise:
    """Each row's own stream of noise, from the seed and, unless steady, the row's picture."""

    def __init__(self, pictures: Floats, seed: tuple[int, int], steady: bool) -> None:
        self._streams = [
            np.random.default_rng(
                [*seed, 0 if steady else zlib.crc32(np.ascontiguousarray(picture).data)]
            )
            for picture in pictures
        ]

    def normal(self, samples: int, size: int) -> Floats:
        """(rows, samples, size), standard normal."""
        shape = (samples, size)
        return np.stack([rng.standard_normal(shape, np.float32) for rng in self._streams])

    def uniform(self, samples: int, size: int) -> Floats:
        """(rows, samples, size), in [-0.5, 0.5)."""
        shape = (samples, size)
        return np.stack([rng.random(shape, np.float32) for rng in self._streams]) - np.float32(0.5)


@torch.inference_mode()
def _add_chunk(
    density: Density,
    sums: WeightSums,
    pictures: Floats,
    conditions: Floats | None,
    noise: _Noise,
    sizes: tuple[int, ...],
    rows: Ints,
) -> None:
    device = density.device
    x = torch.from_numpy(np.ascontiguousarray(pictures)).to(device)
    y = None if conditions is None else torch.from_numpy(conditions).to(device)
    mean, logvar = density.encode(x, y)  # (R, D)
    sums.kl[rows] = kl_normal(mean, logvar).double().sum(1).cpu().numpy()
    for count in sizes:
        eps = torch.from_numpy(noise.normal(count, mean.shape[1])).to(device)  # (R, S, D)
        z = sample_posterior(mean[:, None], logvar[:, None], eps)
        wide = x[:, None].expand(-1, count, *x.shape[1:]).flatten(0, 1)
        if density.bin_width:
            shift = torch.from_numpy(noise.uniform(count, x[0].numel())).to(device)
            wide = wide + density.bin_width * shift.view(wide.shape)
        classes = None if y is None else y.repeat_interleave(count, 0)
        logp = density.log_likelihood(wide, z.flatten(0, 1), classes)
        reconstruction = logp.double().view(len(x), count)
        # log p(z) - log q(z | x): the normalising constants cancel.
        ratio = 0.5 * (eps.double().square() + logvar.double()[:, None] - z.double().square())
        weights = reconstruction + ratio.sum(2)
        if not bool(torch.isfinite(weights).all()):
            raise LoadError(NOT_FINITE)
        sums.add(rows, weights.cpu().numpy(), reconstruction.cpu().numpy())
