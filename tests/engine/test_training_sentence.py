"""What is happening in plain words, worked out from losses alone."""

import random

import pytest

from genviewer.engine.training_sentence import describe

_DRAW = random.Random(5)
NOISE = [_DRAW.gauss(0.0, 12.0) for _ in range(60)]


@pytest.mark.parametrize(
    ("real", "fake", "words"),
    [
        (0.99, 0.01, "The discriminator wins: D(real) 0.99, D(fake) 0.01"),
        (0.52, 0.48, "The discriminator is unsure: D(real) 0.52, D(fake) 0.48"),
        (0.06, 0.15, "Real images pass for drawn"),
        (0.82, 0.75, "Drawn images pass for real"),
        (0.8, 0.25, "Both players keep up"),
        (0.2, 0.7, "is misled"),
    ],
)
def test_who_of_the_players_is_ahead(real, fake, words):
    assert words in describe([{"d_real": real, "d_fake": fake}] * 20)


def test_the_players_are_judged_by_their_last_rows():
    old, new = {"d_real": 0.5, "d_fake": 0.5}, {"d_real": 0.99, "d_fake": 0.01}
    assert "wins" in describe([old] * 90 + [new] * 10)


@pytest.mark.parametrize(
    ("elbo", "words"),
    [
        (lambda i: -200.0 + i, "still learning"),
        (lambda i: -100.0 - i, "getting worse"),
        (lambda i: -100.0 + i % 2, "has settled"),
        (lambda i: -100.0 + NOISE[i], "has settled"),
    ],
)
def test_where_the_bound_is_going(elbo, words):
    rows = [{"elbo": elbo(i), "kl": 5.0} for i in range(60)]
    assert words in describe(rows)
    assert "So far" in describe(rows[:5])


def test_a_latent_that_is_not_used_and_gradients_that_jump_are_told():
    rows = [{"elbo": -80.0, "kl": 0.01}] * 60
    assert "hardly used (KL 0.01)" in describe(rows)
    steady = [{"elbo": -80.0, "kl": 5.0, "gradient_norm": 1.0}] * 30
    assert "jump" in describe([*steady, {"elbo": -80.0, "kl": 5.0, "gradient_norm": 50.0}])
    assert "jump" not in describe(steady)


def test_nothing_is_said_of_what_is_not_known():
    assert describe([]) == ""
    assert describe([{"loss": 1.0}]) == ""
