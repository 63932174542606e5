"""Drawing with the mouse and the keys."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest

from genviewer.ui.widgets.draw_pad import SIDE, SIZES
from genviewer.ui.widgets.draw_tools import DrawTools

LEFT = Qt.MouseButton.LeftButton
CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def tools(qtbot) -> DrawTools:
    made = DrawTools()
    qtbot.addWidget(made)
    made.resize(220, 260)
    made.show()
    qtbot.waitExposed(made)
    return made


def stroke(pad, *points) -> None:
    QTest.mousePress(pad, LEFT, pos=pad.to_widget(*points[0]))
    for point in points[1:]:
        QTest.mouseMove(pad, pad.to_widget(*point))
    QTest.mouseRelease(pad, LEFT, pos=pad.to_widget(*points[-1]))


def test_a_stroke_is_where_the_hand_was_and_as_wide_as_the_brush(tools):
    pad = tools.pad
    pad.set_size(30)
    stroke(pad, (60, 140), (140, 140), (220, 140))
    ink = pad.pixels()[..., 0] > 128
    rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
    assert abs(np.ptp(rows) - 30) <= 3
    assert abs(rows.mean() - 140) <= 2
    assert abs(columns[0] - 45) <= 4
    assert abs(columns[-1] - 235) <= 4


def test_a_click_is_a_dot_and_every_change_is_told(tools, qtbot):
    pad = tools.pad
    assert pad.is_blank
    with qtbot.waitSignal(pad.drawn):
        stroke(pad, (140, 140))
    assert pad.pixels()[140, 140, 0] == 255
    with qtbot.waitSignal(pad.drawn):
        QTest.mouseClick(tools.clear, LEFT)
    assert pad.is_blank


def test_the_eraser_takes_away_what_it_touches(tools):
    pad = tools.pad
    stroke(pad, (60, 140), (220, 140))
    QTest.mouseClick(tools.eraser, LEFT)
    stroke(pad, (140, 100), (140, 180))
    found = pad.pixels()[140, :, 0]
    assert found[140] == 0
    assert found[70] == found[210] == 255
    assert not tools.brush.isChecked()


def test_undo_and_redo_by_key_stay_inside_the_pad(tools):
    pad = tools.pad
    stroke(pad, (60, 60), (100, 60))
    one = pad.pixels()
    stroke(pad, (60, 200), (100, 200))
    two = pad.pixels()
    pad.setFocus()
    QTest.keyClick(pad, Qt.Key.Key_Z, CTRL)
    assert np.array_equal(pad.pixels(), one)
    QTest.keyClick(pad, Qt.Key.Key_Z, CTRL)
    assert pad.is_blank
    assert not tools.undo.isEnabled()
    QTest.keyClick(pad, Qt.Key.Key_Y, CTRL)
    QTest.keyClick(pad, Qt.Key.Key_Z, CTRL | SHIFT)
    assert np.array_equal(pad.pixels(), two)
    assert not tools.redo.isEnabled()


def test_the_keys_draw_too(tools):
    pad = tools.pad
    pad.setFocus()
    QTest.keyClick(pad, Qt.Key.Key_Return)
    for _ in range(6):
        QTest.keyClick(pad, Qt.Key.Key_Right)
    QTest.keyClick(pad, Qt.Key.Key_Return)
    drawn = pad.pixels()
    for _ in range(6):
        QTest.keyClick(pad, Qt.Key.Key_Down)
    assert np.array_equal(pad.pixels(), drawn)  # the pen is up
    assert drawn[SIDE // 2, SIDE // 2 + 40, 0] == 255
    QTest.keyClick(pad, Qt.Key.Key_Delete)
    assert pad.is_blank


def test_the_wheel_and_the_slider_agree_about_the_brush(tools, qtbot):
    pad = tools.pad
    pad.set_size(1000)
    assert pad.size_of_brush == SIZES[1]
    assert tools.width_slider.fraction == 1.0
    tools.width_slider.setValue(0)
    assert pad.size_of_brush == SIZES[0]


def test_an_image_is_put_on_the_canvas_and_can_be_drawn_upon(tools, qtbot):
    pad = tools.pad
    picture = np.zeros((14, 28, 3), np.uint8)
    picture[:, :, 1] = 200
    with qtbot.assertNotEmitted(pad.drawn):
        pad.set_pixels(picture)
    found = pad.pixels()
    assert tuple(found[SIDE // 2, 10]) == (0, 200, 0)
    assert not found[: SIDE // 4 - 2].any()
    stroke(pad, (10, 20))
    assert pad.pixels()[20, 10].tolist() == [255, 255, 255]
    assert tools.undo.isEnabled()


def test_only_models_with_colours_have_a_coloured_brush(tools):
    tools.set_coloured(True)
    assert tools.color.isVisible()
    tools._take_color(QColor(255, 0, 0))
    stroke(tools.pad, (140, 140))
    assert tools.pad.pixels()[140, 140].tolist() == [255, 0, 0]
    tools.set_coloured(False)
    assert not tools.color.isVisible()
    stroke(tools.pad, (50, 50))
    assert tools.pad.pixels()[50, 50].tolist() == [255, 255, 255]


def test_places_map_there_and_back(tools):
    at = tools.pad.to_widget(70, 210)
    back = tools.pad._to_canvas(QPoint(at).toPointF())
    assert abs(back.x() - 70) < 2
    assert abs(back.y() - 210) < 2
