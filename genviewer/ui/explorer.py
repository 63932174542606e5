"""What stands behind the window: session, render thread, job lanes, models, walk; no widgets."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, cast

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from genviewer.core.recipe import ModelRef, Recipe, seeded_recipe
from genviewer.core.views import ViewInputs
from genviewer.engine.jobs import JobLane
from genviewer.engine.render import RenderThread, Request
from genviewer.io.library import DEFAULT_MODEL
from genviewer.io.readers.answers import Answers
from genviewer.session.fit import check_recipe
from genviewer.session.session import DEFAULT_SEED, Session
from genviewer.session.state import State, save_state
from genviewer.ui.analysis import Analysis, Facts
from genviewer.ui.background import Background
from genviewer.ui.bridge import Bridge
from genviewer.ui.latency import LatencyMeter
from genviewer.ui.models import Live, Loaded, ModelStore
from genviewer.ui.training_record import kept_models
from genviewer.ui.walker import Walker

if TYPE_CHECKING:
    from pathlib import Path

    from genviewer.core.scene import Scene
    from genviewer.engine.accelerator import Outcome
    from genviewer.engine.generator import Engine
    from genviewer.io.bundle import Bundle
    from genviewer.session.paths import UserFiles
    from genviewer.session.styles import StyleMap

AUTOSAVE_MS = 3000
CHECK_AFTER_MS = 4000

_log = logging.getLogger(__name__)


class Explorer(QObject):
    """Owns the threads of a window. All methods belong to the GUI thread.

    Signals:
        rendered(object): a Rendered from the render thread.
        model_shown(object): a Loaded is explored now.
        weights_changed(object): the Live that is explored is drawn with newer weights.
        facts_changed(object): Facts about it.
        strip_drawn(int, object): dimension and uint8 (n, H, W, C).
        told(str, str): a sentence for the person, and its severity (info, warning, error).
        work_changed(object, object): name and fraction of the background work to show.
        device_changed: models are drawn on another device or by another engine now.
        closing: the threads are about to be stopped; so is whoever has one of its own.
    """

    rendered = Signal(object)
    model_shown = Signal(object)
    weights_changed = Signal(object)
    facts_changed = Signal(object)
    strip_drawn = Signal(int, object)
    told = Signal(str, str)
    work_changed = Signal(object, object)
    device_changed = Signal()
    closing = Signal()

    def __init__(self, state: State, files: UserFiles, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.session = Session(state)
        self.latency = LatencyMeter()
        self.bridge = Bridge(self)
        self.renderer = RenderThread(self.bridge.announce_frames)
        self.bridge.frames_ready.connect(self._take, Qt.ConnectionType.QueuedConnection)
        # Opening a model and quick looks must not wait behind a long measurement or export, nor,
        # since somebody waits for them, behind other programs.
        self._lanes = (
            JobLane("opening", low_priority=False),
            JobLane("looks", low_priority=False),
            JobLane("jobs"),
            JobLane("exports"),
            JobLane("data"),  # whole data sets take minutes, which no other measurement waits for
        )
        self.opening, self.looks, self.jobs, self.exports, self.data = (
            Background(lane, self.bridge, self) for lane in self._lanes
        )
        for background in (self.opening, self.jobs, self.exports):
            background.work_changed.connect(self.work_changed)
        self.store = ModelStore(self.opening, self._forget, Answers(files.answers), files.trusted)
        self.store.paths.update(state.model_paths)
        self.store.kept_models = lambda: kept_models(files)
        self.analysis = Analysis(
            self.jobs,
            self.looks,
            self.facts_changed.emit,
            self.strip_drawn.emit,
            self._accelerator_checked,
        )
        self.walker = Walker(self)
        self._session_file = files.session
        self._autosave = QTimer(self)
        self._autosave.setSingleShot(True)
        self._autosave.setInterval(AUTOSAVE_MS)
        self._autosave.timeout.connect(self._save_in_background)
        self._check = QTimer(self)
        self._check.setSingleShot(True)
        self._check.setInterval(CHECK_AFTER_MS)
        self._check.timeout.connect(self.analysis.check_accelerator)
        self.view_aspect = 1.6
        self._inputs = ViewInputs()
        self._inputs_of: tuple[Facts, float] | None = None
        self._wanted: str | None = None
        self._turned_to: Loaded | None = None
        self._in_panes: dict[str, Loaded] = {}
        self._missing: set[str] = set()
        self._wanted_pane: str | None = None
        self._first: Bundle | None = None
        for thread in (*self._lanes, self.renderer):
            thread.start()

    # drawing

    def draw(self, scene: Scene, stamp: float = 0.0) -> None:
        """Put a Scene into the render thread's mailbox; open its model first if need be.

        The session's Scene must be this one already: where its model is another than the last
        one's, widgets and measurements turn to it now.
        """
        loaded = self.store.loaded(scene.model.id)
        if loaded is None:
            self._open_for(scene)
            return
        self._wanted = None
        if self._turned_to is not loaded:
            self._turn_to(loaded)
        self._use_panes(scene)
        self.renderer.request(Request(scene, self.view_inputs(), stamp))

    def _turn_to(self, loaded: Loaded) -> None:
        self._turned_to = loaded
        self.session.specs[loaded.ref.id] = loaded.bundle.spec
        if loaded.bundle.spec.truncates_styles:
            self.session.styles.maps[loaded.ref.id] = cast("StyleMap", loaded.generator)
        self.session.turn_locks(loaded.ref.id)
        self.renderer.use(loaded.ref, loaded.generator)
        self.model_shown.emit(loaded)
        if isinstance(loaded, Live):
            same = loaded.base.bundle.spec.latent.dim == loaded.bundle.spec.latent.dim
            self.analysis.start(loaded.base if same else loaded)
            self.analysis.follow(loaded)
        else:
            self.analysis.start(loaded)
            self._check.start()

    def _use_panes(self, scene: Scene) -> None:
        """Let the render thread have the models of the other panes; open one that is missing."""
        for pane in scene.panes:
            if pane.model.id == scene.model.id:
                continue
            loaded = self.store.loaded(pane.model.id)
            if loaded is None:
                if self._wanted_pane is None and pane.model.id not in self._missing:
                    self._open_for_pane(pane.model)
            elif self._in_panes.get(pane.model.id) is not loaded:
                self._in_panes[pane.model.id] = loaded
                self.session.specs[pane.model.id] = loaded.bundle.spec
                self.renderer.use(loaded.ref, loaded.generator)

    def _open_for_pane(self, model: ModelRef) -> None:
        def failed(text: str) -> None:
            self._wanted_pane = None
            self._missing.add(model.id)  # told once, not at every drag
            self.told.emit(text, "error")

        def opened(_: Loaded) -> None:
            self._wanted_pane = None
            self.draw(self.session.scene)

        self._wanted_pane = model.id
        self.store.open(model, opened, failed, self._pane_not_wanted, key="open for a pane")

    def _pane_not_wanted(self) -> None:
        self._wanted_pane = None

    def view_inputs(self) -> ViewInputs:
        """What the views need that the Scene does not hold; the same object until it changes,
        by which the render thread knows that there is nothing new.
        """
        facts, aspect = self.analysis.facts, self.view_aspect
        known = self._inputs_of
        if known is None or known[0] is not facts or known[1] != aspect:
            self._inputs, self._inputs_of = facts.inputs(aspect), (facts, aspect)
        return self._inputs

    def _take(self) -> None:
        rendered = self.renderer.take()
        if rendered is not None:
            self.rendered.emit(rendered)

    def _open_for(self, scene: Scene) -> None:
        """Undo or a pin led to a model that is not in memory: open it, then draw."""
        if self._wanted == scene.model.id:
            return
        self._wanted = scene.model.id
        self.store.open(scene.model, self._opened, self._not_opened, self._not_wanted)

    def _opened(self, loaded: Loaded) -> None:
        """A model was opened for the Scene; it may have gone on to another meanwhile."""
        self._wanted = None
        if self.session.scene.model.id == loaded.ref.id:
            self.draw(self.session.scene)

    def _not_opened(self, text: str) -> None:
        self._wanted = None
        self.told.emit(text, "error")

    def _not_wanted(self) -> None:
        """Opening was cancelled; the next edit may ask again."""
        self._wanted = None

    # models

    def open_first(self, bundle: Bundle | None) -> None:
        """Open the first Scene's model, as early as can be; the window may be made meanwhile."""
        model = self.session.scene.model
        self._first, self._wanted = bundle, model.id
        target: Path | ModelRef = bundle.path if bundle is not None else model

        def failed(text: str) -> None:
            self._not_opened(text)
            if bundle is None:
                self.store.open(DEFAULT_MODEL, self.show_loaded, self._not_opened)

        self.store.open(target, self._show_first, failed, self._not_wanted)

    def ensure_model(self) -> None:
        """Open the first Scene's model if there is none yet."""
        if self._turned_to is None and self._wanted is None:
            self.open_first(self._first)

    def _show_first(self, loaded: Loaded) -> None:
        if check_recipe(self.session.scene.recipe, loaded.bundle.spec):
            self.show_loaded(loaded, seeded_recipe(loaded.bundle.spec, DEFAULT_SEED))
        else:
            self._opened(loaded)

    def show_loaded(self, loaded: Loaded, recipe: Recipe | None = None) -> None:
        """Explore a model: a Recipe, or the current one where it fits, or a first sample."""
        self.walker.stop()
        before = self.session.scene
        self.session.show_model(loaded.ref, loaded.bundle.spec, recipe)
        if self.session.scene == before:
            self.draw(before)

    def show_live(self, loaded: Live) -> None:
        """Draw a model that is being trained with the weights of this moment, wherever the Scene
        shows it.
        """
        model = loaded.ref.id
        self.store.hold(loaded)
        self.session.specs[model] = loaded.bundle.spec
        if model in self._in_panes:
            self._in_panes[model] = loaded
        if self._turned_to is not None and self._turned_to.ref.id == model:
            self._turned_to = loaded
            self.analysis.follow(loaded)
        if loaded.bundle.spec.truncates_styles:
            self.session.styles.maps[model] = cast("StyleMap", loaded.generator)
        self.renderer.use(loaded.ref, loaded.generator)
        if self._turned_to is loaded:
            self.weights_changed.emit(loaded)

    def use_threads(self, threads: int | None) -> None:
        """Draw with at most that many threads, while others need the cores; None as is best."""
        before, self.store.threads = self.store.threads, threads
        if before != threads:
            self.turn_threads()

    def turn_threads(self) -> None:
        """Open again what is in memory with other threads than are to be used now; where that
        fails, it goes on with those that it has.
        """
        threads = self.store.threads
        for loaded in self.store.at_hand:
            generator = loaded.generator
            if isinstance(loaded, Live) or generator.device != "cpu":
                continue
            # One that was limited before may be about to be opened with all threads: not any more.
            limited = loaded.ref.id in self.store.limited
            if limited or (threads is not None and generator.threads > threads):
                if threads is not None:  # also where it is over before that one is open
                    self.store.limited.add(loaded.ref.id)
                self.store.open(
                    loaded.ref,
                    self._opened,
                    lambda text: _log.info("%s", text),
                    again=True,
                    key=f"threads of {loaded.ref.id}",
                )

    def add_pane(self, loaded: Loaded) -> None:
        """Hold a model against the current sample, linked with it."""
        self._missing.discard(loaded.ref.id)
        try:
            self.session.add_pane(loaded.ref, loaded.bundle.spec)
        except ValueError as error:
            text = str(error)
            self.told.emit(f"{text[0].upper()}{text[1:]}.", "warning")

    def use_device(self, device: str, engine: Engine) -> None:
        """Switch device or engine while running; the same seed stays the same picture."""
        if (device, engine) == (self.store.device, self.store.engine):
            return
        before = (self.store.device, self.store.engine)
        self.store.device, self.store.engine = device, engine

        def failed(text: str) -> None:
            self.store.device, self.store.engine = before
            self.told.emit(text, "error")

        def opened(loaded: Loaded) -> None:
            self._opened(loaded)
            self.device_changed.emit()

        model = self.session.scene.model
        loaded = self.store.loaded(model.id)
        if isinstance(loaded, Live):
            model = loaded.base.ref  # the live one is turned by who makes it
        self.store.reload(model, opened, failed)

    def _accelerator_checked(self, model_id: str, outcome: Outcome) -> None:
        if outcome.status in ("exported", "disagrees"):
            self.told.emit(outcome.message, "info" if outcome.status == "exported" else "warning")
            if self.session.scene.model.id == model_id:
                self.store.reload(self.session.scene.model, self._opened, self._not_opened)

    def _forget(self, ref: ModelRef) -> None:
        """The store let go of a model; so must whoever draws it."""
        self._in_panes.pop(ref.id, None)
        self.renderer.forget(ref)

    # the session file

    def keep_soon(self) -> None:
        """Something changed that the next start should find."""
        if not self._autosave.isActive():
            self._autosave.start()

    def _save_in_background(self) -> None:
        state, path = self.session.state(self._before_training), self._session_file
        self.jobs.submit(
            lambda progress: save_state(path, state),
            "Keeping the session",
            key="session",
            failed=lambda error: self.told.emit(
                f"The session cannot be kept: {getattr(error, 'strerror', error)}.", "warning"
            ),
            quiet=True,
        )

    def _before_training(self, model: ModelRef, _like: ModelRef | None) -> ModelRef:
        """What a model began as: keeping the session should not keep weights at every edit."""
        loaded = self.store.loaded(model.id)
        return loaded.base.ref if isinstance(loaded, Live) else model

    def close(self) -> None:
        """Stop the threads and write the session file; the window is done after this."""
        self.closing.emit()
        self.walker.stop()
        for timer in (self._autosave, self._check):
            timer.stop()
        for background in (self.opening, self.looks, self.jobs, self.exports, self.data):
            background.close()
        self.bridge.close()
        self.renderer.stop()
        for lane in self._lanes:
            lane.stop()
        save_state(self._session_file, self.session.state())
