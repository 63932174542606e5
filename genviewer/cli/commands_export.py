"""The subcommands that take samples out and check what was taken out."""

# No `from __future__ import annotations`: typer evaluates these annotations.

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from genviewer.cli.app import AsJson, app
from genviewer.cli.errors import FAILED, ends_with_exit_code, say

DIFFERENCE = 3
"""The exit code where `verify` found a difference."""

EngineOption = Annotated[Literal["auto", "torch", "onnx"], typer.Option(help="What draws.")]
DeviceOption = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")]


@app.command()
@ends_with_exit_code
def verify(
    files: Annotated[list[Path], typer.Argument(metavar="FILE..", show_default=False)],
    model: Annotated[
        list[str] | None,
        typer.Option(metavar="MODEL", help="A model to look in besides the known ones."),
    ] = None,
    device: DeviceOption = "auto",
    engine: EngineOption = "auto",
    as_json: AsJson = False,
) -> None:
    """Draw exported files again and tell whether they are what they say."""
    import msgspec

    from genviewer.cli.finding import ModelFinder
    from genviewer.engine.verify import DIFFERS, FAILS, Verifier

    verifier = Verifier(ModelFinder(tuple(model or ())), device, engine)
    verdicts = []
    for verdict in verifier.verify_all(files):
        verdicts.append(verdict)
        if not as_json:
            shown = verdict.max_abs_diff
            difference = "" if shown is None else f"  (largest difference {255 * shown:.3g}/255)"
            typer.echo(f"{verdict.file}: {verdict.status.replace('_', ' ')}{difference}")
        if verdict.message:
            say(verdict.message)
    if as_json:
        wanted = ("file", "status", "max_abs_diff")
        documents = [msgspec.to_builtins(verdict) for verdict in verdicts]
        typer.echo(json.dumps([{k: d[k] for k in wanted} for d in documents], indent=1))
    statuses = {verdict.status for verdict in verdicts}
    if statuses & set(DIFFERS):
        raise typer.Exit(DIFFERENCE)
    if statuses & set(FAILS):
        raise typer.Exit(FAILED)
