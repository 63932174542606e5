"""How pins, exports and the session cite a model that is being trained: by weights of it that are
kept in the run's folder.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from genviewer.io.bundle import CONFIG_NAME
from genviewer.ui.models import Loaded

if TYPE_CHECKING:
    from collections.abc import Callable

    from genviewer.core.recipe import ModelRef
    from genviewer.engine.jobs import Progress
    from genviewer.engine.run_timeline import Snapshot
    from genviewer.io.bundle import Bundle
    from genviewer.ui.background import Background
    from genviewer.ui.explorer import Explorer
    from genviewer.ui.training_drawing import Drawn, LiveRun
    from genviewer.ui.training_recent import RecentWeights


class Citing:
    """Keeps the weights of one run at a time that are cited (GUI thread, but for
    :meth:`write_cited`).

    Args:
        lane: where they are written, and older pictures drawn.
        recent: which weights drew what was seen of the run.
        now: what draws the picture; None where there is nothing of a run.
        maker: makes, in the lane, what draws a run with the weights that its second argument gives.
        tell: (text, severity) says something.
    """

    def __init__(
        self,
        explorer: Explorer,
        lane: Background,
        recent: RecentWeights,
        now: Callable[[], Drawn | None],
        maker: Callable[[LiveRun, Callable[[], Snapshot]], Callable[[Progress], Drawn]],
        tell: Callable[[str, str], None],
    ) -> None:
        self._explorer, self._session, self._store = explorer, explorer.session, explorer.store
        self._lane, self._recent = lane, recent
        self._now, self._maker, self._tell = now, maker, tell
        self._closed = False
        self._cited: dict[str, ModelRef] = {}
        self._sparing: set[str] = set()  # of those that are being written
        self._unwritten: dict[Path, Snapshot] = {}

    def begin(self) -> None:
        """Another run begins, of which nothing is cited."""
        self._cited = {}

    def close(self) -> None:
        """The lane has ended: what is to be kept is written, and from now on at once."""
        self._closed = True
        for out, snapshot in list(self._unwritten.items()):
            try:
                self._write(out.parent.parent, out, snapshot)
            except (ValueError, OSError) as error:
                self._tell(str(error), "error")

    # what is cited

    def cite(self, model: ModelRef, like: ModelRef | None = None) -> ModelRef:
        """What cites the model from now on: weights that are kept.

        The weights that draw the picture now are written into the run's folder; ``like`` is cited
        instead where it is of this run. Other models are cited as they are.
        """
        drawn = self._now()
        if drawn is None or model.id != drawn.run.ref.id:
            return model
        if like is not None and like.id in self._cited:
            return like
        return self._kept(drawn)

    def recall(
        self, model: ModelRef, weights: ModelRef, then: Callable[[ModelRef], object]
    ) -> None:
        """Give ``then`` what cites ``weights``, which drew an older picture of ``model``, and keep
        them. Where they are known no more that is told, and ``model`` itself is given.
        """
        drawn = self._now()
        if drawn is None or model.id != drawn.run.ref.id:
            then(model)
            return
        if weights.id == drawn.snapshot.ref.id:
            then(model)
            return
        if weights.id in self._cited:
            then(self._cited[weights.id])
            return
        run = drawn.run

        def gone() -> None:
            now = self._now()
            if now is None or now.run is not run:
                self._tell("Its training is no longer open; the picture is not pinned.", "warning")
                return
            self._tell(
                "The weights that drew this picture are not known any more; the pin has those of "
                f"step {now.snapshot.step:,}.",
                "warning",
            )
            then(model)

        def found(older: Drawn) -> None:
            now = self._now()
            if now is not None and now.run is run:
                then(self._kept(older))
            else:
                gone()

        get = self._recent.find(weights, run.folder)
        if get is None:
            gone()
            return
        self._lane.submit(
            self._maker(run, get),
            "Pinning an older picture",
            done=found,
            failed=lambda _: gone(),
            quiet=True,
        )

    def keep_newest(self, kept: Callable[[int], object] = lambda _: None) -> int | None:
        """Keep the weights that draw the picture now with the run; their step, which ``kept`` is
        given when they are on the disk.
        """
        drawn = self._now()
        if drawn is None:
            return None
        step, ref = drawn.snapshot.step, self._kept(drawn)
        config = Path(self._session.model_paths[ref.id]) / CONFIG_NAME

        def looked(there: bool) -> None:
            if there:  # else it was told why not
                kept(step)

        self._lane.submit(
            lambda _: config.is_file(),
            f"Keeping step {step}",
            done=looked,
            failed=lambda error: self._tell(str(error), "error"),
        )
        return step

    def is_kept(self, model: str, folder: Path) -> bool:
        """Whether a model is one that was kept of the run in ``folder``."""
        path = self._session.model_paths.get(model)
        return path is not None and Path(path).is_relative_to(folder)

    # on the disk

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
        lane.

        Raises:
            WriteError: it cannot be written.
            BundleError: something else is in its place.
        """
        for out, snapshot in list(self._unwritten.items()):
            if out.parent.parent == folder:
                self._write(folder, out, snapshot)

    def _kept(self, drawn: Drawn) -> ModelRef:
        folder, snapshot = drawn.run.folder, drawn.snapshot
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
            self._lane.submit(
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
