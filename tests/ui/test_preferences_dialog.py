import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDialogButtonBox

from genviewer.session.preferences import PREFERENCES, ROWS, defaults
from genviewer.ui.preferences_dialog import PreferencesDialog

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def dialog(qtbot):
    dialog = PreferencesDialog(defaults())
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.waitExposed(dialog)
    dialog.got = []
    dialog.changed.connect(lambda key, value: dialog.got.append((key, value)))
    return dialog


def test_every_setting_has_a_control_that_says_what_it_is(dialog):
    assert list(dialog.controls) == [row.key for row in PREFERENCES]
    for row in PREFERENCES:
        assert dialog.controls[row.key].accessibleName() == row.label


def test_a_switch_is_clicked(dialog):
    before = defaults()["smooth_zoom"]
    QTest.mouseClick(dialog.controls["smooth_zoom"], LEFT)
    QTest.keyClick(dialog.controls["smooth_zoom"], Qt.Key.Key_Return)
    assert dialog.got == [("smooth_zoom", not before), ("smooth_zoom", before)]


def test_a_choice_is_stepped_through_with_keys(dialog):
    combo = dialog.controls["theme"]
    combo.setFocus()
    QTest.keyClick(combo, Qt.Key.Key_Down)
    assert dialog.got == [("theme", ROWS["theme"].choices[1][0])]


def test_a_number_is_typed(dialog):
    box = dialog.controls["history_length"]
    box.selectAll()
    QTest.keyClicks(box, "250")
    assert dialog.got == []
    QTest.keyClick(box, Qt.Key.Key_Return)
    assert dialog.got == [("history_length", 250)]


def test_showing_values_is_no_change(dialog):
    dialog.set_values({"theme": "light", "history_length": 77, "smooth_zoom": True})
    assert dialog.controls["theme"].currentData() == "light"
    assert dialog.controls["history_length"].value() == 77
    assert dialog.got == []


def test_reset_says_what_it_changed(dialog):
    dialog.set_values({"theme": "light", "history_length": 77})
    QTest.mouseClick(dialog.reset_button, LEFT)
    assert sorted(dialog.got) == [("history_length", 500), ("theme", "system")]


def test_every_value_said_is_one_that_the_setting_can_have(dialog):
    for key, control in dialog.controls.items():
        for press in (Qt.Key.Key_Down, Qt.Key.Key_Up, Qt.Key.Key_Return):
            QTest.keyClick(control, press)
        assert all(ROWS[k].valid(v) == v for k, v in dialog.got), key


def test_close_closes(dialog):
    close = dialog.findChild(QDialogButtonBox).button(QDialogButtonBox.StandardButton.Close)
    QTest.mouseClick(close, LEFT)
    assert not dialog.isVisible()
