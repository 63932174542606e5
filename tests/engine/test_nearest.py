"""The nearest images, against a plain search, and what counts as a copy."""

from __future__ import annotations

import numpy as np
import pytest

from genviewer.engine import nearest as module
from genviewer.engine.nearest import judge, nearest, typical_distances


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (400, 6, 5, 1), dtype=np.uint8)


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(module, "_CHUNK_VALUES", 30 * 70)


@pytest.mark.parametrize("kind", [np.uint8, np.float32])
def test_as_a_plain_search_over_everything(images, kind):
    points = images.astype(kind)
    query = points[123] // 2
    found = nearest(points, query, 7)
    scale = 255.0 if kind is np.uint8 else 1.0
    away = (points.astype(float) - query.astype(float)).reshape(400, -1) / scale
    distances = np.linalg.norm(away, axis=1)
    assert found.rows.tolist() == np.argsort(distances, kind="stable")[:7].tolist()
    assert np.allclose(found.distances, np.sort(distances)[:7])


def test_typical_distances_leave_out_the_image_itself_and_its_doubles(images):
    images[399] = images[0]  # the first and the last are asked about
    found = typical_distances(images, queries=400, k=5)
    points = images.reshape(400, -1) / 255.0
    table = np.linalg.norm(points[:, None] - points[None], axis=2)
    table[table == 0.0] = np.inf
    assert np.allclose(found.distances, np.sort(table.min(1)))
    around = np.sort(table, 1)[:, :5]
    assert np.allclose(found.ratios, np.sort(around[:, 0] / around.mean(1)))


def test_a_copy_with_a_little_noise_is_suspicious(images):
    typical = typical_distances(images)
    noisy = np.clip(images[7].astype(int) + 3, 0, 255).astype(np.uint8)
    for query in (noisy, images[7]):
        verdict = judge(nearest(images, query), typical)
        assert verdict.suspicious
        assert verdict.distance < 0.1 * verdict.typical


def test_another_image_and_a_smooth_one_are_not(images):
    typical = typical_distances(images)
    other = np.random.default_rng(9).integers(0, 256, (6, 5, 1), dtype=np.uint8)
    assert not judge(nearest(images, other), typical).suspicious
    grey = np.full((6, 5, 1), 128, np.uint8)  # near to all of them, and to none in particular
    verdict = judge(nearest(images, grey), typical)
    assert verdict.percentile <= 1.0
    assert not verdict.suspicious


def test_sets_too_small_or_all_the_same_give_no_verdict(images):
    same = np.repeat(images[:1], 4, 0)
    assert judge(nearest(same, images[0]), typical_distances(same)) is None
    alone = images[:1]
    assert len(nearest(alone, images[3]).rows) == 1
    assert judge(nearest(alone, images[3]), typical_distances(alone)) is None


def test_it_can_be_cancelled(images):
    class StopError(Exception):
        pass

    class Reports:
        def report(self, fraction, text=""):
            raise StopError

    with pytest.raises(StopError):
        nearest(images, images[0], 3, Reports())
