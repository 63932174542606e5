"""Data sets of samples: drawn in chunks, encoded and written beside, taken up where it ended.

Any thread; of the job lane where a window waits.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from genviewer.core.condition import pack as pack_condition
from genviewer.core.dataset_plan import class_folders
from genviewer.core.packing import pack_of
from genviewer.engine.cells import pack_inputs, pixels_from_inputs, unit_from_inputs
from genviewer.engine.generator import DecodeError
from genviewer.engine.jobs import Cancelled
from genviewer.io.dataset_store import DatasetStore, Entry
from genviewer.io.enlarging import finished
from genviewer.io.image_formats import check_size, encode_image
from genviewer.io.images import ImageRecord
from genviewer.io.write_errors import WriteError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from genviewer.core.condition import Condition
    from genviewer.core.dataset_plan import DatasetPlan
    from genviewer.core.recipe import Recipe
    from genviewer.core.synthesis import Synthesis
    from genviewer.engine.generator import Floats, Generator
    from genviewer.engine.jobs import Progress
    from genviewer.engine.score import Rejection

    Inputs = tuple[Floats, Floats | None, Synthesis | None]

AHEAD = 2
"""Chunks that are prepared before, and that may wait to be encoded; more would only take memory."""


@dataclass(frozen=True)
class Exported:
    """What an export came to.

    Attributes:
        drawn: samples drawn now; those of earlier runs and other shards are not counted.
        complete: whether the whole data set is there.
        duplicates: samples that were dropped at the end.
        seconds: how long it took.
    """

    drawn: int
    complete: bool
    duplicates: int
    seconds: float


def export_dataset(
    folder: Path,
    plan: DatasetPlan,
    generator: Generator,
    *,
    shard: tuple[int, int] = (0, 1),
    force: bool = False,
    rejection: Rejection | None = None,
    progress: Progress | None = None,
) -> Exported:
    """Write the samples of a plan, or of one shard of it, that are not there yet.

    Whoever finishes the last unit writes the manifest. Cancelled or killed, it can be called
    again with the same plan and goes on; what is complete is kept.

    Args:
        folder: where to; new, empty, or of an export of the same plan.
        plan: what to write.
        generator: the plan's model.
        shard: which of how many parts; the units are dealt out in turn.
        force: whether another export in the folder is replaced.
        rejection: what decides which samples are drawn again; for plans that reject.
        progress: is told how far it is, how fast, and how long it takes.

    Raises:
        Cancelled: the progress says so.
        DecodeError: the plan does not fit the model, or the model fails.
        ImageError: the format cannot hold the samples.
        WriteError: the folder holds something else, or cannot be written.
    """
    if generator.model_id != plan.model.id:
        raise DecodeError(f"The plan is for {plan.model.name}, and another model is open.")
    if plan.reject and rejection is None:
        raise DecodeError(f"{plan.model.name} has no score by which samples could be rejected.")
    image = generator.spec.image
    form: Literal["webp", "png"] = "webp" if plan.format == "webp" else "png"
    check_size(*plan.picture.size(image.width, image.height), form, plan.picture.bits)
    store = DatasetStore(folder, plan)
    store.begin(force)
    started = time.monotonic()
    units = store.missing_units(shard)
    run = _Run(store, generator, rejection if plan.reject else None, progress, units)
    try:
        run.draw()
    except (Cancelled, KeyboardInterrupt):
        with contextlib.suppress(WriteError):
            store.write_manifest(_part_name(shard))
        raise
    taken = time.monotonic() - started
    left = store.missing_units()
    if left:
        store.write_manifest(_part_name(shard))
        return Exported(run.done, False, 0, taken)
    return Exported(run.done, True, store.finish(), time.monotonic() - started)


def shard_of_environment() -> tuple[int, int]:
    """The shard that ``torchrun`` gives this process by RANK and WORLD_SIZE; else all of it."""
    rank, size = os.environ.get("RANK", ""), os.environ.get("WORLD_SIZE", "")
    if rank.isdigit() and size.isdigit() and int(size) > 0:
        return int(rank), int(size)
    return 0, 1


def _part_name(shard: tuple[int, int]) -> str:
    return "manifest" if shard[1] == 1 else f"manifest-{shard[0]}-of-{shard[1]}"


class _Run:
    """One call of :func:`export_dataset`: this thread draws, one other encodes and writes."""

    def __init__(
        self,
        store: DatasetStore,
        generator: Generator,
        rejection: Rejection | None,
        progress: Progress | None,
        units: list[int],
    ) -> None:
        self._store, self._plan = store, store.plan
        self._generator, self._rejection, self._progress = generator, rejection, progress
        self._units = units
        self._total = sum(len(self._plan.unit_range(unit)) for unit in units)
        self._started = time.monotonic()
        self.done = 0
        self._open: dict[int, _Unit] = {}
        wanted = generator.spec.class_condition
        self._labels = () if wanted is None else tuple(map(wanted.label, range(wanted.size)))
        self._folders = class_folders(generator.spec)
        self._conditions: dict[int | None, Condition] = {}

    def draw(self) -> None:
        """Draw all units; raises what either thread raised."""
        waiting: deque[Future[None]] = deque()
        ahead: deque[tuple[tuple[int, int, int], Future[_Chunk]]] = deque()
        chunks = self._chunks()
        with ThreadPoolExecutor(1, "genviewer-encode") as pool:
            try:
                while True:
                    for chunk in itertools.islice(chunks, 1 + AHEAD - len(ahead)):
                        ahead.append((chunk, pool.submit(self._prepare, *chunk[1:])))
                    if not ahead:
                        break
                    self._report()
                    (number, start, stop), prepared = ahead.popleft()
                    samples = self._draw_chunk(prepared.result())
                    unit = self._open.get(number) or self._open.setdefault(number, _Unit(number))
                    last = stop == self._plan.unit_range(number).stop
                    waiting.append(pool.submit(self._write, unit, samples, last))
                    if len(waiting) > AHEAD:
                        waiting.popleft().result()
                    self.done += stop - start
                for future in waiting:
                    future.result()
                self._report()
            except BaseException:
                pool.shutdown(wait=True, cancel_futures=True)
                for unit in self._open.values():
                    self._store.drop_files(unit.entries)
                raise

    def _report(self) -> None:
        if self._progress is None:
            return
        taken = time.monotonic() - self._started
        rate = self.done / taken if taken > 0 else 0.0
        text = f"{self.done} of {self._total}"
        if rate > 0.0:
            left = round((self._total - self.done) / rate)
            text += f", {rate:.0f}/s, {left // 60}:{left % 60:02d} left"
        self._progress.report(self.done / max(1, self._total), text)

    def _chunks(self) -> Iterator[tuple[int, int, int]]:
        """Unit, first and last sample (exclusive) of what is drawn together."""
        for number in self._units:
            samples = self._plan.unit_range(number)
            for start in range(samples.start, samples.stop, self._plan.chunk):
                yield number, start, min(start + self._plan.chunk, samples.stop)

    def _prepare(self, start: int, stop: int) -> _Chunk:
        """In the other thread: what the decoder takes for samples start..stop-1."""
        recipes = [self._recipe(index) for index in range(start, stop)]
        pack = pack_of(list(enumerate(recipes)), self._plan.model)
        return _Chunk(start, recipes, pack_inputs(self._generator, pack))

    def _draw_chunk(self, chunk: _Chunk) -> list[_Sample]:
        """The samples of a chunk, drawn together; those that are rejected, drawn again alone."""
        pixels = self._decoded(chunk.inputs)
        samples = [
            _Sample(chunk.start + row, 0, recipe, pixels[row])
            for row, recipe in enumerate(chunk.recipes)
        ]
        if self._rejection is None:
            return samples
        for row, sample in enumerate(samples):
            attempt = self._rejection.first_accepted(self._plan, sample.index)
            if attempt:
                recipe = self._recipe(sample.index, attempt)
                inputs = pack_inputs(self._generator, pack_of([(0, recipe)], self._plan.model))
                again = self._decoded(inputs)[0]
                samples[row] = _Sample(sample.index, attempt, recipe, again)
        return samples

    def _decoded(self, inputs: Inputs) -> NDArray[Any]:
        """(n, H, W, C), uint8, or float32 in [0, 1] for 16 bits."""
        if self._plan.picture.bits == 16:
            return unit_from_inputs(self._generator, *inputs)
        return pixels_from_inputs(self._generator, *inputs)

    def _write(self, unit: _Unit, samples: list[_Sample], last: bool) -> None:
        """In the other thread: encode and write a chunk, and with its last one the unit."""
        plan, spec = self._plan, self._generator.spec
        form: Literal["webp", "png"] = "webp" if plan.format == "webp" else "png"
        for sample in samples:
            label = plan.class_of(sample.index)
            image = finished(sample.pixels, plan.picture)
            digest = hashlib.sha256(np.ascontiguousarray(image).tobytes()).hexdigest()
            place, size = "", 0
            if plan.format == "npz":
                row = pack_condition(sample.recipe.condition, spec)
                unit.rows.append((image, sample.recipe.latent.array, row))
            else:
                folder = None if label is None else self._folders[label]
                place = plan.place(folder, sample.index, sample.attempt)
                text = self._record(sample.recipe).text() if plan.provenance else None
                data = encode_image(image, form, text, plan.picture.quality)
                size = len(data)
                if plan.format == "zip":
                    unit.files[place] = data
                else:
                    self._store.write_file(place, data)
            name = "" if label is None else self._labels[label]
            seed = plan.seed_of(sample.index, sample.attempt)
            unit.entries.append(Entry(sample.index, place, name, label, seed, digest, size))
        if last:
            arrays = unit.arrays(plan) if plan.format == "npz" else None
            files = unit.files if plan.format == "zip" else None
            self._store.finish_unit(unit.number, unit.entries, arrays, files)
            del self._open[unit.number]

    def _recipe(self, index: int, attempt: int = 0) -> Recipe:
        spec, number = self._generator.spec, self._plan.class_of(index)
        if number not in self._conditions:
            self._conditions[number] = self._plan.condition(spec, number)
        return self._plan.recipe(spec, index, attempt, self._conditions[number])

    def _record(self, recipe: Recipe) -> ImageRecord:
        plan = self._plan
        return ImageRecord(
            plan.model,
            recipe,
            picture=plan.picture,
            weights_sha256=plan.weights_sha256,
            engine=plan.engine,
        )


@dataclass(frozen=True, eq=False)
class _Chunk:
    """Samples that are drawn together, the first of number ``start``."""

    start: int
    recipes: list[Recipe]
    inputs: Inputs


@dataclass(frozen=True, eq=False)
class _Sample:
    """A sample as it was drawn: (H, W, C), uint8 or float32."""

    index: int
    attempt: int
    recipe: Recipe
    pixels: NDArray[Any]


class _Unit:
    """What has been made of a unit so far."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.entries: list[Entry] = []
        self.files: dict[str, bytes] = {}
        self.rows: list[tuple[NDArray[Any], NDArray[np.float32], NDArray[np.float32]]] = []

    def arrays(self, plan: DatasetPlan) -> dict[str, NDArray[Any]]:
        """``images`` uint8 (n, H, W, C), ``latents`` (n, D), ``labels`` int64 (n,), or packed
        conditions (n, K) where there are no classes, ``seeds`` int64 (n,).
        """
        images, latents, conditions = (np.stack(column) for column in zip(*self.rows, strict=True))
        labels = [entry.label for entry in self.entries if entry.label is not None]
        return {
            "images": images,
            "latents": latents,
            "labels": np.array(labels, np.int64) if plan.classes else conditions,
            "seeds": np.array([entry.seed for entry in self.entries], np.int64),
        }
