"""The plots and lists of the data set window."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest

from genviewer.ui import theme
from genviewer.ui.widgets.lasso import inside
from tests.ui.conftest import live
from tests.ui.widgets.hands import move

LEFT = Qt.MouseButton.LeftButton
NONE = Qt.KeyboardModifier.NoModifier
RED, GREEN = QColor("#ff0000"), QColor("#00ff00")


@pytest.fixture
def shown(qtbot):
    from PySide6.QtWidgets import QApplication

    theme.apply(QApplication.instance(), "dark")

    def show(widget, width=400, height=300):
        qtbot.addWidget(widget)
        widget.resize(width, height)
        with qtbot.waitExposed(widget):
            widget.show()
        live(30)
        return widget

    return show


def test_points_inside_a_line_that_crosses_itself_and_of_a_concave_one():
    square = np.array([[0, 0], [4, 0], [4, 4], [0, 4]], float)
    points = np.array([[1, 1], [5, 1], [3.9, 3.9], [-1, 2]], float)
    assert inside(points, square).tolist() == [True, False, True, False]
    horseshoe = np.array([[0, 0], [6, 0], [6, 6], [4, 6], [4, 2], [2, 2], [2, 6], [0, 6]], float)
    assert inside(np.array([[1, 5], [3, 5], [5, 5], [3, 1]], float), horseshoe).tolist() == [
        True, False, True, True,
    ]  # fmt: skip
    eight = np.array([[0, 0], [4, 4], [4, 0], [0, 4]], float)
    assert inside(np.array([[0.5, 2], [2, 0.5], [3.5, 2]], float), eight).tolist() == [
        True, False, True,
    ]  # fmt: skip
    assert not inside(points, square[:2]).any()


def test_inside_agrees_with_qt_for_any_polygon():
    from PySide6.QtCore import QPointF
    from PySide6.QtGui import QPolygonF

    rng = np.random.default_rng(0)
    outline, points = rng.uniform(0, 1, (9, 2)), rng.uniform(-0.1, 1.1, (500, 2))
    polygon = QPolygonF([QPointF(*corner) for corner in outline])
    rule = Qt.FillRule.OddEvenFill
    expected = [polygon.containsPoint(QPointF(*point), rule) for point in points]
    assert inside(points, outline).tolist() == expected


@pytest.fixture
def histogram(shown):
    from genviewer.ui.widgets.histogram import Histogram

    widget = shown(Histogram("Figures", "nats"))
    widget.set_values(np.r_[np.linspace(-100.0, 0.0, 1001), -5000.0])
    return widget


def test_the_threshold_is_dragged_and_moved_by_keys(histogram):
    heard = []
    histogram.threshold_moved.connect(heard.append)
    histogram.set_threshold(-50.0)
    assert not heard  # nobody moved it
    view = histogram.getPlotItem().vb
    at = histogram.mapFromScene(view.mapViewToScene(view.viewRect().center()))
    x = round(histogram.mapFromScene(view.mapViewToScene(_point(-50.0, 5.0))).x())
    QTest.mousePress(histogram.viewport(), LEFT, NONE, QPoint(x, at.y()))
    for step in (8, 20, 40):
        live(15)
        move(histogram.viewport(), QPoint(x + step, at.y()))
    live(15)
    QTest.mouseRelease(histogram.viewport(), LEFT, NONE, QPoint(x + 40, at.y()))
    pixel = view.viewPixelSize()[0]
    assert heard
    assert histogram.threshold == pytest.approx(-50.0 + 40 * pixel, abs=3 * pixel)
    before = histogram.threshold
    QTest.keyClick(histogram, Qt.Key.Key_Left)
    assert -1.0 < histogram.threshold - before < 0.0
    QTest.keyClick(histogram, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert histogram.threshold - before > 1.0


def _point(x, y):
    from PySide6.QtCore import QPointF

    return QPointF(x, y)


def test_a_mark_beyond_the_histogram_is_shown_at_its_edge(histogram):
    low, high = histogram.viewRange()[0]
    histogram.set_mark(-1e6)
    assert histogram._mark.value() == low
    assert histogram._mark.label.format.startswith("◂")
    histogram.set_mark(-20.0)
    assert low < histogram._mark.value() < high
    histogram.set_mark(None)
    assert not histogram._mark.isVisible()


def test_what_is_far_away_does_not_squeeze_the_rest(histogram):
    low, _ = histogram.viewRange()[0]
    assert low > -200.0
    assert histogram._counts.sum() == 1002  # and is counted all the same


def test_slider_line_and_words_agree_on_the_threshold_at_both_ends(shown):
    from genviewer.ui.widgets.outlier_page import MOST_REJECTED, OutlierPage

    page, heard = shown(OutlierPage(), 900, 700), []
    log_px = np.r_[np.full(2, -5000.0), np.linspace(-100.0, 0.0, 1998)]
    page.set_figures(log_px, np.zeros((2000, 8, 8, 1), np.uint8), "nats")
    page.threshold_moved.connect(heard.append)
    page.slider.box.setValue(0.0)
    assert heard == [page.threshold] == [-5000.0]  # below everything, though the line is not
    assert page.histogram._threshold.value() > -200.0
    assert page.histogram._threshold.label.format.startswith("◂")
    assert ": 0 of 2,000" in page.verdict.text()
    QTest.keyClick(page.histogram, Qt.Key.Key_Right)
    assert -200.0 < page.threshold < -50.0
    assert heard[-1] == page.threshold
    assert not page.histogram._threshold.label.format.startswith("◂")
    for _ in range(40):
        QTest.keyClick(page.histogram, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    share = float((log_px < page.threshold).mean())
    assert heard[-1] == page.threshold
    assert page.slider.value == pytest.approx(share) == pytest.approx(MOST_REJECTED, abs=1e-3)
    page.set_figures(log_px, np.zeros((2000, 8, 8, 1), np.uint8), "nats", -10.0)
    assert page.threshold == pytest.approx(np.quantile(log_px, MOST_REJECTED))


def test_a_cell_is_chosen_by_the_mouse_and_by_keys(shown):
    from genviewer.ui.widgets.matrix_view import MatrixView

    matrix = shown(MatrixView("Confusion", "true", "taken for"))
    table = np.eye(3)
    matrix.set_matrix(table, table.astype(int).astype(str).tolist(), ("a", "b", "c"))
    heard = []
    matrix.chosen.connect(lambda row, column: heard.append((row, column)))
    QTest.mouseClick(matrix, LEFT, NONE, matrix.cell_rect(1, 2).center())
    QTest.keyClick(matrix, Qt.Key.Key_Down)
    QTest.keyClick(matrix, Qt.Key.Key_Down)
    QTest.keyClick(matrix, Qt.Key.Key_Left)
    assert heard == [(1, 2), (2, 2), (2, 2), (2, 1)]
    QTest.mouseClick(matrix, LEFT, NONE, QPoint(2, 2))
    assert len(heard) == 4
    picture = matrix.grab().toImage()
    on, off = (picture.pixelColor(matrix.cell_rect(0, k).center() + QPoint(15, 15)) for k in (0, 1))
    assert on == theme.colors().accent
    assert off != on


def test_pictures_are_chosen_by_the_mouse_and_by_keys(shown):
    from genviewer.ui.widgets.picture_grid import GAP, TILE, PictureGrid

    grid = shown(PictureGrid("Images"), width=3 * TILE + 2 * GAP)
    pixels = np.zeros((5, 4, 4, 1), np.uint8)
    grid.set_pictures(pixels, [str(k) for k in range(5)])
    heard = []
    grid.chosen.connect(heard.append)
    QTest.mouseClick(grid, LEFT, NONE, QPoint(TILE + GAP + 5, 100))  # second row, second column
    grid.setFocus()
    QTest.keyClick(grid, Qt.Key.Key_Up)
    QTest.keyClick(grid, Qt.Key.Key_Return)
    QTest.keyClick(grid, Qt.Key.Key_Right)
    QTest.keyClick(grid, Qt.Key.Key_Space)
    QTest.mouseClick(grid, LEFT, NONE, QPoint(2 * (TILE + GAP) + 5, 100))  # where there is none
    assert heard == [4, 1, 2]
    assert grid.heightForWidth(TILE) > 2 * grid.heightForWidth(1000)


@pytest.fixture
def scatter(shown):
    from genviewer.ui.widgets.latent_scatter import LatentScatter

    widget = shown(LatentScatter(), 500, 400)
    points = np.array([[0, 0], [10, 0], [0, 10], [10, 10], [5, 5]], np.float32)
    classes = np.array([0, 0, 0, 1, 1])
    widget.set_points(points, classes, [RED, GREEN], ("x", "y"))
    live(30)
    return widget


def place_of(scatter, x, y) -> QPoint:
    return scatter.mapFromScene(scatter.box.mapViewToScene(_point(x, y)))


def test_points_are_painted_where_they_are_in_their_colours(scatter):
    picture = scatter.grab().toImage()
    for (x, y), color in {(0, 0): RED, (10, 0): RED, (5, 5): GREEN, (10, 10): GREEN}.items():
        assert picture.pixelColor(place_of(scatter, x, y)) == color
    assert picture.pixelColor(place_of(scatter, 2.5, 7.5)) == theme.colors().field
    scatter.box.setRange(xRange=(4, 12), yRange=(-1, 7), padding=0.0)
    live(30)
    picture = scatter.grab().toImage()
    assert picture.pixelColor(place_of(scatter, 5, 5)) == GREEN
    assert picture.pixelColor(place_of(scatter, 10, 0)) == RED


def test_a_click_chooses_the_point_and_nothing_beside_it(scatter):
    heard = []
    scatter.point_chosen.connect(heard.append)
    for x, y in ((10, 0), (5, 5), (3, 2)):
        QTest.mouseClick(scatter.viewport(), LEFT, NONE, place_of(scatter, x, y) + QPoint(2, 1))
        live(20)
    assert heard == [1, 4]


def test_hidden_classes_are_neither_seen_nor_chosen(scatter):
    heard = []
    scatter.point_chosen.connect(heard.append)
    scatter.set_hidden(frozenset({1}))
    live(30)
    assert scatter.grab().toImage().pixelColor(place_of(scatter, 5, 5)) == theme.colors().field
    QTest.mouseClick(scatter.viewport(), LEFT, NONE, place_of(scatter, 5, 5))
    assert heard == []


def draw(scatter, corners, modifiers=NONE):
    viewport = scatter.viewport()
    places = [place_of(scatter, *corner) for corner in corners]
    QTest.mousePress(viewport, LEFT, modifiers, places[0])
    for before, after in zip(places, [*places[1:], places[0]], strict=True):
        for share in (0.5, 1.0):
            live(15)
            move(viewport, before + (after - before) * share, modifiers)
    live(15)
    QTest.mouseRelease(viewport, LEFT, modifiers, places[0])
    live(15)


def test_the_lasso_gives_the_points_inside(scatter):
    heard = []
    scatter.lassoed.connect(heard.append)
    scatter.set_lasso(True)
    before = scatter.box.viewRange()
    draw(scatter, [(-0.3, -0.3), (7, -0.3), (7, 7), (-0.3, 10.3)])
    assert [rows.tolist() for rows in heard] == [[0, 2, 4]]
    assert scatter.box.viewRange() == before


def test_a_drag_moves_the_plane_and_keys_do_too(scatter):
    heard = []
    scatter.lassoed.connect(heard.append)
    before = scatter.box.viewRange()
    draw(scatter, [(2, 2), (4, 3), (3, 3)])
    moved = scatter.box.viewRange()
    assert heard == []
    QTest.keyClick(scatter, Qt.Key.Key_Right)
    assert scatter.box.viewRange()[0][0] > moved[0][0]
    QTest.keyClick(scatter, Qt.Key.Key_Plus)
    (x0, x1), _ = scatter.box.viewRange()
    assert x1 - x0 < before[0][1] - before[0][0]
    QTest.keyClick(scatter, Qt.Key.Key_Home)
    assert np.allclose(scatter.box.viewRange(), before)


def test_colours_of_many_classes_differ(qtbot):
    from genviewer.ui.widgets.class_colors import class_colors

    for count in (1, 10, 62):
        assert len({color.name() for color in class_colors(count)}) == count


def test_axes_have_minus_signs_and_no_ticks_where_there_are_no_values(shown):
    from genviewer.ui.widgets.bayes_plots import RejectionPlot
    from genviewer.ui.widgets.histogram import Histogram

    axis = Histogram("Figures", "nats").getPlotItem().getAxis("bottom")
    assert axis.tickStrings([-20.0, 0.0, 20.0], 1.0, 20.0) == ["\N{MINUS SIGN}20", "0", "20"]
    plot = shown(RejectionPlot())
    curve = np.linspace(0.0, 1.0, 5), np.array([0.98, 0.985, 0.99, 0.99, 1.0])
    plot.set_curves(curve, curve)
    left = plot.getPlotItem().getAxis("left")
    assert left.range[1] > 1.0
    ticks = [value for _, values in left.tickValues(*left.range, 300) for value in values]
    assert max(ticks) == pytest.approx(1.0)
    # What tells the curves apart is not in the plot, where it would lie over them.
    assert plot.getPlotItem().legend is None
    key = shown(plot.key, *plot.key.sizeHint().toTuple())
    pixels = key.grab().toImage()
    colors = {pixels.pixelColor(x, key.height() // 2).name() for x in range(key.width())}
    c = theme.colors()
    assert {c.accent.name(), c.warning.name()} <= colors
