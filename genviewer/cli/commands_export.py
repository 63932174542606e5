"""The subcommands that take samples out and check what was taken out."""

# No `from __future__ import annotations`: typer evaluates these annotations.

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from genviewer.cli.app import SEED_MAX, AsJson, Force, Model, app
from genviewer.cli.downloads import may_download
from genviewer.cli.errors import FAILED, UsageError, ends_with_exit_code, say
from genviewer.cli.model_options import Module, Settings, Trust, opened

if TYPE_CHECKING:
    from collections.abc import Iterable

    from genviewer.core.animation import TraversePath
    from genviewer.core.keyframes import Timeline
    from genviewer.engine.generator import Generator

DIFFERENCE = 3
"""The exit code where `verify` found a difference."""

EngineOption = Annotated[Literal["auto", "torch", "onnx"], typer.Option(help="What draws.")]
DeviceOption = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")]

Scale = Annotated[int, typer.Option(min=1, help="Whole factor of enlargement.")]
Upscale = Annotated[
    Literal["nearest", "lanczos"], typer.Option(help="How to enlarge: repeat or interpolate.")
]
Quality = Annotated[
    int | None, typer.Option(min=1, max=100, help="Of a lossy format; the best by default.")
]
Provenance = Annotated[
    bool,
    typer.Option("--provenance/--no-provenance", help="Tell in the file how it was made."),
]
Sidecar = Annotated[bool, typer.Option("--sidecar", help="Tell it in a .json beside the file too.")]
Seed = Annotated[int, typer.Option(min=0, max=SEED_MAX)]
Truncation = Annotated[float, typer.Option(min=0.0, help="Psi.")]


@app.command()
@ends_with_exit_code
@may_download
def grid(
    model: Model,
    out: Annotated[Path, typer.Option(help=".png .webp .jpg .tif", show_default=False)],
    rows: Annotated[
        str | None,
        typer.Option(
            metavar="AXIS=VALUES",
            help="class, seed, dimN, psi, direction:FILE, model or checkpoint; values as lists "
            "a,b,c or ranges a..b, a..b:STEP, a..b/COUNT.",
        ),
    ] = None,
    cols: Annotated[str | None, typer.Option(metavar="AXIS=VALUES", help="As --rows.")] = None,
    seed: Seed = 0,
    classes: Annotated[
        str | None, typer.Option("--class", help="The class of all cells, where no axis is one.")
    ] = None,
    truncation: Truncation = 1.0,
    headers: Annotated[bool, typer.Option(help="Labels beside rows and columns.")] = True,
    scale: Scale = 1,
    upscale: Upscale = "nearest",
    bits: Annotated[int, typer.Option(help="8, or 16 for PNG and TIFF.")] = 8,
    quality: Quality = None,
    provenance: Provenance = True,
    sidecar: Sidecar = False,
    device: DeviceOption = "auto",
    engine: EngineOption = "auto",
    force: Force = False,
    settings: Settings = None,
    trust: Trust = False,
    module: Module = None,
) -> None:
    """Draw a sheet whose rows and columns each change one thing."""
    from genviewer.cli.exporting import AxisReader, make_picture, shown_progress
    from genviewer.core.axes import AxisGrid
    from genviewer.engine.axis_grid import base_recipe, generators_of
    from genviewer.engine.export import grid_record, save_image
    from genviewer.io.write_errors import refuse_existing

    picture = make_picture(scale, upscale, bits=bits, headers=headers, quality=quality)
    if rows is None and cols is None:
        raise UsageError("A grid needs --rows or --cols, such as --rows seed=0..7.")
    if not force:
        refuse_existing(out)
    bundle = opened(model, settings, trust, module)
    reader = AxisReader(bundle, trust)
    axes = reader.read(rows), reader.read(cols)
    recipe = base_recipe(bundle.spec, seed, classes, truncation)
    try:
        wish = AxisGrid(recipe, tuple(b.ref for b in reader.bundles), *axes, seed)
    except ValueError as error:
        raise UsageError(f"--rows and --cols do not go together: {error}.") from error
    generators = generators_of(reader.bundles, device, engine)
    first = generators[bundle.model_id]
    record = grid_record(first, wish, picture, bundle.weights_sha256)
    with shown_progress(f"drawing {bundle.spec.name}") as progress:
        save_image(
            out,
            record,
            generators,
            embed=provenance,
            sidecar=sidecar,
            overwrite=force,
            progress=progress,
        )
    _notices(generators.values())
    say(f"the grid is in {out}")


@app.command()
@ends_with_exit_code
@may_download
def animate(
    model: Model,
    out: Annotated[Path, typer.Option(help=".mp4 .webm .gif .webp .apng", show_default=False)],
    walk: Annotated[
        int | None,
        typer.Option(min=1, max=1024, help="Through so many samples, those of `sample -n`."),
    ] = None,
    traverse: Annotated[
        str | None, typer.Option(metavar="dimN=a..b", help="One latent dimension there and back.")
    ] = None,
    keyframes: Annotated[
        Path | None,
        typer.Option(help="Through the Recipes of a .json, .npz, .npy, .csv or .safetensors."),
    ] = None,
    seconds: Annotated[float, typer.Option(min=0.01, max=86_400.0, help="In all.")] = 4.0,
    fps: Annotated[float, typer.Option(min=0.01, max=240.0, help="Frames per second.")] = 30.0,
    loop: Annotated[bool, typer.Option("--loop", help="Come back to the start.")] = False,
    easing: Annotated[
        Literal["linear", "smooth", "ease_in", "ease_out", "hold"],
        typer.Option(help="How the time between two samples is spent."),
    ] = "linear",
    path: Annotated[
        Literal["spline", "slerp", "lerp"], typer.Option(help="The way from sample to sample.")
    ] = "spline",
    seed: Seed = 0,
    classes: Annotated[
        str | None, typer.Option("--class", help="Classes of the samples, in turn.")
    ] = None,
    truncation: Truncation = 1.0,
    scale: Scale = 1,
    size: Annotated[
        str | None, typer.Option(metavar="WxH", help="Of the picture; the sample fits into it.")
    ] = None,
    upscale: Upscale = "lanczos",
    quality: Quality = None,
    provenance: Provenance = True,
    sidecar: Sidecar = False,
    device: DeviceOption = "auto",
    engine: EngineOption = "auto",
    force: Force = False,
    settings: Settings = None,
    trust: Trust = False,
    module: Module = None,
) -> None:
    """Draw a film: a walk through samples, a traverse of one dimension, or keyframes."""
    from genviewer.cli.animating import keyframe_path, traverse_path, walk_path
    from genviewer.cli.exporting import make_picture, shown_progress
    from genviewer.core.animation import Animation
    from genviewer.engine.animate import animation_record, save_animation
    from genviewer.engine.axis_grid import base_recipe
    from genviewer.engine.generator import load_generator
    from genviewer.io.movie_files import movie_format
    from genviewer.io.write_errors import refuse_existing

    if sum(wish is not None for wish in (walk, traverse, keyframes)) != 1:
        raise UsageError("Give one of --walk N, --traverse dimN=a..b and --keyframes FILE.")
    movie_format(out)
    if not force:
        refuse_existing(out)
    picture = make_picture(scale, upscale, quality=quality, size=size)
    bundle = opened(model, settings, trust, module)
    spec = bundle.spec
    way: Timeline | TraversePath
    if walk is not None:
        way = walk_path(spec, walk, seed, seconds, classes, truncation, loop, path, easing)
    elif traverse is not None:
        way = traverse_path(spec, base_recipe(spec, seed, classes, truncation), traverse, seconds)
    else:
        way = keyframe_path(spec, keyframes or Path(), seconds, loop, path, easing)
    generator = load_generator(bundle, device, engine)
    try:
        animation = Animation(way, fps)
    except ValueError as error:
        raise UsageError(f"This cannot be animated: {error}.") from error
    record = animation_record(generator, animation, picture, bundle.weights_sha256)
    with shown_progress(f"drawing {spec.name}") as progress:
        save_animation(
            out,
            record,
            generator,
            embed=provenance,
            sidecar=sidecar,
            overwrite=force,
            progress=progress,
        )
    _notices([generator])
    say(f"{animation.frames} frame(s) of {spec.name} are in {out}")


@app.command()
@ends_with_exit_code
@may_download
def export(
    model: Model,
    out: Annotated[Path, typer.Option(help="A folder, new or of the same export.")],
    per_class: Annotated[int | None, typer.Option(min=1, help="Samples of each class.")] = None,
    count: Annotated[int | None, typer.Option("--count", min=1, help="Samples in all.")] = None,
    seed: Annotated[
        int, typer.Option(min=0, max=SEED_MAX, help="Sample i is drawn from seed + i.")
    ] = 0,
    form: Annotated[
        Literal["png", "webp", "npz", "zip"],
        typer.Option("--format", help="Files in a folder for each class, or one archive."),
    ] = "png",
    shard: Annotated[
        str | None,
        typer.Option(
            metavar="i/n",
            help="One of n parts, from 0 or from 1 on.  [default: RANK and WORLD_SIZE of torchrun]",
        ),
    ] = None,
    classes: Annotated[
        str | None, typer.Option("--class", help="Of these classes only, as in `sample`.")
    ] = None,
    proportions: Annotated[
        str | None, typer.Option(metavar="C:0.7,D:0.3", help="Shares of classes; with --count.")
    ] = None,
    truncation: Truncation = 1.0,
    reject: Annotated[
        float,
        typer.Option(
            min=0.0,
            max=0.95,
            help="The share that the model's own discriminator or density likes least, and that "
            "is drawn again.",
        ),
    ] = 0.0,
    name: Annotated[
        str, typer.Option(help="Of {model}, {class}, {seed} and {n}.")
    ] = "{model}-{class}-{seed}-{n}",
    scale: Scale = 1,
    upscale: Upscale = "nearest",
    bits: Annotated[int, typer.Option(help="8, or 16 for PNG.")] = 8,
    quality: Quality = None,
    provenance: Provenance = True,
    device: DeviceOption = "auto",
    engine: EngineOption = "auto",
    force: Force = False,
    settings: Settings = None,
    trust: Trust = False,
    module: Module = None,
) -> None:
    """Write a data set of samples; called again, it goes on where it ended."""
    from genviewer.cli.exporting import make_picture, parse_shard, plan_of, shown_progress
    from genviewer.engine.export_dataset import export_dataset
    from genviewer.engine.generator import load_generator
    from genviewer.engine.score import Rejection, Scorer

    picture = make_picture(scale, upscale, bits=bits, quality=quality)
    part = parse_shard(shard)
    bundle = opened(model, settings, trust, module)
    generator = load_generator(bundle, device, engine)
    plan = plan_of(
        bundle,
        generator,
        per_class=per_class,
        count=count,
        classes=classes,
        proportions=proportions,
        seed=seed,
        truncation=truncation,
        format=form,
        template=name,
        picture=picture,
        reject=reject,
        provenance=provenance,
    )
    rejection = Rejection(Scorer(bundle, generator), plan) if reject else None
    with shown_progress(f"drawing {bundle.spec.name}") as progress:
        exported = export_dataset(
            out,
            plan,
            generator,
            shard=part,
            force=force,
            rejection=rejection,
            progress=progress,
        )
    _notices([generator])
    if not exported.complete:
        say(
            f"{exported.drawn} sample(s) are in {out}; others of its {plan.count} are still to come"
        )
        return
    dropped = f", less {exported.duplicates} duplicate(s)" if exported.duplicates else ""
    say(f"{plan.count} sample(s) of {bundle.spec.name}{dropped} are in {out}")


@app.command()
@ends_with_exit_code
@may_download
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
            difference = "" if not shown else f"  (largest difference {255 * shown:.3g}/255)"
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


def _notices(generators: "Iterable[Generator]") -> None:
    for generator in generators:
        for notice in generator.notices:
            say(notice)
