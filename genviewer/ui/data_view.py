"""Looks at whole data sets through the current model, in a window of its own."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEvent, QObject, QTimer, Signal

from genviewer.core.frame import Frame
from genviewer.engine.data_figures import DataFigures
from genviewer.session import edits
from genviewer.ui.data_choice import DataChoice, facts_of
from genviewer.ui.data_mark import CurrentMark
from genviewer.ui.data_places import Nearest, Scatter
from genviewer.ui.data_shows import Bayes, Look, Outliers, Posteriors
from genviewer.ui.data_sources import name_of
from genviewer.ui.image_source import FILE, FOLDER, ask_place
from genviewer.ui.models import Live, Loaded
from genviewer.ui.widgets.data_window import DataWindow

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtWidgets import QWidget

    from genviewer.core.recipe import Recipe
    from genviewer.core.scene import Scene
    from genviewer.engine.jobs import Job, Progress
    from genviewer.engine.rendered import Rendered
    from genviewer.engine.viewed_data import ViewedData
    from genviewer.session.session import Session
    from genviewer.ui.background import Background
    from genviewer.ui.bridge import Bridge
    from genviewer.ui.data_shows import Show
    from genviewer.ui.data_sources import DataSources
    from genviewer.ui.models import ModelStore

FOLLOW_MS = 400
MEASURING = "Measuring…"
TOLD_S = 0.1
CHOOSE = (
    "Choose a data set above, or drop a folder, an archive or a table of images here, to see how "
    "the model takes it."
)


class DataView(QObject):
    """Works the data set window (GUI thread); figures are measured in a job lane.

    Args:
        session: whose current sample and model are looked at.
        store: where the models are.
        jobs: the lane; figures are measured in it alone.
        bridge: brings progress to the GUI thread.
        newest_frame: the newest Frame of the current sample, or None.
        tell: (text, severity) says something.
        sources: the data sets that are offered.
        parent: of the window.

    Signals:
        image_chosen(object, str): a person wants to look into an image uint8 (H, W, C) so named.
        rejected(float): a person rejects this share (0..1) of the images as strange.
    """

    image_chosen = Signal(object, str)
    rejected = Signal(float)

    def __init__(
        self,
        session: Session,
        store: ModelStore,
        jobs: Background,
        bridge: Bridge,
        newest_frame: Callable[[], Frame | None],
        tell: Callable[[str, str], object],
        sources: DataSources,
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self._session, self._store, self._jobs, self._bridge = session, store, jobs, bridge
        self._newest_frame, self._tell = newest_frame, tell
        self._figures = DataFigures()
        self._choice, self._sources = DataChoice(), sources
        self._page = "outliers"
        self._job: Job | None = None
        self._shown: dict[str, tuple[object, ...]] = {}
        self._views: dict[str, ViewedData] = {}
        self._model_id = ""
        self._told = 0.0
        self._fresh = False
        self._awaits_frame = False
        window = self.window = DataWindow(parent)
        self._mark = CurrentMark(window.outliers, self._figures, jobs, tell)
        self.scatter = Scatter(window.scatter, self._go_to, tell)
        self.bayes, self.outliers = Bayes(window.bayes), Outliers(window.outliers)
        self._shows: dict[str, Show] = {
            "outliers": self.outliers,
            "bayes": self.bayes,
            "posterior": Posteriors(window.posterior),
            "scatter": self.scatter,
            "nearest": Nearest(window.nearest),
        }
        # One update after a drag's many edits.
        self._follow_timer = QTimer(self)
        self._follow_timer.setSingleShot(True)
        self._follow_timer.setInterval(FOLLOW_MS)
        self._follow_timer.timeout.connect(self.follow)
        session.changed.connect(self._scene_changed)
        window.installEventFilter(self)
        window.source_chosen.connect(self.open_source)
        window.file_wanted.connect(lambda: self._ask(FILE))
        window.folder_wanted.connect(lambda: self._ask(FOLDER))
        window.split_chosen.connect(self._choose_split)
        window.count_chosen.connect(self._choose_count)
        window.page_chosen.connect(self.show_page)
        window.cancel_wanted.connect(self.cancel)
        for key, page in window.pages.items():
            # Of the nearest images another sample is asked about, not other files.
            page.wanted.connect(lambda fresh=key != "nearest": self._again(fresh))
        window.scatter.method_chosen.connect(lambda _: self.refresh())
        window.outliers.threshold_moved.connect(self._reject)
        for rows in (window.outliers, window.bayes, window.nearest):
            rows.row_chosen.connect(self._choose_row)
        # Another window may have read one since.
        window.menu.aboutToShow.connect(lambda: window.set_sources(sources.offered))
        window.set_sources(sources.offered)
        self._show_count()

    def show(self) -> None:
        """Bring the window to the front."""
        self.window.show()
        self.window.raise_()
        self.window.activateWindow()

    def open_source(self, source: str) -> None:
        """Look at another data set: a path, or a name as the command line takes it."""
        self._choice.source = source
        self.window.set_source(name_of(source), True, self._choice.splits[self._page], "")
        self._again(fresh=True)

    def show_page(self, key: str) -> None:
        """Turn to a page: a key of :data:`~genviewer.ui.data_choice.COUNTS`."""
        self._page = key
        self.window.set_page(key)
        self._show_count()
        self.refresh()

    def refresh(self) -> None:
        """Show the current page's figures; measure what is not known yet."""
        loaded = self._loaded()
        if loaded is None or not self.window.isVisible():
            return
        key, show, page = self._page, self._shows[self._page], self.window.pages[self._page]
        look = self._look(loaded)
        self._model_id = look.bundle.model_id
        why = show.why_not(look.bundle.spec)
        if why or not self._choice.source:
            self.cancel()
            self._shown.pop(key, None)
            page.say(why or CHOOSE)
            return
        mark = (look.bundle.model_id, look.source, look.split, look.count, look.method)
        if self._shown.get(key) == mark:
            self.cancel()
            self._show_facts(look, self._views[key])
            return
        self._measure(key, show, look, mark)

    def cancel(self) -> None:
        """Give up what is under way."""
        if self._job is not None:
            self._job.cancel()
            self._job = None
        self.window.set_work(None)

    # measuring

    def _measure(self, key: str, show: Show, look: Look, mark: tuple[object, ...]) -> None:
        page = self.window.pages[key]
        self.cancel()
        self._shown.pop(key, None)
        if not page.has_figures:
            page.say(MEASURING)
        name = f"{name_of(look.source)} through {look.bundle.spec.name}"
        figures, fresh = self._figures, self._fresh
        self._fresh = False

        def work(progress: Progress) -> tuple[ViewedData, Any]:
            from genviewer.engine.torch_decoder import use_threads

            use_threads(1)  # the sample under the hand is drawn beside it
            if fresh:
                figures.forget(look.source)
            told = _Told(progress, self._tell_progress)
            view = figures.view(look.source, look.split, look.bundle, look.count, told)
            return view, show.measure(figures, view, look, told)

        def done(found: tuple[ViewedData, Any]) -> None:
            if job is not self._job:
                return
            self._end()
            self._views[key], self._shown[key] = found[0], mark
            self._show_facts(look, found[0])
            self._sources.remember(look.source)
            show.show(*found, look)
            if key == "outliers":
                self.bayes.set_threshold(self.window.outliers.threshold, look.of)
            self.follow()

        def failed(error: Exception) -> None:
            if job is self._job:
                self._end()
                page.say(str(error) or f"{name} cannot be measured.", "Try Again")

        def cancelled() -> None:
            if job is self._job or self._job is None:
                self._end()
                # What has been said in the meantime, such as of another model, stays.
                if not page.has_figures and page.sentence.text() == MEASURING:
                    page.say("This was not measured.", "Measure")

        self.window.set_work("Starting", 0.0)
        job = self._jobs.submit(
            work,
            f"Looking at {name}",
            key="data view",
            done=done,
            failed=failed,
            cancelled=cancelled,
            quiet=True,
        )
        self._job = job

    def _tell_progress(self, fraction: float, text: str) -> None:
        """From the lane's thread, some times a second."""
        now = time.monotonic()
        if now - self._told >= TOLD_S:
            self._told = now
            words = f"{text[:1].upper()}{text[1:]}" or "Measuring"
            self._bridge.post(lambda: self._show_progress(fraction, words))

    def _show_progress(self, fraction: float, text: str) -> None:
        if self._job is not None:
            self.window.set_work(text, fraction)

    def _end(self) -> None:
        self._job = None
        self.window.set_work(None)

    def _again(self, fresh: bool) -> None:
        """Measure even if the page shows figures already; ``fresh`` looks at the files anew."""
        self._fresh = self._fresh or fresh
        self._shown.pop(self._page, None)
        self.refresh()

    # what is looked at

    def _loaded(self) -> Loaded | None:
        loaded = self._store.loaded(self._session.scene.model.id)
        # What is trained is looked at as it was before: its weights change all the time.
        return loaded.base if isinstance(loaded, Live) else loaded

    def _look(self, loaded: Loaded) -> Look:
        scene, frame = self._session.scene, self._frame()
        self._awaits_frame = frame is None and self._page == "nearest"
        method = self.window.scatter.method.current if self._page == "scatter" else ""
        return Look(
            loaded.bundle,
            scene.model,
            self._choice.source,
            self._choice.splits[self._page],
            self._choice.counts[self._page],
            method,
            scene.recipe if frame is None else frame.recipe,
            None if frame is None else frame.pixels,
        )

    def _frame(self) -> Frame | None:
        """What the current model has drawn last: where that takes long, the sample before."""
        frame = self._newest_frame()
        is_own = frame is not None and frame.model.id == self._session.scene.model.id
        return frame if is_own else None

    def _ask(self, kind: str) -> None:
        found = ask_place(self.window, kind)
        if found:
            self.open_source(found)

    def _choose_split(self, split: str) -> None:
        self._choice.choose_split(self._page, split)
        self.refresh()

    def _choose_count(self, count: int) -> None:
        self._choice.choose_count(self._page, count)
        self.refresh()

    def _show_count(self) -> None:
        self.window.set_count(self._choice.counts[self._page])
        self.window.split.set_current(self._choice.splits[self._page])

    def _show_facts(self, look: Look, view: ViewedData) -> None:
        name, facts = name_of(look.source), facts_of(look, view)
        self.window.set_source(name, view.has_test, look.split, facts)

    # the explorer

    def _scene_changed(self, _scene: Scene) -> None:
        if self.window.isVisible():
            self._follow_timer.start()

    def follow(self) -> None:
        """The current sample, or its model, is another one."""
        loaded = self._loaded()
        if loaded is None or not self.window.isVisible():
            return
        self.scatter.follow(self._session.scene)
        if loaded.bundle.model_id != self._model_id:
            self._mark.clear()
            self.refresh()
        elif self._page == "outliers" and self._page in self._shown:
            frame = self._frame()
            self._awaits_frame = frame is None or frame.recipe != self._session.scene.recipe
            if frame is not None and not self._awaits_frame:
                self._mark.mark(loaded.bundle, frame.recipe, frame.pixels)
        elif self._page == "nearest" and self._awaits_frame and self._frame() is not None:
            self._again(fresh=False)

    def take_rendered(self, rendered: Rendered) -> None:
        """A new sample is drawn, which may be the one that is waited for."""
        if self._awaits_frame and isinstance(rendered.focus, Frame):
            # Not begun again: a model that learns may be drawn more often than that.
            if self.window.isVisible() and not self._follow_timer.isActive():
                self._follow_timer.start()

    def _go_to(self, look: Look, recipe: Recipe) -> None:
        if self._session.scene.model.id != look.model.id:
            self._tell(f"These latents are of {look.model.name}: open it first.", "warning")
            return
        self._session.history.end_step()
        edits.go_to(self._session, look.model, recipe)

    def _choose_row(self, row: int) -> None:
        view = self._views.get(self._page)
        if view is not None and row < len(view.images):
            name = f"{name_of(view.source)} {view.rows[row]:,}"
            self.image_chosen.emit(view.images[row], name)

    def _reject(self, threshold: float) -> None:
        if self.outliers.of is not None:
            self.bayes.set_threshold(threshold, self.outliers.of)
        self.rejected.emit(self.window.outliers.slider.value)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.window and event.type() == QEvent.Type.Show:
            QTimer.singleShot(0, self.refresh)
        elif watched is self.window and event.type() == QEvent.Type.Hide:
            self.cancel()
        return super().eventFilter(watched, event)


class _Told:
    """Progress that is told to the window too; it may raise to end the work."""

    def __init__(self, progress: Progress, tell: Callable[[float, str], None]) -> None:
        self._progress, self._tell = progress, tell

    def report(self, fraction: float, text: str = "") -> None:
        """As of a Progress."""
        self._progress.report(fraction, text)
        self._tell(fraction, text)
