import numpy as np
import pytest

from genviewer.io.programs.value_range import judge_range

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        (RNG.uniform(0, 1, 5000), (0.0, 1.0)),
        (RNG.uniform(-1, 1, 5000), (-1.0, 1.0)),
        (RNG.uniform(0, 255, 5000), (0.0, 255.0)),
        (0.5 + 0.4 * np.tanh(RNG.standard_normal(5000)), (0.0, 1.0)),
        (1.2 * RNG.standard_normal(5000), (-1.0, 1.0)),
    ],
)
def test_statistics_tell_the_range(samples, expected):
    found, guess = judge_range(None, samples.astype(np.float32), None)
    assert found == expected
    assert guess is not None
    assert all(tuple(other) != expected for other in guess[1])


def test_what_bounds_the_output_is_certain():
    assert judge_range((0.0, 1.0), np.full(9, -4.0, np.float32), None) == ((0.0, 1.0), None)


def test_what_the_person_says_wins():
    assert judge_range((0.0, 1.0), np.zeros(9, np.float32), (-2.0, 3.0)) == ((-2.0, 3.0), None)
