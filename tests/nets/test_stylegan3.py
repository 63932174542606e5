from itertools import pairwise

import numpy as np
import pytest
import torch

from genviewer.core.synthesis import Synthesis, Transform
from genviewer.nets.families import build
from genviewer.nets.folding import folded
from genviewer.nets.style_configs import StyleGAN3Config, bands
from tests.style_networks import STYLEGAN3, network

ROTATION = {**STYLEGAN3, "conv_kernel": 1, "use_radial_filters": True}


@pytest.fixture(autouse=True)
def without_gradients():
    with torch.no_grad():
        yield


def latents(count=3):
    return torch.from_numpy(np.random.default_rng(0).standard_normal((count, 6), np.float32))


@pytest.mark.parametrize("config", [STYLEGAN3, ROTATION])
def test_a_picture_does_not_depend_on_its_batch(config):
    made = folded(network(config))
    z = latents(8)
    together = made.decode(z)
    alone = torch.cat([made.decode(z[i : i + 1]) for i in range(8)])
    assert together.shape == (8, 3, 16, 16)
    assert together.std() > 1e-3
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)


def test_rotation_equivariant_networks_have_radial_filters_but_where_sampling_is_critical():
    state = build(ROTATION).state_dict()
    filters = {
        name.split(".")[1].split("_")[0]: value.ndim
        for name, value in state.items()
        if name.endswith("down_filter")
    }
    assert filters["L0"] == filters["L1"] == 2
    assert filters["L2"] == filters["L3"] == 1
    assert state["synthesis.L0_20_6.weight"].shape[2:] == (1, 1)


def test_the_bands_of_the_published_256_pixel_configuration():
    signal = bands(StyleGAN3Config(image_size=256))
    assert [band.size for band in signal[:3]] == [36, 36, 36]
    assert [band.size for band in signal[-3:]] == [276, 256, 256]
    assert all(after.rate >= before.rate for before, after in pairwise(signal))
    assert signal[-1].cutoff == 128.0
    assert signal[0].cutoff == 2.0


def test_without_a_transform_nothing_moves():
    made = network(STYLEGAN3)
    z = latents()
    still = Synthesis(transform=Transform())
    torch.testing.assert_close(made.decode(z, None, still), made.decode(z))


def test_a_transform_moves_the_input_as_it_says():
    made = network(STYLEGAN3)
    source = made.synthesis.input
    w = made.map_to_w(latents(1))
    size, rate = source.band.size, source.band.rate
    still = source(w)
    right = source(w, Transform(x=3 / rate))  # 3 samples
    torch.testing.assert_close(right[..., 3:], still[..., : size - 3], atol=1e-4, rtol=1e-4)
    down = source(w, Transform(y=2 / rate))
    torch.testing.assert_close(down[..., 2:, :], still[..., : size - 2, :], atol=1e-4, rtol=1e-4)
    # The style turns the waves before the transform does, so a half turn mirrors both axes.
    turned = source(w, Transform(angle=180.0))
    torch.testing.assert_close(turned, still.flip(2, 3), atol=1e-3, rtol=1e-3)
    quarter = source(w, Transform(angle=90.0))
    torch.testing.assert_close(quarter, still.rot90(1, (2, 3)), atol=1e-3, rtol=1e-3)


def test_truncation_acts_on_styles():
    made = network(STYLEGAN3)
    z = latents()
    average = made.decode(made.mapping.w_avg[None], None, Synthesis("w"))
    drawn = made.decode(z, None, Synthesis(psi=0.0))
    torch.testing.assert_close(drawn, average.expand_as(drawn), atol=1e-5, rtol=1e-5)


def test_configs_that_make_no_sense_are_refused():
    for wrong in (
        {"num_critical": 4},
        {"image_size": 1 << 20},
        {"margin_size": -1},
        {"conv_kernel": 2},
        {"first_cutoff": 0.0},
    ):
        with pytest.raises(ValueError, match="network config of type"):
            build({**STYLEGAN3, **wrong})
