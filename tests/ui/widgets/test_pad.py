import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtTest import QTest

from genviewer.core.prior import draws
from genviewer.core.spec import LatentSpec
from genviewer.ui.widgets.pad import Pad
from genviewer.ui.widgets.pad_plane import PadPlane
from tests.ui.widgets.hands import LEFT, NONE, drag, move

SHIFT = Qt.KeyboardModifier.ShiftModifier
CTRL = Qt.KeyboardModifier.ControlModifier
HIGH = 3.0902


def directions(dim, seed=3):
    q, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((dim, 2)))
    return q.T.astype(np.float32)


@pytest.fixture
def make(qtbot):
    def build(dim=8, values=None, prior="normal"):
        widget = Pad()
        widget.got, widget.chosen = [], []
        widget.edited.connect(lambda values, key: widget.got.append((values, key)))
        widget.axes_chosen.connect(widget.chosen.append)
        widget.resize(290, 168)
        qtbot.addWidget(widget)
        widget.set_latent(np.zeros(dim) if values is None else values, LatentSpec(dim, prior))
        with qtbot.waitExposed(widget):
            widget.show()
        return widget

    return build


def at(pad, x, y):
    return pad.square.point(x, y).toPoint()


def last(pad):
    return pad.got[-1][0]


def keys_of(pad):
    return {key for _, key in pad.got}


def test_a_press_jumps_there_and_drags_two_dimensions(make):
    pad = make()
    pad.set_dims(2, 5)
    drag(pad.square, [at(pad, 1, -1), at(pad, 2, 0), at(pad, -1, 2)])
    found = np.array([values[[2, 5]] for values, _ in pad.got])
    np.testing.assert_allclose(found, [[1, -1], [2, 0], [-1, 2]], atol=0.06)
    assert np.flatnonzero(last(pad)).tolist() == [2, 5]
    assert last(pad).dtype == np.float32
    assert len(keys_of(pad)) == 1
    assert next(iter(keys_of(pad))).startswith("pad:z2+z5:")


def test_a_press_on_the_handle_moves_nothing_until_the_hand_does(make):
    pad = make()
    start = at(pad, 0, 0) + QPoint(6, 4)
    QTest.mousePress(pad.square, LEFT, NONE, start)
    assert pad.got == []
    move(pad.square, start + at(pad, 1, 0) - at(pad, 0, 0))
    np.testing.assert_allclose(last(pad)[:2], [1, 0], atol=0.06)
    QTest.mouseRelease(pad.square, LEFT, NONE, start)


def test_shift_is_ten_times_finer_from_where_the_handle_is(make):
    pad = make(values=np.ones(8))
    drag(pad.square, [at(pad, -1, -1), at(pad, 1, 0)], SHIFT)
    np.testing.assert_allclose(last(pad)[:2], [1.2, 1.1], atol=0.02)


def test_the_handle_stays_in_the_square_and_comes_back_with_the_hand(make):
    pad = make()
    far = at(pad, 0, 0) + 3 * (at(pad, 3, 0) - at(pad, 0, 0))
    drag(pad.square, [at(pad, 0, 0), far, at(pad, 1, 1)])
    assert pad.got[0][0][0] == pytest.approx(HIGH, abs=1e-3)
    np.testing.assert_allclose(last(pad)[:2], [1, 1], atol=0.06)


def test_double_click_centres_in_the_undo_step_of_its_first_click(make):
    pad = make(values=np.full(8, 2.0))
    QTest.mouseClick(pad.square, LEFT, NONE, at(pad, -1, 1))
    QTest.mouseDClick(pad.square, LEFT, NONE, at(pad, -1, 1))
    assert last(pad).tolist() == [0.0, 0.0, *[2.0] * 6]
    assert len(keys_of(pad)) == 1


def test_arrow_keys_step_as_one_burst(make):
    pad = make()
    pad.set_step(0.2)
    pad.setFocus()
    QTest.keyClick(pad.square, Qt.Key.Key_Right)
    QTest.keyClick(pad.square, Qt.Key.Key_Up, SHIFT)
    QTest.keyClick(pad.square, Qt.Key.Key_Left, CTRL)
    found = np.array([values[:2] for values, _ in pad.got])
    np.testing.assert_allclose(found, [[0.2, 0], [0.2, 0.02], [-1.8, 0.02]], atol=1e-5)
    assert len(keys_of(pad)) == 1
    QTest.keyClick(pad.square, Qt.Key.Key_Delete)
    assert not last(pad).any()


def test_along_directions_only_their_components_change(make):
    u, v = directions(8)
    start = np.random.default_rng(0).standard_normal(8).astype(np.float32)
    pad = make(values=start)
    pad.set_axes(u, v, "principal 1", "principal 2")
    drag(pad.square, [at(pad, 1, -0.5)])
    moved = last(pad)
    np.testing.assert_allclose([moved @ u, moved @ v], [1, -0.5], atol=0.06)
    across = moved - start
    across = across - (across @ u) * u - (across @ v) * v
    np.testing.assert_allclose(across, 0, atol=1e-5)


def test_locked_dimensions_stay_while_the_handle_still_follows(make):
    u, v = directions(8)
    pad = make(values=np.full(8, 0.1))
    pad.set_axes(u, v, "principal 1", "principal 2")
    mask = np.zeros(8, bool)
    mask[[1, 4]] = True
    pad.set_locks(mask)
    drag(pad.square, [at(pad, 1, 1)])
    moved = last(pad)
    assert moved[[1, 4]].tolist() == pytest.approx([0.1, 0.1])
    np.testing.assert_allclose([moved @ u, moved @ v], [1, 1], atol=0.06)


def test_a_locked_axis_stays_and_the_other_moves(make):
    pad = make()
    pad.set_locks([True] + [False] * 7)
    drag(pad.square, [at(pad, 2, 1)])
    np.testing.assert_allclose(last(pad)[:2], [0, 1], atol=0.06)
    pad.set_locks([True] * 8)
    before = len(pad.got)
    drag(pad.square, [at(pad, -2, -1)])
    assert len(pad.got) == before


def test_what_arrives_during_a_drag_moves_all_but_the_plane(make):
    u, v = directions(8)
    pad = make()
    pad.set_axes(u, v, "principal 1", "principal 2")
    QTest.mousePress(pad.square, LEFT, NONE, at(pad, 1, 1))
    held = pad.square.position
    walk = np.random.default_rng(1).standard_normal(8).astype(np.float32)
    pad.set_latent(walk, LatentSpec(8))
    assert pad.square.position == pytest.approx(held, abs=1e-5)
    across = pad.square.hand.values - walk
    np.testing.assert_allclose(across - (across @ u) * u - (across @ v) * v, 0, atol=1e-5)
    QTest.mouseRelease(pad.square, LEFT, NONE, at(pad, 1, 1))
    np.testing.assert_allclose(pad.square.hand.values, walk)


def test_choosing_an_axis_asks_and_turns_only_when_told(make):
    pad = make()
    across, up = pad._combos
    assert [across.itemText(i) for i in range(3)] == ["principal 1", "z0", "z1"]
    across.setFocus()
    QTest.keyClicks(across, "z4")
    assert pad.chosen[-1] == (4, 1)
    assert across.currentText() == "z0"
    pad.set_dims(4, 1)
    assert across.currentText() == "z4"
    QTest.keyClicks(up, "z4")  # the axes change places
    assert pad.chosen[-1] == (1, 4)
    QTest.keyClick(up, Qt.Key.Key_Home)
    assert pad.chosen[-1] is None
    pad.set_axes(*directions(8), "principal 1", "principal 2")
    assert [across.currentText(), up.currentText()] == ["principal 1", "principal 2"]
    QTest.keyClick(across, Qt.Key.Key_Down)
    assert pad.chosen[-1] == (0, 1)


def test_principal_directions_that_are_not_there_cannot_be_chosen(make):
    pad = make()
    pad.set_principal_available(False, "Not measured yet")
    pad.set_latent(np.zeros(4), LatentSpec(4))  # another model does not forget it
    assert not pad._combos[0].model().item(0).isEnabled()
    assert pad._combos[0].model().item(0).toolTip() == "Not measured yet"
    pad.set_principal_available(True)
    assert pad._combos[0].model().item(0).isEnabled()


@pytest.mark.parametrize("dim", [0, 1])
def test_fewer_than_two_dimensions_leave_it_empty(make, dim):
    pad = make(dim)
    pad.grab()
    drag(pad.square, [QPoint(20, 20), QPoint(50, 50)])
    QTest.keyClick(pad.square, Qt.Key.Key_Up)
    assert pad.got == []


def test_axes_that_span_no_plane_are_refused(make):
    u = directions(8)[0]
    with pytest.raises(ValueError, match="same way"):
        make().set_axes(u, -u, "a", "b")
    with pytest.raises(ValueError, match="8 finite"):
        make().set_axes(u[:5], u[:5], "a", "b")


@pytest.mark.parametrize("prior", ["normal", "uniform", "truncated_normal"])
@pytest.mark.parametrize("principal", [False, True])
def test_the_rings_hold_the_share_of_the_prior_that_they_say(prior, principal):
    latent = LatentSpec(64, prior)
    u, v = directions(64) if principal else np.eye(64, dtype=np.float32)[:2]
    plane = PadPlane(latent, u, v, "a", "b")
    points = draws(latent, 0, 4000) @ np.stack([u, v]).T
    for ring in plane.rings:
        distance = np.abs(points).max(axis=1) if ring.square else np.hypot(*points.T)
        assert (distance <= ring.radius).mean() == pytest.approx(ring.mass, abs=0.03)
    assert len(plane.rings) == 3
    assert (np.abs(points) <= plane.extent).all(axis=1).mean() > 0.99


def test_a_space_without_a_prior_has_no_rings():
    assert PadPlane(LatentSpec(4, "none"), *np.eye(4)[:2], "a", "b").rings == ()


def test_directions_at_an_angle_are_followed_too():
    u = np.array([1, 0, 0], np.float32)
    v = np.array([0.6, 0.8, 0], np.float32)
    plane = PadPlane(LatentSpec(3), u, v, "a", "b")
    moved = plane.moved(np.zeros(3, np.float32), (1.0, 2.0), np.zeros(3, bool))
    np.testing.assert_allclose(moved, u + 2 * v, atol=1e-6)
    assert plane.coordinates(moved) == pytest.approx((1.0, 2.0))


def test_the_background_fills_the_square_and_goes_again(make):
    pad = make()
    empty = pad.square.grab().toImage()
    image = QImage(4, 4, QImage.Format.Format_RGB32)
    image.fill(QColor("red"))
    pad.set_background(image)
    image.fill(QColor("green"))  # the pad has its own copy
    spot = at(pad, 2.9, 2.9)
    assert pad.square.grab().toImage().pixelColor(spot) == QColor("red")
    pad.set_background(None)
    assert pad.square.grab().toImage() == empty
