import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest

from genviewer.core.latent import Latent
from genviewer.core.recipe import ModelRef, Recipe
from genviewer.core.scene import CompareOptions, Pane, Scene
from genviewer.ui.widgets.compare_view import CompareView
from genviewer.ui.widgets.pane_pictures import difference, same_size
from genviewer.ui.widgets.pixels_to_image import rgb_bytes

LEFT = Qt.MouseButton.LeftButton


def scene(count=2, focus=0, **options):
    recipe = Recipe(Latent(np.zeros(2, np.float32)))
    panes = tuple(Pane(ModelRef(f"model-{k}", str(k)), recipe) for k in range(count))
    made = Scene(panes, focus=focus)
    return made.with_options(CompareOptions(**options))


@pytest.fixture
def view(qtbot):
    view = CompareView()
    qtbot.addWidget(view)
    view.resize(800, 432)
    view.set_scene(scene())
    view.show()
    qtbot.waitExposed(view)
    view.pictures.show_pixels(0, np.full((8, 8, 1), 40, np.uint8))
    view.pictures.show_pixels(1, np.full((8, 8, 1), 200, np.uint8))
    return view


def grey_at(view, x, y):
    image = view.pictures.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    words = np.frombuffer(image.constBits(), np.uint32).reshape(image.height(), image.width())
    return int(rgb_bytes(words, 1)[y, x, 0])


def test_side_by_side_each_pane_has_its_column(view):
    assert grey_at(view, 200, 200) == 40
    assert grey_at(view, 600, 200) == 200


def test_a_swipe_shows_one_left_and_the_other_right_of_the_divider_that_a_hand_moves(view, qtbot):
    view.set_scene(scene(mode="swipe", divider=0.25))
    place = view.pictures._pictures[0].rect
    quarter = place.left() + place.width() // 4
    assert grey_at(view, quarter - 20, 100) == 40
    assert grey_at(view, quarter + 20, 100) == 200
    moves = []
    view.pictures.divider_moved.connect(lambda at, key: moves.append((at, key)))
    QTest.mousePress(view.pictures, LEFT, pos=QPoint(quarter, 200))
    QTest.mouseMove(view.pictures, QPoint(place.center().x(), 200))
    QTest.mouseMove(view.pictures, QPoint(place.right() + 500, 200))
    QTest.mouseRelease(view.pictures, LEFT, pos=QPoint(place.right() + 500, 200))
    assert [round(at, 2) for at, _ in moves] == [0.5, 1.0]
    assert len({key for _, key in moves}) == 1


def test_the_arrow_keys_move_the_divider(view):
    view.set_scene(scene(mode="swipe"))
    moves = []
    view.pictures.divider_moved.connect(lambda at, key: moves.append(at))
    QTest.keyClick(view.pictures, Qt.Key.Key_Right)
    assert moves == [pytest.approx(0.52)]


def test_a_difference_is_about_mid_grey(view):
    view.set_scene(scene(mode="difference", gain=1.0))
    assert grey_at(view, 400, 200) == 128 - 80
    view.set_scene(scene(mode="difference", gain=1.0, focus=1))
    assert grey_at(view, 400, 200) == 128 + 80


def test_flicker_takes_turns_while_it_is_seen(view, qtbot):
    view.set_scene(scene(mode="flicker"))
    seen = set()
    qtbot.waitUntil(lambda: seen.add(grey_at(view, 400, 200)) or seen == {40, 200}, timeout=5000)
    view.hide()
    assert not view.pictures._flicker.isActive()


def test_a_press_on_another_pane_asks_for_the_focus_and_a_drag_moves(view):
    asked, drags = [], []
    view.focus_wanted.connect(asked.append)
    view.pictures.dragged_on_image.connect(lambda dx, dy, fine, key: drags.append((dx, dy, key)))
    QTest.mousePress(view.pictures, LEFT, pos=QPoint(600, 200))
    QTest.mouseMove(view.pictures, QPoint(640, 160))
    QTest.mouseRelease(view.pictures, LEFT, pos=QPoint(640, 160))
    assert asked == [1]
    width = view.pictures._pictures[1].rect.width()
    assert drags[0][:2] == (pytest.approx(40 / width), pytest.approx(40 / width))


def test_headers_tell_and_change_what_a_pane_is(view):
    closed, links, asked = [], [], []
    view.close_wanted.connect(closed.append)
    view.link_toggled.connect(lambda index, on: links.append((index, on)))
    view.focus_wanted.connect(asked.append)
    assert [header.isVisible() for header in view.headers] == [True, True, False, False]
    QTest.mouseClick(view.headers[1].link, LEFT)
    QTest.mouseClick(view.headers[1].close_button, LEFT)
    QTest.mouseClick(view.headers[1], LEFT, pos=QPoint(60, 10))
    assert (links, closed, asked) == ([(1, False)], [1], [1])
    assert "model-1" in view.headers[1].toolTip()


def test_a_pane_that_fails_says_why_until_it_draws_again(view):
    before = view.pictures.grab().toImage()
    view.pictures.show_failure(1, "The model failed.")
    assert view.pictures.grab().toImage() != before
    view.pictures.show_pixels(1, np.full((8, 8, 1), 200, np.uint8))
    assert view.pictures.grab().toImage() == before


def test_more_panes_share_the_width(view):
    view.set_scene(scene(4))
    view.pictures.show_pixels(3, np.full((8, 8, 1), 90, np.uint8))
    assert grey_at(view, 700, 200) == 90
    assert grey_at(view, 100, 200) == 40


def test_pictures_of_other_sizes_and_channels_meet():
    one = np.arange(16, dtype=np.uint8).reshape(4, 4, 1)
    two = np.zeros((8, 8, 4), np.uint8)
    a, b = same_size(one, two)
    assert a.shape == b.shape == (8, 8, 4)
    assert (a[..., 3] == 255).all()
    assert (a[::2, ::2, :3] == one).all()
    assert (a[1::2, 1::2, :3] == one).all()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 255), st.integers(0, 255), st.floats(0.5, 64))
def test_a_difference_is_antisymmetric_and_grey_where_equal(first, second, gain):
    a, b = (np.full((2, 2, 3), value, np.uint8) for value in (first, second))
    there, back = (int(difference(x, y, gain)[0, 0, 0]) for x, y in ((a, b), (b, a)))
    if first == second:
        assert there == 128
    elif 0 < there < 255 and 0 < back < 255:
        assert abs((there - 128) + (back - 128)) <= 1
    if first > second:
        assert there >= 128


def test_panes_are_part_of_the_scene_file():
    made = scene(3, mode="swipe", divider=0.3)
    assert msgspec.json.decode(
        msgspec.json.encode(made.options), type=type(made.options)
    ).compare == CompareOptions("swipe", 0.3)
