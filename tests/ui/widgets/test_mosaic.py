import numpy as np
import pytest
from PySide6.QtGui import QColor, QImage

from genviewer.core import pixels as pixels_module
from genviewer.core.pixels import fewer_pixels
from genviewer.core.sheet import MapFrame, Sheet
from genviewer.ui.widgets.mosaic import Mosaic
from genviewer.ui.widgets.pixels_to_image import argb, averaged, image_of, rgb_bytes

rng = np.random.default_rng(0)


def tiles(n, h=4, w=6, c=3):
    return rng.integers(0, 256, (n, h, w, c), np.uint8)


def plane(first, step=1.0, u=(1.0, 0.0)):
    return MapFrame(first, step, (0.0, 0.0), (0.0, 0.0), 2.0, "x", "y", u, (0.0, 1.0))


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_tiles_lie_in_their_cells_and_come_back_unchanged(channels):
    mosaic = Mosaic()
    mosaic.begin(Sheet(2, 3, ()), 4, 6, channels)
    pixels = tiles(3, c=channels)
    mosaic.write(np.array([5, 0, 2]), pixels)

    whole = mosaic.array()
    assert whole.shape == (8, 18, channels)
    np.testing.assert_array_equal(whole[4:8, 12:18], pixels[0])
    np.testing.assert_array_equal(whole[0:4, 0:6], pixels[1])
    np.testing.assert_array_equal(mosaic.tile(2), pixels[2])
    assert mosaic.filled.tolist() == [True, False, True, False, False, True]
    assert mosaic.tile(1) is None
    assert mosaic.tile(99) is None


def test_the_image_shows_what_was_written():
    mosaic = Mosaic()
    mosaic.begin(Sheet(1, 2, ()), 4, 6, 3)
    pixels = tiles(1)
    mosaic.write(np.array([1]), pixels)

    color = mosaic.image.pixelColor(6 + 5, 3)
    assert (color.red(), color.green(), color.blue()) == tuple(pixels[0, 3, 5])
    assert mosaic.image.format() == QImage.Format.Format_RGB32


def test_alpha_is_kept():
    mosaic = Mosaic()
    mosaic.begin(Sheet(1, 1, ()), 4, 6, 4)
    pixels = tiles(1, c=4)
    mosaic.write(np.array([0]), pixels)
    assert mosaic.image.pixelColor(2, 1).alpha() == pixels[0, 1, 2, 3]


def test_old_tiles_stay_until_they_are_overwritten():
    mosaic = Mosaic()
    old, new = tiles(4), tiles(1)
    mosaic.begin(Sheet(2, 2, ()), 4, 6, 3)
    mosaic.write(np.arange(4), old)

    mosaic.begin(Sheet(2, 2, ()), 4, 6, 3)
    mosaic.write(np.array([3]), new)
    np.testing.assert_array_equal(mosaic.tile(0), old[0])
    np.testing.assert_array_equal(mosaic.tile(3), new[0])

    mosaic.begin(Sheet(2, 2, ()), 4, 6, 3, keep=False)
    assert not mosaic.filled.any()


def test_a_sheet_with_more_rows_and_columns_keeps_what_they_share():
    mosaic = Mosaic()
    old = tiles(4)
    mosaic.begin(Sheet(2, 2, ()), 4, 6, 3)
    mosaic.write(np.arange(4), old)

    mosaic.begin(Sheet(3, 3, ()), 4, 6, 3)
    np.testing.assert_array_equal(mosaic.tile(4), old[3])
    assert mosaic.filled.sum() == 4
    mosaic.begin(Sheet(3, 3, ()), 5, 6, 3)
    assert not mosaic.filled.any(), "tiles of another size mean nothing"


def test_cells_outside_the_sheet_are_left_out():
    mosaic = Mosaic()
    mosaic.begin(Sheet(1, 2, ()), 4, 6, 3)
    pixels = tiles(3)
    mosaic.write(np.array([7, 1, -1]), pixels)
    np.testing.assert_array_equal(mosaic.tile(1), pixels[1])
    assert mosaic.filled.tolist() == [False, True]
    mosaic.write(np.array([9]), pixels[:1])


def test_map_tiles_keep_their_place_in_the_plane():
    mosaic = Mosaic()
    old = tiles(9)
    mosaic.begin(Sheet(3, 3, (), map_frame=plane((0.0, 2.0))), 4, 6, 3)
    mosaic.write(np.arange(9), old)

    # Panned by a tile to the right and one up: the first tile is now at (1, 3).
    mosaic.begin(Sheet(3, 3, (), map_frame=plane((1.0, 3.0))), 4, 6, 3, empty=QColor("#123456"))
    whole = mosaic.array()
    np.testing.assert_array_equal(whole[4:8, 0:6], old[1])
    np.testing.assert_array_equal(whole[8:12, 6:12], old[5])
    assert (whole[0:4] == (0x12, 0x34, 0x56)).all()
    assert not mosaic.filled.any()


def test_a_zoomed_map_is_sketched_from_the_old_tiles():
    mosaic = Mosaic()
    mosaic.begin(Sheet(2, 2, (), map_frame=plane((-0.5, 0.5))), 8, 8, 1)
    mosaic.write(
        np.arange(4), np.stack([np.full((8, 8, 1), v, np.uint8) for v in (0, 80, 160, 240)])
    )

    mosaic.begin(Sheet(2, 2, (), map_frame=plane((-0.25, 0.25), step=0.5)), 8, 8, 1)
    whole = mosaic.array()[..., 0]
    assert [whole[2, 2], whole[2, 13], whole[13, 2], whole[13, 13]] == [0, 80, 160, 240]


def test_a_map_of_another_plane_starts_empty():
    mosaic = Mosaic()
    mosaic.begin(Sheet(1, 1, (), map_frame=plane((0.0, 0.0))), 4, 6, 3)
    mosaic.write(np.array([0]), tiles(1))
    mosaic.begin(
        Sheet(1, 1, (), map_frame=plane((0.0, 0.0), u=(0.0, 1.0))), 4, 6, 3, empty=QColor("#010203")
    )
    assert (mosaic.array() == (1, 2, 3)).all()


def test_large_sheets_are_stored_smaller(monkeypatch):
    monkeypatch.setattr(pixels_module, "MAX_SHEET_PIXELS", 4 * 16 * 16)
    mosaic = Mosaic()
    mosaic.begin(Sheet(2, 2, ()), 32, 32, 1)
    assert (mosaic.tile_height, mosaic.tile_width) == (16, 16)
    pixels = np.zeros((1, 32, 32, 1), np.uint8)
    pixels[0, :16] = 200
    mosaic.write(np.array([2]), pixels)
    np.testing.assert_array_equal(mosaic.tile(2)[:8], 200)
    np.testing.assert_array_equal(mosaic.tile(2)[8:], 0)


def test_drawing_small_uses_averages_that_follow_every_write():
    mosaic = Mosaic()
    mosaic.begin(Sheet(1, 2, ()), 32, 32, 1)
    stripes = np.zeros((2, 32, 32, 1), np.uint8)
    stripes[:, :, ::2] = 200
    mosaic.write(np.arange(2), stripes)

    assert mosaic.at_scale(0.6) is mosaic
    small = mosaic.at_scale(0.3)
    assert (small.tile_height, small.tile_width) == (16, 16)
    assert np.abs(small.array().astype(int) - 100).max() <= 1
    mosaic.write(np.array([1]), np.full((1, 32, 32, 1), 50, np.uint8))
    np.testing.assert_array_equal(mosaic.at_scale(0.3).tile(1), 50)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_words_and_bytes_are_inverses(channels):
    pixels = tiles(3, 5, 7, channels)
    words = argb(pixels)
    assert words.shape == (3, 5, 7)
    np.testing.assert_array_equal(rgb_bytes(words, channels), pixels)
    if channels < 4:
        assert (words >> 24 == 255).all()


def test_pixels_that_are_not_contiguous_are_taken_as_they_are_meant():
    pixels = tiles(1, 8, 8)[0][::2, ::2]
    image = image_of(pixels)
    color = image.pixelColor(3, 2)
    assert (color.red(), color.green(), color.blue()) == tuple(pixels[2, 3])


@pytest.mark.parametrize("factor", [1, 2, 4, 8])
def test_averages_are_within_one_level_of_the_mean(factor):
    pixels = tiles(2, 16, 16, 4)
    mean = pixels.reshape(2, 16 // factor, factor, 16 // factor, factor, 4).mean((2, 4))
    fast = rgb_bytes(averaged(argb(pixels), factor), 4)
    assert np.abs(fast - mean).max() <= 1.5
    exact = fewer_pixels(pixels, factor)
    assert np.abs(exact - mean).max() <= 0.5


def test_a_side_shorter_than_the_block_stays_a_pixel():
    assert fewer_pixels(tiles(1, 2, 9), 4).shape == (1, 1, 2, 3)
    assert averaged(argb(tiles(1, 1, 9)), 4).shape == (1, 1, 2)
