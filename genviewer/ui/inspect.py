"""Asks the current model what it believes about an image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QEvent, QObject, Qt, Signal

from genviewer.core.condition import pack
from genviewer.core.frame import Failure
from genviewer.core.recipe import default_condition
from genviewer.engine.belief_thread import BeliefThread
from genviewer.engine.jobs import JobLane
from genviewer.session import edits
from genviewer.ui import inspect_words as words
from genviewer.ui.background import Background
from genviewer.ui.inspect_live import LiveWeights
from genviewer.ui.inspect_moves import InspectMoves
from genviewer.ui.inspected_image import InspectedImage
from genviewer.ui.inverting import Inverting, as_pixels
from genviewer.ui.models import Live, Loaded
from genviewer.ui.references import CHOOSE, References
from genviewer.ui.widgets.figure_rows import Figure
from genviewer.ui.widgets.inspect_panel import REDRAWN

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from genviewer.engine.bayes_reference import Reference
    from genviewer.engine.image_beliefs import Answer
    from genviewer.engine.inversion import Inversion
    from genviewer.ui.data_sources import DataSources
    from genviewer.ui.explain_window import ExplainWindow
    from genviewer.ui.explorer import Explorer
    from genviewer.ui.widgets.inspect_panel import InspectPanel

REJECTED = 0.01
SAMPLES = 500
NOT_FOUND_YET = "These are of the current sample. Invert the image first to see it as every class."
NOTHING_COPIED = "There is no image on the clipboard."
NEAREST = "nearest"
NO_IMAGE_YET = "Draw something first, or bring in an image."


class Inspect(QObject):
    """Works the panel (GUI thread); the model is asked in a thread of its own.

    Args:
        explorer: session, models, lanes and bridge.
        panel: what is shown and asked for.
        file: where it is remembered what images are compared with.
        sources: the data sets of which an image can be taken, or that it can be compared with.
        tell: (text, severity) says something.
        mark_posterior: (mean, deviation) or (None, None) shows a posterior on the sliders.
        current_pixels: the current sample, uint8 (H, W, C), or None.

    Signals:
        answered(object): an Answer about the image.
    """

    answered = Signal(object)
    _heard = Signal()

    def __init__(
        self,
        explorer: Explorer,
        panel: InspectPanel,
        file: Path,
        sources: DataSources,
        tell: Callable[[str, str], object],
        mark_posterior: Callable[[Any, Any], object],
        current_pixels: Callable[[], NDArray[np.uint8] | None],
    ) -> None:
        super().__init__(explorer)
        self._session = explorer.session
        self.panel, self._tell, self._mark = panel, tell, mark_posterior
        self._sources = sources
        self._loaded: Loaded | None = None
        self._priors: dict[str, NDArray[np.float64]] = {}
        self._samples = SAMPLES
        self.rejected = REJECTED
        self.answer: Answer | None = None
        self._inverted: tuple[NDArray[np.uint8], float] | None = None
        self._when_known: Callable[[Answer], object] | None = None
        self._unanswered = False
        self._explain: ExplainWindow | None = None
        self._thread = BeliefThread(self._heard.emit)
        self._heard.connect(self._take, Qt.ConnectionType.QueuedConnection)
        self._thread.start()
        self.image = InspectedImage(panel, explorer.looks, sources, tell, current_pixels, self)
        self.image.changed.connect(self._image_changed)
        self.references = References(explorer.jobs, file, self._reference_known, tell)
        self._moves = InspectMoves(explorer.session, mark_posterior)
        # Somebody waits for it, and what is measured in the other lanes may take a while.
        self._lane = JobLane("inverting")
        self._lane.start()
        self.inverting = Inverting(
            Background(self._lane, explorer.bridge, self),
            explorer.bridge,
            on_work=panel.set_work,
            on_preview=lambda pixels: panel.set_drawn(pixels, "Best so far", ""),
            on_found=self._inversion_found,
            on_failed=lambda text: tell(text, "error"),
        )
        self._weights = LiveWeights(panel, lambda: not self._unanswered, self)
        self._weights.taken.connect(self._take_weights)
        self._weights.rested.connect(self._ask)
        explorer.weights_changed.connect(self._weights.follow)
        explorer.model_shown.connect(self._show_model)
        explorer.rendered.connect(self.image.take_rendered)
        explorer.closing.connect(self._stop)
        self._connect()
        loaded = explorer.store.loaded(self._session.scene.model.id)
        if loaded is not None:
            self._show_model(loaded)

    def _connect(self) -> None:
        panel = self.panel
        panel.installEventFilter(self)
        panel.encode_wanted.connect(lambda: self._with_posterior(self._encode))
        panel.invert_wanted.connect(self._invert)
        panel.nothing_pasted.connect(lambda: self._tell(NOTHING_COPIED, "info"))
        panel.stop_wanted.connect(self.inverting.stop)
        panel.classes_wanted.connect(self._every_class)
        panel.explain_wanted.connect(self.explain)
        panel.prior_edited.connect(self._set_prior)
        panel.class_chosen.connect(lambda index: edits.choose_class(self._session, index))
        panel.samples_chosen.connect(self._set_samples)
        panel.reference_chosen.connect(self._choose_reference)

    def _stop(self) -> None:
        self._loaded = None  # an answer that is still under way finds nobody
        self._weights.end()
        self._thread.stop()
        self._lane.stop()

    # -- asking ----------------------------------------------------------------------------------

    @property
    def seen(self) -> NDArray[np.uint8] | None:
        """The image as the model is given it, uint8 (H, W, C); None where there is none."""
        return self.image.seen

    def show_image(self, pixels: NDArray[np.uint8], name: str) -> None:
        """Ask about an image uint8 (H, W, C) with 1, 3 or 4 channels."""
        self.image.show(pixels, name)

    def _image_changed(self) -> None:
        if self._inverted is not None or self.inverting.searching:
            figures = self.panel.figures
            figures.set_figures([figure for figure in figures.figures if figure.name != NEAREST])
            self.panel.set_drawn(None, REDRAWN, "")
        self._inverted = self._when_known = None
        self.inverting.cancel()
        if not self.image.following:
            self._mark(None, None)  # what is marked is of another image
        if self._loaded is not None:
            self.panel.figures.set_note(words.density_note(self._loaded.bundle.spec))
        self._ask()

    def _show_model(self, loaded: Loaded) -> None:
        """Another model is asked from now on."""
        if loaded is self._loaded:
            return
        self._loaded, self._unanswered = loaded, False
        if isinstance(loaded, Live):
            self._weights.begin()
            self.panel.set_notice(words.in_training(loaded.bundle))
        else:
            self._weights.end()
            self.panel.set_notice("")
        spec, panel = loaded.bundle.spec, self.panel
        self._mark(None, None)
        self.answer = None
        self.inverting.cancel()
        why_not, condition = words.classes_note(spec), spec.class_condition
        names = [condition.label(i) for i in range(condition.size)] if condition else []
        panel.classes_column.set_classes([] if why_not else names, why_not)
        if not why_not and loaded.ref.id in self._priors:
            panel.bars.set_prior(self._priors[loaded.ref.id])
        panel.set_density_shown(spec.bounds_px)
        if spec.bounds_px:
            panel.set_references(self.references.choices(loaded), self.references.current(loaded))
        panel.figures.set_note(
            words.density_note(spec) or (words.NO_IMAGE if self.seen is None else "")
        )
        panel.figures.set_figures([])
        panel.drawing.set_coloured(spec.image.channels >= 3)
        program = loaded.bundle.config.network.get("type") == "program"
        panel.set_abilities(encode=spec.encoder, invert=not program, classes=condition is not None)
        panel.set_drawn(None, REDRAWN, "")
        panel.classes_column.set_verdict("")
        self.image.set_size(spec.image)

    def _take_weights(self, live: Live) -> None:
        """The same model has learned meanwhile: ask it about the same image."""
        if self._loaded is None or self._loaded.ref.id != live.ref.id:
            return
        self._loaded = live
        self.panel.set_notice(words.in_training(live.bundle))
        self._ask()

    def _ask(self) -> None:
        loaded, pixels = self._loaded, self.seen
        if loaded is None or pixels is None or not self.panel.isVisible():
            return
        spec = loaded.bundle.spec
        if not spec.encoder and not spec.discriminator:
            return  # the note says why there is no answer
        from genviewer.engine.image_beliefs import Question

        prior, moving = self._priors.get(loaded.ref.id), self._weights.moving
        told = self._condition(loaded)
        question = Question(pixels, prior, self._samples, loaded.bundle.model_id, told, moving)
        self._unanswered = True
        self._thread.ask(loaded.bundle, loaded.generator, question)
        if spec.bounds_px and not moving:
            self.references.want(loaded)

    def _condition(self, loaded: Loaded) -> NDArray[np.float32]:
        """What the current sample is drawn with, packed float32 (K,)."""
        scene, spec = self._session.scene, loaded.bundle.spec
        same = scene.model.id == loaded.ref.id
        return pack(scene.recipe.condition if same else default_condition(spec), spec)

    def _take(self) -> None:
        found = self._thread.take()
        if found is None or self._loaded is None:
            return
        self._unanswered = False
        if isinstance(found, Failure):
            if found.model == self._loaded.bundle.ref:
                self._show_failure(found.message)
            return
        # One about the image just before this one counts: the bars are to move with the hand.
        if found.question.model_id == self._loaded.bundle.model_id:
            self.answer = found
            self._show_answer()

    def _show_failure(self, message: str) -> None:
        """Nothing is known of this image, and what was of another is not its own."""
        self.answer = self._when_known = None
        panel = self.panel
        panel.figures.set_note(message)
        panel.figures.set_figures(self._nearest_figures())
        panel.bars.set_posterior(None)
        panel.classes_column.set_verdict("")
        if self._inverted is None and not self.inverting.searching:
            panel.set_drawn(None, REDRAWN, "")

    def _show_answer(self) -> None:
        answer, loaded = self.answer, self._loaded
        if answer is None or loaded is None:
            return
        spec, panel, reference = loaded.bundle.spec, self.panel, self._reference()
        why = self.references.why_unknown(loaded)
        panel.figures.set_figures(
            [
                *words.figures_of(answer, reference, spec, self._weights.moving, why),
                *self._nearest_figures(),
            ]
        )
        panel.figures.set_note(words.density_note(spec))
        if answer.beliefs is not None:
            panel.bars.set_posterior(answer.beliefs.posterior[0])
        panel.classes_column.set_verdict(*words.verdict(answer, reference, self.rejected, spec))
        if self._inverted is None and not self.inverting.searching:
            self._show_redrawn(answer)
        if self._explain is not None:
            self._explain.show_answer(spec, answer, reference)
        self.answered.emit(answer)
        self._go_on(answer)

    def _go_on(self, answer: Answer) -> None:
        """Do what waited for where the image lies, if that is known now."""
        if self._when_known is None:
            return
        if self._is_settled(answer):
            then, self._when_known = self._when_known, None
            then(answer)
        elif answer.done and answer.posterior is not None and answer.question.pixels is self.seen:
            self._ask()  # the sample has another condition by now than when this was asked

    def _show_redrawn(self, answer: Answer) -> None:
        if answer.reconstruction is not None:
            text = words.likeness_text(answer.likeness)
            self.panel.set_drawn(answer.reconstruction, REDRAWN, text)

    def _is_settled(self, answer: Answer) -> bool:
        """Whether an answer is about this very image, and more than a first look."""
        loaded, asked = self._loaded, answer.question
        about_this = asked.pixels is self.seen and answer.posterior is not None
        told = asked.condition
        if loaded is not None and told is not None and not loaded.bundle.spec.bounds_px:
            # It was encoded with what the sample was drawn with then.
            about_this = about_this and np.array_equal(told, self._condition(loaded))
        return about_this and (answer.done or bool(np.isfinite(answer.usual)))

    def _set_prior(self, weights: NDArray[np.float64]) -> None:
        if self._loaded is not None:
            self._priors[self._loaded.ref.id] = weights
            self._ask()

    def _set_samples(self, samples: int) -> None:
        self._samples = samples
        self._ask()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.panel and event.type() == QEvent.Type.Show:
            self._weights.wake()
            self._ask()  # nothing was asked while nobody looked
        return super().eventFilter(watched, event)

    # -- what is usual ---------------------------------------------------------------------------

    def _reference(self) -> Reference | None:
        return self.references.known(self._loaded) if self._loaded is not None else None

    def _reference_known(self, model_id: str, _reference: Reference | None) -> None:
        if self._loaded is not None and self._loaded.bundle.model_id == model_id:
            self._show_answer()

    def set_rejected(self, share: float) -> None:
        """Reject what is less likely than this share (0..1) of the reference."""
        self.rejected = share
        self._show_answer()

    def _choose_reference(self, key: str) -> None:
        loaded = self._loaded
        if loaded is None:
            return
        if key == CHOOSE:
            from genviewer.ui.image_source import ask_source

            key = ask_source(self.panel.window(), self._sources)
            key = key or self.references.current(loaded)
        self.references.choose(loaded, key)
        self.references.forget_failure(loaded)
        self.panel.set_references(self.references.choices(loaded), key)
        self.references.want(loaded)
        self._show_answer()

    # -- the explorer moves ----------------------------------------------------------------------

    def _with_posterior(self, then: Callable[[Answer], object]) -> None:
        """Do something with where the image lies, as soon as that is known."""
        if self.seen is None:
            self._tell(NO_IMAGE_YET, "info")
        elif self.answer is not None and self._is_settled(self.answer):
            then(self.answer)
        else:
            self._when_known = then
            self._ask()

    def _encode(self, answer: Answer) -> None:
        if answer.posterior is not None and self._loaded is not None:
            self._moves.encode(self._loaded.bundle.spec, answer.posterior)
            self._show_redrawn(answer)

    def _every_class(self) -> None:
        loaded = self._loaded
        if loaded is None:
            return
        spec = loaded.bundle.spec
        if spec.encoder and self.seen is not None:
            self._with_posterior(lambda answer: self._moves.every_class(spec, answer.posterior))
        else:
            self._moves.every_class(spec, None)
            if self.seen is not None and self._inverted is None and not self.image.following:
                self._tell(NOT_FOUND_YET, "info")

    def _invert(self) -> None:
        if self._loaded is None or self.seen is None:
            self._tell(NO_IMAGE_YET, "info")
            return
        if self.image.following:
            self.image.follow(False)  # or going there would begin another search
        self.inverting.start(self._loaded, self.seen)

    def _inversion_found(self, loaded: Loaded, found: Inversion) -> None:
        if self._loaded is None or loaded.ref.id != self._loaded.ref.id:
            return
        self._moves.invert(loaded.bundle.spec, found)
        decibels, alike = float(found.psnr[0]), float(found.ssim[0])
        self._inverted = (as_pixels(found.pictures[0]), decibels)
        text = words.likeness_text((decibels, alike))
        self.panel.set_drawn(self._inverted[0], "Inversion", text)
        if self.answer is not None:
            self._show_answer()
        else:
            self.panel.figures.set_figures(self._nearest_figures())

    def _nearest_figures(self) -> list[Figure]:
        """How near the nearest image is that a search has found."""
        if self._inverted is None or self.seen is None:
            return []
        drawn, decibels = self._inverted
        away = float(np.sqrt(np.mean((drawn.astype(np.float32) - self.seen) ** 2))) / 255.0
        tip = "The nearest image that a search has found: a distance, not a probability."
        return [Figure(NEAREST, f"{away:.3f} RMS, {decibels:.1f} dB", tip)]

    # -- explaining ------------------------------------------------------------------------------

    def explain(self) -> None:
        """Show how p(x), p(y | x) and p(x | y) hang together for this model and image."""
        from genviewer.ui.explain_window import ExplainWindow

        if self._explain is None:
            self._explain = ExplainWindow(self.panel.window())
            self._explain.destroyed.connect(self._forget_explain)
        if self._loaded is not None:
            spec = self._loaded.bundle.spec
            self._explain.show_answer(spec, self.answer, self._reference())
        self._explain.show()
        self._explain.raise_()
        self._explain.activateWindow()

    def _forget_explain(self) -> None:
        self._explain = None
