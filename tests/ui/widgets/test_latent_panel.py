import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from genviewer.core.spec import LatentSpec
from genviewer.ui.widgets.latent_panel import LatentPanel
from genviewer.ui.widgets.latent_rows import STRIP_MIN_HEIGHT
from tests.ui.widgets.hands import LEFT, NONE, drag

SIGNALS = (
    "locks_changed",
    "current_changed",
    "order_chosen",
    "step_changed",
    "strip_wanted",
    "axes_chosen",
)


@pytest.fixture
def make(qtbot):
    def build(dim=16, height=700, width=300):
        panel = LatentPanel()
        panel.edits = []
        panel.edited.connect(lambda values, key: panel.edits.append((values, key)))
        panel.said = {name: [] for name in SIGNALS}
        for name in SIGNALS:
            getattr(panel, name).connect(panel.said[name].append)
        qtbot.addWidget(panel)
        panel.resize(width, height)
        panel.set_latent(np.zeros(dim), LatentSpec(dim))
        with qtbot.waitExposed(panel):
            panel.show()
        return panel

    return build


def click(widget):
    QTest.mouseClick(widget, LEFT, NONE, widget.rect().center())


def shown(panel):
    return [
        np.array(control.values)
        for control in (panel.sliders.hand, panel.equaliser.hand, panel.pad.square.hand)
    ]


def bar_point(panel, dim, value):
    bars = panel.equaliser
    return QPoint(bars.bar_rect(dim).center().x(), round(bars.y_of(value)))


def test_a_drag_on_one_control_shows_on_all_and_is_sent_once_with_its_key(make, qtbot):
    panel = make()
    sliders, bars, square = panel.sliders, panel.equaliser, panel.pad.square
    drag(sliders.viewport(), [sliders.track_point(3, 0.75)])
    drag(bars.viewport(), [bar_point(panel, 4, 1.0)])
    drag(square, [square.point(1, 1).toPoint()])
    assert [key.split(":")[0] for _, key in panel.edits] == ["slider", "bars", "pad"]
    last = panel.edits[-1][0]
    qtbot.waitUntil(lambda: all(np.array_equal(values, last) for values in shown(panel)))
    assert np.flatnonzero(panel.edits[-1][0]).tolist() == [0, 1, 3, 4]


def test_the_answer_to_an_edit_has_the_last_word(make):
    panel = make()
    answer = np.full(16, 0.5, np.float32)
    panel.edited.connect(lambda _values, _key: panel.set_latent(answer, LatentSpec(16)))
    drag(panel.sliders.viewport(), [panel.sliders.track_point(3, 0.75)])
    for values in shown(panel):
        np.testing.assert_array_equal(values, answer)


def test_locks_are_shared(make):
    panel = make()
    lock = panel.sliders.zone_rect(4, "lock").center()
    QTest.mouseClick(panel.sliders.viewport(), LEFT, NONE, lock)
    panel.equaliser.set_current(6)
    QTest.keyClick(panel.equaliser, Qt.Key.Key_L)
    assert np.flatnonzero(panel.said["locks_changed"][-1]).tolist() == [4, 6]
    for hand in (panel.sliders.hand, panel.equaliser.hand, panel.pad.square.hand):
        assert np.flatnonzero(hand.locks).tolist() == [4, 6]
    assert len(panel.said["locks_changed"]) == 2
    assert "2 of 16" in panel.bar.locks.toolTip()


@pytest.mark.parametrize(
    ("text", "count"), [("Lock all", 16), ("Unlock all", 0), ("Invert locks", 13)]
)
def test_the_menu_locks_unlocks_and_inverts(make, text, count):
    panel = make()
    panel.set_locks(np.arange(16) < 3)
    action = next(a for a in panel.bar.locks.menu().actions() if a.text() == text)
    action.trigger()
    assert panel.said["locks_changed"][-1].sum() == count
    assert panel.sliders.hand.locks.sum() == count


def test_reset_spares_locked_dimensions_and_is_a_step_of_its_own(make):
    panel = make()
    panel.set_latent(np.ones(16), LatentSpec(16))
    panel.set_locks(np.arange(16) == 5)
    click(panel.bar.reset)
    assert np.flatnonzero(panel.edits[-1][0]).tolist() == [5]
    panel.set_latent(np.ones(16), LatentSpec(16))
    click(panel.bar.reset)
    assert len({key for _, key in panel.edits}) == 2
    click(panel.bar.reset)
    assert len(panel.edits) == 2  # nothing left to reset


def test_the_current_dimension_is_shared_and_scrolled_to(make):
    panel = make(256)
    drag(panel.equaliser.viewport(), [bar_point(panel, 100, 1.0)])
    assert panel.said["current_changed"] == [100]
    assert panel.sliders.current == 100
    assert panel.sliders.viewport().rect().contains(panel.sliders.row_rect(100))


def test_orders_are_asked_for_and_shown_everywhere(make):
    panel = make(4)
    click(panel.bar.orders["effect"])
    assert panel.said["order_chosen"] == ["effect"]
    panel.set_order("effect", [2, 0, 3, 1], [0.3, 0.1, 0.9, 0.2])
    assert panel.sliders.ranking.dims.tolist() == [2, 0, 3, 1]
    assert panel.equaliser.ranking.dims.tolist() == [2, 0, 3, 1]
    panel.set_order("kl", [0, 1, 2, 3], [0.3, 0.1, 0.9, 0.2])
    assert panel.bar.orders["kl"].isChecked()
    assert "KL 0.9" in panel.sliders.summary(2)
    panel.set_latent(np.zeros(8), LatentSpec(8))
    assert panel.bar.orders["index"].isChecked()


def test_an_order_that_is_not_there_says_why(make):
    panel = make()
    panel.set_order_available("kl", False, "This model has no encoder")
    click(panel.bar.orders["kl"])
    assert panel.said["order_chosen"] == []
    assert panel.bar.orders["kl"].toolTip() == "This model has no encoder"
    panel.set_order_available("kl", True)
    click(panel.bar.orders["kl"])
    assert panel.said["order_chosen"] == ["kl"]


def test_enter_presses_the_button_with_the_focus(make):
    panel = make()
    QTest.keyClick(panel.bar.orders["effect"], Qt.Key.Key_Return)
    assert panel.said["order_chosen"] == []  # it has not got the focus
    panel.activateWindow()
    panel.bar.orders["effect"].setFocus()
    QTest.keyClick(panel.bar.orders["effect"], Qt.Key.Key_Return)
    assert panel.said["order_chosen"] == ["effect"]


def test_the_step_reaches_every_control(make):
    panel = make()
    panel.bar.step.setFocus()
    panel.bar.step.selectAll()
    QTest.keyClicks(panel.bar.step, "0.5")
    QTest.keyClick(panel.bar.step, Qt.Key.Key_Return)
    assert panel.said["step_changed"] == [0.5]
    panel.sliders.setFocus()
    QTest.keyClick(panel.sliders, Qt.Key.Key_Right)
    QTest.keyClick(panel.equaliser, Qt.Key.Key_Up)
    QTest.keyClick(panel.pad.square, Qt.Key.Key_Up)
    assert panel.edits[-1][0][:2].tolist() == [1.0, 0.5]
    panel.set_step(0.25)
    assert panel.bar.step.value() == 0.25
    assert panel.said["step_changed"] == [0.5]


def test_strips_and_axes_pass_through(make, qtbot):
    panel = make()
    qtbot.waitUntil(lambda: panel.said["strip_wanted"] == [0], timeout=2000)
    panel.set_strip(0, np.zeros((7, 8, 8, 1), np.uint8))
    assert panel.sliders._strip.isVisible()
    panel.pad._choose(0, 6)
    assert panel.said["axes_chosen"] == [(5, 1)]
    axes = np.eye(16, dtype=np.float32)
    panel.set_axes(axes[5], axes[1], "z5", "z1")
    assert panel.pad.square.plane.dims == (5, 1)


def state(panel):
    return {name: part.section.is_open for name, part in panel._parts.items()}


def test_sections_fold_when_there_is_no_room_and_come_back(make):
    panel = make(64)
    assert state(panel) == {"equaliser": True, "pad": True}
    panel.resize(300, 300)
    assert state(panel) == {"equaliser": True, "pad": False}
    panel.resize(300, 220)
    assert state(panel) == {"equaliser": False, "pad": False}
    panel.resize(300, 700)
    assert state(panel) == {"equaliser": True, "pad": True}
    assert panel.sections == ("equaliser", "pad")


def test_a_section_opened_by_hand_takes_the_room_of_the_other(make):
    panel = make(64, height=300)
    click(panel._parts["pad"].section.header)
    assert state(panel) == {"equaliser": False, "pad": True}
    click(panel._parts["equaliser"].section.header)
    assert state(panel) == {"equaliser": True, "pad": False}
    click(panel._parts["equaliser"].section.header)
    assert panel.sections == ("pad",)


def test_the_strip_comes_before_a_larger_pad(make):
    panel = make(32, height=536)  # as high as in a window of 1280 x 800
    assert panel.pad.isVisible()
    assert panel.equaliser.isVisible()
    assert panel.sliders.height() >= STRIP_MIN_HEIGHT


def test_folded_sections_are_remembered_by_name(make):
    panel = make(64)
    panel.set_sections(["pad"])
    assert state(panel) == {"equaliser": False, "pad": True}
    panel.set_sections(["equaliser", "something of a later version"])
    assert panel.sections == ("equaliser",)


def test_sections_are_reached_and_turned_by_keyboard(make):
    panel = make(64)
    header = panel._parts["pad"].section.header
    header.setFocus()
    QTest.keyClick(header, Qt.Key.Key_Left)
    assert not state(panel)["pad"]
    QTest.keyClick(header, Qt.Key.Key_Return)
    assert state(panel)["pad"]
    QTest.keyClick(header, Qt.Key.Key_Space)
    assert not state(panel)["pad"]


@pytest.mark.parametrize("dim", [2, 16, 128, 1024])
@pytest.mark.parametrize(("width", "height"), [(280, 300), (300, 480), (360, 900)])
def test_nothing_is_cut_off_at_any_size(make, dim, width, height):
    panel = make(dim, height, width)
    panel.grab()
    assert panel.size().toTuple() == (width, height)
    bar = panel.bar
    for child in (*bar.orders.values(), bar.step, bar.locks, bar.reset, panel.sliders):
        inside = child.rect().translated(child.mapTo(panel, QPoint(0, 0)))
        assert panel.rect().contains(inside)
    assert panel.sliders.height() >= 2 * panel.sliders.row_height


def test_the_pad_begins_with_dimensions_that_do_something(make):
    panel = make(6)
    scores = np.array([0.0, 0.1, 0.0, 0.7, 0.0, 0.9])
    panel.set_order("index", np.arange(6), scores, scores == 0)
    u, v = np.full(6, 6**-0.5), np.array([1, -1, 0, 0, 0, 0]) * 2**-0.5
    panel.set_axes(u, v, "principal 1", "principal 2")
    chosen = []
    panel.axes_chosen.connect(chosen.append)
    panel.pad._choose(0, 2 + 1)
    assert chosen == [(2, 3)]
    panel.pad._choose(0, 3 + 1)
    assert chosen[-1] == (3, 5)
