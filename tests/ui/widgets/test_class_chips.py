import itertools

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from genviewer.ui.widgets.chip import ChipButton
from genviewer.ui.widgets.class_chips import SCRUB, ClassChips, digit_keys
from tests.ui.widgets import hands
from tests.ui.widgets.hands import LEFT, NONE

DIGITS = tuple("0123456789")
FASHION = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt")
CTRL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def make(qtbot):
    def build(names=DIGITS, width=280):
        chips = ClassChips()
        qtbot.addWidget(chips)
        chips.set_names(names, "digit")
        chips.resize(width, chips.height())
        chips.show()
        qtbot.waitExposed(chips)
        chips.got = []
        chips.edited.connect(lambda weights, key: chips.got.append((weights, key)))
        return chips

    return build


def middle(chips, index):
    return chips.chip_rect(index).center()


def test_digit_keys():
    assert digit_keys(FASHION)["1"] == 0
    assert digit_keys([f"class {i}" for i in range(100)])["0"] == 9
    assert digit_keys(DIGITS) == {str(i): i for i in range(10)}
    assert digit_keys(("9", *DIGITS[:9]))["9"] == 0


def test_ten_digits_are_two_rows_of_five(make):
    chips = make()
    assert len({chips.chip_rect(i).top() for i in range(10)}) == 2
    assert len({chips.chip_rect(i).left() for i in range(10)}) == 5


@pytest.mark.parametrize("width", [200, 284, 336])
@pytest.mark.parametrize("count", [1, 3, 10, 62, 1000])
def test_chips_lie_inside_and_apart(make, width, count):
    chips = make([f"name {i}" for i in range(count)], width)
    rects = [chips.chip_rect(i) for i in range(count)]
    assert all(chips.rect().contains(rect) for rect in rects)
    assert not any(a.intersects(b) for a, b in itertools.pairwise(rects))


def test_a_click_is_that_class_alone(make):
    chips = make()
    chips.set_weights({1: 0.5, 2: 0.5})
    QTest.mouseClick(chips, LEFT, NONE, middle(chips, 7))
    QTest.mouseClick(chips, LEFT, NONE, middle(chips, 8))
    assert [weights for weights, _ in chips.got] == [{7: 1.0}, {8: 1.0}]
    assert chips.got[0][1] != chips.got[1][1]


def test_a_press_that_leaves_the_chip_is_no_click(make):
    chips = make()
    QTest.mousePress(chips, LEFT, NONE, middle(chips, 7))
    QTest.mouseRelease(chips, LEFT, NONE, middle(chips, 1))
    assert chips.got == []


@pytest.mark.parametrize("modifier", [CTRL, SHIFT])
def test_a_click_with_a_modifier_blends_and_takes_out_again(make, modifier):
    chips = make()
    chips.set_weights({3: 1.0})
    QTest.mouseClick(chips, LEFT, modifier, middle(chips, 5))
    QTest.mouseClick(chips, LEFT, modifier, middle(chips, 5))
    assert [weights for weights, _ in chips.got] == [{3: 0.5, 5: 0.5}, {3: 1.0}]


def test_dragging_a_chip_sets_its_share_under_the_hand(make):
    chips = make()
    chips.set_weights({3: 1.0})
    start = middle(chips, 5)
    slack = QApplication.startDragDistance() // 2
    quarters = [QPoint(round(slack + SCRUB * f), 0) for f in (0.25, 0.5, 0.75, 0.25, 0.0)]
    hands.drag(chips, [start, *(start + q for q in quarters)])
    shares = [weights.get(5, 0.0) for weights, _ in chips.got]
    assert shares == pytest.approx([0.25, 0.5, 0.75, 0.25, 0.0], abs=0.01)
    assert len({key for _, key in chips.got}) == 1
    assert chips.got[-1][0] == {3: 1.0}


def test_the_keyboard_chooses_blends_and_weighs(make):
    chips = make()
    chips.setFocus()
    QTest.keyClick(chips, Qt.Key.Key_Right)
    QTest.keyClick(chips, Qt.Key.Key_Down)
    QTest.keyClick(chips, Qt.Key.Key_Return)
    assert chips.got[-1][0] == {6: 1.0}
    QTest.keyClick(chips, Qt.Key.Key_Left)
    QTest.keyClick(chips, Qt.Key.Key_Return, CTRL)
    assert chips.got[-1][0] == {5: 0.5, 6: 0.5}
    QTest.keyClick(chips, Qt.Key.Key_Plus)
    QTest.keyClick(chips, Qt.Key.Key_Plus)
    assert chips.got[-1][0] == pytest.approx({5: 0.6, 6: 0.4})
    assert chips.got[-1][1] == chips.got[-2][1]


def test_a_filter_by_name_or_number(make):
    chips = make(FASHION)
    assert chips.set_filter("SHIRT") == 2
    assert chips.shown == (0, 6)
    assert chips.chip_rect(1).isNull()
    QTest.mouseClick(chips, LEFT, NONE, middle(chips, 6))
    assert chips.got[-1][0] == {6: 1.0}
    assert chips.set_filter("5") == 1
    assert chips.set_filter("nothing like it") == 0
    chips.grab()
    assert chips.set_filter("") == len(FASHION)


def test_set_weights_is_no_edit_and_says_itself_aloud(make):
    chips = make()
    chips.set_weights({3: 0.25, 4: 0.75})
    assert chips.got == []
    assert chips.accessibleDescription() == "3 25 %, 4 75 %"
    chips.set_weights({})
    assert chips.accessibleDescription() == "any"


def test_a_share_is_painted(make):
    chips = make()
    shots = []
    for weights in ({}, {3: 1.0}, {3: 0.5, 4: 0.5}, {3: 0.9, 4: 0.1}):
        chips.set_weights(weights)
        image = chips.grab(chips.chip_rect(3)).toImage()
        assert image not in shots
        shots.append(image)


def test_a_chip_button_is_pressed_with_enter(qtbot):
    button = ChipButton("Any")
    qtbot.addWidget(button)
    with qtbot.waitSignal(button.clicked):
        QTest.keyClick(button, Qt.Key.Key_Return)
    assert button.isChecked()
