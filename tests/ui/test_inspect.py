"""Asking the model about an image, in the real window."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, Qt, QUrl
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest

from genviewer.core.frame import Failure
from genviewer.core.recipe import ModelRef
from genviewer.engine.encoding import encode, to_model_range
from genviewer.engine.image_beliefs import Answer, Posterior, Question
from genviewer.io.images import save_png
from genviewer.session import edits
from genviewer.ui.inspect import Inspect
from genviewer.ui.models import Loaded
from genviewer.ui.widgets.pixels_to_image import image_of
from tests.tiny_models import write_tiny_vae
from tests.ui.conftest import PATIENCE_MS, settled

if TYPE_CHECKING:
    from genviewer.ui.main_window import MainWindow

LEFT = Qt.MouseButton.LeftButton
CTRL = Qt.KeyboardModifier.ControlModifier


def inspect(window: MainWindow, qtbot) -> Inspect:
    """The panel, shown, with few samples so that it is soon at rest."""
    window.docks.show("show_inspect", True)
    found = window.later.inspect
    qtbot.waitUntil(found.panel.isVisible, timeout=PATIENCE_MS)
    found.panel.samples_chosen.emit(20)
    return found


def done(qtbot, found: Inspect) -> Answer:
    """The last answer about what is seen now."""

    def is_done() -> bool:
        answer = found.answer
        return answer is not None and answer.done and answer.question.pixels is found.seen

    qtbot.waitUntil(is_done, timeout=PATIENCE_MS)
    assert found.answer is not None
    return found.answer


def draw_a_one(window: MainWindow) -> None:
    pad = window.later.inspect.panel.drawing.pad
    QTest.mousePress(pad, LEFT, pos=pad.to_widget(145, 40))
    for y in range(60, 240, 30):
        QTest.mouseMove(pad, pad.to_widget(143, y))
    QTest.mouseRelease(pad, LEFT, pos=pad.to_widget(140, 240))


@pytest.fixture(autouse=True)
def few_references(monkeypatch):
    """Nothing is measured for comparison beside what a test is about."""
    from genviewer.ui.references import References

    monkeypatch.setattr(References, "want", lambda self, loaded: None)


def test_a_drawn_one_is_taken_for_a_one_while_it_is_drawn(window, qtbot):
    found = inspect(window, qtbot)
    heard: list[Answer] = []
    found.answered.connect(heard.append)
    panel, pad = found.panel, found.panel.drawing.pad
    QTest.mousePress(pad, LEFT, pos=pad.to_widget(145, 40))
    qtbot.waitUntil(lambda: len(heard) > 0, timeout=PATIENCE_MS)
    assert heard[0].likelihoods.samples == 1  # the bars move before the pen rests
    for y in range(60, 240, 30):
        QTest.mouseMove(pad, pad.to_widget(143, y))
    QTest.mouseRelease(pad, LEFT, pos=pad.to_widget(140, 240))
    answer = done(qtbot, found)
    assert int(answer.beliefs.best[0]) == 1
    assert answer.likelihoods.samples == 20
    assert panel.bars._posterior.argmax() == 1
    assert all(tile.has_picture for tile in (panel.seen, panel.reconstruction, panel.error))
    assert "log p(x)" in [figure.name for figure in panel.figures.figures]
    assert "PSNR" in panel.likeness.text()
    ink = found.seen[..., 0].astype(float)
    rows = ink.sum(1) @ np.arange(28) / ink.sum()
    assert abs(rows - 14) < 1  # centred, as MNIST's digits are


def test_encoding_is_one_undo_step_to_the_posteriors_mean(window, qtbot):
    found = inspect(window, qtbot)
    draw_a_one(window)
    answer = done(qtbot, found)
    before = window.session.scene
    QTest.mouseClick(found.panel.encode, LEFT)
    bundle = window.explorer.store.loaded(before.model.id).bundle
    row = np.eye(10, dtype=np.float32)[1:2]
    mean, logvar = encode(bundle, to_model_range(found.seen[None], bundle), row, "cpu")
    recipe = window.session.scene.recipe
    assert recipe.latent.array == pytest.approx(mean[0], abs=1e-4)
    assert recipe.condition.class_weights("class") == {1: 1.0}
    assert answer.posterior.best == 1
    marked = window.latent_panel.sliders._posterior
    assert marked is not None
    assert marked[1] == pytest.approx(np.exp(0.5 * logvar[0]), abs=1e-4)
    assert "the image at" in window.latent_panel.sliders.summary(0)
    settled(qtbot, window)
    drawn = window.canvas.focus_pixels()
    assert np.abs(drawn.astype(int) - answer.reconstruction).max() <= 2
    window.session.undo()
    assert window.session.scene == before


def test_what_was_encoded_with_another_condition_is_asked_again(tmp_path):
    bundle = write_tiny_vae(tmp_path / "looks", optional=False, kind="attributes")
    pixels, told = np.zeros((8, 8, 3), np.uint8), np.ones(4, np.float32)
    found = Answer(
        Question(pixels, condition=told), posterior=Posterior(np.zeros(6), np.ones(6)), done=True
    )
    for now, settled_then in ((told.copy(), True), (told * 0.5, False)):
        asked, went = [], []
        panel = SimpleNamespace(
            _loaded=Loaded(bundle, None),
            seen=pixels,
            _condition=lambda _, now=now: now,
            _ask=lambda asked=asked: asked.append("again"),
            _when_known=went.append,
        )
        panel._is_settled = partial(Inspect._is_settled, panel)
        assert panel._is_settled(found) == settled_then
        # also where the condition became another one while Encode waited for the answer
        Inspect._go_on(panel, found)
        assert (went, asked) == (([found], []) if settled_then else ([], ["again"]))
        assert (panel._when_known is None) == settled_then
        Inspect._go_on(panel, replace(found, question=Question(pixels.copy(), condition=told)))
        assert len(went) + len(asked) == 1  # of another image: this one is asked about already


def test_every_class_shows_the_same_latent_under_all_of_them(window, qtbot):
    found = inspect(window, qtbot)
    draw_a_one(window)
    answer = done(qtbot, found)
    before = window.session.scene
    QTest.mouseClick(found.panel.classes, LEFT)
    scene = window.session.scene
    assert scene.view == "classes"
    assert scene.recipe.latent.array == pytest.approx(answer.posterior.mean)
    window.session.undo()
    assert window.session.scene == before


def test_images_come_by_file_drop_and_clipboard(window, qtbot, tmp_path):
    found = inspect(window, qtbot)
    digit = window.canvas.focus_pixels()
    save_png(tmp_path / "digit.png", digit, None, 3)
    found.image.open_file(tmp_path / "digit.png")
    qtbot.waitUntil(lambda: found.seen is not None, timeout=PATIENCE_MS)
    assert found.panel.image.source.text() == "digit.png"
    assert np.abs(found.seen.astype(int) - digit).mean() < 5.0
    assert int(done(qtbot, found).beliefs.best[0]) == 3

    clipboard = QGuiApplication.clipboard()
    clipboard.setImage(image_of(255 - digit))
    found.panel.drawing.pad.setFocus()
    QTest.keyClick(found.panel.drawing.pad, Qt.Key.Key_V, CTRL)
    assert np.array_equal(found.seen, 255 - digit)
    found.panel.image.set_invert(True)
    assert np.array_equal(found.seen, digit)
    found.panel.image.set_invert(False)

    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / "digit.png"))])
    found.panel._give(data, "dropped")
    qtbot.waitUntil(lambda: found.panel.image.source.text() == "digit.png", timeout=PATIENCE_MS)
    (tmp_path / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    found.image.open_file(tmp_path / "bad.png")
    qtbot.waitUntil(lambda: len(window.notices.notices) > 0, timeout=PATIENCE_MS)
    assert "bad.png" in window.notices.notices[-1].text
    clipboard.setText("no image")
    QTest.mouseClick(found.panel.image.paste, LEFT)
    assert window.notices.notices[-1].text == "There is no image on the clipboard."
    clipboard.clear()


def test_the_current_sample_is_followed_and_the_prior_counts(window, qtbot):
    found = inspect(window, qtbot)
    QTest.mouseClick(found.panel.image.sample, LEFT)
    assert int(done(qtbot, found).beliefs.best[0]) == 3
    edits.choose_class(window.session, 7)
    settled(qtbot, window)
    assert np.array_equal(found.seen, window.canvas.focus_pixels())
    assert int(done(qtbot, found).beliefs.best[0]) == 7
    prior = np.ones(10)
    prior[7] = 0.0
    found.panel.bars.prior_edited.emit(prior)
    qtbot.waitUntil(lambda: found.answer.beliefs.prior[7] == 0.0, timeout=PATIENCE_MS)
    assert found.answer.beliefs.posterior[0, 7] == 0.0
    found.explain()
    window_of = found._explain
    qtbot.waitUntil(lambda: window_of.isVisible(), timeout=PATIENCE_MS)
    assert "exp(" in window_of.text.text()
    log_px = float(done(qtbot, found).likelihoods.log_px[0])
    assert f"{abs(log_px):.2f} nats" in window_of.text.text()
    draw_a_one(window)
    assert not found.panel.image.sample.isChecked()
    QTest.keyClick(window_of, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: found._explain is None, timeout=PATIENCE_MS)


def test_what_is_below_the_threshold_is_rejected(window, qtbot, monkeypatch):
    from genviewer.engine.bayes_reference import bundled_reference

    found = inspect(window, qtbot)
    bundle = window.explorer.store.loaded(window.session.scene.model.id).bundle
    assert bundled_reference(bundle) is not None
    box = found.panel.reference
    box.setFixedWidth(90)  # as in a narrow window
    assert box.shown_text().endswith("…")
    assert box.currentText() == "MNIST's test digits"
    box.setFixedWidth(400)
    assert box.shown_text() == box.currentText()
    found.show_image(np.random.default_rng(0).integers(0, 256, (28, 28, 1), np.uint8), "noise")
    done(qtbot, found)
    assert "nothing I know" in found.panel.classes_column.verdict.text()
    compared = next(f for f in found.panel.figures.figures if f.name == "by log p(x)")
    assert compared.value == "stranger than all 1,000"
    found.show_image(window.canvas.focus_pixels(), "a sample")
    done(qtbot, found)
    assert found.panel.classes_column.verdict.text().startswith("Taken for 3")
    found.set_rejected(1.0)
    assert "nothing I know" in found.panel.classes_column.verdict.text()
    # that the model which was asked before fails says nothing of this one
    failure = Failure("It fails.", ModelRef("another", "another's id"))
    monkeypatch.setattr(found._thread, "take", lambda: failure)
    found._take()
    assert found.answer is not None
    assert found.panel.figures.note.text() == ""
    monkeypatch.setattr(found._thread, "take", lambda: replace(failure, model=bundle.ref))
    found._when_known = [].append
    found._take()
    assert found._when_known is None  # or a later answer would move the sample by itself
    panel = found.panel
    assert panel.figures.note.text() == "It fails."
    assert panel.figures.figures == ()
    assert panel.classes_column.verdict.text() == ""
    assert panel.bars._posterior is None
    assert not panel.reconstruction.has_picture


def test_a_gan_says_what_it_cannot_and_is_inverted(open_explorer, qtbot, monkeypatch):
    monkeypatch.setattr("genviewer.ui.inverting.RESTARTS", 4)
    window = open_explorer("digits-cgan")
    found = inspect(window, qtbot)
    panel = found.panel
    assert "no density" in panel.figures.note.text()
    assert not panel.bars.isVisible()
    assert not panel.encode.isEnabled()
    digit = window.canvas.focus_pixels()
    found.show_image(digit, "own sample")
    edits.choose_class(window.session, 5)
    told: list[str] = []
    found._tell = lambda text, _severity: told.append(text)
    QTest.mouseClick(panel.classes, LEFT)
    assert "Invert the image first" in told[-1]
    window.session.undo()
    before = window.session.scene
    work: list[float | None] = []
    found.inverting._on_work = lambda f: (work.append(f), panel.set_work(f))
    found.inverting.start(found._loaded, found.seen, steps=60)
    assert panel.stop.isVisible()
    qtbot.waitUntil(lambda: not found.inverting.searching, timeout=PATIENCE_MS)
    assert found._inverted is not None
    assert found._inverted[1] > 25.0  # dB
    assert work[0] == 0.0
    assert work[-1] is None
    settled(qtbot, window)
    away = np.abs(window.canvas.focus_pixels().astype(int) - digit).mean()
    assert away < 6.0
    names = [figure.name for figure in panel.figures.figures]
    assert {"discriminator", "nearest"} <= set(names)
    window.session.undo()
    assert window.session.scene == before
    found.inverting.start(found._loaded, found.seen, steps=5000)
    found.inverting.cancel()
    assert not found.inverting.searching
    assert not panel.stop.isVisible()
    assert window.session.scene == before
    found._inverted = None
    found.inverting.start(found._loaded, found.seen, steps=1_000_000)
    qtbot.waitUntil(
        lambda: panel.reconstruction.accessibleName() == "Best so far", timeout=PATIENCE_MS
    )
    QTest.mouseClick(panel.stop, LEFT)
    qtbot.waitUntil(lambda: found._inverted is not None, timeout=PATIENCE_MS)
    assert not panel.stop.isVisible()
    assert window.session.scene != before  # the best so far is kept, as one step
    window.session.undo()
    assert window.session.scene == before
    # what was found is of this image, and not of the next one
    assert "nearest" in [figure.name for figure in panel.figures.figures]
    found.show_image(255 - digit, "another")
    assert not panel.reconstruction.has_picture
    assert not panel.error.has_picture
    assert panel.likeness.text() == ""
    assert "nearest" not in [figure.name for figure in panel.figures.figures]
