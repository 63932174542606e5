import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from genviewer.ui.widgets.blend_bar import BlendBar
from tests.ui.widgets import hands
from tests.ui.widgets.hands import LEFT

NAMES = ("cat", "dog", "a rather long-haired guinea pig", "owl")


@pytest.fixture
def blend(qtbot):
    bar = BlendBar()
    qtbot.addWidget(bar)
    bar.set_names(NAMES, "animal")
    bar.resize(280, 160)
    bar.set_weights({0: 0.5, 1: 0.3, 2: 0.2})
    bar.show()
    bar.got = []
    bar.edited.connect(lambda weights, key: bar.got.append((weights, key)))
    return bar


def test_dragging_a_divider_moves_its_two_neighbours(blend):
    bar = blend.bar
    points = [QPoint(round(x), 15) for x in (bar.dividers()[0], 0.6 * 279, 0.7 * 279)]
    hands.drag(bar, points)
    assert blend.got[-1][0] == pytest.approx({0: 0.7, 1: 0.1, 2: 0.2}, abs=0.01)
    assert len(blend.got) == 2
    assert len({key for _, key in blend.got}) == 1


def test_a_press_between_dividers_holds_nothing(blend):
    hands.drag(blend.bar, [QPoint(40, 15), QPoint(100, 15)])
    assert blend.got == []


def test_a_slider_to_the_end_and_back_keeps_the_ratios(blend):
    track = blend.slider(0).track
    hands.drag(track, [QPoint(round(track._x(f)), 12) for f in (0.5, 1.0, 0.5)])
    weights = blend.got[-1][0]
    assert weights[1] / weights[2] == pytest.approx(1.5)
    assert weights[0] == pytest.approx(0.5, abs=0.02)
    assert min(blend.got[0][0].values()) > 0  # nobody falls out of the blend on the way


def test_removing_the_others_leaves_one(blend):
    for index in (0, 2):
        QTest.mouseClick(blend.remove_button(index), LEFT)
    assert [weights for weights, _ in blend.got] == [
        pytest.approx({1: 0.6, 2: 0.4}),
        {1: 1.0},
    ]
    assert blend.got[0][1] != blend.got[1][1]


def test_rows_follow_the_blend(blend):
    blend.set_weights({1: 0.1, 3: 0.9})
    assert blend.slider(3).value == pytest.approx(0.9)
    assert blend.slider(3).box.text() == "90 %"
    with pytest.raises(KeyError):
        blend.slider(0)
    assert blend.got == []


def test_keys_on_a_row_change_its_share(blend):
    blend.set_weights({0: 0.5, 1: 0.5})
    blend.slider(1).track.setFocus()
    QTest.keyClick(blend.slider(1).track, Qt.Key.Key_Right)
    assert blend.got[-1][0][1] == pytest.approx(0.51, abs=0.001)
