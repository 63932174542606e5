"""The distances between sets of points against what was worked out another way."""

import numpy as np
import pytest

from genviewer.engine.evaluate_metrics import (
    frechet_distance,
    frechet_of_gaussians,
    mean_distance,
    precision_recall,
    precision_recall_ticks,
)

RNG = np.random.default_rng(0)


def test_frechet_of_commuting_gaussians_is_the_closed_form():
    rotation = np.linalg.qr(RNG.standard_normal((4, 4)))[0]
    a, b = np.array([1.0, 4.0, 0.25, 9.0]), np.array([4.0, 1.0, 0.25, 0.0])
    mean = RNG.standard_normal(4)
    found = frechet_of_gaussians(
        mean, rotation @ np.diag(a) @ rotation.T, mean + 2, rotation @ np.diag(b) @ rotation.T
    )
    assert found == pytest.approx(4 * 4 + np.square(np.sqrt(a) - np.sqrt(b)).sum(), abs=1e-9)


def test_frechet_of_gaussians_that_do_not_commute():
    # In two dimensions tr (AB)^(1/2) = sqrt(tr AB + 2 sqrt(det AB)), by Cayley and Hamilton.
    for _ in range(20):
        roots = RNG.standard_normal((2, 2, 2))
        a, b = (root @ root.T for root in roots)
        product = a @ b
        shared = np.sqrt(np.trace(product) + 2 * np.sqrt(np.linalg.det(product)))
        expected = np.trace(a + b) - 2 * shared
        assert frechet_of_gaussians(np.zeros(2), a, np.zeros(2), b) == pytest.approx(
            expected, abs=1e-9
        )


def test_frechet_of_singular_gaussians():
    flat, line = np.diag([1.0, 0.0]), np.diag([0.0, 1.0])
    zero = np.zeros(2)
    assert frechet_of_gaussians(zero, flat, zero, flat) == pytest.approx(0, abs=1e-12)
    assert frechet_of_gaussians(zero, flat, zero, line) == pytest.approx(2.0)
    assert frechet_of_gaussians(zero, 0 * flat, zero + 3, 0 * flat) == pytest.approx(18.0)
    # Two unit vectors at an angle: |u|^2 + |v|^2 - 2 |u . v|.
    u, v = np.array([1.0, 0.0]), np.array([np.cos(1.0), np.sin(1.0)])
    found = frechet_of_gaussians(zero, np.outer(u, u), zero, np.outer(v, v))
    assert found == pytest.approx(2 - 2 * np.cos(1.0))


def test_frechet_of_points_fits_gaussians():
    a = np.array([[-1.0], [1.0], [0.0]])  # mean 0, variance 1
    b = np.array([[2.0], [4.0], [6.0]])  # mean 4, variance 4
    assert frechet_distance(a, b) == pytest.approx(16 + (1 - 2) ** 2)
    few = RNG.standard_normal((5, 40)).astype(np.float32)  # fewer points than dimensions
    assert frechet_distance(few, few) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(few, few + 1) == pytest.approx(40, rel=1e-5)


def test_precision_and_recall_by_hand():
    # With one neighbour the real points reach 1, 1 and 4: they cover [-1, 2] and [1, 9].
    real = np.array([[0.0], [1.0], [5.0]])
    drawn = np.array([[-0.5], [9.5], [-1.5]])
    # The drawn ones reach 1, 10 and 1: they cover [-2.5, 0.5] and [-0.5, 19.5].
    found = precision_recall(real, drawn, neighbours=1)
    assert found.precision == pytest.approx(1 / 3)
    assert found.recall == 1.0
    found = precision_recall(real, np.array([[0.2], [0.3], [0.4]]), neighbours=1)
    assert found.precision == 1.0
    assert found.recall == 0.0  # they reach 0.1 and cover none of the real ones


def test_the_reach_is_that_of_the_kth_neighbour():
    real = np.array([[0.0], [1.0], [3.0], [6.0]])
    drawn = np.array([[-3.0], [-4.0], [50.0], [60.0]])
    assert precision_recall(real, drawn, neighbours=1).precision == 0.0
    assert precision_recall(real, drawn, neighbours=2).precision == 0.25
    assert precision_recall(real, drawn, neighbours=3).precision == 0.5


def test_identical_sets_are_perfect_whatever_their_size_and_place():
    points = (RNG.standard_normal((1200, 16)) * 5 + 1000).astype(np.float32)
    ticks = []
    found = precision_recall(points, points.copy(), tick=lambda: ticks.append(1))
    assert found == (1.0, 1.0)
    assert len(ticks) == precision_recall_ticks(1200, 1200)
    assert frechet_distance(points, points) == pytest.approx(0, abs=1e-6)
    doubled = np.repeat(points[:20], 10, axis=0)  # every reach is zero
    assert precision_recall(doubled, doubled) == (1.0, 1.0)


def test_sets_far_apart_share_nothing():
    points = RNG.standard_normal((1100, 3))
    assert precision_recall(points, points + 100) == (0.0, 0.0)


def test_a_collapsed_set_is_precise_and_recalls_little():
    real = RNG.standard_normal((500, 2))
    collapsed = real[:1] + 1e-3 * RNG.standard_normal((500, 2))
    found = precision_recall(real, collapsed)
    assert found.precision > 0.99
    assert found.recall < 0.02


def test_mean_distance_of_all_pairs():
    images = RNG.random((7, 3, 4, 2)).astype(np.float32)
    pairs = [np.sqrt(np.square(images[i] - images[j]).mean()) for i in range(7) for j in range(i)]
    assert mean_distance(images) == pytest.approx(np.mean(pairs), rel=1e-6)
    assert mean_distance(np.stack([np.zeros(4), np.ones(4)])) == pytest.approx(1.0)
    assert mean_distance(np.ones((3, 4))) == 0.0
