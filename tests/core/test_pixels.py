"""Raw output to levels."""

import numpy as np
import pytest

from genviewer.core.pixels import MAX_SHEET_PIXELS, sheet_reduction, to_pixels, to_unit


@pytest.mark.parametrize("value_range", [(0.0, 1.0), (-1.0, 1.0), (0.0, 255.0)])
def test_every_level_survives_the_way_through_the_range(value_range):
    low, high = value_range
    levels = np.arange(256, dtype=np.uint8).reshape(1, 1, 16, 16)
    raw = (low + levels / 255.0 * (high - low)).astype(np.float32)
    assert (to_pixels(raw, value_range)[0, :, :, 0] == levels[0, 0]).all()
    assert np.allclose(to_unit(raw, value_range), levels / 255.0, atol=1e-6)


def test_values_outside_the_range_are_clamped_and_channels_come_last():
    raw = np.array([-5.0, 0.5, 7.0], np.float32).reshape(1, 3, 1, 1)
    pixels = to_pixels(raw, (0.0, 1.0))
    assert pixels.shape == (1, 1, 1, 3)
    assert pixels.ravel().tolist() == [0, 128, 255]
    assert to_unit(raw, (0.0, 1.0)).ravel().tolist() == [0.0, 0.5, 1.0]


@pytest.mark.parametrize(
    ("cells", "side"), [(1, 4096), (64, 64), (1024, 28), (1024, 512), (4, 9000)]
)
def test_a_sheet_is_averaged_down_just_enough(cells, side):
    rows = columns = int(cells**0.5)
    factor = sheet_reduction(rows * side, columns * side)
    kept = (rows * side // factor) * (columns * side // factor)
    assert kept <= MAX_SHEET_PIXELS
    assert factor == 1 or 4 * kept > MAX_SHEET_PIXELS
