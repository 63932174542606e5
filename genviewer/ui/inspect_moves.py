"""The explorer goes to where an image lies; each move is one undo step. No widgets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from genviewer.core.condition import Condition, VectorPart, one_class
from genviewer.core.condition_parsing import conditions_from_labels
from genviewer.core.latent import Latent
from genviewer.core.recipe import Recipe
from genviewer.session import edits

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from genviewer.core.spec import Spec
    from genviewer.engine.image_beliefs import Posterior
    from genviewer.engine.inversion import Inversion
    from genviewer.session.session import Session


class InspectMoves:
    """Edits of the Session; ``mark`` shows a posterior's mean and deviation on the sliders."""

    def __init__(self, session: Session, mark: Callable[[Any, Any], object]) -> None:
        self._session, self._mark = session, mark

    def encode(self, spec: Spec, posterior: Posterior) -> None:
        """To the posterior's mean, under the class that the image is taken for."""
        self._go_to(self._recipe_of(spec, posterior))
        self._mark(posterior.mean, posterior.deviation)

    def every_class(self, spec: Spec, posterior: Posterior | None) -> None:
        """To the Classes view at the image's latent; at the current one where that is unknown."""
        scene = self._session.scene
        if posterior is not None:
            scene = scene.with_recipe(self._recipe_of(spec, posterior))
        options = msgspec.structs.replace(scene.options.classes, rows=1)
        self._session.history.end_step()
        self._session.edit(scene.with_options(options).with_view("classes"))
        if posterior is not None:
            self._mark(posterior.mean, posterior.deviation)

    def invert(self, spec: Spec, found: Inversion) -> None:
        """To what a search has found for one image."""
        row = found.condition[0]
        condition = condition_of(spec, row) if len(row) else Condition()
        self._go_to(_recipe(found.latent[0], condition))
        self._mark(None, None)

    def _go_to(self, recipe: Recipe) -> None:
        self._session.history.end_step()
        edits.go_to(self._session, self._session.scene.model, recipe)

    def _recipe_of(self, spec: Spec, posterior: Posterior) -> Recipe:
        """The posterior's mean, under what the model was told beside the image: its class alone."""
        condition, wanted = self._session.scene.recipe.condition, spec.class_condition
        if posterior.best is not None and wanted is not None:
            condition = Condition((one_class(wanted.name, posterior.best),))
        return _recipe(posterior.mean, condition)


def _recipe(latent: NDArray[np.float32], condition: Condition) -> Recipe:
    return Recipe(Latent(np.ascontiguousarray(latent, np.float32)), condition)


def condition_of(spec: Spec, row: NDArray[np.float32]) -> Condition:
    """The condition that a packed row (K,) is of; what is optional and all zeros is empty."""
    [condition] = conditions_from_labels(row[None], spec)
    for wanted in spec.conditions:
        part = condition.part(wanted.name)
        if wanted.optional and isinstance(part, VectorPart) and not any(part.values):
            condition = condition.without(wanted.name)
    return condition
