"""A measured figure, what it is compared with, and whether that is good enough."""

from __future__ import annotations

import os
import platform
import time
from importlib.metadata import version
from statistics import median
from typing import TYPE_CHECKING

import msgspec

import genviewer
from genviewer.engine.device import devices, usable_cores

if TYPE_CHECKING:
    from collections.abc import Callable

REPEATS = 7
FRAME_MS = 1000.0 / 60.0


class Result(msgspec.Struct, frozen=True):
    """One figure.

    ``ratio`` is what the target speaks of where it speaks of a ratio; ``baseline`` is in the same
    unit as ``value``.
    """

    name: str
    model: str
    value: float
    unit: str
    baseline: float | None
    ratio: float | None
    target: str
    met: bool


def at_least(
    name: str, model: str, value: float, unit: str, baseline: float, ratio: float, target: float
) -> Result:
    """A result whose ratio is to reach a target."""
    return Result(name, model, value, unit, baseline, ratio, f">= {target:g}x", ratio >= target)


def at_most(
    name: str, model: str, value: float, unit: str, baseline: float, ratio: float, target: float
) -> Result:
    """A result whose ratio is to stay within a target."""
    return Result(name, model, value, unit, baseline, ratio, f"<= {target:g}x", ratio <= target)


def within(
    name: str, model: str, value: float, unit: str, limit: float, baseline: float | None = None
) -> Result:
    """A result that is to stay within a limit in its own unit."""
    ratio = value / baseline if baseline else None
    return Result(
        name, model, value, unit, baseline, ratio, f"<= {limit:.4g} {unit}", value <= limit
    )


def seconds_of(work: Callable[[], object], at_least_s: float = 0.02) -> float:
    """Seconds that one call takes: the mean over as many as fill ``at_least_s``."""
    calls, started = 0, time.perf_counter()
    while True:
        work()
        calls += 1
        taken = time.perf_counter() - started
        if taken >= at_least_s:
            return taken / calls


def medians(*works: Callable[[], object], repeats: int | None = None) -> list[float]:
    """Median seconds of each of several works, measured in turn so that they share the weather."""
    for work in works:
        work()
    taken: list[list[float]] = [[] for _ in works]
    for _ in range(REPEATS if repeats is None else repeats):
        for times, work in zip(taken, works, strict=True):
            times.append(seconds_of(work))
    return [median(times) for times in taken]


def machine() -> dict[str, object]:
    """What the figures were measured on."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {
        "system": platform.platform(),
        "processor": platform.processor() or platform.machine(),
        "cores": usable_cores(),
        "load": load,
        "devices": [device.label for device in devices()],
        "python": platform.python_version(),
        "genviewer": genviewer.__version__,
        "torch": version("torch"),
        "onnxruntime": version("onnxruntime"),
    }
