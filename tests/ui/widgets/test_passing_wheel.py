import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QScrollArea,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from genviewer.ui.widgets.data_panel import DataPanel
from genviewer.ui.widgets.passing_wheel import PassingWheel
from genviewer.ui.widgets.training_choices import TrainingChoices


def scroll_over(widget: QWidget) -> bool:
    """Whether the widget took the wheel; what it did not take, Qt gives to what is around it."""
    spot = QPointF(widget.rect().center())
    event = QWheelEvent(
        spot,
        QPointF(widget.mapToGlobal(spot.toPoint())),
        QPoint(),
        QPoint(0, -120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(widget, event)
    return event.isAccepted()


@pytest.fixture
def page(qtbot):
    area, inside = QScrollArea(), QWidget()
    qtbot.addWidget(area)
    rows = QVBoxLayout(inside)
    number, choice = QSpinBox(), QComboBox()
    number.setValue(50)
    choice.addItems(["a", "b", "c"])
    for widget in (number, choice, QWidget()):
        rows.addWidget(widget)
    inside.setMinimumHeight(2000)
    area.setWidget(inside)
    PassingWheel(area)
    area.resize(300, 200)
    with qtbot.waitActive(area):
        area.show()
        area.activateWindow()
    area.setFocus()
    return area, number, choice


@pytest.mark.parametrize("at", [1, 2])
def test_a_wheel_over_a_field_is_left_to_its_page(page, at) -> None:
    page[0].setFocus()
    assert not scroll_over(page[at])
    assert page[1].value() == 50
    assert page[2].currentText() == "a"
    assert not page[at].focusPolicy() & Qt.FocusPolicy.WheelFocus & ~Qt.FocusPolicy.StrongFocus


def test_a_field_that_a_person_is_in_is_turned(page) -> None:
    _, number, _ = page
    number.setFocus()
    assert scroll_over(number)
    assert number.value() == 49


@pytest.mark.parametrize(
    "panel", [lambda: TrainingChoices([("normal", "Normal", "")]), DataPanel], ids=["how", "data"]
)
def test_pages_of_the_training_panel_leave_their_fields_alone(qtbot, panel) -> None:
    widget = panel()
    qtbot.addWidget(widget)
    fields = [*widget.findChildren(QAbstractSpinBox), *widget.findChildren(QComboBox)]
    assert fields
    for field in fields:
        before = field.property("value"), field.property("currentIndex")
        assert not scroll_over(field)
        assert (field.property("value"), field.property("currentIndex")) == before
