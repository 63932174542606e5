import pytest
import torch
from torch.nn import functional as F

from genviewer.nets import winograd
from genviewer.nets.modulation import ModulatedConv
from tests.nets import plain_stylegan2


@pytest.fixture(autouse=True)
def without_gradients():
    torch.manual_seed(0)
    with torch.no_grad():
        yield


@pytest.mark.parametrize(("height", "width"), [(8, 8), (34, 8), (20, 14)])
def test_it_is_the_convolution(height, width):
    x, weight = torch.randn(2, 5, height, width), torch.randn(7, 5, 3, 3)
    drawn = winograd.convolved(x, winograd.transformed(weight))
    torch.testing.assert_close(drawn, F.conv2d(x, weight, padding=1), atol=1e-4, rtol=1e-4)


def test_what_it_cannot_do_is_left_to_the_direct_sum():
    assert winograd.fits(torch.zeros(1, 1, 8, 8))
    assert not winograd.fits(torch.zeros(1, 1, 4, 4))
    assert not winograd.fits(torch.zeros(1, 1, 9, 8))
    with torch.enable_grad():
        assert not winograd.fits(torch.zeros(1, 1, 8, 8))


def test_wide_modulated_layers_draw_the_same_with_it():
    conv = ModulatedConv(256, 256, 3, 5)
    x, w = torch.randn(2, 256, 8, 8), torch.randn(2, 5)
    wanted = plain_stylegan2.modulated_conv(x, conv.weight, conv.affine(w))
    conv.freeze()
    assert conv.winograd is not None
    torch.testing.assert_close(conv.convolve(x, w), wanted, atol=2e-5, rtol=1e-4)
    narrow = ModulatedConv(8, 8, 3, 5)
    narrow.freeze()
    assert narrow.winograd is None
