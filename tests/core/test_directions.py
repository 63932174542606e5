"""Directions against NumPy's own decompositions and what follows from the definitions."""

from dataclasses import replace
from unittest.mock import Mock

import numpy as np
import pytest

from genviewer.core import directions
from genviewer.core.directions import (
    Directions,
    class_means,
    covariance_of,
    factorised,
    orthogonalised,
    principal_directions,
    select,
    signed,
    unit_rows,
)


def some(count=3, dim=5, seed=0):
    rng = np.random.default_rng(seed)
    return Directions(
        unit_rows(rng.standard_normal((count, dim))),
        np.linspace(1, 2, count, dtype=np.float32),
        np.linspace(0.5, 0.1, count, dtype=np.float32),
        tuple(f"d{i}" for i in range(count)),
        "pca",
    )


def test_principal_directions_are_those_of_the_singular_values():
    rng = np.random.default_rng(0)
    points = rng.standard_normal((200, 6)) * [5, 4, 3, 2, 1, 0.5] + 7.0
    points = points @ np.linalg.qr(rng.standard_normal((6, 6)))[0]
    found, variances = principal_directions(points, 4)
    _, sizes, right = np.linalg.svd(points - points.mean(0), full_matrices=False)
    assert variances == pytest.approx(sizes**2 / 199)
    assert np.abs((found * right[:4]).sum(1)) == pytest.approx(1.0)
    assert len(principal_directions(points[:3], 4)[0]) == 2  # three points span a plane


def test_of_few_points_no_matrix_of_all_dimensions_is_made(monkeypatch):
    """With tens of thousands of dimensions it would fill the memory for an hour."""
    points = np.random.default_rng(0).standard_normal((7, 50)) * np.linspace(3.0, 0.1, 50)
    points[6] = points[5]
    sizes_of, eigh = [], np.linalg.eigh
    monkeypatch.setattr(np.linalg, "eigh", lambda m: (sizes_of.append(m.shape), eigh(m))[1])
    found, variances = principal_directions(points, 6)
    assert sizes_of == [(7, 7)]
    _, sizes, right = np.linalg.svd(points - points.mean(0), full_matrices=False)
    assert variances == pytest.approx(np.r_[sizes**2 / 6, np.zeros(43)])
    assert np.abs((found * right[:6]).sum(1))[:5] == pytest.approx(1.0)
    assert found @ found.T == pytest.approx(np.eye(6), abs=1e-9)  # also where nothing varies


@pytest.mark.parametrize("shape", [(300, 40), (40, 300)])
def test_of_many_points_in_many_dimensions_no_large_matrix_is_made(monkeypatch, shape):
    rng = np.random.default_rng(0)
    scales = np.r_[5.0, 3.0, 2.0, np.full(shape[1] - 3, 0.1)]
    points = (rng.standard_normal(shape) * scales + 7.0).astype(np.float32)
    exact, variances = principal_directions(points, 3)
    sizes, asked, eigh = [], [], np.linalg.eigh
    monkeypatch.setattr(np.linalg, "eigh", lambda m: (sizes.append(m.shape), eigh(m))[1])
    monkeypatch.setattr(directions, "_MOST_EXACT", 1)
    monkeypatch.setattr(directions, "_BLOCK_VALUES", 1000)
    found, about = principal_directions(points, 3, lambda: asked.append(None))
    assert set(sizes) == {(11, 11)}
    assert np.abs((found * exact).sum(1)) == pytest.approx(1.0, abs=1e-5)
    assert found @ found.T == pytest.approx(np.eye(3), abs=1e-9)
    assert about[:3] == pytest.approx(variances[:3], rel=1e-4)
    assert about.sum() == pytest.approx(variances.sum(), rel=1e-4)
    assert len(asked) > len(sizes)  # some times in each round
    with pytest.raises(KeyboardInterrupt):
        principal_directions(points, 3, Mock(side_effect=KeyboardInterrupt))


def test_factorised_directions_are_the_eigenvectors_of_the_weights_product():
    a = np.random.default_rng(1).standard_normal((9, 4))
    found, values = factorised(a)
    assert found @ found.T == pytest.approx(np.eye(4))
    for vector, value in zip(found, values, strict=True):
        assert a.T @ a @ vector == pytest.approx(value * vector)
    assert (np.diff(values) <= 0).all()
    assert values.sum() == pytest.approx(np.square(a).sum())


def test_class_means_lead_from_the_middle_to_each_class():
    rng = np.random.default_rng(2)
    middles = np.array([[3.0, 0.0], [-3.0, 0.0], [0.0, 1.0]])
    labels = np.repeat([0, 4, 5], 50)
    points = middles[np.repeat([0, 1, 2], 50)] + rng.normal(0, 0.01, (150, 2))
    vectors, shares, classes = class_means(points, labels)
    assert classes.tolist() == [0, 4, 5]
    assert vectors == pytest.approx(middles - middles.mean(0), abs=0.01)
    assert shares.sum() == pytest.approx(1.0, abs=1e-3)  # next to nothing is within the classes


def test_signs_repeat():
    v = np.array([[0.1, -0.9], [0.8, 0.2]])
    assert (signed(v) == signed(-v)).all()
    assert (signed(v)[0] == [-0.1, 0.9]).all()


def test_orthogonalised_directions_have_no_part_in_the_others():
    directions = some()
    against = np.random.default_rng(5).standard_normal((2, 5)).astype(np.float32)
    found = orthogonalised(directions, np.concatenate([against, against[:1] * 2]))
    assert np.abs(found.vectors @ against.T).max() < 1e-5
    assert np.linalg.norm(found.vectors, axis=1) == pytest.approx(1.0, abs=1e-6)
    assert found.names == directions.names
    assert (orthogonalised(directions, against[:0]).vectors == directions.vectors).all()


def test_what_is_left_of_a_direction_has_the_deviation_of_latents_along_it():
    rng = np.random.default_rng(3)
    points = rng.standard_normal((400, 5)) @ rng.standard_normal((5, 5)) + 3.0
    directions = replace(some(), covariance=covariance_of(points))
    found = orthogonalised(directions, rng.standard_normal((2, 5)).astype(np.float32))
    assert found.deviations == pytest.approx((points @ found.vectors.T).std(0), rel=1e-5)
    assert (orthogonalised(some(), directions.vectors[:0]).deviations == some().deviations).all()
    assert covariance_of(np.zeros((2, 4096), np.float32)) is None


def test_a_direction_within_the_others_is_left_out():
    directions = some()
    assert orthogonalised(directions, directions.vectors[1:2]).names == ("d0", "d2")
    with pytest.raises(ValueError, match="left"):
        orthogonalised(directions, np.eye(5, dtype=np.float32))
    with pytest.raises(ValueError, match="5 values"):
        orthogonalised(directions, np.eye(4, dtype=np.float32))


def test_a_strength_is_in_standard_deviations():
    directions = some()
    start = np.ones(5, np.float32)
    moved = directions.moved(start, 2, -1.5)
    assert moved - start == pytest.approx(-1.5 * 2.0 * directions.vectors[2])
    assert moved.dtype == np.float32
    assert select(directions, [2, 0]).names == ("d2", "d0")
