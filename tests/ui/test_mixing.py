"""Mixing pins in the real window."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from genviewer.core.mixing import analogy, average, between
from genviewer.session import edits
from tests.ui.conftest import PATIENCE_MS, settled

if TYPE_CHECKING:
    from genviewer.ui.main_window import MainWindow

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def pinned(window, qtbot) -> MainWindow:
    """A window with three pins, in the slots A, B and C as they were pinned."""
    for seed in (3, 4, 5):
        edits.set_seed(window.session, seed)
        settled(qtbot, window)
        window.actions_by_id["pin"].trigger()
    window.docks.show("show_mix", True)
    return window


def recipes(window: MainWindow):
    return [window.session.pin(number).pane.recipe for number in window.later.mixing.panel.chosen]


def choose(window: MainWindow, kind: str) -> None:
    QTest.mouseClick(window.later.mixing.panel.kind._buttons[kind], LEFT)


def test_with_too_few_pins_it_says_what_is_missing(window):
    window.docks.show("show_mix", True)
    assert "Pin 2 more" in window.later.mixing.panel.hint.text()
    before = window.session.scene
    choose(window, "average")
    assert window.session.scene == before


def test_the_slider_goes_from_a_to_c_in_one_undo_step(pinned, qtbot):
    panel, before = pinned.later.mixing.panel, pinned.session.scene
    a, b, c = recipes(pinned)
    panel.slider.edited.emit(0.1, "drag")
    panel.slider.set_value(0.75)
    panel.slider.edited.emit(0.75, "drag")
    settled(qtbot, pinned)
    shown = pinned.session.scene.recipe
    assert shown == between([a, b, c], 0.75, "slerp")
    pinned.session.undo()
    assert pinned.session.scene == before


def test_average_and_analogy_show_what_the_formulas_give(pinned, qtbot):
    a, b, c = recipes(pinned)
    choose(pinned, "average")
    assert pinned.session.scene.recipe == average([a, b, c])
    choose(pinned, "analogy")
    settled(qtbot, pinned)
    expected = analogy(a, b, c)
    assert pinned.session.scene.recipe == expected
    assert np.allclose(
        expected.latent.array, a.latent.array - b.latent.array + c.latent.array, atol=1e-6
    )


def test_children_are_drawn_and_can_be_chosen_and_others_asked_for(pinned, qtbot):
    panel = pinned.later.mixing.panel
    choose(pinned, "children")
    qtbot.waitUntil(lambda: panel.children_buttons[-1].isEnabled(), timeout=PATIENCE_MS)
    first = [recipe for _, recipe in pinned.later.mixing._children]
    QTest.mouseClick(panel.children_buttons[2], LEFT)
    assert pinned.session.scene.recipe == first[2]
    QTest.mouseClick(panel.another, LEFT)
    assert not panel.children_buttons[2].isEnabled()  # what it showed is another child now
    qtbot.waitUntil(lambda: panel.children_buttons[-1].isEnabled(), timeout=PATIENCE_MS)
    second = [recipe for _, recipe in pinned.later.mixing._children]
    assert not {r.latent for r in first} & {r.latent for r in second}


def test_pins_of_two_models_are_not_mixed(pinned, other_model, qtbot):
    pinned.files.open_model(other_model)
    qtbot.waitUntil(lambda: pinned.session.scene.model.name == "other-digits", timeout=PATIENCE_MS)
    settled(qtbot, pinned)
    pinned.actions_by_id["pin"].trigger()
    panel, newest = pinned.later.mixing.panel, pinned.session.pins[0].id
    before = pinned.session.scene
    panel._put(0, newest)
    assert pinned.session.scene == before
    assert "one model" in pinned.notices.notices[-1].text


@pytest.mark.parametrize("removed", [0, 1])
def test_a_removed_pin_leaves_no_gap(pinned, removed):
    panel = pinned.later.mixing.panel
    chosen = panel.chosen
    pinned.session.remove_pin(chosen[removed])
    assert panel.chosen == (chosen[1 - removed], chosen[2])
    assert "no pin" not in panel.slots[0].toolTip() + panel.slots[1].toolTip()
