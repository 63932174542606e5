"""The subcommands, as typer reads them: arguments in, one call each."""

# No `from __future__ import annotations`: typer evaluates these annotations.

import json
import os
from pathlib import Path
from typing import Annotated, Literal

import typer

import genviewer
import genviewer.cli.commands_convert
import genviewer.cli.commands_encode
import genviewer.cli.commands_evaluate
import genviewer.cli.commands_export
import genviewer.cli.commands_inspect
import genviewer.cli.commands_iwae
import genviewer.cli.commands_scan
from genviewer.cli.app import SEED_MAX, AsJson, Force, Model, app
from genviewer.cli.downloads import may_download
from genviewer.cli.errors import CommandError, UsageError, ends_with_exit_code, say
from genviewer.cli.model_options import Module, Settings, Trust, opened


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"genviewer {genviewer.__version__}")
        raise typer.Exit


@app.callback()
def genviewer_command(
    version: Annotated[
        bool,
        typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    """Options that stand before any command."""


@app.command()
@ends_with_exit_code
def models(as_json: AsJson = False) -> None:
    """List the bundled models and those opened lately."""
    from genviewer.cli.reports import models_document, models_text

    typer.echo(json.dumps(models_document(), indent=1) if as_json else models_text())


@app.command()
@ends_with_exit_code
@may_download
def info(
    model: Model,
    as_json: AsJson = False,
    settings: Settings = None,
    trust: Trust = False,
    module: Module = None,
) -> None:
    """Tell what a model is and what it can do."""
    from genviewer.cli.reports import info_document, info_text

    bundle = opened(model, settings, trust, module)
    typer.echo(json.dumps(info_document(bundle), indent=1) if as_json else info_text(bundle))


@app.command()
@ends_with_exit_code
@may_download
def sample(
    model: Model,
    out: Annotated[
        Path,
        typer.Option(
            help="An image (.png .webp .jpg; a sheet for more than one sample), .npy, .npz, "
            "or a folder.",
            show_default=False,
        ),
    ],
    count: Annotated[
        int | None, typer.Option("-n", "--count", min=1, help="Number of samples.  [default: 16]")
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, max=SEED_MAX, help="Sample i is drawn from seed + i.")
    ] = 0,
    classes: Annotated[
        str | None,
        typer.Option("--class", help="A name, #INDEX, a list a,b,c or a range a..f, in turn."),
    ] = None,
    mix: Annotated[str | None, typer.Option(help="A blend of classes: C:0.5,D:0.5.")] = None,
    condition: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="One condition; repeatable.")
    ] = None,
    truncation: Annotated[float, typer.Option(min=0.0, help="Psi.")] = 1.0,
    truncation_cutoff: Annotated[
        int | None, typer.Option(min=0, help="Truncate the layers below this one only.")
    ] = None,
    noise: Annotated[str, typer.Option(metavar="const|none|SEED", help="Noise inputs.")] = "const",
    space: Annotated[str, typer.Option(help="The space the latents are in.")] = "z",
    latents: Annotated[
        Path | None,
        typer.Option(
            help=".npy float32 (N, D), final: used as they are; .npz .safetensors .csv .json too."
        ),
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(help=".npy class indices (N,) or (N, M), or weights (N, K).")
    ] = None,
    save_latents: Annotated[
        Path | None,
        typer.Option(help="Write latents and classes too: .npy .npz .safetensors .csv .json."),
    ] = None,
    raw: Annotated[
        bool, typer.Option("--raw", help="The network's own output, unclamped; .npy only.")
    ] = False,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")] = "auto",
    engine: Annotated[Literal["auto", "torch", "onnx"], typer.Option(help="What draws.")] = "auto",
    force: Force = False,
    settings: Settings = None,
    trust: Trust = False,
    module: Module = None,
) -> None:
    """Draw samples and write them."""
    from genviewer.cli.output import check_latents_output, check_output, check_raw
    from genviewer.cli.sampling import Job, Samples, Wish, write_samples

    check_raw(out, raw)
    check_output(out, force)
    if save_latents is not None:
        check_latents_output(save_latents, force)
    bundle = opened(model, settings, trust, module)
    wish = Wish(
        count=count,
        seed=seed,
        classes=classes,
        mix=mix,
        parts=tuple(condition or ()),
        truncation=truncation,
        truncation_cutoff=truncation_cutoff,
        noise=_noise(noise),
        space=space,
        latents=latents,
        labels=labels,
    )
    samples = Samples(wish, bundle.spec)
    drawn_by = write_samples(bundle, samples, Job(out, device, engine, raw, save_latents))
    say(f"{samples.count} sample(s) of {bundle.spec.name} ({drawn_by}) are in {out}")


def _noise(text: str) -> Literal["const", "none"] | int:
    if text == "const":
        return "const"
    if text == "none":
        return "none"
    if text.isascii() and text.isdigit() and int(text[:20]) <= SEED_MAX:
        return int(text)
    raise UsageError(f"--noise is const, none or a seed, not {text!r}.")


@app.command()
@ends_with_exit_code
@may_download
def train(
    config: Annotated[Path, typer.Argument(metavar="CONFIG.toml", show_default=False)],
    data: Annotated[str | None, typer.Option(help="Images in the place of the config's.")] = None,
    start_from: Annotated[
        str | None, typer.Option("--from", metavar="MODEL", help="Weights to begin with.")
    ] = None,
    steps: Annotated[int | None, typer.Option(min=0, help="Optimizer steps in all.")] = None,
    checkpoint_every: Annotated[int | None, typer.Option(min=1, help="In steps.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, max=SEED_MAX)] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="The run's folder.  [default: runs/NAME-TIME]")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue the run in --out by its own train.toml.")
    ] = False,
    devices: Annotated[
        int,
        typer.Option(
            min=0,
            max=4096,
            help="GPUs, or processes on the CPU, that share every batch.",
            show_default="this CPU",
        ),
    ] = 0,
) -> None:
    """Train a model as a configuration file says."""
    from genviewer.cli.progress import training_line
    from genviewer.engine.train_parallel import first_process
    from genviewer.engine.training import train as train_model
    from genviewer.io.library import find_model

    try:
        folder = train_model(
            config,
            data=data,
            start_from=None if start_from is None else find_model(start_from),
            steps=steps,
            checkpoint_every=checkpoint_every,
            seed=seed,
            threads=threads,
            out=out,
            resume=resume,
            devices=devices,
            progress=training_line,
        )
    except (ValueError, OSError, FloatingPointError) as error:
        if not first_process():  # the first one tells it
            raise typer.Exit(1) from None
        if isinstance(error, FloatingPointError):
            raise CommandError(f"The training diverged. {error}") from error
        raise
    if first_process():
        say(f"the trained model is in {folder / 'bundle'}")


@app.command()
@ends_with_exit_code
def tour(
    out: Annotated[Path, typer.Option(help="The folder for the pictures.", show_default=False)],
    force: Force = False,
) -> None:
    """Drive the real window offscreen and keep what it shows: screenshots and a moving picture."""
    from genviewer.cli.output import check_output

    check_output(out, force)
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from genviewer.ui.tour import run_tour

    for path in run_tour(out, say):
        typer.echo(str(path))


@app.command()
@ends_with_exit_code
def bench(
    what: Annotated[
        str,
        typer.Argument(
            metavar="[drag|forward|start|export|beliefs|train|scatter|all]", show_default=False
        ),
    ] = "all",
    as_json: AsJson = False,
) -> None:
    """Measure how fast the program is here, on every bundled model; takes minutes."""
    from genviewer.bench import NAMES, run

    if what not in NAMES:
        raise UsageError(f"There is no benchmark {what!r}, only {', '.join(NAMES)}.")
    document = run([what], say)
    if as_json:
        typer.echo(json.dumps(document, indent=1))
    else:
        from genviewer.cli.reports import bench_text

        typer.echo(bench_text(document))
