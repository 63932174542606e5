"""The subcommand that tells what a file from outside holds, without opening it as a model."""

# No `from __future__ import annotations`: typer evaluates these annotations.

import json
from pathlib import Path
from typing import Annotated

import typer

from genviewer.cli.app import AsJson, app
from genviewer.cli.errors import FAILED, ends_with_exit_code, say


@app.command()
@ends_with_exit_code
def scan(
    files: Annotated[list[Path], typer.Argument(metavar="FILE..", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """Tell what files hold, whoever made them; nothing in them is executed."""
    from genviewer.cli.scan_reports import scan_document, scan_text

    documents = []
    for path in files:
        document = scan_document(path)
        documents.append(document)
        if not as_json:
            typer.echo(scan_text(document))
        if document["error"]:
            say(document["error"])
    if as_json:
        typer.echo(json.dumps(documents, indent=1))
    if any(document["error"] for document in documents):
        raise typer.Exit(FAILED)
