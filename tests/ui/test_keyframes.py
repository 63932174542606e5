"""Keyframes in the real window: added, scrubbed, played in a loop, reordered, kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from genviewer.session import edits
from tests.ui.conftest import PATIENCE_MS, live, settled

if TYPE_CHECKING:
    from genviewer.ui.main_window import MainWindow

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def played(window, qtbot) -> MainWindow:
    """A window with three keyframes."""
    for seed in (3, 4, 5):
        edits.set_seed(window.session, seed)
        settled(qtbot, window)
        QTest.keyClick(window, Qt.Key.Key_K)
    return window


def test_the_key_opens_the_panel_and_keeps_what_is_seen(played):
    track = played.session.track
    assert len(track.keyframes) == 3
    assert track.keyframes[-1].recipe == played.session.scene.recipe
    assert played.later.keyframes.panel.isVisible()
    assert played.actions_by_id["show_keyframes"].isChecked()


def test_scrubbing_shows_what_lies_between_and_is_one_undo_step(played, qtbot):
    before = played.session.scene
    strip = played.later.keyframes.panel.strip
    y = 8
    QTest.mousePress(strip, LEFT, pos=QPoint(round(strip.x_of(0.5)), y))
    for place in (0.7, 1.0, 1.5):
        QTest.mouseMove(strip, QPoint(round(strip.x_of(place)), y))
    QTest.mouseRelease(strip, LEFT, pos=QPoint(round(strip.x_of(1.5)), y))
    settled(qtbot, played)
    timeline = played.session.track.timeline
    expected = timeline.at(1.5).latent.array
    shown = played.session.scene.recipe.latent.array
    assert np.abs(shown - expected).max() < 0.05
    played.session.undo()
    assert played.session.scene == before


def test_a_loop_plays_on_until_the_hand_takes_over(played, qtbot):
    QTest.mouseClick(played.later.keyframes.panel.loop, LEFT)
    assert played.session.track.loop
    QTest.mouseClick(played.later.keyframes.panel.play, LEFT)
    seen = set()

    def moved() -> bool:
        seen.add(played.session.scene.recipe.latent)
        return len(seen) > 10

    qtbot.waitUntil(moved, timeout=PATIENCE_MS)
    assert played.later.keyframes.playing
    edits.set_seed(played.session, 99)
    assert not played.later.keyframes.playing
    latent = played.session.scene.recipe.latent
    live(80)
    assert played.session.scene.recipe.latent == latent
    assert not played.later.keyframes.panel.play.isChecked()


def test_without_a_loop_it_ends_at_the_last_one(played, qtbot):
    panel = played.later.keyframes.panel
    QTest.mouseClick(panel.strip, LEFT, pos=panel.strip.tile(0).center())
    panel.seconds.setValue(0.1)
    QTest.mouseClick(panel.strip, LEFT, pos=panel.strip.tile(1).center())
    panel.seconds.setValue(0.1)
    assert [k.seconds for k in played.session.track.keyframes[:2]] == [0.1, 0.1]
    QTest.mouseClick(panel.strip, LEFT, pos=panel.strip.tile(0).center())
    played.actions_by_id["play_keyframes"].trigger()
    qtbot.waitUntil(lambda: not played.later.keyframes.playing, timeout=PATIENCE_MS)
    assert played.session.scene.recipe == played.session.track.keyframes[-1].recipe


def test_tiles_can_be_dragged_removed_and_brought_back(played, qtbot):
    strip, track = played.later.keyframes.panel.strip, played.session.track
    QTest.mousePress(strip, LEFT, pos=strip.tile(0).center())
    QTest.mouseMove(strip, strip.tile(1).center())
    QTest.mouseMove(strip, strip.tile(2).center() + QPoint(60, 0))
    QTest.mouseRelease(strip, LEFT, pos=strip.tile(2).center() + QPoint(60, 0))
    assert played.session.track == track.moved(0, 2)
    strip.setFocus()
    QTest.keyClick(strip, Qt.Key.Key_Delete)
    assert played.session.track == track.without(0)
    played.notices.notices[-1].button.click()
    assert played.session.track == track.moved(0, 2)


def test_a_keyframe_of_another_model_is_refused_in_words(played, other_model, qtbot):
    played.files.open_model(other_model)
    qtbot.waitUntil(lambda: played.session.scene.model.name == "other-digits", timeout=PATIENCE_MS)
    settled(qtbot, played)
    QTest.keyClick(played, Qt.Key.Key_K)
    assert len(played.session.track.keyframes) == 3
    assert "clear them" in played.notices.notices[-1].text
    strip = played.later.keyframes.panel.strip
    QTest.mouseClick(strip, LEFT, pos=strip.tile(1).center())
    settled(qtbot, played)
    assert played.session.scene.model == played.session.track.model


def test_keyframes_come_back_at_the_next_start(played, open_explorer):
    track = played.session.track
    played.close()
    assert open_explorer().session.track == track


def test_a_pin_becomes_a_keyframe(played, qtbot):
    played.actions_by_id["pin"].trigger()
    number = played.session.pins[0].id
    played.shelf.keyframe_wanted.emit(number)
    assert played.session.track.keyframes[-1].recipe == played.session.pins[0].pane.recipe
