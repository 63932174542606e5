"""The Axes view in the real window: chosen, typed, wrong, undone, saved as one sheet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from genviewer.core.scene import AxisChoice
from genviewer.core.views import make_sheet
from genviewer.engine.cells import decode_recipe
from genviewer.session import edits
from tests.ui.conftest import settled
from tests.ui.exporting import LEFT, click_save, drop

if TYPE_CHECKING:
    from genviewer.ui.main_window import MainWindow
    from genviewer.ui.widgets.axis_options import AxisField


def choose(field: AxisField, kind: str) -> None:
    field.kind.setCurrentIndex(field.kind.findData(kind))
    field.kind.activated.emit(field.kind.currentIndex())


def retype(field: AxisField, text: str) -> None:
    field.values.setFocus()
    field.values.selectAll()
    QTest.keyClicks(field.values, text)


def sheet_of(window: MainWindow):
    session = window.session
    return make_sheet(session.scene, session.spec, window.view_inputs())


def test_an_axis_grid_is_edited_undone_and_saved(qtbot, window, tmp_path) -> None:
    window.files.folder = tmp_path
    QTest.keyClick(window, Qt.Key.Key_X)
    settled(qtbot, window)
    row = window.view_bar.axes
    assert row.isVisible()
    choose(row.rows, "dim")
    row.rows.dim.setValue(3)
    settled(qtbot, window)
    before = window.session.scene
    retype(row.rows, "-2..2/5")
    retype(row.columns, "3,8,1")
    settled(qtbot, window)
    options = window.session.scene.options.axes
    assert options.rows == AxisChoice("dim", "-2..2/5", 3)
    assert options.columns == AxisChoice("class", "3,8,1")
    sheet = sheet_of(window)
    assert (sheet.rows, sheet.columns) == (5, 3)
    assert sheet.column_labels == ("3", "8", "1")
    assert sheet.row_labels[0] == "z3 \N{MINUS SIGN}2"
    scene = window.session.scene
    window.actions_by_id["save_sheet"].trigger()
    dialog = window.exports.dialog
    QTest.mouseClick(dialog.headers, LEFT)
    dialog.file.edit.setText(str(tmp_path / "axes.png"))
    click_save(qtbot, window, "axes.png")
    with Image.open(tmp_path / "axes.png") as image:
        saved = np.asarray(image, np.int16)
    assert saved.shape == (5 * 28, 3 * 28)
    generator = window.explorer.store.loaded(scene.model.id).generator
    for cell in (0, 4, 14):
        y, x = divmod(cell, 3)
        recipe = sheet.cell(cell)[1]
        values = scene.recipe.latent.array.copy()
        values[3] = np.float32(-2 + y)
        assert np.array_equal(recipe.latent.array, values)  # the same seed but for one dimension
        tile = saved[28 * y : 28 * y + 28, 28 * x : 28 * x + 28]
        assert np.abs(tile - decode_recipe(generator, recipe)[..., 0]).max() <= 1
    while window.session.scene != before and window.session.history.can_undo:
        window.session.undo()
    assert window.session.scene == before
    assert row.rows.values.text() == "-2.5..2.5/7"
    edits.set_view(window.session, "focus")
    drop(window, tmp_path / "axes.png")
    qtbot.waitUntil(lambda: window.session.scene == scene)
    assert row.columns.values.text() == "3,8,1"


def test_what_is_wrong_is_said_at_the_field_and_changes_nothing(qtbot, window) -> None:
    QTest.keyClick(window, Qt.Key.Key_X)
    settled(qtbot, window)
    row = window.view_bar.axes
    before = window.session.scene
    for field, note, text, said in (
        (row.rows, row.rows_note, "0..x", "is not a seed"),
        (row.columns, row.columns_note, "cat", "cat"),
        (row.rows, row.rows_note, "0..9999", "256"),
        (row.rows, row.rows_note, "0..199", "2000 cells"),
    ):
        retype(field, text)
        qtbot.waitUntil(lambda note=note, said=said: note.isVisible() and said in note.text())
        assert window.session.scene.options.axes.columns == before.options.axes.columns
        assert (window.width(), window.height()) == (1280, 800)
        assert window.view_bar.rect().contains(row.geometry())
    retype(row.columns, "1,2")
    assert not row.columns_note.isVisible()
    assert not row.rows_note.isVisible()  # what was too many before fits now
    settled(qtbot, window)
    assert (sheet_of(window).rows, sheet_of(window).columns) == (200, 2)


def test_the_sheet_follows_the_hand(qtbot, window) -> None:
    QTest.keyClick(window, Qt.Key.Key_X)
    row = window.view_bar.axes
    choose(row.rows, "psi")
    settled(qtbot, window)
    sheet = sheet_of(window)
    assert sheet.focus_cell is not None  # psi 1 under the current class
    assert sheet.cell(sheet.focus_cell)[1] == window.session.scene.recipe
    edits.set_seed(window.session, 123)
    settled(qtbot, window)
    sheet = sheet_of(window)
    generator = window.explorer.store.loaded(window.session.scene.model.id).generator
    drawn = decode_recipe(generator, sheet.cell(7)[1])
    shown = window.canvas.cell_pixels(7)
    assert np.abs(shown.astype(int) - drawn).max() <= 1


def test_rows_and_columns_swap_rather_than_show_the_same(qtbot, window) -> None:
    QTest.keyClick(window, Qt.Key.Key_X)
    settled(qtbot, window)
    row = window.view_bar.axes
    choose(row.rows, "class")
    options = window.session.scene.options.axes
    assert (options.rows.kind, options.columns.kind) == ("class", "seed")
    assert row.columns.kind.currentData() == "seed"
