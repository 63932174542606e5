import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit, QMainWindow

from genviewer.ui.icons import icon
from genviewer.ui.widgets.command_palette import CommandPalette

LEFT = Qt.MouseButton.LeftButton
ROWS = [
    ("&Open Model…", "File", "Ctrl+O", "open"),
    ("Save Project", "File", "Ctrl+S", "save"),
    ("Undo", "Edit", "Ctrl+Z", "undo"),
    ("Grid", "View", "G", "grid"),
    ("Zoom In", "View", "Ctrl++", ""),
]


@pytest.fixture
def window(qtbot):
    window = QMainWindow()
    qtbot.addWidget(window)
    window.resize(700, 500)
    window.setCentralWidget(QLineEdit())
    window.ran = []
    window.entries = []
    for text, group, keys, picture in ROWS:
        action = QAction(text, window)
        action.setShortcut(QKeySequence(keys))
        if picture:
            action.setIcon(icon(picture))
        action.triggered.connect(lambda _=False, t=text: window.ran.append(t))
        window.addAction(action)
        window.entries.append((action, group))
    window.entries[2][0].setEnabled(False)
    window.entries[3][0].setCheckable(True)
    window.palette_sheet = CommandPalette(window)
    window.show()
    window.activateWindow()
    qtbot.waitActive(window)
    window.centralWidget().setFocus()
    return window


@pytest.fixture
def palette(window):
    window.palette_sheet.open_with(window.entries)
    return window.palette_sheet


def press(palette, *keys):
    for key in keys:
        QTest.keyClick(palette.line, key)


def test_lists_everything_with_what_is_impossible_last(palette):
    assert palette.shown() == ["Open Model", "Save Project", "Grid", "Zoom In", "Undo"]
    assert palette.line.hasFocus()


def test_letters_and_enter_run(palette, window):
    QTest.keyClicks(palette.line, "gr")
    assert palette.shown()[0] == "Grid"
    press(palette, Qt.Key.Key_Return)
    assert window.ran == ["Grid"]
    assert not palette.isVisible()
    assert window.centralWidget().hasFocus()


def test_arrows_choose(palette, window):
    press(palette, Qt.Key.Key_Down, Qt.Key.Key_Down, Qt.Key.Key_Up, Qt.Key.Key_Return)
    assert window.ran == ["Save Project"]


def test_a_click_runs(palette, window):
    row = palette.list.visualRect(palette.list.model().index(1, 0))
    QTest.mouseClick(palette.list.viewport(), LEFT, Qt.KeyboardModifier.NoModifier, row.center())
    assert window.ran == ["Save Project"]


def test_what_is_disabled_cannot_be_run(palette, window):
    QTest.keyClicks(palette.line, "undo")
    press(palette, Qt.Key.Key_Return)
    assert window.ran == []
    assert palette.isVisible()


def test_escape_closes_and_gives_the_keyboard_back(palette, window):
    press(palette, Qt.Key.Key_Escape)
    assert not palette.isVisible()
    assert window.centralWidget().hasFocus()


def test_a_click_elsewhere_closes(palette, window):
    QTest.mouseClick(window.centralWidget(), LEFT, Qt.KeyboardModifier.NoModifier, QPoint(5, 5))
    window.centralWidget().setFocus()
    assert not palette.isVisible()


def test_what_was_run_lately_comes_first(palette, window):
    QTest.keyClicks(palette.line, "zoom")
    press(palette, Qt.Key.Key_Return)
    palette.open_with(window.entries)
    assert palette.shown()[0] == "Zoom In"
    assert palette.line.text() == ""


def test_a_group_finds_its_actions(palette):
    QTest.keyClicks(palette.line, "view")
    assert set(palette.shown()) == {"Grid", "Zoom In"}


def test_nothing_found_says_so(palette):
    QTest.keyClicks(palette.line, "zzzz")
    assert palette.shown() == []
    assert palette.nothing.isVisible()
    press(palette, Qt.Key.Key_Return)
    assert palette.isVisible()


def test_the_windows_shortcuts_rest_while_it_is_open(palette, window):
    QTest.keyClick(window.windowHandle(), Qt.Key.Key_G)
    assert window.ran == []
    assert palette.line.text() == "g"


def test_stays_inside_the_window_and_paints(palette, window):
    window.resize(420, 500)
    assert palette.geometry().left() >= 0
    assert palette.geometry().right() <= window.width()
    assert not window.grab().isNull()
