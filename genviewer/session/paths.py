"""Where the program keeps what it remembers, by the platform's conventions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from platformdirs import user_data_path, user_state_path

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class UserFiles:
    """The files that outlive a run; their folder may not exist yet.

    Attributes:
        session: the scene, pins and controls of the last run.
        recent: models and projects opened lately.
        window: sizes and places of the window and its panels.
        answers: what was answered about models whose weights do not say it.
        trusted: files with programs that may run.
        training: which run was left unfinished, if one was.
        references: which data set the images that a model is asked about are compared with.
        runs: the folders of trainings.
        models: where new models are kept, unless another place is named.
        directions: a folder with the directions of every model that has some.
    """

    session: Path
    recent: Path
    window: Path
    answers: Path
    trusted: Path
    training: Path
    references: Path
    runs: Path
    models: Path
    directions: Path

    @classmethod
    def default(cls) -> UserFiles:
        """The files of this user."""
        state = user_state_path("genviewer", appauthor=False)
        return cls.inside(state, user_data_path("genviewer", appauthor=False))

    @classmethod
    def inside(cls, folder: Path, data: Path | None = None) -> UserFiles:
        """The files in a folder; what is large in the folder ``data``, by default the same."""
        data = folder if data is None else data
        return cls(
            folder / "session.json",
            folder / "recent.json",
            folder / "window.ini",
            folder / "answers.json",
            folder / "trusted.json",
            folder / "training.json",
            folder / "references.json",
            data / "runs",
            data / "models",
            folder / "directions",
        )
