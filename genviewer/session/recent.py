"""Models, projects and data sets opened lately, kept between starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from genviewer.io.atomic import write_bytes
from genviewer.session.state import keep_aside

if TYPE_CHECKING:
    from pathlib import Path

MAX_ENTRIES = 12
MAX_BYTES = 1 << 20


class RecentModel(msgspec.Struct, frozen=True):
    """Where a model was opened from, and what it was."""

    path: str
    name: str
    id: str


class Recent(msgspec.Struct, frozen=True):
    """Newest first."""

    models: tuple[RecentModel, ...] = ()
    projects: tuple[str, ...] = ()
    data: tuple[str, ...] = ()

    def with_model(self, model: RecentModel) -> Recent:
        """The same with one model at the front."""
        rest = [m for m in self.models if m.path != model.path]
        return msgspec.structs.replace(self, models=(model, *rest)[:MAX_ENTRIES])

    def without_model(self, path: str) -> Recent:
        """The same without one model."""
        kept = tuple(m for m in self.models if m.path != path)
        return msgspec.structs.replace(self, models=kept)

    def with_project(self, path: str) -> Recent:
        """The same with one project at the front."""
        rest = [p for p in self.projects if p != path]
        return msgspec.structs.replace(self, projects=(path, *rest)[:MAX_ENTRIES])

    def with_data(self, source: str) -> Recent:
        """The same with one data set, a path or a name, at the front."""
        rest = [d for d in self.data if d != source]
        return msgspec.structs.replace(self, data=(source, *rest)[:MAX_ENTRIES])

    def without_project(self, path: str) -> Recent:
        """The same without one project."""
        kept = tuple(p for p in self.projects if p != path)
        return msgspec.structs.replace(self, projects=kept)


def load_recent(path: Path) -> Recent:
    """Read the list; an empty one where there is none. A damaged file is kept aside."""
    try:
        if not path.is_file() or path.stat().st_size > MAX_BYTES:
            return Recent()
        return msgspec.json.decode(path.read_bytes(), type=Recent)
    except (ValueError, RecursionError):
        keep_aside(path)
    except OSError:
        pass
    return Recent()


def save_recent(path: Path, recent: Recent) -> None:
    """Write the list atomically.

    Raises:
        OSError: if it cannot be written.
    """
    write_bytes(path, msgspec.json.encode(recent))
