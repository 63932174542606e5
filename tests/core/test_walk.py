import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from genviewer.core.prior import draw
from genviewer.core.spec import LatentSpec
from genviewer.core.walk import RATE, Walk

PRIORS = ["normal", "uniform", "truncated_normal"]
seeds = st.integers(0, 2**31 - 1)
times = st.floats(0, 1000)
modes = st.sampled_from(["random", "loop"])


def make(prior="normal", dim=8, start=None, **options):
    space = LatentSpec(dim, prior)
    options.setdefault("seed", 1)
    return Walk(space, draw(space, 99) if start is None else start, **options)


@given(seeds, modes, st.sampled_from(PRIORS))
def test_begins_at_the_current_latent(seed, mode, prior):
    start = np.full(8, 3.5, np.float32)  # beyond what the bounded priors can draw
    walk = make(prior, start=start, seed=seed, mode=mode)
    assert (walk.at(0.0) == start).all()
    assert walk.at(1e-4) == pytest.approx(start, abs=0.02)
    assert walk.at(0.5).dtype == np.float32


@given(seeds, modes, st.sampled_from(PRIORS), times)
def test_moves_without_jumps(seed, mode, prior, t):
    walk = make(prior, dim=16, seed=seed, mode=mode, period=12.0)
    step = np.abs(walk.at(t + 1 / 60) - walk.at(t)).max()
    assert step < 0.1  # about eight times the typical step of a frame


@given(seeds, times)
def test_never_stands_still(seed, t):
    walk = make(dim=32, seed=seed)
    assert np.abs(walk.at(t + 1) - walk.at(t)).max() > 0.02


@given(seeds, st.floats(0.5, 60), st.integers(1, 50), st.floats(0, 1))
def test_a_loop_closes(seed, period, rounds, fraction):
    walk = make(seed=seed, mode="loop", period=period)
    assert (walk.at(period) == walk.at(0.0)).all()
    t = fraction * period
    assert walk.at(t + rounds * period) == pytest.approx(walk.at(t), abs=1e-3)


@settings(max_examples=10, deadline=None)
@given(seeds, modes, st.sampled_from(PRIORS), st.floats(0.5, 200))
def test_stays_as_spread_as_the_prior(seed, mode, prior, t):
    space = LatentSpec(4000, prior)
    start = draw(space, 5)
    point = make(prior, 4000, start, seed=seed, mode=mode).at(t)
    assert point.std() == pytest.approx(start.std(), rel=0.1)
    assert abs(point.mean()) < 0.1
    if prior == "uniform":
        assert np.abs(point).max() <= 1.0


def test_an_unlikely_start_is_left_for_typical_points():
    walk = make(dim=4000, start=np.zeros(4000, np.float32))
    late = np.concatenate([walk.at(t) for t in (40.0, 80.0, 120.0, 160.0)])
    assert late.std() > 0.75


@given(seeds, modes, times, hnp.arrays(np.bool_, 8))
def test_locked_coordinates_never_move(seed, mode, t, locked):
    walk = make(seed=seed, mode=mode, locked=locked)
    assert (walk.at(t)[locked] == walk.start[locked]).all()


def test_speed_is_what_it_says():
    walk = make(dim=500, speed=2.0)
    steps = [walk.at(t + 0.01) - walk.at(t) for t in np.arange(10.0, 60.0, 1.0)]
    assert np.sqrt(np.mean(np.square(steps))) / 0.01 == pytest.approx(2 * RATE, rel=0.15)


def test_speed_nought_stays():
    assert (make(speed=0.0).at(12.0) == make().at(0.0)).all()


def test_the_seed_decides_the_path():
    assert (make(seed=4).at(7.0) == make(seed=4).at(7.0)).all()
    assert (make(seed=4).at(7.0) != make(seed=5).at(7.0)).any()


@given(seeds, modes, times)
def test_restarted_goes_on_from_the_edited_point(seed, mode, t):
    walk = make(dim=64, seed=seed, mode=mode)
    edited = walk.at(t)
    edited[3] += 1.0
    on = walk.restarted(edited, t)
    assert (on.at(0.0) == edited).all()
    before, after = walk.at(t + 0.01) - walk.at(t), on.at(0.01) - on.at(0.0)
    assert float(before @ after) > 0


@given(seeds, modes, times)
def test_another_pace_keeps_the_direction(seed, mode, t):
    walk = make(dim=64, seed=seed, mode=mode)
    here = walk.at(t)
    faster = walk.restarted(here, t, speed=2.0, period=6.0)
    before, after = walk.at(t + 0.01) - here, faster.at(0.01) - here
    assert (faster.at(0.0) == here).all()
    assert float(before @ after) > 0
    assert np.linalg.norm(after) > np.linalg.norm(before)


@pytest.mark.parametrize(("period", "speed"), [(0.0, 1.0), (-1.0, 1.0), (1.0, -0.1)])
def test_refuses_what_makes_no_walk(period, speed):
    with pytest.raises(ValueError, match="period"):
        make(period=period, speed=speed)
