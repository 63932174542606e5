"""``--download``: how a command that names models or data of the Hub is allowed large downloads."""

# No `from __future__ import annotations`: typer evaluates the annotation.

import functools
import inspect
import sys
import time
from collections.abc import Callable
from typing import Annotated, ParamSpec, TypeVar

import typer

from genviewer.io.downloading import Downloads, downloading

P = ParamSpec("P")
R = TypeVar("R")
LINE_EVERY_S = 5.0

Download = Annotated[
    bool,
    typer.Option("--download", help="Download more than 500 MB of the Hub where that is needed."),
]


def may_download(command: Callable[P, R]) -> Callable[..., R]:
    """Decorates a command, inside of :func:`~genviewer.cli.errors.ends_with_exit_code`: gives it
    the option, which holds for all that it does in its thread, and tells how far a download is.
    """

    @functools.wraps(command)
    def wrapped(*args: P.args, download: bool = False, **kwargs: P.kwargs) -> R:  # type: ignore[valid-type]
        said = Downloads(download, "--download allows it", _Lines())
        with downloading(said):
            return command(*args, **kwargs)

    signature = inspect.signature(command)
    option = inspect.Parameter(
        "download", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=Download
    )
    wrapped.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[*signature.parameters.values(), option]
    )
    wrapped.__annotations__ = {**command.__annotations__, "download": Download}
    return wrapped


class _Lines:
    """Tells on stderr how far a download is, where it takes a while."""

    def __init__(self) -> None:
        self._next = 0.0

    def __call__(self, _done: float, text: str) -> None:
        now = time.monotonic()
        if not self._next:
            self._next = now + LINE_EVERY_S
        elif now >= self._next:
            self._next = now + LINE_EVERY_S
            sys.stderr.write(f"{text}\n")
