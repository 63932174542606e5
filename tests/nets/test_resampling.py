import numpy as np
import pytest
import torch

from genviewer.nets.modulation import smoothed
from genviewer.nets.resampling import resampled
from genviewer.nets.stylegan2 import upsampled


def by_definition(x, taps, up, down, front, back, gain):
    """Zeros between samples (and after the last), a border, a true convolution, every nth."""
    if taps.ndim == 1:
        taps = np.outer(taps, taps)
    height, width = x.shape
    full = np.zeros((height * up, width * up))
    full[::up, ::up] = x
    full = np.pad(full, max(front, back, 0))
    cut = max(front, back, 0)
    end = [size + 2 * cut - (cut - back) for size in (height * up, width * up)]
    full = full[cut - front : end[0], cut - front : end[1]]
    size = len(taps)
    out = np.zeros((full.shape[0] - size + 1, full.shape[1] - size + 1))
    for row in range(out.shape[0]):
        for column in range(out.shape[1]):
            window = full[row : row + size, column : column + size]
            out[row, column] = (window * taps[::-1, ::-1]).sum()
    return gain * out[::down, ::down]


@pytest.mark.parametrize(
    ("up", "down", "front", "back"),
    [(1, 1, 1, 2), (2, 1, 2, 1), (1, 2, 3, 2), (2, 2, 4, 1), (4, 2, 5, 7), (2, 1, -1, 3)],
)
@pytest.mark.parametrize("separable", [True, False])
def test_resampling_is_what_its_definition_says(up, down, front, back, separable):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 3, 5, 6)).astype(np.float32)
    taps = rng.standard_normal(4 if separable else (4, 4)).astype(np.float32)
    drawn = resampled(
        torch.from_numpy(x),
        torch.from_numpy(taps),
        up=up,
        down=down,
        padding=(front, back),
        gain=4.0,
    ).numpy()
    wanted = by_definition(x[1, 2].astype(float), taps.astype(float), up, down, front, back, 4.0)
    assert drawn.shape[2:] == wanted.shape
    np.testing.assert_allclose(drawn[1, 2], wanted, atol=1e-5)


def test_without_a_filter_and_factors_nothing_happens():
    x = torch.randn(1, 2, 3, 3)
    assert resampled(x, None) is x
    torch.testing.assert_close(
        resampled(x, None, padding=(1, -1)), torch.nn.functional.pad(x, (1, -1, 1, -1))
    )


@pytest.mark.parametrize("count", [2, 4, 6])
def test_pictures_are_upsampled_through_the_filter(count):
    rng = np.random.default_rng(1)
    x, taps = rng.standard_normal((1, 2, 4, 5)), rng.standard_normal((count, count))
    drawn = upsampled(torch.from_numpy(x), torch.from_numpy(taps)).numpy()
    front, back = (count + 1) // 2, (count - 2) // 2
    wanted = by_definition(x[0, 1], taps, 2, 1, front, back, 4.0)
    assert drawn.shape == (1, 2, 8, 10)
    np.testing.assert_allclose(drawn[0, 1], wanted, atol=1e-12)


def test_what_a_transposed_convolution_gave_is_smoothed_to_twice_the_size():
    rng = np.random.default_rng(2)
    x, taps = rng.standard_normal((1, 1, 9, 9)), rng.standard_normal((4, 4))
    drawn = smoothed(torch.from_numpy(x), torch.from_numpy(taps), 3, torch.ones(1).double())
    wanted = by_definition(x[0, 0], taps, 1, 1, 1, 1, 4.0) + 1.0
    np.testing.assert_allclose(drawn.numpy()[0, 0], wanted, atol=1e-12)
