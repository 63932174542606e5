import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QWidget

from genviewer.ui.widgets import notice
from genviewer.ui.widgets.notice import NoticeStack

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def stack(qtbot):
    canvas = QWidget()
    qtbot.addWidget(canvas)
    canvas.resize(600, 400)
    canvas.show()
    qtbot.waitExposed(canvas)
    return NoticeStack(canvas)


def texts(stack):
    return [n.text for n in stack.notices]


def test_at_most_three_the_newest_lowest(stack):
    for text in "abcd":
        stack.show_notice(text, "warning")
    assert texts(stack) == ["b", "c", "d"]
    tops = [n.y() for n in stack.notices]
    assert tops == sorted(tops)
    assert stack.parentWidget().rect().contains(stack.geometry())


def test_a_name_that_cannot_be_broken_fits_and_stands_whole_in_the_tooltip(stack):
    name = "faces_of_my_whole_family_256x256_first_attempt_with_all_layers_2026_11_23_final"
    text = f"Kept step 7 as the model {name}."
    stack.show_notice(text, "info", ("Delete Run", lambda: None))
    stack.show_notice("Kept step 7 as the model faces.")
    first, second = stack.notices
    label = first.findChild(QLabel)
    widest = max(label.fontMetrics().horizontalAdvance(word) for word in label.text().split())
    assert widest <= label.width()
    assert label.text().endswith("2026_11_23_final.")
    assert label.toolTip() == first.text == text
    assert second.findChild(QLabel).toolTip() == ""


def test_nothing_to_say_takes_no_room(stack):
    assert not stack.isVisible()
    stack.show_notice("something", "error")
    assert stack.isVisible()
    QTest.mouseClick(stack.notices[0].close_button, LEFT)
    assert texts(stack) == []
    assert not stack.isVisible()


def test_information_goes_away_by_itself_and_warnings_stay(stack, qtbot, monkeypatch):
    monkeypatch.setattr(notice, "INFO_MS", 20)
    stack.show_notice("stays", "warning")
    stack.show_notice("can be undone", "info", ("Undo", lambda: None))
    stack.show_notice("goes", "info")
    qtbot.waitUntil(lambda: texts(stack) == ["stays", "can be undone"])
    monkeypatch.setattr(notice, "ACTION_MS", 20)
    stack.show_notice("goes too", "info", ("Undo", lambda: None))
    qtbot.waitUntil(lambda: texts(stack) == ["stays", "can be undone"])


def test_its_button_does_it_once_and_closes(stack):
    done = []
    stack.show_notice("Removed a pin.", "info", ("Undo", lambda: done.append(1)))
    button = stack.notices[0].button
    QTest.mouseClick(button, LEFT)
    assert done == [1]
    assert texts(stack) == []


def test_the_same_thing_said_again_stands_there_once(stack):
    stack.show_notice("Copied.")
    stack.show_notice("Copied.")
    assert texts(stack) == ["Copied."]
    done = []
    for i in range(2):
        stack.show_notice("Removed.", "info", ("Undo", lambda i=i: done.append(i)))
    assert texts(stack) == ["Copied.", "Removed."]
    QTest.mouseClick(stack.notices[1].button, LEFT)
    assert done == [1]


def test_follows_the_canvas(stack):
    stack.show_notice("A sentence that needs more than one line when there is little room for it.")
    canvas = stack.parentWidget()
    wide = stack.height()
    canvas.resize(220, 300)
    assert canvas.rect().contains(stack.geometry())
    assert stack.height() > wide


def test_severity_is_not_told_by_colour_alone(stack):
    shots = []
    for severity in ("info", "warning", "error"):
        stack.show_notice("x", severity)
        shots.append(
            stack.notices[-1]
            .grab()
            .toImage()
            .convertToFormat(stack.grab().toImage().Format.Format_Alpha8)
        )
        assert severity in stack.notices[-1].accessibleName().lower() or severity == "info"
    assert stack.notices[0].accessibleName() == "Notice: x"
