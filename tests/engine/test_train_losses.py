"""Every loss against something that was worked out another way."""

import math

import pytest
import torch
from torch.distributions import Bernoulli, Normal, kl_divergence

from genviewer.engine.losses import (
    bernoulli_nll,
    decompose_kl,
    discretised_logistic_nll,
    free_bits,
    gaussian_nll,
    kl_normal,
    sample_posterior,
)
from genviewer.engine.losses_gan import (
    discriminator_loss,
    generator_loss,
    gradient_penalty,
    r1_penalty,
)


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def test_kl_is_the_closed_form():
    mean, logvar = torch.randn(4, 3), torch.randn(4, 3)
    posterior = Normal(mean, (0.5 * logvar).exp())
    expected = kl_divergence(posterior, Normal(torch.zeros(4, 3), torch.ones(4, 3)))
    torch.testing.assert_close(kl_normal(mean, logvar), expected)


def test_bernoulli_is_the_distribution_and_linear_in_grey():
    logits = torch.randn(3, 1, 4, 4)
    x = torch.randint(0, 2, (3, 1, 4, 4)).float()
    expected = -Bernoulli(logits=logits).log_prob(x).flatten(1).sum(1)
    torch.testing.assert_close(bernoulli_nll(logits, x), expected)
    half = bernoulli_nll(logits, 0.5 * x)
    between = 0.5 * (expected + bernoulli_nll(logits, torch.zeros_like(x)))
    torch.testing.assert_close(half, between)


def test_gaussian_is_the_distribution():
    mean, x = torch.rand(3, 2, 4, 4), torch.rand(3, 2, 4, 4)
    scale = torch.tensor([-1.0, 0.3]).view(2, 1, 1)
    expected = -Normal(mean, scale.exp()).log_prob(x).flatten(1).sum(1)
    torch.testing.assert_close(gaussian_nll(mean, scale, x), expected)


@pytest.mark.parametrize("log_scale", [-6.0, -3.0, -1.0])
def test_a_discretised_logistic_sums_to_one_and_matches_its_cdf(log_scale):
    levels = torch.arange(256, dtype=torch.float64).view(256, 1, 1, 1) / 255
    mean = torch.full_like(levels, 0.4)
    scale = torch.tensor(log_scale, dtype=torch.float64)
    p = torch.exp(-discretised_logistic_nll(mean, scale, levels))
    assert float(p.sum()) == pytest.approx(1.0, abs=1e-9)
    # An inner bin, from the distribution function itself.
    x, half, s = 100 / 255, 0.5 / 255, math.exp(log_scale)
    cdf = [1 / (1 + math.exp(-(edge - 0.4) / s)) for edge in (x - half, x + half)]
    assert float(p[100]) == pytest.approx(cdf[1] - cdf[0], rel=1e-6)


def test_a_discretised_logistic_far_off_stays_finite_with_a_gradient():
    mean = torch.zeros(1, 1, 1, 1, requires_grad=True)
    nll = discretised_logistic_nll(mean, torch.tensor(-7.0), torch.full((1, 1, 1, 1), 0.9))
    nll.sum().backward()
    assert torch.isfinite(nll).all()
    assert torch.isfinite(mean.grad).all()
    assert float(mean.grad) < 0  # a larger mean is better


def test_free_bits_stop_pushing_below_the_floor():
    kl = torch.tensor([[0.1, 2.0], [0.3, 4.0]], requires_grad=True)
    total = free_bits(kl, 0.5)
    assert float(total.detach()) == pytest.approx(0.5 + 3.0)
    total.backward()
    torch.testing.assert_close(kl.grad, torch.tensor([[0.0, 0.5], [0.0, 0.5]]))
    assert float(free_bits(kl.detach(), 0.0)) == pytest.approx(0.2 + 3.0)


def test_total_correlation_of_a_gaussian_is_the_known_one():
    count, rho, spread = 1500, 0.8, 0.6
    covariance = torch.tensor([[1.0, rho], [rho, 1.0]])
    mean = torch.randn(count, 2) @ torch.linalg.cholesky(covariance).T
    logvar = torch.full((count, 2), 2 * math.log(spread))
    z = sample_posterior(mean, logvar, torch.randn(count, 2))
    parts = decompose_kl(z, mean, logvar)
    # The aggregate posterior is a Gaussian of covariance covariance + spread^2, so:
    effective = rho / (1 + spread**2)
    assert float(parts.total_correlation) == pytest.approx(
        -0.5 * math.log(1 - effective**2), abs=0.04
    )
    joint = covariance + spread**2 * torch.eye(2)
    information = 0.5 * float(torch.logdet(joint)) - 2 * math.log(spread)
    assert float(parts.mutual_information) == pytest.approx(information, abs=0.06)


def test_the_parts_add_up_to_the_kl():
    mean, logvar = torch.randn(1000, 3), 0.5 * torch.randn(1000, 3) - 1
    z = sample_posterior(mean, logvar, torch.randn(1000, 3))
    parts = decompose_kl(z, mean, logvar)
    assert float(sum(parts)) == pytest.approx(float(kl_normal(mean, logvar).sum(1).mean()), abs=0.1)


def test_independent_dimensions_have_no_total_correlation():
    mean, logvar = torch.randn(1500, 2), torch.full((1500, 2), -0.5)
    z = sample_posterior(mean, logvar, torch.randn(1500, 2))
    assert abs(float(decompose_kl(z, mean, logvar).total_correlation)) < 0.03


def test_narrow_posteriors_do_not_make_the_total_correlation_negative():
    # Few samples in many dimensions, none near another: there is nothing to gain by it.
    mean, logvar = torch.randn(64, 6), torch.full((64, 6), -6.0)
    z = sample_posterior(mean, logvar, torch.randn(64, 6))
    assert float(decompose_kl(z, mean, logvar).total_correlation) > 0.0


def test_r1_on_a_quadratic():
    x = torch.randn(5, 1, 2, 2, requires_grad=True)
    a = 3.0
    penalty = r1_penalty(0.5 * a * x.square().flatten(1).sum(1), x)
    expected = 0.5 * a**2 * float(x.detach().square().flatten(1).sum(1).mean())
    assert float(penalty.detach()) == pytest.approx(expected, rel=1e-5)
    assert penalty.requires_grad


def test_the_gradient_penalty_on_a_linear_critic():
    w = torch.randn(12, requires_grad=True)
    real, fake = torch.randn(4, 3, 2, 2), torch.randn(4, 3, 2, 2)
    penalty = gradient_penalty(lambda x: x.flatten(1) @ w, real, fake, torch.rand(4))
    assert float(penalty) == pytest.approx((float(w.norm()) - 1) ** 2, rel=1e-4)
    penalty.backward()
    expected = 2 * (w.detach().norm() - 1) * w.detach() / w.detach().norm()
    torch.testing.assert_close(w.grad, expected, rtol=1e-4, atol=1e-5)


def test_the_gradient_penalty_is_taken_between_the_images():
    seen = []

    def critic(x):
        seen.append(x.detach())
        return x.flatten(1).sum(1)

    real, fake = torch.ones(2, 1, 1, 1), torch.zeros(2, 1, 1, 1)
    gradient_penalty(critic, real, fake, torch.tensor([0.25, 1.0]))
    assert seen[0].flatten().tolist() == [0.25, 1.0]


def test_adversarial_losses_by_hand():
    real, fake = torch.tensor([0.5, 2.0]), torch.tensor([-3.0, 1.0])
    log1p = [math.log1p(math.exp(v)) for v in (-0.5, -2.0, -3.0, 1.0)]
    assert float(discriminator_loss("nonsaturating", real, fake)) == pytest.approx(sum(log1p) / 2)
    assert float(discriminator_loss("hinge", real, fake)) == pytest.approx(0.25 + 1.0)
    assert float(discriminator_loss("wgan", real, fake)) == pytest.approx(-1.0 - 1.25)
    softplus = [math.log1p(math.exp(v)) for v in (3.0, -1.0)]
    assert float(generator_loss("nonsaturating", fake)) == pytest.approx(sum(softplus) / 2)
    assert float(generator_loss("hinge", fake)) == pytest.approx(1.0)
    assert float(generator_loss("wgan", fake)) == pytest.approx(1.0)
