"""What the data set window's pages make of figures, without the window."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from PySide6.QtCore import QRect

from genviewer.engine.data_beliefs import DataBeliefs, calibration, confusion
from genviewer.engine.posterior_statistics import Encoded, describe_posteriors
from genviewer.nets.chain_config import POINT_LOGVAR
from genviewer.ui.data_shows import Bayes, BayesFigures
from genviewer.ui.numerals import number
from tests.tiny_models import write_tiny_vae

COUNT = 40
LABELS = np.arange(COUNT) % 4


@pytest.fixture
def shows(qtbot, tmp_path):
    """The Bayes page, and figures of images with a given log p(x) on it."""
    from genviewer.ui.widgets.bayes_page import BayesPage

    page = BayesPage()
    qtbot.addWidget(page)
    bayes, bundle = Bayes(page), write_tiny_vae(tmp_path / "tiny", channels=1)
    images = np.zeros((COUNT, 8, 8, 1), np.uint8)

    def show(log_px, of):
        posterior = np.full((COUNT, 4), 0.1)
        posterior[np.arange(COUNT), LABELS] = 0.7
        beliefs = DataBeliefs(log_px, np.zeros(COUNT), posterior, "nats")
        curve = (np.linspace(0.0, 1.0, 5), np.ones(5))
        found = BayesFigures(
            beliefs,
            confusion(LABELS, LABELS, 4),
            calibration(posterior, LABELS),
            (curve, curve),
        )
        view = SimpleNamespace(images=images, labels=LABELS)
        bayes.show(view, found, SimpleNamespace(bundle=bundle, of=of))
        return page.summary.text()

    return bayes, show


def test_a_threshold_counts_only_for_its_model_and_data_set(shows):
    bayes, show = shows
    first, second = np.linspace(-100.0, -60.0, COUNT), np.linspace(-900.0, -500.0, COUNT)
    show(first, ("one", "data"))
    bayes.set_threshold(-70.0, ("one", "data"))
    assert number(-70.0, 1) in show(first, ("one", "data"))
    for other in (("two", "data"), ("one", "others")):
        text = show(second, other)
        assert number(float(np.quantile(second, 0.01)), 1) in text
        assert "none is left" not in text
    bayes.set_threshold(-800.0, ("two", "data"))
    assert number(-800.0, 1) not in show(first, ("one", "data"))
    assert number(-800.0, 1) in show(second, ("two", "data"))


def test_of_points_no_kl_is_shown_but_how_much_they_vary(qtbot):
    from genviewer.ui.widgets.posterior_page import PosteriorPage

    page = PosteriorPage()
    qtbot.addWidget(page)
    mean = np.random.default_rng(0).standard_normal((50, 3)).astype(np.float32) * [1.0, 2.0, 0.01]
    for logvar, has_kl in ((POINT_LOGVAR, False), (-1.0, True)):
        logvars = np.full((50, 3), logvar, np.float32)
        page.set_figures(describe_posteriors(Encoded(mean.astype(np.float32), logvars)))
        texts = [page.summary.text(), page.title.text(), *page.grid._titles, *page.grid._tips]
        assert ("no KL to a prior" in texts[0]) != has_kl
        assert any("nats" in text or "posterior against" in text for text in texts) == has_kl
    assert page.summary.text().startswith("2 of 3 dimensions are active: their posterior mean")


def test_a_posterior_that_is_not_in_its_plot_is_told(qtbot):
    from genviewer.ui.widgets.posterior_page import PosteriorPage

    page = PosteriorPage()
    qtbot.addWidget(page)
    mean = np.array([[0.5, 20.0, -20.0]] * 4, np.float32)
    page.set_figures(describe_posteriors(Encoded(mean, np.full_like(mean, -4.0))))
    titles = {title.split()[0]: title for title in page.grid._titles}
    assert "%" not in titles["z0"]
    assert titles["z1"].endswith("100 % ▸")
    assert titles["z2"].endswith("◂ 100 %")
    assert sum("beyond what is drawn" in tip for tip in page.grid._tips) == 2


def test_dimensions_that_are_not_correlated_are_not_shown_as_such(qtbot, monkeypatch):
    from genviewer.ui.widgets.posterior_page import PosteriorPage

    monkeypatch.setattr("genviewer.engine.posterior_statistics.MOST_CORRELATED", 2)
    page = PosteriorPage()
    qtbot.addWidget(page)
    mean = np.random.default_rng(0).standard_normal((50, 3)) * [1.0, 2.0, 4.0]
    mean[:, 2] += mean[:, 1]
    page.set_figures(describe_posteriors(Encoded(mean.astype(np.float32), np.zeros((50, 3)))))
    text = page.strongest.text()
    assert text.startswith("The most correlated are z1 and z2")
    assert text.endswith("Only the 2 that vary most were correlated.")
    assert page.matrix._names == ("z1", "z2")


def test_of_thousands_of_dimensions_only_those_in_sight_are_looked_at(qtbot, monkeypatch):
    from genviewer.ui.widgets.dimension_grid import GAP, HEIGHT, DimensionGrid

    grid = DimensionGrid()
    qtbot.addWidget(grid)
    texts = [f"z{dim}" for dim in range(3000)]
    grid.set_dimensions(np.ones((3000, 4)), np.ones(4), texts, texts, np.ones(3000, bool))
    grid.resize(700, grid.heightForWidth(700))
    row = HEIGHT + GAP
    for top, height in ((0, 1), (5 * row - GAP, GAP), (7 * row, 600), (grid.height() - 9, 50)):
        seen = QRect(0, top, 400, height)
        wanted = [dim for dim in range(3000) if grid._cell(dim).intersects(seen)]
        assert grid._within(seen) == wanted
    asked, cell = [], grid._cell
    monkeypatch.setattr(grid, "_cell", lambda dim: (asked.append(dim), cell(dim))[1])
    grid.grab(QRect(0, 9000, 700, 600))
    assert 0 < len(asked) < 100


def test_what_lies_beyond_the_plots_is_reckoned_once():
    found = describe_posteriors(Encoded(np.zeros((4, 2), np.float32), np.zeros((4, 2), np.float32)))
    assert found.outside is found.outside  # asked for by the title and the tip of each dimension
