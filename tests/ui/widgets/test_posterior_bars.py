"""The bars of p(y | x) and the prior beside them."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from genviewer.ui import theme
from genviewer.ui.widgets.posterior_bars import PosteriorBars, percent_text

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def bars(qtbot) -> PosteriorBars:
    made = PosteriorBars()
    qtbot.addWidget(made)
    made.resize(210, 120)
    made.set_classes([str(k) for k in range(10)])
    made.show()
    qtbot.waitExposed(made)
    return made


def bar_lengths(bars) -> list[int]:
    """Pixels of accent colour in the rows that are in sight."""
    image = bars.viewport().grab().toImage()
    accent, found = theme.colors().accent.rgb(), []
    for index in range(6):
        y = bars.row_rect(index).center().y()
        end = bars.prior_rect(index).left() - 40
        found.append(sum(image.pixel(x, y) == accent for x in range(end)))
    return found


def test_the_bar_of_the_best_class_is_as_long_as_it_is_probable(bars):
    posterior = np.full(10, 0.01)
    posterior[2] = 0.91
    bars.set_posterior(posterior)
    high = bar_lengths(bars)
    assert high[2] > 0
    assert sum(high) == high[2]  # the others are in a quieter colour
    bars.set_posterior(np.eye(10)[2] * 0.455 + 0.05)
    assert bar_lengths(bars)[2] == pytest.approx(high[2] * 0.505 / 0.91, abs=4)


def test_a_drag_changes_the_prior_of_one_class_and_a_double_click_brings_it_back(bars, qtbot):
    view, place = bars.viewport(), bars.prior_rect(3)
    with qtbot.waitSignal(bars.prior_edited) as heard:
        QTest.mousePress(view, LEFT, pos=place.center())
    assert heard.args[0][3] == pytest.approx(0.5, abs=0.1)
    QTest.mouseMove(view, QPoint(place.left() - 50, place.center().y()))
    assert bars.prior[3] == 0.0
    assert bars.prior.sum() == 9.0
    QTest.mouseRelease(view, LEFT, pos=place.center())
    QTest.mouseDClick(view, LEFT, pos=place.center())
    assert bars.prior[3] == 1.0


def test_one_class_always_keeps_some_weight(bars):
    bars.set_prior(np.eye(10)[4])
    bars._weigh(4, 0.0)
    assert bars.prior.sum() > 0.0


def test_everything_can_be_done_by_key(bars, qtbot):
    bars.setFocus()
    for _ in range(8):
        QTest.keyClick(bars, Qt.Key.Key_Down)
    assert bars.row_rect(8).bottom() <= bars.viewport().height()  # it came into sight
    QTest.keyClick(bars, Qt.Key.Key_Left)
    assert bars.prior[8] == pytest.approx(0.9)
    assert "8" in bars.accessibleDescription()
    QTest.keyClick(bars, Qt.Key.Key_Backspace)
    assert bars.prior[8] == 1.0
    with qtbot.waitSignal(bars.class_chosen) as heard:
        QTest.keyClick(bars, Qt.Key.Key_Return)
    assert heard.args == [8]


def test_a_click_on_a_class_asks_to_go_there(bars, qtbot):
    with qtbot.waitSignal(bars.class_chosen) as heard:
        QTest.mouseClick(bars.viewport(), LEFT, pos=bars.row_rect(1).center())
    assert heard.args == [1]


def test_other_classes_begin_anew(bars):
    bars.set_posterior(np.eye(10)[0])
    bars.set_classes(["a", "b"])
    assert bars.prior.tolist() == [1.0, 1.0]
    assert "%" in bars.describe(0)
    bars.set_posterior([0.25, 0.75])
    assert bars.describe(1).startswith("b: 75.0 %")


def test_probabilities_are_not_rounded_to_what_they_are_not():
    assert percent_text(0.0) == "0.0 %"
    assert percent_text(1.0) == "100.0 %"
    assert percent_text(1e-9) == "<0.1 %"
    assert percent_text(1.0 - 1e-9) == ">99.9 %"
    assert percent_text(0.9994) == "99.9 %"


def test_a_class_that_newly_leads_comes_into_sight(bars, monkeypatch):
    monkeypatch.setattr(bars, "underMouse", lambda: False)  # wherever the pointer happens to be
    bars.set_classes([str(k) for k in range(60)])

    def lead(index):
        posterior = np.full(60, 0.001)
        posterior[index] = 0.9
        bars.set_posterior(posterior)
        return bars.verticalScrollBar().value()

    assert lead(2) == 0
    there = lead(50)
    assert bars.viewport().rect().contains(bars.row_rect(50))
    bars.verticalScrollBar().setValue(0)
    assert lead(50) == 0 != there  # who looks elsewhere is left there
    monkeypatch.setattr(bars, "underMouse", lambda: True)
    assert lead(30) == 0  # nothing moves away under the hand


def test_rows_give_way_a_little_before_a_scroll_bar_comes(bars):
    bars.resize(210, 160)
    assert bars.verticalScrollBar().maximum() == 0
    assert bars.row_rect(9).bottom() < bars.viewport().height()
    bars.resize(210, 120)
    assert bars.verticalScrollBar().maximum() > 0
