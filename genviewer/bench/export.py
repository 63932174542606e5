"""Data sets: as fast as the slower of drawing and encoding alone, in memory that does not grow."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from genviewer.bench.results import Result, at_least, within
from genviewer.core.dataset_plan import DatasetPlan
from genviewer.core.packing import pack_of
from genviewer.engine.cells import CHUNK, decode_pack, pack_inputs
from genviewer.engine.export import sample_record
from genviewer.engine.export_dataset import export_dataset
from genviewer.engine.generator import load_generator
from genviewer.io.image_formats import encode_image

if TYPE_CHECKING:
    from genviewer.engine.generator import Generator
    from genviewer.io.bundle import Bundle

SAMPLES = 1000
REPEATS = 3
SHARE = 0.9
GROWTH_MB = 16.0


def measure(bundle: Bundle) -> list[Result]:
    """Samples per second of an export of PNGs against both halves alone, and memory."""
    generator = load_generator(bundle)
    name, wanted = bundle.spec.name, bundle.spec.class_condition
    classes = tuple(range(wanted.size)) if wanted is not None else ()
    plan = DatasetPlan(bundle.ref, SAMPLES, classes=classes, weights_sha256=bundle.weights_sha256)
    _export(plan, generator)
    before = _peak_mb()
    # In turn, so that all three share the weather of the machine.
    runs = [
        (_drawing(plan, generator), _encoding(plan, generator), _export(plan, generator))
        for _ in range(REPEATS)
    ]
    drawing, encoding, exporting = (SAMPLES / median(times) for times in zip(*runs, strict=True))
    slower = min(drawing, encoding)
    ratio = median(max(draw, encode) / export for draw, encode, export in runs)
    results = [at_least("export_png", name, exporting, "1/s", slower, ratio, SHARE)]
    if before is not None:
        growth = (_peak_mb() or before) - before
        results.append(within("export_memory_growth", name, growth, "MB", GROWTH_MB))
    return results


def _export(plan: DatasetPlan, generator: Generator) -> float:
    with tempfile.TemporaryDirectory() as folder:
        return export_dataset(Path(folder) / "out", plan, generator).seconds


def _drawing(plan: DatasetPlan, generator: Generator) -> float:
    """Seconds for the decoder alone; what it is given is made before the clock starts."""
    chunks = []
    for start in range(0, plan.count, CHUNK):
        indices = range(start, min(start + CHUNK, plan.count))
        recipes = [(i - start, plan.recipe(generator.spec, i)) for i in indices]
        chunks.append(pack_inputs(generator, pack_of(recipes, plan.model)))
    started = time.perf_counter()
    for z, y, _ in chunks:
        generator.decode_pixels(z, y)
    return time.perf_counter() - started


def _encoding(plan: DatasetPlan, generator: Generator) -> float:
    """Seconds to make a PNG with its record of every sample, in memory."""
    recipes = [plan.recipe(generator.spec, index) for index in range(CHUNK)]
    pixels = decode_pack(generator, pack_of(list(enumerate(recipes)), plan.model))
    sha = plan.weights_sha256
    started = time.perf_counter()
    for index in range(plan.count):
        record = sample_record(generator, recipes[index % CHUNK], weights_sha256=sha)
        encode_image(pixels[index % CHUNK], "png", record.text())
    return time.perf_counter() - started


def _peak_mb() -> float | None:
    """The most memory that this process has had, where the system tells."""
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20) if sys.platform == "darwin" else peak / (1 << 10)
