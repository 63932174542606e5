"""`genviewer likelihood`: what a model believes about images."""

# No `from __future__ import annotations`: typer evaluates these annotations.

import json
from typing import Annotated

import typer

from genviewer.cli.app import SEED_MAX, AsJson, Model, app
from genviewer.cli.errors import ends_with_exit_code
from genviewer.cli.model_options import Module, Settings, Trust, opened

Images = Annotated[
    list[str],
    typer.Argument(
        metavar="IMAGES|DATA",
        help="Image files, a folder, .npz, .zip, .csv, .npy, mnist, builtin:NAME.",
        show_default=False,
    ),
]
Split = Annotated[
    str | None,
    typer.Option(
        metavar="train|test|all",
        help="Of a data set.  [default: test where there is one]",
        show_default=False,
    ),
]
Limit = Annotated[
    int | None, typer.Option(min=1, help="The first so many images.", show_default=False)
]
Seed = Annotated[int, typer.Option(min=0, max=SEED_MAX, help="Of the noise.")]
Threads = Annotated[int | None, typer.Option(min=1, help="CPU threads.", show_default=False)]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")]


@app.command()
@ends_with_exit_code
def likelihood(
    model: Model,
    images: Images,
    samples: Annotated[int, typer.Option(min=1, help="Importance samples per image.")] = 500,
    split: Split = None,
    limit: Limit = None,
    seed: Seed = 0,
    device: Device = "auto",
    threads: Threads = None,
    as_json: AsJson = False,
    settings: Settings = None,
    trust: Trust = False,
    module: Module = None,
) -> None:
    """Tell how likely a model finds images: two lower bounds on log p(x)."""
    from genviewer.cli.inspect_reports import likelihood_document, likelihood_text
    from genviewer.cli.inspected import read_inspected
    from genviewer.cli.inspecting import open_for_density, told_progress, use_cores
    from genviewer.engine.bayes import measure_marginal

    bundle = opened(model, settings, trust, module)
    density = open_for_density(bundle, device)
    use_cores(threads)
    seen = read_inspected(images, split, bundle.spec).head(limit)
    with told_progress(f"log p(x) of {len(seen.images)} image(s)") as progress:
        found = measure_marginal(
            density, bundle, seen.images, samples=samples, seed=seed, progress=progress
        )
    if as_json:
        typer.echo(json.dumps(likelihood_document(seen, found), indent=1))
    else:
        typer.echo(likelihood_text(seen, found, bundle.spec))
    if seen.failed:
        raise typer.Exit(1)
