import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from genviewer.core.arithmetic import (
    from_scores,
    lerp,
    randomise,
    scores,
    slerp,
    vary,
)
from genviewer.core.prior import draw
from genviewer.core.spec import LatentSpec

PRIORS = ["normal", "uniform", "truncated_normal", "none"]
vectors = hnp.arrays(np.float32, 8, elements=st.floats(-3, 3, width=32))
fractions = st.floats(0, 1)


def spec(prior="normal", dim=8):
    return LatentSpec(dim, prior)


@given(vectors, vectors)
def test_lerp_and_slerp_reach_both_ends(a, b):
    for mix in (lerp, slerp):
        assert mix(a, b, 0.0) == pytest.approx(a, abs=1e-5)
        assert mix(a, b, 1.0) == pytest.approx(b, abs=1e-5)
        assert mix(a, b, 0.3).dtype == np.float32


@given(fractions)
def test_slerp_keeps_the_norm_on_the_sphere(t):
    a, b = draw(spec(dim=64), 1), draw(spec(dim=64), 2)
    a, b = a / np.linalg.norm(a), b / np.linalg.norm(b)
    assert np.linalg.norm(slerp(a, b, t)) == pytest.approx(1.0, abs=1e-5)


def test_slerp_moves_at_an_even_angle():
    a, b = np.array([2.0, 0.0], np.float32), np.array([0.0, 2.0], np.float32)
    middle = slerp(a, b, 1 / 3)
    assert math.degrees(math.atan2(middle[1], middle[0])) == pytest.approx(30, abs=1e-3)


@pytest.mark.parametrize("b", [[1.0, 1.0], [3.0, 3.0], [-1.0, -1.0], [0.0, 0.0]])
def test_slerp_is_lerp_where_there_is_no_arc(b):
    a, b = np.array([1.0, 1.0], np.float32), np.array(b, np.float32)
    assert slerp(a, b, 0.25) == pytest.approx(lerp(a, b, 0.25))


@pytest.mark.parametrize("prior", PRIORS)
def test_scores_and_back(prior):
    values = draw(spec(prior, 200), 3)
    assert from_scores(spec(prior), scores(spec(prior), values)) == pytest.approx(values, abs=1e-4)


def test_scores_are_finite_beyond_the_priors_support():
    assert np.isfinite(scores(spec("uniform"), np.array([-3, 1.0, 7], np.float32))).all()


@pytest.mark.parametrize("prior", PRIORS)
def test_vary_by_nothing_is_nothing_and_by_one_is_a_fresh_draw(prior):
    values = draw(spec(prior), 5)
    assert (vary(spec(prior), values, 0.0, 9) == values).all()
    assert (vary(spec(prior), values, 1.0, 9) == draw(spec(prior), 9)).all()


@settings(max_examples=20)
@given(st.sampled_from(PRIORS), st.floats(0.05, 1.0))
def test_vary_keeps_the_priors_spread(prior, strength):
    space = spec(prior, 4000)
    values = draw(space, 1)
    varied = vary(space, values, strength, 2)
    assert varied.std() == pytest.approx(values.std(), rel=0.07)
    if prior == "uniform":
        assert np.abs(varied).max() <= 1.0
    if prior == "truncated_normal":
        assert np.abs(varied).max() <= 2.0


@given(st.floats(0.05, 0.5))
def test_a_stronger_variation_goes_further_the_same_way(strength):
    values = draw(spec(dim=64), 1)
    near, far = (vary(spec(dim=64), values, s, 4) - values for s in (strength, strength * 1.5))
    assert np.linalg.norm(far) > np.linalg.norm(near)
    assert float(near @ far) > 0


@given(st.integers(-5, 2**40), fractions, hnp.arrays(np.bool_, 8))
def test_locked_coordinates_stay(seed, strength, locked):
    values = draw(spec(), 5)
    for moved in (
        vary(spec(), values, strength, seed, locked),
        randomise(spec(), values, seed, locked),
    ):
        assert (moved[locked] == values[locked]).all()
    assert (randomise(spec(), values, 6)[~locked] != values[~locked]).all()
