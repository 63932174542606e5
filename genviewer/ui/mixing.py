"""Mixes pins into the current sample, and draws their children."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genviewer.core.mixing import MixError, analogy, average, between, child
from genviewer.engine.cells import decode_recipe
from genviewer.session import edits
from genviewer.session.fit import check_recipe
from genviewer.ui.thumbnail_pictures import picture_of
from genviewer.ui.widgets.mix_panel import CHILDREN

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from genviewer.core.recipe import ModelRef, Recipe
    from genviewer.engine.jobs import Progress
    from genviewer.session.session import Session
    from genviewer.ui.background import Background
    from genviewer.ui.models import ModelStore
    from genviewer.ui.widgets.mix_panel import MixPanel


class Mixing:
    """Keeps the panel and the Session's pins in step (GUI thread); children are drawn in a lane.

    Args:
        session: whose pins are mixed and whose current sample the mixture becomes.
        panel: what says how.
        store: where the models are.
        looks: the lane in which children are drawn.
        tell: (text, severity) says something.
    """

    def __init__(
        self,
        session: Session,
        panel: MixPanel,
        store: ModelStore,
        looks: Background,
        tell: Callable[[str, str], None],
    ) -> None:
        self._session, self.panel, self._store = session, panel, store
        self._looks, self._tell = looks, tell
        self._children: list[tuple[ModelRef, Recipe]] = []
        session.pins_changed.connect(self.refresh)
        panel.mix_wanted.connect(self._mix)
        panel.children_wanted.connect(self._breed)
        panel.child_chosen.connect(self._go_to_child)
        self.refresh()

    def refresh(self) -> None:
        """Offer the Session's pins."""
        self.panel.set_pins([(p.id, p.name, picture_of(p.thumbnail)) for p in self._session.pins])

    def _chosen(self) -> tuple[ModelRef, list[Recipe]] | None:
        """The model and the Recipes of the chosen pins; None, said in words, if they do not fit."""
        pins = [pin for pin in map(self._session.pin, self.panel.chosen) if pin is not None]
        if self.panel.kind.current == "children":
            pins = pins[:2]
        models = {pin.pane.model.id for pin in pins}
        if not pins:
            return None
        if len(models) > 1:
            self._tell("Only pins of one model can be mixed.", "warning")
            return None
        return pins[0].pane.model, [pin.pane.recipe for pin in pins]

    def _mix(self, key: str) -> None:
        found = self._chosen()
        if found is None:
            return
        model, recipes = found
        kind, panel = self.panel.kind.current, self.panel
        try:
            if kind == "between":
                mixed = between(recipes, panel.slider.value, panel.path.currentData())
            elif kind == "average":
                mixed = average(recipes)
            else:
                mixed = analogy(*recipes[:3])
        except MixError as error:
            self._tell(str(error), "warning")
            return
        if model.id == self._session.scene.model.id:
            self._session.edit_recipe(mixed, key)
        else:
            edits.go_to(self._session, model, mixed)

    def _breed(self) -> None:
        """Draw the children of the first two pins as they are now."""
        found = self._chosen()
        if found is None:
            return
        model, (one, two) = found[0], found[1][:2]
        spec, loaded = self._session.specs.get(model.id), self._store.loaded(model.id)
        if spec is None or loaded is None or check_recipe(one, spec) or check_recipe(two, spec):
            self._tell(f"Open {model.name} first: children are drawn with it.", "warning")
            return
        similarity, litter = self.panel.slider.value, self.panel.litter
        try:
            recipes = [
                child(one, two, spec.of_space(one.latent.space).latent, similarity, litter + k)
                for k in range(CHILDREN)
            ]
        except MixError as error:
            self._tell(str(error), "warning")
            return
        self._children = []
        for index in range(CHILDREN):
            self.panel.set_child(index, None)
        generator = loaded.generator

        def work(progress: Progress) -> list[NDArray[np.uint8]]:
            drawn = []
            for recipe in recipes:
                progress.check()
                drawn.append(decode_recipe(generator, recipe))
            return drawn

        def show(pictures: list[NDArray[np.uint8]]) -> None:
            self._children = [(model, recipe) for recipe in recipes]
            for index, pixels in enumerate(pictures):
                self.panel.set_child(index, pixels)

        self._looks.submit(
            work,
            "Drawing children",
            key="children",
            done=show,
            failed=lambda error: self._tell(str(error), "error"),
            quiet=True,
        )

    def _go_to_child(self, index: int) -> None:
        if index < len(self._children):
            edits.go_to(self._session, *self._children[index])
