"""`genviewer sample`: draw from a model and write what was drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

import numpy as np

from genviewer.cli.errors import CommandError, UsageError, say
from genviewer.cli.output import (
    columns_of,
    kind_of,
    write_folder,
    write_image,
    write_npy,
    write_npz,
)
from genviewer.cli.progress import progress_bar
from genviewer.core.condition import Condition, pack
from genviewer.core.condition_parsing import (
    condition_named,
    conditions_from_labels,
    parse_mix,
    parse_parts,
)
from genviewer.core.latent import Latent
from genviewer.core.picture import MAX_CONTACTS, Contact
from genviewer.core.pixels import to_pixels, to_unit
from genviewer.core.prior import draw, truncate
from genviewer.core.recipe import Recipe, default_condition
from genviewer.core.scene import Pane
from genviewer.io.latents_file import SUFFIXES, read_latents, write_recipes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from genviewer.core.condition import Part
    from genviewer.core.spec import Spec
    from genviewer.core.synthesis import Noise, Synthesis
    from genviewer.engine.generator import Generator, SynthesisGenerator
    from genviewer.io.bundle import Bundle
    from genviewer.io.images import ImageRecord

    Floats = NDArray[np.float32]

DEFAULT_COUNT = 16

CHUNK = 16
"""Samples decoded at once: more gain nothing on a CPU and cost memory."""


@dataclass(frozen=True)
class Wish:
    """What `sample` was asked to draw, before it is held against a model.

    Attributes:
        count: number of samples; None where the arguments did not say.
        seed: sample i is drawn from ``default_rng(seed + i)``.
        classes, mix: text for the model's class condition; at most one of the two.
        parts: ``NAME=VALUE`` texts, one condition each.
        truncation, truncation_cutoff, noise, space: as in the Recipe.
        latents, labels: `.npy` files to read instead.
    """

    count: int | None = None
    seed: int = 0
    classes: str | None = None
    mix: str | None = None
    parts: tuple[str, ...] = ()
    truncation: float = 1.0
    truncation_cutoff: int | None = None
    noise: Noise = "const"
    space: str = "z"
    latents: Path | None = None
    labels: Path | None = None


@dataclass(frozen=True)
class Job:
    """How and where to write samples.

    Attributes:
        out: what to write; its suffix decides the format.
        device, engine: what draws, ``auto`` for the best there is.
        raw: the network's own output instead of [0, 1]; `.npy` only.
        save_latents: a file of latents, classes and Recipes to write too.
    """

    out: Path
    device: str = "auto"
    engine: Literal["auto", "torch", "onnx"] = "auto"
    raw: bool = False
    save_latents: Path | None = None


class Samples:
    """The samples of a wish on one model; latents are drawn when they are asked for.

    Raises:
        UsageError: the wish contradicts itself.
        CommandError: a file cannot be used, or the model lacks what is wished for.
        ConditionError: the model has no such class or condition.
    """

    def __init__(self, wish: Wish, spec: Spec) -> None:
        _check_against_spec(wish, spec)
        self._wish = wish
        self.spec = spec
        self._given = (
            None if wish.latents is None else _read_latents(wish.latents, spec, wish.space)
        )
        self._to_w: Callable[[Floats, Floats | None], Floats] | None = None
        self._labels: list[Condition] | None = None
        if wish.labels is not None:
            self._labels = conditions_from_labels(_read_array(wish.labels), spec)
        self.count = self._count()
        self._cycles = _cycles(wish, spec)

    def _count(self) -> int:
        lengths = {
            "-n": self._wish.count,
            "--latents": None if self._given is None else len(self._given),
            "--labels": None if self._labels is None else len(self._labels),
        }
        said = {name: length for name, length in lengths.items() if length is not None}
        if len(set(said.values())) > 1:
            told = ", ".join(f"{name} has {length}" for name, length in said.items())
            raise UsageError(f"These do not agree on the number of samples: {told}.")
        count = next(iter(said.values()), DEFAULT_COUNT)
        if count < 1:
            raise CommandError("There is nothing to draw: the file holds no rows.")
        return count

    def seed(self, index: int) -> int | None:
        """The seed of sample ``index``; None where latents were given."""
        return None if self._given is not None else self._wish.seed + index

    @property
    def seeds(self) -> NDArray[np.int64]:
        """int64 (N,) the seed of each sample; empty where latents were given."""
        if self._given is not None:
            return np.zeros(0, np.int64)
        return np.arange(self._wish.seed, self._wish.seed + self.count, dtype=np.int64)

    def recipe(self, index: int) -> Recipe:
        """The Recipe of sample ``index``."""
        wish = self._wish
        condition, psi = self.condition(index), wish.truncation
        if self._given is None:
            latent = self._drawn(index, condition)
        elif self.spec.synthesis is None:
            # Given latents are final: there is nothing left for truncation to do.
            latent, psi = Latent(self._given[index]), 1.0
        elif self.spec.truncates_styles or psi == 0.0:
            latent = Latent(self._given[index], wish.space)
        else:
            # A Recipe holds the latent that truncation has not scaled yet.
            latent = Latent(self._given[index] / np.float32(psi), wish.space)
        return Recipe(latent, condition, psi, wish.truncation_cutoff, wish.noise)

    def _drawn(self, index: int, condition: Condition) -> Latent:
        """The latent of a seed, in the space that was asked for."""
        z = draw(self.spec.latent, self._wish.seed + index)
        if self._wish.space == "z" or self._to_w is None:
            return Latent(z)
        y = pack(condition, self.spec)[None] if self.spec.conditions else None
        return Latent(self._to_w(z[None], y)[0], self._wish.space)

    def condition(self, index: int) -> Condition:
        """The Condition of sample ``index``; lists are taken in turn."""
        condition = default_condition(self.spec, index)
        if self._labels is not None:
            labelled = self._labels[index]
            for wanted in self.spec.conditions:
                if wanted.optional:
                    condition = condition.without(wanted.name)
            for labelled_part in labelled.parts:
                condition = condition.with_part(labelled_part)
            return condition
        for name, parts in self._cycles.items():
            part = parts[index % len(parts)]
            condition = condition.without(name) if part is None else condition.with_part(part)
        return condition

    def use(self, to_w: Callable[[Floats, Floats | None], Floats]) -> None:
        """Take latents of seeds to the space ``w`` so, where that was asked for."""
        self._to_w = to_w

    @property
    def synthesis(self) -> Synthesis | None:
        """How the decoder draws all samples, for models that are told; else None."""
        return self.recipe(0).synthesis if self.spec.synthesis is not None else None

    def inputs(self, start: int, stop: int) -> tuple[Floats, Floats]:
        """What the decoder takes for samples start..stop-1.

        Returns:
            latents float32 (n, D), truncated unless that happens in the network or they were
            given, and packed conditions float32 (n, K); K is 0 for an unconditional model.
        """
        recipes = [self.recipe(index) for index in range(start, stop)]
        if self._given is not None:
            z = self._given[start:stop]
        else:
            psi = 1.0 if self.spec.truncates_styles else self._wish.truncation
            z = np.stack([truncate(recipe.latent.array, psi) for recipe in recipes])
        y = np.stack([pack(recipe.condition, self.spec) for recipe in recipes])
        return z, y


def write_samples(bundle: Bundle, samples: Samples, job: Job) -> str:
    """Draw the samples and write them to ``job.out``.

    Returns:
        what drew them, such as ``onnx on cpu``.

    Raises:
        LoadError: the device or the engine is not there.
        DecodeError: the model gave numbers that are not finite.
    """
    from genviewer.engine.cells import decode_raw
    from genviewer.engine.generator import load_generator

    generator = load_generator(bundle, device=job.device, engine=job.engine)
    spec, kind = samples.spec, kind_of(job.out)
    if spec.truncates_styles:
        samples.use(cast("SynthesisGenerator", generator).map_to_w)
    image = spec.image
    latents: list[NDArray[np.float32]] = []

    def raw_chunks() -> Iterator[NDArray[np.float32]]:
        with progress_bar(samples.count, f"drawing {spec.name}") as advance:
            for start in range(0, samples.count, CHUNK):
                z, y = samples.inputs(start, min(start + CHUNK, samples.count))
                raw = decode_raw(generator, z, y if spec.conditions else None, samples.synthesis)
                if kind == "npz":
                    latents.append(z)
                advance(len(z))
                yield raw

    def pixel_chunks() -> Iterator[NDArray[np.uint8]]:
        return (to_pixels(raw, image.range) for raw in raw_chunks())

    if kind == "folder":
        write_folder(job.out, pixel_chunks(), samples, bundle.ref)
    elif kind == "npy":
        chunks = (raw if job.raw else to_unit(raw, image.range) for raw in raw_chunks())
        write_npy(job.out, np.concatenate(list(chunks)))
    else:
        tiles = np.concatenate(list(pixel_chunks()))
        if kind == "npz":
            write_npz(job.out, tiles, np.concatenate(latents), samples)
        else:
            write_image(job.out, tiles, _image_record(bundle, samples, generator))
    if job.save_latents is not None:
        recipes = [samples.recipe(index) for index in range(samples.count)]
        write_recipes(job.save_latents, recipes, spec, bundle.ref)
    for notice in generator.notices:
        say(notice)
    return f"{generator.engine} on {generator.device}"


def _image_record(bundle: Bundle, samples: Samples, generator: Generator) -> ImageRecord | None:
    """How an image of these samples is made; None for more of them than a record holds."""
    from genviewer.engine.export import contact_record, sample_record

    weights = bundle.weights_sha256
    if samples.count == 1:
        return sample_record(generator, samples.recipe(0), weights_sha256=weights)
    if samples.count > MAX_CONTACTS:
        return None
    panes = tuple(Pane(bundle.ref, samples.recipe(index)) for index in range(samples.count))
    contact = Contact(panes, columns_of(samples.count))
    return contact_record(generator, contact, weights_sha256=weights)


def _check_against_spec(wish: Wish, spec: Spec) -> None:
    if wish.classes is not None and wish.mix is not None:
        raise UsageError("--class and --mix exclude each other.")
    if wish.labels is not None and (wish.classes is not None or wish.mix is not None or wish.parts):
        raise UsageError("--labels says it all: leave --class, --mix and --condition out.")
    if wish.truncation != 1.0 and not spec.truncation:
        raise CommandError(f"{spec.name} has no truncation.")
    if wish.truncation_cutoff is not None and not spec.layers:
        raise CommandError(f"{spec.name} has no layers at which truncation could be cut off.")
    if isinstance(wish.noise, int) and not spec.noise:
        raise CommandError(f"{spec.name} has no noise inputs to seed.")
    if wish.space not in spec.latent.spaces:
        spaces = ", ".join(spec.latent.spaces)
        raise CommandError(f"{spec.name} has no latent space {wish.space!r}, only {spaces}.")


def _cycles(wish: Wish, spec: Spec) -> dict[str, tuple[Part | None, ...]]:
    """By condition, what the samples take in turn."""
    cycles: dict[str, tuple[Part | None, ...]] = {}
    text = wish.classes if wish.classes is not None else wish.mix
    if text is not None:
        wanted = spec.class_condition
        if wanted is None:
            raise CommandError(f"{spec.name} has no classes.")
        mixed = wish.mix is not None
        cycles[wanted.name] = (parse_mix(text, wanted),) if mixed else parse_parts(text, wanted)
    for part in wish.parts:
        name, equals, value = part.partition("=")
        if not equals:
            raise UsageError(f"--condition is NAME=VALUE, not {part!r}.")
        wanted = condition_named(name.strip(), spec)
        if wanted.name in cycles:
            raise UsageError(f"{wanted.name} is given more than once.")
        cycles[wanted.name] = parse_parts(value.strip(), wanted)
    return cycles


def _read_array(path: Path) -> NDArray[np.generic]:
    """A `.npy` array; nothing in the file is executed, and its size is checked first."""
    if not path.is_file():
        raise CommandError(f"{path} is not a file.")
    try:
        return np.lib.format.open_memmap(path, mode="r")
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror or error}.") from error
    except (ValueError, EOFError, SyntaxError) as error:
        raise CommandError(f"{path} is not a .npy file of numbers.") from error


def _read_latents(path: Path, spec: Spec, space: str) -> NDArray[np.float32]:
    dim = spec.of_space(space).latent.dim
    if path.suffix.lower() in SUFFIXES and path.suffix.lower() != ".npy":
        table = read_latents(path, dim)
        return np.stack([latent.array.reshape(-1) for latent in table.latents])
    array = _read_array(path)
    if array.ndim < 1 or array.shape[1:] not in ((dim,), (dim, 1, 1)):
        raise CommandError(
            f"{path} holds latents {tuple(array.shape)}; {spec.name} takes (N, {dim})."
        )
    if array.dtype.kind not in "fiu":
        raise CommandError(f"{path} holds {array.dtype}, not numbers that can be latents.")
    latents = np.ascontiguousarray(array, np.float32).reshape(len(array), dim)
    if not np.isfinite(latents).all():
        raise CommandError(f"{path} holds values that are not finite.")
    return latents
