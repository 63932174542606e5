"""The timeline of a run in the real window: any step under the hand, before and after, tiles."""

from __future__ import annotations

import itertools
import shutil
import threading
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from safetensors.numpy import load_file

from genviewer.core.resources import models_dir
from genviewer.engine.cells import decode_recipe
from genviewer.engine.generator import load_generator
from genviewer.engine.run_timeline import RunTimeline, TimelineError, make_snapshot
from genviewer.engine.training_news import News
from genviewer.io.bundle import open_bundle, write_bundle
from genviewer.session import edits
from genviewer.ui.training_watch import TrainingWatch
from genviewer.ui.widgets.curves import Curves
from tests.ui.conftest import PATIENCE_MS, settled
from tests.ui.exporting import drop, notices

if TYPE_CHECKING:
    from pathlib import Path

LEFT = Qt.MouseButton.LeftButton
STEPS = (0, 10, 20, 40)
MODEL = "digits-cvae"


@pytest.fixture
def run(tmp_path) -> Path:
    """The folder of a run that stands still: at each step the weights are a little larger."""
    folder = tmp_path / "runs" / "a-run"
    folder.mkdir(parents=True)
    shutil.copyfile(models_dir() / MODEL / "train.toml", folder / "train.toml")
    bundle = open_bundle(models_dir() / MODEL)
    arrays = load_file(bundle.path / "model.safetensors")
    timeline = RunTimeline(folder)
    timeline.begin(bundle.config, 0)
    for step in STEPS:
        weights = {name: value * np.float32(1 + 0.005 * step) for name, value in arrays.items()}
        timeline.write(make_snapshot(step, bundle.config, weights))
    (folder / "metrics.csv").write_text("step,nll\n" + "".join(f"{k},{100 - k}\n" for k in STEPS))
    return folder


@pytest.fixture
def timeline(window):
    window.actions_by_id["show_timeline"].trigger()
    return window.later.timeline


@pytest.fixture
def training(window, timeline):
    return window.later.training


@pytest.fixture
def shown(window, training, timeline, run, qtbot):
    """A window that shows the run."""
    base = window.explorer.store.loaded(window.session.scene.model.id)
    training.open_run(run, base)
    qtbot.waitUntil(lambda: training.live.snapshot is not None, timeout=PATIENCE_MS)
    settled(qtbot, window)
    return timeline


@pytest.fixture
def drawn_by(run, tmp_path):
    """Draws a Recipe with the weights of a step, by a model that was written of them."""

    def draw(step, recipe):
        snapshot, folder = RunTimeline(run).snapshot(step), tmp_path / f"model-{step}"
        if not folder.exists():
            write_bundle(folder, snapshot.config, snapshot.weights, "")
        generator = load_generator(open_bundle(folder), device="cpu", engine="torch")
        return decode_recipe(generator, recipe).astype(int)

    return draw


def looks_like(window, expected) -> bool:
    pixels = window.canvas.focus_pixels()
    return pixels is not None and np.abs(pixels.astype(int) - expected).max() <= 1


def press(widget, x, y):
    QTest.mousePress(widget, LEFT, pos=QPoint(round(x), round(y)))


def test_any_step_is_drawn_under_the_hand(shown, window, training, drawn_by, qtbot):
    slider, recipe = shown.panel.slider, window.session.scene.recipe
    assert shown.panel.live.isChecked()
    qtbot.waitUntil(lambda: looks_like(window, drawn_by(40, recipe)), timeout=PATIENCE_MS)
    assert not looks_like(window, drawn_by(10, recipe))
    press(slider, slider.columns.x(3), 14)
    QTest.mouseMove(slider, QPoint(round(slider.columns.x(1)), 14))
    QTest.mouseRelease(slider, LEFT, pos=QPoint(round(slider.columns.x(1)), 14))
    assert not shown.panel.live.isChecked()
    qtbot.waitUntil(lambda: looks_like(window, drawn_by(10, recipe)), timeout=PATIENCE_MS)
    assert "Step 10" in shown.panel.where.text()

    edits.set_seed(window.session, 99)  # the hand goes on with the weights of that step
    recipe = window.session.scene.recipe
    qtbot.waitUntil(lambda: looks_like(window, drawn_by(10, recipe)), timeout=PATIENCE_MS)

    slider.setFocus()
    QTest.keyClick(slider, Qt.Key.Key_Right)
    assert training.live.looking_at == 20
    QTest.keyClick(slider, Qt.Key.Key_Home)
    qtbot.waitUntil(lambda: looks_like(window, drawn_by(0, recipe)), timeout=PATIENCE_MS)
    QTest.mouseClick(shown.panel.live, LEFT)
    assert training.live.looking_at is None
    qtbot.waitUntil(lambda: looks_like(window, drawn_by(40, recipe)), timeout=PATIENCE_MS)


def test_a_pin_of_an_older_picture_cites_the_weights_that_drew_it(
    shown, window, training, drawn_by, run, qtbot
):
    strip, session, explorer = window.filmstrip, window.session, window.explorer
    # As a training that goes on sets it.
    explorer.store.engine, training.live.threads = "torch", 1
    explorer.use_threads(1)
    snapshots = {step: RunTimeline(run).snapshot(step) for step in STEPS}
    refs = {step: snapshot.ref for step, snapshot in snapshots.items()}
    older = {}

    def place_of(step):
        """Where the strip has the picture that was drawn with the weights of a step."""
        found = [(one.recipe, one.weights) for one in strip.recipes()]
        sought = (older[step], refs[step])
        return found.index(sought) if sought in found else None

    def pinned(step):
        """The newest pin, taken by a double click on the strip."""
        at = place_of(step)
        before = len(session.pins)
        QTest.mouseDClick(strip, LEFT, pos=strip.thumb_rect(at).center())
        qtbot.waitUntil(lambda: len(session.pins) > before)
        return session.pins[0].pane

    for step in (10, 20, 0, 40):
        shown.go_to(None if step == STEPS[-1] else step)
        edits.set_seed(session, 100 + step)
        older[step] = session.scene.recipe
        qtbot.waitUntil(lambda step=step: place_of(step) is not None)
    thumb = strip._thumbs[place_of(10)]
    assert np.abs(thumb.pixels - drawn_by(10, older[10])).max() <= 1

    for step in (10, 20):  # there are others of these steps now
        other = msgspec.structs.replace(snapshots[step], weights=snapshots[0].weights)
        RunTimeline(run).write(other)
    assert pinned(40).model == refs[40]
    assert pinned(10).model == refs[10]  # from memory
    training.live._recent._held.clear()
    assert pinned(0).model == refs[0]  # from the timeline
    assert not notices(window)
    assert pinned(20).model == refs[40]
    assert "not known any more; the pin has those of step 40" in notices(window)[-1]

    kept = {refs[step]: run / "kept" / f"step-{step:07d}" for step in (0, 10, 40)}
    qtbot.waitUntil(lambda: all((place / "config.json").is_file() for place in kept.values()))
    for ref, place in kept.items():
        assert open_bundle(place).ref == ref

    store = explorer.store  # when the training has ended, they get all threads back
    qtbot.waitUntil(lambda: {ref.id for ref in kept} <= store.limited)
    sparing = {ref.id: store.loaded(ref.id).generator for ref in kept}
    assert {one.threads for one in sparing.values()} == {1}
    explorer.use_threads(None)
    qtbot.waitUntil(lambda: not store.limited)
    assert all(store.loaded(model).generator is not one for model, one in sparing.items())

    shutil.rmtree(run)  # what was learned can be kept all the same
    training._ended(News("stopped"))
    assert training.folder == run
    training.keep(run.parent / "mine")
    qtbot.waitUntil(lambda: training.folder is None)
    assert window.session.scene.model == open_bundle(run.parent / "mine").ref
    assert not run.exists()


def test_tiles_show_samples_and_pins_over_the_steps(shown, window, training, drawn_by, qtbot):
    strip, session = shown.panel.strip, window.session
    window.actions_by_id["pin"].trigger()
    pinned = session.pins[0].pane.recipe
    edits.set_seed(session, 5)
    current = session.scene.recipe
    places = [(row, step) for row in (0, 1) for step in STEPS]
    qtbot.waitUntil(lambda: all(strip.shows(*place) for place in places), timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: shown.tile_pixels(0, 20) is not None, timeout=PATIENCE_MS)
    for row, recipe in ((0, current), (1, pinned)):
        assert np.abs(shown.tile_pixels(row, 20) - drawn_by(20, recipe)).max() <= 1

    place = strip.tile(1, 20).center()
    QTest.mouseClick(strip, LEFT, pos=place.toPoint())
    assert session.scene.recipe == pinned
    assert training.live.looking_at == 20
    qtbot.waitUntil(lambda: looks_like(window, drawn_by(20, pinned)), timeout=PATIENCE_MS)
    session.undo()
    assert session.scene.recipe == current

    session.remove_pin(session.pins[0].id)
    qtbot.waitUntil(lambda: not strip.shows(1, 20), timeout=PATIENCE_MS)


def test_before_and_after_are_two_linked_panes(shown, window, training, qtbot):
    session = window.session
    QTest.mouseClick(shown.panel.compare, LEFT)
    models = [pane.model.id for pane in session.scene.panes]
    assert set(models) == {training.live.ref.id, training.live.base.ref.id}
    assert shown.panel.compare.isChecked()
    settled(qtbot, window)
    after, before = (header.toolTip() for header in window.compare.headers[:2])
    assert "step 40" in after
    assert "before" in before
    edits.set_seed(session, 21)
    assert len({pane.recipe.latent for pane in session.scene.panes}) == 1
    press(shown.panel.slider, shown.panel.slider.columns.x(1), 14)
    assert training.live.looking_at == 10
    QTest.mouseClick(shown.panel.compare, LEFT)
    assert [pane.model.id for pane in session.scene.panes] == [training.live.ref.id]
    assert not shown.panel.compare.isChecked()


def test_a_run_that_goes_on_adds_steps_and_one_that_went_back_takes_them(
    shown, window, training, run, qtbot
):
    strip = shown.panel.strip
    qtbot.waitUntil(lambda: strip.shows(0, 40), timeout=PATIENCE_MS)
    timeline = RunTimeline(run)
    shown.go_to(40)
    (timeline.path / "step-0000040.safetensors").unlink()
    shown.show_run(run)
    assert strip.tiled_steps == (0, 10, 20)
    assert training.live.looking_at is None
    snapshot = timeline.snapshot(10)
    timeline.write(make_snapshot(60, snapshot.config, snapshot.weights))
    shown.show_run(run)
    qtbot.waitUntil(lambda: strip.shows(0, 60), timeout=PATIENCE_MS)


def test_weights_that_cannot_be_read_are_told_once(shown, window, run, qtbot):
    qtbot.waitUntil(lambda: shown.panel.strip.shows(0, 0), timeout=PATIENCE_MS)
    (run / "timeline" / "step-0000010.safetensors").write_bytes(b"nothing")
    shown._pictures.clear()
    edits.set_seed(window.session, 3)
    qtbot.waitUntil(
        lambda: any("step-0000010" in notice.text for notice in window.notices.notices),
        timeout=PATIENCE_MS,
    )
    told = [notice for notice in window.notices.notices if "step-0000010" in notice.text]
    assert len(told) == 1


def test_before_and_with_a_run(window, training, timeline, run, qtbot):
    """Without one the panel says what it is for; with one the curves are there from the start."""
    panel, curves = timeline.panel, training.panel.findChild(Curves)
    assert panel.stack.currentIndex() == 0
    assert not any(
        button.isEnabled() for button in (panel.live, panel.compare, panel.export, curves.file)
    )
    base = window.explorer.store.loaded(window.session.scene.model.id)
    training.open_run(run, base)
    qtbot.waitUntil(lambda: curves.steps == (0.0, 40.0), timeout=PATIENCE_MS)
    assert curves.values_at(20.0) == {"nll": 80.0}
    assert curves.file.isEnabled()
    assert panel.stack.currentIndex() == 1
    assert panel.export.isEnabled()


@pytest.mark.parametrize("count", [1, 2, 7, 30, 60])
def test_tiles_lie_below_their_steps_and_apart(count, qtbot):
    from genviewer.ui.widgets.timeline_columns import TILE, Columns

    columns = Columns(count, 900)
    tiled = columns.tiled
    assert tiled[0] == 0
    assert tiled[-1] == count - 1
    xs = [columns.x(place) for place in tiled]
    assert all(b - a >= TILE for a, b in itertools.pairwise(xs))
    assert [columns.place(columns.x(k)) for k in range(count)] == list(range(count))
    assert columns.place(QPointF(1e6, 0).x()) == count - 1


def test_the_current_sample_over_the_steps_becomes_a_film(shown, window, tmp_path, qtbot):
    from PIL import Image

    window.files.folder = tmp_path
    QTest.mouseClick(shown.panel.export, LEFT)
    dialog = window.exports.dialog
    QTest.mouseClick(dialog.format.button("gif"), LEFT)
    dialog.seconds.setValue(0.8)
    dialog.fps.setValue(10)
    dialog.file.edit.setText(str(tmp_path / "film.gif"))
    assert dialog.frames.text() == "8 frames of 4 steps"
    QTest.mouseClick(dialog.save, LEFT)
    qtbot.waitUntil((tmp_path / "film.gif").exists, timeout=PATIENCE_MS)
    with Image.open(tmp_path / "film.gif") as saved:
        assert saved.n_frames >= 4  # of equal frames that follow each other Pillow makes one
    (tmp_path / "film.gif").rename(tmp_path / "other.gif")
    QTest.mouseClick(shown.panel.export, LEFT)
    window.exports.dialog.file.edit.setText(str(tmp_path / "other.gif"))
    assert window.exports.dialog.save.text() == "Replace"
    window.exports.dialog.reject()


def test_what_is_gone_of_a_run_is_told_unless_the_run_is_put_aside(
    shown, window, training, run, qtbot, monkeypatch
):
    (run / "timeline" / "step-0000010.safetensors").unlink()
    shown.go_to(10)
    assert not shown.panel.live.isChecked()
    # What is said to be looked at is what is seen.
    qtbot.waitUntil(shown.panel.live.isChecked, timeout=PATIENCE_MS)
    assert training.live.looking_at is None
    assert any("no weights of step 10" in text for text in notices(window))

    drawing, aside, drawn = threading.Event(), threading.Event(), []

    def gone(*_):
        drawing.set()
        assert aside.wait(PATIENCE_MS / 1e3)
        raise TimelineError("It is gone.")

    monkeypatch.setattr("genviewer.ui.timeline.draw_step", gone)
    qtbot.waitUntil(lambda: bool(shown._rows), timeout=PATIENCE_MS)
    shown._pictures.clear()
    shown._show_rows()
    qtbot.waitUntil(drawing.is_set, timeout=PATIENCE_MS)
    training.live.become(training.live.base)
    aside.set()
    window.explorer.looks.submit(lambda _: None, "After it", done=drawn.append)
    qtbot.waitUntil(lambda: bool(drawn), timeout=PATIENCE_MS)
    assert "It is gone." not in notices(window)


def test_a_run_that_trains_elsewhere_is_followed(shown, window, training, run, drawn_by, qtbot):
    curves, watch = training.panel.findChild(Curves), training.findChild(TrainingWatch)
    qtbot.waitUntil(lambda: watch._known, timeout=PATIENCE_MS)
    assert not training.standing.watched  # what was there before is nobody's work of now

    timeline = RunTimeline(run)
    snapshot = timeline.snapshot(0)
    timeline.write(make_snapshot(80, snapshot.config, snapshot.weights))
    with (run / "metrics.csv").open("a") as file:
        file.write("80,12.5\n")
    qtbot.waitUntil(lambda: curves.values_at(None) == {"nll": 12.5}, timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: shown.panel.strip.tiled_steps[-1:] == (80,), timeout=PATIENCE_MS)
    assert training.standing.watched
    assert training.standing.step == 80
    assert "elsewhere" in training.panel.sentence.text()
    recipe = window.session.scene.recipe
    qtbot.waitUntil(lambda: looks_like(window, drawn_by(80, recipe)), timeout=PATIENCE_MS)
    assert not training.panel.main.isEnabled()  # two that train one run would spoil it


def test_a_run_that_is_dropped_goes_on_from_the_model_that_it_began_as(
    qtbot, window, training, run, monkeypatch
):
    config = (run / "train.toml").read_text()
    (run / "train.toml").write_text(f'start_from = "{MODEL}"\n{config}')
    letters = models_dir() / "letters-cvae"
    window.files.open_path(letters)
    qtbot.waitUntil(lambda: window.session.scene.model.name == letters.name, timeout=PATIENCE_MS)
    settled(qtbot, window)
    assert open_bundle(letters).spec.latent.dim != open_bundle(models_dir() / MODEL).spec.latent.dim
    drop(window, run)
    qtbot.waitUntil(lambda: training.live.snapshot is not None, timeout=PATIENCE_MS)
    assert training.live.base.ref == open_bundle(models_dir() / MODEL).ref
    settled(qtbot, window)
    assert window.session.scene.model == training.live.ref
    assert not notices(window)

    # A model of which it is not known is what is there, or nothing, which is told.
    training.leave()
    window.files.open_path(letters)
    qtbot.waitUntil(lambda: window.session.scene.model.name == letters.name, timeout=PATIENCE_MS)
    settled(qtbot, window)
    (run / "train.toml").write_text(config)
    loaded = window.explorer.store.loaded
    monkeypatch.setattr(window.explorer.store, "loaded", lambda _: None)
    drop(window, run)
    qtbot.waitUntil(lambda: "Open a model" in notices(window)[-1], timeout=PATIENCE_MS)
    monkeypatch.setattr(window.explorer.store, "loaded", loaded)
    drop(window, run)
    qtbot.waitUntil(lambda: training.live.snapshot is not None, timeout=PATIENCE_MS)
    assert training.live.base.ref == open_bundle(letters).ref
    settled(qtbot, window)
    assert window.session.scene.model == training.live.ref
