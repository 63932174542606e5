"""What `grid`, `animate` and `export` have in common: axes, pictures, progress on stderr."""

from __future__ import annotations

import contextlib
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genviewer.cli.errors import UsageError
from genviewer.core.axes import Axis, AxisError, parse_axis, parse_numbers, split_axis, split_list
from genviewer.core.condition_parsing import ConditionError, parse_classes, parse_mix
from genviewer.core.dataset_plan import DatasetPlan
from genviewer.core.picture import MAX_SCALE, Picture
from genviewer.engine.cells import CHUNK
from genviewer.engine.export_dataset import shard_of_environment
from genviewer.engine.jobs import Job, Progress
from genviewer.io.images import PROGRAM
from genviewer.io.latents_file import read_latents
from genviewer.io.library import open_model

if TYPE_CHECKING:
    from collections.abc import Iterator

    from genviewer.core.picture import UpscaleMethod
    from genviewer.core.spec import Spec
    from genviewer.engine.generator import Generator
    from genviewer.io.bundle import Bundle

MODEL_AXES = ("model", "checkpoint")
DIRECTION = "direction:"
GPU_CHUNK = 128
"""Samples that a GPU draws together."""


def make_picture(
    scale: int,
    upscale: UpscaleMethod,
    *,
    bits: int = 8,
    headers: bool = False,
    quality: int | None = None,
    size: str | None = None,
) -> Picture:
    """The Picture that options describe.

    Raises:
        UsageError: they make no sense.
    """
    if bits not in (8, 16):
        raise UsageError(f"--bits is 8 or 16, not {bits}.")
    if not 1 <= scale <= MAX_SCALE:
        raise UsageError(f"--scale is 1 to {MAX_SCALE}, not {scale}.")
    canvas = None
    if size is not None:
        match = re.fullmatch(r"(\d{1,5})x(\d{1,5})", size.strip().lower())
        canvas = (int(match[1]), int(match[2])) if match else (0, 0)
        if not all(1 <= side <= 16_384 for side in canvas):
            raise UsageError(f"--size is WIDTHxHEIGHT in pixels, such as 1920x1080, not {size!r}.")
        if scale != 1:
            raise UsageError("--size and --scale exclude each other.")
    return Picture(scale, upscale, 16 if bits == 16 else 8, headers, quality, canvas)


class AxisReader:
    """Reads axes for one model, and opens the models that an axis names.

    Attributes:
        bundles: the models of the grid, the first of them the MODEL itself.
    """

    def __init__(self, bundle: Bundle, trust: bool = False) -> None:
        self.bundles: list[Bundle] = [bundle]
        self._trust = trust

    @property
    def _spec(self) -> Spec:
        return self.bundles[0].spec

    def read(self, text: str | None) -> Axis | None:
        """The axis of ``AXIS=VALUES``; None of None.

        Raises:
            AxisError: it makes no sense.
            ConditionError: the model has no such class.
            ModelNotFoundError: an axis names a model that is not there.
            LatentsError: a direction's file cannot be used.
        """
        if text is None:
            return None
        name, values = split_axis(text)
        if name in MODEL_AXES:
            return Axis("model", tuple(self._open(value) for value in split_list(values)))
        if name.startswith(DIRECTION):
            return self._direction(name[len(DIRECTION) :], values)
        return parse_axis(name, values, self._spec)

    def _open(self, text: str) -> int:
        bundle = open_model(text, None, self._trust)
        for index, known in enumerate(self.bundles):
            if known.model_id == bundle.model_id:
                return index
        self.bundles.append(bundle)
        return len(self.bundles) - 1

    def _direction(self, place: str, values: str) -> Axis:
        name, _, row = place.partition("#")
        path = Path(name)
        table = read_latents(path, self._spec.latent.dim)
        number = int(row) if row.isascii() and row.isdigit() else 0
        if (row and not row.isdigit()) or number >= len(table.latents):
            raise AxisError(f"{path.name} has the directions #0 to #{len(table.latents) - 1}.")
        label = f"{path.stem}#{number}" if len(table.latents) > 1 else path.stem
        return Axis("direction", parse_numbers(values), direction=table.latents[number], name=label)


def parse_shard(text: str | None) -> tuple[int, int]:
    """``i/n`` as a shard. Counted from 0 or from 1, all of them together are the whole.

    Raises:
        UsageError: it is no shard.
    """
    if text is None:
        return shard_of_environment()
    match = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text.strip())
    if match is None or not 0 <= int(match[1]) <= int(match[2]) or not int(match[2]):
        raise UsageError(f"--shard is i/n, such as 1/4, not {text!r}.")
    return int(match[1]) % int(match[2]), int(match[2])


def plan_of(
    bundle: Bundle,
    generator: Generator,
    *,
    per_class: int | None,
    count: int | None,
    classes: str | None,
    proportions: str | None,
    **options: Any,
) -> DatasetPlan:
    """The plan that the options of `export` describe.

    Raises:
        UsageError: they do not go together.
        ConditionError: the model has no such classes.
    """
    spec, wanted = bundle.spec, bundle.spec.class_condition
    if (per_class is None) == (count is None):
        raise UsageError("Give one of --per-class N and --count N.")
    if wanted is None and (per_class is not None or classes is not None or proportions is not None):
        raise ConditionError(f"{spec.name} has no classes; use --count.")
    if proportions is not None and (count is None or classes is not None):
        raise UsageError("--proportions goes with --count, and without --class.")
    chosen: tuple[int, ...] = ()
    shares: tuple[float, ...] = ()
    if wanted is not None:
        chosen = tuple(range(wanted.size)) if classes is None else parse_classes(classes, wanted)
        if proportions is not None:
            weights = parse_mix(proportions, wanted).weights
            chosen, shares = tuple(k for k, _ in weights), tuple(w for _, w in weights)
    if options.get("truncation", 1.0) != 1.0 and not spec.truncation:
        raise ConditionError(f"{spec.name} has no truncation.")
    try:
        return DatasetPlan(
            bundle.ref,
            count if count is not None else (per_class or 0) * len(chosen),
            classes=chosen,
            shares=shares,
            chunk=GPU_CHUNK if generator.device.startswith("cuda") else CHUNK,
            engine=generator.engine,
            weights_sha256=bundle.weights_sha256,
            program=PROGRAM,
            **options,
        )
    except ValueError as error:
        raise UsageError(f"This cannot be exported: {error}.") from error


@contextlib.contextmanager
def shown_progress(what: str) -> Iterator[Progress]:
    """A Progress that is drawn on stderr where that is a terminal."""
    job = Job(what, None)
    if not sys.stderr.isatty():
        yield Progress(job, None)
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=1.0)

        def show(fraction: float, text: str) -> None:
            bar.update(task, completed=fraction, description=text or what)

        yield Progress(job, show)
