"""`genviewer encode`: images to latents."""

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
def encode(
    model: Model,
    images: Annotated[
        list[Path],
        typer.Argument(
            metavar="IMAGES",
            help="Image files, a folder, .npz, .zip, .parquet, .npy of bytes or floats in [0, 1].",
            show_default=False,
        ),
    ],
    out: Annotated[Path, typer.Option(help="The .npz to write.", show_default=False)],
    labels: Annotated[
        Path | None, typer.Option(help=".npy class indices or weights, one row per image.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")] = "auto",
    force: Force = False,
    settings: Settings = None,
    trust: Trust = False,
    module: Module = None,
) -> None:
    """Encode images: keys mean and logvar, each (N, D)."""
    from genviewer.cli.encoding import (
        check_npz,
        conditions_of,
        read_images,
        told_conditions,
        write_posterior,
    )
    from genviewer.cli.output import check_output
    from genviewer.cli.progress import progress_bar
    from genviewer.engine.encoding import are_points, need_encoder, to_model_range
    from genviewer.engine.encoding import encode as encode_images

    check_npz(out)
    check_output(out, force)
    bundle = opened(model, settings, trust, module)
    need_encoder(bundle)
    read = read_images(images, bundle.spec)
    x = to_model_range(read.images, bundle)
    if labels is not None:
        y = told_conditions(labels, read, bundle.spec)
    else:
        y = conditions_of(read.labels, x, bundle, device, remedy="see --labels")
    with progress_bar(len(x), f"encoding with {bundle.spec.name}") as advance:
        mean, logvar = encode_images(bundle, x, y, device, advance)
    write_posterior(out, mean, logvar)
    if are_points(logvar):
        say(f"{bundle.spec.name} encodes points: logvar only says that there is no variance")
    say(f"{len(x)} image(s) encoded by {bundle.spec.name} are in {out}")
    if len(x) < read.count:
        raise typer.Exit(1)
