"""Random edits of everything, in the real window: no exception, no growth, the last one drawn."""

from __future__ import annotations

import gc
import random
from typing import TYPE_CHECKING

import msgspec
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from genviewer.core.condition import blend
from genviewer.core.scene import VIEW_NAMES
from genviewer.engine.generator import DecodeError
from genviewer.session import edits
from tests.ui.conftest import PATIENCE_MS, live, settled
from tests.ui.test_main_window import assert_shows_scene, notices

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from genviewer.engine.generator import Generator
    from genviewer.ui.main_window import MainWindow

SUITE_EDITS = 1_000
SOAK_EDITS = 10_000
GROWTH = 1.10


def resident_bytes() -> int:
    """Memory of this process, in bytes; 0 where the platform does not tell."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * 4096
    except OSError:
        return 0


class Faulty:
    """A generator that fails now and then, in every way there is."""

    def __init__(self, generator: Generator, chance: random.Random) -> None:
        self._generator = generator
        self._chance = chance
        self.broken = True

    def __getattr__(self, name: str) -> object:
        return getattr(self._generator, name)

    def decode_pixels(self, z: NDArray[np.float32], y: NDArray[np.float32] | None) -> object:
        if self.broken and self._chance.random() < 0.1:
            raise DecodeError("The model returned NaN or infinity.")
        return self._generator.decode_pixels(z, y)


class Fuzzer:
    """Chooses edits; the same seed chooses the same ones."""

    def __init__(self, window: MainWindow, seed: int) -> None:
        self.window = window
        self.session = window.session
        self.chance = random.Random(seed)
        self.models = ["digits-cvae", "digits-cgan"]

    def edit(self) -> None:
        """Make one random edit."""
        kinds = [
            (30, self._latent), (8, self._class), (6, self._blend), (8, self._view),
            (6, self._options), (8, self._undo), (6, self._redo), (6, self._seed),
            (5, self._truncation), (4, self._drag), (4, self._key), (2, self._pin),
            (1, self._model),
        ]  # fmt: skip
        _, chosen = zip(*kinds, strict=True)
        self.chance.choices(chosen, [weight for weight, _ in kinds])[0]()

    def _latent(self) -> None:
        values = self.session.scene.recipe.latent.array.copy()
        values[self.chance.randrange(values.size)] = self.chance.gauss(0, 1.5)
        edits.set_latent(self.session, values, self.chance.choice([None, "drag"]))

    def _class(self) -> None:
        edits.choose_class(self.session, self.chance.randrange(12))

    def _blend(self) -> None:
        wanted = self.session.spec.class_condition
        if wanted is not None:
            weights = {self.chance.randrange(wanted.size): self.chance.random() + 0.01
                       for _ in range(3)}  # fmt: skip
            condition = self.session.scene.recipe.condition
            edits.set_condition(
                self.session, condition.with_part(blend(wanted.name, weights)), "blend"
            )

    def _view(self) -> None:
        edits.set_view(self.session, self.chance.choice(VIEW_NAMES))

    def _options(self) -> None:
        options, chance = self.session.scene.options, self.chance
        changed = chance.choice(
            [
                msgspec.structs.replace(options.grid, cells=chance.choice([1, 7, 64, 100])),
                msgspec.structs.replace(options.grid, mode=chance.choice(["near", "seeds"])),
                msgspec.structs.replace(options.classes, rows=chance.randint(1, 9)),
                msgspec.structs.replace(options.traverse, columns=chance.randint(2, 12)),
                msgspec.structs.replace(options.map, tiles=chance.randint(2, 12)),
                msgspec.structs.replace(
                    options.map, center=(chance.gauss(0, 1), 0.0), extent=chance.uniform(0.2, 4)
                ),
            ]
        )
        self.session.edit(self.session.scene.with_options(changed))

    def _undo(self) -> None:
        self.session.undo()

    def _redo(self) -> None:
        self.session.redo()

    def _seed(self) -> None:
        edits.set_seed(self.session, self.chance.randrange(1000))

    def _truncation(self) -> None:
        edits.set_truncation(self.session, self.chance.uniform(0, 1.5), "psi")

    def _drag(self) -> None:
        sliders = self.window.latent_panel.sliders
        start = sliders.handle_position(self.chance.randrange(3))
        QTest.mousePress(sliders.viewport(), Qt.MouseButton.LeftButton, pos=start)
        for _ in range(4):
            QTest.mouseMove(sliders.viewport(), start + QPoint(self.chance.randint(-40, 40), 0))
        QTest.mouseRelease(sliders.viewport(), Qt.MouseButton.LeftButton, pos=start)

    def _key(self) -> None:
        key = self.chance.choice([Qt.Key.Key_Left, Qt.Key.Key_Up, Qt.Key.Key_Return, Qt.Key.Key_5])
        QTest.keyClick(self.window.canvas, key)

    def _pin(self) -> None:
        self.window.commands.pin_current()
        if len(self.session.pins) > 8:
            self.session.remove_pin(self.chance.choice(self.session.pins).id)

    def _model(self) -> None:
        self.window.files.open_model(self.chance.choice(self.models))


def fuzz(window: MainWindow, qtbot, count: int, seed: int) -> list[int]:
    """Make ``count`` edits; gives the memory in use after each tenth of them."""
    fuzzer, memory = Fuzzer(window, seed), []
    for number in range(1, count + 1):
        fuzzer.edit()
        if number % 3 == 0:
            live(1)
        if number % (count // 10) == 0:
            settled(qtbot, window)
            gc.collect()
            memory.append(resident_bytes())
    qtbot.waitUntil(lambda: not window.explorer.opening._visible, timeout=PATIENCE_MS)
    settled(qtbot, window)
    return memory


@pytest.mark.timeout(300)
def test_a_thousand_edits_end_in_the_picture_of_the_last_scene(qtbot, window: MainWindow) -> None:
    fuzz(window, qtbot, SUITE_EDITS, seed=1)
    assert_shows_scene(window)
    assert [text for text in notices(window) if "wrong" in text] == []


@pytest.mark.timeout(300)
def test_a_model_that_fails_now_and_then_does_not_stop_the_window(
    qtbot, window: MainWindow
) -> None:
    loaded = window.explorer.store.loaded(window.session.scene.model.id)
    faulty = Faulty(loaded.generator, random.Random(5))
    window.explorer.renderer.use(loaded.ref, faulty)
    fuzzer = Fuzzer(window, 2)
    fuzzer.models = ["digits-cvae"]
    for number in range(200):
        fuzzer.edit()
        if number % 3 == 0:
            live(2)
    assert window.explorer.renderer.counters.failures > 0
    faulty.broken = False
    edits.roll(window.session)
    settled(qtbot, window)
    assert_shows_scene(window)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_ten_thousand_edits_leave_no_growth_in_memory(qtbot, window: MainWindow) -> None:
    memory = fuzz(window, qtbot, SOAK_EDITS, seed=3)
    assert_shows_scene(window)
    assert memory[-1] <= memory[2] * GROWTH


@pytest.mark.timeout(300)
def test_thousands_of_signals_and_moves_do_not_end_the_program(qtbot, window: MainWindow) -> None:
    """A broken build of the Qt bindings loses a reference at every emit and aborts after some."""
    sliders = window.latent_panel.sliders
    start = sliders.handle_position(0)
    QTest.mousePress(sliders.viewport(), Qt.MouseButton.LeftButton, pos=start)
    for step in range(3_000):
        QTest.mouseMove(sliders.viewport(), start + QPoint(step % 60, 0))
        window.status.touch()
        window.explorer.work_changed.emit(None, None)
        if step % 50 == 0:
            live(1)
    QTest.mouseRelease(sliders.viewport(), Qt.MouseButton.LeftButton, pos=start)
    settled(qtbot, window)
    assert_shows_scene(window)
