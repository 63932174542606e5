"""Where the program keeps what it remembers, by the platform's conventions."""

from __future__ import annotations


from platformdirs import user_state_path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

APP = "genviewer"


def state_folder() -> Path:
    """The folder of the files below; it may not exist yet."""
    return user_state_path(APP, appauthor=False)


def session_file() -> Path:
    """The scene, pins and controls of the last run."""
    return state_folder() / "session.json"


def recent_file() -> Path:
    """Models and projects opened lately."""
    return state_folder() / "recent.json"


def window_file() -> Path:
    """Sizes and places of the window and its panels."""
    return state_folder() / "window.ini"
