"""What a model believes about an image while it is being drawn: how often the bars move."""

from __future__ import annotations

import threading
import time
from statistics import median
from typing import TYPE_CHECKING

import numpy as np
import torch

from genviewer.bench.results import Result, medians, within
from genviewer.core.frame import Failure
from genviewer.engine.bayes import class_rows
from genviewer.engine.belief_thread import BeliefThread
from genviewer.engine.density import open_density
from genviewer.engine.generator import load_generator
from genviewer.engine.image_beliefs import DEFAULT_SAMPLES, Question
from genviewer.engine.torch_decoder import use_threads

if TYPE_CHECKING:
    from genviewer.engine.generator import Bytes, Generator
    from genviewer.io.bundle import Bundle

RATE_HZ = 125.0
SECONDS = 2.0
REPEATS = 3
WANTED = 15.0
"""Updates a second for :data:`CLASSES` classes; models of more classes may take longer."""

CLASSES = 10
REST_LIMIT_S = 4.0


def measure(bundle: Bundle) -> list[Result]:
    """Updates a second under a hand that draws at 125 Hz, and how long the rest takes.

    The baseline is what the networks alone could do on one thread at that time. Nothing for models
    that say nothing about classes.
    """
    spec = bundle.spec
    if not spec.density or not spec.encoder or spec.class_condition is None:
        return []
    generator = load_generator(bundle, "cpu", threads=1)
    found, bare = [], []
    for _ in range(REPEATS):  # in turn, so that they share the weather
        found.append(draw(bundle, generator))
        bare.append(1.0 / _bare_seconds(bundle))
    rate = median(rate for rate, _ in found)
    rest = median(rest for _, rest in found)
    wanted = WANTED * min(1.0, CLASSES / spec.class_condition.size)
    target = f">= {wanted:.3g} updates/s"
    name = spec.name
    return [
        Result(
            "beliefs_while_drawing",
            name,
            rate,
            "updates/s",
            median(bare),
            rate / median(bare),
            target,
            rate >= wanted,
        ),
        within("beliefs_at_rest", name, rest, "s", REST_LIMIT_S),
    ]


def _bare_seconds(bundle: Bundle) -> float:
    """What the networks alone take for one sample of every class, on one thread."""
    use_threads(1)
    density, rows = open_density(bundle, "cpu"), class_rows(bundle.spec)
    image = bundle.spec.image
    x = torch.zeros(len(rows), image.channels, image.height, image.width)
    y = torch.from_numpy(rows)

    def once() -> None:
        with torch.inference_mode():
            mean, _ = density.encode(x, y)
            density.log_likelihood(x, mean, y)

    return medians(once, repeats=3)[0]


def draw(bundle: Bundle, generator: Generator) -> tuple[float, float]:
    """Updates a second while a stroke grows, and seconds from its end to the last answer."""
    heard = threading.Event()
    thread = BeliefThread(heard.set)
    spec = bundle.spec.image
    canvas = np.zeros((spec.height, spec.width, spec.channels), np.uint8)
    thread.start()
    try:
        thread.ask(bundle, generator, Question(canvas, samples=1))
        _wait(thread, heard)  # the network is built now
        answered, started = 0, time.perf_counter()
        last: Question | None = None
        steps = max(1, int(SECONDS * RATE_HZ))
        for step in range(steps):
            canvas = _grown(canvas, step / steps)
            thread.ask(bundle, generator, Question(canvas))
            answered, last = _count(thread, answered, last)
            time.sleep(max(0.0, started + (step + 1) / RATE_HZ - time.perf_counter()))
        took = time.perf_counter() - started
        rested = time.perf_counter()
        thread.ask(bundle, generator, Question(canvas, samples=DEFAULT_SAMPLES))
        _wait(thread, heard)
        return answered / took, time.perf_counter() - rested
    finally:
        thread.stop()


def _count(
    thread: BeliefThread, answered: int, last: Question | None
) -> tuple[int, Question | None]:
    answer = thread.take()
    if answer is None or isinstance(answer, Failure) or answer.question is last:
        return answered, last
    return answered + 1, answer.question


def _wait(thread: BeliefThread, heard: threading.Event) -> None:
    """Until an answer is the last one about its question."""
    while True:
        heard.wait()
        heard.clear()
        answer = thread.take()
        if isinstance(answer, Failure) or (answer is not None and answer.done):
            return


def _grown(canvas: Bytes, share: float) -> Bytes:
    """The canvas with a bit more of a spiral on it."""
    height, width = canvas.shape[:2]
    angle, radius = 9.0 * share, 0.1 + 0.28 * share
    y = round(height * (0.5 + radius * np.sin(angle)))
    x = round(width * (0.5 + radius * np.cos(angle)))
    grown = canvas.copy()
    grown[max(y - 1, 0) : y + 1, max(x - 1, 0) : x + 1] = 255
    return grown
