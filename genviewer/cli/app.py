"""The typer application, and the arguments that several subcommands share.

A module of subcommands imports ``app``, registers them and is imported by
:mod:`genviewer.cli.commands`.
"""

# No `from __future__ import annotations`: typer evaluates these annotations.

from typing import Annotated

import typer

app = typer.Typer(
    name="genviewer",
    help="Drag through the latent space and the classes of trained image generators, live.\n\n"
    "Without a command the window opens: genviewer [MODEL|IMAGE].",
    add_completion=False,
    no_args_is_help=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

MODEL_HELP = (
    "A bundled name, a folder, a file, hf://owner/name[@revision], or an image exported with its "
    "Recipe."
)
SEED_MAX = (1 << 62) - 1

Model = Annotated[str, typer.Argument(metavar="MODEL", help=MODEL_HELP, show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
Force = Annotated[bool, typer.Option("--force", help="Replace an output that exists.")]
