"""The whole way in the real window: images dropped, trained on under the hand, kept, closed."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog, QLabel

from genviewer.io.bundle import open_bundle
from genviewer.io.cancelling import check_cancelled
from genviewer.ui import training_setup
from genviewer.ui.dropped_data import is_data_set, is_run
from genviewer.ui.models import Live, Loaded
from genviewer.ui.restoring import kind_of
from genviewer.ui.training_record import read_record
from genviewer.ui.widgets.training_choices import Choices
from tests.ui.conftest import PATIENCE_MS, settled
from tests.ui.exporting import LEFT, drop
from tests.ui.widgets.hands import move

PATIENT_MS = 4 * PATIENCE_MS  # torch is imported, and a training is begun


def _until(qtbot, what):
    qtbot.waitUntil(what, timeout=PATIENT_MS)


@pytest.fixture(autouse=True)
def _priority(monkeypatch):
    """Beside other work on the same machine the trainer would hardly get a turn."""
    monkeypatch.setattr("genviewer.engine.training_thread.NICENESS", 0)


@pytest.fixture
def images(tmp_path):
    """White squares of a class that the model knows and of one that it does not, and a bad file."""
    folder = tmp_path / "squares"
    for name in ("3", "square"):
        (folder / name).mkdir(parents=True)
        for number in range(6):
            pixels = np.zeros((32, 32), np.uint8)
            pixels[4 + number : 26, 4:28] = 255
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    (folder / "3" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nno image")
    return folder


@pytest.fixture
def setup(qtbot, window, images):
    """The window after a folder was dropped on it and looked at."""
    window.actions_by_id["view_focus"].trigger()
    drop(window, images)
    setup = window.later.training_setup
    _until(qtbot, lambda: setup.data.survey is not None and not setup.blocked)
    yield setup
    if window.later.training.going:  # or the window would ask
        window.later.training.close()


def _press_main(qtbot, window):
    button = window.later.training.panel.main
    _until(qtbot, button.isEnabled)
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def _start(qtbot, window, setup):
    how = setup.how
    _until(qtbot, lambda: how.choices.batch_size > 12)  # what the preset proposes has come
    how.batch.setValue(6)
    how.rate.setValue(5e-3)
    _press_main(qtbot, window)
    training = window.later.training
    _until(qtbot, lambda: window.session.scene.model == training.live.ref)
    return training


def _drag(qtbot, window, seen):
    """Drag the first slider; ``seen`` gets every Frame that comes of it."""
    window.explorer.rendered.connect(lambda rendered: seen.append(rendered.focus))
    sliders = window.latent_panel.sliders
    left, right = (sliders.track_point(0, fraction) for fraction in (0.2, 0.8))
    QTest.mousePress(sliders.viewport(), LEFT, pos=sliders.handle_position(0))
    for step in range(9):
        x = left.x() + (right.x() - left.x()) * step // 8
        move(sliders.viewport(), QPoint(x, left.y()))
        recipe = window.session.scene.recipe
        _until(qtbot, lambda: any(f and f.recipe == recipe for f in seen))  # noqa: B023 - at once
    QTest.mouseRelease(sliders.viewport(), LEFT, pos=right)


def test_dropped_images_are_trained_on_under_the_hand_and_kept(
    qtbot, window, setup, tmp_path, monkeypatch, open_explorer, user_files
):
    survey = setup.data.survey
    assert survey.count == 12
    assert window.later.data_sources.own[0][0] == survey.source
    assert survey.bad_count == 1
    assert setup.data.choices.new_classes == ("square",)
    recipe = window.session.scene.recipe
    monkeypatch.delattr("genviewer.engine.finetune_data.survey")  # nothing is looked at twice
    training = _start(qtbot, window, setup)
    assert window.session.spec.class_condition.size == 11
    assert window.session.scene.recipe == recipe

    frames: list = []
    _drag(qtbot, window, frames)
    assert training.going
    drawn = [frame.pixels.astype(int) for frame in frames if frame is not None]
    assert max(np.abs(pixels - drawn[0]).max() for pixels in drawn) > 20
    moved = window.session.scene.recipe
    assert moved.latent != recipe.latent

    _until(qtbot, lambda: training.live.snapshot.step > 8)
    window.actions_by_id["train_go"].trigger()
    _until(qtbot, lambda: training.standing.state == "paused")
    _until(qtbot, lambda: training.live.snapshot is training.live.newest)
    settled(qtbot, window)
    after = window.canvas.focus_pixels().copy()
    assert window.later.training.panel.main.text() == "Resume"

    window.actions_by_id["show_timeline"].trigger()
    timeline = window.later.timeline.panel
    timeline.slider.setFocus()
    QTest.keyClick(timeline.slider, Qt.Key.Key_Home)
    _until(qtbot, lambda: training.live.snapshot.step == 0)
    settled(qtbot, window)
    assert not np.array_equal(window.canvas.focus_pixels(), after)
    qtbot.mouseClick(timeline.live, LEFT)
    newest = training.live.newest.step
    _until(qtbot, lambda: training.live.snapshot.step == newest)
    settled(qtbot, window)
    np.testing.assert_array_equal(window.canvas.focus_pixels(), after)

    place = tmp_path / "with-squares"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_, **__: (str(place), ""))
    qtbot.mouseClick(training.panel.run.keep, LEFT)
    _until(qtbot, lambda: training.standing.state == "none")
    settled(qtbot, window)
    kept = open_bundle(place)
    assert window.session.scene.model == kept.ref
    assert kept.spec.class_condition.names[-1] == "square"
    loaded = window.explorer.store.loaded(kept.model_id)
    assert not isinstance(loaded, Live)
    assert np.abs(window.canvas.focus_pixels().astype(int) - after).max() <= 1
    assert window.close()

    again = open_explorer(place)
    _until(qtbot, lambda: again.session.scene.model == kept.ref)
    settled(qtbot, again)
    assert again.session.scene.recipe.latent == moved.latent
    assert np.abs(again.canvas.focus_pixels().astype(int) - after).max() <= 1


def test_closing_asks_once_and_a_run_that_is_kept_is_offered_at_the_next_start(
    qtbot, window, setup, open_explorer, user_files
):
    training = _start(qtbot, window, setup)
    window.close()
    window.close()
    box = window.trainings._box
    assert window.isVisible()
    box.button(box.StandardButton.Cancel).click()
    assert window.isVisible()
    assert training.going

    window.close()
    box = window.trainings._box
    stop = next(b for b in box.buttons() if b.text().startswith("Stop"))
    stop.click()
    _until(qtbot, lambda: not window.isVisible())
    left = read_record(user_files.training)
    assert left.folder == str(training.folder)

    again = open_explorer()
    again.trainings.offer_left()
    assert left.name in again.notices.notices[-1].text
    again.notices.notices[-1].button.click()
    resumed = again.later.training
    _until(qtbot, lambda: resumed.standing.state == "stopped" and resumed.live.snapshot is not None)
    step = resumed.standing.step
    _press_main(qtbot, again)
    _until(qtbot, lambda: resumed.standing.step > step)
    folder = resumed.folder
    again.close()
    box = again.trainings._box
    next(b for b in box.buttons() if b.text().startswith("Discard")).click()
    _until(qtbot, lambda: not again.isVisible())
    assert not folder.exists()
    assert not list(folder.parent.glob(".discarded"))
    assert read_record(user_files.training) is None
    assert again.session.scene.model.name == "digits-cvae"


def test_nothing_starts_before_it_is_known_how(qtbot, window, images, monkeypatch):
    def held(name):
        asked, go, real = threading.Event(), threading.Event(), getattr(training_setup, name)

        def slowly(*args, **options):
            asked.set()
            go.wait(PATIENT_MS / 1000)
            return real(*args, **options)

        monkeypatch.setattr(training_setup, name, slowly)
        return asked, go

    def open_again():
        """As for another device: it is the same model."""
        loaded = window.explorer.store.loaded(window.session.scene.model.id)
        setup.show_model(Loaded(loaded.bundle, loaded.generator))

    (looked, know), (asked, go) = held("what_can_train"), held("finetune_config")
    drop(window, images)
    _until(qtbot, looked.is_set)
    setup = window.later.training_setup
    assert "can learn" in setup.blocked
    open_again()
    know.set()
    _until(qtbot, asked.is_set)
    assert "learned best" in setup.blocked
    assert not window.later.training.panel.main.isEnabled()
    open_again()
    go.set()
    _until(qtbot, lambda: not setup.blocked)
    assert window.later.training.panel.main.isEnabled()
    assert setup.how.choices.steps < Choices().steps  # what the preset proposes
    setup.data.found.share.setValue(0)
    setup.how.batch.setValue(4)  # two images, and two pictures of the classes that they lack
    setup.how.steps.setValue(60)
    assert setup.how.epochs.text() == "10 epochs"
    qtbot.mouseClick(setup.how.preset.button("scratch"), Qt.MouseButton.LeftButton)
    assert setup.blocked
    _until(qtbot, lambda: not setup.blocked)
    setup.how.batch.setValue(4)
    setup.how.steps.setValue(60)
    assert setup.how.epochs.text() == "20 epochs"  # nothing is remembered


def test_looking_for_images_is_cancelled_like_other_work(qtbot, window, images, monkeypatch):
    looking, left = threading.Event(), threading.Event()

    def look_for_long(*_):
        looking.set()
        try:
            while not left.wait(0.01):
                check_cancelled()
        finally:
            left.set()

    monkeypatch.setattr("genviewer.io.dataset_survey.survey", look_for_long)
    drop(window, images)
    _until(qtbot, looking.is_set)
    setup = window.later.training_setup
    _until(qtbot, lambda: "looked at" in setup.blocked)
    window.status.cancel_wanted.emit()
    _until(qtbot, left.is_set)
    _until(qtbot, lambda: "Drop a folder" in setup.blocked)


def test_what_cannot_be_trained_on_is_said_in_the_panel(qtbot, window, tmp_path):
    (tmp_path / "empty.zip").write_bytes(b"PK\x05\x06" + bytes(18))
    window.trainings.survey(str(tmp_path / "empty.zip"))
    setup = window.later.training_setup
    labels = setup.data.findChildren(QLabel)
    _until(qtbot, lambda: any("empty.zip" in x.text() and x.isVisible() for x in labels))
    panel = window.later.training.panel
    _until(qtbot, lambda: "Drop a folder" in panel.main.toolTip())
    assert not panel.main.isEnabled()


def test_a_folder_of_images_can_be_named_at_the_start(qtbot, images, open_explorer, monkeypatch):
    monkeypatch.chdir(images.parent)
    setup = open_explorer(images.name).later.training_setup
    _until(qtbot, lambda: setup.data.survey is not None)
    assert setup.data.survey.count == 12
    assert setup.data.survey.source == str(images)


def test_images_a_run_and_models_are_told_apart(images, tmp_path):
    from genviewer.core.resources import models_dir

    model = models_dir() / "digits-cvae"
    assert kind_of(images) == "data"
    assert kind_of(model) == "model"
    assert kind_of(images / "3" / "0.png") == "record"
    np.savez(tmp_path / "data.npz", images=np.zeros((2, 8, 8), np.uint8))
    np.savez(tmp_path / "latents.npz", latents=np.zeros((2, 8), np.float32))
    (tmp_path / "files.csv").write_text("file,label\na.png,a\n")
    (tmp_path / "numbers.csv").write_text("z0,z1\n0.5,1\n")
    kinds = {name: kind_of(tmp_path / name) for name in ("data.npz", "latents.npz")}
    assert kinds == {"data.npz": "data", "latents.npz": "latents"}
    assert kind_of(tmp_path / "files.csv") == "data"
    assert kind_of(tmp_path / "numbers.csv") == "latents"
    run = tmp_path / "run"
    run.mkdir()
    (run / "train.toml").touch()
    assert is_run(run)
    assert kind_of(run) == "run"
    assert not is_data_set(run)
    (images / "model.safetensors").touch()
    assert kind_of(images) == "model"
