import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QKeySequence, QShortcut, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMainWindow

from genviewer.core.spec import LatentSpec
from genviewer.ui import theme
from genviewer.ui.widgets import latent_rows
from genviewer.ui.widgets.latent_sliders import LatentSliders
from genviewer.ui.widgets.value_editor import ValueEditor
from tests.ui.widgets.hands import LEFT, NONE, drag, move

SHIFT = Qt.KeyboardModifier.ShiftModifier
CTRL = Qt.KeyboardModifier.ControlModifier
HIGH = 3.0902


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def make(qtbot):
    def build(dim=16, prior="normal", values=None, height=300):
        widget = LatentSliders()
        widget.hand.clock = widget.clock = Clock()
        widget.got, widget.locked, widget.chosen, widget.strips = [], [], [], []
        widget.edited.connect(lambda values, key: widget.got.append((values, key)))
        widget.locks_changed.connect(widget.locked.append)
        widget.current_changed.connect(widget.chosen.append)
        widget.strip_wanted.connect(widget.strips.append)
        widget.resize(300, height)
        qtbot.addWidget(widget)
        widget.set_latent(np.zeros(dim) if values is None else values, LatentSpec(dim, prior))
        with qtbot.waitExposed(widget):
            widget.show()
        return widget

    return build


def pull(widget, dim, fractions, modifiers=NONE):
    drag(widget.viewport(), [widget.track_point(dim, f) for f in fractions], modifiers)


def wheel(widget, point, clicks=1, modifiers=NONE):
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


def key(widget, which, modifiers=NONE):
    QTest.keyClick(widget, which, modifiers)


def values_of(widget, dim):
    return [float(values[dim]) for values, _ in widget.got]


def keys_of(widget):
    return [key for _, key in widget.got]


def test_a_press_on_the_track_jumps_there_and_drags_under_one_key(make):
    widget = make()
    pull(widget, 3, [0.75, 0.8, 0.9])
    assert values_of(widget, 3) == pytest.approx([HIGH * 0.5, HIGH * 0.6, HIGH * 0.8], abs=0.05)
    assert len(set(keys_of(widget))) == 1
    assert keys_of(widget)[0].startswith("slider:3:")
    sent = widget.got[-1][0]
    assert sent.dtype == np.float32
    assert np.flatnonzero(sent).tolist() == [3]


def test_two_drags_are_two_undo_steps(make):
    widget = make()
    pull(widget, 3, [0.75, 0.8])
    pull(widget, 3, [0.8, 0.7])
    assert len(set(keys_of(widget))) == 2


def test_a_press_on_the_handle_moves_nothing_until_the_hand_does(make):
    widget = make()
    start = widget.track_point(2, 0.5) + QPoint(5, 0)
    QTest.mousePress(widget.viewport(), LEFT, NONE, start)
    assert widget.got == []
    move(widget.viewport(), start + QPoint(10, 0))
    expected = 10 / (widget.track_point(2, 1.0) - widget.track_point(2, 0.0)).x() * 2 * HIGH
    assert values_of(widget, 2) == pytest.approx([expected], abs=0.05)
    QTest.mouseRelease(widget.viewport(), LEFT, NONE, start)


def test_shift_drags_ten_times_finer(make):
    widget = make()
    pull(widget, 2, [0.5, 0.7])
    coarse = values_of(widget, 2)[-1]
    widget.set_latent(np.zeros(16), LatentSpec(16))
    pull(widget, 2, [0.5, 0.7], SHIFT)
    assert values_of(widget, 2)[-1] == pytest.approx(coarse / 10, abs=0.01)


def test_a_drag_beyond_the_end_stays_at_the_end_and_comes_back_with_the_hand(make):
    widget = make()
    pull(widget, 2, [0.5, 1.5, 1.2, 0.75])
    assert values_of(widget, 2) == pytest.approx([HIGH, HIGH * 0.5], abs=0.05)


@pytest.mark.parametrize(
    ("prior", "high"), [("normal", HIGH), ("uniform", 1.0), ("truncated_normal", 2.0)]
)
def test_the_track_spans_the_prior(make, prior, high):
    widget = make(prior=prior)
    pull(widget, 0, [0.9, 3.0])
    pull(widget, 0, [0.1, -2.0])
    found = values_of(widget, 0)
    assert max(found) == pytest.approx(high, abs=1e-3)
    assert min(found) == pytest.approx(-high, abs=1e-3)


def test_a_value_outside_the_range_shows_at_the_end_and_in_the_box(make, monkeypatch):
    values = np.zeros(4, np.float32)
    values[1] = 7.5
    widget = make(4, values=values)
    seen = {}
    monkeypatch.setattr(
        latent_rows,
        "paint_row",
        lambda p, top, width, at, state, c: seen.update({state.label: state}),
    )
    widget.viewport().repaint()
    assert seen["z1"].fraction == 1.0
    assert seen["z1"].text == "7.50"
    widget.setFocus()
    widget.set_current(1)
    key(widget, Qt.Key.Key_Right)
    assert widget.got == []  # not pulled back into the range by a step outwards
    key(widget, Qt.Key.Key_Left)
    assert values_of(widget, 1) == pytest.approx([7.4])


def test_what_arrives_during_a_drag_moves_everything_but_the_dimension_under_the_hand(make):
    widget = make()
    view = widget.viewport()
    QTest.mousePress(view, LEFT, NONE, widget.track_point(3, 0.75))
    held = widget.hand.values[3]
    widget.set_latent(np.full(16, -1.0), LatentSpec(16))
    assert widget.hand.values[3] == held
    assert widget.hand.values[4] == -1.0
    move(view, widget.track_point(3, 0.8))
    sent = widget.got[-1][0]
    assert sent[3] > held
    assert sent[4] == -1.0
    widget.set_latent(np.full(16, 0.25), LatentSpec(16))
    QTest.mouseRelease(view, LEFT, NONE, widget.track_point(3, 0.8))
    assert widget.hand.values[3] == 0.25  # the last word was not the hand's


def test_an_echo_of_every_edit_changes_nothing(make):
    widget = make()
    widget.edited.connect(lambda values, _key: widget.set_latent(values, LatentSpec(16)))
    pull(widget, 3, [0.75, 0.8, 0.9])
    assert len(widget.got) == 3
    assert widget.hand.values[3] == widget.got[-1][0][3]


def test_another_model_in_the_middle_of_a_drag_ends_it(make):
    widget = make()
    QTest.mousePress(widget.viewport(), LEFT, NONE, widget.track_point(12, 0.75))
    widget.set_latent(np.zeros(4), LatentSpec(4))
    before = len(widget.got)
    move(widget.viewport(), widget.track_point(1, 0.9))
    QTest.mouseRelease(widget.viewport(), LEFT, NONE, widget.track_point(1, 0.9))
    assert len(widget.got) == before


def test_double_click_resets_in_the_undo_step_of_its_first_click(make):
    values = np.full(16, 1.0, np.float32)
    widget = make(values=values)
    point = widget.track_point(5, 0.1)
    QTest.mouseClick(widget.viewport(), LEFT, NONE, point)
    QTest.mouseDClick(widget.viewport(), LEFT, NONE, point)
    assert values_of(widget, 5)[-1] == 0.0
    assert len(set(keys_of(widget))) == 1


def test_double_click_on_the_label_resets(make):
    widget = make(values=np.full(16, 1.0))
    QTest.mouseDClick(widget.viewport(), LEFT, NONE, widget.zone_rect(5, "label").center())
    assert values_of(widget, 5) == [0.0]


def test_the_padlock_locks_and_a_stroke_over_padlocks_locks_them_all(make):
    widget = make()
    drag(widget.viewport(), [widget.zone_rect(dim, "lock").center() for dim in (2, 3, 4)])
    assert np.flatnonzero(widget.locked[-1]).tolist() == [2, 3, 4]
    QTest.mouseClick(widget.viewport(), LEFT, NONE, widget.zone_rect(3, "lock").center())
    assert np.flatnonzero(widget.locked[-1]).tolist() == [2, 4]


def test_nothing_moves_a_locked_dimension(make):
    values = np.ones(16, np.float32)
    widget = make(values=values)
    mask = np.zeros(16, bool)
    mask[3] = True
    widget.set_locks(mask)
    widget.set_current(3)
    widget.setFocus()
    pull(widget, 3, [0.2, 0.9])
    QTest.mouseDClick(widget.viewport(), LEFT, NONE, widget.track_point(3, 0.2))
    wheel(widget, widget.track_point(3, 0.5), modifiers=CTRL)
    for which in (Qt.Key.Key_Right, Qt.Key.Key_Delete, Qt.Key.Key_Home, Qt.Key.Key_F2):
        key(widget, which)
    assert widget.got == []
    assert widget.locked == []
    assert not widget.findChild(ValueEditor).isVisible()


def test_keys_step_finely_and_coarsely_and_go_to_the_ends(make):
    widget = make()
    widget.set_step(0.2)
    widget.setFocus()
    key(widget, Qt.Key.Key_Right)
    key(widget, Qt.Key.Key_Right, SHIFT)
    key(widget, Qt.Key.Key_Left, CTRL)
    key(widget, Qt.Key.Key_End)
    key(widget, Qt.Key.Key_Home)
    key(widget, Qt.Key.Key_0)
    expected = [0.2, 0.22, -1.78, HIGH, -HIGH, 0.0]
    assert values_of(widget, 0) == pytest.approx(expected, abs=1e-3)
    key(widget, Qt.Key.Key_L)
    assert widget.locked[-1][0]


def test_up_and_down_follow_the_order_and_scroll(make):
    widget = make(64)
    order = np.arange(64)[::-1]
    widget.set_order(order, np.ones(64), None)
    widget.set_current(63)
    widget.setFocus()
    key(widget, Qt.Key.Key_Down)
    key(widget, Qt.Key.Key_Up)
    assert widget.chosen == [62, 63]
    key(widget, Qt.Key.Key_End, CTRL)
    assert widget.current == 0
    assert widget.viewport().rect().contains(widget.row_rect(0))
    assert widget.got == []


def test_key_presses_of_one_burst_share_a_key_and_a_pause_or_another_row_ends_it(make):
    widget = make()
    widget.setFocus()
    for pause in (0.0, 0.3, 0.5, 0.7):
        widget.clock.now += pause
        key(widget, Qt.Key.Key_Right)
    key(widget, Qt.Key.Key_Down)
    key(widget, Qt.Key.Key_Right)
    keys = keys_of(widget)
    assert keys[0] == keys[1] == keys[2]
    assert len(set(keys)) == 3


def test_the_wheel_scrolls_the_list_unless_a_value_is_meant(make):
    widget = make(64)
    point = widget.track_point(2, 0.5)
    wheel(widget, point, -1)
    assert widget.verticalScrollBar().value() > 0
    assert widget.got == []
    widget.verticalScrollBar().setValue(0)
    wheel(widget, point, 1, CTRL)
    wheel(widget, point, 1, CTRL | SHIFT)
    assert values_of(widget, 2) == pytest.approx([0.1, 0.11])
    assert len(set(keys_of(widget))) == 1


def test_the_wheel_moves_the_current_row_only_with_focus_and_never_while_scrolling(make):
    widget = make(64)
    widget.setFocus()
    point = widget.track_point(0, 0.5)
    wheel(widget, widget.track_point(4, 0.5), 1)  # another row: scrolls, to where it is already
    wheel(widget, point, 1)
    assert widget.got == []
    widget.clock.now += 1.0
    wheel(widget, point, 1)
    assert values_of(widget, 0) == pytest.approx([0.1])


def typed(widget, dim, text, end=Qt.Key.Key_Return):
    QTest.mouseClick(widget.viewport(), LEFT, NONE, widget.zone_rect(dim, "value").center())
    editor = widget.findChild(ValueEditor)
    assert editor.isVisible()
    QTest.keyClicks(editor, text)
    QTest.keyClick(editor, end)
    return editor


def test_a_value_is_typed_with_a_point_or_a_comma_beyond_the_range_if_wanted(make):
    widget = make()
    assert not typed(widget, 4, "-1.25").isVisible()
    typed(widget, 4, "0,5")
    typed(widget, 4, "5")
    assert values_of(widget, 4) == [-1.25, 0.5, 5.0]
    assert len(set(keys_of(widget))) == 3
    assert widget.hasFocus()


def test_escape_and_no_number_leave_the_value_alone(make):
    widget = make()
    typed(widget, 4, "2", Qt.Key.Key_Escape)
    editor = typed(widget, 4, "-")
    assert editor.isVisible()  # a minus alone is no number yet
    QTest.keyClick(editor, Qt.Key.Key_Escape)
    typed(widget, 4, "abc")  # letters are not let in, the old text stays
    assert widget.got == []


def test_tab_goes_on_typing_in_the_next_row(make):
    widget = make()
    editor = typed(widget, 4, "1", Qt.Key.Key_Tab)
    assert editor.isVisible()
    QTest.keyClicks(editor, "2")
    QTest.keyClick(editor, Qt.Key.Key_Return)
    assert widget.got[-1][0][[4, 5]].tolist() == [1.0, 2.0]


def test_scrolling_takes_what_was_typed(make):
    widget = make(64)
    QTest.mouseClick(widget.viewport(), LEFT, NONE, widget.zone_rect(2, "value").center())
    QTest.keyClicks(widget.findChild(ValueEditor), "1")
    widget.verticalScrollBar().setValue(100)
    assert values_of(widget, 2) == [1.0]
    assert not widget.findChild(ValueEditor).isVisible()


def test_the_editor_says_which_value_it_edits_and_keeps_focus_from_shortcuts(make):
    widget = make()
    widget.set_current(7)
    widget.setFocus()
    key(widget, Qt.Key.Key_Return)
    assert widget.findChild(ValueEditor).accessibleName() == "Value of z7"


def test_window_shortcuts_get_digits_but_not_the_lists_own_keys(qtbot):
    window = QMainWindow()
    qtbot.addWidget(window)
    widget = LatentSliders(window)
    window.setCentralWidget(widget)
    widget.set_latent(np.full(4, 1.0), LatentSpec(4))
    got, fired = [], []
    widget.edited.connect(lambda values, _key: got.append(float(values[0])))
    for sequence in ("Del", "Right", "3", "0"):
        shortcut = QShortcut(QKeySequence(sequence), window)
        shortcut.activated.connect(lambda s=sequence: fired.append(s))
    with qtbot.waitExposed(window):
        window.show()
    window.activateWindow()
    widget.setFocus()
    for which in (Qt.Key.Key_Right, Qt.Key.Key_Delete, Qt.Key.Key_3, Qt.Key.Key_0):
        key(widget, which)
    assert got == pytest.approx([1.1, 0.0])
    assert fired == ["3", "0"]


def test_typing_is_not_cut_short_by_the_windows_shortcuts(qtbot):
    window = QMainWindow()
    qtbot.addWidget(window)
    widget = LatentSliders(window)
    window.setCentralWidget(widget)
    widget.set_latent(np.zeros(4), LatentSpec(4))
    fired = []
    for sequence in ("Tab", "3", "Esc"):
        shortcut = QShortcut(QKeySequence(sequence), window)
        shortcut.activated.connect(lambda s=sequence: fired.append(s))
    with qtbot.waitExposed(window):
        window.show()
    window.activateWindow()
    editor = typed(widget, 1, "3", Qt.Key.Key_Tab)
    QTest.keyClick(editor, Qt.Key.Key_Escape)
    assert fired == []
    assert widget.hand.values.tolist() == [0.0, 3.0, 0.0, 0.0]


def test_a_handle_is_found_where_it_is_and_dragged_from_there(make):
    widget = make(values=np.linspace(-2, 2, 16))
    widget.set_order(np.arange(16)[::-1])
    start = widget.handle_position(13)
    drag(widget.viewport(), [start, start + QPoint(4, 0)])
    assert len(widget.got) == 1
    assert 0 < widget.got[0][0][13] - np.linspace(-2, 2, 16)[13] < 0.3


def painted(widget, monkeypatch, act):
    rows = []
    with monkeypatch.context() as patch:
        patch.setattr(
            latent_rows, "paint_row", lambda p, top, width, at, state, c: rows.append(state.label)
        )
        act()
        QApplication.processEvents()
    return rows


def test_only_rows_in_sight_are_painted_and_a_drag_repaints_its_own(make, monkeypatch):
    widget = make(512)
    QApplication.processEvents()
    rows = painted(widget, monkeypatch, widget.viewport().update)
    assert len(rows) <= widget.viewport().height() // widget.row_height + 2
    QTest.mousePress(widget.viewport(), LEFT, NONE, widget.track_point(3, 0.75))
    QApplication.processEvents()
    rows = painted(widget, monkeypatch, lambda: move(widget.viewport(), widget.track_point(3, 0.8)))
    assert rows == ["z3"]
    echo = widget.hand.values.copy()
    assert painted(widget, monkeypatch, lambda: widget.set_latent(echo, LatentSpec(512))) == []
    hidden = echo.copy()
    hidden[500] = 1.0
    assert painted(widget, monkeypatch, lambda: widget.set_latent(hidden, LatentSpec(512))) == []
    QTest.mouseRelease(widget.viewport(), LEFT, NONE, widget.track_point(3, 0.8))


def test_a_row_far_down_is_reached_and_dragged(make):
    widget = make(1024)
    widget.set_current(1000)
    pull(widget, 1000, [0.75])
    assert values_of(widget, 1000) == pytest.approx([HIGH / 2], abs=0.05)


def test_order_scores_and_dead_marks_show(make, monkeypatch):
    widget = make(4)
    dead = np.array([False, True, False, False])
    widget.set_order([2, 0, 3, 1], [0.2, 0.0, 0.8, 0.4], dead)
    rows = []
    monkeypatch.setattr(
        latent_rows, "paint_row", lambda p, top, width, at, state, c: rows.append(state)
    )
    widget.viewport().repaint()
    assert [(r.label, r.score, r.dead) for r in rows] == [
        ("z2", 1.0, False),
        ("z0", pytest.approx(0.25), False),
        ("z3", pytest.approx(0.5), False),
        ("z1", 0.0, True),
    ]
    assert widget.summary(2) == "z2 = 0.00, 50th percentile of the prior; effect 0.8"
    assert "no effect" in widget.summary(1)


@pytest.mark.parametrize("dims", [[0, 1, 2], [0, 1, 2, 2], [1, 2, 3, 4]])
def test_an_order_that_is_none_is_refused(make, dims):
    with pytest.raises(ValueError, match="once"):
        make(4).set_order(dims)


def test_values_that_do_not_fit_are_refused(make):
    widget = make(4)
    with pytest.raises(ValueError, match="4 finite"):
        widget.set_latent(np.zeros(5), LatentSpec(4))
    with pytest.raises(ValueError, match="4 finite"):
        widget.set_latent([0.0, np.nan, 0.0, 0.0], LatentSpec(4))


def test_a_strip_is_asked_for_once_things_rest(make, qtbot):
    widget = make()
    qtbot.waitUntil(lambda: widget.strips == [0], timeout=2000)
    widget.setFocus()
    for _ in range(5):
        key(widget, Qt.Key.Key_Down)
    qtbot.waitUntil(lambda: widget.strips == [0, 5], timeout=2000)
    widget.set_latent(np.full(16, 0.5), LatentSpec(16))  # what the others are decides the strip
    qtbot.waitUntil(lambda: widget.strips == [0, 5, 5], timeout=2000)


def test_the_mouse_shows_the_strip_of_the_row_under_it(make, qtbot):
    widget = make()
    move(widget.viewport(), widget.track_point(4, 0.5), buttons=Qt.MouseButton.NoButton)
    assert widget.shown_dim == 4
    qtbot.waitUntil(lambda: widget.strips[-1:] == [4], timeout=2000)
    assert widget.chosen == []


def test_a_click_on_a_thumbnail_sets_its_value(make):
    widget = make()
    widget.set_strip(0, np.zeros((5, 8, 8, 3), np.uint8), [-2.0, -1.0, 0.0, 1.0, 2.0])
    strip = widget._strip
    assert strip.isVisible()
    QTest.mouseClick(strip, LEFT, NONE, strip.cell(3).center())
    assert values_of(widget, 0) == [1.0]


@pytest.mark.parametrize("shape", [(3, 8, 8, 1), (7, 4, 9, 3), (9, 64, 64, 4)])
def test_a_strip_shows_its_pictures(make, shape):
    widget = make()
    pixels = np.zeros(shape, np.uint8)
    pixels[1] = 255
    widget.set_strip(0, pixels)
    grabbed = widget._strip.grab().toImage()
    ratio = grabbed.devicePixelRatio()
    second, third = (widget._strip.cell(i).center() * ratio for i in (1, 2))
    assert grabbed.pixelColor(second).lightness() > 200
    assert grabbed.pixelColor(third).lightness() < 50


def test_thousands_of_moves_are_all_sent(make):
    widget = make()
    view = widget.viewport()
    QTest.mousePress(view, LEFT, NONE, widget.track_point(3, 0.5))
    left, right = widget.track_point(3, 0.1), widget.track_point(3, 0.9)
    for i in range(4000):
        move(view, left if i % 2 else right)
    QTest.mouseRelease(view, LEFT, NONE, left)
    assert len(widget.got) == 4000
    assert len(set(keys_of(widget))) == 1


def marked(widget, dim):
    """Columns of the viewport in which the row of a dimension has the colour of the band."""
    image, row = widget.viewport().grab().toImage(), widget.row_rect(dim)
    colour = theme.colors().warning.rgb()
    return [
        x
        for x in range(row.width())
        if any(image.pixel(x, row.top() + y) == colour for y in range(2, 10))
    ]


def test_where_an_image_lies_is_a_band_around_its_mean(make):
    widget = make(dim=4)
    assert marked(widget, 1) == []
    widget.set_posterior([0.0, 1.0, -2.0, 0.5], [0.1, 0.5, 0.2, 9.0])
    fractions = [widget.hand.range.fraction(x) for x in (0.5, 1.5)]
    low, high = (widget.track_point(1, f).x() for f in fractions)
    found = marked(widget, 1)
    assert abs(found[0] - low) <= 2
    assert abs(found[-1] - high) <= 2
    assert "the image at 1.00 ± 0.50" in widget.summary(1)
    wide = marked(widget, 3)  # wider than the range: the band ends where the track does
    assert wide[-1] <= widget.track_point(3, 1.0).x() + 2
    widget.set_posterior([0.0, 1.0], [1.0, 1.0])  # of another latent space
    assert marked(widget, 1) == []
    widget.set_posterior(np.zeros(4), np.ones(4))
    widget.set_latent(np.zeros(6), LatentSpec(6, "normal"))
    assert marked(widget, 1) == []
