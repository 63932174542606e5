"""Dragging at 125 Hz: how soon the current sample follows, alone and with a Sheet open."""

from __future__ import annotations

import math
import threading
import time
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from genviewer.bench.results import FRAME_MS, Result, at_least, medians, within
from genviewer.core.frame import Frame
from genviewer.core.recipe import Recipe, seeded_recipe
from genviewer.core.scene import GridOptions, Pane, Scene, ViewName
from genviewer.core.views import ViewInputs
from genviewer.engine.generator import load_generator
from genviewer.engine.render import CHUNK_S, RenderThread, Request

if TYPE_CHECKING:
    from genviewer.engine.generator import Generator
    from genviewer.io.bundle import Bundle

RATE_HZ = 125.0
SECONDS = 1.5
REPEATS = 5
FORWARD_SHARE = 1.3
SHEETS_SHARE = 0.6


@dataclass
class Drag:
    """What one drag gave: latencies in seconds of every event, and complete Sheets per second."""

    latencies: list[float] = field(default_factory=list)
    sheets_per_s: float = 0.0

    @property
    def p95_ms(self) -> float:
        """The latency in milliseconds that 95 of 100 events stay within."""
        return 1e3 * float(np.percentile(self.latencies, 95))


def measure(bundle: Bundle) -> list[Result]:
    """The engine alone, then the real window, each against the bare forward pass."""
    from genviewer.bench.baseline import BareDecoder

    forward_ms = 1e3 * medians(BareDecoder(bundle).call(1))[0]
    return [*_engine(bundle, forward_ms), *_window(bundle, forward_ms)]


def _engine(bundle: Bundle, forward_ms: float) -> list[Result]:
    name = bundle.spec.name
    generator = load_generator(bundle)
    limit = FORWARD_SHARE * forward_ms + FRAME_MS
    chunk = limit + CHUNK_S * 1e3
    settings: list[tuple[str, ViewName, int, float]] = [
        ("drag_focus_p95", "focus", 1, limit),
        ("drag_focus_p95_64_cells", "grid", 64, chunk),
        ("drag_focus_p95_1024_cells", "grid", 1024, chunk),
    ]
    results = []
    for label, view, cells, allowed in settings:
        drags = [drag(generator, view, cells) for _ in range(REPEATS)]
        p95 = median(one.p95_ms for one in drags)
        results.append(within(label, name, p95, "ms", allowed, forward_ms))
        if cells == 64:
            batch = _one_batch_per_s(generator, cells)
            rate = median(one.sheets_per_s for one in drags)
            results.append(
                at_least(
                    "sheets_per_s_64_cells", name, rate, "1/s", batch, rate / batch, SHEETS_SHARE
                )
            )
    return results


def drag(generator: Generator, view: ViewName, cells: int, seconds: float = SECONDS) -> Drag:
    """Drag one dimension to and fro at 125 Hz and take the pictures as a window does."""
    result = Drag()
    ready = threading.Event()
    thread = RenderThread(ready.set)
    thread.use(generator.ref, generator)
    pane = Pane(generator.ref, seeded_recipe(generator.spec, 0))
    scene = Scene((pane,), view).with_options(GridOptions(cells=cells))
    inputs = ViewInputs()

    def take_until(moment: float) -> None:
        while (left := moment - time.perf_counter()) > 0:
            if ready.wait(left):
                ready.clear()
                rendered = thread.take()
                if rendered is not None and isinstance(rendered.focus, Frame):
                    now = time.perf_counter()
                    result.latencies.extend(now - stamp for stamp in rendered.stamps)

    thread.start()
    try:
        thread.request(Request(scene, inputs))
        take_until(time.perf_counter() + 0.2)
        started, before = time.perf_counter(), thread.counters.sheets
        for step in range(int(seconds * RATE_HZ)):
            value = 2.0 * math.sin(0.05 * step) + 1e-4 * step
            latent = scene.recipe.latent.with_value(0, value)
            moved = scene.with_recipe(Recipe(latent, scene.recipe.condition))
            thread.request(Request(moved, inputs, time.perf_counter()))
            take_until(started + (step + 1) / RATE_HZ)
        sheets = thread.counters.sheets - before
        result.sheets_per_s = sheets / (time.perf_counter() - started)
        take_until(time.perf_counter() + 0.1)
    finally:
        thread.stop()
    return result


def _one_batch_per_s(generator: Generator, cells: int) -> float:
    """How many Sheets a second one large batch after the other would give."""
    from genviewer.bench.baseline import inputs

    z, y = inputs(generator.spec, cells)
    return 1.0 / medians(lambda: generator.decode_pixels(z, y))[0]


def _window(bundle: Bundle, forward_ms: float) -> list[Result]:
    from genviewer.bench.window import drag_window

    name = bundle.spec.name
    limit = FORWARD_SHARE * forward_ms + FRAME_MS
    results = []
    drags: list[tuple[str, ViewName, float]] = [
        ("window_drag", "focus", limit),
        ("window_drag_64_cells", "grid", limit + CHUNK_S * 1e3),
    ]
    for label, view, allowed in drags:
        runs = [drag_window(bundle, view) for _ in range(REPEATS)]
        p50, p95 = (median(run.p50_ms for run in runs), median(run.p95_ms for run in runs))
        stall = median(run.stall_ms for run in runs)
        results += [
            within(f"{label}_p50", name, p50, "ms", allowed, forward_ms),
            within(f"{label}_p95", name, p95, "ms", allowed, forward_ms),
            within(f"{label}_longest_stall", name, stall, "ms", FRAME_MS),
        ]
    return results
