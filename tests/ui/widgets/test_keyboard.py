import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMainWindow

from genviewer.ui.widgets.seed_panel import SeedPanel


@pytest.fixture
def window(qtbot):
    window = QMainWindow()
    qtbot.addWidget(window)
    window.panel = SeedPanel()
    window.setCentralWidget(window.panel)
    window.got = []
    for keys in ("R", "Space", "5"):
        action = QAction(keys, window)
        action.setShortcut(QKeySequence(keys))
        action.triggered.connect(lambda _=False, k=keys: window.got.append(k))
        window.addAction(action)
    window.panel.seed_chosen.connect(window.got.append)
    window.panel.walk_options_changed.connect(lambda mode, *_: window.got.append(mode))
    window.show()
    window.activateWindow()
    qtbot.waitActive(window)
    return window


def press(window, *keys):
    for key in keys:
        QTest.keyClick(window.windowHandle(), key)


@pytest.mark.parametrize("box", ["seed", "truncation"])
def test_a_number_box_leaves_letters_and_space_to_the_window(window, box):
    widget = getattr(window.panel, box)
    (widget if box == "seed" else widget.box).setFocus()
    press(window, Qt.Key.Key_R, Qt.Key.Key_Space)
    assert window.got == ["R", "Space"]


def test_what_is_typed_into_a_box_stays_there_until_enter(window):
    box = window.panel.seed
    box.setFocus()
    box.selectAll()
    press(window, Qt.Key.Key_5, Qt.Key.Key_R)
    assert window.got == []
    assert box.text() == "5"
    press(window, Qt.Key.Key_Return, Qt.Key.Key_R)
    assert window.got == [5, "R"]


def test_enter_presses_the_focused_button(window):
    window.panel.mode_buttons["loop"].setFocus()
    press(window, Qt.Key.Key_Return)
    assert window.got == ["loop"]
