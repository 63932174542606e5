"""Latents on a plane."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import numpy as np
import pytest

from genviewer.engine import latent_layout
from genviewer.engine.generator import LoadError
from genviewer.engine.latent_layout import by_components, by_umap


def test_components_are_the_axes_of_a_stretched_cloud():
    rng = np.random.default_rng(0)
    turn, _ = np.linalg.qr(rng.standard_normal((6, 6)))
    scales = np.array([3.0, 2.0, 0.1, 0.1, 0.1, 0.1])
    cloud = (rng.standard_normal((4000, 6)) * scales) @ turn.T + 5.0
    found = by_components(cloud.astype(np.float32))
    assert abs(float(found.axes[0] @ turn[:, 0])) > 0.99
    assert abs(float(found.axes[1] @ turn[:, 1])) > 0.99
    assert np.allclose(found.points.std(0), [3.0, 2.0], rtol=0.05)
    powers = cloud.var(0).sum()
    share = 100 * found.points[:, 0].var() / powers
    assert found.labels[0] == f"first component ({share:.0f} % of the variance)"
    assert found.place(cloud[17].astype(np.float32)) == pytest.approx(tuple(found.points[17]), 1e-3)
    assert found.place(np.zeros(5, np.float32)) is None


@pytest.mark.parametrize("count", [1, 2, 40])
def test_few_latents_of_many_dimensions_lie_where_their_singular_vectors_say(count):
    rng = np.random.default_rng(0)
    cloud = (rng.standard_normal((count, 60)) * np.linspace(3.0, 0.1, 60)).astype(np.float32)
    found = by_components(cloud)
    assert found.axes @ found.axes.T == pytest.approx(np.eye(2), abs=1e-6)
    centred = cloud - cloud.mean(0, dtype=np.float64)
    _, sizes, axes = np.linalg.svd(centred, full_matrices=False)
    for point, size, axis in zip(found.points.T, sizes[:2], axes, strict=False):
        away = centred @ axis
        assert np.abs(point) == pytest.approx(np.abs(away) if size > 1e-9 else 0.0, abs=1e-4)
    share = 100 * sizes[0] ** 2 / max((sizes**2).sum(), 1e-12)
    assert found.labels[0].startswith(f"first component ({share:.0f} %")


@pytest.mark.parametrize("dim", [1, 2])
def test_small_latents_lie_as_they_are(dim):
    latents = np.random.default_rng(1).standard_normal((9, dim)).astype(np.float32)
    found = by_components(latents)
    assert np.array_equal(found.points[:, :dim], latents)
    assert found.place(latents[3]) == pytest.approx(tuple(found.points[3]))


def test_without_umap_a_sentence_says_what_brings_it(monkeypatch):
    monkeypatch.setattr(latent_layout.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(LoadError, match="pip install"):
        by_umap(np.zeros((9, 3), np.float32))


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """A package `umap` that the other process finds; what it does is up to the test."""

    def write(body: str) -> None:
        (tmp_path / "umap.py").write_text(body)

    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{Path.cwd()}")
    monkeypatch.setattr(latent_layout, "MAX_UMAP", 10)
    return write


def test_umap_learns_from_a_bounded_number_and_places_the_rest(fake):
    fake(
        """
class UMAP:
    def __init__(self, n_neighbors, random_state, n_jobs):
        assert n_neighbors < 10

    def fit_transform(self, latents):
        assert len(latents) == 10
        return latents[:, :2]

    def transform(self, latents):
        return latents[:, :2] + 100
"""
    )
    latents = np.random.default_rng(1).standard_normal((25, 3)).astype(np.float32)
    found = by_umap(latents)
    placed = found.points[:, 0] > 50
    assert placed.sum() == 15
    assert np.allclose(found.points - 100 * placed[:, None], latents[:, :2], atol=1e-4)
    assert found.place(latents[0]) is None
    with pytest.raises(LoadError):
        by_umap(latents[:3])


def test_umap_that_fails_is_said_and_one_that_is_not_wanted_is_ended(fake, tmp_path):
    latents = np.zeros((9, 3), np.float32)
    fake("raise RuntimeError")
    with pytest.raises(LoadError, match="failed"):
        by_umap(latents)
    fake("import a_package_that_nobody_has")
    with pytest.raises(LoadError, match="does not start"):
        by_umap(latents)
    mark = tmp_path / "began"
    fake(f"import pathlib, time; pathlib.Path({str(mark)!r}).touch(); time.sleep(600)")

    class StopError(Exception):
        pass

    class Reports:
        def report(self, fraction, text=""):
            if mark.exists():
                raise StopError

    with pytest.raises(StopError):
        by_umap(latents, progress=Reports())


@pytest.mark.skipif(
    importlib.util.find_spec("umap") is None, reason="needs umap-learn: pip install genviewer[umap]"
)
def test_umap_itself_keeps_clouds_apart():
    """The real package, which takes a minute to compile itself."""
    rng = np.random.default_rng(2)
    side = np.arange(120) % 2
    latents = rng.standard_normal((120, 5)) + 30.0 * side[:, None]
    found = by_umap(latents.astype(np.float32)).points
    assert found.shape == (120, 2)
    away = np.linalg.norm(found[:, None] - found[None], axis=2)
    np.fill_diagonal(away, np.inf)
    assert (side[away.argmin(1)] == side).all()
