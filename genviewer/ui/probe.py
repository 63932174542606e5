"""The real window, driven and timed for the benchmarks.

As a program: ``python -m genviewer.ui.probe drag FOLDER VIEW SECONDS``, ``start FOLDER`` or ``train
FOLDER CONFIG SECONDS`` prints JSON. User files stay untouched.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, cast

import msgspec
import numpy as np
from PySide6.QtCore import QEvent, QEventLoop, QObject, QPoint, QPointF, Qt, QTimer
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication

from genviewer.core.scene import GridOptions
from genviewer.engine.library import find_model
from genviewer.session.paths import UserFiles
from genviewer.session.preferences import Preferences
from genviewer.ui import theme
from genviewer.ui.app import (
    Start,
    collect_on_this_thread,
    first_state,
    make_application,
    open_window,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from genviewer.core.scene import ViewName
    from genviewer.ui.main_window import MainWindow

RATE_HZ = 125
HEARTBEAT_MS = 1
WATCH_MS = 20
SETTLE_S = 1.0
PATIENCE_S = 60.0
WARM_S = 2.0  # until a training has its pace


class ProbeError(RuntimeError):
    """The window did not do what was to be measured."""


class SliderDrag(QObject):
    """Drags the first slider to and fro at a fixed rate.

    An event's time is the one it was due at: when the GUI thread is late to send it, that counts.
    An event is answered by the end of the first paint that shows its value or a newer one.
    """

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self.latencies: list[float] = []
        self.longest_gap = 0.0
        self._window = window
        self._sliders = window.latent_panel.sliders
        self._waiting: deque[tuple[float, float]] = deque()  # when due, when sent
        self._answered: list[float] = []
        self._sent = 0
        self._started = self._beat = 0.0
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(HEARTBEAT_MS)
        self._timer.timeout.connect(self._tick)

    def start(self) -> None:
        """Press the handle and begin to move."""
        self._mouse(QEvent.Type.MouseButtonPress, self._sliders.handle_position(0))
        self._window.explorer.latency.record_into(self._answered)
        self._window.canvas.painted.connect(self._painted)
        self._started = self._beat = time.perf_counter()
        self._timer.start()

    def stop(self) -> None:
        """Let go of the handle."""
        self._timer.stop()
        self._mouse(QEvent.Type.MouseButtonRelease, self._place(self._sent))

    @property
    def events(self) -> int:
        """How many moves were sent."""
        return self._sent

    def _tick(self) -> None:
        now = time.perf_counter()
        self.longest_gap = max(self.longest_gap, now - self._beat)
        self._beat = now
        late = False
        while (due := self._started + self._sent / RATE_HZ) <= now:
            self._sent += 1
            self._waiting.append((due, now))
            late = True
        if late:  # as the window system does, moves that wait are delivered as one
            self._mouse(QEvent.Type.MouseMove, self._place(self._sent))

    def _painted(self) -> None:
        """The window has noted the latency of what it painted, in seconds since each stamp."""
        now = time.perf_counter()
        if not self._answered:
            return
        newest = now - min(self._answered)
        self._answered.clear()
        while self._waiting and self._waiting[0][1] <= newest:
            self.latencies.append(now - self._waiting.popleft()[0])

    def _place(self, step: int) -> QPoint:
        """To and fro along the middle of the track, a pixel or more at every step."""
        left, right = (self._sliders.track_point(0, fraction) for fraction in (0.2, 0.8))
        width = right.x() - left.x()
        along = step % (2 * width)
        return QPoint(left.x() + min(along, 2 * width - along), left.y())

    def _mouse(self, kind: QEvent.Type, at: QPoint) -> None:
        viewport = self._sliders.viewport()
        pressed = kind != QEvent.Type.MouseButtonRelease
        button = Qt.MouseButton.NoButton
        if kind != QEvent.Type.MouseMove:
            button = Qt.MouseButton.LeftButton
        event = QMouseEvent(
            kind,
            QPointF(at),
            QPointF(viewport.mapToGlobal(at)),
            button,
            Qt.MouseButton.LeftButton if pressed else Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
        )
        QApplication.sendEvent(viewport, event)


class FirstPaint(QObject):
    """Notes when the window has been painted for the first time."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self.moment: float | None = None
        window.canvas.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint and self.moment is None:
            self.moment = 0.0
            QTimer.singleShot(0, self._note)  # after all the paints of this round
        return super().eventFilter(watched, event)

    def _note(self) -> None:
        self.moment = time.monotonic()


def drag(window: MainWindow, seconds: float) -> dict[str, float]:
    """Drag for that long; latencies and the longest stall of the GUI thread, in milliseconds."""
    _pump(lambda: window.canvas.focus_pixels() is not None, "the first sample")
    settled = time.perf_counter() + SETTLE_S
    _pump(lambda: time.perf_counter() > settled)
    hand = SliderDrag(window)
    hand.start()
    end = time.perf_counter() + seconds
    _pump(lambda: time.perf_counter() > end)
    hand.stop()
    if len(hand.latencies) < hand.events // 2:
        raise ProbeError("The sample did not follow the slider.")
    p50, p95 = np.percentile(hand.latencies, (50, 95))
    return {
        "p50_ms": 1e3 * p50,
        "p95_ms": 1e3 * p95,
        "stall_ms": 1e3 * hand.longest_gap,
        "events": hand.events,
    }


def start(window: MainWindow) -> dict[str, float]:
    """Wait for the first sample; monotonic clock at the first paint and at the sample's."""
    paint = FirstPaint(window)
    samples: list[float] = []
    window.canvas.painted.connect(lambda: samples.append(time.monotonic()))
    window.show()
    _pump(lambda: bool(samples) and bool(paint.moment), "the first sample")
    return {"painted": paint.moment or 0.0, "sample": samples[0]}


def train(window: MainWindow, config: Path, seconds: float) -> dict[str, float]:
    """Drag, train beside the idle window, drag while it trains, stop: latencies in milliseconds."""
    from genviewer.engine.train_config import read_config

    idle = drag(window, seconds)["p95_ms"]
    training = window.later.training
    base = window.explorer.store.loaded(window.session.scene.model.id)
    if base is None:
        raise ProbeError("The window has not opened the model.")
    training.start(read_config(config), base)
    moments: list[tuple[float, int]] = []
    training.news.connect(lambda news: moments.append((time.perf_counter(), news.step)))
    _pump(lambda: training.standing.step > 0, "a step of the training")
    warm = time.perf_counter() + WARM_S
    _pump(lambda: time.perf_counter() > warm)
    moments.clear()
    end = time.perf_counter() + seconds
    _pump(lambda: time.perf_counter() > end and len(moments) > 1, "the training")
    (first, step), (last, last_step) = moments[0], moments[-1]
    during = drag(window, seconds)["p95_ms"]
    stopped = time.perf_counter()
    training.stop()
    _pump(lambda: training.standing.state == "stopped", "the end of the training")
    stop_ms = 1e3 * (time.perf_counter() - stopped)
    return {
        "idle_p95_ms": idle,
        "drag_p95_ms": during,
        "steps_per_s": (last_step - step) / (last - first),
        "stop_ms": stop_ms,
    }


def _pump(done: Callable[[], bool], what: str = "") -> None:
    """Run the event loop, as the program does, until something holds."""
    loop = QEventLoop()
    watch = QTimer()
    watch.setInterval(WATCH_MS)
    deadline = time.perf_counter() + PATIENCE_S

    def look() -> None:
        if done() or time.perf_counter() > deadline:
            loop.quit()

    watch.timeout.connect(look)
    watch.start()
    loop.exec()
    watch.stop()
    if not done():
        raise ProbeError(f"The window did not show {what} in time.")


def main(arguments: list[str]) -> int:
    """Measure what the arguments say; prints JSON."""
    app = make_application(["genviewer"])
    bundle = find_model(Path(arguments[1]))
    state = first_state(bundle)
    if arguments[0] == "drag":
        scene = state.scene.with_view(cast("ViewName", arguments[2]))
        state = msgspec.structs.replace(state, scene=scene.with_options(GridOptions(cells=64)))
    with tempfile.TemporaryDirectory(prefix="genviewer-probe-") as folder:
        files = UserFiles.inside(Path(folder))
        preferences = Preferences(path=Path(folder) / "preferences.json")
        theme.apply(app, "dark")
        window = open_window(preferences, Start(state, bundle, ()), files)
        keeper = collect_on_this_thread(window)
        try:
            if arguments[0] == "start":
                figures = start(window)
            elif arguments[0] == "train":
                window.show()
                figures = train(window, Path(arguments[2]), float(arguments[3]))
            else:
                window.show()
                figures = drag(window, float(arguments[3]))
        finally:
            keeper.stop()
            window.close()
    sys.stdout.write(json.dumps(figures) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
