"""Lists of directions that a person edits, and latents moved along them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from genviewer.core.direction_sets import (
    apart_from_others,
    free_name,
    joined,
    moved_to,
    renamed,
    strengths,
    unit_is_known,
    without,
)
from genviewer.core.directions import Directions, Method, covariance_of, unit_rows


def some(names: tuple[str, ...], seed: int = 0, method: Method = "pca", dim: int = 6) -> Directions:
    rng = np.random.default_rng(seed)
    count = len(names)
    return Directions(
        unit_rows(rng.standard_normal((count, dim))),
        rng.uniform(0.5, 2.0, count).astype(np.float32),
        np.full(count, 0.1, np.float32),
        names,
        method,
    )


def test_joining_keeps_the_order_and_makes_names_unique():
    one, two = some(("a", "b"), 0), some(("b", "c"), 1, "sefa")
    both = joined(one, two)
    assert both.names == ("a", "b", "b (2)", "c")
    assert both.method == "mixed"
    np.testing.assert_array_equal(both.vectors[2:], two.vectors)
    assert joined(one, some(("z",), 2)).method == "pca"
    with pytest.raises(ValueError, match="different latents"):
        joined(one, some(("z",), 2, dim=5))
    assert free_name("a", ("a", "a (2)")) == "a (3)"


def test_renaming_and_removing():
    three = some(("a", "b", "c"))
    assert renamed(three, 0, "c").names == ("c (2)", "b", "c")
    assert renamed(three, 2, "c").names == three.names
    left = without(three, 1)
    assert left is not None
    assert left.names == ("a", "c")
    np.testing.assert_array_equal(left.vectors, three.vectors[[0, 2]])
    assert without(some(("a",)), 0) is None


def test_a_move_reaches_the_strength_and_changes_nothing_across():
    three = some(("a", "b", "c"))
    rng = np.random.default_rng(3)
    latent, center = (rng.standard_normal(6).astype(np.float32) for _ in range(2))
    for strength in (-3.0, 0.0, 1.7):
        moved = moved_to(three, 1, latent, strength, center=center)
        assert moved is not None
        assert strengths(three, moved, center)[1] == pytest.approx(strength, abs=1e-4)
        step = moved - latent
        along = (step @ three.vectors[1]) * three.vectors[1]
        np.testing.assert_allclose(step, along, atol=1e-5)
    back = moved_to(three, 1, moved, float(strengths(three, latent, center)[1]), center=center)
    np.testing.assert_allclose(back, latent, atol=1e-4)


def test_locked_dimensions_stay_and_the_others_go_further():
    three, latent = some(("a", "b", "c")), np.ones(6, np.float32)
    locked = np.array([True, False, True, False, False, False])
    moved = moved_to(three, 0, latent, 2.0, locked=locked)
    assert moved is not None
    np.testing.assert_array_equal(moved[locked], latent[locked])
    assert strengths(three, moved)[0] == pytest.approx(2.0, abs=1e-4)
    assert moved_to(three, 0, latent, 2.0, locked=np.ones(6, bool)) is None


def test_one_direction_keeps_only_what_the_others_have_not():
    three = some(("a", "b", "c"))
    apart = apart_from_others(three, 1)
    np.testing.assert_array_equal(apart.vectors[[0, 2]], three.vectors[[0, 2]])
    np.testing.assert_allclose(apart.vectors[[0, 2]] @ apart.vectors[1], 0.0, atol=1e-6)
    assert np.linalg.norm(apart.vectors[1]) == pytest.approx(1.0, abs=1e-6)
    twice = joined(some(("a",)), some(("a",)))
    with pytest.raises(ValueError, match="Nothing is left"):
        apart_from_others(twice, 1)


def test_one_made_orthogonal_gets_the_deviation_along_what_is_left_where_that_is_known():
    points = np.random.default_rng(4).standard_normal((300, 6)) * np.arange(1.0, 7.0)
    three = replace(some(("a", "b", "c")), covariance=covariance_of(points))
    assert unit_is_known(three)
    apart = apart_from_others(three, 1)
    expected = (points @ apart.vectors[1]).std()
    assert apart.deviations[1] == pytest.approx(expected, rel=1e-5)
    assert (apart.deviations[[0, 2]] == three.deviations[[0, 2]]).all()
    mixed = joined(three, some(("z",), 2))
    assert mixed.covariance is None  # those of the one say nothing about the other's latents
    assert not unit_is_known(mixed)
    prior = replace(mixed, deviations=np.ones(4, np.float32))
    assert unit_is_known(prior)
