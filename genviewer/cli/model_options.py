"""How a command is told about the MODEL that it opens: ``--set``, ``--trust``, ``--module``."""

# No `from __future__ import annotations`: typer evaluates these annotations.

from typing import TYPE_CHECKING, Annotated

import typer

from genviewer.cli.errors import UsageError

if TYPE_CHECKING:
    from genviewer.io.bundle import Bundle

Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="FIELD=VALUE",
        help="What the weights do not say, such as range=-1,1; repeatable.",
    ),
]
Trust = Annotated[
    bool,
    typer.Option(
        "--trust", help="Allow formats that carry programs (TorchScript, .pt2, --module)."
    ),
]
Module = Annotated[
    str | None,
    typer.Option(
        metavar="FILE.py:Class",
        help="The class that MODEL's weights are of; needs --trust.",
        show_default=False,
    ),
]


def opened(
    model: str,
    settings: list[str] | None = None,
    trust: bool = False,
    module: str | None = None,
) -> "Bundle":
    """The model that a command's arguments name.

    Raises:
        UsageError: a setting is not of the form FIELD=VALUE.
        ModelNotFoundError, BundleError: it is not there, or cannot be opened.
    """
    from genviewer.io.library import open_model
    from genviewer.io.readers.settings import SettingError, parse_settings

    try:
        values = parse_settings(settings or ())
    except SettingError as error:
        raise UsageError(str(error)) from error
    if module is not None:
        values["module"] = module
    return open_model(model, values, trust)
