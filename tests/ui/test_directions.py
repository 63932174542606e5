"""Directions as sliders in the real window."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from genviewer.core.direction_sets import strengths
from genviewer.core.directions import Directions, unit_rows
from genviewer.engine.directions_file import read_directions
from tests.ui.conftest import PATIENCE_MS, settled
from tests.ui.widgets.hands import drag

if TYPE_CHECKING:
    from pathlib import Path

    from genviewer.ui.directions import DirectionSliders
    from genviewer.ui.main_window import MainWindow


def some(names: tuple[str, ...], dim: int, seed: int = 0) -> Directions:
    rng = np.random.default_rng(seed)
    count = len(names)
    shares = np.full(count, 0.25, np.float32)
    vectors = unit_rows(rng.standard_normal((count, dim)))
    return Directions(vectors, np.full(count, 1.5, np.float32), shares, names, "sefa")


@pytest.fixture
def sliders(window, qtbot) -> DirectionSliders:
    """The panel with three directions."""
    window.docks.show("show_directions", True)
    found = window.later.directions
    assert found.panel.stack.currentIndex() == 0  # it says what directions are
    found.add(some(("slant", "width", "ink"), window.session.scene.recipe.latent.dim))
    qtbot.waitUntil(lambda: found.panel.list.isVisible(), timeout=PATIENCE_MS)
    return found


def latent(window: MainWindow) -> np.ndarray:
    return window.session.scene.recipe.latent.array


def shown(sliders: DirectionSliders) -> list[float]:
    return [row.slider.value for row in sliders.panel.list.rows]


def test_a_drag_goes_along_the_direction_in_one_undo_step(window, sliders, qtbot):
    before = window.session.scene
    directions = sliders.directions
    np.testing.assert_allclose(shown(sliders), strengths(directions, latent(window)), atol=1e-4)
    track = sliders.panel.list.rows[1].slider.track
    start = QPoint(round(track._x(track.fraction)), track.height() // 2)
    drag(track, [start + QPoint(across, 0) for across in (0, 10, 20, 30)])
    settled(qtbot, window)
    step = latent(window) - before.recipe.latent.array
    assert np.linalg.norm(step) > 0.1
    along = step @ directions.vectors[1]
    np.testing.assert_allclose(step, along * directions.vectors[1], atol=1e-4)
    np.testing.assert_allclose(shown(sliders), strengths(directions, latent(window)), atol=1e-3)
    window.session.undo()
    assert window.session.scene == before
    np.testing.assert_allclose(shown(sliders), strengths(directions, latent(window)), atol=1e-3)


def test_locked_dimensions_stay(window, sliders):
    before = latent(window)
    window._set_controls(locks=tuple(range(len(before))))
    sliders.panel.list.moved.emit(0, 2.0, "drag")
    np.testing.assert_array_equal(latent(window), before)


def test_names_are_typed_and_what_is_removed_comes_back(window, sliders):
    row = sliders.panel.list.rows[0]
    row.setFocus()
    QTest.keyClick(row.slider.track, Qt.Key.Key_F2)
    QTest.keyClicks(row._editor, "leaning")
    QTest.keyClick(row._editor, Qt.Key.Key_Return)
    assert sliders.directions.names == ("leaning", "width", "ink")
    row = sliders.panel.list.rows[1]
    QTest.keyClick(row.slider.track, Qt.Key.Key_Delete)
    assert [row.name for row in sliders.panel.list.rows] == ["leaning", "ink"]
    sliders.panel.clear.click()
    assert sliders.directions is None
    assert sliders.panel.stack.currentIndex() == 0


def test_a_change_of_the_list_can_be_taken_back(window, sliders, monkeypatch):
    undone = []
    monkeypatch.setattr(sliders, "_tell_with_undo", lambda _text, back: undone.append(back))
    before = sliders.directions
    sliders.panel.list.removed.emit(2)
    sliders.panel.apart_wanted.emit()
    products = sliders.directions.vectors @ sliders.directions.vectors.T
    np.testing.assert_allclose(products, np.eye(2), atol=1e-5)
    undone[1]()
    undone[0]()
    assert sliders.directions is before


def test_they_are_there_again_after_a_restart(open_explorer, qtbot):
    first = open_explorer()
    first.later.directions.add(some(("slant",), first.session.scene.recipe.latent.dim))
    folder = first.user_files.directions
    qtbot.waitUntil(lambda: bool(list(folder.glob("*.safetensors"))), timeout=PATIENCE_MS)
    first.close()
    second = open_explorer()
    second.docks.show("show_directions", True)
    found = second.later.directions
    qtbot.waitUntil(lambda: found.directions is not None, timeout=PATIENCE_MS)
    assert found.directions.names == ("slant",)
    assert [row.name for row in found.panel.list.rows] == ["slant"]


def test_a_panel_that_is_there_before_the_model_takes_it_when_it_comes(window, monkeypatch):
    store = window.explorer.store
    model = store.loaded(window.session.scene.model.id)
    with monkeypatch.context() as patch:
        patch.setattr(store, "loaded", lambda _: None)
        found = window.later.directions
        assert found._of is None
    window.explorer.model_shown.emit(model)
    assert found._of == (model.bundle.model_id, "z")


def test_a_file_is_shared_and_a_strange_one_is_refused(window, sliders, qtbot, tmp_path: Path):
    path = tmp_path / "directions.safetensors"
    wanted = sliders.directions
    sliders.save(path)
    qtbot.waitUntil(path.is_file, timeout=PATIENCE_MS)
    kept, model = read_directions(path)
    assert kept.names == wanted.names
    assert model == window.session.scene.model.id
    sliders.panel.clear_wanted.emit()
    sliders.open(path)
    qtbot.waitUntil(lambda: sliders.directions is not None, timeout=PATIENCE_MS)
    np.testing.assert_array_equal(sliders.directions.vectors, wanted.vectors)
    told = []
    sliders._files._tell = lambda text, severity: told.append((text, severity))
    strange = tmp_path / "strange.safetensors"
    strange.write_bytes(b"\xff" * 64)
    sliders.open(strange)
    qtbot.waitUntil(lambda: bool(told), timeout=PATIENCE_MS)
    assert told[0][1] == "error"
    assert "strange" in told[0][0]
    assert len(sliders.directions.names) == 3


def test_two_directions_run_along_the_axes_view(window, sliders, qtbot):
    sliders.panel.list.axis_wanted.emit(0, "rows")
    sliders.panel.list.axis_wanted.emit(2, "columns")
    settled(qtbot, window)
    scene = window.session.scene
    assert scene.view == "axes"
    assert (scene.options.axes.rows.name, scene.options.axes.columns.name) == ("slant", "ink")
    assert len(sliders.panel.list.rows) == 3


def test_those_of_the_first_layer_are_found_once(window, sliders, qtbot):
    window.explorer._check.stop()  # what else is measured at first would only be waited for
    window.explorer.jobs.cancel()
    sliders.finding.find("sefa")
    qtbot.waitUntil(lambda: len(sliders.directions.names) == 9, timeout=PATIENCE_MS)
    assert sliders.directions.names[3] == "SeFa 1"
    assert sliders.panel.finder.isEnabled()
    told = []
    sliders._tell = lambda text, _severity: told.append(text)
    sliders.finding.find("sefa")
    qtbot.waitUntil(lambda: bool(told), timeout=PATIENCE_MS)
    assert "already" in told[0]
    assert len(sliders.directions.names) == 9
