"""A scatter of many latents moved and zoomed by real events: ``python -m
genviewer.ui.probe_scatter POINTS``. Prints JSON for the benchmark.
"""

from __future__ import annotations

import json
import sys
import time
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QApplication

from genviewer.ui import theme
from genviewer.ui.app import make_application
from genviewer.ui.widgets.class_colors import class_colors
from genviewer.ui.widgets.latent_scatter import LatentScatter

if TYPE_CHECKING:
    from collections.abc import Callable

SIZE = (1280, 800)
EVENTS = 80
CLASSES = 10
PERIOD_S = 0.012
"""Between two events; pyqtgraph leaves out moves that follow sooner than 10 ms."""

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton


def stalls(count: int) -> dict[str, float]:
    """Milliseconds from an event to the end of its paint, the median and the longest."""
    rng = np.random.default_rng(0)
    classes = rng.integers(0, CLASSES, count)
    angle = 2 * np.pi * classes / CLASSES
    points = 2 * np.stack([np.cos(angle), np.sin(angle)], 1) + 0.6 * rng.standard_normal((count, 2))
    scatter = LatentScatter()
    scatter.resize(*SIZE)
    labels = ("first component", "second component")
    scatter.set_points(points.astype(np.float32), classes, class_colors(CLASSES), labels)
    scatter.show()
    QApplication.processEvents()
    begin = QPoint(500, 400)
    _mouse(scatter, QEvent.Type.MouseButtonPress, begin, LEFT, LEFT)
    taken = []
    for step in range(1, EVENTS + 1):
        at = begin + QPoint(3 * step, round(60 * np.sin(step / 8)))
        taken.append(_timed(partial(_mouse, scatter, QEvent.Type.MouseMove, at, NONE, LEFT)))
    _mouse(scatter, QEvent.Type.MouseButtonRelease, at, LEFT, NONE)
    for step in range(EVENTS):
        notches = 120 if step % 20 < 10 else -120
        taken.append(_timed(partial(_wheel, scatter, QPoint(600, 400), notches)))
    scatter.close()
    milliseconds = 1e3 * np.array(taken)
    return {
        "p50_ms": float(np.median(milliseconds)),
        "longest_ms": float(milliseconds.max()),
        "events": float(len(taken)),
    }


def _timed(send: Callable[[], object]) -> float:
    time.sleep(PERIOD_S)
    started = time.perf_counter()
    send()
    QApplication.processEvents()
    return time.perf_counter() - started


def _mouse(
    scatter: LatentScatter,
    kind: QEvent.Type,
    at: QPoint,
    button: Qt.MouseButton,
    held: Qt.MouseButton,
) -> None:
    place = scatter.viewport()
    where = QPointF(place.mapToGlobal(at))
    keys = Qt.KeyboardModifier.NoModifier
    QApplication.sendEvent(place, QMouseEvent(kind, QPointF(at), where, button, held, keys))


def _wheel(scatter: LatentScatter, at: QPoint, notches: int) -> None:
    place = scatter.viewport()
    event = QWheelEvent(
        QPointF(at),
        QPointF(place.mapToGlobal(at)),
        QPoint(0, 0),
        QPoint(0, notches),
        NONE,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(place, event)


def main(arguments: list[str]) -> int:
    """Measure a scatter of so many points as the first argument says; prints JSON."""
    theme.apply(make_application(["genviewer"]), "dark")
    sys.stdout.write(json.dumps(stalls(int(arguments[0]))) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
