"""Two linked models under one hand: how soon both samples follow."""

from __future__ import annotations

import math
import threading
import time
from statistics import median
from typing import TYPE_CHECKING

import msgspec

from genviewer.bench.drag import FORWARD_SHARE, RATE_HZ, REPEATS, SECONDS, Drag
from genviewer.bench.results import FRAME_MS, Result, medians, within
from genviewer.core.frame import Frame
from genviewer.core.linking import followed, latents_agree
from genviewer.core.recipe import seeded_recipe
from genviewer.core.scene import Pane, Scene
from genviewer.core.views import ViewInputs
from genviewer.engine.generator import load_generator
from genviewer.engine.render import RenderThread, Request

if TYPE_CHECKING:
    from collections.abc import Sequence

    from genviewer.engine.generator import Generator
    from genviewer.io.bundle import Bundle


def measure(bundles: Sequence[Bundle]) -> list[Result]:
    """The first two models that can be linked by their latents; nothing where there are none."""
    from genviewer.bench.baseline import BareDecoder

    for index, one in enumerate(bundles):
        for two in bundles[index + 1 :]:
            if latents_agree(seeded_recipe(one.spec, 0), one.spec, two.spec):
                both_ms = sum(1e3 * medians(BareDecoder(b).call(1))[0] for b in (one, two))
                generators = load_generator(one), load_generator(two)
                p95 = median(drag_pair(*generators).p95_ms for _ in range(REPEATS))
                limit = FORWARD_SHARE * both_ms + FRAME_MS
                name = f"{one.spec.name} + {two.spec.name}"
                return [within("drag_linked_p95", name, p95, "ms", limit, both_ms)]
    return []


def drag_pair(one: Generator, two: Generator, seconds: float = SECONDS) -> Drag:
    """Drag one dimension at 125 Hz; the latency is until both panes' samples are there."""
    result, ready = Drag(), threading.Event()
    thread = RenderThread(ready.set)
    for generator in (one, two):
        thread.use(generator.ref, generator)
    panes = tuple(Pane(g.ref, seeded_recipe(g.spec, 0)) for g in (one, two))
    scene, inputs = Scene(panes), ViewInputs()
    waiting: list[float] = []

    def take_until(moment: float) -> None:
        while (left := moment - time.perf_counter()) > 0:
            if not ready.wait(left):
                continue
            ready.clear()
            rendered = thread.take()
            if rendered is None:
                continue
            waiting.extend(rendered.stamps)
            if isinstance(rendered.panes.get(1), Frame):
                now = time.perf_counter()
                result.latencies.extend(now - stamp for stamp in waiting)
                waiting.clear()

    thread.start()
    try:
        thread.request(Request(scene, inputs))
        take_until(time.perf_counter() + 0.2)
        waiting.clear()
        started = time.perf_counter()
        for step in range(int(seconds * RATE_HZ)):
            value = 2.0 * math.sin(0.05 * step) + 1e-4 * step
            first, second = scene.panes
            recipe = msgspec.structs.replace(
                first.recipe, latent=first.recipe.latent.with_value(0, value)
            )
            linked = followed(first.recipe, recipe, one.spec, second.recipe, two.spec)
            moved = scene.with_recipe(recipe).with_pane_at(
                1, msgspec.structs.replace(second, recipe=linked)
            )
            thread.request(Request(moved, inputs, time.perf_counter()))
            take_until(started + (step + 1) / RATE_HZ)
        take_until(time.perf_counter() + 0.1)
    finally:
        thread.stop()
    return result
