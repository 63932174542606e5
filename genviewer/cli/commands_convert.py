"""`convert`: any model as a bundle."""

# No `from __future__ import annotations`: typer evaluates these annotations.

from pathlib import Path
from typing import Annotated

import typer

from genviewer.cli.app import Force, Model, app
from genviewer.cli.downloads import may_download
from genviewer.cli.errors import ends_with_exit_code, say
from genviewer.cli.model_options import Module, Settings, Trust, opened


@app.command()
@ends_with_exit_code
@may_download
def convert(
    model: Model,
    out: Annotated[Path, typer.Option(help="The bundle's folder.", show_default=False)],
    onnx: Annotated[
        bool, typer.Option("--onnx", help="Its decoder as ONNX, too, for other programs.")
    ] = False,
    settings: Settings = None,
    trust: Trust = False,
    module: Module = None,
    force: Force = False,
) -> None:
    """Write a model as a bundle: config.json, model.safetensors and a card."""
    from genviewer.engine.bundle_writer import check_place
    from genviewer.engine.convert import convert as write

    check_place(out, force)
    bundle = write(opened(model, settings, trust, module), out, onnx=onnx, force=force)
    say(f"{bundle.spec.name} is in {out}")
