"""The `genviewer` command: the window by default, the headless subcommands beside it.

Nothing heavy is imported here. typer alone would add a tenth of a second to the way to the
first picture, so the window is reached without it.
"""

from __future__ import annotations

import os
import sys

from genviewer.cli.errors import UsageError, exit_code, say

COMMANDS = (
    "animate",
    "bench",
    "classify",
    "convert",
    "directions",
    "encode",
    "evaluate",
    "export",
    "grid",
    "info",
    "invert",
    "iwae",
    "likelihood",
    "models",
    "sample",
    "scan",
    "tour",
    "train",
    "verify",
)
"""The subcommands that `genviewer.cli.commands` registers; each wins over a model of its name."""


def main(arguments: list[str] | None = None) -> int:
    """Run the `genviewer` command and return its exit code.

    Args:
        arguments: what follows the program's name; by default that of this process.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments and (arguments[0] in COMMANDS or arguments[0].startswith("-")):
        return exit_code(lambda: _run_subcommand(arguments))
    return exit_code(lambda: _open_window(arguments))


def _run_subcommand(arguments: list[str]) -> int:
    import genviewer.cli.commands  # noqa: F401 - registers the subcommands
    from genviewer.cli.app import app

    try:
        app(arguments, prog_name="genviewer")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def _open_window(arguments: list[str]) -> int:
    if arguments:
        _check_window_arguments(arguments)
    if sys.platform == "linux" and not _has_display():
        say("there is no display here; `genviewer tour --out DIR` draws the window into files")
        return 1
    return _run_window(arguments[0] if arguments else None)


def _run_window(target: str | None) -> int:
    import gc

    gc.disable()  # importing makes much and drops little; the window collects by a timer of its own
    from genviewer.ui.app import run

    return run(target)


def _check_window_arguments(arguments: list[str]) -> None:
    """Tell a wrong name here, before any window opens; it may be a mistyped command."""
    import difflib
    from pathlib import Path

    from genviewer.io.hub import PREFIX, parse_name
    from genviewer.io.library import ModelNotFoundError, find_model

    if len(arguments) == 1 and arguments[0].startswith(PREFIX):
        parse_name(arguments[0])
        return  # the window downloads it, shows how far that is, and asks before if it is large
    if len(arguments) == 1 and Path(arguments[0]).is_file():
        return  # an image or a project: the window tells what it makes of it
    close = difflib.get_close_matches(arguments[0], COMMANDS, n=1)
    if len(arguments) == 1:
        try:
            find_model(arguments[0])
        except ModelNotFoundError as error:
            if not close:
                raise
            raise ModelNotFoundError(f"{error} Or the command {close[0]}?") from None
    else:
        hint = f"did you mean {close[0]}?" if close else "`genviewer --help` lists them."
        raise UsageError(f"There is no command {arguments[0]!r}: {hint}")


def _has_display() -> bool:
    """Whether Qt will find something to draw on: a display server, or a platform named for it."""
    return any(os.environ.get(n) for n in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))
