import pytest
import torch

from genviewer.nets.families import build
from genviewer.nets.prior_warp import PriorWarp, prior_table

SMALL = {"type": "mlp_vae", "image_size": 6, "encoder": [16, 8], "decoder": [8, 16]}


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def test_it_decodes_to_unit_range_and_encodes_pictures_of_any_channels():
    network = build({**SMALL, "image_channels": 3, "latent_dim": 4, "classes": 5})
    y = torch.eye(5)[[0, 3]]
    picture = network.decode(50 * torch.randn(2, 4), y)
    assert picture.shape == (2, 3, 6, 6)
    assert 0 <= picture.min() <= picture.max() <= 1
    mean, logvar = network.encode(picture, y)
    assert mean.shape == logvar.shape == (2, 4)
    assert not torch.equal(
        network.decode(torch.zeros(1, 4), y[:1]), network.decode(torch.zeros(1, 4), y[1:])
    )


def test_a_fresh_warp_leaves_the_inner_prior_as_it_is():
    z = torch.randn(500, 2).clamp(-1.5, 1.5)
    assert PriorWarp(256)(z) == pytest.approx(z, abs=2e-3)


def test_a_warp_interpolates_the_target_between_places_of_equal_probability():
    warp = PriorWarp(4)
    warp.table.copy_(torch.stack([prior_table(4)[1] * 2, torch.arange(16.0).view(4, 4)]))
    at = prior_table(4)[:, 2, 1][None]  # the middle of the cell in the third row, second column
    assert warp(at)[0].tolist() == pytest.approx([2 * prior_table(4)[1, 2, 1].item(), 9.0])
    # Beyond the last cell's middle it stays what it was there.
    assert warp(torch.tensor([[9.0, 9.0]]))[0, 1].item() == pytest.approx(15.0)


def test_the_decoder_sees_the_warped_latent_only_while_warping():
    network = build({**SMALL, "warp": 8}).eval()
    network.warp.table.zero_()
    z = torch.randn(3, 2)
    assert torch.equal(network.decode(z), network.decode(torch.zeros(3, 2)))
    network.warping = False
    assert not torch.equal(network.decode(z), network.decode(torch.zeros(3, 2)))


@pytest.mark.parametrize(
    "wrong", [{"warp": 8, "latent_dim": 3}, {"encoder": []}, {"decoder": [0]}, {"classes": -1}]
)
def test_sizes_that_cannot_be_are_refused(wrong):
    with pytest.raises(ValueError, match="mlp_vae"):
        build({**SMALL, **wrong})
