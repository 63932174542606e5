"""What a model believes about one image, at once from one sample and then better and better.

An answer comes after the first importance sample of every class; those that may still matter get
more, in rounds that are short enough for a newer question to be heard between them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from genviewer.engine.bayes import GLANCE, MARGIN, SAMPLES, class_rows, concluded, normalised_prior
from genviewer.engine.density import add_samples, open_density
from genviewer.engine.density_results import Likelihoods, WeightSums, percentile
from genviewer.engine.encoding import ImageEncoder, to_model_range
from genviewer.engine.generator import LoadError
from genviewer.engine.inversion_measures import psnr, ssim

if TYPE_CHECKING:
    from collections.abc import Iterator

    from genviewer.engine.bayes import Beliefs
    from genviewer.engine.density import NetworkDensity
    from genviewer.engine.density_results import Doubles
    from genviewer.engine.discriminator_score import DiscriminatorScore
    from genviewer.engine.generator import Bytes, Floats, Generator
    from genviewer.io.bundle import Bundle

DEFAULT_SAMPLES = 500
MAX_SAMPLES = 5000
ROUND = 48
"""Samples of a round, once the first few are there: what a newer question waits for."""


@dataclass(frozen=True, eq=False)
class Question:
    """An image that a model is asked about.

    Attributes:
        pixels: uint8 (H, W, C) in the model's size.
        prior: weights of the classes, float64 (K,); None for equal ones.
        samples: importance samples in the end, of the classes that matter.
        model_id: of the model that is asked, for whoever hears the answer.
        condition: what an encoder is told of the image where p(x) cannot be bounded, packed
            float32 (K,); None for nothing.
        brief: only what is quick, :data:`~genviewer.engine.bayes.SAMPLES` samples at most and no
            comparison with own samples: the weights are about to be others.
    """

    pixels: Bytes
    prior: Doubles | None = None
    samples: int = DEFAULT_SAMPLES
    model_id: str = ""
    condition: Floats | None = None
    brief: bool = False

    @property
    def effort(self) -> int:
        """How many importance samples there are in the end."""
        return min(self.samples, SAMPLES) if self.brief else self.samples


@dataclass(frozen=True, eq=False)
class Posterior:
    """Where an image lies in latent space.

    Attributes:
        mean, deviation: float32 (D,) of q(z | x, y).
        best: the class y that it is taken for; None for a model without classes.
    """

    mean: Floats
    deviation: Floats
    best: int | None = None


@dataclass(frozen=True, eq=False)
class Answer:
    """What is known so far.

    Attributes:
        question: what was asked.
        likelihoods: of p(x), for one image; None for models without a density.
        beliefs: p(y | x) and p(x | y), for one image; None without classes.
        usual: log p(x) from as many samples as references are measured with, by which it is
            compared; NaN until there are so many.
        posterior: where the image lies; None without an encoder.
        reconstruction: uint8 (H, W, C), what the model draws from there; None without an encoder.
        likeness: PSNR in dB and SSIM of the reconstruction; None without one, and NaN for the SSIM
            at the first look, which is to be quick.
        by_class: uint8 (K, H, W, C), the same under every class; None at the first look.
        score: the discriminator's, with the share in percent of the model's own samples that score
            lower; None without a discriminator. NaN for the share until it is known.
        done: nothing will be added.
    """

    question: Question
    likelihoods: Likelihoods | None = None
    beliefs: Beliefs | None = None
    usual: float = math.nan
    posterior: Posterior | None = None
    reconstruction: Bytes | None = None
    likeness: tuple[float, float] | None = None
    by_class: Bytes | None = None
    score: tuple[float, float] | None = None
    done: bool = False


class ImageBeliefs:
    """Answers questions about images by one model; for one thread at a time.

    Args:
        bundle: the model.
        generator: draws what the model makes of a latent.
        device: where the density is computed.

    Raises:
        LoadError: the model cannot be built, or has neither encoder nor discriminator.
    """

    def __init__(self, bundle: Bundle, generator: Generator, device: str = "cpu") -> None:
        spec = bundle.spec
        self.bundle, self._generator = bundle, generator
        self._density: NetworkDensity | None = None
        self._encoder: ImageEncoder | None = None
        self._score: DiscriminatorScore | None = None
        self._rows: Floats | None = None
        if spec.bounds_px:
            self._density = open_density(bundle, device)
            self._rows = class_rows(spec) if spec.conditions else None
        elif spec.encoder:
            self._encoder = ImageEncoder(bundle, device)
        if spec.discriminator:
            from genviewer.engine.discriminator_score import DiscriminatorScore

            self._score = DiscriminatorScore(bundle, generator)
        if not spec.encoder and self._score is None:
            raise LoadError(
                f"{spec.name} only draws: it has no encoder, no density and no discriminator."
            )

    def take_weights(self, bundle: Bundle, generator: Generator) -> bool:
        """Go on with other weights; False, and nothing happens, where the network is another.

        Raises:
            LoadError: they do not fit, and this is of no use any more.
        """
        before = self.bundle
        if bundle.config.network != before.config.network or bundle.spec != before.spec:
            return False
        self.bundle, self._generator = bundle, generator
        for part in (self._density, self._encoder):
            if part is not None:
                part.take_weights(bundle)
        if self._score is not None:
            self._score.take_weights(bundle, generator)
        return True

    def answers(self, question: Question) -> Iterator[Answer]:
        """The answers to a question, each better than the one before; the last one is ``done``.

        Raises:
            LoadError: the image has another size than the model's.
            DecodeError: the model fails.
            ValueError: the prior is not one.
        """
        x = to_model_range(question.pixels[None], self.bundle)
        if self._density is not None:
            yield from self._by_density(self._density, question, x)
        elif self._encoder is not None:
            yield self._by_encoder(self._encoder, question, x)
        elif self._score is not None:
            first = Answer(question, score=(self._score.of(x), math.nan), done=question.brief)
            yield first
            if question.brief:
                return
            for _ in self._score.measure_own():
                yield first
            yield Answer(question, score=self._score.among_own(x), done=True)

    def _by_encoder(self, encoder: ImageEncoder, question: Question, x: Floats) -> Answer:
        """Of an encoder without a bound on p(x): where the image lies, not how likely it is."""
        size, told = self.bundle.spec.condition_size, question.condition
        y = np.zeros((1, size), np.float32) if size else None
        if size and told is not None:
            y = told[None]
        mean, logvar = encoder.encode(x, y)
        posterior = Posterior(mean[0], np.exp(0.5 * logvar[0]))
        drawn = self._generator.decode_pixels(mean, y)[0]
        return Answer(
            question,
            posterior=posterior,
            reconstruction=drawn,
            likeness=likeness(question.pixels, drawn),
            done=True,
        )

    def _by_density(
        self, density: NetworkDensity, question: Question, x: Floats
    ) -> Iterator[Answer]:
        rows = self._rows
        count = 1 if rows is None else len(rows)
        prior = normalised_prior(question.prior, count)
        with np.errstate(divide="ignore"):
            log_prior = np.log(prior)
        sums, usual, done = WeightSums(count), math.nan, 0
        by_class: Bytes | None = None
        for number, size in enumerate(rounds(question.effort)):
            alive = np.arange(count)
            if number:
                joint = sums.log_px + log_prior
                alive = np.flatnonzero(joint >= joint.max() - MARGIN)
            y = None if rows is None else rows[alive]
            which = np.zeros(len(alive), np.int64)
            add_samples(density, sums, x, which, y, size, (0, number), rows=alive, steady=True)
            done += size
            likelihoods, beliefs = self._concluded(sums, prior, done, x[0].size, density.likelihood)
            if done == SAMPLES:
                usual = float(likelihoods.log_px[0])
            best = None if beliefs is None else int(beliefs.best[0])
            posterior, drawn = self._reconstruct(density, x, best)
            last = done == question.effort
            if by_class is None and (number or last):
                by_class = self._under_every_class(density, x)
            yield Answer(
                question,
                likelihoods,
                beliefs,
                usual,
                posterior,
                drawn,
                likeness(question.pixels, drawn, quick=not number and not last),
                by_class,
                done=last,
            )

    def _concluded(
        self, sums: WeightSums, prior: Doubles, samples: int, values: int, likelihood: str
    ) -> tuple[Likelihoods, Beliefs | None]:
        log_px, stderr, reconstruction, kl = known = (
            sums.log_px,
            sums.stderr,
            sums.reconstruction,
            sums.kl,
        )
        if self._rows is not None:
            beliefs = concluded([v[None] for v in known], prior, samples, values, likelihood)
            return beliefs.likelihoods, beliefs
        elbo = reconstruction - kl
        found = (elbo, reconstruction, kl, log_px, stderr)
        return Likelihoods(*found, samples, values, likelihood), None

    def _reconstruct(
        self, density: NetworkDensity, x: Floats, best: int | None
    ) -> tuple[Posterior, Bytes]:
        y = None if best is None or self._rows is None else self._rows[best : best + 1]
        mean, logvar = _encoded(density, x, y)
        drawn = self._generator.decode_pixels(mean, y)[0]
        return Posterior(mean[0], np.exp(0.5 * logvar[0]), best), drawn

    def _under_every_class(self, density: NetworkDensity, x: Floats) -> Bytes | None:
        if self._rows is None:
            return None
        mean, _ = _encoded(density, np.repeat(x, len(self._rows), 0), self._rows)
        return self._generator.decode_pixels(mean, self._rows)


def _encoded(density: NetworkDensity, x: Floats, y: Floats | None) -> tuple[Floats, Floats]:
    """Mean and log-variance of q(z | x, y), float32 (N, D)."""
    with torch.inference_mode():
        mean, logvar = density.encode(
            torch.from_numpy(x).to(density.device),
            None if y is None else torch.from_numpy(y).to(density.device),
        )
    return mean.cpu().numpy(), logvar.cpu().numpy()


def likeness(wanted: Bytes, drawn: Bytes, *, quick: bool = False) -> tuple[float, float]:
    """PSNR in dB and SSIM of two images uint8 (H, W, C); NaN for the SSIM where it is quick."""
    one, two = (
        torch.from_numpy(np.moveaxis(x, 2, 0)[None].astype(np.float32, order="C") / 255.0)
        for x in (drawn, wanted)
    )
    return float(psnr(one, two)[0]), math.nan if quick else float(ssim(one, two)[0])


def rounds(samples: int) -> Iterator[int]:
    """How many samples each round adds, ``samples`` in all.

    The first ends at what one look takes, the second at what references are measured with.
    """
    done = 0
    for target in (GLANCE, SAMPLES):
        size = min(target, samples) - done
        if size > 0:
            yield size
            done += size
    while done < samples:
        size = min(ROUND, samples - done)
        yield size
        done += size


def standing(reference: Doubles, value: float) -> str:
    """How likely an image is among usual ones, in words.

    Args:
        reference: log p(x) of usual images, float64 (N,).
        value: log p(x) of the image, from as many samples.
    """
    share = float(percentile(reference, np.array([value]))[0])
    stranger = 100.0 - share
    if share <= 0.0:
        return f"stranger than all {len(reference):,}"
    if share < 25.0:
        return f"stranger than {stranger:.3g} %"
    if share <= 75.0:
        return "as likely as is usual"
    return f"more likely than {share:.3g} %"
