"""`genviewer iwae`: the benchmark of "Importance Weighted Autoencoders", trained and measured."""

# No `from __future__ import annotations`: typer evaluates these annotations.

import json
from pathlib import Path
from typing import Annotated

import typer

from genviewer.cli.app import SEED_MAX, AsJson, app
from genviewer.cli.errors import CommandError, ends_with_exit_code, say

iwae = typer.Typer(
    help="Hold the training against Burda et al. 2016: VAEs on binarised MNIST, test NLL.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(iwae, name="iwae")

Data = Annotated[str, typer.Option(help="MNIST: its files, an .npz, or mnist to fetch it.")]
Stages = Annotated[
    int, typer.Option(min=1, max=8, help="Of the schedule: 1, 4, 13, .. 3280 epochs in all.")
]


@iwae.command()
@ends_with_exit_code
def train(
    out: Annotated[Path, typer.Argument(metavar="DIR", help="The run.", show_default=False)],
    samples: Annotated[
        int, typer.Option("--samples", "-k", min=1, help="Of the bound; 1 is the VAE.")
    ] = 1,
    stages: Stages = 8,
    data: Data = "mnist",
    batch_size: Annotated[int, typer.Option(min=1, help="The paper's is 20.")] = 20,
    seed: Annotated[int, typer.Option(min=0, max=SEED_MAX, help="Of weights and noise.")] = 0,
    threads: Annotated[
        int | None,
        typer.Option(min=1, help="CPU threads.  [default: 1, or the run's]", show_default=False),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in DIR.")] = False,
) -> None:
    """Train a model of the paper, to the end of a stage of its schedule."""
    from genviewer.cli.progress import epoch_line
    from genviewer.engine.iwae import IwaeRunConfig
    from genviewer.engine.iwae_data import load_grey_digits
    from genviewer.engine.iwae_run import run_iwae

    images, _ = load_grey_digits(data)
    config = IwaeRunConfig(samples=samples, batch_size=batch_size, seed=seed, threads=threads or 1)
    try:
        folder = run_iwae(
            out,
            images,
            config,
            stages=stages,
            resume=resume,
            threads=threads,
            progress=epoch_line,
        )
    except FloatingPointError as error:
        raise CommandError(f"The training diverged: {error}.") from error
    say(f"the trained model is in {folder.bundle_path}")


@iwae.command()
@ends_with_exit_code
def evaluate(
    runs: Annotated[list[Path], typer.Argument(metavar="DIR..", help="Runs.", show_default=False)],
    samples: Annotated[int, typer.Option(min=1, help="Importance samples per image.")] = 5000,
    stages: Annotated[
        int | None,
        typer.Option(min=1, max=8, help="After which stage.  [default: the newest finished]"),
    ] = None,
    newest: Annotated[
        bool, typer.Option("--newest", help="At the newest checkpoint, within a stage or not.")
    ] = False,
    data: Data = "mnist",
    limit: Annotated[
        int | None, typer.Option(min=1, help="The first so many test images.", show_default=False)
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=SEED_MAX, help="Of pixels and noise.")] = 0,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads.")] = 1,
    table: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.md", help="Put the rows into this page's table.", show_default=False
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure the test NLL of runs, beside the paper's."""
    from genviewer.cli.inspecting import told_progress
    from genviewer.engine.iwae_data import load_grey_digits
    from genviewer.engine.iwae_nll import measure_run, results_table, write_table

    if newest and stages is not None:
        raise CommandError("--newest and --stages exclude each other.")
    _, images = load_grey_digits(data)
    found = []
    for path in runs:
        with told_progress(f"NLL of {path.name}") as progress:
            found.append(
                measure_run(
                    path,
                    images[:limit],
                    samples=samples,
                    stages=stages,
                    newest=newest,
                    seed=seed,
                    threads=threads,
                    progress=progress,
                )
            )
    if table is not None:
        write_table(table, found)
        say(f"{len(found)} row(s) are in {table}")
    if as_json:
        typer.echo(json.dumps([result.document() for result in found], indent=1))
    else:
        typer.echo(results_table(found))
