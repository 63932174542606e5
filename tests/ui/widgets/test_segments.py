from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit, QVBoxLayout, QWidget

from genviewer.ui.widgets.segments import Segments


def test_tab_comes_to_the_choice_that_is_set_and_arrows_move_on(qtbot) -> None:
    page = QWidget()
    qtbot.addWidget(page)
    rows = QVBoxLayout(page)
    first, choice = QLineEdit(), Segments([("a", "A"), ("b", "B"), ("c", "C")], "Choice")
    for widget in (first, choice):
        rows.addWidget(widget)
    choice.set_current("b")
    chosen: list[str] = []
    choice.chosen.connect(chosen.append)
    with qtbot.waitActive(page):
        page.show()
        page.activateWindow()
    first.setFocus()
    QTest.keyClick(first, Qt.Key.Key_Tab)
    assert choice.button("b").hasFocus()
    QTest.keyClick(choice.button("b"), Qt.Key.Key_Right)
    assert choice.button("c").hasFocus()
    assert chosen == ["c"]
    QTest.keyClick(choice.button("c"), Qt.Key.Key_Backtab)
    assert first.hasFocus()
    choice.set_current("a")
    QTest.keyClick(first, Qt.Key.Key_Tab)
    assert choice.button("a").hasFocus()
