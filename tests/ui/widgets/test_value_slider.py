import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from genviewer.ui.widgets.value_slider import ValueSlider
from tests.ui.widgets import hands
from tests.ui.widgets.hands import LEFT, NONE

SHIFT = Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def make(qtbot):
    def build(*args, **options):
        slider = ValueSlider(*args, **options)
        slider.resize(300, 28)
        qtbot.addWidget(slider)
        slider.show()
        slider.got = []
        slider.edited.connect(lambda value, key: slider.got.append((value, key)))
        return slider

    return build


def at(slider, fraction):
    track = slider.track
    return QPoint(round(track._x(fraction)), track.height() // 2)


def drag(slider, fractions, modifiers=NONE):
    hands.drag(slider.track, [at(slider, f) for f in fractions], modifiers)


def test_every_move_of_a_drag_is_an_edit_with_one_key(make):
    slider = make("strength", 0.0, 1.0, 0.3)
    drag(slider, [0.3, 0.5, 0.7, 0.9])
    assert [value for value, _ in slider.got] == pytest.approx([0.5, 0.7, 0.9], abs=0.01)
    assert len({key for _, key in slider.got}) == 1
    drag(slider, [0.9, 0.4])
    assert slider.got[-1][1] != slider.got[0][1]


def test_a_press_jumps_there(make):
    slider = make("strength", 0.0, 2.0, 0.0)
    drag(slider, [0.75, 0.75])
    assert slider.value == pytest.approx(1.5, abs=0.02)


def test_shift_is_a_tenth(make):
    slider = make("strength", 0.0, 1.0, 0.5)
    drag(slider, [0.5, 0.9], SHIFT)
    assert slider.value == pytest.approx(0.54, abs=0.005)


def test_a_double_click_resets(make):
    slider = make("strength", 0.0, 1.0, 0.25)
    slider.set_value(0.8)
    QTest.mouseDClick(slider.track, LEFT, NONE, at(slider, 0.8))
    assert slider.value == 0.25
    assert slider.box.value() == 0.25


def test_what_is_set_from_outside_is_no_edit(make):
    slider = make("strength", 0.0, 1.0, 0.25)
    slider.set_value(0.8)
    assert slider.box.value() == 0.8
    assert slider.got == []


def test_the_box_takes_a_number_on_enter(make):
    slider = make("strength", 0.0, 1.0, 0.25, percent=True)
    slider.box.setFocus()
    slider.box.selectAll()
    QTest.keyClicks(slider.box, "62")
    assert slider.got == []
    QTest.keyClick(slider.box, Qt.Key.Key_Return)
    assert slider.value == pytest.approx(0.62)


def test_a_minus_sign_is_one_and_nothing_is_less_than_zero_by_nothing(make):
    slider = make("Slant", -3.0, 3.0, 0.0, decimals=1)
    slider.set_value(-0.7)
    assert slider.box.text() == "\N{MINUS SIGN}0.7"
    slider.set_value(-0.01)
    assert slider.box.text() == "0.0"
    for typed in ("-1.5", "\N{MINUS SIGN}1.5"):
        slider.box.lineEdit().setText(typed)
        slider.box.interpretText()
        assert slider.box.value() == -1.5


def test_keys_move_by_a_hundredth_and_a_burst_is_one_step(make):
    slider = make("strength", 0.0, 1.0, 0.5)
    for _ in range(3):
        QTest.keyClick(slider.track, Qt.Key.Key_Right)
    assert slider.value == pytest.approx(0.53, abs=0.001)
    assert len({key for _, key in slider.got}) == 1


def test_logarithmic_has_its_geometric_mean_in_the_middle(make):
    slider = make("speed", 0.1, 10.0, 1.0, logarithmic=True)
    assert slider.track.fraction == pytest.approx(0.5, abs=0.001)
    drag(slider, [0.5, 1.0])
    assert slider.value == pytest.approx(10.0)


def test_a_held_handle_is_not_taken_from_the_hand(make):
    slider = make("strength", 0.0, 1.0, 0.5)
    QTest.mousePress(slider.track, LEFT, NONE, at(slider, 0.8))
    slider.set_value(0.1)
    assert slider.track.fraction == pytest.approx(0.8, abs=0.01)
    QTest.mouseRelease(slider.track, LEFT, NONE, at(slider, 0.8))
    assert slider.track.fraction == pytest.approx(0.1, abs=0.01)


def test_paints_its_position(make):
    slider = make("strength", 0.0, 1.0, 0.0)
    empty = slider.grab().toImage()
    slider.set_value(1.0)
    assert slider.grab().toImage() != empty
