"""The curves of a training, driven by hand and keys."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from genviewer.ui import theme
from genviewer.ui.widgets.curve_series import DARK_CURVES, LIGHT_CURVES, value_text
from genviewer.ui.widgets.curves import Curves

LEFT = Qt.MouseButton.LeftButton


def rows(count, first=1):
    for step in range(first, first + count):
        row = {"step": step, "seconds": 0.1 * step, "nll": 100.0 / step, "kl": 0.1 * step}
        if step % 10 == 0:
            row["validation_elbo"] = -float(step)
        yield row | {"learning_rate": 1e-3, "d_real": 0.9}


@pytest.fixture
def curves(qtbot):
    widget = Curves()
    qtbot.addWidget(widget)
    widget.resize(1100, 320)
    widget.show()
    return widget


@pytest.fixture
def drawn(curves, qtbot):
    curves.append(rows(100))
    qtbot.waitUntil(lambda: curves._plots is not None and curves._plots.steps[1] > 90)
    return curves


def by_name(curves):
    return {plot.name: plot for plot in curves._plots.plots}


def line(curves, name, key):
    return by_name(curves)[name]._lines[key].raw.getData()


def test_it_says_what_it_is_for_until_there_is_something(curves):
    assert curves.stack.currentWidget() is curves._empty
    assert not curves.log.isEnabled()
    assert not curves.list.isVisible()
    curves.append(rows(3))
    assert curves.list.isVisible()
    assert curves.stack.currentWidget() is curves.splitter
    assert curves.log.isEnabled()
    curves.clear()
    assert curves.stack.currentWidget() is curves._empty
    assert curves.steps == (0.0, 0.0)


def test_curves_of_one_scale_share_a_plot_and_the_rest_waits_in_the_list(drawn):
    assert list(by_name(drawn)) == ["ELBO", "Loss terms", "Discriminator"]
    assert by_name(drawn)["Loss terms"].keys == ("nll", "kl")
    assert "seconds" not in drawn.values_at(None)
    x, y = line(drawn, "Loss terms", "kl")
    np.testing.assert_allclose(y, 0.1 * x)
    drawn.list.setFocus()
    places = [drawn.list.topLevelItem(n).text(0) for n in range(drawn.list.topLevelItemCount())]
    drawn.list.setCurrentItem(drawn.list.topLevelItem(places.index("Learning rate")))
    QTest.keyClick(drawn.list, Qt.Key.Key_Return)
    assert "Learning rate" in by_name(drawn)
    row = drawn.list.topLevelItem(places.index("KL"))
    place = drawn.list.visualItemRect(row).center()
    QTest.mouseClick(drawn.list.viewport(), LEFT, pos=place)
    assert by_name(drawn)["Loss terms"].keys == ("nll",)
    drawn.append([{"step": 101, "nll": 0.5, "new_thing": 3.0}])
    assert "kl" not in drawn.list.shown  # what was checked stays as it was


def test_values_at_the_cross_hair(drawn):
    plot = by_name(drawn)["Loss terms"]
    at = plot.inside.mapViewToScene(QPointF(37.2, 1.0))
    drawn._plots.scene().sigMouseMoved.emit(at)
    assert drawn.list.headerItem().text(1) == "at 37"
    assert drawn.values_at(37.0)["kl"] == pytest.approx(3.7)
    texts = {
        drawn.list.topLevelItem(n).text(0): drawn.list.topLevelItem(n).text(1)
        for n in range(drawn.list.topLevelItemCount())
    }
    assert texts["KL"] == "3.70"
    assert texts["Validation ELBO"] == "\N{MINUS SIGN}40.00"
    assert all(p._cross.isVisible() and p._cross.value() == 37 for p in drawn._plots.plots)
    drawn.setFocus()
    QTest.keyClick(drawn, Qt.Key.Key_Right)
    assert drawn.list.headerItem().text(1) == "at 38"
    QTest.keyClick(drawn, Qt.Key.Key_Escape)
    assert drawn.list.headerItem().text(1) == "Latest"
    assert not any(p._cross.isVisible() for p in drawn._plots.plots)


def test_zoom_pan_and_back(drawn, qtbot):
    whole = drawn._plots.steps
    plot = by_name(drawn)["Loss terms"]
    view = drawn._plots.viewport()
    place = plot.inside.mapRectToScene(plot.inside.rect()).center().toPoint()
    wheel = QWheelEvent(
        QPointF(place),
        QPointF(view.mapToGlobal(place)),
        QPoint(),
        QPoint(0, 240),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(view, wheel)
    low, high = drawn._plots.steps
    assert whole[0] < low < high < whole[1]
    for other in drawn._plots.plots:
        assert other.inside.viewRange()[0] == [low, high]
    _, y = line(drawn, "Loss terms", "kl")
    bottom, top = plot.inside.viewRange()[1]
    assert bottom <= y[1]
    assert y[-2] <= top
    drawn.append(rows(50, 101))  # what comes does not take the hand's choice away
    qtbot.waitUntil(lambda: not drawn._timer.isActive())
    assert drawn._plots.steps == (low, high)
    drawn.setFocus()
    QTest.keyClick(drawn, Qt.Key.Key_Right, Qt.KeyboardModifier.ControlModifier)
    assert drawn._plots.steps[0] > low
    QTest.keyClick(drawn, Qt.Key.Key_Minus)
    assert drawn._plots.steps[1] - drawn._plots.steps[0] > high - low
    QTest.keyClick(drawn, Qt.Key.Key_Home)
    assert drawn._plots.steps[0] == 1
    assert 150 <= drawn._plots.steps[1] < 165


def test_a_logarithmic_axis_leaves_out_what_is_not_above_zero(drawn):
    QTest.mouseClick(drawn.log, LEFT)
    x, y = line(drawn, "Loss terms", "kl")
    np.testing.assert_allclose(10**y, 0.1 * x)
    x, _ = line(drawn, "ELBO", "validation_elbo")
    assert len(x) == 0
    QTest.mouseClick(drawn.log, LEFT)
    x, _ = line(drawn, "ELBO", "validation_elbo")
    assert len(x) == 10


def test_smoothing_shows_a_second_line_where_there_are_enough_points(drawn):
    lines = by_name(drawn)["Loss terms"]._lines["nll"]
    assert lines.smooth.isVisible()
    assert not by_name(drawn)["ELBO"]._lines["validation_elbo"].smooth.isVisible()
    drawn.smoothing.box.setValue(1)
    assert not lines.smooth.isVisible()


def test_nothing_of_the_library_shows_through(drawn):
    """Its menus and buttons offer what does not fit here."""
    for plot in drawn._plots.plots:
        assert plot.ctrlMenu is None or not plot.menuEnabled()
        assert not plot.inside.menuEnabled()
        assert plot.buttonsHidden
        assert not plot.ctrlMenu.isVisibleTo(drawn)


def luminance(color):
    parts = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in color]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


@pytest.mark.parametrize(
    ("scheme", "names"), [(theme.DARK, DARK_CURVES), (theme.LIGHT, LIGHT_CURVES)]
)
def test_curves_stand_out_from_their_ground(scheme, names):
    from PySide6.QtGui import QColor

    ground = luminance(scheme.field.getRgbF()[:3])
    for name in names:
        own = luminance(QColor(name).getRgbF()[:3])
        assert (max(own, ground) + 0.05) / (min(own, ground) + 0.05) >= 4.5


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (2e-4, "2.00e\N{MINUS SIGN}4"),
        (0.12344, "0.1234"),
        (-72.5512, "\N{MINUS SIGN}72.55"),
        (123.456, "123.5"),
        (3.5e8, "3.50e8"),
    ],
)
def test_values_are_short(value, text):
    assert value_text(value) == text


def test_numbers_at_an_axis_fit_beside_it(drawn):
    drawn.append([{"step": 101, "validation_elbo": -2.5e6}])
    drawn.show_all()
    axis = by_name(drawn)["ELBO"].getAxis("left")
    texts = axis.tickStrings([-2e6, -5e5, 0.0, 2500.0], 1.0, 5e5)
    assert texts == ["\N{MINUS SIGN}2M", "\N{MINUS SIGN}500k", "0", "2500"]


def test_numbers_at_an_axis_stand_apart(drawn):
    axis = by_name(drawn)["ELBO"].getAxis("left")
    for low, high in ((-230.0, -85.0), (0.0, 1e-4), (4.31, 4.45), (-5e5, 2e4)):
        for height in (26, 31, 60, 400):
            spacing, values = axis.tickValues(low, high, height)[0]
            assert len(values) >= 1
            assert spacing / (high - low) * height >= (17.9 if height >= 60 else 10)


def test_plots_are_stacked_before_they_are_slivers(drawn):
    drawn.resize(450, 240)
    plots = drawn._plots
    assert len(plots.plots) == 3
    assert min(plot.inside.width() for plot in plots.plots) > plots.width() / 2
