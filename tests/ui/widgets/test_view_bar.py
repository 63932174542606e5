import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from genviewer.core.latent import Latent
from genviewer.core.recipe import ModelRef, Recipe
from genviewer.core.scene import (
    ClassesOptions,
    GridOptions,
    MapOptions,
    Pane,
    Scene,
    TraverseOptions,
)
from genviewer.core.spec import ConditionSpec, ImageSpec, LatentSpec, Spec
from genviewer.ui.widgets.view_bar import ViewBar

LEFT = Qt.MouseButton.LeftButton
NONE = Qt.KeyboardModifier.NoModifier
WIDEST = 700


def spec(classes=10, dim=8, encoder=True):
    conditions = (ConditionSpec("class", "class", classes),) if classes else ()
    return Spec("m", "vae", LatentSpec(dim), ImageSpec(1, 28, 28), conditions, encoder=encoder)


def scene(view="grid", *options):
    recipe = Recipe(Latent(np.zeros(8, np.float32)))
    made = Scene((Pane(ModelRef("m", "id"), recipe),)).with_view(view)
    for option in options:
        made = made.with_options(option)
    return made


@pytest.fixture
def bar(qtbot):
    bar = ViewBar()
    qtbot.addWidget(bar)
    bar.resize(WIDEST, bar.sizeHint().height())
    bar.set_scene(scene(), spec())
    bar.show()
    qtbot.waitExposed(bar)
    return bar


@pytest.fixture
def edits(bar):
    heard = []
    bar.options_edited.connect(lambda options, key: heard.append((options, key)))
    return heard


def click(widget):
    QTest.mouseClick(widget, LEFT, NONE, widget.rect().center())


def test_a_click_chooses_a_view(bar, qtbot):
    with qtbot.waitSignal(bar.view_chosen) as chosen:
        click(bar.views.button("map"))
    assert chosen.args == ["map"]
    with qtbot.assertNotEmitted(bar.view_chosen):
        click(bar.views.button("map"))


def test_showing_a_scene_says_nothing(bar, qtbot, edits):
    with qtbot.assertNotEmitted(bar.view_chosen):
        for view in ("classes", "traverse", "map", "grid", "focus"):
            bar.set_scene(scene(view, GridOptions(cells=9), MapOptions(axes=(2, 3))), spec())
            assert bar.views.current == view
            assert bar.views.button(view).isChecked()
    assert edits == []


def test_only_the_options_of_the_view_are_shown(bar):
    rows = {"grid": bar.grid, "classes": bar.classes, "traverse": bar.traverse, "map": bar.map}
    for view in ("focus", *rows):
        bar.set_scene(scene(view), spec())
        assert [name for name, row in rows.items() if row.isVisible()] == [view][view == "focus" :]


def test_views_without_a_use_are_hidden(bar):
    bar.set_scene(scene(), spec(classes=0, dim=1))
    assert not bar.views.button("classes").isVisible()
    assert not bar.views.button("map").isVisible()
    bar.set_scene(scene(), spec())
    assert bar.views.button("classes").isVisible()
    assert bar.views.button("map").isVisible()


@pytest.mark.parametrize(
    "options",
    [
        GridOptions(cells=1024),
        GridOptions(mode="seeds", seed=99_999, cells=1024),
        ClassesOptions(rows=128, columns=128, first=872),
        TraverseOptions(rows=128, columns=64),
        MapOptions(),
        MapOptions(axes=(510, 511), tiles=32),
    ],
)
def test_everything_fits(bar, options):
    views = {GridOptions: "grid", ClassesOptions: "classes", TraverseOptions: "traverse"}
    bar.set_scene(scene(views.get(type(options), "map"), options), spec(classes=1000, dim=512))
    QApplication.processEvents()
    assert bar.minimumSizeHint().width() <= WIDEST
    for row in (bar.grid, bar.classes, bar.traverse, bar.map):
        if row.isVisible():
            assert bar.rect().contains(row.geometry())
            assert row.width() >= row.minimumSizeHint().width()


def test_options_go_below_the_views_where_the_window_is_narrow(bar):
    bar.set_scene(scene("traverse"), spec())
    beside = bar.views.minimumSizeHint().width() + bar.traverse.minimumSizeHint().width()
    for width in (beside + 40, beside - 40, beside + 40):
        bar.resize(width, bar.minimumSizeHint().height())
        QApplication.processEvents()
        bar.resize(width, bar.minimumSizeHint().height())  # lower or higher than before
        QApplication.processEvents()
        below = bar.traverse.y() >= bar.views.geometry().bottom()
        assert below == (width < beside)
        assert bar.rect().contains(bar.traverse.geometry())
    assert bar.minimumSizeHint().width() < beside - 40


def test_grid_options(bar, edits):
    click(bar.grid.mode.button("seeds"))
    assert edits[-1][0].mode == "seeds"
    bar.set_scene(scene("grid", edits[-1][0]), spec())
    assert bar.grid.seed.isVisible()
    assert not bar.grid.strength.isVisible()
    click(bar.grid.dice)
    assert edits[-1][0].seed != 0
    assert edits[-1][0].mode == "seeds"
    bar.grid.cells.selectAll()
    QTest.keyClicks(bar.grid.cells, "100")
    assert edits[-1][0].cells == 64, "not before the number is complete"
    QTest.keyClick(bar.grid.cells, Qt.Key.Key_Return)
    assert edits[-1][0].cells == 100


def test_dragging_the_strength_is_one_gesture(bar, edits):
    slider = bar.grid.strength
    handle = QPoint(round(slider.width() * 0.35), slider.height() // 2)
    QTest.mousePress(slider, LEFT, NONE, handle)
    assert slider.isSliderDown()
    for x in (5, 10, 20):
        QTest.mouseMove(slider, handle + QPoint(x, 0))
    QTest.mouseRelease(slider, LEFT, NONE, handle + QPoint(20, 0))
    strengths = [options.strength for options, _ in edits]
    assert len(strengths) >= 2
    assert strengths == sorted(strengths)
    assert strengths[-1] > 0.5
    assert len({key for _, key in edits}) == 1


def test_the_arrows_of_a_number_step_it(bar, edits):
    box = bar.grid.cells
    QTest.mouseClick(box._more, LEFT)
    assert edits[-1][0].cells == 65
    QTest.mouseClick(box._less, LEFT)
    assert edits[-1][0].cells == 64


def test_classes_options_stay_within_the_model(bar, edits):
    bar.set_scene(scene("classes", ClassesOptions(columns=16)), spec(classes=10))
    assert bar.classes.columns.value() == 10
    assert not bar.classes.first.isVisible(), "there is nothing to scroll"
    assert edits == []
    bar.set_scene(scene("classes", ClassesOptions(columns=16, first=3)), spec(classes=100))
    assert bar.classes.first.isVisible()
    assert bar.classes.first.maximum() == 84
    QTest.keyClick(bar.classes.first, Qt.Key.Key_Up)
    assert edits[-1][0] == ClassesOptions(columns=16, first=4)
    QTest.keyClick(bar.classes.rows, Qt.Key.Key_Up)
    assert edits[-1][0] == ClassesOptions(rows=7, columns=16, first=4)


def test_traverse_options(bar, edits):
    bar.set_scene(scene("traverse"), spec(encoder=False))
    assert not bar.traverse.order.button("kl").isVisible()
    bar.set_scene(scene("traverse"), spec())
    click(bar.traverse.order.button("kl"))
    assert edits[-1][0].order == "kl"
    QTest.keyClick(bar.traverse.columns, Qt.Key.Key_Up)
    assert edits[-1][0].columns == 10
    bar.traverse.span.stepDown()
    assert edits[-1][0].span == 0.975
    assert bar.traverse.rows.maximum() == 8


def test_map_options(bar, edits):
    bar.set_scene(scene("map", MapOptions(center=(3.0, 1.0), extent=0.1)), spec())
    click(bar.map.centre)
    assert edits[-1][0] == MapOptions()
    QTest.keyClick(bar.map.plane, Qt.Key.Key_Down)
    assert edits[-1][0].axes == (0, 1)
    bar.set_scene(scene("map", edits[-1][0]), spec())
    assert bar.map.x_axis.isVisible()
    QTest.keyClick(bar.map.y_axis, Qt.Key.Key_Up)
    assert edits[-1][0].axes == (0, 2)
    QTest.keyClick(bar.map.plane, Qt.Key.Key_Up)
    assert edits[-1][0].axes is None


def test_tooltips_name_the_shortcuts(bar):
    bar.set_shortcuts({"grid": "Ctrl+2"})
    assert bar.views.button("grid").toolTip().endswith("(Ctrl+2)")
    assert "(" not in bar.views.button("map").toolTip()


def test_nothing_can_be_chosen_before_there_is_a_model(qtbot):
    bar = ViewBar()
    qtbot.addWidget(bar)
    assert not bar.isEnabled()
