"""A model in training is asked with the weights that are on the screen."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from genviewer.engine.generator import load_generator
from genviewer.engine.image_beliefs import ImageBeliefs, Question
from genviewer.engine.run_timeline import RunTimeline
from genviewer.engine.training_run import TrainingRun
from genviewer.io.bundle import open_bundle, write_bundle
from genviewer.ui import inspect_live
from genviewer.ui.models import Live
from tests.tiny_runs import config_of
from tests.ui.conftest import PATIENCE_MS, settled

LEFT = Qt.MouseButton.LeftButton
STEPS = 6


@pytest.fixture
def run(tmp_path):
    """The folder of a short training that has ended, with the weights of each step."""
    quick = "[optimizer]\nlearning_rate = 0.05\nwarmup = 0\nema = 0.3\n"
    run = TrainingRun.start(config_of(tmp_path, steps=STEPS, extra=quick), tmp_path / "run")
    for _ in run.events():
        pass
    return tmp_path / "run"


@pytest.fixture
def model(run, tmp_path):
    """The model of a step as a bundle of its own."""

    def write(step):
        snapshot, folder = RunTimeline(run).snapshot(step), tmp_path / f"step-{step}"
        if not folder.exists():
            write_bundle(folder, snapshot.config, snapshot.weights, "")
        return open_bundle(folder)

    return write


@pytest.fixture
def expected(model):
    """What the weights of a step answer when they are asked as any other model is."""

    def ask(step, pixels, samples):
        bundle = model(step)
        mind = ImageBeliefs(bundle, load_generator(bundle, "cpu", "torch"))
        return list(mind.answers(Question(pixels, samples=samples)))[-1]

    return ask


@pytest.fixture
def window(open_explorer, model, run, qtbot):
    """The window with the training in it: at its last step, and nothing goes on."""
    window = open_explorer(model(0).path)
    base = window.explorer.store.loaded(window.session.scene.model.id)
    window.later.training.open_run(run, base)
    live = window.later.training.live
    qtbot.waitUntil(lambda: window.session.scene.model == live.ref, timeout=PATIENCE_MS)
    settled(qtbot, window)
    return window


def look_at(qtbot, window, step):
    training = window.later.training
    training.show_step(step)
    qtbot.waitUntil(lambda: training.live.snapshot.step == step, timeout=PATIENCE_MS)


def agrees(answer, wanted):
    """Whether two answers are of the same weights, about the same image."""
    return (
        answer is not None
        and answer.posterior is not None
        and np.allclose(answer.posterior.mean, wanted.posterior.mean, atol=1e-4)
        and np.allclose(answer.likelihoods.log_px, wanted.likelihoods.log_px, atol=1e-2)
    )


def test_the_weights_on_the_screen_are_asked(window, qtbot, expected, monkeypatch):
    monkeypatch.setattr(inspect_live, "REST_MS", 60_000)  # not within this test
    monkeypatch.setattr(inspect_live, "LONGEST_REST_MS", 60_000)
    monkeypatch.setattr(inspect_live, "EVERY_MS", 50)
    window.docks.show("show_inspect", True)
    found, sliders = window.later.inspect, window.latent_panel.sliders
    heard = []
    found.answered.connect(heard.append)
    pixels = np.zeros((8, 8, 1), np.uint8)
    pixels[2:4] = 255
    found.show_image(pixels, "a bar")
    wanted = {step: expected(step, found.seen, 16) for step in (0, 2, STEPS)}
    assert not agrees(wanted[0], wanted[STEPS])
    assert not agrees(wanted[2], wanted[STEPS])

    def answered(step):
        qtbot.waitUntil(
            lambda: bool(heard) and heard[-1].done and agrees(heard[-1], wanted[step]),
            timeout=PATIENCE_MS,
        )
        assert f"step {step}," in found.panel.notice.text()

    look_at(qtbot, window, 2)
    answered(2)
    look_at(qtbot, window, STEPS)
    answered(STEPS)
    # As long as they may change at any moment nothing is compared, and few samples are taken.
    assert heard[-1].likelihoods.samples == 16
    figures = {figure.name: figure.value for figure in found.panel.figures.figures}
    assert figures["for outline"] == "when it rests"
    QTest.mouseClick(found.panel.encode, LEFT)
    latent = window.session.scene.recipe.latent.array
    assert latent == pytest.approx(wanted[STEPS].posterior.mean, abs=1e-4)
    assert window.session.scene.model == window.later.training.live.ref

    # Neither under a hand nor while nobody looks are newer weights asked.
    QTest.mousePress(sliders.viewport(), LEFT, pos=sliders.handle_position(0))
    look_at(qtbot, window, 0)
    before = len(heard)
    qtbot.wait(3 * inspect_live.AGAIN_MS)
    assert len(heard) == before
    QTest.mouseRelease(sliders.viewport(), LEFT, pos=sliders.handle_position(0) + QPoint(1, 0))
    answered(0)
    window.docks.show("show_inspect", False)
    before = len(heard)
    look_at(qtbot, window, 2)
    qtbot.wait(3 * inspect_live.AGAIN_MS)
    assert len(heard) == before
    window.docks.show("show_inspect", True)
    answered(2)


def test_at_rest_all_samples_are_taken_and_it_is_compared(
    window, qtbot, expected, tmp_path, monkeypatch
):
    monkeypatch.setattr(inspect_live, "REST_MS", 100)
    monkeypatch.setattr(inspect_live, "LONGEST_REST_MS", 100)
    asked = []
    window.docks.show("show_inspect", True)
    found = window.later.inspect
    monkeypatch.setattr(found.references, "want", asked.append)
    found.panel.samples_chosen.emit(40)
    found.show_image(np.full((8, 8, 1), 255, np.uint8), "white")
    look_at(qtbot, window, 2)
    wanted = expected(2, found.seen, 40)
    qtbot.waitUntil(lambda: bool(asked) and agrees(found.answer, wanted), timeout=PATIENCE_MS)
    assert found.answer.likelihoods.samples == 40
    assert isinstance(asked[-1], Live)
    assert asked[-1].bundle.config.provenance["steps"] == 2
    figures = {figure.name: figure.value for figure in found.panel.figures.figures}
    assert figures["for outline"] == "measuring…"
    # A whole data set takes too long for weights that change: it is said what is looked through.
    view = window.later.data_view
    view.show()
    view.show_page("posterior")
    view.open_source(str(tmp_path / "bars.npz"))
    qtbot.waitUntil(
        lambda: "as it was before its training" in view.window.facts.text(), timeout=PATIENCE_MS
    )
    assert view.window.posterior.has_figures
    view.window.close()
    base = asked[-1].base
    window.explorer.show_loaded(base)
    qtbot.waitUntil(lambda: not found.panel.notice.text(), timeout=PATIENCE_MS)
    assert found._loaded is base
