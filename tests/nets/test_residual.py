import pytest
import torch

from genviewer.nets.families import FAMILIES, build, family
from genviewer.nets.folding import folded
from genviewer.nets.residual import base_size

SMALL_VAE = {
    "type": "residual_vae",
    "image_size": 8,
    "latent_dim": 3,
    "classes": 4,
    "hidden": 16,
    "channels": [16, 8],
    "blocks": [1, 1],
    "encoder_blocks": [1, 0],
}
SMALL_GAN = {
    "type": "residual_gan",
    "image_size": 8,
    "image_channels": 3,
    "latent_dim": 5,
    "classes": 4,
    "hidden": 16,
    "channels": [16, 8],
    "blocks": [1, 1],
    "critic_channels": [8, 16],
}


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def test_every_family_that_can_be_trained_builds_from_its_defaults():
    for name in (name for name, entry in FAMILIES.items() if entry.kind in ("vae", "gan")):
        network = build({"type": name})
        dim = network.config.latent_dim
        assert network.eval().decode(torch.zeros(2, dim)).shape == (2, 1, 28, 28)


def test_a_vae_decodes_to_unit_range_and_encodes():
    network = build(SMALL_VAE)
    y = torch.eye(4)[[0, 3]]
    picture = network.decode(50 * torch.randn(2, 3), y)
    assert picture.shape == (2, 1, 8, 8)
    assert picture.min() >= 0
    assert picture.max() <= 1
    mean, logvar = network.encode(torch.rand(2, 1, 8, 8), y)
    assert mean.shape == logvar.shape == (2, 3)


def test_only_likelihoods_with_a_scale_have_one():
    assert "decoder.log_scale" not in build(SMALL_VAE).state_dict()
    config = {**SMALL_VAE, "likelihood": "gaussian", "image_channels": 3}
    assert build(config).state_dict()["decoder.log_scale"].shape == (3, 1, 1)


@pytest.mark.parametrize("config", [SMALL_VAE, SMALL_GAN])
def test_the_empty_class_adds_nothing_and_a_class_something(config):
    network = build(config).eval()
    z = torch.randn(2, config["latent_dim"])
    nothing = network.decode(z, torch.zeros(2, 4))
    torch.testing.assert_close(nothing, network.decode(z))
    assert not torch.allclose(nothing, network.decode(z, torch.eye(4)[[1, 1]]))


def test_a_gan_draws_in_its_range_and_scores_by_class():
    network = build(SMALL_GAN)
    y = torch.eye(4)[[0, 1]]
    picture = network.decode(50 * torch.randn(2, 5), y)
    assert picture.shape == (2, 3, 8, 8)
    assert picture.min() >= -1
    assert picture.max() <= 1
    assert picture.min() < 0
    score = network.discriminate(picture, y)
    assert score.shape == (2,)
    assert not torch.allclose(score, network.discriminate(picture, y[[1, 0]]))


def test_an_auxiliary_classifier_replaces_the_projection():
    network = build({**SMALL_GAN, "conditioning": "auxiliary"})
    score, logits = network.discriminator(torch.rand(2, 3, 8, 8), torch.eye(4)[:2])
    assert score.shape == (2,)
    assert logits.shape == (2, 4)
    assert network.discriminator.projection is None


def test_folding_leaves_the_output_and_the_network_as_they_were():
    network = build(SMALL_GAN)
    with torch.no_grad():
        for _ in range(5):  # running statistics that are neither zero nor one
            network.decode(2 * torch.randn(16, 5) + 1, torch.eye(4)[torch.arange(16) % 4])
    network.eval()
    before = {k: v.clone() for k, v in network.state_dict().items()}
    z, y = torch.randn(3, 5), torch.eye(4)[:3]
    result = folded(network)
    torch.testing.assert_close(result.decode(z, y), network.decode(z, y), atol=1e-5, rtol=1e-5)
    assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in result.generator.modules())
    assert all(torch.equal(v, before[k]) for k, v in network.state_dict().items())


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({}, "unknown network type None; the types are .*residual_gan, residual_vae"),
        ({"type": "stylegan"}, "stylegan"),
        ({"type": "residual_vae", "latent": 3}, "latent"),
        ({"type": "residual_vae", "blocks": [1]}, "one entry per stage"),
        ({"type": "residual_vae", "image_size": 30}, "multiple of 4"),
        ({"type": "residual_gan", "latent_dim": 0}, "positive"),
    ],
)
def test_a_wrong_config_is_told(config, words):
    with pytest.raises(ValueError, match=words):
        build(config)


def test_kinds():
    assert family(SMALL_VAE).kind == "vae"
    assert family(SMALL_GAN).kind == "gan"
    assert base_size(64, 4, 2) == 4


MODULATED_VAE = {**SMALL_VAE, "modulated": True}


def test_latent_and_class_act_on_every_block_of_a_modulated_decoder():
    network = build(MODULATED_VAE).eval()
    decoder = network.decoder
    with torch.no_grad():  # nothing but the modulation is left of the way from latent to picture
        decoder.grid.weight.zero_()
        decoder.template.weight.zero_()
        for layer in decoder.features:
            if hasattr(layer, "second"):
                torch.nn.init.normal_(layer.second.weight, std=0.1)
    z, y = torch.randn(2, 3), torch.eye(4)[[0, 3]]
    assert len(decoder.styles) == 2
    plain = network.decode(z, y)
    assert not torch.allclose(plain[0], plain[1])
    for style in decoder.styles.values():
        with torch.no_grad():
            style.weight.zero_()
        changed = network.decode(z, y)
        assert not torch.allclose(changed, plain)
        plain = changed
    torch.testing.assert_close(plain[0], plain[1])


def test_an_empty_class_adds_nothing_to_a_modulated_vae():
    network = build(MODULATED_VAE).eval()
    z, x = torch.randn(2, 3), torch.rand(2, 1, 8, 8)
    torch.testing.assert_close(network.decode(z, torch.zeros(2, 4)), network.decode(z))
    for one, other in zip(network.encode(x, torch.zeros(2, 4)), network.encode(x), strict=True):
        torch.testing.assert_close(one, other)


def test_sharpness_moves_what_is_drawn_towards_the_mode_and_leaves_the_likelihood():
    plain, sharp = build(SMALL_VAE), build({**SMALL_VAE, "sharpness": 3.0})
    sharp.load_state_dict(plain.state_dict())
    z, y = torch.randn(4, 3), torch.eye(4)
    torch.testing.assert_close(sharp.logits(z, y), plain.logits(z, y))
    odds = plain.decode(z, y) / (1 - plain.decode(z, y))
    drawn = sharp.decode(z, y)
    torch.testing.assert_close(drawn / (1 - drawn), odds**3, atol=1e-5, rtol=1e-4)
    with pytest.raises(ValueError, match="sharpness"):
        build({**SMALL_VAE, "sharpness": 0.0})
