"""Where the engine keeps what it derived from models and could derive again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from platformdirs import user_cache_path

if TYPE_CHECKING:
    from pathlib import Path


def cache_folder(kind: str) -> Path:
    """The folder for one kind of derived files; it may not exist yet.

    Files in it are named by model id, so they never go stale.
    """
    return user_cache_path("genviewer", appauthor=False) / kind
