"""Keeps the controls of space, noise, mixing and placement in step with the Session."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from genviewer.core.latent import Latent
from genviewer.core.prior import draw
from genviewer.session import styles
from genviewer.ui.widgets.synthesis_rows import NO_MIX, OTHER, SEED

if TYPE_CHECKING:
    from collections.abc import Callable

    from genviewer.core.recipe import Recipe
    from genviewer.core.spec import Spec
    from genviewer.core.synthesis import Mix, Noise, Transform
    from genviewer.session.session import Session
    from genviewer.ui.widgets.synthesis_rows import SynthesisRows


class SynthesisControls:
    """Turns what the rows say into edits, and shows them what the Scene says.

    Args:
        tell: (text, severity) says what could not be done.
    """

    def __init__(
        self, session: Session, rows: SynthesisRows, tell: Callable[[str, str], None]
    ) -> None:
        self._session = session
        self._rows = rows
        self._tell = tell
        self._spec: Spec | None = None
        session.pins_changed.connect(self._show_pins)
        rows.space_chosen.connect(self._choose_space)
        rows.cutoff_edited.connect(lambda cutoff: styles.set_cutoff(session, cutoff))
        rows.noise_edited.connect(self._edit_noise)
        rows.mix_edited.connect(self._edit_mix)
        rows.transform_edited.connect(self._edit_transform)

    def show(self, spec: Spec | None, recipe: Recipe) -> None:
        """Show a Recipe of a model; the Spec is of the Recipe's space."""
        if spec is not self._spec:
            self._spec = spec
            self._rows.set_spec(spec)
            self._show_pins()
        if spec is not None and spec.synthesis is not None:
            self._rows.set_recipe(recipe, self._source(recipe.mix, spec))

    def _source(self, mix: Mix | None, spec: Spec) -> int:
        """Where a second latent is from: a pin, the seed shown, or anywhere else."""
        if mix is None:
            return NO_MIX
        if mix.latent == Latent(draw(spec.prior_latent, self._rows.mix_seed.value())):
            return SEED
        model = self._session.scene.model.id
        for pin in self._session.pins:
            if pin.pane.model.id == model and pin.pane.recipe.latent == mix.latent:
                return pin.id
        return OTHER

    def _show_pins(self) -> None:
        model, recipe = self._session.scene.model.id, self._session.scene.recipe
        pins = [p for p in self._session.pins if p.pane.model.id == model]
        self._rows.set_pins([(pin.id, pin.name) for pin in pins])
        spec = self._session.spec
        if spec is not None and spec.synthesis is not None:
            self._rows.set_recipe(recipe, self._source(recipe.mix, spec))

    def _choose_space(self, space: str) -> None:
        if not styles.set_space(self._session, space):
            self._rows.space.set_current(self._session.scene.recipe.latent.space)
            self._tell("The model is still being opened; try again in a moment.", "warning")

    def _edit_noise(self, noise: Noise, strength: float, key: str) -> None:
        styles.set_noise(self._session, noise, strength, key or None)

    def _edit_mix(self, source: int, seed: int, first: int, last: int) -> None:
        mix = self._session.scene.recipe.mix
        if source == NO_MIX:
            styles.set_mix(self._session, None)
        elif source == SEED:
            styles.mix_with_seed(self._session, seed, first, last)
        elif source == OTHER:
            if mix is not None:
                moved = msgspec.structs.replace(mix, first=first, last=last)
                styles.set_mix(self._session, moved)
        elif not styles.mix_with_pin(self._session, source, first, last):
            self._tell("That pin is not of this model any more.", "warning")

    def _edit_transform(self, transform: Transform, key: str) -> None:
        styles.set_transform(self._session, transform, key)
