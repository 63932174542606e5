import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from genviewer.core.spec import LatentSpec
from genviewer.ui.widgets.bar_layout import BarLayout
from genviewer.ui.widgets.equaliser import Equaliser
from tests.ui.widgets.hands import LEFT, NONE, drag, move

SHIFT = Qt.KeyboardModifier.ShiftModifier
ALT = Qt.KeyboardModifier.AltModifier
RIGHT = Qt.MouseButton.RightButton
HIGH = 3.0902


@pytest.fixture
def make(qtbot):
    def build(dim=16, values=None, width=300):
        widget = Equaliser()
        widget.got, widget.locked, widget.chosen = [], [], []
        widget.edited.connect(lambda values, key: widget.got.append((values, key)))
        widget.locks_changed.connect(widget.locked.append)
        widget.current_changed.connect(widget.chosen.append)
        widget.resize(width, 104)
        qtbot.addWidget(widget)
        widget.set_latent(np.zeros(dim) if values is None else values, LatentSpec(dim))
        with qtbot.waitExposed(widget):
            widget.show()
        return widget

    return build


def at(widget, dim, value):
    return QPoint(widget.bar_rect(dim).center().x(), round(widget.y_of(value)))


def last(widget):
    return widget.got[-1][0]


def keys_of(widget):
    return {key for _, key in widget.got}


def test_a_press_gives_the_bar_the_height_of_the_pointer(make):
    widget = make()
    drag(widget.viewport(), [at(widget, 5, 1.5)])
    assert last(widget)[5] == pytest.approx(1.5, abs=0.05)
    assert np.flatnonzero(last(widget)).tolist() == [5]
    assert last(widget).dtype == np.float32
    assert widget.chosen == [5]


@pytest.mark.parametrize("dim", [2, 16, 128, 300])
def test_one_fast_drag_across_leaves_no_gaps(make, dim):
    widget = make(dim, width=640)
    drag(widget.viewport(), [at(widget, 0, -2.0), at(widget, dim - 1, 2.0)])
    shaped = last(widget)
    # Bars under 3 px have their middle within half a pixel of the line.
    np.testing.assert_allclose(shaped, np.linspace(-2, 2, dim), atol=0.12 + 4.0 / dim / 2)
    assert (np.diff(shaped) > 0).all()
    assert len(keys_of(widget)) == 1
    assert next(iter(keys_of(widget))).startswith("bars:0:")


def test_a_drag_from_right_to_left_shapes_as_well(make):
    widget = make(16)
    drag(widget.viewport(), [at(widget, 12, 2.0), at(widget, 4, -2.0)])
    np.testing.assert_allclose(last(widget)[4:13], np.linspace(-2, 2, 9), atol=0.15)
    assert not last(widget)[:4].any()
    assert not last(widget)[13:].any()


def test_every_move_of_a_drag_is_sent_at_once(make):
    widget = make(16)
    drag(widget.viewport(), [at(widget, d, 1.0) for d in range(6)])
    assert len(widget.got) == 6
    np.testing.assert_allclose(last(widget)[:6], 1.0, atol=0.06)


def test_beyond_the_top_is_the_end_of_the_range(make):
    widget = make()
    drag(widget.viewport(), [at(widget, 5, 1.0), QPoint(at(widget, 5, 0).x(), -200)])
    assert last(widget)[5] == pytest.approx(HIGH, abs=1e-3)


def test_the_bars_follow_the_order(make):
    widget = make(4)
    widget.set_order([3, 1, 0, 2])
    drag(widget.viewport(), [QPoint(5, round(widget.y_of(1.0)))])
    assert np.flatnonzero(last(widget)).tolist() == [3]


@pytest.mark.parametrize(("button", "held"), [(RIGHT, NONE), (LEFT, ALT)])
def test_the_right_button_and_alt_reset_what_they_cross(make, button, held):
    widget = make(values=np.ones(16))
    view = widget.viewport()
    QTest.mousePress(view, button, held, at(widget, 3, 1.0))
    move(view, at(widget, 7, -1.0), held, button)
    QTest.mouseRelease(view, button, held, at(widget, 7, -1.0))
    assert np.flatnonzero(last(widget) == 0).tolist() == [3, 4, 5, 6, 7]
    assert len(keys_of(widget)) == 1


def test_shift_moves_the_bar_it_began_on_ten_times_finer(make):
    widget = make(values=np.ones(16))
    points = [at(widget, 3, 0.0), at(widget, 3, 1.0), at(widget, 9, 1.0)]
    drag(widget.viewport(), points, SHIFT)
    assert last(widget)[3] == pytest.approx(1.1, abs=0.01)
    assert last(widget)[4:].tolist() == [1.0] * 12


def test_locked_bars_are_immune(make):
    widget = make(values=np.full(16, 0.5))
    mask = np.zeros(16, bool)
    mask[[4, 6]] = True
    widget.set_locks(mask)
    drag(widget.viewport(), [at(widget, 2, 2.0), at(widget, 8, 2.0)])
    assert last(widget)[[4, 6]].tolist() == [0.5, 0.5]
    np.testing.assert_allclose(last(widget)[[2, 3, 5, 7, 8]], 2.0, atol=0.06)
    before = len(widget.got)
    QTest.mouseDClick(widget.viewport(), LEFT, NONE, at(widget, 4, 0.0))
    assert len(widget.got) == before


def test_double_click_resets_in_the_undo_step_of_its_first_click(make):
    widget = make(values=np.ones(16))
    QTest.mouseClick(widget.viewport(), LEFT, NONE, at(widget, 4, 2.0))
    QTest.mouseDClick(widget.viewport(), LEFT, NONE, at(widget, 4, 2.0))
    assert last(widget)[4] == 0.0
    assert len(keys_of(widget)) == 1


def wheel(widget, point, clicks, modifiers=NONE):
    event = QWheelEvent(
        QPointF(point),
        QPointF(widget.viewport().mapToGlobal(point)),
        QPoint(),
        QPoint(0, 120 * clicks),
        Qt.MouseButton.NoButton,
        modifiers,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(widget.viewport(), event)


def test_the_wheel_moves_the_bar_under_it_as_one_burst(make):
    widget = make()
    widget.set_step(0.2)
    wheel(widget, at(widget, 7, 0.0), 1)
    wheel(widget, at(widget, 7, 0.0), 2)
    wheel(widget, at(widget, 7, 0.0), -1, SHIFT)
    assert [float(v[7]) for v, _ in widget.got] == pytest.approx([0.2, 0.6, 0.58])
    assert len(keys_of(widget)) == 1


def test_keys_move_between_bars_and_change_them(make):
    widget = make()
    widget.setFocus()
    QTest.keyClick(widget, Qt.Key.Key_Right)
    QTest.keyClick(widget, Qt.Key.Key_Up)
    QTest.keyClick(widget, Qt.Key.Key_Up, SHIFT)
    assert widget.chosen == [1]
    assert [float(v[1]) for v, _ in widget.got] == pytest.approx([0.1, 0.11])
    QTest.keyClick(widget, Qt.Key.Key_Delete)
    assert last(widget)[1] == 0.0
    QTest.keyClick(widget, Qt.Key.Key_L)
    assert np.flatnonzero(widget.locked[-1]).tolist() == [1]


def test_what_arrives_during_a_drag_moves_only_bars_the_hand_has_not_shaped(make):
    widget = make()
    view = widget.viewport()
    QTest.mousePress(view, LEFT, NONE, at(widget, 2, 1.0))
    move(view, at(widget, 4, 1.0))
    widget.set_latent(np.full(16, -1.0), LatentSpec(16))
    np.testing.assert_allclose(widget.hand.values[2:5], 1.0, atol=0.06)
    assert widget.hand.values[5:].tolist() == [-1.0] * 11
    QTest.mouseRelease(view, LEFT, NONE, at(widget, 4, 1.0))
    assert widget.hand.values.tolist() == [-1.0] * 16


def test_more_bars_than_fit_scroll_and_are_drawn_where_they_are(make):
    widget = make(512)
    bar = widget.horizontalScrollBar()
    assert bar.maximum() == 512 * 2 + 4 - widget.viewport().width()
    widget.set_current(500)
    assert widget.viewport().rect().contains(widget.bar_rect(500).center())
    drag(widget.viewport(), [at(widget, 500, 1.0)])
    assert np.flatnonzero(last(widget)).tolist() == [500]


@pytest.mark.parametrize(
    ("dim", "width"), [(128, 250), (16, 300), (2, 200), (1024, 300), (97, 201)]
)
def test_every_pixel_belongs_to_the_bar_whose_column_covers_it(dim, width):
    layout = BarLayout.of(dim, width, 100)
    for place in range(dim):
        left, right = layout.edges(place)
        assert right > left
        assert {layout.place_at(x) for x in range(left, right)} == {place}
        assert place == 0 or layout.edges(place - 1)[1] == left


def test_bars_show_their_values_hatch_locks_and_read_out_the_hovered(make):
    values = np.zeros(4, np.float32)
    values[1] = 3.0
    widget = make(4, values=values)
    plain = widget.grab().toImage()
    spot = at(widget, 1, 1.5)
    empty = at(widget, 2, 1.5)
    assert plain.pixelColor(spot) != plain.pixelColor(empty)
    widget.set_locks([False, True, False, False])
    hatched = widget.grab().toImage()
    line = {hatched.pixelColor(spot + QPoint(x, 0)).name() for x in range(-8, 8)}
    assert len(line) > 1
    move(widget.viewport(), at(widget, 0, 0.0), buttons=Qt.MouseButton.NoButton)
    corner = widget.grab().toImage().copy(150, 0, 150, 20)
    assert corner != hatched.copy(150, 0, 150, 20)


def test_an_empty_latent_is_painted_and_pressed_in_vain(make):
    widget = make(0)
    widget.grab()
    drag(widget.viewport(), [QPoint(20, 20), QPoint(40, 40)])
    QTest.keyClick(widget, Qt.Key.Key_Up)
    assert widget.got == []
