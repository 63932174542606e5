import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QScrollArea

from genviewer.ui.widgets.seed_panel import MAX_SEED, SeedPanel
from tests.ui.widgets import hands
from tests.ui.widgets.hands import LEFT

SIGNALS = [
    "seed_chosen",
    "dice_wanted",
    "truncation_edited",
    "vary_wanted",
    "vary_strength_changed",
    "walk_toggled",
    "walk_options_changed",
]


@pytest.fixture
def panel(qtbot):
    panel = SeedPanel()
    qtbot.addWidget(panel)
    panel.resize(300, 400)
    panel.show()
    qtbot.waitExposed(panel)
    panel.got = []
    for name in SIGNALS:
        getattr(panel, name).connect(lambda *values, n=name: panel.got.append((n, *values)))
    return panel


def slide(slider, *fractions):
    hands.drag(slider.track, [QPoint(round(slider.track._x(f)), 12) for f in fractions])


def test_a_seed_is_typed_and_entered(panel):
    panel.seed.setFocus()
    panel.seed.selectAll()
    QTest.keyClicks(panel.seed, "1234")
    assert panel.got == []
    QTest.keyClick(panel.seed, Qt.Key.Key_Return)
    assert panel.got == [("seed_chosen", 1234)]


def test_enter_chooses_the_seed_shown_once_more(panel):
    panel.set_seed(77)
    assert panel.got == []
    QTest.keyClick(panel.seed, Qt.Key.Key_Return)
    assert panel.got == [("seed_chosen", 77)]


def test_seeds_are_31_bits(panel):
    panel.set_seed(MAX_SEED)
    assert panel.seed.value() == MAX_SEED
    QTest.keyClick(panel.seed, Qt.Key.Key_Up)
    assert panel.seed.value() == MAX_SEED


def test_dice_and_vary(panel):
    panel.set_vary_strength(0.6)
    QTest.mouseClick(panel.dice, LEFT)
    QTest.mouseClick(panel.vary, LEFT)
    assert panel.got == [("dice_wanted",), ("vary_wanted", 0.6)]


def test_the_strength_is_told_while_it_is_dragged(panel):
    slide(panel.strength, 0.3, 0.5, 0.7)
    assert [name for name, _ in panel.got] == ["vary_strength_changed"] * 2
    assert panel.got[-1][1] == pytest.approx(0.7, abs=0.02)


def test_truncation_is_dragged_in_one_step_and_reset(panel):
    slide(panel.truncation, 2 / 3, 0.5, 0.25)
    assert [v for _, v, _ in panel.got] == pytest.approx([0.75, 0.375], abs=0.02)
    assert len({key for _, _, key in panel.got}) == 1
    QTest.mouseClick(panel.reset_truncation, LEFT)
    assert panel.got[-1][1] == 1.0
    assert not panel.reset_truncation.isEnabled()


def test_a_model_without_truncation_has_none(panel):
    panel.set_truncation(1.0, False)
    slide(panel.truncation, 0.5, 0.2)
    assert panel.got == []


def test_the_walk_button_asks_and_shows_what_is_so(panel):
    QTest.mouseClick(panel.walk, LEFT)
    assert panel.got == [("walk_toggled", True)]
    assert panel.walk.text() == "Walk"
    panel.set_walking(True)
    assert panel.walk.text() == "Pause"
    QTest.mouseClick(panel.walk, LEFT)
    assert panel.got[-1] == ("walk_toggled", False)


def test_each_kind_of_walk_has_its_own_pace(panel):
    panel.set_walk_options("random", 2.0, 12.0)
    assert panel.speed.isVisible()
    assert not panel.seconds.isVisible()
    QTest.mouseClick(panel.mode_buttons["loop"], LEFT)
    assert panel.got == [("walk_options_changed", "loop", 2.0, 12.0)]
    assert panel.seconds.isVisible()
    slide(panel.seconds, panel.seconds.track.fraction, 1.0)
    assert panel.got[-1] == ("walk_options_changed", "loop", 2.0, pytest.approx(60.0, rel=0.02))


def test_locks_are_mentioned_where_there_are_any(panel):
    panel.set_locked(1)
    assert panel.note.text() == "1 locked dimension stays."
    assert panel.note.isVisible()
    panel.set_locked(0)
    assert not panel.note.isVisible()


def test_no_row_is_cut_off_beside_a_scroll_bar(panel):
    area = panel.findChild(QScrollArea)
    panel.resize(264, 120)  # as wide as the window lets it be at first, and low
    panel.set_locked(3)
    QApplication.processEvents()
    assert area.verticalScrollBar().isVisible()
    assert area.widget().width() <= area.viewport().width()
