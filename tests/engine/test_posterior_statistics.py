"""Statistics of posteriors whose answers are known."""

from __future__ import annotations

import math
from types import SimpleNamespace
from unittest.mock import Mock

import numpy as np
import pytest

from genviewer.engine import posterior_statistics
from genviewer.engine.jobs import Cancelled
from genviewer.engine.posterior_statistics import Encoded, describe_posteriors
from genviewer.nets.chain_config import POINT_LOGVAR


@pytest.fixture
def ideal() -> Encoded:
    """Means N(0, 0.8^2) and deviations 0.6, which make up the prior; one unit that is off; and
    one that repeats the first.
    """
    rng = np.random.default_rng(0)
    means = (0.8 * rng.standard_normal((20_000, 3))).astype(np.float32)
    logvar = np.full((20_000, 3), 2 * math.log(0.6), np.float32)
    means[:, 1], logvar[:, 1] = 0.0, 0.0
    means[:, 2] = -means[:, 0]
    return Encoded(means, logvar)


def test_kl_and_active_units(ideal):
    found = describe_posteriors(ideal)
    # E KL(N(m, .6^2) || N(0, 1)) = (0.6^2 + E m^2 - 1 - ln 0.6^2) / 2, with E m^2 = 0.8^2
    assert found.kl[0] == pytest.approx(0.5 * (0.36 + 0.64 - 1 - math.log(0.36)), rel=0.02)
    assert found.kl[1] == 0.0
    assert found.active.tolist() == [True, False, True]
    assert found.count == 20_000


def test_the_aggregated_posterior_is_the_prior_where_it_was_made_so(ideal):
    found = describe_posteriors(ideal)
    width = found.edges[1] - found.edges[0]
    assert np.allclose(found.density.sum(1) * width, 1.0, atol=1e-3)
    assert np.abs(found.density[0] - found.prior).max() < 0.02
    assert np.abs(found.density[1] - found.prior).max() < 1e-4
    assert np.allclose(found.deviation, 1.0, atol=0.02)
    assert np.allclose(found.mean, 0.0, atol=0.02)
    middle = (found.edges[1:] + found.edges[:-1]) / 2
    assert np.allclose(found.prior, np.exp(-(middle**2) / 2) / math.sqrt(2 * math.pi), atol=2e-3)


def test_correlations(ideal):
    found = describe_posteriors(ideal)
    assert found.correlations[0, 2] == pytest.approx(-1.0)
    assert found.correlations[0, 1] == 0.0  # a unit that is off goes with nothing
    assert np.diag(found.correlations).tolist() == [1.0, 1.0, 1.0]
    assert found.strongest_pair == (0, 2, pytest.approx(-1.0))


def test_what_is_not_active_correlates_with_nothing_worth_telling():
    rng = np.random.default_rng(0)
    noise = 0.01 * rng.standard_normal((500, 1))
    means = np.hstack([rng.standard_normal((500, 2)), noise, noise]).astype(np.float32)
    found = describe_posteriors(Encoded(means, np.zeros_like(means)))
    assert found.correlations[2, 3] == pytest.approx(1.0)
    assert found.strongest_pair[:2] == (0, 1)
    assert "strongest_pair" in vars(found)  # known before it is shown
    means[:, 0] = 0.0
    last = describe_posteriors(Encoded(means[:, [0, 1, 2, 1]], np.zeros_like(means)))
    assert last.strongest_pair == (1, 3, pytest.approx(1.0))


def test_far_posteriors_widen_the_bins_and_a_single_one_is_enough():
    one = Encoded(np.array([[6.0]], np.float32), np.array([[-4.0]], np.float32))
    found = describe_posteriors(one)
    assert found.edges[-1] >= 6.5
    width = found.edges[1] - found.edges[0]
    assert found.density.sum() * width == pytest.approx(1.0, abs=1e-3)
    assert found.strongest_pair is None
    assert not found.active[0]
    assert found.outside[0] < 1e-3
    means = np.array([[0.0, 20.0]] * 3 + [[0.0, 0.0]], np.float32)
    far = describe_posteriors(Encoded(means, np.full_like(means, -4.0)))
    np.testing.assert_allclose(far.outside, [0.0, 0.75], atol=1e-3)


def test_points_have_no_kl_and_are_ordered_by_how_much_they_vary(ideal):
    found = describe_posteriors(Encoded(ideal.mean, np.full_like(ideal.mean, POINT_LOGVAR)))
    assert found.kl is None
    assert found.strength == pytest.approx([0.64, 0.0, 0.64], rel=0.03)
    assert found.deviation == pytest.approx([0.8, 0.0, 0.8], rel=0.02, abs=1e-6)
    mixed = np.full_like(ideal.mean, POINT_LOGVAR)
    mixed[0, 0] = 0.0
    assert describe_posteriors(Encoded(ideal.mean, mixed)).kl is not None


def test_of_more_dimensions_than_a_matrix_holds_those_that_vary_most_are_correlated(
    ideal, monkeypatch
):
    whole = describe_posteriors(ideal)
    monkeypatch.setattr(posterior_statistics, "MOST_CORRELATED", 2)
    monkeypatch.setattr(posterior_statistics, "_CHUNK_VALUES", 7000)  # in several parts
    found = describe_posteriors(ideal)
    assert found.correlated.tolist() == [0, 2]
    assert found.correlations.shape == (2, 2)
    assert found.strongest_pair == (0, 2, pytest.approx(-1.0))
    assert found.kl == pytest.approx(whole.kl)
    assert found.deviation == pytest.approx(whole.deviation)
    cancelled = SimpleNamespace(report=Mock(side_effect=[None, None, None, Cancelled]))
    with pytest.raises(Cancelled):  # while it correlates: there are three dimensions
        describe_posteriors(ideal, cancelled)
