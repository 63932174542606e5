"""From the start of the process to the first sample, and to the window that shows it."""

from __future__ import annotations

import subprocess
import sys
import time
from statistics import median
from typing import TYPE_CHECKING

from genviewer.bench.results import FRAME_MS, Result, at_least, within
from genviewer.bench.window import start_window
from genviewer.core.resources import PACKAGE

if TYPE_CHECKING:
    from genviewer.io.bundle import Bundle

REPEATS = 5
SOONER = 2.5
FIRST_PAINT_MS = 1500.0
TIME_LIMIT_S = 120.0

# What both variants do; the second has torch imported before anything else.
_FIRST_SAMPLE = """
from pathlib import Path
from genviewer.core.recipe import seeded_recipe
from genviewer.engine.cells import decode_recipe
from genviewer.engine.generator import load_generator
from genviewer.io.bundle import open_bundle
bundle = open_bundle(Path({path!r}))
decode_recipe(load_generator(bundle, engine={engine!r}), seeded_recipe(bundle.spec, 0))
import time
print(time.monotonic())
"""


def measure(bundle: Bundle) -> list[Result]:
    """The first sample with and without torch before it; the window's first paint and sample."""
    name, path = bundle.spec.name, str(bundle.path.resolve())
    ours, torchs, paints, samples = [], [], [], []
    for _ in range(REPEATS):
        ours.append(_seconds(_FIRST_SAMPLE.format(path=path, engine="auto")))
        torch_first = "import torch\n" + _FIRST_SAMPLE.format(path=path, engine="torch")
        torchs.append(_seconds(torch_first))
        started = time.monotonic()
        window = start_window(bundle)
        paints.append(window.painted - started)
        samples.append(window.sample - started)
    sample, with_torch = median(ours), median(torchs)
    paint_ms, window_ms = 1e3 * median(paints), 1e3 * median(samples)
    return [
        at_least(
            "start_first_sample",
            name,
            1e3 * sample,
            "ms",
            1e3 * with_torch,
            with_torch / sample,
            SOONER,
        ),
        within("start_window_painted", name, paint_ms, "ms", FIRST_PAINT_MS),
        Result(
            "start_window_first_sample",
            name,
            window_ms,
            "ms",
            paint_ms,
            window_ms / paint_ms,
            "after the window is painted",
            window_ms >= paint_ms - FRAME_MS,  # or both in one paint
        ),
    ]


def _seconds(code: str) -> float:
    """From before the process starts to the time that it prints."""
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=PACKAGE.parent,
        capture_output=True,
        text=True,
        timeout=TIME_LIMIT_S,
        check=True,
    )
    return float(done.stdout.split()[-1]) - started
