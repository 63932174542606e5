"""What a program's inputs and outputs mean, found by their names and shapes and by running it.

A decoder takes a latent, perhaps a label, and gives pictures. What neither shapes nor a run can
tell is guessed with a confidence, and ``--set`` overrides it.
"""

from __future__ import annotations

import json
import math
import re
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from genviewer.core.prior import draws
from genviewer.core.spec import ConditionSpec, ImageSpec, LatentSpec, Spec
from genviewer.io.bundle import MAX_CONDITIONS, MAX_LATENT, MAX_PIXELS
from genviewer.io.programs.guarded_process import ProgramError
from genviewer.io.programs.value_range import judge_range
from genviewer.io.programs.wiring import (
    ANY_BATCH,
    NO_BATCH,
    Feed,
    Layout,
    Wiring,
    arrays_for,
    draw,
)
from genviewer.io.readers.settings import SettingError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from genviewer.io.readers.settings import Settings

LABEL = re.compile(r"label|class|categor|cond|one_?hot|target|digit|attr|^[yc]$", re.IGNORECASE)
LATENT = re.compile(r"^[zw]$|latent|noise|code|seed|random|sample", re.IGNORECASE)
TRUNCATION = re.compile(r"psi|trunc", re.IGNORECASE)
TIME = re.compile(r"^t$|time_?step|^sigma$", re.IGNORECASE)
CHANNELS = (1, 3, 4)
SMALLEST_SIDE = 4
SMALLEST_FLAT_SIDE = 8
SAMPLES = 64
MAX_TRIES = 300
COMMON_SIZES = (100, 128, 64, 512, 32, 16, 20, 10, 2)
"""Tried where nothing tells the latent's size."""

MAX_SECONDS = 30.0
MAX_SAMPLED_VALUES = 1 << 24


class NotADecoderError(ValueError):
    """The program is something else; the message ends a sentence that begins with its name."""


@dataclass(frozen=True)
class Input:
    """One input: what is known of it. None where a dtype, a shape or a size is free."""

    name: str
    dtype: str | None = None
    shape: tuple[int | None, ...] | None = None


@dataclass(frozen=True)
class Hints:
    """What else is known: sizes that a latent may have (likeliest first), numbers of classes,
    what the last operation bounds the output to, class names.
    """

    latent_sizes: tuple[int, ...] = ()
    class_counts: tuple[int, ...] = ()
    bounds: tuple[float, float] | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    method: str = "forward"


@dataclass(frozen=True)
class Guess:
    """Something that was not certain, and what else it could be."""

    field: str
    value: Any
    confidence: float
    alternatives: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Discovery:
    """A decoder as it was found."""

    spec: Spec
    wiring: Wiring
    guesses: tuple[Guess, ...]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Trial:
    wiring: Wiring
    image: ImageSpec
    dim: int
    classes: int


def discover(
    name: str,
    inputs: Sequence[Input],
    run: Callable[[Sequence[NDArray[Any]]], list[NDArray[Any]]],
    hints: Hints,
    asked: Settings,
) -> Discovery:
    """Find out how a program draws.

    Args:
        name: what to call the model.
        inputs: those that have to be given, in order.
        run: runs it once; raises ProgramError.
        hints: what is known from reading it.
        asked: what ``--set`` says.

    Raises:
        NotADecoderError: if it is no decoder of pictures, or no run succeeded.
        ProgramError: if it takes more time or memory than it may.
    """
    _refuse_other_kinds(inputs)
    run = _with_deadline(run)
    trial = _first_that_draws(inputs, run, hints, asked)
    trial, guesses = _labels(trial, run, hints, asked)
    prior: Any = asked.choice("prior", ("normal", "uniform", "truncated_normal"))
    shape = _latent_feed(trial.wiring).shape
    spatial = len(shape) == 3 and trial.dim > shape[0]
    if prior is None:
        guesses.append(Guess("prior", "normal", 0.3 if spatial else 0.7, ("uniform",)))
    latent = LatentSpec(trial.dim, prior or "normal")
    samples = _samples(trial, run, latent)
    warnings = []
    if not np.isfinite(samples).all():
        warnings.append("Some of its pictures hold NaN or infinity.")
        samples = np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0)
    if len(samples) > 1 and float(np.ptp(samples, axis=0).max()) == 0.0:
        warnings.append("All of its pictures are the same: the latent does not change them.")
    value_range, range_guess = judge_range(hints.bounds, samples, _pair(asked))
    if range_guess is not None:
        guesses.append(Guess("range", list(value_range), *range_guess))
    image = replace_range(trial.image, value_range)
    if spatial:
        warnings.append(
            "Its latent is a small picture that follows no known distribution: "
            "samples drawn at random may show nothing."
        )
    kind = asked.choice("condition", ("class", "attributes", "continuous"))
    conditions = _conditions(trial, hints, kind)
    spec = Spec(name, "decoder", latent, image, conditions)
    return Discovery(spec, trial.wiring, tuple(guesses), tuple(warnings))


def _with_deadline(
    run: Callable[[Sequence[NDArray[Any]]], list[NDArray[Any]]],
) -> Callable[[Sequence[NDArray[Any]]], list[NDArray[Any]]]:
    """The same for a while: many short runs are a long one, too."""
    end = time.monotonic() + MAX_SECONDS

    def run_until_then(arrays: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        if time.monotonic() > end:
            raise ProgramError("takes too long to be looked at", "time")
        return run(arrays)

    return run_until_then


def _pair(asked: Settings) -> tuple[float, float] | None:
    numbers = asked.numbers("range")
    if numbers is None:
        return None
    if len(numbers) != 2 or numbers[0] >= numbers[1]:
        raise SettingError("--set range takes two numbers such as -1,1, the lower one first.")
    return numbers[0], numbers[1]


def replace_range(image: ImageSpec, value_range: tuple[float, float]) -> ImageSpec:
    """The same picture with another value range."""
    return ImageSpec(image.channels, image.height, image.width, value_range)


def _refuse_other_kinds(inputs: Sequence[Input]) -> None:
    names = [value.name for value in inputs]
    large = [value for value in inputs if _is_picture(value)]
    if any(TIME.search(name) for name in names) and any(_rank(v) == 4 for v in inputs):
        raise NotADecoderError("is a diffusion network, which removes noise step by step")
    tokens = [v for v in inputs if _is_integer(v) and v.shape is not None and len(v.shape) == 2]
    if any(v.shape is not None and (v.shape[1] is None or v.shape[1] > 4) for v in tokens):
        raise NotADecoderError("takes text, so it is no decoder of latents")
    if large:
        raise NotADecoderError(
            f"takes pictures ({large[0].name[:40]!r}): it is a classifier, an encoder or an "
            "image-to-image network, not a decoder"
        )
    if not inputs:
        raise NotADecoderError("takes no input, so there is nothing to explore")


def _rank(value: Input) -> int | None:
    return None if value.shape is None else len(value.shape)


def _is_integer(value: Input) -> bool:
    return value.dtype is not None and "int" in value.dtype


def _is_picture(value: Input) -> bool:
    shape = value.shape
    if shape is None or len(shape) != 4 or (_is_integer(value) and value.dtype != "uint8"):
        return False
    planes_first = shape[1] in CHANNELS and all(n is None or n >= 8 for n in shape[2:])
    planes_last = shape[3] in CHANNELS and all(n is None or n >= 8 for n in shape[1:3])
    # Four planes of known size are the latent of a diffusion model's autoencoder.
    spatial_latent = shape[1] == 4 and None not in shape[2:] and max(shape[2:]) <= 128  # type: ignore[type-var,operator]
    return (planes_first and not (spatial_latent and LATENT.search(value.name))) or planes_last


def _first_that_draws(
    inputs: Sequence[Input],
    run: Callable[[Sequence[NDArray[Any]]], list[NDArray[Any]]],
    hints: Hints,
    asked: Settings,
) -> _Trial:
    """The first way of feeding the program that gives pictures."""
    reason, shape = "", ""
    for tries, (wiring, dim, classes) in enumerate(_ways(inputs, hints, asked)):
        if tries >= MAX_TRIES:
            break
        count = {ANY_BATCH: 2, NO_BATCH: 1}.get(wiring.batch, wiring.batch)
        z = draws(LatentSpec(dim), 0, count)
        y = np.eye(max(classes, 1), dtype=np.float32)[np.zeros(count, int)] if classes else None
        try:
            outputs = run(arrays_for(wiring, z, y))
        except ProgramError as error:
            if error.kind != "failed":
                raise
            reason = reason or str(error)
            continue
        found = _picture_output(outputs, count, asked)
        if found is None:
            shape = shape or ", ".join(str(list(o.shape)) for o in outputs[:3])
            continue
        index, layout, image = found
        wired = Wiring(wiring.feeds, index, layout, wiring.batch, None, wiring.method)
        return _Trial(wired, image, dim, classes)
    if shape:
        raise NotADecoderError(f"gives numbers of shape {shape}, which are no pictures")
    detail = f": it {reason}" if reason else ""
    raise NotADecoderError(f"could not be run with any latent that fits (--set latent=N){detail}")


def _ways(
    inputs: Sequence[Input], hints: Hints, asked: Settings
) -> Iterator[tuple[Wiring, int, int]]:
    """Ways to feed the inputs, likeliest first: wiring, latent size, number of classes."""
    main = _latent_input(inputs)
    wanted = asked.whole("latent", 1)
    classes = asked.whole("classes", 1)
    batches = _batches(inputs[main])
    rest = [value for index, value in enumerate(inputs) if index != main]
    counts = (classes,) if classes else tuple(dict.fromkeys((*hints.class_counts, 10)))
    for batch in batches:
        for latent_shape in _latent_shapes(inputs[main], hints, wanted, batch):
            dim = math.prod(latent_shape)
            if not 1 <= dim <= MAX_LATENT:
                continue
            for label_forms in _forms(rest, counts, batch):
                feeds: list[Feed] = []
                others = iter(label_forms)
                total = 0
                for index, value in enumerate(inputs):
                    if index == main:
                        dtype = value.dtype or "float32"
                        feeds.append(Feed(value.name, "latent", dtype, latent_shape))
                    else:
                        form = next(others)
                        form = Feed(
                            form.name, form.source, form.dtype, form.shape, total, form.size,
                            form.value, form.batched,
                        )  # fmt: skip
                        total += form.size
                        feeds.append(form)
                yield Wiring(tuple(feeds), 0, "nchw", batch, None, hints.method), dim, total


def _latent_input(inputs: Sequence[Input]) -> int:
    """Which input is the latent: by its name, else the first that could be one."""

    def rank(index: int) -> tuple[bool, bool, bool, int, int]:
        value = inputs[index]
        size = 0
        if value.shape is not None:
            size = math.prod(n for n in value.shape[1:] if n is not None)
        return (
            _is_integer(value) or value.dtype == "bool",
            bool(LABEL.search(value.name)) or bool(TRUNCATION.search(value.name)),
            not LATENT.search(value.name),
            -size,
            index,
        )

    best = min(range(len(inputs)), key=rank)
    if _is_integer(inputs[best]):
        raise NotADecoderError("takes whole numbers only, so it has no latent to drag through")
    return best


def _batches(value: Input) -> tuple[int, ...]:
    if value.shape is None:
        return (ANY_BATCH, 1, NO_BATCH)
    if len(value.shape) in (1, 3):
        return (NO_BATCH,)
    return (ANY_BATCH, 1) if value.shape[0] is None else (value.shape[0],)


def _latent_shapes(
    value: Input, hints: Hints, wanted: int | None, batch: int
) -> Iterator[tuple[int, ...]]:
    sizes = (wanted,) if wanted else hints.latent_sizes or COMMON_SIZES
    if value.shape is None:
        for size in sizes:
            yield (size,)
            yield (size, 1, 1)
        return
    shape = value.shape if batch == NO_BATCH else value.shape[1:]
    if None not in shape:
        known = tuple(n for n in shape if n is not None)
        if wanted and wanted != math.prod(known):
            raise NotADecoderError(f"takes a latent of {math.prod(known)} values, not {wanted}")
        yield known
        return
    if len(shape) == 1:
        for size in sizes:
            yield (size,)
    elif len(shape) == 3:
        for size in (shape[0],) if shape[0] is not None else sizes:
            for side in (1, 4, 7, 8, 16):
                yield (size, shape[1] or side, shape[2] or side)


def _forms(rest: Sequence[Input], counts: Sequence[int], batch: int) -> Iterator[tuple[Feed, ...]]:
    """Ways to feed what is not the latent; the forms of several labels vary together."""
    if not rest:
        yield ()
        return
    each = [list(_forms_of(value, counts, batch)) for value in rest]
    for index in range(max(len(forms) for forms in each)):
        yield tuple(forms[min(index, len(forms) - 1)] for forms in each)


def _forms_of(value: Input, counts: Sequence[int], batch: int) -> Iterator[Feed]:
    name, dtype, shape = value.name, value.dtype, value.shape
    inner = None if shape is None else shape if batch == NO_BATCH else shape[1:]
    if TRUNCATION.search(name) or (dtype not in (None, "bool") and shape == ()):
        yield Feed(name, "constant", dtype or "float32", (), value=1.0, batched=bool(shape))
        return
    if dtype == "bool":
        yield Feed(
            name, "constant", "bool", tuple(n or 1 for n in inner or ()), batched=bool(shape)
        )
        return
    if dtype is None or _is_integer(value):
        integer = dtype or "int64"
        if inner is None or inner == ():
            yield Feed(name, "index", integer, (), size=counts[0])
        if inner is None or (len(inner) == 1 and inner[0] in (1, None)):
            yield Feed(name, "index", integer, (1,), size=counts[0])
    known = None if inner is None else [n for n in inner if n is not None]
    if inner is not None and known is not None and len(known) == len(inner) and dtype:
        size = math.prod(known)
        if not (size == 1 and _is_integer(value)) and 1 <= size <= MAX_CONDITIONS:
            yield Feed(name, "weights", dtype, tuple(known), size=size)
        return
    if dtype is None or not _is_integer(value):
        for count in counts:
            yield Feed(name, "weights", dtype or "float32", (count,), size=count)


def _picture_output(
    outputs: Sequence[NDArray[Any]], count: int, asked: Settings
) -> tuple[int, Layout, ImageSpec] | None:
    """The first output that is a picture: its index, layout and size."""
    layout = asked.choice("layout", ("nchw", "nhwc"))
    refused = asked.choice("output", ("image", "refuse")) == "refuse"
    for index, output in enumerate(outputs):
        if refused or output.dtype.name not in ("float32", "float16", "float64", "uint8"):
            continue
        found = _layout_of(output.shape, count, layout)
        if found is not None:
            return index, *found
    return None


def _layout_of(
    shape: tuple[int, ...], count: int, wanted: str | None
) -> tuple[Layout, ImageSpec] | None:
    sizes = list(shape)
    if len(sizes) in (2, 4) or (len(sizes) == 3 and sizes[0] == count and count > 1):
        if sizes[0] != count:
            return None
        sizes = sizes[1:]
    elif len(sizes) not in (1, 3) or count != 1:
        return None
    if len(sizes) == 1:
        return _flat(sizes[0])
    if len(sizes) == 2:
        sizes = [1, *sizes]
    channels_first = sizes[0] in CHANNELS and min(sizes[1:]) >= SMALLEST_SIDE
    channels_last = sizes[2] in CHANNELS and min(sizes[:2]) >= SMALLEST_SIDE
    if channels_first and not (channels_last and wanted == "nhwc"):
        image = ImageSpec(sizes[0], sizes[1], sizes[2])
    elif channels_last:
        image = ImageSpec(sizes[2], sizes[0], sizes[1])
    else:
        return None
    if image.height * image.width > MAX_PIXELS:
        return None
    return ("nchw" if channels_first and image.channels == sizes[0] else "nhwc"), image


def _flat(size: int) -> tuple[Layout, ImageSpec] | None:
    for channels in (1, 3):
        side = math.isqrt(size // channels)
        if side * side * channels == size and side >= SMALLEST_FLAT_SIDE:
            return "flat", ImageSpec(channels, side, side)
    return None


def _latent_feed(wiring: Wiring) -> Feed:
    return next(feed for feed in wiring.feeds if feed.source == "latent")


def _labels(
    trial: _Trial,
    run: Callable[[Sequence[NDArray[Any]]], list[NDArray[Any]]],
    hints: Hints,
    asked: Settings,
) -> tuple[_Trial, list[Guess]]:
    """Settle how many classes an index may name, by asking for ones that should not be there."""
    guesses: list[Guess] = []
    wanted = asked.whole("classes", 1)
    feeds, total = [], 0
    for feed in trial.wiring.feeds:
        size = feed.size
        if feed.source == "index":
            if wanted is None:
                size, sure = _count_classes(trial, feed, run, hints)
                if not sure:
                    guesses.append(Guess("classes", size, 0.4, ()))
        elif feed.source == "weights":
            fixed = LABEL.search(feed.name) is not None
            guesses.append(Guess("condition", "class", 0.85 if fixed else 0.6, ("continuous",)))
        feeds.append(
            Feed(
                feed.name,
                feed.source,
                feed.dtype,
                feed.shape,
                total,
                size,
                feed.value,
                feed.batched,
            )
        )
        total += size
    wiring = Wiring(
        tuple(feeds), trial.wiring.output, trial.wiring.layout, trial.wiring.batch,
        None, trial.wiring.method,
    )  # fmt: skip
    return replace(trial, wiring=wiring, classes=total), guesses


def _count_classes(
    trial: _Trial,
    feed: Feed,
    run: Callable[[Sequence[NDArray[Any]]], list[NDArray[Any]]],
    hints: Hints,
) -> tuple[int, bool]:
    """The number of classes and whether it is certain: the first index that fails."""

    def runs(index: int) -> bool:
        z = draws(LatentSpec(trial.dim), 0, max(trial.wiring.batch, 1))
        arrays = arrays_for(trial.wiring, z, None)
        position = trial.wiring.feeds.index(feed)
        arrays[position] = np.full_like(arrays[position], index)
        try:
            outputs = run(arrays)
        except ProgramError as error:
            if error.kind != "failed":
                raise
            return False
        return bool(np.isfinite(np.asarray(outputs[trial.wiring.output], np.float32)).all())

    for count in hints.class_counts:
        if runs(count - 1) and not runs(count):
            return count, True
    low, high = 1, 2
    while runs(high - 1):
        if high >= MAX_CONDITIONS:
            return (hints.class_counts[0] if hints.class_counts else 10), False
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if runs(middle - 1) else (low, middle)
    return low, True


def _samples(
    trial: _Trial,
    run: Callable[[Sequence[NDArray[Any]]], list[NDArray[Any]]],
    latent: LatentSpec,
) -> NDArray[np.float32]:
    """Raw output over draws from the prior and all classes in turn: float32 (n, C, H, W)."""
    values = trial.image.channels * trial.image.height * trial.image.width
    count = max(2, min(SAMPLES, MAX_SAMPLED_VALUES // values))
    z = draws(latent, 0, count)
    y = None
    if trial.classes:
        y = np.zeros((count, trial.classes), np.float32)
        for feed in trial.wiring.feeds:
            if feed.size:
                y[np.arange(count), feed.start + np.arange(count) % feed.size] = 1.0
    try:
        return draw(trial.wiring, trial.image, run, z, y, largest=8)
    except ValueError as error:
        raise NotADecoderError("gives pictures whose size changes") from error


def _conditions(trial: _Trial, hints: Hints, wanted: Any) -> tuple[ConditionSpec, ...]:
    conditions: list[ConditionSpec] = []
    for feed in trial.wiring.feeds:
        if feed.source not in ("index", "weights"):
            continue
        name = "class" if not conditions else feed.name
        kind = "attributes" if "attr" in feed.name.lower() else "class"
        if wanted is not None and feed.source == "weights":
            kind = wanted
        conditions.append(
            ConditionSpec(name, kind, feed.size, _class_names(hints.metadata, feed.size))  # type: ignore[arg-type]
        )
    return tuple(conditions)


def _class_names(metadata: dict[str, str], size: int) -> tuple[str, ...] | None:
    for key in ("class_names", "classes", "names", "labels"):
        try:
            names = json.loads(metadata[key])
        except (KeyError, ValueError, RecursionError):
            continue
        if isinstance(names, dict):
            names = list(names.values())
        if (
            isinstance(names, list)
            and len(names) == size
            and all(isinstance(n, str) for n in names)
        ):
            return tuple(name[:80] for name in names)
    return None
