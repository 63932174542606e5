import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from genviewer.io.dataset_fit import Fit, fit_image, with_channels
from genviewer.io.dataset_values import DataError
from tests.io.data_files import picture

SIDES = st.integers(1, 40)
CHANNELS = st.sampled_from([1, 3, 4])
FITS = st.builds(
    Fit,
    how=st.sampled_from(["crop", "pad", "stretch"]),
    colour=st.sampled_from(["model", "grey", "rgb"]),
    invert=st.booleans(),
)


@settings(max_examples=150, deadline=None)
@example(1, 15, 1, 1, 29, 1, Fit())  # 29 * (15 / 29) is a little more than 15
@given(SIDES, SIDES, CHANNELS, SIDES, SIDES, CHANNELS, FITS)
def test_every_image_gets_the_shape_asked_for(height, width, channels, to_h, to_w, to_c, fit):
    found = fit_image(picture(0, height, width, channels), to_h, to_w, to_c, fit)
    assert found.shape == (to_h, to_w, to_c)
    assert found.dtype == np.uint8


@settings(max_examples=50, deadline=None)
@given(SIDES, SIDES, CHANNELS, SIDES, SIDES, FITS, st.integers(0, 255))
def test_an_image_of_one_colour_stays_of_one_colour(
    height, width, channels, to_h, to_w, fit, level
):
    pixels = np.full((height, width, channels), level, np.uint8)
    if channels == 4:
        pixels[..., 3] = 255
    wanted = 255 - level if fit.invert else level
    assert (fit_image(pixels, to_h, to_w, 3, fit) == wanted).all()


def test_what_fits_is_the_very_array():
    pixels = picture(0, 8, 8, 3)
    assert fit_image(pixels, 8, 8, 3) is pixels


def striped(height, width):
    """Left third dark, middle third grey, right third light: 0, 100, 200."""
    return np.repeat(np.repeat([0, 100, 200], width // 3)[None], height, 0)[..., None].astype(
        np.uint8
    )


def test_crop_keeps_the_middle():
    assert (fit_image(striped(8, 24), 8, 8, 1, Fit("crop")) == 100).all()


def test_pad_keeps_all_between_borders_of_the_borders_colour():
    framed = np.full((8, 24, 1), 30, np.uint8)
    framed[2:6, 2:22] = 250
    found = fit_image(framed, 24, 24, 1, Fit("pad"))
    np.testing.assert_array_equal(found[8:16], framed)
    assert (found[:8] == 30).all()
    assert (found[16:] == 30).all()


def test_stretch_keeps_all_and_changes_the_proportions():
    found = fit_image(striped(8, 24), 24, 24, 1, Fit("stretch"))
    np.testing.assert_array_equal(found[0], striped(1, 24)[0])
    assert (found == found[:1]).all()


def test_reducing_averages_instead_of_skipping():
    fine = np.zeros((64, 64, 1), np.uint8)
    fine[:, ::2] = 255
    assert abs(fit_image(fine, 8, 8, 1).astype(int) - 127).max() < 8


def test_grey_takes_colours_away_and_rgb_keeps_them():
    red = np.zeros((4, 4, 3), np.uint8)
    red[..., 0] = 200
    grey = fit_image(red, 4, 4, 3, Fit(colour="grey"))
    assert (grey == round(0.299 * 200)).all()
    for colour in ("rgb", "model"):
        np.testing.assert_array_equal(fit_image(red, 4, 4, 3, Fit(colour=colour)), red)
        assert (fit_image(red, 4, 4, 1, Fit(colour=colour)) == round(0.299 * 200)).all()


def test_what_is_transparent_is_black_also_when_inverted():
    ink = np.zeros((4, 4, 4), np.uint8)  # black ink on nothing
    ink[:2, :, 3] = 255
    found = fit_image(ink, 4, 4, 1, Fit(invert=True))
    assert (found[:2] == 255).all()
    assert (found[2:] == 0).all()


def test_opacity_is_added_and_kept():
    assert (with_channels(picture(0, 3, 3, 3), 4)[..., 3] == 255).all()
    clear = picture(1, 4, 4, 4)
    assert fit_image(clear, 4, 4, 4) is clear


@pytest.mark.parametrize("shape", [(4, 4), (4, 4, 2), (0, 4, 1)])
def test_what_is_no_image_is_refused(shape):
    with pytest.raises(DataError, match="is no image"):
        fit_image(np.zeros(shape, np.uint8), 4, 4, 1)
