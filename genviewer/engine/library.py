"""Models at hand, opened: by bundled name, by folder, all the bundled ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genviewer.io import library
from genviewer.io.bundle import Bundle, BundleError, open_bundle
from genviewer.io.cancelling import cancelled_by

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from genviewer.engine.jobs import Progress


def find_model(
    wanted: str | Path,
    settings: Mapping[str, str] | None = None,
    trust: bool = False,
    progress: Progress | None = None,
) -> Bundle:
    """The model that a MODEL stands for; a Path is always a place on disk.

    ``settings`` are what its weights do not say, ``trust`` lets programs in it run.
    ``progress`` can cancel: while a network is searched for and between the steps of self-tests,
    and in the first run of such a program.

    Raises:
        BundleError: with one sentence, if there is none or it cannot be opened.
    """
    try:
        # A bundled name has no separator, so a relative Path needs one to be no such name.
        text = wanted if isinstance(wanted, str) else str(wanted.absolute())
        with cancelled_by(progress):
            return library.open_model(text, settings, trust)
    except library.ModelNotFoundError as error:
        raise BundleError(str(error)) from error


def bundled_models() -> tuple[Bundle, ...]:
    """The bundled models that can be opened, by name."""
    return open_all(library.bundled_paths())[0]


def open_all(paths: Iterable[Path]) -> tuple[tuple[Bundle, ...], tuple[str, ...]]:
    """The bundles at these places, and one sentence for each that cannot be opened."""
    bundles, problems = [], []
    for path in paths:
        try:
            bundles.append(open_bundle(path))
        except BundleError as error:
            problems.append(str(error))
    return tuple(bundles), tuple(problems)
