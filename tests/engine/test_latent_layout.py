"""Latents on a plane."""

from __future__ import annotations

import sys
from types import SimpleNamespace

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


@pytest.mark.parametrize("dim", [1, 2])
def test_small_latents_lie_as_they_are(dim):
    latents = np.random.default_rng(1).standard_normal((9, dim)).astype(np.float32)
    found = by_components(latents)
    assert np.array_equal(found.points[:, :dim], latents)
    assert found.place(latents[3]) == pytest.approx(tuple(found.points[3]))


def test_without_umap_a_sentence_says_what_brings_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(LoadError, match="pip install"):
        by_umap(np.zeros((9, 3), np.float32))


def test_umap_learns_from_a_bounded_number_and_places_the_rest(monkeypatch):
    seen = {}

    class Fake:
        def __init__(self, **options):
            seen.update(options)

        def fit_transform(self, latents):
            seen["learned"] = len(latents)
            return latents[:, :2]

        def transform(self, latents):
            return latents[:, :2]

    monkeypatch.setitem(sys.modules, "umap", SimpleNamespace(UMAP=Fake))
    monkeypatch.setattr(latent_layout, "MAX_UMAP", 10)
    latents = np.random.default_rng(1).standard_normal((25, 3)).astype(np.float32)
    found = by_umap(latents)
    assert seen["learned"] == 10
    assert seen["n_neighbors"] < 10
    assert np.array_equal(found.points, latents[:, :2])
    assert found.place(latents[0]) is None
    with pytest.raises(LoadError):
        by_umap(latents[:3])
