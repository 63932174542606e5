import numpy as np
import pytest
import torch

from genviewer.core.latent import Latent
from genviewer.core.synthesis import PLAIN, Mix, Synthesis
from genviewer.nets.families import build
from genviewer.nets.folding import folded
from genviewer.nets.modulation import ModulatedConv
from tests.nets import plain_stylegan2
from tests.style_networks import STYLEGAN2, network


@pytest.fixture(autouse=True)
def without_gradients():
    with torch.no_grad():
        yield


def inputs(count=3):
    rng = np.random.default_rng(0)
    z = torch.from_numpy(rng.standard_normal((count, 6)).astype(np.float32))
    return z, torch.eye(3)[torch.arange(count) % 3]


@pytest.mark.parametrize("size", [2, 24])  # weights are the larger, and features are
@pytest.mark.parametrize("up", [False, True])
@pytest.mark.parametrize("demodulate", [False, True])
def test_a_modulated_convolution_is_that_of_weights_per_sample(size, up, demodulate):
    torch.manual_seed(0)
    conv = ModulatedConv(6, 8, 3, 5, demodulate=demodulate, filter_size=4 if up else 0)
    conv.bias.normal_()
    taps = None
    if up:
        taps = torch.randn(4, 4)
        conv.resample_filter.copy_(taps)
    x, w = torch.randn(3, 6, size, size), torch.randn(3, 5)
    style = conv.affine(w) if demodulate else conv.affine(w) / (6 * 9) ** 0.5
    wanted = plain_stylegan2.modulated_conv(x, conv.weight, style, demodulate=demodulate, taps=taps)
    wanted = 1.3 * (wanted + conv.bias[:, None, None])
    torch.testing.assert_close(conv.convolve(x, w, 1.3), wanted, atol=2e-5, rtol=1e-4)
    conv.freeze()
    torch.testing.assert_close(conv.convolve(x, w, 1.3), wanted, atol=2e-5, rtol=1e-4)


def test_the_whole_network_is_the_plain_formulation():
    made = network(STYLEGAN2)
    z, y = inputs()
    wanted = plain_stylegan2.decode(made, z, y)
    assert wanted.std() > 0.1
    torch.testing.assert_close(made.decode(z, y), wanted, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(folded(made).decode(z, y), wanted, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("architecture", ["skip", "resnet", "orig"])
def test_a_picture_does_not_depend_on_its_batch(architecture):
    made = folded(network({**STYLEGAN2, "architecture": architecture}))
    z, y = inputs(8)
    together = made.decode(z, y)
    alone = torch.cat([made.decode(z[i : i + 1], y[i : i + 1]) for i in range(8)])
    assert together.shape == (8, 3, 16, 16)
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)


def test_architectures_differ_in_where_they_draw():
    names = {}
    for architecture in ("skip", "resnet", "orig"):
        made = build({**STYLEGAN2, "architecture": architecture})
        names[architecture] = set(made.state_dict())
    assert "synthesis.b4.torgb.weight" in names["skip"]
    assert "synthesis.b4.torgb.weight" not in names["resnet"] | names["orig"]
    assert "synthesis.b8.skip.weight" in names["resnet"] - names["skip"]


def test_truncation_of_one_is_none_and_of_zero_is_the_average():
    made = network(STYLEGAN2)
    z, y = inputs()
    torch.testing.assert_close(made.decode(z, y, Synthesis(psi=1.0)), made.decode(z, y))
    average = made.decode(made.mapping.w_avg[None], None, Synthesis("w"))
    drawn = made.decode(z, y, Synthesis(psi=0.0))
    torch.testing.assert_close(drawn, average.expand_as(drawn), atol=1e-5, rtol=1e-5)


def test_the_cutoff_leaves_later_layers_alone():
    made = network(STYLEGAN2)
    z, y = inputs()
    ws = made.mapping.styles(z, y, PLAIN, 6)
    cut = made.mapping.styles(z, y, Synthesis(psi=0.5, cutoff=2), 6)
    torch.testing.assert_close(cut[:, 2:], ws[:, 2:], atol=0, rtol=0)
    torch.testing.assert_close(cut[:, :2], (ws[:, :2] + made.mapping.w_avg) / 2)
    none = made.decode(z, y, Synthesis(psi=0.5, cutoff=0))
    torch.testing.assert_close(none, made.decode(z, y))
    whole = made.decode(z, y, Synthesis(psi=0.5, cutoff=6))
    torch.testing.assert_close(whole, made.decode(z, y, Synthesis(psi=0.5)))


def test_styles_draw_what_their_latents_draw():
    made = network(STYLEGAN2)
    z, y = inputs()
    w = made.map_to_w(z, y)
    assert w.shape == (3, 8)
    torch.testing.assert_close(made.decode(w, y, Synthesis("w")), made.decode(z, y))


@pytest.mark.parametrize("space", ["z", "w"])
def test_mixing_gives_some_layers_the_second_style(space):
    made = network(STYLEGAN2)
    z, y = inputs()
    second = np.random.default_rng(9).standard_normal(6).astype(np.float32)
    other = made.map_to_w(torch.from_numpy(second).expand(3, -1), y)
    latent = Latent(second)
    if space == "w":
        y = y[:1].expand(3, -1)  # in w a latent carries its condition with it
        other = made.map_to_w(torch.from_numpy(second).expand(3, -1), y)
        latent = Latent(other[0].numpy(), "w")
    ws = made.mapping.styles(z, y, PLAIN, 6)
    mixed = made.mapping.styles(z, y, Synthesis(mix=Mix(latent, 2, 4)), 6)
    torch.testing.assert_close(mixed[:, [0, 1, 5]], ws[:, [0, 1, 5]], atol=0, rtol=0)
    for layer in (2, 3, 4):
        torch.testing.assert_close(mixed[:, layer], other)


def test_seeded_noise_is_the_same_in_every_batch_and_scaled_by_its_strength():
    made = folded(network(STYLEGAN2))
    z, y = inputs(4)
    seeded = made.decode(z, y, Synthesis(noise=5))
    alone = torch.cat(
        [made.decode(z[i : i + 1], y[i : i + 1], Synthesis(noise=5)) for i in range(4)]
    )
    torch.testing.assert_close(seeded, alone, atol=1e-5, rtol=1e-5)
    assert (seeded - made.decode(z, y, Synthesis(noise=6))).abs().max() > 1e-3
    assert (seeded - made.decode(z, y)).abs().max() > 1e-3
    none = made.decode(z, y, Synthesis(noise="none"))
    torch.testing.assert_close(made.decode(z, y, Synthesis(noise=5, noise_strength=0.0)), none)
    torch.testing.assert_close(made.decode(z, y, Synthesis(noise=5)), seeded, atol=0, rtol=0)


def test_seeded_noise_is_that_of_numpy():
    made = network(STYLEGAN2)
    planes = made.synthesis.noise.planes(11, torch.device("cpu"))
    rng = np.random.default_rng(11)
    assert [len(plane) for plane in planes] == [4, 8, 8, 16, 16]
    for plane in planes:
        wanted = rng.standard_normal(tuple(plane.shape), dtype=np.float32)
        np.testing.assert_array_equal(plane.numpy(), wanted)


def test_gradients_reach_the_latent():
    made = network(STYLEGAN2)
    z, y = inputs()
    with torch.enable_grad():
        z.requires_grad_()
        made.decode(z, y).square().sum().backward()
    assert torch.isfinite(z.grad).all()
    assert z.grad.abs().max() > 0


def test_configs_that_make_no_sense_are_refused():
    for wrong in (
        {"channels": []},
        {"channels": [0]},
        {"clamp": -1.0},
        {"mapping": {"classes": 3}},
        {"mapping": {"widths": []}},
        {"filter_size": 1},
    ):
        with pytest.raises(ValueError, match="network config of type"):
            build({**STYLEGAN2, **wrong})
