"""Two models in one window, linked: a hand on one moves both."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from genviewer.engine.cells import decode_recipe
from genviewer.session import edits
from tests.ui.conftest import PATIENCE_MS, live, settled

if TYPE_CHECKING:
    from genviewer.ui.main_window import MainWindow

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def pair(window, other_model, qtbot) -> MainWindow:
    window.files.compare_with(other_model)
    qtbot.waitUntil(lambda: len(window.session.scene.panes) == 2, timeout=PATIENCE_MS)
    all_shown(qtbot, window)
    return window


def all_shown(qtbot, window: MainWindow) -> None:
    """Wait until every pane shows what its own model makes of its own Recipe."""
    settled(qtbot, window)

    def shown() -> bool:
        for index, pane in enumerate(window.session.scene.panes):
            loaded = window.explorer.store.loaded(pane.model.id)
            pixels = window.compare.pictures.pixels(index)
            if loaded is None or pixels is None:
                return False
            fresh = decode_recipe(loaded.generator, pane.recipe)
            if np.abs(pixels.astype(int) - fresh.astype(int)).max() > 1:
                return False
        return True

    qtbot.waitUntil(shown, timeout=PATIENCE_MS)


def drag_picture(window: MainWindow, index: int) -> None:
    pictures = window.compare.pictures
    start = pictures._pictures[index].rect.center()
    QTest.mousePress(pictures, LEFT, pos=start)
    for step in range(1, 9):
        QTest.mouseMove(pictures, start + QPoint(6 * step, -3 * step))
        live(8)
    QTest.mouseRelease(pictures, LEFT, pos=start + QPoint(48, -24))


def test_a_drag_moves_both_and_is_one_step(pair, qtbot):
    before = pair.session.scene
    drag_picture(pair, 0)
    all_shown(qtbot, pair)
    one, two = pair.session.scene.panes
    assert one.recipe.latent == two.recipe.latent != before.recipe.latent
    QTest.keyClick(pair, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    all_shown(qtbot, pair)
    assert pair.session.scene == before


def test_a_class_goes_along_and_an_unlinked_pane_stays(pair, qtbot):
    QTest.keyClick(pair, Qt.Key.Key_4)
    all_shown(qtbot, pair)
    one, two = pair.session.scene.panes
    assert one.recipe.condition == two.recipe.condition
    QTest.mouseClick(pair.compare.headers[1].link, LEFT)
    QTest.keyClick(pair, Qt.Key.Key_7)
    all_shown(qtbot, pair)
    assert pair.session.scene.panes[1].recipe == two.recipe


def test_the_swipe_follows_the_hand(pair, qtbot):
    QTest.mouseClick(pair.view_bar.compare.mode._buttons["swipe"], LEFT)
    pictures = pair.compare.pictures
    place = pictures._pictures[0].rect
    QTest.mousePress(pictures, LEFT, pos=place.center())
    QTest.mouseMove(pictures, QPoint(place.left() + place.width() // 4, place.center().y()))
    QTest.mouseRelease(pictures, LEFT, pos=place.center())
    assert pair.session.scene.options.compare.divider == pytest.approx(0.25, abs=0.02)


def test_another_pane_in_focus_brings_its_model_to_the_controls(pair, qtbot):
    name = pair.session.scene.panes[1].model.name
    QTest.mouseClick(pair.compare.headers[1], LEFT, pos=QPoint(50, 10))
    all_shown(qtbot, pair)
    assert pair.session.scene.model.name == name
    assert name in pair.windowTitle()
    drag_picture(pair, 1)
    all_shown(qtbot, pair)
    one, two = pair.session.scene.panes
    assert one.recipe.latent == two.recipe.latent


def test_closing_goes_back_to_one_sample_and_undo_brings_it_back(pair, qtbot):
    QTest.mouseClick(pair.compare.headers[0].close_button, LEFT)
    settled(qtbot, pair)
    assert pair.stage.currentWidget() is pair.canvas
    assert not pair.actions_by_id["close_pane"].isEnabled()
    pair.session.undo()
    all_shown(qtbot, pair)
    assert pair.stage.currentWidget() is pair.compare


def test_a_model_against_itself_under_two_truncations(window, qtbot):
    window.actions_by_id["compare_again"].trigger()
    all_shown(qtbot, window)
    window.actions_by_id["link_pane"].trigger()
    window.seed_panel.truncation_edited.emit(0.4, "psi")
    window.actions_by_id["link_pane"].trigger()
    window.actions_by_id["dice"].trigger()
    all_shown(qtbot, window)
    one, two = window.session.scene.panes
    assert one.recipe.latent == two.recipe.latent
    assert (one.recipe.truncation, two.recipe.truncation) == (0.4, 1.0)


def test_panes_come_back_at_the_next_start(pair, open_explorer, qtbot):
    scene = pair.session.scene
    pair.close()
    again = open_explorer()
    all_shown(qtbot, again)
    assert again.session.scene == scene


def test_a_pane_whose_model_is_gone_says_so_once(pair, other_model, open_explorer, qtbot):
    import shutil

    pair.close()
    shutil.rmtree(other_model)
    again = open_explorer()
    qtbot.waitUntil(lambda: len(again.notices.notices) > 0, timeout=PATIENCE_MS)
    told = again.notices.notices[-1].text
    assert other_model.name in told or "not at hand" in told
    drag_picture(again, 0)
    settled(qtbot, again)
    assert len(again.notices.notices) == 1


def test_where_latents_differ_the_other_models_encoder_leads(window, qtbot):
    """A GAN's sample is taken by the VAE beside it: the reconstruction looks like the sample."""
    window.files.open_model("digits-cgan")
    qtbot.waitUntil(lambda: window.session.scene.model.name == "digits-cgan", timeout=PATIENCE_MS)
    settled(qtbot, window)
    window.files.compare_with("digits-cvae")
    qtbot.waitUntil(lambda: len(window.session.scene.panes) == 2, timeout=PATIENCE_MS)
    before = window.session.scene.panes[1].recipe.latent
    edits.set_seed(window.session, 12)
    qtbot.waitUntil(
        lambda: window.session.scene.panes[1].recipe.latent != before, timeout=PATIENCE_MS
    )
    all_shown(qtbot, window)
    one, two = (window.compare.pictures.pixels(k).astype(float) / 255 for k in (0, 1))
    away = float(np.square(one - two).mean())
    another = float(np.square(one[:, ::-1] - two).mean())
    assert away < 0.03 < another
