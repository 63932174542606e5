"""Asks the current model what it believes about an image, and moves the explorer to it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtWidgets import QFileDialog

from genviewer.core.condition import one_class
from genviewer.core.frame import Failure, Frame
from genviewer.core.latent import Latent
from genviewer.core.recipe import Recipe
from genviewer.engine.belief_thread import BeliefThread
from genviewer.engine.jobs import JobLane
from genviewer.io.dataset_fit import fit_image
from genviewer.io.dataset_values import DataError
from genviewer.session import edits
from genviewer.ui import inspect_words as words
from genviewer.ui.background import Background
from genviewer.ui.inverting import Inverting
from genviewer.ui.models import Live, Loaded
from genviewer.ui.references import CHOOSE, References
from genviewer.ui.widgets.figure_rows import Figure
from genviewer.ui.widgets.inspect_panel import REDRAWN

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from genviewer.engine.bayes_reference import Reference
    from genviewer.engine.image_beliefs import Answer
    from genviewer.engine.inversion import Inversion
    from genviewer.engine.jobs import Progress
    from genviewer.engine.rendered import Rendered
    from genviewer.ui.explain_window import ExplainWindow
    from genviewer.ui.explorer import Explorer
    from genviewer.ui.widgets.inspect_panel import InspectPanel

REJECTED = 0.01
IMAGES = "Images (*.png *.jpg *.jpeg *.gif *.webp *.tif *.tiff)"
SMALL = 64
"""Grey models up to this size expect what is drawn in the middle, as MNIST has it."""


class Inspect(QObject):
    """Works the panel (GUI thread); the model is asked in a thread of its own.

    Args:
        explorer: session, models, lanes and bridge.
        panel: what is shown and asked for.
        file: where it is remembered what images are compared with.
        tell: (text, severity) says something.
        mark_posterior: (mean, deviation) or (None, None) shows a posterior on the sliders.
        current_pixels: the current sample, uint8 (H, W, C), or None.

    Signals:
        answered: an Answer about the image, or None where there is nothing to say.
    """

    answered = Signal(object)
    _heard = Signal()

    def __init__(
        self,
        explorer: Explorer,
        panel: InspectPanel,
        file: Path,
        tell: Callable[[str, str], object],
        mark_posterior: Callable[[object, object], object],
        current_pixels: Callable[[], NDArray[np.uint8] | None],
    ) -> None:
        super().__init__(explorer)
        self._explorer, self._session = explorer, explorer.session
        self.panel, self._tell, self._mark = panel, tell, mark_posterior
        self._current_pixels = current_pixels
        self._image: NDArray[np.uint8] | None = None
        self._is_drawing = False
        self._following = False
        self._seen: NDArray[np.uint8] | None = None
        self._fitted: tuple[object, ...] | None = None
        self._loaded: Loaded | None = None
        self._priors: dict[str, NDArray[np.float64]] = {}
        self._samples = 500
        self.rejected = REJECTED
        self.answer: Answer | None = None
        self._inverted: tuple[NDArray[np.uint8], float] | None = None
        self._when_known: Callable[[Answer], object] | None = None
        self._explain: ExplainWindow | None = None
        self._thread = BeliefThread(self._heard.emit)
        self._heard.connect(self._take, Qt.ConnectionType.QueuedConnection)
        self._thread.start()
        self.references = References(explorer.jobs, file, self._reference_known, tell)
        # Somebody waits for it, and what is measured in the other lanes may take a while.
        self._lane = JobLane("inverting")
        self._lane.start()
        self.inverting = Inverting(
            Background(self._lane, explorer.bridge, self),
            explorer.bridge,
            on_work=panel.set_work,
            on_preview=lambda pixels: panel.set_drawn(pixels, "Best so far", ""),
            on_found=self._go_to_inversion,
            on_failed=lambda text: tell(text, "error"),
        )
        explorer.model_shown.connect(self._show_model)
        explorer.rendered.connect(self._follow)
        explorer.closing.connect(self._stop)
        panel.installEventFilter(self)
        panel.drawn.connect(self._draw)
        panel.file_wanted.connect(self._ask_file)
        panel.data_wanted.connect(self._ask_data)
        panel.image_given.connect(self.show_image)
        panel.file_given.connect(self.open_file)
        panel.sample_toggled.connect(self.follow_sample)
        panel.fit_changed.connect(self._refit)
        panel.encode_wanted.connect(lambda: self._with_posterior(self._encode))
        panel.invert_wanted.connect(self._invert)
        panel.cancel_wanted.connect(self._cancel)
        panel.classes_wanted.connect(lambda: self._with_posterior(self._every_class))
        panel.explain_wanted.connect(self.explain)
        panel.prior_edited.connect(self._set_prior)
        panel.class_chosen.connect(lambda index: edits.choose_class(self._session, index))
        panel.samples_chosen.connect(self._set_samples)
        panel.reference_chosen.connect(self._choose_reference)
        loaded = explorer.store.loaded(self._session.scene.model.id)
        if loaded is not None:
            self._show_model(loaded)

    def _stop(self) -> None:
        self._loaded = None  # an answer that is still under way finds nobody
        self._thread.stop()
        self._lane.stop()

    # -- the image -------------------------------------------------------------------------------

    @property
    def seen(self) -> NDArray[np.uint8] | None:
        """The image as the model is given it, uint8 (H, W, C); None where there is none."""
        return self._seen

    def show_image(self, pixels: NDArray[np.uint8], name: str) -> None:
        """Ask about an image uint8 (H, W, C) with 1, 3 or 4 channels."""
        self.follow_sample(False)
        self._image, self._is_drawing = pixels, False
        self.panel.drawing.pad.set_pixels(pixels)
        self.panel.image.source.setText(name)
        self._refit()

    def open_file(self, path: Path) -> None:
        """Ask about an image in a file."""

        def work(progress: Progress) -> NDArray[np.uint8]:
            from genviewer.io.image_decode import decode_image

            levels = decode_image(path)
            deep = levels.dtype == np.uint16
            return np.round(levels / 257.0).astype(np.uint8) if deep else levels.astype(np.uint8)

        self._explorer.looks.submit(
            work,
            f"Reading {path.name}",
            key="inspected image",
            done=lambda pixels: self.show_image(pixels, path.name),
            failed=lambda error: self._tell(str(error), "error"),
            quiet=True,
        )

    def follow_sample(self, on: bool) -> None:
        """Ask about the current sample, as it changes."""
        self._following = on
        self.panel.image.sample.setChecked(on)
        if on:
            self._is_drawing = False
            self.panel.image.source.setText("current sample")
            pixels = self._current_pixels()
            if pixels is not None:
                self._look_at(pixels)

    def _follow(self, rendered: Rendered) -> None:
        frame = rendered.focus
        if self._following and self.panel.isVisible() and isinstance(frame, Frame):
            self._look_at(frame.pixels)

    def _look_at(self, sample: NDArray[np.uint8]) -> None:
        self._image = sample
        self.panel.drawing.pad.set_pixels(sample, keep=False)
        self._refit()

    def _draw(self) -> None:
        if self._following:
            self.follow_sample(False)
        if not self._is_drawing:
            self._is_drawing = True
            self.panel.image.source.setText("drawing")
        self._image = self.panel.drawing.pad.pixels()
        self._refit()

    def _ask_file(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self.panel.window(), "Open Image", "", IMAGES)
        if path:
            self.open_file(Path(path))

    def _ask_data(self) -> None:
        from genviewer.ui.image_source import ImageSource

        dialog = ImageSource(self._explorer.looks, self.panel.window())
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.chosen.connect(self.show_image)
        dialog.show()

    def _refit(self) -> None:
        """Bring the image to the model's size and ask about it."""
        loaded, image = self._loaded, self._image
        if loaded is None or image is None:
            return
        try:
            self._seen = self._fit(image, loaded)
        except DataError as error:
            self._tell(str(error), "error")
            return
        self.panel.set_seen(self._seen)
        self._inverted = None
        self.inverting.cancel()
        self._ask()

    def _fit(self, image: NDArray[np.uint8], loaded: Loaded) -> NDArray[np.uint8]:
        spec = loaded.bundle.spec.image
        fit = self.panel.image.fit
        if self._is_drawing and self.panel.image.centre:
            from genviewer.engine.drawing import centred

            image = centred(image, spec.height, spec.width)
        return fit_image(image, spec.height, spec.width, spec.channels, fit)

    # -- asking ----------------------------------------------------------------------------------

    def _show_model(self, shown: Loaded) -> None:
        """Another model is asked from now on."""
        loaded = shown.base if isinstance(shown, Live) else shown
        if loaded is self._loaded:
            return
        before, self._loaded = self._loaded, loaded
        spec, panel = loaded.bundle.spec, self.panel
        self._mark(None, None)
        self.answer = None
        self.inverting.cancel()
        density = spec.density and spec.encoder
        note = words.classes_note(spec)
        condition = spec.class_condition
        names = [condition.label(i) for i in range(condition.size)] if condition else []
        panel.classes_column.set_classes([] if note else names, note)
        if not note and loaded.bundle.model_id in self._priors:
            panel.bars.set_prior(self._priors[loaded.bundle.model_id])
        panel.set_density_shown(density)
        if density:
            panel.set_references(self.references.choices(loaded), self.references.current(loaded))
        note = words.density_note(spec) or (words.NO_IMAGE if self._image is None else "")
        panel.figures.set_note(note)
        panel.figures.set_figures([])
        panel.drawing.set_coloured(spec.image.channels >= 3)
        panel.encode.setEnabled(spec.encoder)
        panel.encode.setToolTip(
            "Go to the latent that the encoder finds" if spec.encoder else "It has no encoder."
        )
        panel.classes.setEnabled(condition is not None)
        program = loaded.bundle.config.network.get("type") == "program"
        panel.invert.setEnabled(not program)
        panel.invert.setToolTip(
            "A program without gradients cannot be inverted."
            if program
            else "Search for the latent that draws it best"
        )
        small = max(spec.image.height, spec.image.width) <= SMALL and spec.image.channels == 1
        if before is None or before.bundle.spec.image != spec.image:
            panel.image.set_centre(small)
        panel.reconstruction.set_empty("" if spec.encoder else "Invert to see")
        panel.set_drawn(None, REDRAWN, "")
        panel.classes_column.set_verdict("")
        self._refit()

    def _ask(self) -> None:
        loaded, pixels = self._loaded, self._seen
        if loaded is None or pixels is None or not self.panel.isVisible():
            return
        spec = loaded.bundle.spec
        if not spec.encoder and not spec.discriminator:
            return  # the note says why there is no answer
        from genviewer.engine.image_beliefs import Question

        model = loaded.bundle.model_id
        question = Question(pixels, self._priors.get(model), self._samples, model)
        self._thread.ask(loaded.bundle, loaded.generator, question)
        if spec.density and spec.encoder:
            self.references.want(loaded)

    def _take(self) -> None:
        found = self._thread.take()
        if found is None or self._loaded is None:
            return
        if isinstance(found, Failure):
            self.answer = None
            self.panel.figures.set_note(found.message)
            return
        # One about the image just before this one counts: the bars are to move with the hand.
        if found.question.model_id == self._loaded.bundle.model_id:
            self.answer = found
            self._show_answer()

    def _show_answer(self) -> None:
        answer, loaded = self.answer, self._loaded
        if answer is None or loaded is None:
            return
        spec, panel, reference = loaded.bundle.spec, self.panel, self._reference()
        panel.figures.set_figures(
            [*words.figures_of(answer, reference, spec), *self._nearest_figures()]
        )
        panel.figures.set_note(words.density_note(spec))
        if answer.beliefs is not None:
            panel.bars.set_posterior(answer.beliefs.posterior[0])
        panel.classes_column.set_verdict(*words.verdict(answer, reference, self.rejected, spec))
        if answer.reconstruction is not None and self._inverted is None:
            if not self.inverting.searching:
                text = words.likeness_text(answer.likeness)
                panel.set_drawn(answer.reconstruction, REDRAWN, text)
        if self._explain is not None:
            self._explain.show_answer(loaded.bundle.spec, answer, reference)
        self.answered.emit(answer)
        if self._when_known is not None and self._is_settled(answer):
            then, self._when_known = self._when_known, None
            then(answer)

    def _is_settled(self, answer: Answer) -> bool:
        """Whether an answer is about this very image, and more than a first look."""
        about_this = answer.question.pixels is self._seen and answer.posterior is not None
        return about_this and (answer.done or np.isfinite(answer.usual))

    def _nearest_figures(self) -> list[Figure]:
        """How near the nearest image is that a search has found."""
        if self._inverted is None or self._seen is None:
            return []
        drawn, decibels = self._inverted
        away = float(np.sqrt(np.mean((drawn.astype(np.float32) - self._seen) ** 2))) / 255.0
        tip = "The nearest image that a search has found: a distance, not a probability."
        return [Figure("nearest", f"{away:.3f} away (RMS), {decibels:.1f} dB", tip)]

    def _reference(self) -> Reference | None:
        return self.references.known(self._loaded) if self._loaded is not None else None

    def _reference_known(self, model_id: str, reference: Reference) -> None:
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

            key = ask_source(self.panel.window()) or self.references.current(loaded)
        self.references.choose(loaded, key)
        self.references.forget_failure(loaded)
        self.panel.set_references(self.references.choices(loaded), key)
        self.references.want(loaded)
        self._show_answer()

    def _set_prior(self, weights: NDArray[np.float64]) -> None:
        if self._loaded is not None:
            self._priors[self._loaded.bundle.model_id] = weights
            self._ask()

    def _set_samples(self, samples: int) -> None:
        self._samples = samples
        self._ask()

    # -- the explorer moves ----------------------------------------------------------------------

    def _with_posterior(self, then: Callable[[Answer], object]) -> None:
        """Do something with where the image lies, as soon as that is known."""
        if self._seen is None:
            self._tell("Draw something first, or bring in an image.", "info")
        elif self._loaded is not None and not self._loaded.bundle.spec.encoder:
            self._every_class()  # at the current latent: nothing says where the image lies
        elif self.answer is not None and self._is_settled(self.answer):
            then(self.answer)
        else:
            self._when_known = then
            self._ask()

    def _recipe(self, latent: NDArray[np.float32], best: int | None) -> Recipe:
        """The sample at a latent, under a class where there is one."""
        condition = self._session.scene.recipe.condition
        wanted = self._loaded.bundle.spec.class_condition if self._loaded is not None else None
        if best is not None and wanted is not None:
            condition = condition.with_part(one_class(wanted.name, best))
        return Recipe(Latent(np.ascontiguousarray(latent, np.float32)), condition)

    def _encode(self, answer: Answer) -> None:
        posterior = answer.posterior
        if posterior is None or self._loaded is None:
            return
        self._session.history.end_step()
        edits.go_to(
            self._session, self._session.scene.model, self._recipe(posterior.mean, posterior.best)
        )
        self._mark(posterior.mean, posterior.deviation)

    def _every_class(self, answer: Answer | None = None) -> None:
        """The Classes view at the image's latent, or at the current one without an encoder."""
        scene = self._session.scene
        if answer is not None and answer.posterior is not None:
            recipe = self._recipe(answer.posterior.mean, answer.posterior.best)
            scene = scene.with_recipe(recipe)
            self._mark(answer.posterior.mean, answer.posterior.deviation)
        options = msgspec.structs.replace(scene.options.classes, rows=1)
        self._session.history.end_step()
        self._session.edit(scene.with_options(options).with_view("classes"))

    def _invert(self) -> None:
        if self._loaded is None or self._seen is None:
            self._tell("Draw something first, or bring in an image.", "info")
            return
        if self._following:
            self.follow_sample(False)  # or going there would begin another search
        self.inverting.start(self._loaded, self._seen)

    def _cancel(self) -> None:
        self.inverting.cancel()
        self.panel.set_drawn(None, REDRAWN, "")
        self._show_answer()

    def _go_to_inversion(self, loaded: Loaded, found: Inversion) -> None:
        if loaded is not self._loaded:
            return
        from genviewer.ui.inverting import as_pixels

        best = None
        if loaded.bundle.spec.class_condition is not None and found.condition.shape[1]:
            best = _best_class(loaded, found.condition[0])
        self._session.history.end_step()
        edits.go_to(self._session, self._session.scene.model, self._recipe(found.latent[0], best))
        self._mark(None, None)
        drawn = as_pixels(found.pictures[0])
        self._inverted = (drawn, float(found.psnr[0]))
        text = words.likeness_text((float(found.psnr[0]), float(found.ssim[0])))
        self.panel.set_drawn(drawn, "Inversion", text)
        if self.answer is not None:
            self._show_answer()
        else:
            self.panel.figures.set_figures(self._nearest_figures())

    # -- explaining ------------------------------------------------------------------------------

    def explain(self) -> None:
        """Show how p(x), p(y | x) and p(x | y) hang together for this model and image."""
        from genviewer.ui.explain_window import ExplainWindow

        if self._explain is None:
            self._explain = ExplainWindow(self.panel.window())
            self._explain.destroyed.connect(self._forget_explain)
        loaded = self._loaded
        if loaded is not None:
            self._explain.show_answer(loaded.bundle.spec, self.answer, self._reference())
        self._explain.show()
        self._explain.raise_()
        self._explain.activateWindow()

    def _forget_explain(self) -> None:
        self._explain = None

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.panel and event.type() == QEvent.Type.Show:
            self._ask()  # nothing was asked while nobody looked
        return super().eventFilter(watched, event)


def _best_class(loaded: Loaded, row: NDArray[np.float32]) -> int:
    """The class that a packed condition (K,) is of."""
    start = 0
    for condition in loaded.bundle.spec.conditions:
        if condition.kind == "class":
            return int(row[start : start + condition.size].argmax())
        start += 0 if condition.kind == "text" else condition.size
    return 0
