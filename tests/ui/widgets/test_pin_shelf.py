import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit

from genviewer.ui.widgets.pin_grid import ID
from genviewer.ui.widgets.pin_shelf import PinShelf
from tests.ui.widgets import hands
from tests.ui.widgets.hands import LEFT, NONE

SIGNALS = ["chosen", "renamed", "removed", "moved", "copy_wanted", "save_wanted"]


def pins(count=6):
    rng = np.random.default_rng(0)
    shapes = [(8, 8, 1), (12, 8, 3), (8, 12, 4)]
    return [
        (10 + i, f"pin {i}", rng.integers(0, 255, shapes[i % 3], np.uint8)) for i in range(count)
    ]


@pytest.fixture
def shelf(qtbot):
    shelf = PinShelf()
    qtbot.addWidget(shelf)
    shelf.resize(300, 420)
    shelf.set_pins(pins())
    shelf.show()
    qtbot.waitExposed(shelf)
    shelf.view.grab()  # lays the tiles out
    shelf.got = []
    for name in SIGNALS:
        getattr(shelf, name).connect(lambda *values, n=name: shelf.got.append((n, *values)))
    return shelf


def tile(shelf, row):
    return shelf.view.visualRect(shelf.view.model().index(row, 0))


def click(shelf, row):
    QTest.mouseClick(shelf.view.viewport(), LEFT, NONE, tile(shelf, row).center())


def test_without_pins_it_says_how_to_get_one(shelf):
    assert not shelf.empty.isVisible()
    shelf.set_pins([])
    assert shelf.empty.isVisible()
    assert "P" in shelf.empty.text()
    assert not shelf.view.isVisible()


def test_tiles_stand_side_by_side(shelf):
    assert tile(shelf, 0).top() == tile(shelf, 2).top()
    assert tile(shelf, 3).top() > tile(shelf, 0).top()
    assert tile(shelf, 2).right() <= shelf.view.viewport().width()


def test_a_click_goes_there(shelf):
    click(shelf, 4)
    assert shelf.got == [("chosen", 14)]


def test_keys_go_there_and_remove(shelf):
    click(shelf, 0)
    QTest.keyClick(shelf.view, Qt.Key.Key_Right)
    QTest.keyClick(shelf.view, Qt.Key.Key_Return)
    QTest.keyClick(shelf.view, Qt.Key.Key_Delete)
    assert shelf.got[1:] == [("chosen", 11), ("removed", 11)]


def test_f2_renames(shelf, qtbot):
    click(shelf, 2)
    QTest.keyClick(shelf.view, Qt.Key.Key_F2)
    editor = shelf.view.viewport().findChild(QLineEdit)
    editor.selectAll()
    QTest.keyClicks(editor, "  a better   name ")
    QTest.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: shelf.got[1:] == [("renamed", 12, "a better name")])


@pytest.mark.parametrize("typed", ["", "   ", "pin 2"])
def test_no_name_and_the_same_name_change_nothing(shelf, typed, qapp):
    shelf.rename(12)
    editor = shelf.view.viewport().findChild(QLineEdit)
    editor.selectAll()
    QTest.keyClick(editor, Qt.Key.Key_Delete)
    QTest.keyClicks(editor, typed)
    QTest.keyClick(editor, Qt.Key.Key_Return)
    qapp.processEvents()
    assert shelf.got == []


@pytest.mark.parametrize(
    ("row", "to", "side", "index"),
    [(0, 2, "left", 1), (0, 2, "right", 2), (4, 0, "left", 0), (1, 5, "right", 5)],
)
def test_a_tile_is_dragged_to_its_place(shelf, row, to, side, index):
    end = tile(shelf, to).center() + QPoint(20 if side == "right" else -20, 0)
    start = tile(shelf, row).center()
    hands.drag(shelf.view.viewport(), [start, start + QPoint(12, 3), end])
    assert shelf.got == [("moved", 10 + row, index)]


def test_a_tile_dropped_where_it_was_stays(shelf):
    start = tile(shelf, 1).center()
    hands.drag(shelf.view.viewport(), [start, start + QPoint(18, 0), start + QPoint(14, 2)])
    assert shelf.got == []


def test_a_drag_is_painted_and_escape_ends_it(shelf):
    viewport, start = shelf.view.viewport(), tile(shelf, 0).center()
    click(shelf, 0)
    shelf.got.clear()
    QTest.mousePress(viewport, LEFT, NONE, start)
    before = shelf.view.grab().toImage()
    hands.move(viewport, start + QPoint(15, 0))
    hands.move(viewport, tile(shelf, 4).center())
    assert shelf.view.grab().toImage() != before
    QTest.keyClick(shelf.view, Qt.Key.Key_Escape)
    QTest.mouseRelease(viewport, LEFT, NONE, tile(shelf, 4).center())
    assert shelf.got == []


def test_alt_and_arrows_move(shelf):
    click(shelf, 2)
    QTest.keyClick(shelf.view, Qt.Key.Key_Left, Qt.KeyboardModifier.AltModifier)
    assert shelf.got[-1] == ("moved", 12, 1)


def test_the_menu_says_all_of_it(shelf):
    menu = shelf.menu(13)
    for action in menu.actions():
        if not action.isSeparator() and not action.text().startswith("Rename"):
            action.trigger()
    menu.deleteLater()
    assert shelf.got == [
        ("chosen", 13),
        ("copy_wanted", 13),
        ("save_wanted", 13),
        ("removed", 13),
    ]


def test_what_is_current_stays_so_when_others_come_and_go(shelf):
    click(shelf, 3)
    shelf.set_pins([(99, "new", np.zeros((4, 4, 1), np.uint8)), *pins()])
    assert shelf.view.currentIndex().data(ID) == 13
    shelf.set_pins([row for row in pins() if row[0] != 13])
    assert shelf.view.currentIndex().data(ID) == 15


def test_letters_are_left_to_the_window(shelf):
    click(shelf, 0)
    QTest.keyClicks(shelf.view, "pin 3")
    assert shelf.view.currentIndex().row() == 0


def test_pictures_are_shown(shelf):
    white = np.full((8, 8, 1), 255, np.uint8)
    shelf.set_pins([(1, "white", white)])
    shot = shelf.view.viewport().grab().toImage()
    assert shot.pixelColor(tile(shelf, 0).center()).name() == "#ffffff"
