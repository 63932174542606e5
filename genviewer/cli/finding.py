"""The models that records and axes name, found on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from genviewer.io.bundle import BundleError
from genviewer.io.library import bundled_paths, open_model, open_place
from genviewer.io.readers.answers import Answers
from genviewer.session.paths import UserFiles
from genviewer.session.recent import load_recent

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

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
        known = [*self._named, *self._bundled(), *self._lately(model)]
        same = (bundle for bundle in known if bundle.model_id == model.id)
        alike = (bundle for bundle in known if bundle.spec.name == model.name)
        return next(same, None) or next(alike, None)

    def _bundled(self) -> list[Bundle]:
        if self._known is None:
            self._known = list(_openable(bundled_paths()))
        return self._known

    def _lately(self, model: ModelRef) -> Iterator[Bundle]:
        """Those opened lately under that id or name, with what was answered about them; they may
        be of any kind, so no others are looked at.
        """
        files = UserFiles.default()
        alike = [m for m in load_recent(files.recent).models if m.id == model.id]
        alike += [m for m in load_recent(files.recent).models if m.name == model.name]
        answers = Answers(files.answers)
        for bundle in _openable(dict.fromkeys(Path(entry.path) for entry in alike)):
            settings = {} if bundle.reader == "bundle" else answers.of(bundle.weights_sha256)
            yield from _openable([bundle.path], settings) if settings else [bundle]


def _openable(paths: Iterable[Path], settings: Mapping[str, str] | None = None) -> Iterator[Bundle]:
    for path in paths:
        try:
            yield open_place(path, settings)
        except BundleError:
            continue
