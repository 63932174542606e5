"""A tour: the real window, dragged by real events, photographed. Needs no display."""

from __future__ import annotations

import math
import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image
from PySide6.QtCore import QEventLoop, QPoint, QSize, Qt, QTimer
from PySide6.QtGui import QImage, QPainter
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from genviewer.io.atomic import replacing
from genviewer.session.paths import UserFiles
from genviewer.session.preferences import Preferences
from genviewer.ui import theme
from genviewer.ui.app import collect_on_this_thread, find_start, make_application, open_window
from genviewer.ui.tour_stops import Means, inspect_a_drawing, train_on_shapes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from genviewer.ui.main_window import MainWindow

SIZES = ((1280, 800), (1920, 1080))
FRAME_MS = 90
SCALE = 0.5
PATIENCE_S = 60.0


class TourError(RuntimeError):
    """The window did not do what the tour shows."""


def run_tour(out: Path, report: Callable[[str], None] = lambda _: None) -> list[Path]:
    """Drive a window through everything there is to see; returns the pictures written.

    User files stay untouched: the tour keeps its own in a temporary folder. Must run in a
    process without a QApplication.

    Raises:
        TourError: if a picture does not come, or does not follow the hand.
    """
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="genviewer-tour-") as folder:
        app = QApplication.instance()
        if not isinstance(app, QApplication):
            app = make_application(["genviewer"])
        files = UserFiles.inside(Path(folder))
        preferences = Preferences(path=Path(folder) / "preferences.json")
        preferences.set("theme", "dark")
        theme.apply(app, "dark")
        start = find_start(files.session, restore=False)
        window = open_window(preferences, start, files)
        keeper = collect_on_this_thread(window)
        window.resize(*SIZES[0])
        window.show()
        try:
            return _Tour(window, out, report).run()
        finally:
            keeper.stop()
            window.close()


class _Tour:
    """One walk through the window."""

    def __init__(self, window: MainWindow, out: Path, report: Callable[[str], None]) -> None:
        self._window = window
        self._out = out
        self._report = report
        self._pictures: list[Path] = []
        self._film: list[Image.Image] = []
        self._filmed = 0.0

    def run(self) -> list[Path]:
        window = self._window
        began = time.perf_counter()
        self._wait(lambda: window.canvas.focus_pixels() is not None, "the first sample")
        self._report(f"first sample {time.perf_counter() - began:.2f} s after the window")
        self._wait_for_sheet()
        self._shoot("01-start")
        self._drag_sliders()
        self._shoot("02-dragged")
        self._classes()
        for view, key in zip(("focus", "grid", "traverse", "map", "classes"), "FGTMC", strict=True):
            self._key(key)
            self._wait_for_sheet()
            self._film_for(0.5)
            self._shoot(f"03-{view}")
        self._walk()
        self._key("P")
        self._film_for(0.3)
        self._shoot("05-pinned")
        self._palette()
        self._compare()
        self._keyframes()
        means = Means(window, self._wait, self._film_for, self._shoot)
        inspect_a_drawing(means, "09-inspect")
        with tempfile.TemporaryDirectory(prefix="genviewer-tour-") as folder:
            train_on_shapes(means, Path(folder) / "shapes", "10-training")
        window.actions_by_id["toggle_theme"].trigger()
        self._film_for(0.4)
        self._shoot("11-light")
        window.resize(*SIZES[1])
        self._wait_for_sheet()
        self._shoot("12-light-1920")
        window.actions_by_id["toggle_theme"].trigger()
        self._pump(0.2)
        self._shoot("13-dark-1920")
        self._write_film()
        return self._pictures

    # steps

    def _drag_sliders(self) -> None:
        """Drag three sliders to and fro; the sample must follow, but for a dead dimension."""
        sliders = self._window.latent_panel.sliders
        followed = False
        for row in range(min(3, len(self._window.session.scene.recipe.latent.array))):
            before = self._window.canvas.focus_pixels()
            handle = sliders.handle_position(row)
            QTest.mousePress(sliders.viewport(), Qt.MouseButton.LeftButton, pos=handle, delay=-1)
            for dx in _swing(60, 36):
                QTest.mouseMove(sliders.viewport(), handle + QPoint(dx, 0))
                self._pump(0.02, film=True)
            end = handle + QPoint(50, 0)
            QTest.mouseMove(sliders.viewport(), end)
            QTest.mouseRelease(sliders.viewport(), Qt.MouseButton.LeftButton, pos=end)
            self._wait_for_sheet()
            after = self._window.canvas.focus_pixels()
            if before is not None and after is not None:
                followed |= not np.array_equal(before, after)
        if not followed:
            raise TourError("Dragging the sliders did not change the sample.")

    def _classes(self) -> None:
        """Choose classes by key."""
        for key in "370":
            if not self._window.actions_by_id["class_3"].isEnabled():
                return
            self._key(key)
            self._film_for(0.4)

    def _walk(self) -> None:
        """Let a walk play for a while."""
        self._key(" ")
        self._film_for(2.0)
        self._key(" ")
        self._wait_for_sheet()
        self._shoot("04-walked")

    def _palette(self) -> None:
        """Open the command palette and type into it."""
        self._window.actions_by_id["palette"].trigger()
        self._pump(0.2)
        popup = QApplication.focusWidget() or self._window
        QTest.keyClicks(popup, "map")
        self._film_for(0.4)
        self._shoot("06-palette", QApplication.activePopupWidget() or popup.window())
        QTest.keyClick(popup, Qt.Key.Key_Escape)
        self._pump(0.1)

    def _compare(self) -> None:
        """Hold the model against itself under another class, side by side and under a divider."""
        window = self._window
        before = window.session.scene
        self._key("D")
        self._wait_for_sheet()
        window.session.link_pane(1, False)
        window.session.focus_pane(1)
        self._wait_for_sheet()
        if window.actions_by_id["class_8"].isEnabled():
            window.actions_by_id["class_8"].trigger()
        self._film_for(0.6)
        self._wait_for_sheet()
        self._shoot("07-compared")
        window.session.edit(before)
        self._wait_for_sheet()

    def _keyframes(self) -> None:
        """Make a few samples keyframes and play them."""
        window = self._window
        self._key("F")
        for _ in range(4):
            self._key("K")
            window.actions_by_id["next_seed"].trigger()
            self._wait_for_sheet()
        window.actions_by_id["play_keyframes"].trigger()
        self._film_for(2.5)
        self._shoot("08-keyframes")
        window.later.keyframes.stop()
        window.docks.show("show_keyframes", False)
        self._key("C")
        self._wait_for_sheet()

    # means

    def _key(self, key: str) -> None:
        self._window.canvas.setFocus()
        code = Qt.Key.Key_Space if key == " " else Qt.Key(ord(key))
        QTest.keyClick(self._window.canvas, code)

    def _pump(self, seconds: float, film: bool = False) -> None:
        """Let the window live for a while."""
        until = time.perf_counter() + seconds
        while True:
            _live(5)
            if film:
                self._take_frame()
            if time.perf_counter() >= until:
                return

    def _film_for(self, seconds: float) -> None:
        self._pump(seconds, film=True)

    def _wait(self, ready: Callable[[], bool], what: str, patience: float = PATIENCE_S) -> None:
        until = time.perf_counter() + patience
        while not ready():
            if time.perf_counter() > until:
                raise TourError(f"Waited {patience:.0f} s for {what} in vain.")
            _live(5)

    def _wait_for_sheet(self) -> None:
        """Wait until what is shown is the newest Scene, whole."""
        self._wait(self._window.is_settled, "the newest picture")
        self._pump(0.05)

    def _grab(self, popup: QWidget | None = None) -> QImage:
        """The window as it looks, with a popup over it."""
        window = self._window
        picture = window.grab()
        if popup is not None and popup is not window:
            painter = QPainter(picture)
            where = popup.mapToGlobal(QPoint(0, 0)) - window.mapToGlobal(QPoint(0, 0))
            painter.drawPixmap(where, popup.grab())
            painter.end()
        return picture.toImage()

    def _shoot(self, name: str, popup: QWidget | None = None) -> None:
        path = self._out / f"{name}.png"
        with replacing(path) as temporary:
            if not self._grab(popup).save(str(temporary)):  # the suffix names the format
                raise TourError(f"{path.name} cannot be written.")
        self._pictures.append(path)
        self._report(f"wrote {path.name}")

    def _take_frame(self) -> None:
        now = time.perf_counter()
        if now - self._filmed < FRAME_MS / 1e3:
            return
        self._filmed = now
        # Frames of a film are of one size, even if the window had to grow by a pixel in between.
        self._film.append(_to_pillow(self._grab(), QSize(*SIZES[0]) * SCALE))

    def _write_film(self) -> None:
        path = self._out / "tour.webp"
        with replacing(path) as temporary:
            self._film[0].save(
                temporary,
                "WEBP",
                save_all=True,
                append_images=self._film[1:],
                duration=FRAME_MS,
                loop=0,
                quality=70,
                method=2,
            )
        self._pictures.append(path)
        self._report(f"wrote {path.name}, {len(self._film)} frames")


def _live(milliseconds: int) -> None:
    """Let events and other threads run for a while; QTest's own wait would hold them up."""
    loop = QEventLoop()
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()


def _swing(reach: int, steps: int) -> Iterator[int]:
    """Offsets of a hand that goes to and fro."""
    for step in range(steps):
        yield round(reach * math.sin(2 * math.pi * step / steps))


def _to_pillow(image: QImage, size: QSize) -> Image.Image:
    small = image.scaled(
        size, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation
    ).convertToFormat(QImage.Format.Format_RGB888)
    stride, height, width = small.bytesPerLine(), small.height(), small.width()
    rows = np.frombuffer(small.constBits(), np.uint8).reshape(height, stride)
    return Image.fromarray(rows[:, : width * 3].reshape(height, width, 3).copy())
