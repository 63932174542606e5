"""Whole data sets through the current model, in the real window."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest

from genviewer.core.latent import Latent
from genviewer.core.recipe import Recipe
from genviewer.engine.data_beliefs import measure_data
from genviewer.engine.density import open_density
from genviewer.engine.encoding import encode, to_model_range
from genviewer.engine.rendered import Rendered
from genviewer.ui.widgets.picture_grid import TILE
from tests.tiny_models import write_tiny_vae
from tests.ui.conftest import PATIENCE_MS, live

if TYPE_CHECKING:
    from pathlib import Path

    from genviewer.ui.main_window import MainWindow

LEFT = Qt.MouseButton.LeftButton
NONE = Qt.KeyboardModifier.NoModifier
COUNT = 24


@pytest.fixture
def images() -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (COUNT, 8, 8, 3), dtype=np.uint8)


@pytest.fixture
def labels() -> np.ndarray:
    return np.arange(COUNT) % 4


@pytest.fixture
def data(tmp_path: Path, images, labels) -> Path:
    path = tmp_path / "images.npz"
    np.savez(path, images=images, labels=labels)
    return path


@pytest.fixture
def bundle(tmp_path: Path):
    return write_tiny_vae(tmp_path / "tiny")


@pytest.fixture
def explorer(open_explorer, bundle) -> MainWindow:
    return open_explorer(bundle.path)


class NoPackages:
    class util:  # noqa: N801 - as in importlib
        @staticmethod
        def find_spec(name):
            return None


def opened(window: MainWindow, qtbot, data: Path | None, page: str = "outliers"):
    """The data set window on a page, with its figures there."""
    window.actions_by_id["data_view"].trigger()
    view = window.later.data_view
    view.show_page(page)
    if data is not None:
        view.open_source(str(data))
        shown = view.window.pages[page]
        qtbot.waitUntil(lambda: shown.has_figures, timeout=PATIENCE_MS)
        live(20)
    return view


def said(view, page: str) -> str:
    return view.window.pages[page].sentence.text()


def test_outliers_are_the_images_that_the_model_finds_least_likely(
    explorer, qtbot, data, bundle, images
):
    view = opened(explorer, qtbot, None)
    assert "Choose a data set" in said(view, "outliers")
    view = opened(explorer, qtbot, data)
    beliefs = measure_data(open_density(bundle, "cpu"), bundle, images)
    order = np.argsort(beliefs.log_px)
    page, heard = view.window.outliers, []
    shown = [
        float(text.replace(",", "").replace("\N{MINUS SIGN}", "-"))
        for text in page.grids["strangest"].captions
    ]
    assert np.allclose(shown, beliefs.log_px[order], atol=0.11)
    view.image_chosen.disconnect()
    view.image_chosen.connect(lambda pixels, name: heard.append((pixels, name)))
    QTest.mouseClick(page.grids["strangest"], LEFT, NONE, QPoint(TILE // 2, TILE // 2))
    [(pixels, name)] = heard
    assert np.array_equal(pixels, images[order[0]])
    assert str(order[0]) in name
    # also after another page has looked at other images
    view.window.count.setValue(COUNT - 4)
    qtbot.waitUntil(lambda: len(page._log_px) == COUNT - 4, timeout=PATIENCE_MS)
    view.show_page("nearest")
    qtbot.waitUntil(lambda: view.window.nearest.has_figures, timeout=PATIENCE_MS)
    view.show_page("outliers")
    assert view.window.facts.text().startswith(f"{COUNT - 4} of {COUNT}")
    rows = np.linspace(0, COUNT - 1, COUNT - 4).astype(int)
    QTest.mouseClick(page.grids["strangest"], LEFT, NONE, QPoint(TILE // 2, TILE // 2))
    assert np.array_equal(heard[-1][0], images[rows[beliefs.log_px[rows].argmin()]])
    # the current sample is measured and marked by itself
    qtbot.waitUntil(lambda: page.histogram.mark is not None, timeout=PATIENCE_MS)
    current = explorer.canvas.focus_pixels()
    expected = measure_data(open_density(bundle, "cpu"), bundle, current[None]).log_px[0]
    assert page.histogram.mark == pytest.approx(expected, abs=0.01)
    assert f" \N{MINUS SIGN}{-expected:,.1f}," in page.verdict.text()
    # the share that is rejected goes to the Inspect panel
    page.slider.box.setValue(25.0)
    rejected = (page._log_px < page.threshold).mean()
    assert rejected == pytest.approx(0.25, abs=2 / COUNT)
    assert explorer.later.inspect.rejected == pytest.approx(rejected)


def test_the_pixels_of_one_sample_are_not_measured_as_those_of_the_next(
    explorer, qtbot, data, monkeypatch
):
    view = opened(explorer, qtbot, data)
    frame, marked = explorer.frames.newest, []
    monkeypatch.setattr(view._mark, "mark", lambda _, *sample: marked.append(sample))
    view.follow()
    assert marked == [(frame.recipe, frame.pixels)]
    # a slow model has drawn nothing but the sample before so far
    before = Recipe(Latent(frame.recipe.latent.array + 1.0), frame.recipe.condition)
    explorer.frames.newest = replace(frame, recipe=before)
    marked.clear()
    view.follow()
    assert not marked
    explorer.explorer.rendered.emit(Rendered(frame))
    qtbot.waitUntil(lambda: marked == [(frame.recipe, frame.pixels)], timeout=PATIENCE_MS)


def test_bayes_counts_what_is_right_and_shows_the_images_of_a_cell(
    explorer, qtbot, data, bundle, images, labels
):
    view = opened(explorer, qtbot, data, "bayes")
    best = measure_data(open_density(bundle, "cpu"), bundle, images).best
    page = view.window.bayes
    accuracy = 100 * (best == labels).mean()
    assert page.summary.text().startswith(f"{accuracy:.2f} % of {COUNT} images")
    row, column = int(labels[0]), int(best[0])
    QTest.mouseClick(page.matrix, LEFT, NONE, page.matrix.cell_rect(row, column).center())
    expected = np.flatnonzero((labels == row) & (best == column))
    assert sorted(page._rows.tolist()) == expected.tolist()
    assert f"{len(expected)} image" in page.title.text()


def test_posteriors_say_how_much_each_dimension_carries(explorer, qtbot, data, bundle, images):
    view = opened(explorer, qtbot, data, "posterior")
    mean, logvar = encode(
        bundle, to_model_range(images, bundle), np.eye(4, dtype=np.float32)[np.arange(COUNT) % 4]
    )
    kl = 0.5 * (np.exp(logvar) + mean**2 - 1 - logvar).mean(0)
    page = view.window.posterior
    assert f"{kl.sum():,.2f} nats in all" in page.summary.text()
    assert page.grid._titles[0].startswith(f"z{kl.argmax()}   KL {kl.max():.2f}")
    # of fewer images, and what was looked at is remembered
    view.window.count.setValue(10)
    qtbot.waitUntil(lambda: "these 10 images" in page.summary.text(), timeout=PATIENCE_MS)
    assert view.window.facts.text().startswith(f"10 of {COUNT} images, at 8 × 8")
    assert explorer.files.recent.data == (str(data),)


def test_a_click_in_the_scatter_goes_there_and_a_line_around_points_to_their_average(
    explorer, qtbot, data, bundle, images, labels, monkeypatch
):
    view = opened(explorer, qtbot, data, "scatter")
    mean, _ = encode(bundle, to_model_range(images, bundle), np.eye(4, dtype=np.float32)[labels])
    scatter, session = view.window.scatter.scatter, explorer.session
    before = session.scene
    where = scatter.box.mapViewToScene(QPointF(*map(float, scatter._points[5])))
    QTest.mouseClick(scatter.viewport(), LEFT, NONE, scatter.mapFromScene(where))
    recipe = session.scene.recipe
    row = int(np.abs(mean - recipe.latent.array).sum(1).argmin())  # dots may lie on one another
    assert np.allclose(recipe.latent.array, mean[row], atol=1e-5)
    assert recipe.condition.class_weights("class") == {int(labels[row]): 1.0}
    session.undo()
    assert session.scene == before
    rows = np.array([1, 2, 5])
    scatter.lassoed.emit(rows)
    recipe = session.scene.recipe
    assert np.allclose(recipe.latent.array, mean[rows].mean(0), atol=1e-5)
    assert recipe.condition.class_weights("class") == pytest.approx({1: 2 / 3, 2: 1 / 3})
    session.undo()
    assert session.scene == before
    # the ring is where the current sample is
    place = view.scatter._layout.place(before.recipe.latent.array)
    qtbot.waitUntil(lambda: scatter._current == pytest.approx(place), timeout=PATIENCE_MS)
    monkeypatch.setattr("genviewer.engine.latent_layout.importlib", NoPackages)
    QTest.mouseClick(view.window.scatter.method.button("umap"), LEFT)
    qtbot.waitUntil(lambda: "pip install" in said(view, "scatter"), timeout=PATIENCE_MS)


def test_a_sample_that_is_in_the_data_is_told_from_one_that_is_not(
    explorer, qtbot, tmp_path, images
):
    path = tmp_path / "without.npz"
    np.savez(path, images=images)
    view = opened(explorer, qtbot, path, "nearest")
    page = view.window.nearest
    assert page.verdict.text().startswith("Not a copy")
    path = tmp_path / "with.npz"
    np.savez(path, images=np.concatenate([images, explorer.canvas.focus_pixels()[None]]))
    view.open_source(str(path))
    qtbot.waitUntil(lambda: "Suspiciously" in page.verdict.text(), timeout=PATIENCE_MS)
    assert page._rows["pixels"][0] == COUNT
    assert page.grids["pixels"].captions[0] == "0.00"


def test_a_gan_says_what_it_cannot_answer(open_explorer, qtbot, tmp_path):
    window = open_explorer("digits-cgan")
    path = tmp_path / "few.npz"
    rng = np.random.default_rng(1)
    np.savez(path, images=rng.integers(0, 256, (12, 28, 28, 1), dtype=np.uint8))
    view = opened(window, qtbot, path, "nearest")
    assert "no encoder" in view.window.nearest.sentences["latents"].text()
    assert view.window.nearest.verdict.text().startswith("Not a copy")
    for page, reason in {
        "outliers": "GAN", "bayes": "GAN", "posterior": "no encoder", "scatter": "no encoder",
    }.items():  # fmt: skip
        view.show_page(page)
        assert reason in said(view, page)
        assert not view.window.pages[page].has_figures


def test_what_cannot_be_read_is_said_and_can_be_tried_again(explorer, qtbot, tmp_path, data):
    view = opened(explorer, qtbot, None)
    missing = tmp_path / "later.npz"
    view.open_source(str(missing))
    page = view.window.outliers
    qtbot.waitUntil(lambda: "later.npz" in said(view, "outliers"), timeout=PATIENCE_MS)
    data.rename(missing)
    QTest.mouseClick(page.button, LEFT)
    qtbot.waitUntil(lambda: page.has_figures, timeout=PATIENCE_MS)


def test_another_model_is_asked_when_it_is_shown(explorer, qtbot, data, tmp_path):
    view = opened(explorer, qtbot, data)
    page = view.window.outliers
    before = page.grids["strangest"].captions
    other = write_tiny_vae(tmp_path / "other", classes=(), seed=5)
    explorer.files.open_model(other.path)
    qtbot.waitUntil(lambda: page.grids["strangest"].captions != before, timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: view._job is None, timeout=PATIENCE_MS)
    view.show_page("bayes")
    assert "no classes" in said(view, "bayes")


def test_closing_the_window_gives_up_what_is_under_way(explorer, qtbot, data, monkeypatch):
    import threading

    began, may_go_on = threading.Event(), threading.Event()

    def slow(*args, progress=None, **kwargs):
        began.set()
        assert may_go_on.wait(20)
        progress.report(0.5)
        raise AssertionError("it was not cancelled")

    monkeypatch.setattr("genviewer.engine.data_figures.measure_data", slow)
    explorer.actions_by_id["data_view"].trigger()
    view = explorer.later.data_view
    view.open_source(str(data))
    qtbot.waitUntil(began.is_set, timeout=PATIENCE_MS)
    view.window.close()
    may_go_on.set()
    qtbot.waitUntil(lambda: said(view, "outliers") == "This was not measured.", timeout=PATIENCE_MS)
    # what takes its place is not talked over
    began.clear()
    may_go_on.clear()
    view.show()
    qtbot.waitUntil(began.is_set, timeout=PATIENCE_MS)
    job = view._job
    monkeypatch.setattr(view.outliers, "why_not", lambda _spec: "This model cannot say.")
    view.refresh()
    may_go_on.set()
    qtbot.waitUntil(lambda: job.state == "cancelled", timeout=PATIENCE_MS)
    live(20)
    assert said(view, "outliers") == "This model cannot say."
