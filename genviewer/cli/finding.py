"""The models that records and axes name, found on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from genviewer.io.bundle import BundleError, open_bundle
from genviewer.io.library import bundled_paths, open_model
from genviewer.session.paths import UserFiles
from genviewer.session.recent import load_recent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from genviewer.core.recipe import ModelRef
    from genviewer.io.bundle import Bundle


class ModelFinder:
    """Finds models by the reference that a Recipe cites.

    Looked at are the models named here, then the bundled ones, then those opened lately.

    Args:
        named: MODELs as the command line takes them.

    Raises:
        ModelNotFoundError: one of those is not there.
        BundleError: one of those cannot be opened.
    """

    def __init__(self, named: tuple[str, ...] = ()) -> None:
        self._named = [open_model(text) for text in named]
        self._known: list[Bundle] | None = None

    def __call__(self, model: ModelRef) -> Bundle | None:
        """The model of that id; else one of that name; else None."""
        known = self._models()
        same = (bundle for bundle in known if bundle.model_id == model.id)
        alike = (bundle for bundle in known if bundle.spec.name == model.name)
        return next(same, None) or next(alike, None)

    def _models(self) -> list[Bundle]:
        if self._known is None:
            self._known = [*self._named, *_openable()]
        return self._known


def _openable() -> Iterator[Bundle]:
    recent = load_recent(UserFiles.default().recent)
    for path in [*bundled_paths(), *(Path(entry.path) for entry in recent.models)]:
        try:
            yield open_bundle(path)
        except BundleError:
            continue
