"""The sliders of directions: columns, names, keys, and what is emitted."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QScrollArea

from genviewer.ui.widgets.direction_list import COLUMN, DirectionList
from genviewer.ui.widgets.direction_panel import DirectionPanel
from tests.ui.widgets.hands import drag

NAMES = [(name, f"{name}: 5 % explained") for name in ("slant", "width", "ink", "red", "blue")]


@pytest.fixture
def sliders(qtbot) -> DirectionList:
    widget = DirectionList()
    qtbot.addWidget(widget)
    widget.resize(COLUMN + 40, 300)
    widget.set_directions(NAMES)
    widget.show()
    return widget


def columns(sliders: DirectionList) -> int:
    return len({row.x() for row in sliders.rows})


def test_there_are_as_many_columns_as_there_is_room_for(sliders, qtbot):
    qtbot.waitUntil(lambda: columns(sliders) == 1)
    sliders.resize(2 * COLUMN + 60, 300)
    qtbot.waitUntil(lambda: columns(sliders) == 2)
    ys = [row.y() for row in sliders.rows]
    assert ys[0] < ys[1] < ys[2]  # down the first column, then the second
    assert ys[3] == ys[0]
    sliders.resize(COLUMN, 300)
    qtbot.waitUntil(lambda: columns(sliders) == 1)


def test_a_drag_has_one_key_and_a_held_handle_stays_in_hand(sliders, qtbot):
    moved = []
    sliders.moved.connect(lambda *what: moved.append(what))
    track = sliders.rows[2].slider.track
    start = QPoint(round(track._x(track.fraction)), track.height() // 2)
    drag(track, [start + QPoint(x, 0) for x in (0, 8, 16, 24)])
    assert {index for index, _, _ in moved} == {2}
    assert len({key for _, _, key in moved}) == 1
    assert 0.0 < moved[-1][1] <= 4.0
    sliders.set_strengths([0.5, -9.0, 1.0, 0.0, 0.0])
    assert [row.slider.value for row in sliders.rows] == [0.5, -4.0, 1.0, 0.0, 0.0]


def test_a_name_is_typed_or_left(sliders):
    renamed = []
    sliders.renamed.connect(lambda *what: renamed.append(what))
    row = sliders.rows[1]
    for key, text in ((Qt.Key.Key_Escape, "gone"), (Qt.Key.Key_Return, "  how   wide ")):
        QTest.keyClick(row.slider.track, Qt.Key.Key_F2)
        editor = row._editor
        assert editor.selectedText() == "width"
        QTest.keyClicks(editor, text)
        QTest.keyClick(editor, key)
        assert row._editor is None
    assert renamed == [(1, "how wide")]
    row.rename()
    sliders.rows[0].slider.track.setFocus()
    assert row._editor is None  # left with nothing typed
    assert renamed == [(1, "how wide")]


def test_keys_and_menu_say_what_is_wanted(sliders):
    said = []
    sliders.removed.connect(lambda index: said.append(("removed", index)))
    sliders.apart_wanted.connect(lambda index: said.append(("apart", index)))
    sliders.axis_wanted.connect(lambda index, which: said.append((which, index)))
    QTest.keyClick(sliders.rows[3].slider.track, Qt.Key.Key_Delete)
    for action in sliders.rows[0].menu.actions()[2:]:
        action.trigger()
    assert said == [("removed", 3), ("apart", 0), ("rows", 0), ("columns", 0)]


def test_the_panel_offers_what_the_model_can(qtbot):
    panel = DirectionPanel()
    qtbot.addWidget(panel)
    assert not panel.save.isEnabled()
    panel.set_directions(NAMES[:1])
    assert panel.save.isEnabled()
    assert not panel.apart.isEnabled()
    found = []
    panel.find_wanted.connect(found.append)
    panel.find_in_images_wanted.connect(lambda *what: found.append(what))
    panel.set_ways("", ["digits.npz"])
    panel._fill_menu()
    actions = panel.menu.actions()
    actions[0].trigger()
    actions[-1].menu().actions()[-1].trigger()
    assert found == ["attribute", ("pca", "digits.npz")]
    panel.set_ways("it has no encoder", [])
    panel._fill_menu()
    assert not panel.menu.actions()[-1].isEnabled()
    assert panel.menu.actions()[-1].toolTip() == "it has no encoder"


@pytest.mark.parametrize("change", ["renamed", "removed", "found"])
def test_a_change_of_the_list_moves_neither_focus_nor_what_is_scrolled_to(qtbot, change):
    page, inside = QScrollArea(), DirectionList()
    qtbot.addWidget(page)
    names = [(f"found {n}", "5 % explained") for n in range(40)]
    inside.set_directions(names)
    page.setWidget(inside)
    page.setWidgetResizable(True)
    page.resize(COLUMN + 40, 120)
    with qtbot.waitActive(page):
        page.show()
        page.activateWindow()
    inside.rows[20].setFocus()
    page.ensureWidgetVisible(inside.rows[20])
    where = page.verticalScrollBar().value()
    assert where > 0
    if change == "renamed":
        names[20] = ("bright", "5 % explained")
    elif change == "removed":
        del names[20]
    else:
        names.append(("one more", "3 % explained"))
    inside.set_directions(names)
    inside.layout().activate()
    assert page.verticalScrollBar().value() == where
    assert inside.rows[20].isAncestorOf(QApplication.focusWidget())
    assert [row.name for row in inside.rows] == [name for name, _ in names]


def test_a_name_is_typed_in_a_field_that_is_whole(sliders):
    for row in sliders.rows[:2]:
        row.rename()
        assert row.rect().contains(row._editor.geometry())
