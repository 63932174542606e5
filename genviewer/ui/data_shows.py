"""What the data set window's pages about beliefs and posteriors need, and how they show it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from genviewer.engine.data_beliefs import (
    accuracy_against_rejection,
    calibration,
    confusion,
    doubt,
)
from genviewer.ui.inspect_words import told_of
from genviewer.ui.numerals import number
from genviewer.ui.widgets.data_page import percent

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from genviewer.core.recipe import ModelRef, Recipe
    from genviewer.core.spec import Spec
    from genviewer.engine.data_beliefs import Calibration, DataBeliefs
    from genviewer.engine.data_figures import DataFigures, Split
    from genviewer.engine.density import Reports
    from genviewer.engine.posterior_statistics import PosteriorStatistics
    from genviewer.engine.viewed_data import ViewedData
    from genviewer.io.bundle import Bundle
    from genviewer.ui.widgets.bayes_page import BayesPage
    from genviewer.ui.widgets.outlier_page import OutlierPage
    from genviewer.ui.widgets.posterior_page import PosteriorPage

SAMPLES = 16
"""Importance samples for an image, and for every class of it that may matter."""

LISTED = 60


@dataclass(frozen=True, eq=False)
class Look:
    """What a page is asked to show.

    Attributes:
        bundle: the model; ``model`` is how the Scene names it.
        source, split, count: the data set, and how many images of it.
        method: of the scatter.
        recipe, pixels: the current sample, uint8 (H, W, C), or None.
    """

    bundle: Bundle
    model: ModelRef
    source: str
    split: Split
    count: int
    method: str
    recipe: Recipe
    pixels: NDArray[np.uint8] | None

    @property
    def of(self) -> tuple[str, str]:
        """The model's id and the data set."""
        return self.bundle.model_id, self.source


class Show(Protocol):
    """One page: why there is nothing to see, what has to be measured, and how it is shown."""

    def why_not(self, spec: Spec) -> str:
        """Why a model has no answer, as a sentence; empty where it has one."""
        ...

    def measure(self, figures: DataFigures, view: ViewedData, look: Look, progress: Reports) -> Any:
        """What is to be shown; in a job's thread."""
        ...

    def show(self, view: ViewedData, found: Any, look: Look) -> None:
        """Show it (GUI thread)."""
        ...


def no_density(spec: Spec) -> str:
    """Why a model does not say how likely an image is; empty where it does."""
    if spec.bounds_px:
        return ""
    if spec.density and spec.encoder:
        return (
            f"{spec.name} is told {told_of(spec)}, which the images do not say and which "
            "cannot be summed over: their p(x) is not known here."
        )
    if spec.family == "gan":
        return (
            f"{spec.name} is a GAN: it draws samples of p(x) and cannot say how large p(x) is, so "
            "it has neither outliers nor a Bayes classifier. A VAE has both."
        )
    return f"{spec.name} has no density: log p(x) needs a VAE with its encoder."


def no_encoder(spec: Spec) -> str:
    """Why a model does not say where an image lies; empty where it does."""
    if spec.encoder:
        return ""
    return (
        f"{spec.name} has no encoder: it draws images from latents and cannot say which latent an "
        "image has. A VAE can; single images can be inverted in the Inspect panel."
    )


class Outliers:
    """The page of log p(x)."""

    def __init__(self, page: OutlierPage) -> None:
        self.page = page
        self.of: tuple[str, str] | None = None
        """Of which model and data set the page is."""

    def why_not(self, spec: Spec) -> str:
        """As :meth:`Show.why_not`."""
        return no_density(spec)

    def measure(
        self, figures: DataFigures, view: ViewedData, look: Look, progress: Reports
    ) -> DataBeliefs:
        """As :meth:`Show.measure`."""
        return figures.beliefs(look.bundle, view, SAMPLES, progress)

    def show(self, view: ViewedData, found: DataBeliefs, look: Look) -> None:
        """As :meth:`Show.show`; a threshold that a person chose stays while the model does."""
        kept = self.page.threshold if self.of == look.of else None
        self.of = look.of
        self.page.set_figures(found.log_px, view.images, found.measure, kept)


@dataclass(frozen=True, eq=False)
class BayesFigures:
    """What is read off the beliefs about images whose classes are known."""

    beliefs: DataBeliefs
    counts: NDArray[np.int64]
    calibration: Calibration
    curves: tuple[tuple[NDArray[np.float64], NDArray[np.float64]], ...]


class Bayes:
    """The page of p(y | x)."""

    def __init__(self, page: BayesPage) -> None:
        self.page = page
        self._view: ViewedData | None = None
        self._found: BayesFigures | None = None
        self._spec: Spec | None = None
        self._of: tuple[str, str] | None = None
        self._threshold: tuple[tuple[str, str], float] | None = None
        page.cell_chosen.connect(self._show_cell)

    def why_not(self, spec: Spec) -> str:
        """As :meth:`Show.why_not`."""
        why = no_density(spec)
        if why:
            return why
        condition = spec.class_condition
        if condition is None:
            return (
                f"{spec.name} has no classes: p(y | x) by Bayes' rule needs p(x | y) of a "
                "conditional model."
            )
        return ""

    def measure(
        self, figures: DataFigures, view: ViewedData, look: Look, progress: Reports
    ) -> BayesFigures | str:
        """As :meth:`Show.measure`; a sentence where the data's classes are not the model's."""
        labels, condition = view.labels, look.bundle.spec.class_condition
        if labels is None or condition is None:
            return (
                f"The images of {view.source} come without classes that {look.bundle.spec.name} "
                "knows, so nobody can say which answers are right."
            )
        beliefs = figures.beliefs(look.bundle, view, SAMPLES, progress)
        posterior, best = beliefs.posterior, beliefs.best
        if posterior is None or best is None:
            return f"{look.bundle.spec.name} has no classes."
        right = best == labels
        return BayesFigures(
            beliefs,
            confusion(labels, best, condition.size),
            calibration(posterior, labels),
            (
                accuracy_against_rejection(beliefs.log_px, right),
                accuracy_against_rejection(-doubt(posterior), right),
            ),
        )

    def show(self, view: ViewedData, found: BayesFigures | str, look: Look) -> None:
        """As :meth:`Show.show`."""
        if isinstance(found, str):
            self._found = None
            self.page.say(found)
            return
        self._view, self._found, self._spec = view, found, look.bundle.spec
        self._of = look.of
        condition, page = look.bundle.spec.class_condition, self.page
        names = [condition.label(i) for i in range(condition.size)] if condition else []
        page.set_confusion(found.counts, names)
        cal = found.calibration
        page.calibration.set_bins(cal.edges, cal.count, cal.confidence, cal.accuracy)
        page.rejection.set_curves(*found.curves)
        page.matrix.set_current(None)
        self._show_cell(None, None)
        self._tell_rejection()
        page.show_figures()

    def set_threshold(self, threshold: float, of: tuple[str, str]) -> None:
        """Reject below a log p(x) of this model and data set; by default the lowest hundredth."""
        self._threshold = (of, threshold)
        self._tell_rejection()

    def _tell_rejection(self) -> None:
        """Say what rejecting gains; nats of another model or data set say nothing here."""
        view, found = self._view, self._found
        if found is None or view is None:
            return
        beliefs, labels = found.beliefs, view.labels
        log_px, best, posterior = beliefs.log_px, beliefs.best, beliefs.posterior
        if best is None or posterior is None or labels is None:
            return
        if self._threshold is not None and self._threshold[0] == self._of:
            threshold = self._threshold[1]
        else:
            threshold = float(np.quantile(log_px, 0.01))
        kept, right = log_px >= threshold, best == labels
        share = 1.0 - float(kept.mean())
        rest = "none is left"
        if kept.any():
            rest = f"{percent(right[kept].mean(), 2)} of the rest are right"
        self.page.rejection.set_share(share)
        self.page.set_summary(
            f"{percent(right.mean(), 2)} of {len(right):,} images are recognised. The model is "
            f"{percent(posterior.max(1).mean(), 2)} sure on average, and its expected calibration "
            f"error is {percent(found.calibration.error, 2)}. With the {percent(share)} below "
            f"{number(threshold, 1)} nats rejected, {rest}."
        )

    def _show_cell(self, row: int | None, column: int | None) -> None:
        """Show the images of a cell of the matrix, or all that are wrong."""
        view, found = self._view, self._found
        if found is None or view is None or view.labels is None or self._spec is None:
            return
        posterior, best = found.beliefs.posterior, found.beliefs.best
        condition = self._spec.class_condition
        if posterior is None or best is None or condition is None:
            return
        cell = None if row is None or column is None else (row, column)
        inside = best != view.labels
        if cell is not None:
            inside = (view.labels == row) & (best == column)
        rows = np.flatnonzero(inside)
        rows = rows[np.argsort(-posterior[rows, best[rows]], kind="stable")]
        shown = rows[:LISTED]
        captions = [
            f"as {condition.label(best[r])}, {percent(posterior[r, best[r]], 0)}" for r in shown
        ]
        self.page.set_cell(cell, shown, view.images[shown], captions, len(rows))


class Posteriors:
    """The page of the aggregated posterior."""

    def __init__(self, page: PosteriorPage) -> None:
        self.page = page

    def why_not(self, spec: Spec) -> str:
        """As :meth:`Show.why_not`."""
        return no_encoder(spec)

    def measure(
        self, figures: DataFigures, view: ViewedData, look: Look, progress: Reports
    ) -> tuple[PosteriorStatistics, bool]:
        """As :meth:`Show.measure`; also whether the classes were guessed."""
        encoded = figures.encoded(look.bundle, view, progress)
        return figures.statistics(look.bundle, view, progress), encoded.guessed

    def show(self, view: ViewedData, found: tuple[PosteriorStatistics, bool], look: Look) -> None:
        """As :meth:`Show.show`."""
        statistics, guessed = found
        self.page.set_figures(statistics, guessed_note(look.bundle.spec) if guessed else "")


def guessed_note(spec: Spec) -> str:
    """How images without known classes were encoded."""
    return f"Each was encoded as the class that {spec.name} takes it for."
