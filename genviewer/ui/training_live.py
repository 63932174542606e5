"""The model that is being trained, as the window shows it: drawn with its newest weights, or those
of a checkpoint, and cited by weights that are kept.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import QObject, Signal

from genviewer.core.recipe import ModelRef
from genviewer.engine.jobs import JobLane
from genviewer.session.fit import check_recipe
from genviewer.ui.background import Background
from genviewer.ui.training_citing import Citing
from genviewer.ui.training_decoder import LiveDecoder
from genviewer.ui.training_drawing import Drawer, Drawn, LiveRun
from genviewer.ui.training_recent import RecentWeights

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from genviewer.engine.jobs import Progress
    from genviewer.engine.run_timeline import Snapshot
    from genviewer.ui.explorer import Explorer
    from genviewer.ui.models import Loaded

T = TypeVar("T")


class LiveView(QObject):
    """Shows one run at a time (GUI thread). Generators are made in a job lane of its own.

    In Scenes the model has one reference for the whole run; what outlives the moment cites the
    weights of that moment, which are written into the run's folder then.

    Signals:
        step_shown(int): the picture is drawn with the weights of this step now.
    """

    step_shown = Signal(int)

    def __init__(
        self, explorer: Explorer, tell: Callable[[str, str], None], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._explorer, self._session, self._store = explorer, explorer.session, explorer.store
        self._tell = tell
        self._lane = JobLane("live")
        self._lane.start()
        self._background = Background(self._lane, explorer.bridge, self)
        self._decoder = LiveDecoder(explorer.bridge, self)
        self._recent = RecentWeights()
        self._drawer = Drawer()  # of the lane alone
        self._citing = Citing(
            explorer, self._background, self._recent, lambda: self._drawn, self._maker, tell
        )
        self._run: LiveRun | None = None
        self._newest: Snapshot | None = None
        self._drawn: Drawn | None = None
        self._looking: int | None = None
        self._wish: Callable[[], Snapshot] | None = None
        self._drawing = False
        self.threads: int | None = None
        self.show_first = False
        """Whether the first weights are shown even where another model is current."""
        self._session.cite, self._session.recall = self.cite, self._citing.recall
        explorer.device_changed.connect(lambda: self.look_at(self._looking))

    @property
    def ref(self) -> ModelRef | None:
        """How Scenes name the model; None while there is no run."""
        return self._run.ref if self._run is not None else None

    @property
    def base(self) -> Loaded | None:
        """The model that it began as."""
        return self._run.base if self._run is not None else None

    @property
    def snapshot(self) -> Snapshot | None:
        """The weights that draw the picture."""
        return self._drawn.snapshot if self._drawn is not None else None

    @property
    def newest(self) -> Snapshot | None:
        """The newest weights of the run that are known here."""
        return self._newest

    @property
    def looking_at(self) -> int | None:
        """The step that is looked at; None while it follows the training."""
        return self._looking

    # the run

    def begin(self, folder: Path, base: Loaded, name: str) -> None:
        """Show the run in ``folder``, which goes on from ``base``, as soon as there are weights."""
        digest = hashlib.sha256(str(folder).encode()).hexdigest()[:32]
        self._run = LiveRun(folder, base, ModelRef(name, digest))
        self._newest = self._drawn = self._looking = None
        self._citing.begin()
        self.show_first = False
        self._decoder.forget()
        self._recent.clear()

    def follow(self, snapshot: Snapshot) -> None:
        """There are newer weights: draw with them, unless a step is looked at."""
        self._newest = snapshot
        if self._looking is None:
            self._draw(lambda: snapshot)

    def look_at(self, step: int | None) -> None:
        """Draw with the weights of a checkpoint while the training goes on; None follows it."""
        run = self._run
        self._looking = step
        if run is None:
            return
        if step is not None:
            self._draw(lambda: _read(run.folder, step))
        elif self._newest is not None:
            newest = self._newest
            self._draw(lambda: newest)

    def show_before(self) -> None:
        """Show the model as it was beside the one that learns."""
        base, scene = self.base, self._session.scene
        if base is None or any(pane.model.id == base.ref.id for pane in scene.panes):
            return
        self._store.adopt(self._as_opened_last(base))
        spec = base.bundle.spec
        recipe = None if check_recipe(scene.recipe, spec) else scene.recipe
        try:
            self._session.add_pane(base.ref, spec, recipe)
        except ValueError as error:
            text = str(error)
            self._tell(f"{text[0].upper()}{text[1:]}.", "warning")

    @property
    def comparing(self) -> bool:
        """Whether the model as it was stands beside the one that learns."""
        run = self._run
        if run is None:
            return False
        return {run.base.ref.id, run.ref.id} <= {p.model.id for p in self._session.scene.panes}

    def compare(self, on: bool) -> None:
        """Show the model as it was beside the one that learns, or that no longer."""
        base, session = self.base, self._session
        if base is None:
            return
        if on:
            self.show()
            self.show_before()
            return
        panes = session.scene.panes
        for index in reversed(range(len(panes))):
            if len(panes) > 1 and panes[index].model.id == base.ref.id:
                session.close_pane(index)

    def show(self) -> None:
        """Make the model that learns the current one."""
        drawn, scene = self._drawn, self._session.scene
        if drawn is None or scene.model.id == drawn.live.ref.id:
            return
        spec = drawn.live.bundle.spec
        recipe = None if check_recipe(scene.recipe, spec) else scene.recipe
        self._session.show_model(drawn.live.ref, spec, recipe)

    def become(self, loaded: Loaded) -> None:
        """The run is over: ``loaded`` stands wherever its model stood."""
        ref = self.ref
        if ref is None:
            return
        self._store.adopt(self._as_opened_last(loaded))
        self._run = self._newest = self._drawn = self._looking = self._wish = None
        self._decoder.forget()
        self._recent.clear()
        self._session.replace_model(ref, loaded.ref, loaded.bundle.spec)
        self._store.release(ref)
        self._session.styles.maps.pop(ref.id, None)
        self._background.submit(lambda _: self._drawer.forget(), "Ending the run", quiet=True)

    def _as_opened_last(self, loaded: Loaded) -> Loaded:
        """The same model on the device and by the engine that were chosen meanwhile."""
        return self._store.loaded(loaded.ref.id) or loaded

    def in_order(
        self,
        work: Callable[[Progress], T],
        name: str,
        done: Callable[[T], object],
        failed: Callable[[Exception], object],
    ) -> None:
        """Do something with the run's files, after all that is under way there."""
        self._background.submit(work, name, done=done, failed=failed)

    # what is kept of it

    def cite(self, model: ModelRef, like: ModelRef | None = None) -> ModelRef:
        """What cites the model from now on, as :meth:`Citing.cite` says."""
        return self._citing.cite(model, like)

    def keep_newest(self, kept: Callable[[int], object] = lambda _: None) -> int | None:
        """Keep the weights that draw the picture now, as :meth:`Citing.keep_newest` does."""
        return self._citing.keep_newest(kept)

    def move_kept(self, moved: dict[Path, Path]) -> None:
        """What was kept of a run is found elsewhere now: each where it says."""
        self._citing.move_kept(moved)

    def write_cited(self, folder: Path) -> None:
        """Write what is cited of the run in ``folder`` and could not be written so far; in the
        lane, as :meth:`in_order` does things.

        Raises:
            WriteError: it cannot be written.
            BundleError: something else is in its place.
        """
        self._citing.write_cited(folder)

    # drawing

    def _draw(self, get: Callable[[], Snapshot]) -> None:
        """Draw with what ``get`` gives, read in the lane; of those that wait the newest is drawn,
        and what is under way is finished, or slow networks would never be seen.
        """
        run = self._run
        if run is None:
            return
        if self._drawing:
            self._wish = get
            return
        self._drawing = True
        by_onnx = self._store.engine != "torch"

        def done() -> None:
            self._drawing = False
            wish, self._wish = self._wish, None
            if wish is not None:
                self._draw(wish)

        def failed(error: Exception) -> None:
            self._tell(str(error), "error")
            done()
            if self._run is run and self._looking is not None and not self._drawing:
                self.look_at(None)  # what is said to be looked at is what is seen

        def swap(drawn: Drawn) -> None:
            done()
            if self._run is not run:
                return  # the run is over
            first, self._drawn = self._drawn is None, drawn
            self._recent.add(drawn.snapshot)
            if by_onnx and drawn.live.generator.device == "cpu" and not self._decoder.wanted:
                self._decoder.want(drawn.snapshot, run.base)
            self._explorer.show_live(drawn.live)
            shown = self._session.scene.model.id
            if first and (
                self.show_first
                or shown == run.base.ref.id
                or self._citing.is_kept(shown, run.folder)
            ):
                self.show()
            self.step_shown.emit(drawn.snapshot.step)

        self._background.submit(
            self._maker(run, get),
            "Drawing what is learned",
            done=swap,
            failed=failed,
            cancelled=done,
            quiet=True,
        )

    def _maker(self, run: LiveRun, get: Callable[[], Snapshot]) -> Callable[[Progress], Drawn]:
        """Makes, in the lane, what draws with the weights that ``get`` gives there."""
        wanted, threads = self._store.device, self.threads
        template = self._decoder.template if self._store.engine != "torch" else None
        return lambda _: self._drawer.draw(run, get, wanted, threads, template)

    def close(self) -> None:
        """End the lane; what is to be kept is written, and from now on at once."""
        self._decoder.close()
        self._background.close()
        self._lane.stop()
        self._citing.close()


def _read(folder: Path, step: int) -> Snapshot:
    from genviewer.engine.run_timeline import RunTimeline

    return RunTimeline(folder).snapshot(step)
