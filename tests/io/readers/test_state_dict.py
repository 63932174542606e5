"""Bare weights open as the networks that they were, by shapes and evidence alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from torch import nn

from genviewer.engine.torch_decoder import load_network
from genviewer.io.bundle import Bundle, BundleError
from genviewer.io.readers.table import open_foreign
from tests.io.readers.tiny_generators import (
    CLASSES,
    VAE,
    ConvVAE,
    Dense,
    Resized,
    Unfolding,
    made,
    save,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LEAKY = nn.LeakyReLU(0.2)
RELU = nn.ReLU()


def reproduced(bundle: Bundle, network: nn.Module) -> float:
    """The largest difference between the bundle's pictures and the network's own."""
    z = torch.from_numpy(
        np.random.default_rng(1).standard_normal((6, bundle.spec.latent.dim)).astype(np.float32)
    )
    classes = torch.arange(6) % CLASSES
    y = None
    if bundle.spec.conditions:
        y = nn.functional.one_hot(classes, bundle.spec.condition_size).float()
    with torch.inference_mode():
        raw = load_network(bundle).decode(z, y)  # type: ignore[operator]
        return float((raw - network(z, classes).reshape(raw.shape)).abs().max())


GENERATORS: dict[str, Callable[[], nn.Module]] = {
    "dense, relu": lambda: Dense("", 1e-5, RELU),
    "dense, leaky, large eps": lambda: Dense("", 0.8, LEAKY),
    "class before": lambda: Dense("before", 1e-5, LEAKY),
    "class after": lambda: Dense("after", 1e-5, RELU),
    "class multiplied": lambda: Dense("multiply", 1e-5, LEAKY),
    "class added": lambda: Dense("add", 1e-5, RELU),
    "dcgan": lambda: Unfolding(RELU),
    "dcgan, leaky": lambda: Unfolding(LEAKY),
    "resized": Resized,
    "vae": VAE,
    "conditional vae": lambda: VAE(CLASSES),
    "convolutional vae": ConvVAE,
}


@pytest.mark.parametrize("name", GENERATORS)
def test_a_state_dict_draws_as_its_network_did(name: str, tmp_path: Path) -> None:
    network = made(GENERATORS[name])
    bundle = open_foreign(save(network, tmp_path / "weights.pth"), {})
    assert reproduced(bundle, network) < 1e-5
    assert bundle.spec.latent.dim == network.dim
    assert bundle.spec.family == ("vae" if "vae" in name else "gan")
    assert [c.size for c in bundle.spec.conditions] == (
        [CLASSES] if "class" in name or "conditional vae" in name else []
    )


def renamed(network: nn.Module) -> dict[str, torch.Tensor]:
    """Layer names that say nothing."""
    state, names = {}, {}
    for key, value in network.state_dict().items():
        module, _, field = key.rpartition(".")
        names.setdefault(module, f"block_{chr(97 + len(names))}")
        state[f"{names[module]}.{field}"] = value
    return state


@pytest.mark.parametrize("name", ["dense, relu", "class multiplied", "vae", "convolutional vae"])
def test_names_of_layers_do_not_matter(name: str, tmp_path: Path) -> None:
    network = made(GENERATORS[name])
    torch.save(renamed(network), tmp_path / "x")
    if "class" in name:
        # A table without a name cannot be told from a dense layer without a bias by its name.
        state = renamed(network)
        state = {k.replace("block_a", "class_table"): v for k, v in state.items()}
        torch.save(state, tmp_path / "x")
    assert reproduced(open_foreign(tmp_path / "x", {}), network) < 1e-5


@pytest.mark.parametrize(
    "wrap",
    [
        lambda s: {"state_dict": s, "epoch": 3},
        lambda s: {"model_state_dict": {f"module.{k}": v for k, v in s.items()}},
        lambda s: {f"_orig_mod.{k}": v for k, v in s.items()},
        lambda s: {"netG": s, "netD": {"0.weight": torch.zeros(4, 3, 4, 4)}, "optimizer": {}},
        lambda s: {"g": {k: v * 0.9 for k, v in s.items()}, "g_ema": s},
        lambda s: {"generator": s, "args": {"nz": 24}, "loss": [0.1, 0.2]},
    ],
)
def test_wrappers_and_other_networks_are_put_aside(
    wrap: Callable[[dict[str, torch.Tensor]], object], tmp_path: Path
) -> None:
    network = made(GENERATORS["dense, relu"])
    torch.save(wrap(network.state_dict()), tmp_path / "training.ckpt")
    assert reproduced(open_foreign(tmp_path / "training.ckpt", {}), network) < 1e-5


def test_an_encoder_gives_the_network_s_own_means(tmp_path: Path) -> None:
    network = made(ConvVAE)
    bundle = open_foreign(save(network, tmp_path / "vae.pth"), {})
    x = torch.rand(3, 1, 28, 28)
    with torch.inference_mode():
        mean, logvar = load_network(bundle).encode(x)  # type: ignore[operator]
        wanted = network.encode(x, torch.zeros(3))
    assert torch.allclose(mean, wanted[0], atol=1e-5)
    assert torch.allclose(logvar, wanted[1], atol=1e-5)
    assert bundle.spec.encoder
    assert bundle.spec.density


def test_a_pickled_module_tells_what_a_state_dict_does_not(tmp_path: Path) -> None:
    network = nn.Sequential(
        nn.Linear(8, 6 * 16),
        nn.ELU(),
        nn.Unflatten(1, (6, 4, 4)),
        nn.ConvTranspose2d(6, 4, 3, 2, 1, 1),
        nn.BatchNorm2d(4, eps=0.03),
        nn.SiLU(),
        nn.Upsample(scale_factor=2, mode="bilinear"),
        nn.Conv2d(4, 1, 3, padding=1),
        nn.Sigmoid(),
    ).eval()
    torch.save(network, tmp_path / "model.pt")
    bundle = open_foreign(tmp_path / "model.pt", {})
    z = torch.randn(3, 8)
    with torch.inference_mode():
        raw = load_network(bundle).decode(z)  # type: ignore[operator]
        assert torch.allclose(raw, network(z), atol=1e-6)


def test_what_was_told_wins(tmp_path: Path) -> None:
    network = made(GENERATORS["dense, relu"])
    path = save(network, tmp_path / "g.pth")
    told = {"activation": "leaky_relu:0.3", "eps": "0.1", "range": "0,1", "prior": "uniform"}
    bundle = open_foreign(path, told)
    fields = {assumption.field for assumption in bundle.config.assumptions}
    assert not fields & {"activation", "eps", "range", "prior"}
    assert bundle.spec.image.range == (0.0, 1.0)
    assert bundle.spec.latent.prior == "uniform"
    assert bundle.model_id != open_foreign(path, {}).model_id
    assert bundle.weights_sha256 == open_foreign(path, {}).weights_sha256


def test_a_one_hot_class_among_the_inputs_is_told_by_its_size(tmp_path: Path) -> None:
    path = save(made(GENERATORS["dense, relu"]), tmp_path / "g.pth")
    spec = open_foreign(path, {"classes": "4"}).spec
    assert (spec.latent.dim, [c.size for c in spec.conditions]) == (20, [4])
    with pytest.raises(BundleError, match="no 'colour' to set"):
        open_foreign(path, {"colour": "red"})


@pytest.mark.parametrize(
    ("network", "reason"),
    [
        (nn.Sequential(nn.Conv2d(3, 8, 3), nn.Flatten(), nn.Linear(128, 10)), "classifier"),
        (nn.Sequential(nn.Conv2d(1, 8, 4, 2, 1), nn.Flatten(), nn.Linear(98, 1)), "discriminator"),
        (nn.Sequential(nn.Linear(6, 30), nn.ReLU(), nn.Linear(30, 100)), "curve or a table"),
        (nn.Sequential(nn.Conv1d(1, 8, 5), nn.Conv1d(8, 1, 5)), "one-dimensional"),
        (nn.LSTM(8, 16), "recurrent"),
    ],
)
def test_what_is_no_image_generator_is_named(
    network: nn.Module, reason: str, tmp_path: Path
) -> None:
    path = save(network, tmp_path / "other.pth")
    with pytest.raises(BundleError, match=reason):
        open_foreign(path, {})


def test_weights_that_are_not_finite_are_named(tmp_path: Path) -> None:
    network = made(VAE)
    network.fc3.weight.data[0, 0] = float("nan")
    with pytest.raises(BundleError, match=r"not finite, in fc3\.weight"):
        open_foreign(save(network, tmp_path / "nan.pth"), {})


def test_half_precision_draws_too(tmp_path: Path) -> None:
    network = made(VAE)
    torch.save({k: v.half() for k, v in network.state_dict().items()}, tmp_path / "half.pth")
    assert reproduced(open_foreign(tmp_path / "half.pth", {}), network) < 0.02
