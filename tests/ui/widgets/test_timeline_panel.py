"""The timeline's panel, driven by hand and keys."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from genviewer.ui.widgets.timeline_panel import TimelinePanel

LEFT = Qt.MouseButton.LeftButton
STEPS = (0, 5, 25, 125)


@pytest.fixture
def panel(qtbot):
    widget = TimelinePanel()
    qtbot.addWidget(widget)
    widget.resize(900, 260)
    widget.show()
    widget.set_run(True, True, 200)
    widget.set_steps(STEPS)
    widget.strip.set_rows(["Current sample", "a pin"])
    return widget


@pytest.fixture
def wanted(panel):
    """The steps that were wanted; each is looked at, as the window would."""
    steps = []
    panel.step_wanted.connect(steps.append)
    panel.step_wanted.connect(panel.set_current)
    return steps


def test_the_keys_go_through_the_steps_and_back_to_the_newest(panel, wanted):
    slider = panel.slider
    slider.setFocus()
    for key in (Qt.Key.Key_Left, Qt.Key.Key_Left, Qt.Key.Key_Home, Qt.Key.Key_Left):
        QTest.keyClick(slider, key)
    assert wanted == [25, 5, 0]
    QTest.keyClick(slider, Qt.Key.Key_End)
    assert wanted[-1] is None
    QTest.keyClick(slider, Qt.Key.Key_Right)  # it is there already
    assert len(wanted) == 4
    panel.set_current(125)
    QTest.keyClick(slider, Qt.Key.Key_Right)
    assert wanted[4:] == [None]
    panel.set_run(True, False, 200)
    QTest.keyClick(slider, Qt.Key.Key_Home)
    QTest.keyClick(slider, Qt.Key.Key_End)
    assert wanted[5:] == [0, 125]


def test_a_drag_wants_each_step_once(panel, wanted):
    slider = panel.slider
    xs = [round(slider.columns.x(place)) for place in range(len(STEPS))]
    QTest.mousePress(slider, LEFT, pos=QPoint(xs[3], 14))
    for x in range(xs[3], xs[0], -3):
        QTest.mouseMove(slider, QPoint(x, 14))
    QTest.mouseRelease(slider, LEFT, pos=QPoint(xs[0], 14))
    assert wanted == [125, 25, 5, 0]


def test_live_says_what_is_so_not_what_was_pressed(panel):
    panel.set_current(25)
    assert not panel.live.isChecked()
    assert "Step 25 of 200" in panel.where.text()
    assert "goes on" in panel.where.text()
    wanted = []
    panel.step_wanted.connect(wanted.append)
    QTest.mouseClick(panel.live, LEFT)
    assert wanted == [None]
    assert not panel.live.isChecked()  # nobody has gone there
    panel.set_current(None)
    assert panel.live.isChecked()
    panel.set_run(False, False, 0)
    panel.set_steps(())
    assert not panel.live.isEnabled()
    assert panel.stack.currentIndex() == 0


def test_tiles_are_chosen_by_hand_and_keys(panel, qtbot):
    strip, chosen = panel.strip, []
    strip.chosen.connect(lambda row, step: chosen.append((row, step)))
    QTest.mouseClick(strip, LEFT, pos=strip.tile(1, 25).center().toPoint())
    strip.setFocus()
    QTest.keyClick(strip, Qt.Key.Key_Left)
    QTest.keyClick(strip, Qt.Key.Key_Up)
    QTest.keyClick(strip, Qt.Key.Key_Return)
    assert chosen == [(1, 25), (0, 5)]


def test_pictures_stay_with_their_steps(panel, qtbot):
    strip = panel.strip
    pixels = np.full((28, 28, 1), 200, np.uint8)
    strip.set_picture(0, 25, pixels)
    strip.set_picture(0, 125, pixels)
    middle = strip.tile(0, 25).center().toPoint()
    assert strip.grab().toImage().pixelColor(middle).red() == 200
    with qtbot.waitSignal(strip.tiles_wanted):
        panel.set_steps((0, 5, 25, 60))  # it went back
    assert strip.shows(0, 25)
    assert not strip.shows(0, 125)
    panel.set_steps((0, 5, 25, 60, 125))
    assert not strip.shows(0, 125)
