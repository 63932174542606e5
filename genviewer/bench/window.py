"""The real window in a process of its own, dragged by real events."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import msgspec

from genviewer.core.resources import PACKAGE

if TYPE_CHECKING:
    from pathlib import Path

    from genviewer.core.scene import ViewName
    from genviewer.io.bundle import Bundle

TIME_LIMIT_S = 120.0


class WindowError(RuntimeError):
    """The window did not do what was to be measured; the message is one sentence."""


class WindowDrag(msgspec.Struct, frozen=True):
    """Latency from an event to the end of the paint that shows it, and the longest time in which
    the GUI thread did nothing else; milliseconds.
    """

    p50_ms: float
    p95_ms: float
    stall_ms: float
    events: int


class WindowStart(msgspec.Struct, frozen=True):
    """Monotonic clock, in seconds, at the end of the first paint and of the first sample's."""

    painted: float
    sample: float


class WindowTraining(msgspec.Struct, frozen=True):
    """A drag's latency at the 95th percentile before and during a training, in milliseconds; the
    training's steps a second while the window is idle; and from Stop to the checkpoint.
    """

    idle_p95_ms: float
    drag_p95_ms: float
    steps_per_s: float
    stop_ms: float


class ScatterMoves(msgspec.Struct, frozen=True):
    """From an event to the end of its paint: the median and the longest, in milliseconds."""

    p50_ms: float
    longest_ms: float
    events: float


def move_scatter(points: int) -> ScatterMoves:
    """Move and zoom a scatter of so many points by real events; WindowError if that fails."""
    return msgspec.json.decode(_probe([str(points)], "probe_scatter"), type=ScatterMoves)


def train_window(bundle: Bundle, config: Path, seconds: float) -> WindowTraining:
    """Train in the window as ``config``, a train.toml, says; WindowError if that fails."""
    arguments = ["train", str(bundle.path.resolve()), str(config), str(seconds)]
    return msgspec.json.decode(_probe(arguments), type=WindowTraining)


def drag_window(bundle: Bundle, view: ViewName, seconds: float = 2.0) -> WindowDrag:
    """Drag a slider of the window at 125 Hz, without a display; WindowError if that fails."""
    arguments = ["drag", str(bundle.path.resolve()), view, str(seconds)]
    return msgspec.json.decode(_probe(arguments), type=WindowDrag)


def start_window(bundle: Bundle) -> WindowStart:
    """Open the window until it shows a sample; WindowError if that fails."""
    return msgspec.json.decode(_probe(["start", str(bundle.path.resolve())]), type=WindowStart)


def _probe(arguments: list[str], module: str = "probe") -> bytes:
    return run_python(["-m", f"genviewer.ui.{module}", *arguments], "window")


def run_python(arguments: list[str], what: str) -> bytes:
    """What a Python of its own writes to stdout.

    Raises:
        WindowError: it failed or took too long; ``what`` it is, the sentence says.
    """
    environment = os.environ | {"QT_QPA_PLATFORM": "offscreen"}
    try:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=PACKAGE.parent,  # not a folder in which something else may have our name
            env=environment,
            capture_output=True,
            timeout=TIME_LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise WindowError(f"The {what} took too long.") from error
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"]
        raise WindowError(f"The {what} failed: {lines[-1][:200]}")
    return done.stdout
