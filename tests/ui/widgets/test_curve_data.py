import numpy as np
import pytest

from genviewer.ui.widgets.curve_data import CurveData

rng = np.random.default_rng(0)


def averaged(values, strength):
    """The moving average by its definition: weights that fall off with the distance."""
    out = []
    for n in range(len(values)):
        weights = strength ** np.arange(n, -1, -1.0)
        out.append((weights * values[: n + 1]).sum() / weights.sum())
    return np.array(out)


@pytest.mark.parametrize("strength", [0.0, 0.5, 0.97])
def test_smoothing_is_a_weighted_mean_however_the_points_come(strength):
    values = rng.normal(size=700)
    data = CurveData(strength)
    for start, end in ((0, 1), (1, 300), (300, 700)):
        data.extend(range(start, end), values[start:end])
    np.testing.assert_allclose(data.smooth, averaged(values, strength), atol=1e-9)
    other = CurveData(0.2)
    other.extend(range(700), values)
    other.set_strength(strength)
    np.testing.assert_allclose(other.smooth, data.smooth, atol=1e-9)


def test_values_that_are_not_finite_are_left_out():
    data = CurveData(0.5)
    data.extend([1, 2, 3], [1.0, float("nan"), 3.0])
    data.extend([4], [float("inf")])
    assert data.steps.tolist() == [1, 3]
    assert np.isfinite(data.smooth).all()


@pytest.mark.parametrize("at_once", [False, True])
def test_what_is_trained_again_replaces_what_was(at_once):
    data = CurveData(0.5)
    first, again = ([1, 2, 3, 4], [1.0, 2, 3, 4]), ([3, 4, 5], [30.0, 40, 50])
    if at_once:
        data.extend([*first[0], *again[0]], [*first[1], *again[1]])
    else:
        data.extend(*first)
        data.extend(*again)
    assert data.steps.tolist() == [1, 2, 3, 4, 5]
    assert data.raw.tolist() == [1, 2, 30, 40, 50]
    np.testing.assert_allclose(data.smooth, averaged(data.raw, 0.5))


def test_the_memory_is_bounded_and_the_extremes_stay():
    data = CurveData(0.9, most=1024)
    values = rng.normal(size=20_000)
    values[7_777], values[12_345] = 50.0, -50.0
    for start in range(0, 20_000, 17):
        data.extend(range(start, min(start + 17, 20_000)), values[start : start + 17])
    assert len(data) < 1024
    assert data.raw.max() == 50.0
    assert data.raw.min() == -50.0
    assert (np.diff(data.steps) > 0).all()
    assert data.steps[-1] == 19_999
    assert values[data.steps.astype(int)].tolist() == data.raw.tolist()


def test_what_is_drawn_fits_the_columns_and_keeps_the_extremes():
    data = CurveData(0.9)
    values = rng.normal(size=10_000)
    data.extend(range(10_000), values)
    seen = data.seen(2_000, 8_000, 300)
    assert len(seen.x) <= 301
    for x, low, high in zip(seen.x[1:-2], seen.low[1:-2], seen.high[1:-2], strict=True):
        part = values[int(x) : int(x + seen.x[2] - seen.x[1])]
        assert (low, high) == (part.min(), part.max())
    places = seen.smooth_x.astype(int)
    np.testing.assert_array_equal(seen.smooth, data.smooth[places])
    close = data.seen(500, 520, 300)
    assert close.x[0] < 500
    assert close.x[-1] > 520
    assert close.low is close.high


def test_the_nearest_point():
    data = CurveData()
    assert data.at(3) is None
    data.extend([10, 20, 40], [1.0, 2.0, 4.0])
    assert [data.at(step)[0] for step in (0, 14, 16, 31, float("inf"))] == [10, 10, 20, 40, 40]
