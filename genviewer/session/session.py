"""The explorer's state, in plain Python: the Scene and its history, pins, controls, Specs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from psygnal import Signal

from genviewer.core.linking import followed
from genviewer.core.recipe import ModelRef, Recipe, seeded_recipe
from genviewer.core.scene import Pane, Scene
from genviewer.session.fit import check_recipe, fit_recipe, fit_scene
from genviewer.session.history import History
from genviewer.session.state import Controls, Pin, State
from genviewer.session.styles import Styles
from genviewer.session.track import Track

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from genviewer.core.spec import Spec

    Cite = Callable[[ModelRef, ModelRef | None], ModelRef]
    Recall = Callable[[ModelRef, ModelRef, Callable[[ModelRef], object]], object]

DEFAULT_SEED = 7


def _itself(model: ModelRef, _like: ModelRef | None) -> ModelRef:
    return model


def _at_once(model: ModelRef, _weights: ModelRef, then: Callable[[ModelRef], object]) -> None:
    then(model)


class Session:
    """What is being explored. All methods belong to one thread, the one that made it.

    Signals:
        changed(Scene): the Scene is another one.
        pins_changed(): pins came, went, moved or were renamed.
        track_changed(Track): keyframes came, went or changed.
        controls_changed(Controls): a setting of the controls is another one.
    """

    changed = Signal(Scene)
    pins_changed = Signal()
    track_changed = Signal(Track)
    controls_changed = Signal(Controls)

    def __init__(self, state: State, history_limit: int = 500) -> None:
        self._history = History(state.scene, history_limit)
        self._pins = list(state.pins)
        self._track = state.track.checked()
        self._controls = state.controls
        self.model_paths = dict(state.model_paths)
        self.specs: dict[str, Spec] = {}
        self.styles = Styles()
        self.cite: Cite = _itself
        """How a model is cited by what outlives the moment: pins, keyframes, files. A model whose
        weights still change is cited by one that has these weights and keeps them; ``like`` is
        cited instead where it is of the same training.
        """
        self.recall: Recall = _at_once
        """How a model is cited by what keeps an older picture: the last argument is given what
        cites the weights that drew it then or, where these are known no more, the model itself.
        """
        self._locks: dict[str, tuple[int, ...]] = {}
        self._locked_model = state.scene.model.id

    # the Scene

    @property
    def scene(self) -> Scene:
        """The current Scene."""
        return self._history.scene

    @property
    def history(self) -> History:
        """The Scenes before and after it."""
        return self._history

    @property
    def spec(self) -> Spec | None:
        """The focused model's Spec for the current latent's space; None until that model has been
        opened once.
        """
        spec = self.specs.get(self.scene.model.id)
        return None if spec is None else self.styles.spec_of(spec, self.scene.recipe.latent.space)

    def edit(self, scene: Scene, key: Hashable | None = None) -> None:
        """Make ``scene`` the current one; edits in a row with the same key are one undo step."""
        if self._history.edit(scene, key):
            self.changed.emit(scene)

    def amend(self, scene: Scene) -> None:
        """Replace the current Scene by what follows from the last edit; no step of its own."""
        if self._history.amend(scene):
            self.changed.emit(scene)

    def edit_recipe(self, recipe: Recipe, key: Hashable | None = None) -> None:
        """Replace the current sample; panes that are linked with it follow."""
        self.edit(self._linked(self.scene.with_recipe(recipe)), key)

    def _linked(self, scene: Scene) -> Scene:
        """``scene`` with the other panes where the edit of the focused one leads them."""
        before, after = self.scene, scene
        source = self.specs.get(after.model.id)
        if len(after.panes) < 2 or not after.pane.linked or source is None:
            return scene
        for index, pane in enumerate(after.panes):
            target = self.specs.get(pane.model.id)
            if index == after.focus or not pane.linked or target is None:
                continue
            recipe = followed(before.recipe, after.recipe, source, pane.recipe, target)
            scene = scene.with_pane_at(index, msgspec.structs.replace(pane, recipe=recipe))
        return scene

    def undo(self) -> None:
        """One step back; nothing happens at the first."""
        if self._history.undo():
            self.changed.emit(self.scene)

    def redo(self) -> None:
        """Take back one undo."""
        if self._history.redo():
            self.changed.emit(self.scene)

    # models

    def show_model(self, ref: ModelRef, spec: Spec, recipe: Recipe | None = None) -> None:
        """Explore a model that has been opened: the given Recipe, or the current one where it
        fits, or a first sample.
        """
        self.specs[ref.id] = spec
        if recipe is None:
            recipe = self.scene.recipe if self.scene.model.id == ref.id else None
        if recipe is None:
            recipe = fit_recipe(self.scene.recipe, spec) or seeded_recipe(spec, DEFAULT_SEED)
        pane = msgspec.structs.replace(self.scene.pane, model=ref, recipe=recipe)
        self.edit(fit_scene(self.scene.with_pane(pane), spec))

    # panes

    def add_pane(self, ref: ModelRef, spec: Spec, recipe: Recipe | None = None) -> None:
        """Hold another model, or this one again, against the current sample.

        It begins with ``recipe``, or with the current Recipe as the model can draw it, or with a
        first sample of its own, and is linked. ValueError if there are enough panes already.
        """
        self.specs[ref.id] = spec
        if recipe is None:
            current = self.scene.recipe
            same = self.scene.model.id == ref.id
            recipe = current if same else fit_recipe(current, spec)
        pane = Pane(ref, recipe if recipe is not None else seeded_recipe(spec, DEFAULT_SEED))
        self._history.end_step()
        self.edit(self.scene.with_pane_added(pane).with_view("focus"))

    def close_pane(self, index: int) -> None:
        """Take a pane away; the last one stays."""
        self._history.end_step()
        self.edit(self.scene.without_pane(index))

    def focus_pane(self, index: int) -> None:
        """Let controls and views belong to another pane."""
        if 0 <= index < len(self.scene.panes) and index != self.scene.focus:
            self.edit(msgspec.structs.replace(self.scene, focus=index))

    def link_pane(self, index: int, linked: bool) -> None:
        """Let a pane move with the others, or by itself."""
        pane = msgspec.structs.replace(self.scene.panes[index], linked=linked)
        self.edit(self.scene.with_pane_at(index, pane))

    # models that change

    def cited_pane(self, pane: Pane, like: ModelRef | None = None) -> Pane:
        """The pane with its model as it is cited."""
        model = self.cite(pane.model, like)
        return pane if model is pane.model else msgspec.structs.replace(pane, model=model)

    def cited(self, scene: Scene) -> Scene:
        """The Scene with its models as they are cited."""
        return msgspec.structs.replace(scene, panes=tuple(map(self.cited_pane, scene.panes)))

    def replace_model(self, old: ModelRef, new: ModelRef, spec: Spec) -> None:
        """Let another model stand wherever one stood: in the Scene, in its history, in pins and
        keyframes. Recipes that it cannot draw become those that it can.
        """
        self.specs[new.id] = spec

        def fitted(pane: Pane) -> Pane:
            if pane.model.id != old.id:
                return pane
            recipe = pane.recipe
            if check_recipe(recipe, spec):
                recipe = fit_recipe(recipe, spec) or seeded_recipe(spec, DEFAULT_SEED)
            return msgspec.structs.replace(pane, model=new, recipe=recipe)

        def change(scene: Scene) -> Scene:
            if all(pane.model.id != old.id for pane in scene.panes):
                return scene
            scene = msgspec.structs.replace(scene, panes=tuple(map(fitted, scene.panes)))
            return fit_scene(scene, spec) if scene.model.id == new.id else scene

        pins = [msgspec.structs.replace(pin, pane=fitted(pin.pane)) for pin in self._pins]
        if pins != self._pins:
            self._pins = pins
            self.pins_changed.emit()
        track = self._track
        if track.model is not None and track.model.id == old.id:
            self.set_track(msgspec.structs.replace(track, model=new))
        if self._history.rewrite(change):
            self.changed.emit(self.scene)

    def turn_locks(self, model_id: str) -> None:
        """Bring back the locks that a model had when it was explored last; none at first."""
        if model_id != self._locked_model:
            self._locks[self._locked_model] = self._controls.locks
            self._locked_model = model_id
            locks = self._locks.get(model_id, ())
            self.set_controls(msgspec.structs.replace(self._controls, locks=locks))

    # pins

    @property
    def pins(self) -> tuple[Pin, ...]:
        """All pins, in the order of the shelf."""
        return tuple(self._pins)

    def add_pin(self, pane: Pane, name: str, thumbnail: bytes) -> Pin:
        """Keep a sample; the newest pin comes first."""
        pin = Pin(self._free_pin_id(), name, self.cited_pane(pane), thumbnail)
        self._pins.insert(0, pin)
        self.pins_changed.emit()
        return pin

    def _free_pin_id(self) -> int:
        return max((pin.id for pin in self._pins), default=0) + 1

    def pin(self, number: int) -> Pin | None:
        """The pin with that id, if it is still there."""
        return next((pin for pin in self._pins if pin.id == number), None)

    def rename_pin(self, number: int, name: str) -> None:
        """Give a pin another name."""
        self._pins = [
            msgspec.structs.replace(pin, name=name) if pin.id == number else pin
            for pin in self._pins
        ]
        self.pins_changed.emit()

    def move_pin(self, number: int, index: int) -> None:
        """Move a pin to another place of the shelf."""
        pin = self.pin(number)
        if pin is not None:
            self._pins.remove(pin)
            self._pins.insert(max(0, min(index, len(self._pins))), pin)
            self.pins_changed.emit()

    def remove_pin(self, number: int) -> tuple[Pin, int] | None:
        """Take a pin away; returns it and its place, for :meth:`restore_pin`."""
        pin = self.pin(number)
        if pin is None:
            return None
        index = self._pins.index(pin)
        self._pins.remove(pin)
        self.pins_changed.emit()
        return pin, index

    def restore_pin(self, pin: Pin, index: int) -> None:
        """Put a removed pin back where it was; under another id if its own was given away since."""
        if self.pin(pin.id) is not None:
            pin = msgspec.structs.replace(pin, id=self._free_pin_id())
        self._pins.insert(max(0, min(index, len(self._pins))), pin)
        self.pins_changed.emit()

    # keyframes

    @property
    def track(self) -> Track:
        """The keyframes."""
        return self._track

    def set_track(self, track: Track) -> None:
        """Replace the keyframes; they are not part of the undo history."""
        if track != self._track:
            self._track = track
            self.track_changed.emit(track)

    # controls

    @property
    def controls(self) -> Controls:
        """The controls' settings."""
        return self._controls

    def set_controls(self, controls: Controls) -> None:
        """Replace the controls' settings; they are not part of the undo history."""
        if controls != self._controls:
            self._controls = controls
            self.controls_changed.emit(controls)

    # files

    def state(self, cite: Cite | None = None) -> State:
        """What a session or project file holds of it; models as ``cite`` says, by default as the
        Session cites them.
        """
        cite = cite or self.cite
        scene = self.scene
        scene = msgspec.structs.replace(
            scene,
            panes=tuple(
                msgspec.structs.replace(pane, model=cite(pane.model, None)) for pane in scene.panes
            ),
        )
        panes = (*scene.panes, *(pin.pane for pin in self._pins))
        models = [pane.model for pane in panes]
        if self._track.model is not None:
            models.append(self._track.model)
        cited = {model.id for model in models}
        paths = {k: v for k, v in self.model_paths.items() if k in cited}
        return State(scene, self.pins, self._controls, paths, self._track)

    def restore(self, state: State) -> None:
        """Become what a file holds. The Scene change can be undone; pins and controls come as
        they are in the file.
        """
        self._pins = list(state.pins)
        self.model_paths.update(state.model_paths)
        self.turn_locks(state.scene.model.id)
        self.set_controls(state.controls)
        self.pins_changed.emit()
        self.set_track(state.track.checked())
        self._history.end_step()
        self.edit(state.scene)
