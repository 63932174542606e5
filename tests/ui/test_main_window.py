"""The real window under a real hand: mouse, keys, files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent, QGuiApplication
from PySide6.QtTest import QTest

from genviewer.core.picture import Picture
from genviewer.core.recipe import ModelRef, seeded_recipe
from genviewer.core.scene import VIEW_NAMES
from genviewer.core.spec import ImageSpec, LatentSpec, Spec
from genviewer.engine.cells import decode_recipe, render_sheet
from genviewer.engine.rendered import Rendered
from genviewer.engine.strips import strip
from genviewer.io.images import ImageRecord, save_png
from genviewer.session import edits
from genviewer.ui.actions import TABLE
from genviewer.ui.save_image_dialog import SaveChoice
from tests.ui.conftest import PATIENCE_MS, live, settled

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from genviewer.session.paths import UserFiles
    from genviewer.ui.main_window import MainWindow

LEFT = Qt.MouseButton.LeftButton


def fresh(window: MainWindow) -> np.ndarray:
    """The current sample, drawn afresh."""
    scene = window.session.scene
    loaded = window.explorer.store.loaded(scene.model.id)
    assert loaded is not None
    return decode_recipe(loaded.generator, scene.recipe)


def assert_shows_scene(window: MainWindow) -> None:
    """The canvas shows what a fresh rendering of the Scene gives."""
    shown = window.canvas.focus_pixels()
    assert shown is not None
    assert np.abs(shown.astype(int) - fresh(window).astype(int)).max() <= 1
    scene = window.session.scene
    if scene.view != "focus":
        loaded = window.explorer.store.loaded(scene.model.id)
        image = render_sheet(scene, loaded.generator, window.view_inputs())
        for cell in np.flatnonzero(image.filled):
            tile = window.canvas.cell_pixels(int(cell))
            assert np.abs(tile.astype(int) - image.pixels[cell].astype(int)).max() <= 1


def drag_slider(window: MainWindow, dim: int, steps: int = 12) -> None:
    sliders = window.latent_panel.sliders
    start = sliders.handle_position(dim)
    QTest.mousePress(sliders.viewport(), LEFT, pos=start)
    for step in range(1, steps + 1):
        QTest.mouseMove(sliders.viewport(), start + QPoint(4 * step, 0))
        live(8)
    QTest.mouseRelease(sliders.viewport(), LEFT, pos=start + QPoint(4 * steps, 0))


def drop(window: MainWindow, path: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    event = QDropEvent(
        QPointF(400, 400),
        Qt.DropAction.CopyAction,
        data,
        LEFT,
        Qt.KeyboardModifier.NoModifier,
    )
    window.dropEvent(event)
    assert event.isAccepted()


def notices(window: MainWindow) -> list[str]:
    return [notice.text for notice in window.notices.notices]


def test_the_first_window_shows_every_class_of_the_bundled_model(window: MainWindow) -> None:
    assert window.session.scene.view == "classes"
    assert window.session.scene.model.name == "digits-cvae"
    assert_shows_scene(window)
    assert not window.session.history.can_undo


def test_a_drag_on_a_slider_redraws_the_sample_and_is_one_step(qtbot, window: MainWindow) -> None:
    before = window.session.scene
    drag_slider(window, 1)
    settled(qtbot, window)
    after = window.session.scene.recipe.latent.array
    changed = np.flatnonzero(after != before.recipe.latent.array)
    assert changed.tolist() == [1]
    assert_shows_scene(window)
    QTest.keyClick(window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    settled(qtbot, window)
    assert window.session.scene == before
    assert_shows_scene(window)
    QTest.keyClick(
        window,
        Qt.Key.Key_Z,
        Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier,
    )
    assert window.session.scene.recipe.latent.array.tobytes() == after.tobytes()


def test_keys_choose_classes_and_views(qtbot, window: MainWindow) -> None:
    window.canvas.setFocus()
    QTest.keyClick(window.canvas, "6")
    assert window.session.scene.recipe.condition.class_weights("class") == {6: 1.0}
    for key, view in zip(
        "GTMXFC", ("grid", "traverse", "map", "axes", "focus", "classes"), strict=True
    ):
        QTest.keyClick(window.canvas, key)
        assert window.session.scene.view == view
        settled(qtbot, window)
        assert_shows_scene(window)
    assert set(VIEW_NAMES) == {"grid", "traverse", "map", "focus", "classes", "axes"}


def test_typing_into_a_box_does_not_run_shortcuts(qtbot, window: MainWindow) -> None:
    before = window.session.scene
    box = window.seed_panel.seed
    box.setFocus()
    box.selectAll()
    QTest.keyClicks(box, "123")
    assert window.session.scene == before
    QTest.keyClick(box, Qt.Key.Key_Return)
    assert window.session.controls.seed == 123
    assert window.session.scene != before


def test_a_click_on_a_cell_makes_it_the_current_sample(qtbot, window: MainWindow) -> None:
    sheet = window.frames.sheet
    assert sheet is not None
    _, expected = sheet.cell(27)
    centre = window.canvas.sheet_picture.grid.rect(27).center().toPoint()
    QTest.mouseClick(window.canvas, LEFT, pos=centre)
    assert window.session.scene.recipe == expected
    settled(qtbot, window)
    assert_shows_scene(window)


def test_a_drag_on_the_picture_moves_through_the_two_dimensions_of_the_pad(
    qtbot, window: MainWindow
) -> None:
    window.session.set_controls(type(window.session.controls)(locks=(), seed=7, pad=(2, 4)))
    window._axes_chosen((2, 4))
    before = window.session.scene.recipe.latent.array
    centre = window.canvas.focus_picture.rect.center()
    QTest.mousePress(window.canvas, LEFT, pos=centre)
    for step in range(1, 9):
        QTest.mouseMove(window.canvas, centre + QPoint(5 * step, -4 * step))
        live(5)
    QTest.mouseRelease(window.canvas, LEFT, pos=centre + QPoint(40, -32))
    moved = window.session.scene.recipe.latent.array - before
    assert np.flatnonzero(np.abs(moved) > 1e-6).tolist() == [2, 4]
    assert moved[2] > 0
    assert moved[4] > 0
    window.session.undo()
    assert window.session.scene.recipe.latent.array.tobytes() == before.tobytes()


def test_every_action_has_a_handler_and_no_shortcut_is_taken_twice(window: MainWindow) -> None:
    assert {row.id for row in TABLE} <= set(window.actions_by_id)
    keys = [
        shortcut.toString()
        for action in window.actions_by_id.values()
        for shortcut in action.shortcuts()
    ]
    assert len(keys) == len(set(keys))


BLOCKING = {
    "open_model", "open_project", "save_project", "save_project_as", "save_sample", "save_sheet",
    "restore_image", "quit", "full_screen", "import_latents", "export_latents",
    "open_folder", "open_hub", "save_bundle", "train_folder", "train_file", "train_hub",
    "train_keep", "train_open_run",
}  # fmt: skip


def test_every_action_that_asks_nothing_runs(qtbot, window: MainWindow) -> None:
    for name, action in list(window.actions_by_id.items()):
        if name not in BLOCKING and action.isEnabled():
            action.trigger()
            qtbot.wait(10)
    window.actions_by_id["walk"].trigger()
    window.explorer.walker.stop()
    for child in window.findChildren(type(window)) + list(qtbot_windows(window)):
        child.close()
    settled(qtbot, window)
    assert_shows_scene(window)


def qtbot_windows(window: MainWindow):
    from PySide6.QtWidgets import QApplication

    return [w for w in QApplication.topLevelWidgets() if w is not window and w.isVisible()]


def test_a_saved_png_dropped_on_the_window_restores_the_sample(
    qtbot, window: MainWindow, tmp_path: Path
) -> None:
    edits.choose_class(window.session, 7)
    edits.set_seed(window.session, 99)
    settled(qtbot, window)
    scene, path = window.session.scene, tmp_path / "seven.png"
    loaded = window.explorer.store.loaded(scene.model.id)
    window.exports.save_image(
        SaveChoice(path, picture=Picture(4)), scene, loaded, window.view_inputs()
    )
    qtbot.waitUntil(path.exists)
    qtbot.waitUntil(lambda: "Saved seven.png." in notices(window))
    edits.choose_class(window.session, 1)
    edits.set_seed(window.session, 3)
    settled(qtbot, window)
    drop(window, path)
    qtbot.waitUntil(lambda: window.session.scene.recipe == scene.recipe)
    settled(qtbot, window)
    assert_shows_scene(window)


def test_a_saved_sheet_restores_the_scene(qtbot, window: MainWindow, tmp_path: Path) -> None:
    edits.set_view(window.session, "traverse")
    settled(qtbot, window)
    scene, path = window.session.scene, tmp_path / "sheet.png"
    loaded = window.explorer.store.loaded(scene.model.id)
    window.exports.save_image(SaveChoice(path, "sheet"), scene, loaded, window.view_inputs())
    qtbot.waitUntil(lambda: "Saved sheet.png." in notices(window), timeout=PATIENCE_MS)
    edits.set_view(window.session, "focus")
    edits.roll(window.session)
    drop(window, path)
    qtbot.waitUntil(lambda: window.session.scene == scene)


@pytest.mark.parametrize("name", ["notes.txt", "plain.png", "project.genviewer", "folder"])
def test_a_dropped_file_that_is_nothing_is_one_sentence(
    qtbot, window: MainWindow, tmp_path: Path, name: str
) -> None:
    path = tmp_path / name
    if name == "folder":
        path.mkdir()
    else:
        path.write_bytes(b"nothing of use")
    before = window.session.scene
    drop(window, path)
    qtbot.waitUntil(lambda: any(name in text for text in notices(window)))
    assert window.session.scene == before
    drag_slider(window, 0)
    settled(qtbot, window)
    assert_shows_scene(window)


def test_what_was_there_at_the_end_is_there_at_the_next_start(
    qtbot, open_explorer, user_files: UserFiles
) -> None:
    first = open_explorer()
    edits.choose_class(first.session, 4)
    first.latent_panel.locks_changed.emit(np.eye(16, dtype=bool)[3])
    first.actions_by_id["pin"].trigger()
    edits.set_view(first.session, "grid")
    settled(qtbot, first)
    state = first.session.state()
    first.close()
    second = open_explorer()
    assert second.session.state().scene == state.scene
    assert second.session.pins == state.pins
    assert second.session.controls == state.controls
    assert_shows_scene(second)


def test_a_damaged_session_is_kept_aside(qtbot, open_explorer, user_files: UserFiles) -> None:
    user_files.session.parent.mkdir(parents=True)
    user_files.session.write_text('{"scene": 3')
    window = open_explorer()
    assert any("damaged" in text for text in notices(window))
    aside = [p for p in user_files.session.parent.iterdir() if "damaged" in p.name]
    assert [p.read_text() for p in aside] == ['{"scene": 3']
    assert_shows_scene(window)


def test_a_session_of_a_model_that_is_gone_falls_back_to_the_bundled_one(
    qtbot, open_explorer, user_files: UserFiles
) -> None:
    first = open_explorer()
    state = first.session.state()
    first.close()
    text = user_files.session.read_text().replace(state.scene.model.id, "0" * 32)
    user_files.session.write_text(text)
    window = open_explorer(settle=False)
    qtbot.waitUntil(lambda: window.session.scene.model == state.scene.model, timeout=PATIENCE_MS)
    settled(qtbot, window)
    assert any("not at hand" in text for text in notices(window))
    assert_shows_scene(window)


def test_a_project_is_saved_and_opened(qtbot, window: MainWindow, tmp_path: Path) -> None:
    edits.choose_class(window.session, 2)
    window.actions_by_id["pin"].trigger()
    state, path = window.session.state(), tmp_path / "work.genviewer"
    window.files._save_project(path)
    assert json.loads(path.read_text())["format"] == "genviewer-state/1"
    edits.roll(window.session)
    window.session.remove_pin(window.session.pins[0].id)
    drop(window, path)
    qtbot.waitUntil(lambda: window.session.scene == state.scene)
    assert window.session.pins == state.pins
    assert window.files.recent.projects == (str(path),)


def test_models_are_switched_and_undo_goes_back(
    qtbot, window: MainWindow, other_model: Path
) -> None:
    before = window.session.scene
    drop(window, other_model)
    qtbot.waitUntil(lambda: window.session.scene.model.name == "other-digits", timeout=PATIENCE_MS)
    settled(qtbot, window)
    assert window.session.scene.recipe.latent == before.recipe.latent
    assert_shows_scene(window)
    other = window.canvas.focus_pixels()
    window.session.undo()
    settled(qtbot, window)
    assert window.session.scene == before
    assert_shows_scene(window)
    assert not np.array_equal(window.canvas.focus_pixels(), other)


def test_a_damaged_model_leaves_the_old_one(qtbot, window: MainWindow, other_model: Path) -> None:
    weights = other_model / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[: 1 << 16])
    before = window.session.scene
    drop(window, other_model)
    qtbot.waitUntil(lambda: len(notices(window)) > 0, timeout=PATIENCE_MS)
    assert window.session.scene == before
    drag_slider(window, 2)
    settled(qtbot, window)
    assert_shows_scene(window)


def test_recipes_go_over_the_clipboard(qtbot, window: MainWindow) -> None:
    edits.choose_class(window.session, 8)
    recipe = window.session.scene.recipe
    window.actions_by_id["copy_recipe"].trigger()
    edits.roll(window.session)
    window.actions_by_id["paste_recipe"].trigger()
    qtbot.waitUntil(lambda: window.session.scene.recipe == recipe)
    QGuiApplication.clipboard().setText("no recipe at all")
    window.actions_by_id["paste_recipe"].trigger()
    assert "There is no Recipe and no image on the clipboard." in notices(window)
    assert window.session.scene.recipe == recipe


def test_an_image_that_is_pasted_is_inspected(window: MainWindow, monkeypatch) -> None:
    given: list[tuple[NDArray[np.uint8], str]] = []
    monkeypatch.setattr(window.later, "inspect_image", lambda *image: given.append(image))
    window.actions_by_id["copy_image"].trigger()
    window.actions_by_id["paste_recipe"].trigger()
    [(pixels, name)] = given
    assert name == "the clipboard"
    np.testing.assert_array_equal(pixels[..., :1], window.canvas.focus_pixels())


def test_a_walk_plays_and_is_one_step(qtbot, window: MainWindow) -> None:
    before = window.session.scene
    window.canvas.setFocus()
    QTest.keyClick(window.canvas, Qt.Key.Key_Space)
    assert window.explorer.walker.walking
    frames = window.explorer.renderer.counters.frames
    qtbot.waitUntil(lambda: window.explorer.renderer.counters.frames > frames + 5, timeout=10_000)
    QTest.keyClick(window.canvas, Qt.Key.Key_Space)
    assert not window.explorer.walker.walking
    settled(qtbot, window)
    assert window.session.scene != before
    assert_shows_scene(window)
    window.session.undo()
    assert window.session.scene == before


def test_pins_are_removed_with_a_way_back(qtbot, window: MainWindow) -> None:
    window.actions_by_id["pin"].trigger()
    pin = window.session.pins[0]
    edits.roll(window.session)
    window.pins.go_to(pin.id)
    assert window.session.scene.pane == pin.pane
    window.pins.remove(pin.id)
    assert window.session.pins == ()
    window.notices.notices[-1].button.click()
    assert window.session.pins == (pin,)


def test_an_image_named_at_the_start_is_restored(qtbot, open_explorer, tmp_path: Path) -> None:
    first = open_explorer()
    edits.choose_class(first.session, 8)
    settled(qtbot, first)
    scene, path = first.session.scene, tmp_path / "eight.png"
    loaded = first.explorer.store.loaded(scene.model.id)
    first.exports.save_image(
        SaveChoice(path, picture=Picture(2)), scene, loaded, first.view_inputs()
    )
    qtbot.waitUntil(lambda: "Saved eight.png." in notices(first))
    edits.choose_class(first.session, 0)
    first.close()
    second = open_explorer(str(path))
    qtbot.waitUntil(lambda: second.session.scene.recipe == scene.recipe, timeout=PATIENCE_MS)
    settled(qtbot, second)
    assert_shows_scene(second)


@pytest.mark.parametrize("what", ["no-such-model", "foreign.png", "broken.png"])
def test_what_cannot_be_opened_at_the_start_gives_way_to_the_bundled_model(
    qtbot, open_explorer, tmp_path: Path, what: str
) -> None:
    target = what
    if what == "foreign.png":
        spec = Spec("elsewhere", "gan", LatentSpec(5), ImageSpec(1, 4, 4))
        record = ImageRecord(ModelRef("elsewhere", "f" * 32), seeded_recipe(spec, 0))
        target = str(tmp_path / what)
        save_png(tmp_path / what, np.zeros((4, 4, 1), np.uint8), record)
    elif what == "broken.png":
        target = str(tmp_path / what)
        (tmp_path / what).write_bytes(b"\x89PNG")
    window = open_explorer(target)
    assert window.session.scene.model.name == "digits-cvae"
    qtbot.waitUntil(
        lambda: any(name in text for text in notices(window) for name in (what, "elsewhere")),
        timeout=PATIENCE_MS,
    )
    assert_shows_scene(window)


def test_another_class_leaves_the_old_class_in_its_cell(qtbot, window: MainWindow) -> None:
    """The current sample goes ahead of its sheet, but not into the cell of another class."""
    for index in (0, 8, 5, 0, 9):
        edits.choose_class(window.session, index)
        live(3)
    settled(qtbot, window)
    assert_shows_scene(window)


def test_no_view_widens_the_window(qtbot, window: MainWindow) -> None:
    for view in (*VIEW_NAMES, *reversed(VIEW_NAMES)):
        edits.set_view(window.session, view)
        settled(qtbot, window)
        assert (window.width(), window.height()) == (1280, 800)


def test_panels_come_back_as_they_were_after_the_canvas_alone(open_explorer) -> None:
    window = open_explorer()
    panels = (window.browser, window.shelf, window.seed_panel, window.latent_panel)
    before = [panel.size() for panel in panels]
    alone = window.actions_by_id["canvas_only"]
    alone.trigger()
    live(20)
    assert not any(panel.isVisible() for panel in panels)
    alone.trigger()
    live(20)
    assert [panel.size() for panel in panels] == before
    alone.trigger()
    window.close()
    again = open_explorer()
    assert all(panel.isVisible() for panel in (again.browser, again.shelf, again.latent_panel))


def test_what_the_model_says_about_its_device_is_told(window: MainWindow) -> None:
    text = "The GPU is out of memory; the model draws on the CPU now."
    window.explorer.rendered.emit(Rendered(notices=(text,)))
    assert text in notices(window)


def test_the_strip_is_drawn_by_the_model_that_is_opened(qtbot, window):
    drawn = []
    window.explorer.strip_drawn.connect(lambda dim, pixels: drawn.append((dim, pixels)))
    for name in ("digits-cgan", "digits-gan"):  # of the same latent space, so the latent stays
        window.files.open_model(name)
        qtbot.waitUntil(lambda n=name: window.session.scene.model.name == n, timeout=PATIENCE_MS)
        settled(qtbot, window)
    generator = window.explorer.store.loaded(window.session.scene.model.id).generator
    dim = window.latent_panel.sliders.shown_dim
    expected = strip(generator, window.session.scene.recipe, dim).astype(int)

    def shown() -> bool:
        if not drawn or drawn[-1][1].shape != expected.shape:
            return False
        return drawn[-1][0] == dim and np.abs(drawn[-1][1].astype(int) - expected).max() <= 1

    qtbot.waitUntil(shown, timeout=PATIENCE_MS)
