from math import ceil, floor

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QContextMenuEvent, QImage, QRegion, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from genviewer.core.sheet import MapFrame, Sheet
from genviewer.ui import theme
from genviewer.ui.widgets.canvas import Canvas
from genviewer.ui.widgets.canvas_geometry import PanZoom, lay_out, pan, split, whole, zoom_about
from genviewer.ui.widgets.map_geometry import Ahead, map_port, ticks
from genviewer.ui.widgets.pixels_to_image import rgb_bytes

rng = np.random.default_rng(1)
LEFT = Qt.MouseButton.LeftButton
MIDDLE = Qt.MouseButton.MiddleButton
NONE = Qt.KeyboardModifier.NoModifier


class Watched(Canvas):
    """A canvas that tells what it was asked to paint."""

    def __init__(self):
        super().__init__()
        self.regions = []

    def paintEvent(self, event):
        self.regions.append(QRegion(event.region()))
        super().paintEvent(event)


@pytest.fixture
def canvas(qtbot):
    canvas = Watched()
    qtbot.addWidget(canvas)
    canvas.resize(700, 560)
    canvas.show()
    qtbot.waitExposed(canvas)
    settle(canvas)
    return canvas


def settle(canvas):
    QApplication.processEvents()
    canvas.regions.clear()


def pixels(n=None, h=8, w=8, c=3):
    shape = (h, w, c) if n is None else (n, h, w, c)
    return rng.integers(0, 256, shape, np.uint8)


def shown(canvas, rect):
    """What the canvas shows in a rectangle, uint8 (H, W, 3)."""
    image = canvas.grab(QRectF(rect).toAlignedRect()).toImage()
    image = image.convertToFormat(QImage.Format.Format_RGB32)
    words = np.frombuffer(image.constBits(), np.uint32).reshape(image.height(), image.width())
    return rgb_bytes(words, 3)


def magnified(tile, times):
    return np.repeat(np.repeat(tile, times, 0), times, 1)


def with_sheet(canvas, rows=3, columns=4, view="grid", labels=False, **more):
    canvas.set_view(view)
    texts = (
        {
            "row_labels": tuple(f"row {r}" for r in range(rows)),
            "column_labels": tuple(f"c{c}" for c in range(columns)),
        }
        if labels
        else {}
    )
    sheet = Sheet(rows, columns, (), **texts, **more)
    canvas.begin_sheet(sheet, 8, 8, 3)
    tiles = pixels(rows * columns)
    canvas.show_tiles(np.arange(rows * columns), tiles)
    settle(canvas)
    return tiles


def map_frame(first=(-2.0, 2.0), center=(0.0, 0.0), extent=2.0, cursor=(0.0, 0.0), step=1.0):
    return MapFrame(
        first, step, cursor, center, extent, "principal 1", "z7", (1.0, 0.0), (0.0, 1.0)
    )


def with_map(canvas, **frame):
    canvas.set_view("map")
    canvas.begin_sheet(Sheet(5, 5, (), map_frame=map_frame(**frame)), 8, 8, 3)
    tiles = pixels(25)
    canvas.show_tiles(np.arange(25), tiles)
    settle(canvas)
    return tiles


def wheel(canvas, point, notches=1.0, modifiers=NONE, fingers=None):
    event = QWheelEvent(
        QPointF(point),
        QPointF(canvas.mapToGlobal(point)),
        fingers or QPoint(),
        QPoint(0, round(120 * notches)),
        Qt.MouseButton.NoButton,
        modifiers,
        Qt.ScrollPhase.NoScrollPhase if fingers is None else Qt.ScrollPhase.ScrollUpdate,
        False,
    )
    QApplication.sendEvent(canvas, event)


def drag(canvas, points, button=LEFT, modifiers=NONE):
    QTest.mousePress(canvas, button, modifiers, points[0])
    for point in points[1:]:
        QTest.mouseMove(canvas, point) if modifiers == NONE else _move(canvas, point, modifiers)
    QTest.mouseRelease(canvas, button, modifiers, points[-1])


def _move(canvas, point, modifiers):
    from PySide6.QtGui import QMouseEvent

    event = QMouseEvent(
        QEvent.Type.MouseMove,
        QPointF(point),
        QPointF(canvas.mapToGlobal(point)),
        Qt.MouseButton.NoButton,
        LEFT,
        modifiers,
    )
    QApplication.sendEvent(canvas, event)


class TestFocus:
    def test_it_is_magnified_a_whole_number_of_times_and_exact(self, canvas):
        sample = pixels()
        canvas.show_focus(sample)
        rect = canvas.focus_picture.rect
        times = rect.width() // 8
        assert times == (560 - 24) // 8
        np.testing.assert_array_equal(shown(canvas, rect), magnified(sample, times))
        np.testing.assert_array_equal(canvas.focus_pixels(), sample)

    def test_gray_is_shown_as_gray(self, canvas):
        sample = pixels(c=1)
        canvas.show_focus(sample)
        rect = canvas.focus_picture.rect
        expected = np.repeat(magnified(sample, rect.width() // 8), 3, axis=2)
        np.testing.assert_array_equal(shown(canvas, rect), expected)

    def test_transparent_pixels_show_the_canvas(self, canvas):
        sample = pixels(c=4)
        sample[..., 3] = 0
        canvas.show_focus(sample)
        color = theme.colors().canvas
        rect = canvas.focus_picture.rect
        assert (shown(canvas, rect) == (color.red(), color.green(), color.blue())).all()

    def test_a_new_frame_repaints_its_rectangle_only_and_says_when_it_is_painted(
        self, canvas, qtbot
    ):
        with_sheet(canvas)
        canvas.show_focus(pixels())
        settle(canvas)
        with qtbot.waitSignal(canvas.painted):
            canvas.show_focus(pixels())
        assert canvas.regions == [QRegion(canvas.focus_picture.rect)]

    def test_painting_something_else_is_not_a_painted_frame(self, canvas, qtbot):
        with_sheet(canvas)
        canvas.show_focus(pixels())
        settle(canvas)
        with qtbot.assertNotEmitted(canvas.painted, wait=20):
            canvas.show_tiles(np.array([0]), pixels(1))
            QApplication.processEvents()
            canvas.update()
            QApplication.processEvents()

    def test_a_failure_dims_the_picture_until_the_next_one(self, canvas, qtbot):
        sample = np.full((8, 8, 3), 255, np.uint8)
        canvas.show_focus(sample)
        with qtbot.waitSignal(canvas.painted):
            canvas.show_failure("The decoder gave no finite numbers.")
        rect = canvas.focus_picture.rect
        assert shown(canvas, QRect(rect.topLeft(), rect.topLeft())).max() < 200
        with qtbot.waitSignal(canvas.painted):
            canvas.show_focus(sample)
        assert (shown(canvas, rect) == 255).all()

    def test_the_hint_is_said_while_there_is_nothing(self, canvas):
        canvas.show_focus(pixels())
        canvas.set_hint("Open a model\nCtrl+O or drop a folder here")
        assert canvas.focus_pixels() is None
        assert canvas.sheet_image() is None
        blank = shown(canvas, canvas.rect())
        assert len(np.unique(blank)) > 3, "there are letters"
        canvas.set_hint(None)
        assert len(np.unique(shown(canvas, canvas.rect()))) == 1

    def test_smooth_drawing_has_no_steps(self, canvas):
        sample = np.zeros((8, 8, 1), np.uint8)
        sample[:, 4:] = 255
        canvas.show_focus(sample)
        rect = canvas.focus_picture.rect
        assert set(np.unique(shown(canvas, rect))) == {0, 255}
        canvas.set_smooth(True)
        assert len(np.unique(shown(canvas, canvas.focus_picture.rect))) > 20

    def test_large_pictures_are_averaged_down(self, canvas):
        sample = np.zeros((2048, 2048, 1), np.uint8)
        sample[::2] = 255
        canvas.show_focus(sample)
        inner = canvas.focus_picture.rect.adjusted(5, 5, -5, -5)
        assert np.abs(shown(canvas, inner).astype(int) - 127).max() < 40


class TestSheet:
    def test_cells_are_exact_and_apart(self, canvas):
        tiles = with_sheet(canvas)
        grid = canvas.sheet_picture.grid
        times = round(grid.cell_width) // 8
        for cell in (0, 5, 11):
            rect = grid.rect(cell)
            np.testing.assert_array_equal(shown(canvas, rect), magnified(tiles[cell], times))
        color = theme.colors().canvas
        between = QRectF(grid.rect(0).right(), grid.rect(0).top(), grid.gap, 8)
        assert (shown(canvas, between) == (color.red(), color.green(), color.blue())).all()

    def test_the_focus_sample_stands_beside_it_unless_told_not_to(self, canvas):
        with_sheet(canvas)
        canvas.show_focus(pixels())
        focus, sheet = canvas.focus_picture.rect, canvas.sheet_picture.grid.shown.toAlignedRect()
        assert focus.right() < sheet.left()
        canvas.set_focus_beside(False)
        assert canvas.focus_picture.rect.isEmpty()
        assert canvas.sheet_picture.grid.shown.width() > sheet.width()
        canvas.set_focus_beside(True)
        canvas.resize(420, 800)
        focus, sheet = canvas.focus_picture.rect, canvas.sheet_picture.grid.shown.toAlignedRect()
        assert focus.bottom() < sheet.top()

    def test_the_focus_view_shows_the_sample_alone(self, canvas):
        with_sheet(canvas)
        canvas.show_focus(pixels())
        beside = canvas.focus_picture.rect.width()
        canvas.set_view("focus")
        assert canvas.focus_picture.rect.width() > beside
        canvas.begin_sheet(Sheet(1, 1, (), focus_cell=0), 8, 8, 3)
        canvas.set_view("grid")
        assert canvas.sheet_picture.sheet.columns == 4, "the focus view's one cell is no sheet"

    def test_new_tiles_repaint_only_their_cells(self, canvas):
        with_sheet(canvas)
        grid = canvas.sheet_picture.grid
        new = pixels(2)
        canvas.show_tiles(np.array([5, 6]), new)
        QApplication.processEvents()
        expected = grid.rect(5).united(grid.rect(6)).toAlignedRect()
        assert canvas.regions == [QRegion(expected)]
        times = round(grid.cell_width) // 8
        np.testing.assert_array_equal(shown(canvas, grid.rect(6)), magnified(new[1], times))

    def test_the_same_sheet_again_repaints_nothing_and_keeps_the_tiles(self, canvas):
        tiles = with_sheet(canvas, labels=True)
        grid = canvas.sheet_picture.grid
        canvas.begin_sheet(canvas.sheet_picture.sheet, 8, 8, 3)
        QApplication.processEvents()
        assert canvas.regions == []
        times = round(grid.cell_width) // 8
        np.testing.assert_array_equal(shown(canvas, grid.rect(3)), magnified(tiles[3], times))

    def test_changed_headers_repaint_no_cell(self, canvas):
        with_sheet(canvas, labels=True)
        grid = canvas.sheet_picture.grid
        rows = tuple(f"row {r + 5}" for r in range(3))
        columns = canvas.sheet_picture.sheet.column_labels
        canvas.begin_sheet(Sheet(3, 4, (), rows, columns), 8, 8, 3)
        QApplication.processEvents()
        assert canvas.regions
        assert not any(r.intersects(grid.rect(0).toRect()) for r in canvas.regions)

    def test_another_view_forgets_the_old_tiles(self, canvas):
        with_sheet(canvas)
        canvas.set_view("traverse")
        assert canvas.cell_pixels(0) is not None, "the old sheet stays until the new one begins"
        canvas.begin_sheet(Sheet(3, 4, (), ("a", "b", "c"), ()), 8, 8, 3)
        assert canvas.cell_pixels(0) is None

    def test_what_is_shown_can_be_had(self, canvas):
        tiles = with_sheet(canvas)
        np.testing.assert_array_equal(canvas.cell_pixels(7), tiles[7])
        np.testing.assert_array_equal(canvas.sheet_image()[8:16, 24:32], tiles[7])

    def test_headers_stay_in_sight_while_zoomed_and_panned(self, canvas):
        with_sheet(canvas, rows=6, columns=6, labels=True)
        picture = canvas.sheet_picture
        middle = picture.grid.shown.center().toPoint()
        for _ in range(8):
            wheel(canvas, middle)
        drag(canvas, [middle, middle - QPoint(60, 50), middle - QPoint(120, 90)], MIDDLE)
        grid = picture.grid
        assert grid.rect(0).left() < grid.body.left() - 8
        assert grid.rect(0).top() < grid.body.top() - 8
        canvas_color = theme.colors().canvas
        color = (canvas_color.red(), canvas_color.green(), canvas_color.blue())
        area = canvas.sheet_picture.area
        top = shown(
            canvas, QRectF(grid.body.left(), area.top(), grid.body.width(), grid.body.top())
        )
        left = QRectF(area.left(), grid.body.top(), grid.body.left() - area.left(), 200)
        left = shown(canvas, left)
        for strip in (top, left):
            assert (strip == color).all(-1).mean() > 0.6, "no picture under the headers"
            assert (strip != color).any(), "and there are letters"

    def test_many_small_cells_are_drawn_as_they_are(self, canvas):
        canvas.set_view("grid")
        canvas.set_focus_beside(False)
        canvas.begin_sheet(Sheet(32, 32, ()), 16, 16, 3)
        tiles = pixels(1024, 16, 16)
        canvas.show_tiles(np.arange(1024), tiles)
        grid = canvas.sheet_picture.grid
        assert grid.gap == 0
        np.testing.assert_array_equal(shown(canvas, grid.shown), canvas.sheet_image())

    def test_the_current_cell_is_outlined(self, canvas):
        with_sheet(canvas, focus_cell=5)
        rect = canvas.sheet_picture.grid.rect(5)
        accent = theme.colors().accent
        edge = shown(canvas, QRectF(rect.left() - 1, rect.center().y(), 1, 1))[0, 0]
        assert np.abs(edge.astype(int) - (accent.red(), accent.green(), accent.blue())).max() < 40


class TestZoom:
    def test_the_wheel_zooms_in_whole_steps_and_keeps_what_is_under_it(self, canvas):
        with_sheet(canvas, rows=6, columns=6)
        picture = canvas.sheet_picture
        point = picture.grid.rect(14).center().toPoint()
        for _ in range(4):
            before = picture.grid
            wheel(canvas, point)
            assert picture.grid.scale == floor(picture.grid.scale) > before.scale
            assert picture.grid.cell_at(QPointF(point)) == 14
        for _ in range(12):
            wheel(canvas, point, -1)
        assert picture.grid.scale < before.scale

    def test_home_fits_and_keys_zoom(self, canvas):
        with_sheet(canvas)
        fitted = canvas.sheet_picture.grid
        QTest.keyClick(canvas, Qt.Key.Key_Plus)
        assert canvas.sheet_picture.grid.scale == fitted.scale + 1 or (
            canvas.sheet_picture.grid.scale > fitted.scale
        )
        QTest.keyClick(canvas, Qt.Key.Key_0)
        assert canvas.sheet_picture.grid.scale == 1
        QTest.keyClick(canvas, Qt.Key.Key_Minus)
        assert canvas.sheet_picture.grid.scale < 1
        QTest.keyClick(canvas, Qt.Key.Key_Home)
        assert canvas.sheet_picture.grid == fitted

    def test_two_fingers_pan_and_control_zooms(self, canvas):
        canvas.show_focus(pixels())
        canvas.zoom_by(3)
        grid = canvas.focus_picture.grid
        middle = canvas.rect().center()
        wheel(canvas, middle, fingers=QPoint(30, -20))
        moved = canvas.focus_picture.grid
        assert (moved.left - grid.left, moved.top - grid.top) == (30, -20)
        assert moved.scale == grid.scale
        control = Qt.KeyboardModifier.ControlModifier
        wheel(canvas, middle, fingers=QPoint(0, 120), modifiers=control)
        assert canvas.focus_picture.grid.scale > grid.scale

    @pytest.mark.parametrize("space", [False, True])
    def test_middle_drag_and_space_drag_pan(self, canvas, qtbot, space):
        canvas.show_focus(pixels())
        canvas.zoom_by(4)
        grid = canvas.focus_picture.grid
        middle = canvas.rect().center()
        if space:
            QTest.keyPress(canvas, Qt.Key.Key_Space)
        with qtbot.assertNotEmitted(canvas.dragged_on_image):
            drag(canvas, [middle, middle + QPoint(40, 30)], LEFT if space else MIDDLE)
        QTest.keyRelease(canvas, Qt.Key.Key_Space)
        moved = canvas.focus_picture.grid
        assert (moved.left - grid.left, moved.top - grid.top) == (40, 30)

    def test_panning_stops_at_the_edge(self, canvas):
        canvas.show_focus(pixels())
        canvas.zoom_by(2)
        middle = canvas.rect().center()
        drag(canvas, [middle, middle + QPoint(300, 250)], MIDDLE)
        drag(canvas, [middle, middle + QPoint(300, 250)], MIDDLE)
        grid = canvas.focus_picture.grid
        assert (grid.left, grid.top) == (0, 0)


class TestHand:
    def test_a_click_picks_a_cell_and_a_drag_does_not(self, canvas, qtbot):
        with_sheet(canvas)
        point = canvas.sheet_picture.grid.rect(6).center().toPoint()
        with qtbot.waitSignal(canvas.cell_clicked) as clicked:
            QTest.mouseClick(canvas, LEFT, NONE, point)
        assert clicked.args == [6]
        away = point + QPoint(QApplication.startDragDistance() + 5, 0)
        with qtbot.assertNotEmitted(canvas.cell_clicked):
            drag(canvas, [point, away, away])

    def test_headers_leave_the_outline_of_a_cell_whole(self, canvas):
        with_sheet(canvas, labels=True, focus_cell=0)
        rect = canvas.sheet_picture.grid.rect(0)
        above = QRectF(rect.center().x(), rect.top() - 2, 1, 1)
        left = QRectF(rect.left() - 2, rect.center().y(), 1, 1)
        accent = theme.colors().accent
        for place in (above, left):
            color = shown(canvas, place)[0, 0].astype(int)
            assert np.abs(color - (accent.red(), accent.green(), accent.blue())).max() < 40

    def test_hovering_says_which_cell_and_outlines_it(self, canvas, qtbot):
        with_sheet(canvas)
        canvas.set_hover_text_source(lambda cell: f"cell {cell}\nseed 12")
        grid = canvas.sheet_picture.grid
        heard = []
        canvas.cell_hovered.connect(heard.append)
        QTest.mouseMove(canvas, grid.rect(2).center().toPoint())
        QTest.mouseMove(canvas, grid.rect(2).center().toPoint() + QPoint(3, 3))
        QApplication.processEvents()
        chip = canvas._chip
        assert chip.top() > grid.rect(2).bottom()
        assert canvas.regions
        for region in canvas.regions:
            box = region.boundingRect()
            near = grid.rect(2).toAlignedRect().adjusted(-5, -5, 5, 5) | chip
            assert near.contains(box), "only the cell and its chip are painted"
        QTest.mouseMove(canvas, QPoint(3, 3))
        assert heard == [2, -1]

    def test_an_empty_cell_is_no_cell(self, canvas, qtbot):
        from genviewer.core.condition import Condition
        from genviewer.core.recipe import ModelRef
        from genviewer.core.sheet import Pack

        canvas.set_view("grid")
        pack = Pack(
            ModelRef("m", "id"),
            np.arange(5),
            np.zeros((5, 2), np.float32),
            (Condition(),),
            np.zeros(5, np.int64),
        )
        canvas.begin_sheet(Sheet(2, 3, (pack,)), 8, 8, 3)
        settle(canvas)
        point = canvas.sheet_picture.grid.rect(5).center().toPoint()
        with qtbot.assertNotEmitted(canvas.cell_clicked):
            QTest.mouseClick(canvas, LEFT, NONE, point)

    def test_dragging_on_the_picture_moves_by_shares_of_its_side(self, canvas):
        canvas.show_focus(pixels())
        settle(canvas)
        heard = []
        canvas.dragged_on_image.connect(lambda *args: heard.append(args))
        rect = canvas.focus_picture.rect
        start = rect.center()
        points = [start, start + QPoint(30, 0), start + QPoint(30, -40), start + QPoint(50, -60)]
        drag(canvas, points)
        side = rect.width()
        assert sum(h[0] for h in heard) == pytest.approx(50 / side)
        assert sum(h[1] for h in heard) == pytest.approx(60 / side), "up is more"
        assert {h[2] for h in heard} == {False}
        assert len({h[3] for h in heard}) == 1
        drag(canvas, points, modifiers=Qt.KeyboardModifier.ShiftModifier)
        assert heard[-1][2] is True
        assert heard[-1][3] != heard[0][3], "another gesture, another key"

    def test_a_click_on_the_picture_is_no_drag(self, canvas, qtbot):
        canvas.show_focus(pixels())
        with qtbot.assertNotEmitted(canvas.dragged_on_image):
            QTest.mouseClick(canvas, LEFT, NONE, canvas.focus_picture.rect.center())

    def test_arrows_move_a_cell_cursor_and_enter_picks(self, canvas, qtbot):
        with_sheet(canvas, focus_cell=5)
        for key in (Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_Down, Qt.Key.Key_Left):
            QTest.keyClick(canvas, key)
        with qtbot.waitSignal(canvas.cell_clicked) as clicked:
            QTest.keyClick(canvas, Qt.Key.Key_Return)
        assert clicked.args == [9]
        for _ in range(9):
            QTest.keyClick(canvas, Qt.Key.Key_Down)
        assert canvas.sheet_picture.cursor == 9, "it stops at the edge"

    def test_arrows_nudge_the_focus_sample(self, canvas, qtbot):
        canvas.show_focus(pixels())
        with qtbot.waitSignal(canvas.dragged_on_image) as nudged:
            QTest.keyClick(canvas, Qt.Key.Key_Up, Qt.KeyboardModifier.ShiftModifier)
        dx, dy, fine, _ = nudged.args
        assert (dx, dy > 0, fine) == (0, True, True)

    def test_the_cursor_cell_comes_into_sight(self, canvas):
        with_sheet(canvas, rows=6, columns=6)
        canvas.zoom_by(6)
        for _ in range(12):
            QTest.keyClick(canvas, Qt.Key.Key_Down)
            QTest.keyClick(canvas, Qt.Key.Key_Right)
        grid = canvas.sheet_picture.grid
        assert canvas.sheet_picture.cursor == 35
        assert grid.body.adjusted(-1, -1, 1, 1).contains(grid.rect(35))

    def test_the_context_menu_names_the_cell_or_the_focus_sample(self, canvas):
        with_sheet(canvas)
        canvas.show_focus(pixels())
        heard = []
        canvas.context_menu_wanted.connect(lambda cell, _where: heard.append(cell))
        for point in (
            canvas.sheet_picture.grid.rect(4).center().toPoint(),
            canvas.focus_picture.rect.center(),
            QPoint(canvas.width() - 2, 2),
        ):
            reason = QContextMenuEvent.Reason.Mouse
            event = QContextMenuEvent(reason, point, canvas.mapToGlobal(point))
            QApplication.sendEvent(canvas, event)
        assert heard == [4, -1]


class TestMap:
    def test_tiles_lie_edge_to_edge_at_their_plane_positions(self, canvas):
        tiles = with_map(canvas, cursor=(9.0, 9.0))
        port = canvas.map_picture.port
        for (x, y), cell in {(0, 0): 12, (1, 0): 13, (0, 1): 7, (-1, -1): 16}.items():
            assert canvas.map_picture.cell_at(port.point(x, y)) == cell
            middle = QRectF(port.point(x, y) - QPointF(3, 3), port.point(x, y) + QPointF(3, 3))
            seen = shown(canvas, middle).reshape(-1, 3).astype(int)
            block = tiles[cell][3:5, 3:5].reshape(-1, 3).astype(int)
            assert min(np.abs(seen[0] - b).max() for b in block) == 0
        color = theme.colors().canvas
        inside = shown(canvas, port.rect)
        assert not (inside == (color.red(), color.green(), color.blue())).all(-1).any()

    def test_the_window_is_the_extent_to_the_nearer_edge(self, canvas):
        with_map(canvas, center=(0.5, -0.25), extent=1.5)
        port = canvas.map_picture.port
        left, bottom = port.plane(port.rect.bottomLeft())
        right, top = port.plane(port.rect.topRight())
        half = min(right - left, top - bottom) / 2
        assert half == pytest.approx(1.5, abs=0.01)
        assert ((left + right) / 2, (bottom + top) / 2) == pytest.approx((0.5, -0.25), abs=0.01)

    def test_dragging_the_cursor_moves_it_at_once(self, canvas):
        with_map(canvas)
        port = canvas.map_picture.port
        heard = []
        canvas.map_cursor_dragged.connect(lambda *args: heard.append(args))
        start = port.point(0, 0).toPoint()
        drag(canvas, [start, start + QPoint(20, 0), start + QPoint(40, -20)])
        assert heard[-1][:2] == pytest.approx(port.plane(QPointF(start + QPoint(40, -20))))
        assert canvas.map_picture.cursor.value == heard[-1][:2]
        assert len({h[2] for h in heard}) == 1
        assert canvas.map_picture.port == port, "the map itself stays"

    def test_a_click_jumps_and_a_drag_elsewhere_pans(self, canvas, qtbot):
        with_map(canvas)
        port = canvas.map_picture.port
        there = port.point(1.2, 0.9).toPoint()
        with qtbot.waitSignal(canvas.map_cursor_dragged) as jumped:
            QTest.mouseClick(canvas, LEFT, NONE, there)
        assert jumped.args[:2] == pytest.approx(port.plane(QPointF(there)))

        heard = []
        canvas.map_panned.connect(lambda *args: heard.append(args))
        start = port.point(-1, -1).toPoint()
        with qtbot.assertNotEmitted(canvas.map_cursor_dragged):
            drag(canvas, [start, start + QPoint(30, 0), start + QPoint(60, -30)])
        assert heard[-1][0] == pytest.approx(-60 / port.unit_x)
        assert heard[-1][1] == pytest.approx(-30 / port.unit_y)
        assert canvas.map_picture.port.center == heard[-1][:2], "it follows before tiles come"

    def test_the_wheel_zooms_about_the_point_under_it(self, canvas, qtbot):
        with_map(canvas)
        port = canvas.map_picture.port
        point = port.point(1, 1).toPoint()
        before = port.plane(QPointF(point))
        with qtbot.waitSignal(canvas.map_zoomed) as zoomed:
            wheel(canvas, point)
        extent, key = zoomed.args[0], zoomed.args[3]
        assert extent == pytest.approx(2 / 1.2)
        assert canvas.map_picture.port.plane(QPointF(point)) == pytest.approx(before)
        with qtbot.waitSignal(canvas.map_zoomed) as again:
            wheel(canvas, point)
        assert again.args[3] == key, "one turn of the wheel is one gesture"

    def test_late_answers_do_not_throw_the_map_back(self, canvas):
        with_map(canvas)
        port = canvas.map_picture.port
        start = port.point(-1, -1).toPoint()
        drag(canvas, [start, start + QPoint(30, 0), start + QPoint(60, 0)])
        ahead = canvas.map_picture.port
        canvas.begin_sheet(Sheet(5, 5, (), map_frame=map_frame()), 8, 8, 3)
        assert canvas.map_picture.port == ahead
        canvas.begin_sheet(Sheet(5, 5, (), map_frame=map_frame(center=(1.0, 1.0))), 8, 8, 3)
        assert canvas.map_picture.port.center == (1.0, 1.0), "somebody else moved it"

    def test_panning_to_a_new_lattice_keeps_the_tiles_in_place(self, canvas):
        with_map(canvas, cursor=(9.0, 9.0))
        spot = canvas.map_picture.port.point(0, 0)
        before = shown(canvas, QRectF(spot - QPointF(9, 9), spot + QPointF(9, 9)))
        canvas.begin_sheet(
            Sheet(5, 5, (), map_frame=map_frame(first=(-1.0, 3.0), cursor=(9.0, 9.0))), 8, 8, 3
        )
        after = shown(canvas, QRectF(spot - QPointF(9, 9), spot + QPointF(9, 9)))
        assert (before == after).all(-1).mean() > 0.9, "but for rounding at a tile's pixel edges"

    def test_new_tiles_repaint_only_their_place(self, canvas):
        with_map(canvas)
        canvas.show_tiles(np.array([12]), pixels(1))
        QApplication.processEvents()
        tile = canvas.map_picture.cell_rect(12).toAlignedRect().adjusted(-3, -3, 3, 3)
        assert canvas.regions
        assert all(tile.contains(region.boundingRect()) for region in canvas.regions)

    def test_arrows_move_the_cursor(self, canvas, qtbot):
        with_map(canvas)
        with qtbot.waitSignal(canvas.map_cursor_dragged) as moved:
            QTest.keyClick(canvas, Qt.Key.Key_Up)
        assert moved.args[0] == 0
        assert moved.args[1] > 0


class TestGeometry:
    def test_both_parts_share_the_canvas_with_a_hairline_between(self):
        for area in (QRect(0, 0, 1000, 600), QRect(0, 0, 500, 600)):
            focus, sheet = split(area)
            assert not focus.intersects(sheet)
            assert focus.width() * focus.height() + sheet.width() * sheet.height() < (
                area.width() * area.height()
            )
            assert (focus | sheet) == area

    @pytest.mark.parametrize(
        ("scale", "fitted"), [(0.4, 0.4), (1.1, 1.0), (1.5, 1.5), (2.2, 2.0), (7.9, 7.0)]
    )
    def test_a_fit_is_whole_unless_that_wastes_much(self, scale, fitted):
        assert whole(scale, fit=True) == fitted

    @pytest.mark.parametrize("ratio", [1.0, 1.25, 1.5, 2.0])
    def test_everything_falls_on_device_pixels(self, ratio):
        grid = lay_out(QRectF(3, 5, 411, 333), (3, 5), (28, 28), PanZoom(), ratio=ratio)
        for index in range(15):
            rect = grid.rect(index)
            for edge in (rect.left(), rect.top(), rect.width(), rect.height()):
                assert edge * ratio == pytest.approx(round(edge * ratio), abs=1e-6)
        assert grid.body.contains(grid.shown)
        assert grid.width <= 411

    def test_zoom_and_pan_survive_a_change_of_size(self):
        view = PanZoom()
        grid = lay_out(QRectF(0, 0, 400, 400), (4, 4), (16, 16), view)
        zoom_about(view, grid, QPointF(100, 300), 4)
        pan(view, lay_out(QRectF(0, 0, 400, 400), (4, 4), (16, 16), view), 10, -10)
        small = lay_out(QRectF(0, 0, 300, 200), (4, 4), (16, 16), view)
        large = lay_out(QRectF(0, 0, 400, 400), (4, 4), (16, 16), view)
        assert small.scale == large.scale
        assert small.cell_at(small.body.center()) == large.cell_at(large.body.center())

    def test_cells_between_and_beside_are_none(self):
        grid = lay_out(QRectF(0, 0, 400, 400), (3, 3), (28, 28), PanZoom())
        gap = QPointF(grid.rect(0).right() + grid.gap / 2, grid.rect(0).center().y())
        assert grid.gap > 0
        assert grid.cell_at(gap) == -1
        assert grid.cell_at(QPointF(grid.left - 1, grid.top + 5)) == -1
        assert [grid.cell_at(grid.rect(i).center()) for i in range(9)] == list(range(9))

    def test_ticks_are_round_and_in_range(self):
        found = ticks(-2.03, 1.98, 9)
        assert [t for _, t in found][:2] == ["\N{MINUS SIGN}2.0", "\N{MINUS SIGN}1.5"]
        assert all(-2.03 <= v <= 1.98 for v, _ in found)
        assert ticks(0.1201, 0.1249, 5)[0][1] == "0.121"
        assert ticks(1, 1, 4) == []

    def test_a_wide_map_shows_what_the_tiles_cover(self):
        port = map_port(QRectF(0, 0, 800, 400), (0, 0), 2.0, (18, 33), 4 / 15, (28, 28))
        assert port.rect.width() == 800
        square = map_port(QRectF(0, 0, 800, 400), (0, 0), 2.0, (18, 18), 4 / 15, (28, 28))
        assert square.rect.width() == 400
        wide = map_port(QRectF(0, 0, 800, 400), (0, 0), 2.0, (18, 18), 4 / 15, (10, 20))
        assert wide.unit_x == 2 * wide.unit_y

    def test_answers_to_older_values_are_passed_over_for_a_while(self):
        now = [0.0]
        ahead = Ahead(0, clock=lambda: now[0])
        ahead.move(1)
        ahead.move(2)
        assert not ahead.answer(0)
        assert not ahead.answer(1)
        assert ahead.value == 2
        assert not ahead.answer(2)
        assert ahead.answer(1), "after the newest came back, an older value is a new wish"
        ahead.move(3)
        now[0] = ceil(10)
        assert ahead.answer(1)
