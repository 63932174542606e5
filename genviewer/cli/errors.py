"""How a command ends when something goes wrong: one sentence on stderr and an exit code."""

from __future__ import annotations

import functools
import os
import sys
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
R = TypeVar("R")

FAILED = 1
USAGE = 2
INTERRUPTED = 130

TRACEBACK_VARIABLE = "GENVIEWER_TRACEBACK"
"""Where this environment variable is set, errors show where they come from."""


class CommandError(Exception):
    """Something the user can put right; the message is one sentence."""


class UsageError(CommandError):
    """Arguments that do not go together."""


def say(message: str) -> None:
    """A message on stderr; stdout is for data."""
    sys.stderr.write(f"genviewer: {message}\n")


def sentence(error: BaseException) -> str:
    """An error in one line for a person.

    The messages of our own errors are sentences. Of others the kind is told too, since their
    text alone often says nothing.
    """
    text = " ".join(str(error).split())
    if text and type(error).__module__.partition(".")[0] == __package__.partition(".")[0]:
        return text
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename}: {error.strerror}."
    if isinstance(error, MemoryError):
        return "there is not enough memory for this; ask for fewer samples at once."
    return f"unexpected {type(error).__name__}: {text} (set {TRACEBACK_VARIABLE}=1 to see where)"


def exit_code(action: Callable[[], int]) -> int:
    """Run a command; what it raises becomes a sentence on stderr and an exit code."""
    try:
        return action()
    except KeyboardInterrupt:
        say("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        # Who read our output has gone. Python would complain again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except Exception as error:
        if os.environ.get(TRACEBACK_VARIABLE):
            import traceback

            traceback.print_exc()
        say(sentence(error))
        return USAGE if isinstance(error, UsageError) else FAILED


def ends_with_exit_code(command: Callable[P, R]) -> Callable[P, R]:
    """Decorates a typer command: its errors end the program as :func:`exit_code` says."""

    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        import typer

        results: list[R] = []

        def action() -> int:
            try:
                results.append(command(*args, **kwargs))
            except typer.Exit as end:
                return end.exit_code
            return 0

        code = exit_code(action)
        if code or not results:
            raise typer.Exit(code)
        return results[0]

    return wrapped
