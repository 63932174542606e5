"""The prior: seeded draws, quantiles against SciPy-free closed forms, truncation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genviewer.core.prior import TRUNCATED_NORMAL_BOUND, cumulative, draw, draws, quantile, truncate
from genviewer.core.spec import LatentSpec

PRIORS = ("normal", "uniform", "truncated_normal")


@pytest.mark.parametrize("prior", PRIORS)
def test_a_row_does_not_depend_on_how_many_are_drawn(prior: str) -> None:
    latent = LatentSpec(7, prior)
    many = draws(latent, 40, 5)
    assert many.dtype == np.float32
    for i, row in enumerate(many):
        assert row.tobytes() == draw(latent, 40 + i).tobytes()
    assert draws(latent, 0, 0).shape == (0, 7)


@pytest.mark.parametrize("prior", PRIORS)
@given(p=st.floats(0.001, 0.999))
def test_cumulative_inverts_quantile(prior: str, p: float) -> None:
    latent = LatentSpec(1, prior)
    assert cumulative(latent, quantile(latent, p)) == pytest.approx(p, abs=1e-9)


def test_quantiles_are_those_of_the_tables() -> None:
    assert quantile(LatentSpec(1), 0.975) == pytest.approx(1.959963985, abs=1e-8)
    assert quantile(LatentSpec(1, "uniform"), 0.25) == -0.5
    assert quantile(LatentSpec(1, "truncated_normal"), 1.0) == pytest.approx(2.0)


@pytest.mark.parametrize(("prior", "variance"), [("normal", 1.0), ("uniform", 1 / 3)])
def test_draws_have_the_priors_moments(prior: str, variance: float) -> None:
    sample = draws(LatentSpec(64, prior), 0, 400)
    assert abs(sample.mean()) < 0.02
    assert sample.var() == pytest.approx(variance, rel=0.03)


def test_truncated_draws_stay_inside_and_have_the_closed_form_variance() -> None:
    sample = draws(LatentSpec(64, "truncated_normal"), 0, 400)
    assert np.abs(sample).max() <= TRUNCATED_NORMAL_BOUND
    mass = math.erf(2 / math.sqrt(2))
    density = math.exp(-2) / math.sqrt(2 * math.pi)
    assert sample.var() == pytest.approx(1 - 2 * 2 * density / mass, rel=0.03)


def test_truncation_scales_towards_the_centre() -> None:
    z = draw(LatentSpec(5), 3)
    assert truncate(z, 1.0) is z
    assert truncate(z, 0.5).tolist() == (z * np.float32(0.5)).tolist()
    assert truncate(z, 0.5).dtype == np.float32
