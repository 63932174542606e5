"""What the inspecting commands share: density, prior, reference, threads, progress."""

from __future__ import annotations

import contextlib
import dataclasses
import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from genviewer.cli.errors import CommandError, UsageError, say
from genviewer.cli.progress import stages
from genviewer.core.condition import pack
from genviewer.core.condition_parsing import parse_classes, parse_mix
from genviewer.core.recipe import default_condition
from genviewer.engine.jobs import Job, Progress
from genviewer.io.atomic import write_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from genviewer.core.directions import Directions, Method
    from genviewer.core.spec import ConditionSpec, Spec
    from genviewer.engine.bayes_reference import Reference
    from genviewer.engine.density import NetworkDensity
    from genviewer.engine.density_results import Doubles
    from genviewer.engine.generator import Floats
    from genviewer.engine.inversion import Inversion
    from genviewer.io.bundle import Bundle

_STEPS = 1000


def open_for_density(bundle: Bundle, device: str) -> NetworkDensity:
    """The model's density; LoadError says why it has none."""
    from genviewer.engine.density import open_density

    return open_density(bundle, device)


def use_cores(threads: int | None) -> None:
    """Let torch use so many threads; None leaves it to torch."""
    if threads is not None:
        from genviewer.engine.torch_decoder import use_threads

        use_threads(threads)


def parse_prior(text: str | None, condition: ConditionSpec) -> Doubles | None:
    """p(y) of `C:0.5,D:0.5`, float64 (K,); None where nothing is given.

    Raises:
        ConditionError: it names no class of the model.
    """
    if text is None:
        return None
    prior = np.zeros(condition.size)
    for index, weight in parse_mix(text, condition).weights:
        prior[index] += weight
    return prior


def reference_of(
    source: str | None, density: NetworkDensity, bundle: Bundle, glance: int, samples: int
) -> Reference:
    """What is usual for a model, with as many importance samples: a data set, or what lies in the
    model's folder, or its own samples.

    Raises:
        DataError, LoadError: the images cannot be read, or the model cannot draw.
    """
    from genviewer.cli.inspected import read_inspected
    from genviewer.engine.bayes import GLANCE, SAMPLES
    from genviewer.engine.bayes_reference import bundled_reference, measure_reference, own_samples

    if source is None and (glance, samples) == (GLANCE, SAMPLES):
        bundled = bundled_reference(bundle)
        if bundled is not None:
            return bundled
    if source is None:
        images, name = own_samples(bundle), f"samples of {bundle.spec.name}"
    else:
        images, name = read_inspected([source], None, bundle.spec).images, source
    with told_progress(f"log p(x) of {name}") as progress:
        return measure_reference(
            density, bundle, images, name, glance=glance, samples=samples, progress=progress
        )


def check_reference_place(bundle: Bundle, force: bool) -> None:
    """Refuse to keep a reference where there is no folder of a model, or one is kept already.

    Raises:
        CommandError: naming the place.
    """
    from genviewer.engine.bayes_reference import FILE
    from genviewer.io.bundle import CONFIG_NAME

    if not (bundle.path / CONFIG_NAME).is_file():
        raise CommandError(f"{bundle.path} is not the folder of a model; convert it to one first.")
    check_file(bundle.path / FILE, force)


def write_reference(source: str, density: NetworkDensity, bundle: Bundle) -> None:
    """Measure the reference of a data set as the window and `classify` do, and keep it.

    Raises:
        DataError, LoadError: the images cannot be read, or the model cannot be asked.
    """
    from genviewer.engine.bayes import GLANCE, SAMPLES
    from genviewer.engine.bayes_reference import keep_reference

    usual = reference_of(source, density, bundle, GLANCE, SAMPLES)
    named = dataclasses.replace(usual, name=Path(source).name)
    say(f"what is usual for {bundle.spec.name} is in {keep_reference(bundle, named)}")


def class_conditions(text: str | None, count: int, spec: Spec) -> Floats | None:
    """Packed conditions float32 (count, K) of classes in turn; None where none are given.

    Raises:
        UsageError: the model has no classes.
        ConditionError: it has not these.
    """
    if text is None:
        return None
    if spec.class_condition is None:
        raise UsageError(f"{spec.name} has no classes, so --class says nothing.")
    indices = parse_classes(text, spec.class_condition)
    rows = [pack(default_condition(spec, indices[i % len(indices)]), spec) for i in range(count)]
    return np.stack(rows)


def write_inversion(out: Path, found: Inversion) -> None:
    """The .npz with keys latent, psnr and ssim, and condition where there is one; atomically."""
    arrays = {"latent": found.latent, "psnr": found.psnr, "ssim": found.ssim}
    if found.condition.shape[1]:
        arrays["condition"] = found.condition
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]  # names are ours
    write_bytes(out, buffer.getvalue())


def check_file(out: Path, force: bool) -> None:
    """Refuse to replace a file, or to write one where something else is.

    Raises:
        CommandError: it exists and ``force`` is not given, or it is no file.
    """
    if (out.exists() or out.is_symlink()) and not (force and out.is_file()):
        raise CommandError(f"{out} exists; --force replaces it.")


def check_directions_wish(out: Path, method: Method, data: str | None) -> None:
    """Arguments of `directions` that do not go together.

    Raises:
        UsageError: naming them.
    """
    if out.suffix.lower() != ".safetensors":
        raise UsageError(f"--out is a .safetensors, not {out.name!r}.")
    if method == "class" and data is None:
        raise UsageError("--method class needs --data with labels.")
    if method == "sefa" and data is not None:
        raise UsageError("--method sefa takes no --data: it looks at the weights alone.")
    if method == "attribute" and data is not None:
        raise UsageError("--method attribute takes no --data: it looks at samples of the model.")


def encoded_directions(
    bundle: Bundle,
    source: str,
    split: str | None,
    limit: int | None,
    method: Method,
    count: int,
    device: str,
) -> Directions:
    """Directions in a data set as the model encodes it.

    Raises:
        CommandError, DataError: the data cannot be read, or have too few images or classes.
        LoadError: the model has no encoder.
    """
    from genviewer.cli.encoding import conditions_of
    from genviewer.cli.inspected import read_inspected
    from genviewer.engine.directions import found_in_data
    from genviewer.engine.encoding import to_model_range

    if not bundle.spec.encoder:
        raise CommandError(
            f"{bundle.spec.name} has no encoder for --data; without it, pca and sefa look at the "
            "model itself."
        )
    seen = read_inspected([source], split, bundle.spec, limit)
    x = to_model_range(seen.images, bundle)
    remedy = "--data with labels says the class"
    y = conditions_of(seen.labels, x, bundle, device, remedy=remedy)
    try:
        return found_in_data(bundle, x, y, seen.groups, seen.names, method, count, device)
    except ValueError as error:
        raise CommandError(str(error)) from error


@contextlib.contextmanager
def told_progress(what: str) -> Iterator[Progress]:
    """A Progress that is told on stderr: as a bar, or in a few lines where that is no terminal."""
    with stages() as report:

        def tell(fraction: float, _text: str) -> None:
            report(what, round(fraction * _STEPS), _STEPS)

        yield Progress(Job(what, None), tell)
