import pytest
import torch
from safetensors.torch import load, save

from genviewer.nets.families import build, family

SMALL = {
    "type": "broadcast_vae",
    "image_size": 16,
    "image_channels": 3,
    "latent_dim": 3,
    "patch": 4,
    "encoder_channels": [8, 12],
    "hidden": 16,
    "width": 16,
    "layers": 2,
}


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


@pytest.mark.parametrize(("size", "patch"), [(16, 4), (24, 4), (20, 2), (64, 4)])
def test_it_encodes_and_decodes_pictures_of_its_size(size, patch):
    network = build({**SMALL, "image_size": size, "patch": patch})
    mean, logvar = network.encode(torch.rand(2, 3, size, size))
    assert mean.shape == logvar.shape == (2, 3)
    picture = network.decode(50 * torch.randn(2, 3))
    assert picture.shape == (2, 3, size, size)
    assert picture.min() >= 0
    assert picture.max() <= 1
    torch.testing.assert_close(torch.sigmoid(network.logits(mean)), network(mean))


def test_the_weights_make_the_round_trip_and_hold_no_places():
    network = build(SMALL)
    weights = load(save(network.state_dict()))
    assert not {name for name in weights if "places" in name or "log_scale" in name}
    other = build(SMALL)
    other.load_state_dict(weights)
    z = torch.randn(2, 3)
    torch.testing.assert_close(other.decode(z), network.decode(z), rtol=0, atol=0)


def test_every_place_is_drawn_by_one_and_the_same_network():
    network = build(SMALL)
    with torch.no_grad():
        network.decoder.place.weight.zero_()  # no place knows where it is
    picture = network.decode(torch.randn(1, 3))[0]
    patches = picture.unfold(1, 4, 4).unfold(2, 4, 4)  # (C, 4, 4, 4, 4)
    torch.testing.assert_close(patches, patches[:, :1, :1].expand_as(patches))
    assert picture[:, :4, :4].std() > 0


def test_places_run_from_left_to_right_and_from_top_to_bottom():
    places = build(SMALL).decoder.places[0]
    torch.testing.assert_close(places[0, 0], torch.tensor([-0.75, -0.25, 0.25, 0.75]))
    torch.testing.assert_close(places[1, :, 0], places[0, 0])


def test_the_scale_of_the_likelihood_is_fixed():
    network = build({**SMALL, "scale": 0.5})
    torch.testing.assert_close(network.decoder.log_scale.exp(), torch.full((3, 1, 1), 0.5))
    assert "decoder.log_scale" not in dict(network.named_parameters())
    assert build({**SMALL, "likelihood": "bernoulli"}).decoder.log_scale is None


def test_colour_reaches_the_latent_from_the_first_step():
    network = build({**SMALL, "image_size": 64, "encoder_channels": [32, 48], "hidden": 192})
    pictures = torch.zeros(2, 3, 64, 64)
    pictures[0, 0], pictures[1, 2] = 1.0, 1.0  # red and blue
    mean, logvar = network.encode(pictures)
    assert (mean[0] - mean[1]).abs().max() > 0.03
    assert logvar.abs().max() < 2  # and the posterior begins near the prior


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"patch": 3}, "multiple of 6"),
        ({"image_size": 20}, "multiple of 8"),
        ({"scale": 0.0}, "scale"),
        ({"width": 0}, "positive"),
        ({"classes": 3}, "classes"),
    ],
)
def test_a_wrong_config_is_told(change, words):
    with pytest.raises(ValueError, match=words):
        build({**SMALL, **change})


def test_its_kind():
    assert family(SMALL).kind == "vae"
