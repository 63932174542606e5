"""A training under the hand: live weights, citing, pausing, keeping, discarding, closing."""

from __future__ import annotations

import errno
import shutil
import tempfile
import threading
import time
from pathlib import Path

import msgspec
import numpy as np
import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from genviewer.core.resources import models_dir
from genviewer.engine import run_lock, run_timeline
from genviewer.engine.run_timeline import make_snapshot
from genviewer.engine.train_config import TrainingError, read_config
from genviewer.engine.train_place import Place
from genviewer.engine.train_run import RunFolder
from genviewer.engine.train_state import TrainingState
from genviewer.engine.training_run import TrainingRun
from genviewer.io.bundle import open_bundle
from genviewer.io.cancelling import check_cancelled
from genviewer.io.write_errors import WriteError
from genviewer.session.fit import check_recipe
from genviewer.session.state import load_state
from genviewer.ui.models import Live, Loaded
from genviewer.ui.training import Training
from genviewer.ui.training_record import move_kept, read_record
from genviewer.ui.widgets.training_panel import TrainingPanel
from tests.ui.conftest import PATIENCE_MS, settled

BASE = models_dir() / "digits-cvae"


@pytest.fixture
def data(tmp_path):
    """A few white images of each class: unlike any digit."""
    path = tmp_path / "white.npz"
    labels = np.arange(40) % 10
    np.savez(path, images=np.full((40, 28, 28), 255, np.uint8), labels=labels)
    return path


@pytest.fixture
def config(data):
    config = read_config(BASE / "train.toml")
    return msgspec.structs.replace(
        config,
        name="whiter",
        steps=100_000,
        batch_size=8,
        seed=3,
        threads=1,
        start_from=str(BASE),
        checkpoint_every=50,
        data=msgspec.structs.replace(config.data, source=str(data)),
        # It is to be seen within a few steps.
        optimizer=msgspec.structs.replace(config.optimizer, ema=0.5, warmup=0),
    )


@pytest.fixture
def training(qtbot, window, user_files):
    panel = TrainingPanel(QWidget(), QWidget())
    qtbot.addWidget(panel)
    made = Training(window.explorer, panel, user_files, window, window)
    window.model_kept = lambda loaded: None
    yield made
    made.close()


PATIENT_MS = 4 * PATIENCE_MS  # torch is imported, and a training is begun


def _until(qtbot, what):
    qtbot.waitUntil(what, timeout=PATIENT_MS)


@pytest.fixture(autouse=True)
def _priority(monkeypatch):
    """Beside other work on the same machine the trainer would hardly get a turn."""
    monkeypatch.setattr("genviewer.engine.training_thread.NICENESS", 0)


@pytest.fixture
def running(qtbot, window, training, config):
    """A training whose weights are on the screen."""
    scene = window.session.scene
    base = window.explorer.store.loaded(scene.model.id)
    training.start(config, base)
    _until(qtbot, lambda: window.session.scene.model == training.live.ref)
    return training


def _stopped(qtbot, training):
    training.stop()
    _until(qtbot, lambda: training.standing.state == "stopped" and not training.going)


def test_the_very_picture_under_the_hand_turns_into_the_new_data(qtbot, window, running):
    recipe = window.session.scene.recipe
    original = window.canvas.focus_pixels().mean()
    _until(qtbot, lambda: window.canvas.focus_pixels().mean() > original + 30)
    assert window.session.scene.recipe == recipe
    assert running.standing.state == "running"
    window.session.undo()
    settled(qtbot, window)
    before = window.canvas.focus_pixels().mean()
    assert before < original + 5
    window.session.redo()
    assert window.session.scene.model == running.live.ref

    # While it waits, nothing moves; what is pinned is the very weights that draw it.
    running.pause()
    _until(qtbot, lambda: running.standing.state == "paused")
    _until(qtbot, lambda: running.live.snapshot is running.live.newest)
    settled(qtbot, window)
    step = running.live.snapshot.step
    window.actions_by_id["pin"].trigger()
    pin = window.session.pins[0]
    assert pin.pane.model == running.live.snapshot.ref != running.live.ref
    window.actions_by_id["copy_recipe"].trigger()
    copied = QGuiApplication.clipboard().text()
    assert pin.pane.model.id in copied
    assert running.live.ref.id not in copied
    shown = window.canvas.focus_pixels().copy()
    running.resume()
    _until(qtbot, lambda: running.live.snapshot.step > step)
    _stopped(qtbot, running)
    window.pins.go_to(pin.id)
    settled(qtbot, window)
    np.testing.assert_array_equal(window.canvas.focus_pixels(), shown)
    kept = running.folder / "kept" / f"step-{step:07d}"
    _until(qtbot, lambda: (kept / "config.json").is_file())
    assert open_bundle(kept).ref == pin.pane.model

    # Back at a checkpoint of the timeline the picture is that of before.
    window.session.undo()
    running.show_step(0)
    _until(qtbot, lambda: running.live.snapshot.step == 0)
    settled(qtbot, window)
    assert abs(window.canvas.focus_pixels().mean() - before) < 1.0


def test_before_stands_beside_after_and_goes_again(qtbot, window, running):
    button, session = running.panel.run.compare, window.session
    running.pause()
    button.click()
    assert [pane.model for pane in session.scene.panes] == [running.live.ref, running.live.base.ref]
    assert button.isChecked()
    session.undo()
    assert not button.isChecked()
    session.redo()
    button.click()
    assert [pane.model for pane in session.scene.panes] == [running.live.ref]
    assert not button.isChecked()


def test_what_is_kept_is_a_model_and_stands_where_the_live_one_stood(
    qtbot, window, running, tmp_path
):
    live = running.live.ref
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "a file").touch()
    running.keep(tmp_path / "taken")
    assert "exists already" in window.notices.notices[-1].text
    (tmp_path / "model").mkdir()
    for name in ("config.json", "model.safetensors"):
        (tmp_path / "model" / name).touch()
    running.keep(tmp_path / "model" / "model")
    assert window.notices.notices[-1].text.startswith("model is a model itself")
    assert running.going
    folder = running.folder
    running.keep(tmp_path / "mine")
    _until(qtbot, lambda: running.standing.state == "none")
    settled(qtbot, window)
    kept = open_bundle(tmp_path / "mine")
    assert window.session.scene.model == kept.ref
    assert kept.spec.name == "mine"
    assert (tmp_path / "mine" / "train.toml").is_file()
    assert window.explorer.store.loaded(live.id) is None
    assert not isinstance(window.explorer.store.loaded(kept.model_id), Live)
    # Its run stays until it is deleted, which can be taken back.
    _press(qtbot, window, "Delete Run")
    _until(qtbot, lambda: not folder.exists())
    _press(qtbot, window, "Undo")
    assert (folder / "train.toml").is_file()
    assert running.standing.state == "none"
    window.session.undo()
    assert window.session.scene.model.name == "digits-cvae"


def test_while_it_is_written_as_a_model_nothing_else_is_done_with_a_run(
    qtbot, window, running, tmp_path, other_model, monkeypatch
):
    page, keep, written = running.panel.run, run_timeline.keep, threading.Event()

    def told(words):
        return any(words in notice.text for notice in window.notices.notices)

    _stopped(qtbot, running)
    before = running.standing

    def full(*_):
        raise WriteError("There is no space left.")

    monkeypatch.setattr(run_timeline, "keep", full)
    running.keep(tmp_path / "mine")
    _until(qtbot, lambda: told("There is no space left."))
    assert running.standing == before

    def late(*args):
        assert written.wait(PATIENT_MS / 1e3)
        return keep(*args)

    monkeypatch.setattr(run_timeline, "keep", late)
    running.keep(tmp_path / "mine")
    assert not running.panel.main.isEnabled()
    assert not page.leave.isEnabled()
    assert not page.discard.isEnabled()
    assert running.panel.main.toolTip() == "It is written as a model"
    for do in (running.resume, running.leave, running.discard):
        do()
    running.keep(tmp_path / "another")
    assert told("It is being written as a model already.")
    assert not running.going
    assert running.folder is not None
    written.set()
    window.files.open_model(other_model)  # what is opened beside it takes nothing from it
    _until(qtbot, lambda: running.standing.state == "none")
    assert open_bundle(tmp_path / "mine").spec.name == "mine"
    assert not (tmp_path / "another").exists()


def _press(qtbot, window, label):
    """Press the button of the newest notice, which is to be this one."""

    def offered():
        return window.notices.notices and window.notices.notices[-1].button

    _until(qtbot, lambda: bool(offered() and offered().text() == label))  # None would do
    offered().click()


def test_discarding_goes_back_and_can_be_taken_back(
    qtbot, window, running, user_files, monkeypatch
):
    folder, live = running.folder, running.live.ref
    _until(qtbot, lambda: running.live.snapshot.step > 0)
    window.actions_by_id["pin"].trigger()
    store, base = window.explorer.store, running.live.base
    again = Loaded(base.bundle, base.generator)  # as for another device
    store.adopt(again)
    monkeypatch.setattr(window.explorer, "use_threads", lambda _: None)
    running.discard()
    _until(qtbot, lambda: not folder.exists())
    assert store.loaded(base.ref.id) is again
    settled(qtbot, window)
    assert window.session.scene.model.name == "digits-cvae"
    assert running.standing.state == "none"
    assert read_record(user_files.training) is None
    cited = window.session.pins[0].pane.model
    _until(qtbot, lambda: bool(window.notices.notices))
    assert open_bundle(_place(window, cited)).ref == cited
    window.notices.notices[-1].button.click()
    _until(qtbot, lambda: running.standing.state == "stopped")
    assert folder.exists()
    assert running.live.ref == live

    # The same once more, with other weights: those of before stay as well.
    running.show_step(0)
    _until(qtbot, lambda: running.live.snapshot is not None and running.live.snapshot.step == 0)
    assert window.session.scene.model == live
    window.actions_by_id["pin"].trigger()
    also = window.session.pins[0].pane.model
    assert also != cited
    running.discard()
    _until(qtbot, lambda: running.standing.state == "none")
    assert not folder.exists()
    assert open_bundle(_place(window, cited)).ref == cited
    assert open_bundle(_place(window, also)).ref == also


def test_a_run_that_cannot_be_put_aside_is_shown_again_and_never_holds_the_window_open(
    qtbot, window, running, user_files, monkeypatch
):
    _stopped(qtbot, running)
    folder, ended = running.folder, []

    def refuse(run):
        raise OSError(errno.EACCES, "Permission denied", str(run))

    monkeypatch.setattr("genviewer.ui.training_outcome.put_aside", refuse)
    running.discard()
    _until(qtbot, lambda: bool(window.notices.notices))
    assert window.notices.notices[-1].text == (
        f"{folder.name} cannot be put aside: Permission denied."
    )
    _until(qtbot, lambda: running.standing.state == "stopped")
    assert running.folder == folder
    _until(qtbot, lambda: running.live.snapshot is not None)
    running.resume()
    _until(qtbot, lambda: running.standing.state == "running")
    running.end_for_good(True, lambda: ended.append(True))
    _until(qtbot, lambda: bool(ended))
    assert read_record(user_files.training).folder == str(folder)


def test_kept_models_are_moved_beside_those_that_were_kept_before(tmp_path, other_model):
    kept, safe = tmp_path / "run" / "kept", tmp_path / "safe"
    shutil.copytree(BASE, kept / "step-1")
    shutil.copytree(BASE, kept / "step-2")
    shutil.copytree(BASE, safe / "step-1")
    shutil.copytree(other_model, safe / "step-2")
    moved = move_kept(kept, safe)
    assert moved == {
        kept / "step-1": safe / "step-1",
        kept / "step-2": safe / "step-2-2",
    }
    ids = [open_bundle(place).ref for place in moved.values()]
    assert ids == [open_bundle(BASE).ref] * 2
    assert open_bundle(safe / "step-2").ref == open_bundle(other_model).ref


def test_what_an_earlier_session_kept_outlives_the_run_that_is_discarded(
    qtbot, window, running, user_files
):
    _until(qtbot, lambda: running.live.snapshot.step > 0)
    running.pause()
    running.keep_checkpoint()
    _stopped(qtbot, running)
    folder, base = running.folder, running.live.base
    kept = folder / "kept"
    _until(qtbot, lambda: any(kept.glob("[!.]*/config.json")))
    ref = open_bundle(next(kept.glob("[!.]*"))).ref
    running.leave()
    # Nothing in this session cites it, as after the program was started again; a project may.
    window.session.model_paths.clear()
    window.explorer.store.release(ref)
    running.open_run(folder, base)
    _until(qtbot, lambda: running.standing.state == "stopped")
    running.discard()
    _until(qtbot, lambda: not folder.exists())
    [moved] = (user_files.models / "kept" / folder.name).iterdir()
    assert open_bundle(moved).ref == ref
    _until(qtbot, lambda: str(moved.parent) in window.notices.notices[-1].text)
    opened, failed = [], []
    window.explorer.store.paths[ref.id] = str(kept / moved.name)
    window.explorer.store.open(ref, opened.append, failed.append)
    _until(qtbot, lambda: bool(opened or failed))
    assert opened
    assert opened[0].bundle.path == moved


def _place(window, ref):
    return Path(window.session.model_paths[ref.id])


def test_a_run_that_is_left_goes_on_at_the_next_start(qtbot, window, running, user_files):
    _until(qtbot, lambda: running.live.snapshot.step > 0)
    _stopped(qtbot, running)
    step, folder = running.standing.step, running.folder
    running.close()
    window.explorer.session.cite = running.live.cite
    window.close()
    # The session cites weights that are on the disk.
    state = load_state(user_files.session)
    assert open_bundle(_named(state)).ref == state.scene.model
    left = read_record(user_files.training)
    assert left.folder == str(folder)
    assert step > 0


def _named(state):
    return Path(state.model_paths[state.scene.model.id])


def test_other_weights_of_the_same_step_are_kept_beside_those_of_before(qtbot, window, running):
    _stopped(qtbot, running)
    _until(qtbot, lambda: running.live.snapshot is running.live.newest)
    window.actions_by_id["pin"].trigger()
    before = running.live.snapshot
    shifted = {
        name: array + np.float32(0.01) if array.dtype == np.float32 else array
        for name, array in before.weights.items()
    }
    # As after it went back to a checkpoint and came to the step again.
    after = make_snapshot(before.step, before.config, shifted)
    running.live.follow(after)
    _until(qtbot, lambda: running.live.snapshot is after)
    window.actions_by_id["pin"].trigger()
    refs = {pin.pane.model for pin in window.session.pins}
    assert refs == {before.ref, after.ref}
    _until(qtbot, lambda: all((_place(window, ref) / "config.json").is_file() for ref in refs))
    assert {open_bundle(_place(window, ref)).ref for ref in refs} == refs
    assert not any("exists" in notice.text for notice in window.notices.notices)


def test_what_finds_no_room_on_the_disk_is_not_called_kept_and_does_not_go_with_its_run(
    qtbot, window, running, monkeypatch
):
    def told(words):
        return [words in notice.text for notice in window.notices.notices].count(True)

    def full(*_):
        raise WriteError("There is no space left.")

    _stopped(qtbot, running)
    _until(qtbot, lambda: running.live.snapshot is running.live.newest)
    with monkeypatch.context() as patched:
        patched.setattr(run_timeline, "keep", full)
        running.keep_checkpoint()
        _until(qtbot, lambda: told("no space left") == 1)
    assert not told("is kept with the run")
    running.keep_checkpoint()
    _until(qtbot, lambda: told("is kept with the run") == 1)
    ref = running.live.snapshot.ref
    assert open_bundle(_place(window, ref)).ref == ref

    running.show_step(0)
    _until(qtbot, lambda: running.live.snapshot.step == 0)
    while window.notices.notices:
        window.notices._remove(window.notices.notices[0])
    with monkeypatch.context() as patched:
        patched.setattr(run_timeline, "keep", full)
        window.actions_by_id["pin"].trigger()
        _until(qtbot, lambda: told("no space left") == 1)
    cited = window.session.pins[0].pane.model
    assert cited != ref
    running.discard()
    _until(qtbot, lambda: running.standing.state == "none")
    assert open_bundle(_place(window, cited)).ref == cited


@pytest.mark.parametrize("way", ["start", "resume"])
def test_a_model_learns_on_the_device_that_draws_it(
    qtbot, window, training, config, user_files, monkeypatch, way
):
    asked, places = [], []
    base = window.explorer.store.loaded(window.session.scene.model.id)
    monkeypatch.setattr(
        "genviewer.ui.training_driver.training_device",
        lambda wanted: asked.append(wanted) or "meta",
    )

    def refused(*given):
        places.extend(one.share.device.type for one in given if isinstance(one, Place))
        raise TrainingError("It is not begun.")

    monkeypatch.setattr(TrainingRun, way, refused)
    monkeypatch.setattr(window.explorer.store, "device", "that one")
    if way == "start":
        training.start(config, base)
    else:
        RunFolder(user_files.runs / "run").create(config)
        training.open_run(user_files.runs / "run", base)
        _until(qtbot, lambda: training.standing.state == "stopped")
        training.resume()
    _until(qtbot, lambda: bool(places) and not training.going)
    assert (asked, places) == (["that one"], ["meta"])


def test_a_run_on_the_disk_can_be_resumed(qtbot, window, running, user_files):
    _stopped(qtbot, running)
    step, base = running.standing.step, running.live.base
    folder = running.folder
    running.live.become(base)
    running.no_run()
    running.open_run(folder, base)
    _until(qtbot, lambda: running.standing.state == "stopped")
    assert running.standing.step == step
    running.resume()
    assert running.standing.step == step
    _until(qtbot, lambda: running.standing.step != step)
    assert running.standing.step > step
    assert check_recipe(window.session.scene.recipe, running.live.base.bundle.spec) is None


def test_what_another_program_trains_is_neither_resumed_nor_discarded(
    qtbot, window, running, monkeypatch
):
    _until(qtbot, lambda: running.live.snapshot is not None)
    _stopped(qtbot, running)
    folder = running.folder
    told = f"{folder} is being trained by another program."

    def times_told():
        return [notice.text for notice in window.notices.notices].count(told)

    other = run_lock.RunLock(folder)
    other.take()
    monkeypatch.setattr(run_lock, "WAIT_S", 0.1)
    running.resume()
    _until(qtbot, lambda: times_told() == 1)
    assert running.standing.state == "failed"
    while window.notices.notices:
        window.notices._remove(window.notices.notices[0])
    running.discard()
    _until(qtbot, lambda: times_told() == 1)
    assert (folder / "train.toml").is_file()
    other.release()


def test_a_run_that_was_read_too_late_does_not_take_the_place_of_one_that_goes_on(
    qtbot, window, running, config
):
    _stopped(qtbot, running)
    folder, base = running.folder, running.live.base
    running.live.become(base)
    running.no_run()
    running.open_run(folder, base)
    running.start(config, base)
    mine = running.folder
    assert mine != folder
    _until(qtbot, lambda: "Another training" in "".join(n.text for n in window.notices.notices))
    assert running.folder == mine
    assert running.going


def test_a_run_that_diverges_says_so_and_goes_on_with_a_lower_rate(
    qtbot, window, running, monkeypatch
):
    before = RunFolder(running.folder).config()
    rate = before.optimizer.learning_rate
    descend = TrainingState.descend

    def diverge(state, name, loss, at, *others):
        too_fast = at > rate / 2 and state.step > 3
        return descend(state, name, loss * float("nan") if too_fast else loss, at, *others)

    monkeypatch.setattr(TrainingState, "descend", diverge)
    _until(qtbot, lambda: running.standing.state == "failed")
    panel = running.panel
    back = RunFolder(running.folder).checkpoints()[-1][0]
    assert running.standing.step == back
    assert "not finite" in panel.trouble.text
    assert "tenth of the learning rate" in panel.trouble.text
    panel.main.click()
    _until(qtbot, lambda: running.standing.step > back + 5)
    assert panel.trouble.isHidden()
    now = RunFolder(running.folder).config()
    assert now.optimizer.learning_rate == pytest.approx(rate / 10)
    same = msgspec.structs.replace(now.optimizer, learning_rate=rate)
    assert msgspec.structs.replace(now, optimizer=same) == before


def test_a_full_disk_is_told_and_the_run_waits_until_there_is_room(
    qtbot, window, running, monkeypatch
):
    mkstemp, full = tempfile.mkstemp, True

    def no_room(*args, **options):
        if full and str(running.folder) in str(options.get("dir")):
            raise OSError(errno.ENOSPC, "No space left on device")
        return mkstemp(*args, **options)

    monkeypatch.setattr(tempfile, "mkstemp", no_room)
    _until(qtbot, lambda: running.standing.state == "paused")
    step = running.standing.step
    assert "no space left" in window.notices.notices[-1].text
    assert "press Resume" in running.panel.trouble.text
    full = False
    running.panel.main.click()
    _until(qtbot, lambda: running.standing.step > step)
    assert running.panel.trouble.isHidden()


def test_data_that_cannot_be_read_are_one_sentence_and_leave_no_run(
    qtbot, window, training, config, tmp_path
):
    missing = msgspec.structs.replace(config.data, source=str(tmp_path / "nothing.npz"))
    scene = window.session.scene
    base = window.explorer.store.loaded(scene.model.id)
    training.start(msgspec.structs.replace(config, data=missing), base)
    _until(qtbot, lambda: training.standing.state == "none")
    assert "nothing.npz" in window.notices.notices[-1].text
    assert window.session.scene == scene
    assert training.folder is None


def test_a_folder_that_may_not_be_looked_into_is_told(window, training, tmp_path, monkeypatch):
    def refuse(self):
        raise OSError(errno.EACCES, "Permission denied", str(self))

    with monkeypatch.context() as patched:
        patched.setattr(Path, "iterdir", refuse)
        training.keep(tmp_path)
    told = f"{tmp_path.name:.40} cannot be written: Permission denied."
    assert told in [notice.text for notice in window.notices.notices]


def test_stopped_before_the_data_are_read_there_is_no_run(
    qtbot, window, training, config, monkeypatch, user_files
):
    reading = threading.Event()

    def read_for_long(*_, **__):
        reading.set()
        while True:
            check_cancelled()
            time.sleep(0.01)

    monkeypatch.setattr("genviewer.engine.training_run.load_training_images", read_for_long)
    scene = window.session.scene
    training.start(config, window.explorer.store.loaded(scene.model.id))
    _until(qtbot, reading.is_set)
    training.panel.stop.click()
    _until(qtbot, lambda: training.standing.state == "none")
    assert training.folder is None
    assert not user_files.training.exists()
    assert window.session.scene == scene
