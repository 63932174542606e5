"""The model that is being trained, as the window shows it: drawn with its newest weights, or those
of a checkpoint, and cited by weights that are kept.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec
from PySide6.QtCore import QObject, Signal

from genviewer.core.recipe import ModelRef
from genviewer.engine.jobs import JobLane
from genviewer.io.bundle import CONFIG_NAME
from genviewer.session.fit import check_recipe
from genviewer.ui.background import Background
from genviewer.ui.models import Live, Loaded
from genviewer.ui.training_decoder import LiveDecoder
from genviewer.ui.training_recent import RecentWeights

if TYPE_CHECKING:
    from collections.abc import Callable

    from genviewer.engine.jobs import Progress
    from genviewer.engine.live_generator import LiveGenerators
    from genviewer.engine.run_timeline import Snapshot
    from genviewer.io.bundle import Bundle
    from genviewer.ui.explorer import Explorer

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class _Drawn:
    """A snapshot and what draws it."""

    snapshot: Snapshot
    live: Live
    sparing: bool
    """Whether it draws with fewer threads than it could."""


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
        self._generators: LiveGenerators | None = None  # of the lane alone
        self._closed = False
        self._folder: Path | None = None
        self._base: Loaded | None = None
        self._ref: ModelRef | None = None
        self._newest: Snapshot | None = None
        self._drawn: _Drawn | None = None
        self._looking: int | None = None
        self._wish: Callable[[], Snapshot] | None = None
        self._drawing = False
        self._cited: dict[str, ModelRef] = {}
        self._sparing: set[str] = set()  # of those that are being written
        self._unwritten: dict[Path, Snapshot] = {}
        self.threads: int | None = None
        self.show_first = False
        """Whether the first weights are shown even where another model is current."""
        self._session.cite, self._session.recall = self.cite, self.recall
        explorer.device_changed.connect(lambda: self.look_at(self._looking))

    @property
    def ref(self) -> ModelRef | None:
        """How Scenes name the model; None while there is no run."""
        return self._ref

    @property
    def base(self) -> Loaded | None:
        """The model that it began as."""
        return self._base

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
        self._folder, self._base, self._ref = folder, base, ModelRef(name, digest)
        self._newest = self._drawn = self._looking = None
        self._cited = {}
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
        folder = self._folder
        self._looking = step
        if folder is None:
            return
        if step is not None:
            self._draw(lambda: _read(folder, step))
        elif self._newest is not None:
            newest = self._newest
            self._draw(lambda: newest)

    def show_before(self) -> None:
        """Show the model as it was beside the one that learns."""
        base, scene = self._base, self._session.scene
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
        if self._base is None or self._ref is None:
            return False
        return {self._base.ref.id, self._ref.id} <= {p.model.id for p in self._session.scene.panes}

    def compare(self, on: bool) -> None:
        """Show the model as it was beside the one that learns, or that no longer."""
        base, session = self._base, self._session
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
        ref = self._ref
        if ref is None:
            return
        self._store.adopt(self._as_opened_last(loaded))
        self._ref = self._folder = self._base = None
        self._newest = self._drawn = self._looking = self._wish = None
        self._decoder.forget()
        self._recent.clear()
        self._session.replace_model(ref, loaded.ref, loaded.bundle.spec)
        self._store.release(ref)
        self._session.styles.maps.pop(ref.id, None)
        self._background.submit(lambda _: self._forget_network(), "Ending the run", quiet=True)

    def _as_opened_last(self, loaded: Loaded) -> Loaded:
        """The same model on the device and by the engine that were chosen meanwhile."""
        return self._store.loaded(loaded.ref.id) or loaded

    def move_kept(self, moved: dict[Path, Path]) -> None:
        """What was kept of a run is found elsewhere now: each where it says."""
        for paths in (self._store.paths, self._session.model_paths):
            for model, path in list(paths.items()):
                if Path(path) in moved:
                    paths[model] = str(moved[Path(path)])
        for loaded in self._store.at_hand:
            place = moved.get(loaded.bundle.path)
            if place is not None:
                bundle = msgspec.structs.replace(loaded.bundle, path=place)
                self._store.adopt(Loaded(bundle, loaded.generator))

    def write_cited(self, folder: Path) -> None:
        """Write what is cited of the run in ``folder`` and could not be written so far; in the
        lane, as :meth:`in_order` does things.

        Raises:
            WriteError: it cannot be written.
            BundleError: something else is in its place.
        """
        for out, snapshot in list(self._unwritten.items()):
            if out.parent.parent == folder:
                self._write(folder, out, snapshot)

    def in_order(
        self,
        work: Callable[[Progress], T],
        name: str,
        done: Callable[[T], object],
        failed: Callable[[Exception], object],
    ) -> None:
        """Do something with the run's files, after all that is under way there."""
        self._background.submit(work, name, done=done, failed=failed)

    def _is_kept(self, model: str) -> bool:
        """Whether a model is one that was kept of this run."""
        path, folder = self._session.model_paths.get(model), self._folder
        return path is not None and folder is not None and Path(path).is_relative_to(folder)

    # drawing

    def _draw(self, get: Callable[[], Snapshot]) -> None:
        """Draw with what ``get`` gives, read in the lane; of those that wait the newest is drawn,
        and what is under way is finished, or slow networks would never be seen.
        """
        folder, base, ref = self._folder, self._base, self._ref
        if folder is None or base is None or ref is None:
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
            if self._ref is ref and self._looking is not None and not self._drawing:
                self.look_at(None)  # what is said to be looked at is what is seen

        def swap(drawn: _Drawn) -> None:
            done()
            if self._ref is not ref:
                return  # the run is over
            first, self._drawn = self._drawn is None, drawn
            self._recent.add(drawn.snapshot)
            if by_onnx and drawn.live.generator.device == "cpu" and not self._decoder.wanted:
                self._decoder.want(drawn.snapshot, base)
            self._explorer.show_live(drawn.live)
            shown = self._session.scene.model.id
            if first and (self.show_first or shown == base.ref.id or self._is_kept(shown)):
                self.show()
            self.step_shown.emit(drawn.snapshot.step)

        self._background.submit(
            self._maker(get, folder, base, ref),
            "Drawing what is learned",
            done=swap,
            failed=failed,
            cancelled=done,
            quiet=True,
        )

    def _maker(
        self, get: Callable[[], Snapshot], folder: Path, base: Loaded, ref: ModelRef
    ) -> Callable[[Progress], _Drawn]:
        """Makes, in the lane, what draws with the weights that ``get`` gives there."""
        wanted, threads = self._store.device, self.threads
        template = self._decoder.template if self._store.engine != "torch" else None

        def work(_: Progress) -> _Drawn:
            from genviewer.engine.device import choose_device
            from genviewer.engine.live_generator import LiveGenerators, bundle_of

            if self._generators is None:
                self._generators = LiveGenerators()
            snapshot = get()
            device = choose_device(wanted)
            generator = self._generators.generator_of(snapshot, device, threads, template)
            best = 0
            if template is not None and generator.engine == "onnx":
                best = template.threads
            limited = threads is not None and generator.device == "cpu"
            sparing = limited and generator.threads != best
            live = Live(bundle_of(snapshot, folder), generator, ref, base)
            return _Drawn(snapshot, live, sparing)

        return work

    def _forget_network(self) -> None:
        self._generators = None

    # citing

    def cite(self, model: ModelRef, like: ModelRef | None = None) -> ModelRef:
        """What cites the model from now on: weights that are kept.

        The weights that draw the picture now are written into the run's folder; ``like`` is cited
        instead where it is of this run. Other models are cited as they are.
        """
        drawn, folder = self._drawn, self._folder
        if drawn is None or folder is None or self._ref is None or model.id != self._ref.id:
            return model
        if like is not None and like.id in self._cited:
            return like
        return self._kept(drawn, folder)

    def recall(
        self, model: ModelRef, weights: ModelRef, then: Callable[[ModelRef], object]
    ) -> None:
        """Give ``then`` what cites ``weights``, which drew an older picture of ``model``, and keep
        them. Where they are known no more that is told, and ``model`` itself is given.
        """
        drawn, folder, base, ref = self._drawn, self._folder, self._base, self._ref
        if drawn is None or folder is None or base is None or ref is None or model.id != ref.id:
            then(model)
            return
        if weights.id == drawn.snapshot.ref.id:
            then(model)
            return
        if weights.id in self._cited:
            then(self._cited[weights.id])
            return

        def gone() -> None:
            if self._ref is not ref or self._drawn is None:
                self._tell("Its training is no longer open; the picture is not pinned.", "warning")
                return
            now = self._drawn.snapshot.step
            self._tell(
                "The weights that drew this picture are not known any more; the pin has those of "
                f"step {now:,}.",
                "warning",
            )
            then(model)

        def found(older: _Drawn) -> None:
            if self._ref is ref:
                then(self._kept(older, folder))
            else:
                gone()

        get = self._recent.find(weights, folder)
        if get is None:
            gone()
            return
        self._background.submit(
            self._maker(get, folder, base, ref),
            "Pinning an older picture",
            done=found,
            failed=lambda _: gone(),
            quiet=True,
        )

    def keep_newest(self, kept: Callable[[int], object] = lambda _: None) -> int | None:
        """Keep the weights that draw the picture now with the run; their step, which ``kept`` is
        given when they are on the disk.
        """
        if self._drawn is None or self._folder is None:
            return None
        step, ref = self._drawn.snapshot.step, self._kept(self._drawn, self._folder)
        config = Path(self._session.model_paths[ref.id]) / CONFIG_NAME

        def looked(there: bool) -> None:
            if there:  # else it was told why not
                kept(step)

        self.in_order(
            lambda _: config.is_file(),
            f"Keeping step {step}",
            looked,
            lambda error: self._tell(str(error), "error"),
        )
        return step

    def _kept(self, drawn: _Drawn, folder: Path) -> ModelRef:
        snapshot = drawn.snapshot
        ref = snapshot.ref
        if ref.id in self._cited:
            return ref
        self._cited[ref.id] = ref
        out = self._place_for(snapshot, folder / "kept")
        self._session.specs[ref.id] = snapshot.config.spec
        self._session.model_paths[ref.id] = str(out)
        bundle = msgspec.structs.replace(drawn.live.bundle, path=out)
        self._store.adopt(Loaded(bundle, drawn.live.generator))
        self._unwritten[out] = snapshot
        if drawn.sparing:
            self._sparing.add(ref.id)

        def failed(error: Exception) -> None:
            self._cited.pop(ref.id, None)  # it is tried again
            self._tell(str(error), "error")

        if self._closed:
            try:
                self._write(folder, out, snapshot)
            except (ValueError, OSError) as error:
                # What cites it now is the session, which is to be kept whatever became of the run.
                failed(error)
                return drawn.live.base.ref
        else:
            self._background.submit(
                lambda _: self._write(folder, out, snapshot),
                f"Keeping step {snapshot.step}",
                done=self._now_on_disk,
                failed=failed,
                quiet=True,
            )
        return ref

    def _place_for(self, snapshot: Snapshot, kept: Path) -> Path:
        """Where weights are kept: a place named after their step, or, where it is taken, after
        their id too: a run that went back may come to a step again, with others.
        """
        known = self._session.model_paths.get(snapshot.ref.id)
        if known is not None and Path(known).parent == kept:
            return Path(known)
        place = kept / f"step-{snapshot.step:07d}"
        if place in self._unwritten or place.exists():
            return place.with_name(f"{place.name}-{snapshot.ref.id[:8]}")
        return place

    def _write(self, folder: Path, out: Path, snapshot: Snapshot) -> Bundle:
        from genviewer.engine.run_timeline import keep

        bundle = keep(folder, snapshot, out)
        self._unwritten.pop(out, None)
        return bundle

    def _now_on_disk(self, bundle: Bundle) -> None:
        """Know what was kept as it is there: it may carry more than what draws."""
        known = self._store.loaded(bundle.ref.id)
        if known is not None and known.bundle.path == bundle.path:
            self._session.specs[bundle.ref.id] = bundle.spec
            self._store.adopt(Loaded(bundle, known.generator))
            if bundle.ref.id in self._sparing:  # now it can be opened again after the training
                self._sparing.discard(bundle.ref.id)
                self._store.limited.add(bundle.ref.id)
                if self._store.threads is None:
                    self._explorer.turn_threads()

    def close(self) -> None:
        """End the lane; what is to be kept is written, and from now on at once."""
        self._closed = True
        self._decoder.close()
        self._background.close()
        self._lane.stop()
        for out, snapshot in list(self._unwritten.items()):
            try:
                self._write(out.parent.parent, out, snapshot)
            except (ValueError, OSError) as error:
                self._tell(str(error), "error")


def _read(folder: Path, step: int) -> Snapshot:
    from genviewer.engine.run_timeline import RunTimeline

    return RunTimeline(folder).snapshot(step)
