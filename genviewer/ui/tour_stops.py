"""Stops of the tour in the panels that are made later: a drawing is inspected, a model learns."""

from __future__ import annotations

import time
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PIL import Image, ImageDraw
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from genviewer.ui.main_window import MainWindow

LEFT = Qt.MouseButton.LeftButton
SEVEN = ((70, 80), (205, 75), (150, 150), (115, 225))
"""A stroke on the canvas of 280 pixels along each side."""

BETWEEN = 8  # points of a stroke between two corners
IMAGES, SIDE = 40, 40
STEPS, ENOUGH_S = 60, 90.0
"""So long it learns: where other programs want the processor, the trainer gets what they leave."""

PATIENCE_S = 600.0


class Means(NamedTuple):
    """What a stop works with: the window, and the tour's hands and camera."""

    window: MainWindow
    wait: Callable[[Callable[[], bool], str, float], None]
    film: Callable[[float], None]
    shoot: Callable[[str], None]


def inspect_a_drawing(means: Means, name: str) -> None:
    """Draw a digit and let the model say what it believes of it."""
    window = means.window
    window.docks.show("show_inspect", True)
    means.film(0.3)
    inspect = window.later.inspect
    answers: list[object] = []
    pad = inspect.panel.drawing.pad
    inspect.answered.connect(answers.append)
    QTest.mousePress(pad, LEFT, pos=pad.to_widget(*SEVEN[0]))
    for start, end in pairwise(SEVEN):
        for share in np.linspace(0.0, 1.0, BETWEEN):
            x, y = np.asarray(start) * (1 - share) + np.asarray(end) * share
            QTest.mouseMove(pad, pad.to_widget(x, y))
            means.film(0.03)
    answers.clear()
    QTest.mouseRelease(pad, LEFT, pos=pad.to_widget(*SEVEN[-1]))
    means.wait(lambda: bool(answers), "what the model believes", PATIENCE_S)
    means.film(1.0)
    means.shoot(name)
    inspect.answered.disconnect(answers.append)
    window.docks.show("show_inspect", False)


def train_on_shapes(means: Means, folder: Path, name: str) -> None:
    """Drop two new classes on the window, watch them being learned, and discard that again."""
    window = means.window
    _draw_shapes(folder)
    window.files.open_path(folder)
    setup, training = window.later.training_setup, window.later.training
    means.wait(lambda: not setup.blocked, "the images to train on", PATIENCE_S)
    means.film(0.8)
    QTest.mouseClick(training.panel.main, LEFT, pos=QPoint(20, 10))
    enough = time.perf_counter() + ENOUGH_S

    def learned() -> bool:
        shown = training.live.snapshot
        return shown is not None and (shown.step >= STEPS or time.perf_counter() > enough)

    means.wait(learned, "the training", PATIENCE_S)
    means.film(1.0)
    means.shoot(name)
    training.discard()
    means.wait(lambda: training.standing.state == "none", "the end of the training", PATIENCE_S)
    for dock in ("show_training", "show_timeline"):
        window.docks.show(dock, False)
    means.wait(window.is_settled, "the newest picture", PATIENCE_S)


def _draw_shapes(folder: Path) -> None:
    """Crosses and rings, white on black, hardly two alike."""
    random = np.random.default_rng(1)
    for shape in ("X", "O"):
        place = folder / shape
        place.mkdir(parents=True)
        for number in range(IMAGES):
            image = Image.new("L", (SIDE, SIDE), 0)
            draw = ImageDraw.Draw(image)
            left, top = random.uniform(5, 10, 2)
            right, bottom = random.uniform(SIDE - 10, SIDE - 5, 2)
            width = int(random.integers(3, 6))
            if shape == "O":
                draw.ellipse((left, top, right, bottom), outline=255, width=width)
            else:
                draw.line((left, top, right, bottom), 255, width)
                draw.line((left, bottom, right, top), 255, width)
            image.save(place / f"{number}.png")
