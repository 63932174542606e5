"""What may be downloaded without asking again, and who is told how far it is.

Whoever names a model or data set of the Hub is many calls away from who fetches it; it is said
around them, as with :mod:`genviewer.io.cancelling`.
"""

from __future__ import annotations

import contextlib
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ASK_ABOVE_BYTES = 500_000_000
"""More than this is downloaded only for who agreed to it."""


@dataclass(frozen=True)
class Downloads:
    """What is said of the downloads of a block.

    Attributes:
        agreed: a person has agreed to large ones.
        how: ends the sentence that refuses a large one: how to agree.
        report: is told how much is done (0..1) and of how much, in the fetching thread, twice a
            second.
    """

    agreed: bool = False
    how: str = "that has to be agreed to first"
    report: Callable[[float, str], object] | None = None


_current: ContextVar[Downloads] = ContextVar("downloads", default=Downloads())  # noqa: B039 - frozen


@contextlib.contextmanager
def downloading(downloads: Downloads) -> Iterator[None]:
    """Let what is downloaded in this block and thread be so."""
    token = _current.set(downloads)
    try:
        yield
    finally:
        _current.reset(token)


def current_downloads() -> Downloads:
    """What is said of the downloads of this thread; by default nothing was agreed to."""
    return _current.get()


def size_in_words(size: int) -> str:
    """Bytes as a person says them: ``900 MB``, ``1.2 GB``."""
    if size >= 1_000_000_000:
        return f"{size / 1e9:,.1f} GB"
    return f"{size / 1e6:,.0f} MB"
