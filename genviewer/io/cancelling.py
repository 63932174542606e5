"""How work that knows nothing of jobs is cancelled: whoever starts it says by whom, around it."""

from __future__ import annotations

import contextlib
from contextvars import ContextVar
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator


class Cancels(Protocol):
    """What can stop work by raising from ``check``."""

    def check(self) -> None:
        """Raise if the work is no longer wanted."""
        ...


_current: ContextVar[Cancels | None] = ContextVar("cancels", default=None)


@contextlib.contextmanager
def cancelled_by(progress: Cancels | None) -> Iterator[None]:
    """Let ``progress`` stop what goes on in this block and thread.

    Readers and guarded processes know nothing of jobs; whoever opens a model in one says so.
    """
    token = _current.set(progress)
    try:
        yield
    finally:
        _current.reset(token)


def current_cancels() -> Cancels | None:
    """What may stop the work of this thread, if anything may."""
    return _current.get()


def check_cancelled() -> None:
    """Raise what the caller's ``check`` raises if this thread's work is no longer wanted."""
    progress = _current.get()
    if progress is not None:
        progress.check()
