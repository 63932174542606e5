"""The explorer goes to where an image lies; each move is one undo step. No widgets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from genviewer.core.condition import one_class
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
        self._go_to(self._recipe(spec, posterior.mean, posterior.best))
        self._mark(posterior.mean, posterior.deviation)

    def every_class(self, spec: Spec, posterior: Posterior | None) -> None:
        """To the Classes view at the image's latent; at the current one where that is unknown."""
        scene = self._session.scene
        if posterior is not None:
            scene = scene.with_recipe(self._recipe(spec, posterior.mean, posterior.best))
        options = msgspec.structs.replace(scene.options.classes, rows=1)
        self._session.history.end_step()
        self._session.edit(scene.with_options(options).with_view("classes"))
        if posterior is not None:
            self._mark(posterior.mean, posterior.deviation)

    def invert(self, spec: Spec, found: Inversion) -> None:
        """To what a search has found for one image."""
        best = class_of(spec, found.condition[0]) if found.condition.shape[1] else None
        self._go_to(self._recipe(spec, found.latent[0], best))
        self._mark(None, None)

    def _go_to(self, recipe: Recipe) -> None:
        self._session.history.end_step()
        edits.go_to(self._session, self._session.scene.model, recipe)

    def _recipe(self, spec: Spec, latent: NDArray[np.float32], best: int | None) -> Recipe:
        condition = self._session.scene.recipe.condition
        wanted = spec.class_condition
        if best is not None and wanted is not None:
            condition = condition.with_part(one_class(wanted.name, best))
        return Recipe(Latent(np.ascontiguousarray(latent, np.float32)), condition)


def class_of(spec: Spec, row: NDArray[np.float32]) -> int | None:
    """The class that a packed condition (K,) is of; None where it has no classes."""
    start = 0
    for condition in spec.conditions:
        if condition.kind == "class":
            return int(row[start : start + condition.size].argmax())
        start += 0 if condition.kind == "text" else condition.size
    return None
