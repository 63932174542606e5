"""`genviewer evaluate`: how good a model's samples are."""

# No `from __future__ import annotations`: typer evaluates these annotations.

import json
from pathlib import Path
from typing import Annotated

import typer

from genviewer.cli.app import SEED_MAX, AsJson, Model, app
from genviewer.cli.downloads import may_download
from genviewer.cli.errors import ends_with_exit_code, say


@app.command()
@ends_with_exit_code
@may_download
def evaluate(
    model: Model,
    data: Annotated[
        str,
        typer.Option(
            help="Real images: a folder, .npz, .zip, .csv, .parquet, idx file, mnist, "
            "builtin:NAME, hf-data://NAME.",
            show_default=False,
        ),
    ],
    count: Annotated[int, typer.Option("-n", "--count", min=10, help="Samples.")] = 10_000,
    seed: Annotated[
        int, typer.Option(min=0, max=SEED_MAX, help="Sample i is drawn from seed + i.")
    ] = 0,
    classifier: Annotated[
        Path | None,
        typer.Option(help="A classifier that an earlier evaluation left.", show_default=False),
    ] = None,
    device: Annotated[str, typer.Option(help="What draws: auto, cpu, cuda, cuda:1, mps.")] = "auto",
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads.")] = None,
    card: Annotated[
        bool, typer.Option("--card", help="Write the figures on the model's card too.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Measure a model's samples against real images."""
    from genviewer.cli.evaluation_reports import evaluation_text, write_on_card
    from genviewer.cli.progress import stages
    from genviewer.engine.evaluate import evaluate as measure
    from genviewer.io.datasets import load_images
    from genviewer.io.library import open_model

    bundle = open_model(model)
    image = bundle.spec.image
    train, test = load_images(data, mixed_shape=(image.height, image.width, image.channels))
    with stages() as report:
        result = measure(
            bundle,
            train,
            test,
            count=count,
            seed=seed,
            classifier=classifier,
            device=device,
            threads=threads,
            report=report,
        )
    if card:
        write_on_card(bundle, result, data)
        say(f"the figures are on the card in {bundle.path}")
    if as_json:
        from msgspec import to_builtins

        typer.echo(json.dumps(to_builtins(result), indent=1))
    else:
        typer.echo(evaluation_text(result))
