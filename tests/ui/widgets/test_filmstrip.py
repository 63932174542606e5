import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QImage, QMouseEvent, QRegion, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from genviewer.ui.pins import Shown
from genviewer.ui.widgets.filmstrip import Filmstrip
from genviewer.ui.widgets.filmstrip_view import KEPT, THUMB
from genviewer.ui.widgets.pixels_to_image import rgb_bytes

LEFT = Qt.MouseButton.LeftButton
NONE = Qt.KeyboardModifier.NoModifier


class Watched(Filmstrip):
    """A strip that tells what it was asked to paint, with a clock that the test moves."""

    def __init__(self):
        self.now = 100.0
        self.regions = []
        super().__init__(clock=lambda: self.now)

    def paintEvent(self, event):
        self.regions.append(QRegion(event.region()))
        super().paintEvent(event)

    def fly(self, *recipes, side=28):
        """Let frames fly by a second apart."""
        for recipe in recipes:
            self.now += 1.0
            self.push(frame(recipe, side), recipe)


def frame(value, side=28):
    return np.full((side, side, 1), value, np.uint8)


@pytest.fixture
def strip(qtbot):
    strip = Watched()
    qtbot.addWidget(strip)
    strip.resize(620, strip.sizeHint().height())
    strip.show()
    qtbot.waitExposed(strip)
    settle(strip)
    # Where an earlier test left the pointer must not matter.
    strip.setAttribute(Qt.WidgetAttribute.WA_UnderMouse, False)
    return strip


def settle(strip):
    QApplication.processEvents()
    strip.regions.clear()


def value_at(strip, point):
    image = strip.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    words = np.frombuffer(image.constBits(), np.uint32).reshape(image.height(), image.width())
    return rgb_bytes(words, 1)[point.y(), point.x(), 0]


def test_it_keeps_six_frames_a_second_and_the_last_one(strip, qtbot):
    for n in range(125):
        strip.now += 1 / 125
        strip.push(frame(n), n)
    assert 6 <= len(strip.recipes()) <= 7
    qtbot.waitUntil(lambda: strip.recipes()[-1] == 124)
    assert strip.recipes()[0] == 0
    assert len(strip.recipes()) <= 8


def test_frames_lie_in_a_row_the_newest_at_the_right(strip):
    strip.fly(10, 20, 30)
    assert strip.recipes() == [10, 20, 30]
    assert [value_at(strip, strip.thumb_rect(i).center()) for i in range(3)] == [10, 20, 30]
    strip.fly(*range(100, 130))
    last = strip.thumb_rect(len(strip.recipes()) - 1)
    assert strip.rect().contains(last)
    assert strip.width() - last.right() < 10
    assert value_at(strip, last.center()) == 129


def test_it_keeps_a_fixed_number(strip):
    strip.fly(*range(KEPT + 10))
    assert strip.recipes() == list(range(10, KEPT + 10))


def test_a_frame_is_not_kept_twice_but_drawn_anew(strip):
    strip.fly(1, 2, 3)
    strip.now += 1
    strip.push(frame(200), 2)
    assert strip.recipes() == [1, 2, 3]
    assert value_at(strip, strip.thumb_rect(1).center()) == 200


def test_a_new_frame_repaints_its_place_only(strip):
    strip.fly(1, 2)
    settle(strip)
    strip.fly(3)
    QApplication.processEvents()
    assert strip.regions == [QRegion(strip.thumb_rect(2))]


def test_frames_in_between_cost_no_painting(strip):
    strip.fly(1, 2)
    settle(strip)
    for n in range(5):
        strip.push(frame(n), 50 + n)
    QApplication.processEvents()
    assert strip.regions == []


def test_a_click_chooses_and_a_double_click_pins(strip, qtbot):
    strip.fly(1, 2, 3)
    with qtbot.waitSignal(strip.chosen) as chosen:
        QTest.mouseClick(strip, LEFT, NONE, strip.thumb_rect(1).center())
    assert chosen.args == [2]
    with qtbot.waitSignal(strip.pin_wanted) as pinned:
        QTest.mouseDClick(strip, LEFT, NONE, strip.thumb_rect(2).center())
    assert pinned.args[0] == 3
    np.testing.assert_array_equal(pinned.args[1], frame(3))


def second_press(widget, point):
    """What Qt sends in place of the second press of a double click."""
    place = QPointF(point), QPointF(widget.mapToGlobal(point))
    kind = QEvent.Type.MouseButtonDblClick
    QApplication.sendEvent(widget, QMouseEvent(kind, *place, LEFT, LEFT, NONE))


def test_a_double_click_pins_what_was_aimed_at_whatever_draws_it_after_the_first(strip, qtbot):
    before, now = (Shown(None, 5, weights) for weights in ("before", "now"))
    strip.push(frame(10), before)
    strip.fly(20)
    QTest.mouseClick(strip, LEFT, NONE, strip.thumb_rect(0).center())
    strip.now += 1.0
    strip.push(frame(90), now)
    assert [one.weights for one in strip.recipes()[:1]] == ["now"]
    with qtbot.waitSignal(strip.pin_wanted) as pinned:
        second_press(strip, strip.thumb_rect(0).center())
    assert pinned.args[0].weights == "before"
    np.testing.assert_array_equal(pinned.args[1], frame(10))
    with qtbot.waitSignal(strip.pin_wanted) as pinned:
        second_press(strip, strip.thumb_rect(1).center())
    assert pinned.args[0] == 20


def test_the_pin_button_pins_and_does_not_choose(strip, qtbot):
    strip.fly(1, 2, 3)
    QTest.mouseMove(strip, strip.thumb_rect(0).center())
    with qtbot.assertNotEmitted(strip.chosen), qtbot.waitSignal(strip.pin_wanted) as pinned:
        QTest.mouseClick(strip, LEFT, NONE, strip.pin_rect(0).center())
    assert pinned.args[0] == 1


def test_beside_the_frames_there_is_nothing_to_click(strip, qtbot):
    strip.fly(1)
    with qtbot.assertNotEmitted(strip.chosen):
        QTest.mouseClick(strip, LEFT, NONE, QPoint(strip.thumb_rect(0).right() + 30, 20))


def test_keys_choose_and_pin(strip, qtbot):
    strip.fly(1, 2, 3)
    strip.setFocus()
    QTest.keyClick(strip, Qt.Key.Key_End)
    QTest.keyClick(strip, Qt.Key.Key_Left)
    with qtbot.waitSignal(strip.chosen) as chosen:
        QTest.keyClick(strip, Qt.Key.Key_Return)
    assert chosen.args == [2]
    QTest.keyClick(strip, Qt.Key.Key_Home)
    with qtbot.waitSignal(strip.pin_wanted) as pinned:
        QTest.keyClick(strip, Qt.Key.Key_P)
    assert pinned.args[0] == 1


def test_the_wheel_looks_back_and_new_frames_lead_forward(strip):
    strip.fly(*range(30))
    oldest = strip.thumb_rect(0).left()
    point = strip.rect().center()
    event = QWheelEvent(
        QPointF(point),
        QPointF(strip.mapToGlobal(point)),
        QPoint(),
        QPoint(0, 240),
        Qt.MouseButton.NoButton,
        NONE,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(strip, event)
    assert strip.thumb_rect(0).left() == oldest + 2 * (THUMB + 4)
    strip.fly(99)
    assert strip.rect().contains(strip.thumb_rect(30))


def test_it_holds_still_under_the_pointer(strip):
    strip.fly(*range(30))
    strip.setAttribute(Qt.WidgetAttribute.WA_UnderMouse, True)
    before = strip.thumb_rect(25)
    strip.fly(77, 78)
    assert strip.thumb_rect(25) == before
    strip.setAttribute(Qt.WidgetAttribute.WA_UnderMouse, False)
    strip.fly(79)
    assert strip.rect().contains(strip.thumb_rect(32))


def test_the_menu_goes_back_pins_and_forgets(strip, qtbot):
    strip.fly(1, 2)
    menu = strip.menu_for(strip._thumbs[0])
    go, pin, _, forget = menu.actions()
    with qtbot.waitSignal(strip.chosen) as chosen:
        go.trigger()
    assert chosen.args == [1]
    with qtbot.waitSignal(strip.pin_wanted):
        pin.trigger()
    forget.trigger()
    assert strip.recipes() == []
    menu.close()


def test_forgetting_forgets_the_waiting_frame_too(strip, qtbot):
    strip.fly(1)
    strip.push(frame(2), 2)
    strip.clear()
    qtbot.wait(250)
    assert strip.recipes() == []


def test_large_frames_are_kept_small_and_tall_ones_whole(strip, qtbot):
    strip.now += 1
    strip.push(np.full((1024, 512, 3), 9, np.uint8), "tall")
    with qtbot.waitSignal(strip.pin_wanted) as pinned:
        QTest.mouseDClick(strip, LEFT, NONE, strip.thumb_rect(0).center())
    assert pinned.args[1].shape == (128, 64, 3)
    rect = strip.thumb_rect(0)
    assert value_at(strip, rect.center()) == 9
    assert value_at(strip, rect.center() - QPoint(20, 0)) != 9


def test_an_empty_strip_says_what_it_is_for(strip):
    image = strip.grab().toImage()
    colors = {image.pixel(x, y) for x in range(image.width()) for y in range(20, 44)}
    assert len(colors) > 3
