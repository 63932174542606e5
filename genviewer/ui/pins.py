"""Keeps the pin shelf and the Session's pins in step."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from genviewer.core.scene import Pane
from genviewer.session import edits
from genviewer.ui.thumbnail_pictures import picture_of, small_png

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from genviewer.core.recipe import ModelRef, Recipe
    from genviewer.core.spec import Spec
    from genviewer.session.session import Session
    from genviewer.ui.widgets.pin_shelf import PinShelf


@dataclass(frozen=True)
class Shown:
    """A sample that was shown, and what cites the weights that drew it then.

    The same sample, drawn again by other weights, is equal to it.
    """

    model: ModelRef
    recipe: Recipe
    weights: ModelRef = field(compare=False)


class Pins:
    """Pins samples, and shows the pins there are.

    Args:
        tell: (text, undo) says what happened, with a way to take it back, or None.
    """

    def __init__(
        self,
        session: Session,
        shelf: PinShelf,
        tell: Callable[[str, Callable[[], None] | None], None],
    ) -> None:
        self._session = session
        self._shelf = shelf
        self._tell = tell
        session.pins_changed.connect(self.refresh)
        shelf.chosen.connect(self.go_to)
        shelf.renamed.connect(session.rename_pin)
        shelf.moved.connect(session.move_pin)
        shelf.removed.connect(self.remove)

    def add(self, pane: Pane, pixels: NDArray[np.uint8]) -> None:
        """Keep a sample with a small picture of it: uint8 (H, W, C)."""
        name = pin_name(pane.recipe, self._session.specs.get(pane.model.id))
        self._session.add_pin(pane, name, small_png(pixels))

    def add_shown(self, shown: Shown, pixels: NDArray[np.uint8]) -> None:
        """Keep a sample that was shown before: what drew it then, where that is still known."""

        def add(model: ModelRef) -> None:
            self.add(Pane(model, shown.recipe), pixels)

        self._session.recall(shown.model, shown.weights, add)

    def go_to(self, number: int) -> None:
        """Make a pin the current sample; its model comes with it."""
        pin = self._session.pin(number)
        if pin is not None:
            edits.go_to(self._session, pin.pane.model, pin.pane.recipe)

    def remove(self, number: int) -> None:
        """Take a pin off the shelf, with a way back."""
        removed = self._session.remove_pin(number)
        if removed is not None:
            pin, index = removed
            self._tell(f"Removed {pin.name}.", lambda: self._session.restore_pin(pin, index))

    def refresh(self) -> None:
        """Show the Session's pins."""
        self._shelf.set_pins([(p.id, p.name, picture_of(p.thumbnail)) for p in self._session.pins])


def pin_name(recipe: Recipe, spec: Spec | None) -> str:
    """A first name for a pin: its class, or the beginning of its latent."""
    wanted = spec.class_condition if spec else None
    if wanted is not None:
        weights = recipe.condition.class_weights(wanted.name)
        if not weights:
            return "any"
        leading = sorted(weights, key=lambda i: -weights[i])[:3]
        return " + ".join(wanted.label(i) for i in leading)
    return "z " + " ".join(f"{value:.1f}" for value in recipe.latent.array.ravel()[:2])
