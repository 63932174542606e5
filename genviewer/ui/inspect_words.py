"""What an Answer comes to, in figures and sentences. No widgets."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from genviewer.ui.numerals import MINUS, number
from genviewer.ui.widgets.figure_rows import Figure

if TYPE_CHECKING:
    from genviewer.core.spec import Spec
    from genviewer.engine.bayes_reference import Reference
    from genviewer.engine.image_beliefs import Answer
    from genviewer.io.bundle import Bundle

THIN = "\N{THIN SPACE}"
MEASURED = {
    "bernoulli": "of binary pixels",
    "discretised_logistic": "of 256 levels",
    "gaussian": "dequantised",
}
"""What ``log p(x)`` is of, in a word or two; the tooltip has all of it."""

NO_IMAGE = "Draw on the pad, or bring in an image: open, paste or drop one, or follow the sample."
AT_REST = "when it rests"
AT_REST_TIP = (
    "What is usual is measured for weights that stand still: pause the training, or look at a step "
    "of it."
)
UNKNOWN = "not known"
UNKNOWN_TIP = "Choose again what it is compared with, above: the same, or something else."
LOOSE = 0.7
LOOSE_TIP = "A few samples outweigh all others: the bound is far from tight."
"""Said of a Monte-Carlo error above :data:`LOOSE` nats; it cannot exceed one."""

WHATEVER = "whatever it shows"
DECIDES = "This decides whether an image is rejected, not log p(x) by itself."
REJECTION = "Rejected: like nothing I know."

SURE = 0.5
"""Without a class above this probability the model is called undecided."""


def in_training(bundle: Bundle) -> str:
    """Which weights of a model in training are asked."""
    step = bundle.config.provenance.get("steps")
    if not isinstance(step, int):
        return "In training."
    return f"In training: asked is the model at step {step:,}, as it is on the screen."


def figures_of(
    answer: Answer,
    reference: Reference | None,
    spec: Spec,
    moving: bool = False,
    why_unknown: str = "",
) -> list[Figure]:
    """The figures of p(x), or of what stands in its place.

    Args:
        answer: what is known.
        reference: what is usual; None where that is not known.
        spec: of the model.
        moving: its weights change all the time, so nobody measures what is usual.
        why_unknown: why what is usual cannot be measured; empty where it can.
    """
    found = answer.likelihoods
    if found is None:
        return _score_figures(answer, spec)
    error = float(found.stderr[0])
    spread = f" ± {error:.2f}" if math.isfinite(error) else ""
    samples = f"{found.samples:,} importance samples (Burda et al. 2016)"
    what = f"The {found.measure}."
    loose = f"\n{LOOSE_TIP}" if error > LOOSE else ""
    standings = _standings(answer, reference, moving, why_unknown)
    figures = [
        Figure(
            "log p(x)",
            f"{number(float(found.log_px[0]))}{spread} nats",
            f"A lower bound from {samples}, with its Monte-Carlo error.\n{what}{loose}",
        ),
        Figure("by log p(x)", *standings[0]),
        Figure("for outline", *standings[1]),
        Figure(
            "ELBO",
            f"{number(float(found.elbo[0]), 1)}{THIN}={THIN}"
            f"{number(float(found.reconstruction[0]), 1)}{THIN}{MINUS}{THIN}"
            f"{number(float(found.kl[0]), 1)}",
            "The evidence lower bound in nats: reconstruction minus KL.",
        ),
        Figure(
            "bits/dim",
            f"{number(float(found.bits_per_dim[0]), 3)} {MEASURED.get(found.likelihood, '')}",
            what,
        ),
    ]
    return figures


def _standings(
    answer: Answer, reference: Reference | None, moving: bool, why_unknown: str
) -> list[tuple[str, str]]:
    """How the image compares with usual ones by log p(x) alone, and for its outline."""
    from genviewer.engine.image_beliefs import standing

    if reference is None and moving:
        return [(AT_REST, AT_REST_TIP)] * 2
    if reference is None and why_unknown:
        return [(UNKNOWN, f"{why_unknown}\n{UNKNOWN_TIP}")] * 2
    if reference is None:
        return [("measuring…", "What is usual for this model is being measured.")] * 2
    if not math.isfinite(answer.usual):
        return [("…", "")] * 2
    among = f"Among {len(reference.log_px):,} of {reference.name}, measured with as many samples."
    alone = standing(reference.log_px, answer.usual)
    return [
        (alone, f"{among}\nBy log p(x) alone an image with little in it is likely, {WHATEVER}."),
        (
            for_its_outline(answer, reference),
            f"Compared with what log p(x) is usual for a picture with as much outline.\n{DECIDES}",
        ),
    ]


def for_its_outline(answer: Answer, reference: Reference) -> str:
    """How likely an image is among usual ones with as much outline, in words."""
    from genviewer.engine.bayes_reference import outlines_of
    from genviewer.engine.image_beliefs import standing

    outlines = outlines_of(answer.question.pixels[None])
    adjusted = reference.adjusted(np.array([answer.usual]), outlines)
    return standing(np.sort(reference.own), float(adjusted[0]))


def _score_figures(answer: Answer, spec: Spec) -> list[Figure]:
    if answer.score is None:
        return []
    score, share = answer.score
    tip = "How real the discriminator finds it: a score of its own, not a probability."
    among = f"above {share:.0f} % of its own" if math.isfinite(share) else "…"
    return [
        Figure("discriminator", number(score), tip),
        Figure("compared", among, "The share of the model's own samples that score lower."),
    ]


def density_note(spec: Spec) -> str:
    """Why a model has no p(x); empty where it has one."""
    if spec.bounds_px:
        return ""
    if spec.density and spec.encoder:
        return f"p(x) is not known here: the model is told {told_of(spec)}."
    if spec.family == "gan":
        return "A GAN has no density: it draws, but cannot say how likely an image is."
    if spec.encoder:
        return "This model has an encoder but no density: it cannot say how likely an image is."
    return "This model only draws: it has no encoder and no density."


def classes_note(spec: Spec) -> str:
    """Why a model has no p(y | x); empty where it has one."""
    if spec.class_condition is None:
        return "p(y | x) needs a conditional model; this one has no classes."
    if not (spec.density and spec.encoder):
        return (
            "p(y | x) by Bayes' rule needs p(x | y), and this model has no density: it draws every "
            "class, but cannot say how likely an image is under it."
        )
    others = ", ".join(spec.must_be_told)
    return f"p(y | x) is not known here: it also takes {others}." if others else ""


def told_of(spec: Spec) -> str:
    """What a model is told beside a latent."""
    return " and ".join(condition.name for condition in spec.conditions)


def verdict(
    answer: Answer, reference: Reference | None, rejected: float, spec: Spec
) -> tuple[str, bool]:
    """What the bars come to, and whether the image is rejected as an outlier.

    Args:
        answer: what is known.
        reference: what is usual; None where that is not known.
        rejected: the share (0..1) of the reference that lies below the threshold.
        spec: of the model.
    """
    found = answer.beliefs
    if _strange(answer, reference, rejected):
        return REJECTION, True
    if found is None or spec.class_condition is None:
        return "", False
    best = int(found.best[0])
    undecided = abs(float(found.entropy[0]))  # rounding may leave less than nothing
    entropy = f"entropy {undecided:.2f} of {math.log(len(found.prior)):.2f}"
    if float(found.posterior[0, best]) < SURE:
        return f"Undecided; {entropy}", False
    return f"Taken for {spec.class_condition.label(best)}; {entropy}", False


def _strange(answer: Answer, reference: Reference | None, rejected: float) -> bool:
    """Whether an image is less likely than usual for as much outline as it has."""
    if reference is None or not math.isfinite(answer.usual):
        return False
    from genviewer.engine.bayes_reference import outlines_of

    outlines = outlines_of(answer.question.pixels[None])
    return bool(reference.rejected(np.array([answer.usual]), outlines, rejected)[0])


def likeness_text(likeness: tuple[float, float] | None) -> str:
    """PSNR and, where it is known, SSIM."""
    if likeness is None:
        return ""
    alike = f" · SSIM {likeness[1]:.2f}" if math.isfinite(likeness[1]) else ""
    return f"PSNR {likeness[0]:.1f} dB{alike}"
