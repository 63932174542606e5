"""Exporting from the real window: dialogs, files, and the files dropped on it again."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, Qt, QUrl
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest

from genviewer.core.recipe import seeded_recipe
from genviewer.core.scene import Pane
from genviewer.engine.cells import decode_recipe
from genviewer.io.images import read_record
from genviewer.session import edits
from genviewer.session.track import Track
from tests.ui.conftest import PATIENCE_MS, settled
from tests.ui.exporting import LEFT, click_save, drop, notices

if TYPE_CHECKING:
    from genviewer.ui.main_window import MainWindow


@pytest.fixture
def played(window, qtbot, tmp_path) -> MainWindow:
    """A window with three keyframes, that saves where the test looks."""
    window.files.folder = tmp_path
    for seed in (3, 4, 5):
        edits.set_seed(window.session, seed)
        edits.choose_class(window.session, seed)
        settled(qtbot, window)
        QTest.keyClick(window, Qt.Key.Key_K)
    return window


def loaded_of(window: MainWindow):
    return window.explorer.store.loaded(window.session.scene.model.id)


def test_every_image_format_dropped_again_restores_the_sample(qtbot, window, tmp_path) -> None:
    loaded = loaded_of(window)
    for number, form in enumerate(("png", "webp", "jpeg", "tiff")):
        edits.choose_class(window.session, number)
        edits.set_seed(window.session, 40 + number)
        settled(qtbot, window)
        recipe = window.session.scene.recipe
        window.actions_by_id["save_sample"].trigger()
        dialog = window.exports.dialog
        QTest.mouseClick(dialog.format.button(form), LEFT)
        dialog.scale.factor.setValue(3)
        dialog.file.edit.setText(str(tmp_path / f"made{dialog.file.path.suffix}"))
        path = dialog.choice().path
        click_save(qtbot, window, path.name)
        with Image.open(path) as image:
            shown = np.asarray(image.convert("L"), np.int16)[1::3, 1::3]
        drawn = decode_recipe(loaded.generator, recipe)[..., 0]
        assert np.abs(shown - drawn).max() <= (40 if form == "jpeg" else 0)
        edits.choose_class(window.session, 9)
        edits.set_seed(window.session, 1)
        moved = path.with_name(f"no-suffix-{number}")  # the content tells, not the name
        path.rename(moved)
        drop(window, moved)
        qtbot.waitUntil(lambda recipe=recipe: window.session.scene.recipe == recipe)


def test_sixteen_bits_and_a_smooth_size(qtbot, window, tmp_path) -> None:
    window.files.folder = tmp_path
    window.actions_by_id["save_sample"].trigger()
    dialog = window.exports.dialog
    dialog.bits.setCurrentIndex(1)
    dialog.scale.method.setCurrentIndex(1)
    dialog.scale.wide.setValue(100)
    dialog.file.edit.setText(str(tmp_path / "deep.png"))
    click_save(qtbot, window, "deep.png")
    with Image.open(tmp_path / "deep.png") as image:
        assert image.size == (100, 100)
        assert image.mode == "I;16"


def test_nothing_is_replaced_without_saying_so(qtbot, window, tmp_path) -> None:
    path = tmp_path / "there.png"
    path.write_bytes(b"mine")
    window.files.folder = tmp_path
    window.actions_by_id["save_sample"].trigger()
    dialog = window.exports.dialog
    dialog.file.edit.setText(str(path))
    assert dialog.save.text() == "Replace"
    assert "will be replaced" in dialog.hint.text()
    dialog.file.edit.setText(str(tmp_path / "new.png"))
    assert dialog.save.text() == "Save"
    (tmp_path / "new.png").write_bytes(b"of somebody else, meanwhile")
    choice = dialog.choice()
    assert choice.replace
    (tmp_path / "new.png").unlink()
    choice = dialog.choice()
    (tmp_path / "new.png").write_bytes(b"of somebody else, meanwhile")
    scene, loaded = window.session.scene, loaded_of(window)
    window.exports.save_image(choice, scene, loaded, window.view_inputs())
    qtbot.waitUntil(lambda: any("exists already" in text for text in notices(window)))
    assert (tmp_path / "new.png").read_bytes() == b"of somebody else, meanwhile"
    dialog.reject()


def test_without_its_recipe_a_file_tells_nothing(qtbot, window, tmp_path) -> None:
    window.files.folder = tmp_path
    window.actions_by_id["save_sample"].trigger()
    dialog = window.exports.dialog
    dialog.file.edit.setText(str(tmp_path / "bare.png"))
    QTest.mouseClick(dialog.embed, LEFT)
    click_save(qtbot, window, "bare.png")
    assert b"genviewer" not in (tmp_path / "bare.png").read_bytes()
    drop(window, tmp_path / "bare.png")
    qtbot.waitUntil(lambda: any("carries no Recipe" in text for text in notices(window)))


def test_all_pins_go_into_a_folder_under_their_names(qtbot, window, tmp_path) -> None:
    window.files.folder = tmp_path
    for digit in (2, 7):
        edits.choose_class(window.session, digit)
        settled(qtbot, window)
        QTest.keyClick(window, Qt.Key.Key_P)
    window.actions_by_id["save_pins"].trigger()
    click_save(qtbot, window, "pins", "Saved 2 pins")
    assert sorted(p.name for p in (tmp_path / "pins").iterdir()) == [
        "digits-cvae-2-2.png",
        "digits-cvae-7-1.png",
    ]
    recipes = {read_record(p).recipe for p in (tmp_path / "pins").iterdir()}
    assert recipes == {pin.pane.recipe for pin in window.session.pins}


def test_a_keyframe_loop_is_saved_and_comes_back(qtbot, played, tmp_path) -> None:
    QTest.mouseClick(played.later.keyframes.panel.loop, LEFT)
    track = played.session.track
    QTest.mouseClick(played.later.keyframes.panel.export, LEFT)
    dialog = played.exports.dialog
    assert dialog.source.current == "keyframes"
    assert dialog.loop.isChecked()
    QTest.mouseClick(dialog.format.button("gif"), LEFT)
    dialog.seconds.setValue(1.5)
    dialog.fps.setValue(10)
    dialog.scale.factor.setValue(2)
    dialog.file.edit.setText(str(tmp_path / "loop.gif"))
    click_save(qtbot, played, "loop.gif")
    with Image.open(tmp_path / "loop.gif") as movie:
        assert movie.n_frames == 15
        assert movie.size == (56, 56)
        movie.seek(5)  # a third of the way is the second keyframe
        second = np.asarray(movie.convert("L"), np.int16)[::2, ::2]
    wanted = decode_recipe(loaded_of(played).generator, track.keyframes[1].recipe)[..., 0]
    assert np.abs(second - wanted).max() <= 2
    played.session.set_track(Track())
    edits.set_seed(played.session, 99)
    drop(played, tmp_path / "loop.gif")
    qtbot.waitUntil(lambda: len(played.session.track.keyframes) == 3, timeout=PATIENCE_MS)
    back = played.session.track
    assert [k.recipe for k in back.keyframes] == [k.recipe for k in track.keyframes]
    assert back.loop
    assert sum(k.seconds for k in back.keyframes) == pytest.approx(1.5)
    assert played.session.scene.recipe == track.keyframes[0].recipe


@pytest.mark.parametrize("form", ["webp", "apng", "mp4", "webm"])
def test_every_film_dropped_again_restores_its_start(qtbot, window, tmp_path, form) -> None:
    if form in ("mp4", "webm"):
        pytest.importorskip("av", reason="PyAV makes MP4 and WebM")
    window.files.folder = tmp_path
    recipe = window.session.scene.recipe
    window.exports.animation_dialog("walk" if form == "mp4" else "traverse")
    dialog = window.exports.dialog
    QTest.mouseClick(dialog.format.button(form), LEFT)
    dialog.seconds.setValue(0.4)
    dialog.fps.setValue(10)
    dialog.scale.factor.setValue(2)
    dialog.file.edit.setText(str(tmp_path / f"film.{form}"))
    assert dialog.frames.text() == "4 frames"
    click_save(qtbot, window, f"film.{form}")
    edits.choose_class(window.session, 1)
    edits.set_seed(window.session, 1)
    drop(window, tmp_path / f"film.{form}")
    qtbot.waitUntil(lambda: window.session.scene.recipe == recipe, timeout=PATIENCE_MS)


def test_a_cancelled_animation_leaves_no_file(qtbot, played, tmp_path) -> None:
    QTest.mouseClick(played.later.keyframes.panel.export, LEFT)
    dialog = played.exports.dialog
    QTest.mouseClick(dialog.format.button("apng"), LEFT)
    dialog.seconds.setValue(3000.0)
    dialog.file.edit.setText(str(tmp_path / "long.apng"))
    QTest.mouseClick(dialog.save, LEFT)
    status = played.status
    qtbot.waitUntil(lambda: "Saving long.apng: frame" in status._work.text(), timeout=PATIENCE_MS)
    assert played.width() == 1280
    QTest.mouseClick(status._cancel, LEFT)
    qtbot.waitUntil(
        lambda: "Saving long.apng was cancelled." in notices(played), timeout=PATIENCE_MS
    )
    assert list(tmp_path.glob("long*")) == []


def test_a_data_set_is_cancelled_keeps_what_is_complete_and_goes_on(
    qtbot, window, tmp_path
) -> None:
    folder = tmp_path / "many"
    window.files.folder = tmp_path
    window.actions_by_id["export_data_set"].trigger()
    dialog = window.data_sets.dialog
    dialog.count.setValue(5000)
    dialog.folder.edit.setText(str(folder))
    assert dialog.save.text() == "Export"
    assert dialog.hint.text().startswith("50,000 samples")
    QTest.mouseClick(dialog.save, LEFT)
    qtbot.waitUntil(lambda: len(list(folder.glob("*/*.png"))) > 100, timeout=PATIENCE_MS)
    QTest.mouseClick(window.status._cancel, LEFT)
    qtbot.waitUntil(
        lambda: any("What is complete is kept" in text for text in notices(window)),
        timeout=PATIENCE_MS,
    )
    with (folder / "manifest.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert 0 < len(rows) < 50_000
    for row in rows[:: max(1, len(rows) // 20)]:
        with Image.open(folder / row["file"]) as image:
            image.load()
    window.actions_by_id["export_data_set"].trigger()
    again = window.data_sets.dialog
    again.folder.edit.setText(str(folder))
    assert "another export" in again.hint.text()
    assert not again.save.isEnabled()
    again.count.setValue(5000)
    assert again.save.text() == "Go on"
    assert again.save.isEnabled()
    again.reject()


def test_a_data_set_in_proportions(qtbot, window, tmp_path) -> None:
    window.files.folder = tmp_path
    window.actions_by_id["export_data_set"].trigger()
    dialog = window.data_sets.dialog
    QTest.mouseClick(dialog.by.button("all"), LEFT)
    dialog.count.setValue(20)
    dialog.shares.setText("3:x")
    assert not dialog.save.isEnabled()
    dialog.shares.setText("3:0.7, 8:0.3")
    dialog.folder.edit.setText(str(tmp_path / "few"))
    click_save(qtbot, window, "few", "20 samples")
    assert len(list((tmp_path / "few" / "3").glob("*.png"))) == 14
    assert len(list((tmp_path / "few" / "8").glob("*.png"))) == 6


def test_what_the_model_likes_least_is_drawn_again(qtbot, window, tmp_path) -> None:
    window.files.open_model("digits-cgan")  # whose discriminator scores
    qtbot.waitUntil(lambda: window.session.scene.model.name == "digits-cgan", timeout=PATIENCE_MS)
    settled(qtbot, window)
    window.files.folder = tmp_path
    window.actions_by_id["export_data_set"].trigger()
    dialog = window.data_sets.dialog
    QTest.mouseClick(dialog.by.button("all"), LEFT)
    dialog.count.setValue(12)
    dialog.reject_share.setValue(50)
    dialog.folder.edit.setText(str(tmp_path / "liked"))
    click_save(qtbot, window, "liked", "12 samples")
    with (tmp_path / "liked" / "manifest.csv").open(newline="") as file:
        seeds = [int(row["seed"]) for row in csv.DictReader(file)]
    first = window.session.controls.seed
    assert any(seed >= first + 12 for seed in seeds)


@pytest.mark.parametrize("suffix", ["npz", "npy", "safetensors", "csv", "json"])
def test_latents_of_pins_come_back_as_pins(qtbot, window, tmp_path, suffix) -> None:
    spec, model = window.session.spec, window.session.scene.model
    for seed in (1, 2):
        window.session.add_pin(Pane(model, seeded_recipe(spec, seed)), str(seed), b"")
    before = [pin.pane.recipe for pin in window.session.pins]
    path = tmp_path / f"points.{suffix}"
    window.latents.export(path)
    qtbot.waitUntil(lambda: any("latents of 2 pins" in text for text in notices(window)))
    for pin in window.session.pins:
        window.session.remove_pin(pin.id)
    drop(window, path)
    qtbot.waitUntil(lambda: len(window.session.pins) == 2, timeout=PATIENCE_MS)
    after = [pin.pane.recipe for pin in window.session.pins]
    assert [r.latent for r in after] == [r.latent for r in before]
    if suffix != "npy":  # which holds latents alone
        assert [r.condition for r in after] == [r.condition for r in before]
    assert all(pin.thumbnail.startswith(b"\x89PNG") for pin in window.session.pins)


def test_a_pasted_file_and_a_sidecar_restore_too(qtbot, window, tmp_path, request) -> None:
    edits.set_seed(window.session, 77)
    settled(qtbot, window)
    recipe = window.session.scene.recipe
    window.files.folder = tmp_path
    window.actions_by_id["save_sample"].trigger()
    window.exports.dialog.file.edit.setText(str(tmp_path / "a.png"))
    click_save(qtbot, window, "a.png")
    text = read_record(tmp_path / "a.png").text()
    (tmp_path / "a.mov.json").write_text(json.dumps(json.loads(text), indent=2))
    for path in (tmp_path / "a.png", tmp_path / "a.mov.json"):
        edits.set_seed(window.session, 1)
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(path))])
        QGuiApplication.clipboard().setMimeData(data)
        request.addfinalizer(QGuiApplication.clipboard().clear)  # Qt outlives Python: not its data
        window.actions_by_id["paste_recipe"].trigger()
        qtbot.waitUntil(lambda: window.session.scene.recipe == recipe)
