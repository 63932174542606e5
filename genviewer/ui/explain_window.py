"""How p(x), p(y | x) and p(x | y) hang together, for one model and one image, in numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from genviewer.ui import theme
from genviewer.ui.inspect_words import for_its_outline, told_of
from genviewer.ui.numerals import MINUS, with_minus
from genviewer.ui.widgets.bounds_picture import BoundsPicture
from genviewer.ui.widgets.explain_picture import ClassColumn, ExplainPicture
from genviewer.ui.widgets.picture_tile import PictureTile
from genviewer.ui.widgets.posterior_bars import percent_text

if TYPE_CHECKING:
    from PySide6.QtGui import QKeyEvent

    from genviewer.core.spec import Spec
    from genviewer.engine.bayes_reference import Reference
    from genviewer.engine.image_beliefs import Answer

COLUMNS = 10
NO_IMAGE = "Draw something in the Inspect panel, or bring in an image: it is explained here."


class ExplainWindow(QWidget):
    """A window of its own that follows the image; Escape closes it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Window)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("How p(x), p(y | x) and p(x | y) hang together")
        self.resize(900, 320)
        self.title = QLabel(self)
        font = theme.strong(self.font())
        font.setPixelSize(17)
        self.title.setFont(font)
        self.lead = _paragraph(self)
        self.image = PictureTile("x: the image", "", self)
        self.image.setFixedSize(132, 140)
        self.redrawn = PictureTile("redrawn", "", self)
        self.redrawn.setFixedSize(132, 140)
        self.picture = ExplainPicture(self)
        self.bounds = BoundsPicture(self)
        self.text = _paragraph(self)
        self.text.setAlignment(Qt.AlignmentFlag.AlignTop)
        head = QHBoxLayout()
        head.setSpacing(16)
        head.addWidget(self.image)
        head.addWidget(self.redrawn)
        words = QVBoxLayout()
        words.addWidget(self.title)
        words.addWidget(self.lead, 1)
        head.addLayout(words, 1)
        column = self._column = QVBoxLayout(self)
        column.setContentsMargins(24, 16, 24, 16)
        column.setSpacing(12)
        column.addLayout(head)
        column.addWidget(self.picture)
        column.addWidget(self.bounds)
        column.addWidget(self.text, 1)

    def show_answer(self, spec: Spec, answer: Answer | None, reference: Reference | None) -> None:
        """Explain what a model believes; None where it was not asked about an image yet."""
        self.title.setText(f"What {spec.name} believes about this image")
        beliefs = answer.beliefs if answer is not None else None
        shape = (self.picture.isHidden(), self.bounds.isHidden())
        self.image.set_pixels(None if answer is None else answer.question.pixels)
        self.redrawn.set_pixels(None if answer is None else answer.reconstruction)
        self.redrawn.setVisible(answer is not None and answer.reconstruction is not None)
        self.picture.setVisible(beliefs is not None)
        bounded = answer is not None and beliefs is None and answer.likelihoods is not None
        self.bounds.setVisible(bounded)
        if answer is None:
            missing = what_exists(spec, None)
            self.lead.setText(NO_IMAGE if spec.bounds_px else "")
            self.text.setText(missing)
        elif beliefs is not None:
            self.picture.set_columns(*columns_of(spec, answer))
            self.lead.setText(conditional_lead(spec))
            self.text.setText(conditional_text(spec, answer, reference))
        elif answer.likelihoods is not None:
            found = answer.likelihoods
            self.bounds.set_bounds(
                float(found.reconstruction[0]), float(found.elbo[0]), float(found.log_px[0])
            )
            self.lead.setText(unconditional_lead(spec))
            self.text.setText(unconditional_text(answer, reference))
        else:
            self.lead.setText("")
            self.text.setText(what_exists(spec, answer))
        if shape != (self.picture.isHidden(), self.bounds.isHidden()):
            self.resize(self.width(), self._column.totalHeightForWidth(self.width()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.close()
        else:
            super().keyPressEvent(event)


def _paragraph(parent: QWidget) -> QLabel:
    label = QLabel(parent)
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.RichText)
    label.setAlignment(Qt.AlignmentFlag.AlignTop)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label


def columns_of(spec: Spec, answer: Answer) -> tuple[list[ClassColumn], float, int]:
    """The classes that matter, in their order, log p(x), and how many classes are left out."""
    beliefs, condition = answer.beliefs, spec.class_condition
    if beliefs is None or condition is None:
        return [], 0.0, 0
    with np.errstate(divide="ignore"):
        log_prior = np.log(beliefs.prior)
    joint = beliefs.log_pxy[0] + log_prior
    shown = np.sort(np.argsort(-joint, kind="stable")[:COLUMNS])
    columns = [
        ClassColumn(
            condition.label(int(k)),
            None if answer.by_class is None else answer.by_class[k],
            float(beliefs.log_pxy[0, k]),
            float(log_prior[k]),
            float(beliefs.posterior[0, k]),
        )
        for k in shown
    ]
    log_px = float(beliefs.likelihoods.log_px[0])
    return columns, log_px, len(joint) - len(shown)


def conditional_lead(spec: Spec) -> str:
    """What a conditional model can do, in a few sentences."""
    return (
        f"<b>p(x | y)</b>: {_esc(spec.name)} has learned to draw images <i>x</i> of a class "
        "<i>y</i>, and can say how likely an image is under each. <b>Bayes' rule</b> turns that "
        "around: it says which class an image is of, <b>p(y | x)</b>; and summed over the classes "
        "it says how likely the image is at all, <b>p(x)</b>. Read each column downwards."
    )


def conditional_text(spec: Spec, answer: Answer, reference: Reference | None) -> str:
    """The formula with this image's numbers."""
    beliefs, condition = answer.beliefs, spec.class_condition
    if beliefs is None or condition is None:
        return ""
    best = int(beliefs.best[0])
    log_pxy, posterior = float(beliefs.log_pxy[0, best]), float(beliefs.posterior[0, best])
    prior, log_px = float(beliefs.prior[best]), float(beliefs.likelihoods.log_px[0])
    name = _esc(condition.label(best))
    return (
        f"<p><b>p(x)</b> = Σ<sub>y</sub> p(x | y) p(y), &nbsp; so &nbsp; log p(x) = "
        f"logsumexp over the {len(beliefs.prior)} classes of ( log p(x | y) + log p(y) ) = "
        f"<b>{nats2(log_px)} nats</b>{_standing(answer, reference)}."
        f"{_outline(answer, reference)}</p>"
        f"<p><b>p({name} | x)</b> = p(x | {name}) p({name}) / p(x) = "
        f"exp( {nats2(log_pxy)} + ({nats2(math.log(prior)) if prior else MINUS + '∞'}) {MINUS} "
        f"({nats2(log_px)}) ) = <b>{percent_text(posterior)}</b>.</p>"
        f"<p>log p(x | y) is a lower bound from {beliefs.likelihoods.samples:,} importance samples "
        f"of the classes that matter, and of fewer for those far behind. It is the "
        f"{_esc(beliefs.likelihoods.measure)}.</p>"
    )


def unconditional_lead(spec: Spec) -> str:
    """What a VAE without classes can do."""
    return (
        f"{_esc(spec.name)} has learned <b>p(x)</b>: it draws a latent <i>z</i> from the prior, "
        "and from it an image <i>x</i>. How likely an image is can be bounded from below. It knows "
        "no classes, so there is no p(x | y), and Bayes' rule has nothing to turn into p(y | x)."
    )


def unconditional_text(answer: Answer, reference: Reference | None) -> str:
    """The bounds with this image's numbers."""
    found = answer.likelihoods
    if found is None:
        return ""
    elbo, log_px = float(found.elbo[0]), float(found.log_px[0])
    reconstruction, kl = float(found.reconstruction[0]), float(found.kl[0])
    return (
        f"<p><b>Reconstruction</b>, the mean of log p(x | z) over the latents that fit: "
        f"<b>{nats2(reconstruction)} nats</b>: how well it is redrawn.</p>"
        f"<p><b>KL</b>, from those latents to the prior: <b>{nats2(kl)} nats</b>: how much has to "
        "be said about z to get there.</p>"
        f"<p><b>ELBO</b> = reconstruction {MINUS} KL = {nats2(reconstruction)} {MINUS} "
        f"{nats2(kl)} = <b>{nats2(elbo)} nats</b> ≤ log p(x).</p>"
        f"<p>With {found.samples:,} importance samples the bound is tighter: "
        f"log p(x) ≥ <b>{nats2(log_px)} nats</b>{_standing(answer, reference)}. The gap of "
        f"{nats2(max(log_px - elbo, 0.0))} nats is what the encoder's posterior misses."
        f"{_outline(answer, reference)}</p>"
        f"<p>It is the {_esc(found.measure)}.</p>"
    )


def what_exists(spec: Spec, answer: Answer | None) -> str:
    """Which of the three a model has, one sentence each, with what is known of an image."""
    draws = (
        f"It draws images of each of its {spec.class_condition.size} classes."
        if (spec.class_condition is not None)
        else "It knows no classes."
    )
    if spec.bounds_px:
        density = "It bounds log p(x) from below."
        bayes = (
            "By Bayes' rule it says which class an image is of."
            if spec.class_condition is not None
            else "Without classes there is nothing to ask."
        )
    else:
        density = (
            "It has none: a GAN learns p(x) by samples alone. It draws from it, but cannot say how "
            "likely an image is."
            if spec.family == "gan"
            else "It has none: it cannot say how likely an image is."
        )
        bayes = "Bayes' rule needs p(x | y) as a number, which this model does not have."
        if spec.density and spec.encoder:
            density = f"It is not known here: the model is told {_esc(told_of(spec))}."
            bayes = "It is not known here for the same reason."
    score = (
        "<p><b>Discriminator</b>: how real it finds an image, on a scale of its own. It is not a "
        f"probability.{_score(answer)}</p>"
        if spec.discriminator
        else ""
    )
    return (
        f"<p><b>p(x | y)</b>: {draws}</p><p><b>p(x)</b>: {density}</p>"
        f"<p><b>p(y | x)</b>: {bayes}</p>{score}"
        "<p><b>Nearest inversion</b>: a search for the latent that draws the image best tells how "
        "near the model can come to it: a distance, not a probability.</p>"
    )


def _score(answer: Answer | None) -> str:
    if answer is None or answer.score is None:
        return ""
    score, share = answer.score
    among = f", above {share:.0f} % of the model's own samples" if math.isfinite(share) else ""
    return f" This image scores <b>{nats2(score)}</b>{among}."


def _standing(answer: Answer, reference: Reference | None) -> str:
    from genviewer.engine.image_beliefs import standing

    if reference is None or not math.isfinite(answer.usual):
        return ""
    words = standing(reference.log_px, answer.usual)
    return f", {words} of {_esc(reference.name)}"


def _outline(answer: Answer, reference: Reference | None) -> str:
    """What decides whether an image is rejected: beside log p(x), not the same."""
    if reference is None or reference.outlines is None or not math.isfinite(answer.usual):
        return ""
    return (
        " A picture with little in it is likely whatever it shows, so what is rejected is decided "
        f"for as much outline: this one is <b>{for_its_outline(answer, reference)}</b>."
    )


def nats2(value: float) -> str:
    """A number of nats with two digits and a proper minus sign."""
    return with_minus(f"{value:.2f}")


def _esc(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
