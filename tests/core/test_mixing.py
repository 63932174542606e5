"""Mixing samples: closed forms, ends, and what cannot be mixed."""

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genviewer.core.condition import Condition, TextPart, VectorPart, one_class
from genviewer.core.latent import Latent
from genviewer.core.mixing import MixError, analogy, average, between, child
from genviewer.core.recipe import Recipe
from genviewer.core.spec import LatentSpec


def recipe(values, *parts, **more) -> Recipe:
    return Recipe(Latent(np.asarray(values, np.float32)), Condition(parts), **more)


A = recipe([1, 0, 2], one_class("c", 0), truncation=1.0)
B = recipe([0, 1, 1], one_class("c", 1), truncation=0.5)
C = recipe([3, 3, 3], one_class("c", 1), truncation=0.8)


def test_an_analogy_is_a_minus_b_plus_c():
    result = analogy(A, B, C)
    assert result.latent.array.tolist() == [4, 2, 4]
    assert result.condition.class_weights("c") == {0: 1.0}  # 0 - 1 + 1
    assert result.truncation == C.truncation
    assert analogy(A, A, C) == C


def test_an_average_is_the_mean_of_everything_that_can_be_added():
    result = average([A, B])
    assert result.latent.array.tolist() == [0.5, 0.5, 1.5]
    assert result.condition.class_weights("c") == {0: 0.5, 1: 0.5}
    assert result.truncation == 0.75
    one, two = recipe([0], VectorPart("v", (1, 3))), recipe([0], VectorPart("v", (3, 5)))
    assert average([one, two]).condition.part("v") == VectorPart("v", (2.0, 4.0))
    texts = [recipe([0], TextPart("t", text)) for text in "ab"]
    assert average(texts).condition.part("t") == TextPart("t", "a")


@pytest.mark.parametrize("path", ["lerp", "slerp", "spline"])
def test_between_begins_and_ends_at_the_recipes_and_passes_those_in_the_middle(path):
    assert between([A, B, C], 0.0, path) == A
    assert between([A, B, C], 0.5, path) == B
    assert between([A, B, C], 1.0, path) == C
    assert between([A, B, C], 7.0, path) == C
    assert between([A], 0.4, path) == A


def test_a_child_at_full_similarity_has_every_dimension_from_a_parent():
    latent = LatentSpec(64)
    rng = np.random.default_rng(0)
    one, two = (recipe(rng.standard_normal(64), one_class("c", k)) for k in (0, 1))
    born = child(one, two, latent, 1.0, 5)
    values = born.latent.array
    from_one, from_two = values == one.latent.array, values == two.latent.array
    assert (from_one | from_two).all()
    assert 10 < from_one.sum() < 54
    weights = born.condition.class_weights("c")
    assert sum(weights.values()) == pytest.approx(1)
    assert min(weights.values()) >= 0.25
    assert child(one, two, latent, 1.0, 5) == born
    assert child(one, two, latent, 1.0, 6) != born


@settings(max_examples=30, deadline=None)
@given(st.floats(0, 1), st.integers(0, 1000))
def test_children_of_typical_parents_are_typical(similarity, seed):
    rng = np.random.default_rng(seed)
    one, two = (recipe(rng.standard_normal(400)) for _ in range(2))
    norm = float(np.linalg.norm(child(one, two, LatentSpec(400), similarity, seed).latent.array))
    assert 15 < norm < 25  # the square root of 400 is 20


def test_less_similar_children_are_further_from_their_parents():
    latent, rng = LatentSpec(200), np.random.default_rng(1)
    one, two = (recipe(rng.standard_normal(200)) for _ in range(2))

    def away(similarity):
        values = child(one, two, latent, similarity, 3).latent.array
        nearer = np.minimum(np.abs(values - one.latent.array), np.abs(values - two.latent.array))
        return float(nearer.mean())

    assert away(1.0) == 0 < away(0.8) < away(0.4) < away(0.0)


def test_what_does_not_fit_is_told():
    with pytest.raises(MixError, match="one size and space"):
        average([A, recipe([1, 2])])
    with pytest.raises(MixError, match="one size and space"):
        analogy(A, B, msgspec.structs.replace(C, latent=Latent(C.latent.array, "w")))
    with pytest.raises(MixError, match="pin some"):
        average([])
