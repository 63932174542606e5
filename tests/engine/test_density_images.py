"""Images of any size and channels, as a model takes them."""

import numpy as np
import pytest
import torch

from genviewer.core.spec import ImageSpec, LatentSpec, Spec
from genviewer.engine.density_images import fit_images
from genviewer.engine.generator import LoadError
from genviewer.io.dataset_fit import fit_image


def spec(channels=1, height=8, width=8):
    return Spec("m", "vae", LatentSpec(2), ImageSpec(channels, height, width))


def test_what_fits_is_left_alone():
    images = np.zeros((2, 8, 8, 1), np.uint8)
    assert fit_images(images, spec()) is images


def test_colours_become_luminance_and_grey_becomes_colours():
    red = np.zeros((1, 8, 8, 3), np.uint8)
    red[..., 0] = 200
    assert (fit_images(red, spec()) == round(0.299 * 200)).all()
    grey = np.full((1, 8, 8, 1), 77, np.uint8)
    assert (fit_images(grey, spec(3)) == 77).all()
    clear = fit_images(grey, spec(4))
    assert (clear[..., :3] == 77).all()
    assert (clear[..., 3] == 255).all()


def test_what_is_transparent_becomes_black():
    images = np.full((1, 8, 8, 4), 200, np.uint8)
    images[..., 3] = 0
    images[:, :4, :, 3] = 255
    found = fit_images(images, spec(3))
    assert (found[:, :4] == 200).all()
    assert (found[:, 4:] == 0).all()


@pytest.mark.parametrize("size", [(16, 16), (4, 4), (24, 16)])
def test_resizing_keeps_the_mean_and_the_place(size):
    images = np.zeros((300, *size, 1), np.uint8)  # more than one chunk
    images[:, : size[0] // 2] = 240
    found = fit_images(images, spec())
    assert found.shape == (300, 8, 8, 1)
    assert found.mean() == pytest.approx(120, abs=3)
    assert found[0, 0].min() == 240
    assert found[0, -1].max() == 0


@pytest.mark.parametrize("size", [(16, 48), (48, 16), (4, 6), (9, 8)])
def test_of_other_proportions_the_middle_is_kept(size):
    """Of a bright square in the middle that is as high as the image, nothing dark is left."""
    images = np.zeros((2, *size, 1), np.uint8)
    side = min(size)
    top, left = (size[0] - side) // 2, (size[1] - side) // 2
    images[:, top : top + side, left : left + side] = 200
    found = fit_images(images, spec())
    assert found.shape == (2, 8, 8, 1)
    assert found[:, 2:-2, 2:-2].min() == 200
    assert (found == fit_image(images[0], 8, 8, 1)).all()  # as training has it


def test_square_images_are_resized_as_ever():
    """What is usual on the disk was measured of images that were resized in this way."""
    images = np.random.default_rng(0).integers(0, 256, (3, 20, 20, 1), np.uint8)
    x = torch.from_numpy(images).permute(0, 3, 1, 2).float()
    same = torch.nn.functional.interpolate(x, size=(8, 8), mode="bilinear", antialias=True)
    wanted = same.clamp(0.0, 255.0).round().byte().permute(0, 2, 3, 1).numpy()
    assert (fit_images(images, spec()) == wanted).all()


def test_what_is_no_image_is_refused():
    for shape in ((1, 8, 8, 2), (0, 9, 9, 1), (1, 8, 8)):
        with pytest.raises(LoadError, match="cannot be shown"):
            fit_images(np.zeros(shape, np.uint8), spec())
