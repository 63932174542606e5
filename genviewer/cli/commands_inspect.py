"""`genviewer likelihood`, `classify`, `invert`, `directions`: what a model believes and knows."""

# No `from __future__ import annotations`: typer evaluates these annotations.

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from genviewer.cli.app import SEED_MAX, AsJson, Force, Model, app
from genviewer.cli.downloads import may_download
from genviewer.cli.errors import CommandError, UsageError, ends_with_exit_code, say
from genviewer.cli.model_options import Module, Settings, Trust, opened

Images = Annotated[
    list[str],
    typer.Argument(
        metavar="IMAGES|DATA",
        help="Image files, a folder, .npz, .zip, .csv, .parquet, .npy, mnist, builtin:NAME.",
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
@may_download
def likelihood(
    model: Model,
    images: Images,
    samples: Annotated[int, typer.Option(min=1, help="Importance samples per image.")] = 500,
    split: Split = None,
    reference: Annotated[
        str | None,
        typer.Option(
            metavar="DATA",
            help="Usual images, to tell how strange these are among them.",
            show_default=False,
        ),
    ] = None,
    keep_reference: Annotated[
        bool,
        typer.Option(
            "--keep-reference",
            help="Keep what is usual in the model's folder, as reference.json.",
        ),
    ] = False,
    limit: Limit = None,
    seed: Seed = 0,
    device: Device = "auto",
    threads: Threads = None,
    force: Force = False,
    as_json: AsJson = False,
    settings: Settings = None,
    trust: Trust = False,
    module: Module = None,
) -> None:
    """Tell how likely a model finds images: two lower bounds on log p(x)."""
    from genviewer.cli.inspect_reports import likelihood_document, likelihood_text
    from genviewer.cli.inspected import read_inspected
    from genviewer.cli.inspecting import (
        check_reference_place,
        open_for_density,
        reference_of,
        told_progress,
        use_cores,
        write_reference,
    )
    from genviewer.engine.bayes import glance_to_measure, measure_marginal

    if keep_reference and reference is None:
        raise UsageError("--keep-reference needs --reference.")
    bundle = opened(model, settings, trust, module)
    if keep_reference:
        check_reference_place(bundle, force)
    density = open_for_density(bundle, device)
    use_cores(threads)
    seen = read_inspected(images, split, bundle.spec, limit)
    usual = None
    if keep_reference and reference is not None:
        write_reference(reference, density, bundle)
    if reference is not None:
        glance = glance_to_measure(samples)
        usual = reference_of(reference, density, bundle, glance, samples)
    with told_progress(f"log p(x) of {len(seen.images)} image(s)") as progress:
        found = measure_marginal(
            density, bundle, seen.images, samples=samples, seed=seed, progress=progress
        )
    if as_json:
        typer.echo(json.dumps(likelihood_document(seen, found, usual), indent=1))
    else:
        typer.echo(likelihood_text(seen, found, bundle.spec, usual))
    if seen.failed:
        raise typer.Exit(1)


@app.command()
@ends_with_exit_code
@may_download
def classify(
    model: Model,
    images: Images,
    samples: Annotated[
        int, typer.Option(min=1, help="Importance samples for the leading classes.")
    ] = 16,
    split: Split = None,
    prior: Annotated[
        str | None,
        typer.Option(help="p(y) as C:0.5,D:0.5; others are 0.  [default: equal]"),
    ] = None,
    reference: Annotated[
        str | None,
        typer.Option(
            metavar="DATA",
            help="Usual images, to tell outliers by.  [default: what lies in the model's folder, "
            "else its own samples]",
        ),
    ] = None,
    reject: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="The share of them that is rejected.")
    ] = 0.01,
    against: Annotated[
        list[str] | None,
        typer.Option(
            metavar="DATA",
            help="Images of other things: tell how well they are rejected; repeatable.",
            show_default=False,
        ),
    ] = None,
    leave_out: Annotated[
        str | None,
        typer.Option(
            metavar="a,b,c",
            help="Classes of these that look like the model's, and are left out.",
            show_default=False,
        ),
    ] = None,
    limit: Limit = None,
    seed: Seed = 0,
    device: Device = "auto",
    threads: Threads = None,
    as_json: AsJson = False,
    settings: Settings = None,
    trust: Trust = False,
    module: Module = None,
) -> None:
    """Tell which class a conditional model takes images for, by Bayes' rule."""
    from genviewer.cli.inspect_reports import classes_document, classes_text
    from genviewer.cli.inspected import read_inspected
    from genviewer.cli.inspecting import (
        open_for_density,
        parse_prior,
        reference_of,
        told_progress,
        use_cores,
    )
    from genviewer.cli.outliers import measure_against
    from genviewer.engine.bayes import GLANCE, believe, class_condition, class_rows
    from genviewer.engine.bayes_reference import outlines_of
    from genviewer.engine.encoding import to_model_range

    if reject != reject:
        raise UsageError("--reject is a share between 0 and 1.")
    bundle = opened(model, settings, trust, module)
    density = open_for_density(bundle, device)
    condition, rows = class_condition(bundle.spec), class_rows(bundle.spec)
    weights = parse_prior(prior, condition)
    use_cores(threads)
    seen = read_inspected(images, split, bundle.spec, limit)
    usual = reference_of(reference, density, bundle, GLANCE, samples)
    with told_progress(f"p(y|x) of {len(seen.images)} image(s)") as progress:
        x = to_model_range(seen.images, bundle)
        found = believe(
            density, x, rows, prior=weights, samples=samples, seed=seed, progress=progress
        )
    inside = found.likelihoods.log_px, outlines_of(seen.images)
    others = [
        measure_against(
            source,
            leave_out,
            inside,
            usual,
            reject,
            bundle,
            density,
            rows,
            prior=weights,
            samples=samples,
            seed=seed,
        )
        for source in against or ()
    ]
    if as_json:
        document = classes_document(seen, found, condition, usual, reject, others)
        typer.echo(json.dumps(document, indent=1))
    else:
        typer.echo(classes_text(seen, found, condition, usual, reject, others))
    if seen.failed:
        raise typer.Exit(1)


@app.command()
@ends_with_exit_code
@may_download
def invert(
    model: Model,
    images: Annotated[
        list[str],
        typer.Argument(
            metavar="IMAGE..", help="Image files, folders of them, a data set.", show_default=False
        ),
    ],
    out: Annotated[Path, typer.Option(help="The .npz to write.", show_default=False)],
    classes: Annotated[
        str | None,
        typer.Option(
            "--class", help="Of the images, in turn: a name, #INDEX, a list.  [default: found]"
        ),
    ] = None,
    steps: Annotated[int, typer.Option(min=1, help="Of the optimisation.")] = 400,
    restarts: Annotated[int, typer.Option(min=1, max=64, help="Starting points.")] = 8,
    split: Split = None,
    limit: Limit = None,
    seed: Seed = 0,
    device: Device = "auto",
    threads: Threads = None,
    force: Force = False,
    settings: Settings = None,
    trust: Trust = False,
    module: Module = None,
) -> None:
    """Find the latents that draw images: keys latent, psnr and ssim, and condition."""
    from genviewer.cli.encoding import check_npz
    from genviewer.cli.inspected import read_inspected
    from genviewer.cli.inspecting import class_conditions, told_progress, use_cores, write_inversion
    from genviewer.cli.output import check_output
    from genviewer.engine.encoding import to_model_range
    from genviewer.engine.inversion import Effort
    from genviewer.engine.inversion import invert as find_latents

    check_npz(out)
    check_output(out, force)
    bundle = opened(model, settings, trust, module)
    use_cores(threads)
    seen = read_inspected(images, split, bundle.spec, limit)
    y = class_conditions(classes, len(seen.images), bundle.spec)
    with told_progress(f"inverting {len(seen.images)} image(s)") as progress:
        found = find_latents(
            bundle,
            to_model_range(seen.images, bundle),
            y,
            effort=Effort(steps=steps, restarts=restarts),
            seed=seed,
            device=device,
            progress=progress,
        )
    write_inversion(out, found)
    say(
        f"{len(seen.images)} image(s) inverted by {bundle.spec.name} are in {out}: "
        f"PSNR {found.psnr.mean():.1f} dB, SSIM {found.ssim.mean():.3f} on average"
    )
    if seen.failed:
        raise typer.Exit(1)


@app.command()
@ends_with_exit_code
@may_download
def directions(
    model: Model,
    method: Annotated[
        Literal["pca", "sefa", "class", "attribute"],
        typer.Option(
            help="Principal components (of latents with --data, else of features), "
            "factorisation of a layer, class means, or how the pictures look.",
            show_default=False,
        ),
    ],
    out: Annotated[Path, typer.Option(help="The .safetensors to write.", show_default=False)],
    data: Annotated[
        str | None,
        typer.Option(help="Images to encode; with labels for class.", show_default=False),
    ] = None,
    split: Split = None,
    limit: Limit = None,
    count: Annotated[int, typer.Option("-n", "--count", min=1, help="At most.")] = 10,
    against: Annotated[
        Path | None,
        typer.Option(
            metavar="D.safetensors",
            help="Leave out what lies along these directions.",
            show_default=False,
        ),
    ] = None,
    seed: Seed = 0,
    device: Device = "auto",
    threads: Threads = None,
    force: Force = False,
    settings: Settings = None,
    trust: Trust = False,
    module: Module = None,
) -> None:
    """Find directions of the latent space, named, with the variance that each explains."""
    from genviewer.cli.inspecting import (
        check_directions_wish,
        check_file,
        encoded_directions,
        use_cores,
    )
    from genviewer.core.directions import orthogonalised
    from genviewer.engine.directions import found_in_model
    from genviewer.engine.directions_attributes import found_in_attributes
    from genviewer.engine.directions_file import read_directions, write_directions

    check_directions_wish(out, method, data)
    check_file(out, force)
    bundle = opened(model, settings, trust, module)
    use_cores(threads)
    others = None if against is None else read_directions(against, bundle.spec)[0]
    if method == "attribute":
        found = found_in_attributes(bundle, seed=seed)
    elif data is None:
        found = found_in_model(bundle, method, count, seed=seed)
    else:
        found = encoded_directions(bundle, data, split, limit, method, count, device)
    if others is not None:
        try:
            found = orthogonalised(found, others.vectors)
        except ValueError as error:
            raise CommandError(str(error)) from error
    write_directions(out, found, bundle.ref)
    shares = ", ".join(
        f"{name} {share:.1%}"
        for name, share in zip(found.names[:5], found.explained[:5], strict=True)
    )
    say(f"{len(found.names)} direction(s) of {bundle.spec.name} in {found.space} are in {out}")
    say(f"explained: {shares}")
