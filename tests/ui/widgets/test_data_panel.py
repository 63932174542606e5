"""The panel of the data: what it shows of a data set, and what a person chooses in it."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton

from genviewer.io.dataset_fit import Fit, fit_image
from genviewer.io.dataset_gallery import make_gallery
from genviewer.io.dataset_mapping import LEFT_OUT, propose
from genviewer.io.dataset_survey import survey
from genviewer.ui.widgets.data_panel import DataPanel
from genviewer.ui.widgets.data_panel_classes import MAX_ROWS, DataClasses
from genviewer.ui.widgets.data_panel_fit import DataFit
from tests.io.data_files import classes, encoded, picture, write_tree

DIGITS = [str(i) for i in range(10)]


@pytest.fixture
def panel(qtbot):
    widget = DataPanel()
    qtbot.addWidget(widget)
    widget.resize(1200, 280)
    widget.set_model(DIGITS, (28, 28, 1), can_grow=True)
    widget.show()
    return widget


def shown(panel, folder, files):
    found = survey(write_tree(folder, files))
    panel.show_survey(found, make_gallery(found))
    return found


@pytest.fixture
def pets(panel, tmp_path):
    bad = {"frog/x.png": b"no image", "frog/y.png": b""}
    return shown(panel, tmp_path / "pets", classes({"3": 30, "frog": 20}) | bad)


def pick(combo, text):
    """Choose an entry as a person does who types it."""
    combo.setFocus()
    combo.setCurrentIndex(combo.findText(text))
    combo.activated.emit(combo.currentIndex())


# What is shown


def test_choices_among_many_classes_are_not_gone_through_for_every_row(qtbot, monkeypatch):
    names = [f"class {k}" for k in range(1000)]
    rows = DataClasses()
    qtbot.addWidget(rows)
    rows.set_classes([(name, 5) for name in names], {})
    rows.set_model(names, can_grow=True, note="")
    before = list(rows.combos.values())
    rows.set_model(names[:-1], can_grow=False, note="")
    assert {combo.count() for combo in before} == {len(names) + 2}  # they follow no change
    monkeypatch.setattr(rows._items, "item", lambda *_: pytest.fail("gone through"))
    rows.show_choices(propose(names, names[:-1], "many", can_grow=False))
    rows.filter.setText("class 9")
    assert len(rows.combos) == MAX_ROWS
    assert {combo.currentText() == name for name, combo in rows.combos.items()} == {True}
    rows.filter.setText("class 999")
    assert rows.combos["class 999"].currentData() == LEFT_OUT


def test_at_first_it_asks_for_a_folder(qtbot, panel):
    assert "Drop a folder of images here" in texts(panel)
    for name, signal in (
        ("Folder…", panel.folder_wanted),
        ("File…", panel.file_wanted),
        ("Hub…", panel.hub_wanted),
    ):
        button = next(b for b in panel.findChildren(QPushButton) if b.text() == name)
        with qtbot.waitSignal(signal):
            QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def texts(panel) -> str:
    from PySide6.QtWidgets import QLabel

    return "\n".join(label.text() for label in panel.findChildren(QLabel) if label.isVisible())


def test_a_survey_is_shown_in_plain_words(panel, pets):
    found = panel.found
    assert found.name.text() == "pets"
    assert found.kind.text() == "A folder of images, a folder for each class"
    assert found.images.text() == "50 of 2 classes"
    assert found.sizes.text() == "5×6"
    assert found.colours.text() == "grey"
    train, held, exact = panel.counts
    assert (train + held, exact) == (50, True)
    assert (found.train.text(), found.held.text()) == (str(train), str(held))


def test_files_that_are_left_out_unfold_with_the_reason(panel, pets):
    assert panel.found.fold.text() == "2 files left out"
    assert not panel.found.bad.isVisible()
    QTest.mouseClick(panel.found.fold, Qt.MouseButton.LeftButton)
    assert panel.found.bad.isVisible()
    assert "frog/x.png is not an image that can be read" in panel.found.bad.toPlainText()


def test_how_far_a_survey_is_and_that_it_can_be_cancelled(qtbot, panel):
    panel.show_working(0.25, "40 of 160 images")
    assert "40 of 160 images" in texts(panel)
    cancel = next(b for b in panel.findChildren(QPushButton) if b.text() == "Cancel")
    with qtbot.waitSignal(panel.cancel_wanted):
        QTest.mouseClick(cancel, Qt.MouseButton.LeftButton)


def test_a_failure_is_told_and_leaves_no_data(panel, pets):
    panel.show_failure("pets has no image that can be used.")
    assert "pets has no image that can be used." in texts(panel)
    assert panel.survey is None
    assert panel.counts == (0, 0, True)


def test_many_classes_are_bounded_and_found_by_name(qtbot, panel, tmp_path):
    shown(panel, tmp_path, classes({f"kind {i}": 1 for i in range(60)}))
    assert len(panel.classes.combos) == MAX_ROWS
    assert panel.classes.more.text() == "and 20 more classes; find them by name"
    panel.classes.filter.setFocus()
    QTest.keyClicks(panel.classes.filter, "Kind 59")
    assert list(panel.classes.combos) == ["kind 59"]
    assert not panel.classes.more.isVisible()


# What is chosen


def test_classes_are_matched_by_name_and_others_are_new(panel, pets):
    assert panel.choices.mapping == {"3": "3", "frog": "frog"}
    assert panel.choices.new_classes == ("frog",)
    texts = {name: combo.currentText() for name, combo in panel.classes.combos.items()}
    assert texts == {"3": "3", "frog": "New class"}


def test_a_class_can_be_another_or_left_out_or_new(qtbot, panel, pets):
    with qtbot.waitSignal(panel.changed) as caught:
        pick(panel.classes.combos["frog"], "7")
    assert caught.args[0].mapping == {"3": "3", "frog": "7"}
    assert panel.choices.new_classes == ()
    pick(panel.classes.combos["3"], "Leave out")
    assert panel.choices.mapping == {"3": LEFT_OUT, "frog": "7"}
    assert sum(panel.counts[:2]) == 20
    pick(panel.classes.combos["3"], "New class")
    assert panel.choices.mapping["3"] == "3 2"  # the model has a 3
    assert panel.choices.new_classes == ("3 2",)


def test_all_at_once_by_name_or_none(qtbot, panel, pets):
    with qtbot.waitSignal(panel.changed):
        QTest.mouseClick(panel.classes.none, Qt.MouseButton.LeftButton)
    assert set(panel.choices.mapping.values()) == {LEFT_OUT}
    assert panel.counts == (0, 0, True)
    with qtbot.waitSignal(panel.changed):
        QTest.mouseClick(panel.classes.names, Qt.MouseButton.LeftButton)
    assert panel.choices.mapping == {"3": "3", "frog": "frog"}


def test_a_flat_folder_is_of_one_class(panel, tmp_path):
    shown(panel, tmp_path / "frogs", {f"{i}.png": encoded(picture(i)) for i in range(5)})
    assert panel.choices.mapping == {"": "frogs"}
    pick(panel.classes.combos[""], "4")
    assert panel.choices.mapping == {"": "4"}
    assert "All images" in texts(panel)


def test_a_model_without_classes_says_so_and_takes_all(panel, pets):
    panel.set_model([], (64, 64, 3), can_grow=False)
    assert panel.choices.mapping == {}
    assert panel.choices.used is None
    assert not panel.classes.combos
    assert "This model has no classes" in texts(panel)
    assert sum(panel.counts[:2]) == 50


def test_a_model_that_cannot_grow_offers_no_new_class(panel, pets):
    panel.set_model(DIGITS, (28, 28, 1), can_grow=False, note="It cannot be given more classes.")
    assert panel.choices.mapping == {"3": "3", "frog": LEFT_OUT}
    assert panel.classes.combos["frog"].findText("New class") == -1
    assert "It cannot be given more classes." in texts(panel)


def test_the_same_model_again_keeps_what_was_chosen(panel, pets):
    pick(panel.classes.combos["frog"], "7")
    panel.set_model(DIGITS, (28, 28, 1), can_grow=True)
    assert panel.choices.mapping["frog"] == "7"
    assert panel.classes.combos["frog"].currentText() == "7"


def test_the_share_to_check_on_is_chosen(qtbot, panel, pets):
    with qtbot.waitSignal(panel.changed):
        panel.found.share.setValue(40)
    assert panel.choices.validation == 0.4
    assert panel.counts[1] == pytest.approx(20, abs=12)
    panel.found.share.setValue(0)
    assert panel.counts == (50, 0, True)


def test_a_test_split_of_its_own_is_not_chosen_by_share(panel, tmp_path):
    files = {f"{split}/{k}": v for split in ("train", "test") for k, v in classes({"3": 4}).items()}
    shown(panel, tmp_path, files)
    assert not panel.found.share.isVisible()
    assert panel.counts == (4, 4, True)


def test_the_preview_shows_what_the_model_will_see(qtbot, panel, tmp_path):
    ink = np.full((40, 90, 3), 255, np.uint8)
    ink[10:30, 20:70] = 0
    shown(panel, tmp_path, {"a.png": encoded(ink)})
    with qtbot.waitSignal(panel.changed):
        QTest.mouseClick(panel.fit.invert, Qt.MouseButton.LeftButton)
    QTest.mouseClick(panel.fit.how.button("pad"), Qt.MouseButton.LeftButton)
    assert panel.choices.fit == Fit("pad", invert=True)
    wanted = fit_image(ink, 28, 28, 1, panel.choices.fit)
    (image,) = panel.fit.preview.shown
    assert (image.width(), image.height()) == (28, 28)
    for x, y in ((0, 0), (14, 14), (27, 27)):
        assert image.pixelColor(x, y).red() == wanted[y, x, 0]


def test_grey_can_be_chosen_where_the_model_has_colours(qtbot, panel, pets):
    assert not panel.fit.colour.isVisible()
    panel.set_model(DIGITS, (32, 32, 3), can_grow=True)
    assert panel.fit.colour.isVisible()
    assert panel.fit.target.text() == "32×32"
    with qtbot.waitSignal(panel.changed):
        QTest.mouseClick(panel.fit.colour.button("grey"), Qt.MouseButton.LeftButton)
    assert panel.choices.fit == Fit(colour="grey")


def test_fit_and_share_stay_for_other_data(panel, pets, tmp_path):
    panel.found.share.setValue(20)
    QTest.mouseClick(panel.fit.how.button("stretch"), Qt.MouseButton.LeftButton)
    shown(panel, tmp_path / "other", classes({"5": 4}))
    assert (panel.choices.fit.how, panel.choices.validation) == ("stretch", 0.2)
    assert panel.choices.mapping == {"5": "5"}


def test_showing_choices_tells_nobody(qtbot, panel, pets):
    with qtbot.assertNotEmitted(panel.changed):
        panel.set_choices(panel.choices)
        panel.set_model(DIGITS, (28, 28, 1), can_grow=True)


# Dropping


def drop(panel, *paths):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    action, button = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    none = Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPoint(9, 9), action, data, button, none)
    panel.dragEnterEvent(enter)
    if enter.isAccepted():
        panel.dropEvent(QDropEvent(QPointF(9, 9), action, data, button, none))
    return enter.isAccepted()


def test_a_folder_is_dropped(qtbot, panel, tmp_path):
    with qtbot.waitSignal(panel.dropped) as caught:
        assert drop(panel, tmp_path)
    assert caught.args == [str(tmp_path)]


def test_several_files_are_not_taken(qtbot, panel, tmp_path):
    with qtbot.assertNotEmitted(panel.dropped):
        assert not drop(panel, tmp_path / "a", tmp_path / "b")


def test_everything_is_reached_by_the_tab_key(panel, pets):
    wanted = {
        panel.found.other,
        panel.found.share,
        panel.fit.invert,
        *panel.classes.combos.values(),
    }
    panel.found.other.setFocus()
    reached = {panel.focusWidget()}
    for _ in range(40):
        QTest.keyClick(panel.focusWidget(), Qt.Key.Key_Tab)
        reached.add(panel.focusWidget())
    assert wanted <= reached


def test_in_a_narrow_place_the_parts_are_one_above_the_other(qtbot, panel, pets):
    panel.resize(500, 600)
    qtbot.waitUntil(lambda: panel.fit.y() > panel.classes.y() > panel.found.y())
    panel.resize(700, 400)
    qtbot.waitUntil(lambda: panel.fit.y() > panel.classes.y() == panel.found.y())
    panel.resize(1200, 280)
    qtbot.waitUntil(lambda: panel.classes.y() == panel.found.y())


def test_all_that_is_said_of_the_fit_has_room_where_it_is_narrow(qtbot):
    fit = DataFit()
    qtbot.addWidget(fit)
    fit.set_shape((64, 64, 3))
    fit.show_fit(Fit())
    fit.show()
    fit.resize(fit.minimumWidth(), 300)
    qtbot.waitUntil(lambda: fit.width() == fit.minimumWidth())
    fit.layout().activate()
    for part in (fit.heading, fit.target, fit.how, fit.invert, fit.colour):
        assert part.width() >= part.sizeHint().width(), part.accessibleName()
    assert fit.colour.y() > fit.how.y()
    fit.resize(fit.width() + 200, 300)
    qtbot.waitUntil(lambda: fit.colour.y() < fit.how.y())
