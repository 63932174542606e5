"""The data sets that can be chosen: those that are always there, and a person's own of late."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SOURCES = (
    ("mnist", "MNIST"),
    ("builtin:letters", "Letters of this machine's fonts"),
    ("builtin:shapes", "Procedural shapes"),
)
MAX_RECENT = 6


def name_of(source: str) -> str:
    """What to call a data set."""
    return dict(SOURCES).get(source) or Path(source).name or source


class DataSources:
    """One list for every place where a data set is chosen (GUI thread).

    Args:
        recent: gives the data sets that were looked at lately, newest first.
        keep: remembers one as the newest, also for the next start.
    """

    def __init__(self, recent: Callable[[], Sequence[str]], keep: Callable[[str], object]) -> None:
        self._recent, self._keep = recent, keep

    @property
    def own(self) -> list[tuple[str, str]]:
        """A person's own, newest first: (source, name) each; equal names tell their folders."""
        always = dict(SOURCES)
        sources = [source for source in self._recent() if source not in always][:MAX_RECENT]
        names = Counter(map(name_of, sources))
        return [
            (s, name_of(s) if names[name_of(s)] == 1 else f"{name_of(s)} in {Path(s).parent.name}")
            for s in sources
        ]

    @property
    def offered(self) -> list[tuple[str, str]]:
        """All that can be chosen: (source, name) each."""
        return [*SOURCES, *self.own]

    def remember(self, source: str) -> None:
        """A data set was read, so that it is offered first of a person's own."""
        if source not in dict(SOURCES):
            self._keep(source)
