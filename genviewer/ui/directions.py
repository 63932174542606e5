"""Directions of the current model as sliders: found in the background, kept beside the model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from PySide6.QtWidgets import QFileDialog

from genviewer.core.direction_sets import (
    apart_from_others,
    joined,
    moved_to,
    renamed,
    strengths,
    unit_is_known,
    without,
)
from genviewer.core.directions import orthogonalised, select
from genviewer.session import edits, styles
from genviewer.ui.direction_files import DirectionFiles, beside
from genviewer.ui.direction_finding import DirectionFinding, origin_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from genviewer.core.directions import Directions
    from genviewer.core.scene import Scene
    from genviewer.session.session import Session
    from genviewer.ui.background import Background
    from genviewer.ui.models import Loaded, ModelStore
    from genviewer.ui.widgets.direction_panel import DirectionPanel

MOST = 64
"""A list of more sliders helps nobody."""

SAME = 0.9999
"""Two directions with a greater cosine are one."""

FILE_FILTER = "Directions (*.safetensors)"


class DirectionSliders:
    """Keeps the panel, the Session's latent and the files in step (GUI thread).

    Args:
        session: whose current sample is moved.
        panel: the sliders.
        store: where the models are.
        jobs: the lane in which directions are found.
        looks: the lane in which files are read and written.
        folder: where the directions of every model are remembered.
        tell: (text, severity) says something.
        tell_with_undo: (text, undo) says something that can be taken back.
    """

    def __init__(
        self,
        session: Session,
        panel: DirectionPanel,
        store: ModelStore,
        jobs: Background,
        looks: Background,
        folder: Path,
        tell: Callable[[str, str], None],
        tell_with_undo: Callable[[str, Callable[[], object] | None], None],
    ) -> None:
        self._session, self.panel, self._store = session, panel, store
        self._tell, self._tell_with_undo = tell, tell_with_undo
        self._files = DirectionFiles(folder, looks, tell)
        self._known: dict[tuple[str, str], Directions | None] = {}
        self._of: tuple[str, str] | None = None
        session.changed.connect(self.follow)
        self.finding = DirectionFinding(panel, jobs, self._current, self.join, tell)
        panel.apart_wanted.connect(self._all_apart)
        panel.save_wanted.connect(self._save_dialog)
        panel.open_wanted.connect(self._open_dialog)
        panel.clear_wanted.connect(lambda: self._put(None, "All directions are removed."))
        panel.list.moved.connect(self._move)
        panel.list.renamed.connect(self._rename)
        panel.list.removed.connect(self._remove)
        panel.list.apart_wanted.connect(self._one_apart)
        panel.list.axis_wanted.connect(self._along_axis)
        self.follow(session.scene)

    # what is shown

    @property
    def directions(self) -> Directions | None:
        """Those of the current model and latent space; None where there are none."""
        return self._known.get(self._of) if self._of is not None else None

    def follow(self, scene: Scene) -> None:
        """The Session has another Scene."""
        loaded = self._store.loaded(scene.model.id)
        key = None if loaded is None else (origin_of(loaded).id, scene.recipe.latent.space)
        if key != self._of:
            self._of = key
            if loaded is not None and key is not None:
                why = "" if loaded.bundle.spec.encoder else f"{loaded.ref.name} has no encoder."
                self.finding.offer(why)
                if key not in self._known:
                    self._recall(loaded, key)
            self._show()
        elif self.directions is not None:
            self._show_strengths()

    def _recall(self, loaded: Loaded, key: tuple[str, str]) -> None:
        """Read what was remembered of the model, or lies beside it."""

        def take(found: Directions | None) -> None:
            if self._known.get(key) is None:
                self._known[key] = found
                if key == self._of:
                    self._show()

        self._known[key] = None
        self._files.recall(key, loaded.bundle, take)

    def _show(self) -> None:
        now = self.directions
        if now is None:
            self.panel.set_directions(())
            return
        named = [
            (name, f"{name}: {share:.0%} explained. Double click to go back to 0.")
            for name, share in zip(now.names, now.explained, strict=True)
        ]
        self.panel.set_directions(named, "in standard deviations")
        self._show_strengths()

    def _show_strengths(self) -> None:
        now, latent = self.directions, self._session.scene.recipe.latent
        if now is not None and latent.dim == now.dim:
            values = strengths(now, latent.array.reshape(-1), styles.center(self._session))
            self.panel.list.set_strengths(values.tolist())

    # the hand

    def _move(self, index: int, strength: float, key: str) -> None:
        now, latent = self.directions, self._session.scene.recipe.latent
        if now is None or latent.dim != now.dim:
            return
        values = latent.array.reshape(-1)
        locked = edits.lock_mask(self._session, now.dim)
        center = styles.center(self._session)
        moved = moved_to(now, index, values, strength, locked=locked, center=center)
        if moved is None:
            self._tell(f"The locked dimensions hold {now.names[index]} where it is.", "warning")
            self._show_strengths()
        else:
            edits.set_latent(self._session, moved.reshape(latent.array.shape), key)

    def _rename(self, index: int, name: str) -> None:
        if self.directions is not None:
            self._put(renamed(self.directions, index, name))

    def _remove(self, index: int) -> None:
        now = self.directions
        if now is not None:
            self._put(without(now, index), f"{now.names[index]} is removed.")

    def _one_apart(self, index: int) -> None:
        now = self.directions
        if now is None:
            return
        name = now.names[index]
        try:
            apart = apart_from_others(now, index)
        except ValueError:
            self._tell(f"Nothing of {name} is left: it lies within the others.", "warning")
            return
        self._put(apart, f"{name} is orthogonal to the others now.{_unit_note(now)}")

    def _all_apart(self) -> None:
        """Each orthogonal to those before it; what lies within them goes."""
        now = self.directions
        if now is None:
            return
        kept = select(now, [0])
        for index in range(1, len(now.names)):
            try:
                kept = joined(kept, orthogonalised(select(now, [index]), kept.vectors))
            except ValueError:
                continue
        gone = len(now.names) - len(kept.names)
        less = f" {gone} of them lay within the others and went." if gone else ""
        unit = _unit_note(now)
        self._put(kept, f"Each direction is orthogonal to those before it now.{less}{unit}")

    def _put(self, directions: Directions | None, told: str = "") -> None:
        """Make a list the current one, and say what can be taken back."""
        key, before = self._of, self.directions
        if key is None:
            return

        def back() -> None:
            self._keep(key, before)

        self._keep(key, directions)
        if told:
            self._tell_with_undo(told, back)

    def _keep(self, key: tuple[str, str], directions: Directions | None) -> None:
        self._known[key] = directions
        self._files.remember(key, directions, self._session.scene.model)
        if key == self._of:
            self._show()

    def _along_axis(self, index: int, which: str) -> None:
        """Let a direction run along the rows or columns of the Axes view."""
        from genviewer.core.latent import Latent
        from genviewer.core.scene import AxisChoice

        now, scene = self.directions, self._session.scene
        if now is None:
            return
        step = now.vectors[index] * now.deviations[index]
        way = Latent(step.astype(np.float32), now.space)
        name = now.names[index]
        choice = AxisChoice("direction", "-3..3/7", direction=way, name=name)
        axes = msgspec.structs.replace(scene.options.axes, **{which: choice})
        self._session.edit(scene.with_options(axes).with_view("axes"))

    # joining

    def add(self, found: Directions, told: str = "") -> None:
        """Put directions of the current model into its list; those that are there are left out."""
        if self._of is not None:
            self.join((self._of[0], found.space), found, told)

    def join(self, key: tuple[str, str], found: Directions, told: str) -> None:
        """Put directions into the list of a model and space, and say ``told``."""
        before = self._known.get(key)
        new = list(range(len(found.names)))
        if before is not None:
            likeness = np.abs(found.vectors @ before.vectors.T).max(1)
            new = [index for index in new if likeness[index] < SAME]
        if not new:
            self._tell("These directions are in the list already.", "info")
            return
        found = select(found, new)
        whole = found if before is None else joined(before, found)
        if len(whole.names) > MOST:
            self._tell(f"A list has {MOST} directions at most; the last ones went.", "warning")
            whole = select(whole, range(MOST))
        self._keep(key, whole)
        if key != self._of and self._of is not None and key[0] == self._of[0]:
            told = told or f"Found {len(new)} directions in {key[1]}: switch the space to use them."
        if told:
            self._tell(told, "info")

    # files

    def _save_dialog(self) -> None:
        loaded, now = self._current(), self.directions
        if loaded is None or now is None:
            return
        name, _ = QFileDialog.getSaveFileName(
            self.panel, "Save the directions", str(beside(loaded.bundle)), FILE_FILTER
        )
        if name:
            path = Path(name)
            if path.suffix.lower() != ".safetensors":
                path = path.with_name(f"{path.name}.safetensors")
                if path.exists():
                    self._tell(f"{path.name} exists; choose it by its whole name.", "error")
                    return
            self.save(path)

    def save(self, path: Path) -> None:
        """Write the list into a file, which the dialog has asked about."""
        loaded, now = self._current(), self.directions
        if loaded is not None and now is not None:
            self._files.write(path, now, origin_of(loaded))

    def _open_dialog(self) -> None:
        loaded = self._current()
        if loaded is not None:
            name, _ = QFileDialog.getOpenFileName(
                self.panel, "Open directions", str(beside(loaded.bundle).parent), FILE_FILTER
            )
            if name:
                self.open(Path(name))

    def open(self, path: Path) -> None:
        """Add the directions in a file, of this model or of one with latents of the same size."""
        loaded = self._current()
        if loaded is None:
            return
        origin = origin_of(loaded)

        def take(found: Directions, model_id: str) -> None:
            other = "" if model_id == origin.id else " They were found in another model."
            text = f"{len(found.names)} directions of {path.name} are in the list.{other}"
            self.join((origin.id, found.space), found, text)

        self._files.read(path, loaded.bundle.spec, take)

    def _current(self) -> Loaded | None:
        loaded = self._store.loaded(self._session.scene.model.id)
        if loaded is None:
            self._tell("There is no model yet to find directions in.", "warning")
        return loaded


def _unit_note(directions: Directions) -> str:
    """What is said of the unit of one that is made orthogonal to others."""
    return "" if unit_is_known(directions) else " Strengths keep the unit they had."
