"""Keeps the pin shelf and the Session's pins in step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from genviewer.core.pixels import fewer_pixels
from genviewer.io.images import ImageError, decode_png, encode_png
from genviewer.session import edits

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from genviewer.core.recipe import Recipe
    from genviewer.core.scene import Pane
    from genviewer.core.spec import Spec
    from genviewer.session.session import Session
    from genviewer.session.state import Pin
    from genviewer.ui.widgets.pin_shelf import PinShelf

THUMBNAIL = 96


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
        self._pictures: dict[bytes, NDArray[np.uint8]] = {}
        session.pins_changed.connect(self.refresh)
        shelf.chosen.connect(self.go_to)
        shelf.renamed.connect(session.rename_pin)
        shelf.moved.connect(session.move_pin)
        shelf.removed.connect(self.remove)

    def add(self, pane: Pane, pixels: NDArray[np.uint8]) -> None:
        """Keep a sample with a small picture of it: uint8 (H, W, C)."""
        small = fewer_pixels(pixels, max(1, max(pixels.shape[:2]) // THUMBNAIL))
        name = pin_name(pane.recipe, self._session.specs.get(pane.model.id))
        self._session.add_pin(pane, name, encode_png(small))

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
        self._shelf.set_pins([(p.id, p.name, self._picture(p)) for p in self._session.pins])

    def _picture(self, pin: Pin) -> NDArray[np.uint8]:
        picture = self._pictures.get(pin.thumbnail)
        if picture is None:
            try:
                picture = decode_png(pin.thumbnail)
            except ImageError:
                picture = np.full((8, 8, 1), 128, np.uint8)
            self._pictures[pin.thumbnail] = picture
        return picture


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
