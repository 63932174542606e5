"""The real window on a small style-based model."""

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from genviewer.engine.cells import decode_recipe
from genviewer.io.bundle import Config, write_bundle
from tests.style_networks import STYLEGAN2, STYLEGAN3, network, spec
from tests.ui.conftest import PATIENCE_MS, settled


def write(folder, config):
    made = network(config)
    tensors = {name: value.numpy() for name, value in made.state_dict().items()}
    write_bundle(folder, Config(spec(config, made), config), tensors, "")
    return folder


@pytest.fixture
def shown(open_explorer, tmp_path, qtbot):
    def show(config):
        window = open_explorer(write(tmp_path / config["type"], config), settle=False)
        model = config["type"]
        qtbot.waitUntil(lambda: window.session.scene.model.name == model, timeout=PATIENCE_MS)
        settled(qtbot, window)
        return window

    return show


def picture(window):
    return window.canvas.focus_pixels().astype(int)


def expected(window):
    scene = window.session.scene
    generator = window.explorer.store.loaded(scene.model.id).generator
    return decode_recipe(generator, scene.recipe).astype(int)


def click(widget):
    QTest.mouseClick(widget, Qt.MouseButton.LeftButton)


def test_w_keeps_the_picture_and_every_control_can_be_undone(shown, qtbot):
    window = shown(STYLEGAN2)
    rows, session = window.seed_panel.synthesis, window.session
    assert rows.isVisibleTo(window)
    first, scene = picture(window), session.scene

    click(rows.space.button("w"))
    settled(qtbot, window)
    assert session.scene.recipe.latent.space == "w"
    assert np.abs(picture(window) - first).max() <= 1
    assert session.spec.latent.dim == 8
    np.testing.assert_array_equal(
        window.latent_panel.sliders.hand.values, session.scene.recipe.latent.array
    )
    click(rows.noise.button("none"))
    settled(qtbot, window)
    assert np.abs(picture(window) - first).max() > 1
    assert np.abs(picture(window) - expected(window)).max() <= 1
    click(window.seed_panel.dice)
    settled(qtbot, window)
    assert session.scene.recipe.latent.space == "w"
    assert np.abs(picture(window) - expected(window)).max() <= 1
    for _ in range(3):
        window.actions_by_id["undo"].trigger()
    settled(qtbot, window)
    assert session.scene == scene
    assert rows.space.current == "z"
    assert rows.noise.current == "const"
    assert np.abs(picture(window) - first).max() <= 1


def test_a_walk_in_w_is_told_of(shown, qtbot):
    window = shown(STYLEGAN2)
    click(window.seed_panel.synthesis.space.button("w"))
    settled(qtbot, window)
    window.seed_panel.walk.click()
    assert not window.explorer.walker.walking
    window.session.undo()
    settled(qtbot, window)
    window.seed_panel.walk.click()
    assert window.explorer.walker.walking
    click(window.seed_panel.synthesis.space.button("w"))
    assert not window.explorer.walker.walking


def test_a_pin_can_be_mixed_in(shown, qtbot):
    window = shown(STYLEGAN2)
    rows, session = window.seed_panel.synthesis, window.session
    window.actions_by_id["pin"].trigger()
    pinned = session.pins[0]
    window.session.edit_recipe(expected_seed(window))
    settled(qtbot, window)
    before = picture(window)
    rows.source.setFocus()
    QTest.keyClick(rows.source, Qt.Key.Key_End)
    settled(qtbot, window)
    assert session.scene.recipe.mix.latent == pinned.pane.recipe.latent
    assert rows.source.currentData() == pinned.id
    assert np.abs(picture(window) - before).max() > 1
    assert np.abs(picture(window) - expected(window)).max() <= 1


def expected_seed(window):
    from genviewer.core.recipe import seeded_recipe

    return seeded_recipe(window.session.spec, 99)


def test_a_stylegan3_can_be_turned(shown, qtbot):
    window = shown(STYLEGAN3)
    rows = window.seed_panel.synthesis
    assert rows.turn.isVisibleTo(window)
    assert not rows.noise.isVisibleTo(window)
    rows.turn.box.setFocus()
    rows.turn.box.selectAll()
    QTest.keyClicks(rows.turn.box, "90")
    QTest.keyClick(rows.turn.box, Qt.Key.Key_Return)
    settled(qtbot, window)
    assert window.session.scene.recipe.transform.angle == 90.0
    assert np.abs(picture(window) - expected(window)).max() <= 1


def test_plain_models_have_no_such_controls(window):
    assert not window.seed_panel.synthesis.isVisibleTo(window)
