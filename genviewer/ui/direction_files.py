"""Directions on disk: remembered for every model, and in files that a person names."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from genviewer.engine.directions_file import SUFFIX, DirectionsError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from genviewer.core.directions import Directions
    from genviewer.core.recipe import ModelRef
    from genviewer.core.spec import Spec
    from genviewer.engine.jobs import Progress
    from genviewer.io.bundle import Bundle
    from genviewer.ui.background import Background

BESIDE_NAME = f"directions{SUFFIX}"
MAX_BYTES = 64 << 20
"""Of a file that nobody chose: one that is remembered, or lies beside a model."""


def beside(bundle: Bundle) -> Path:
    """Where directions lie beside a model: in a bundle's folder, or next to a file."""
    path = bundle.path
    return path / BESIDE_NAME if path.is_dir() else path.with_name(f"{path.stem}-{BESIDE_NAME}")


class DirectionFiles:
    """Reads and writes directions in a lane; callbacks come on the GUI thread.

    Args:
        folder: where they are remembered, a file for every model and latent space.
        jobs: the lane.
        tell: (text, severity) says something.
    """

    def __init__(self, folder: Path, jobs: Background, tell: Callable[[str, str], None]) -> None:
        self._folder, self._jobs, self._tell = folder, jobs, tell

    def recall(
        self,
        key: tuple[str, str],
        bundle: Bundle,
        take: Callable[[Directions | None], None],
    ) -> None:
        """Read what was remembered of a model and a space, else what lies beside the model."""
        remembered, lying = self._path(key), beside(bundle)

        def work(_: Progress) -> Directions | None:
            from genviewer.engine.directions_file import read_directions

            for path in (remembered, lying):
                try:
                    if not path.is_file() or path.stat().st_size > MAX_BYTES:
                        continue
                    found = read_directions(path, bundle.spec)[0]
                except (DirectionsError, OSError):
                    continue  # nobody asked for it, so a file that does not fit is no error
                if found.space == key[1]:
                    return found
            return None

        self._jobs.submit(
            work,
            "Reading directions",
            key=f"recall {key}",
            done=take,
            failed=lambda error: self._tell(str(error), "warning"),
            quiet=True,
        )

    def remember(
        self, key: tuple[str, str], directions: Directions | None, model: ModelRef
    ) -> None:
        """Keep the list of a model for the next time; None forgets it."""
        path = self._path(key)

        def work(_: Progress) -> None:
            from genviewer.engine.directions_file import write_directions

            if directions is None:
                path.unlink(missing_ok=True)
            else:
                write_directions(path, directions, model)

        self._jobs.submit(
            work,
            "Keeping directions",
            key=f"remember {key}",
            failed=lambda error: self._tell(
                f"Directions cannot be kept: {_reason(error)}.", "warning"
            ),
            quiet=True,
        )

    def write(self, path: Path, directions: Directions, model: ModelRef) -> None:
        """Write a file that a person named, and say so."""

        def work(_: Progress) -> None:
            from genviewer.engine.directions_file import write_directions

            write_directions(path, directions, model)

        count = len(directions.names)
        self._jobs.submit(
            work,
            f"Saving {path.name}",
            done=lambda _: self._tell(f"Saved {count} directions in {path.name}.", "info"),
            failed=lambda error: self._tell(
                f"{path.name} cannot be written: {_reason(error)}.", "error"
            ),
        )

    def read(self, path: Path, spec: Spec, take: Callable[[Directions, str], None]) -> None:
        """Read a file that a person named: its directions, and the id of their model."""

        def work(_: Progress) -> tuple[Directions, str]:
            from genviewer.engine.directions_file import read_directions

            return read_directions(path, spec)

        self._jobs.submit(
            work,
            f"Reading {path.name}",
            done=lambda found: take(*found),
            failed=lambda error: self._tell(str(error), "error"),
        )

    def _path(self, key: tuple[str, str]) -> Path:
        # A model id may come from a file of others: its hash is a safe name whatever it is.
        digest = hashlib.sha256("\0".join(key).encode()).hexdigest()[:32]
        return self._folder / f"{digest}{SUFFIX}"


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno is not None:
        return os.strerror(error.errno).lower()
    return str(error).rstrip(".")
