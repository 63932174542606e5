"""Encoder and decoder in files of their own open as one model, from either."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from torch import nn

from genviewer.engine.torch_decoder import load_network
from genviewer.io.readers.pairs import other_half
from genviewer.io.readers.table import open_foreign
from tests.io.readers.tiny_generators import VAE, made

if TYPE_CHECKING:
    from pathlib import Path


def halves(folder: Path, network: nn.Module, encoder: str, decoder: str) -> None:
    state = network.state_dict()
    torch.save({k: v for k, v in state.items() if k.startswith(("fc1", "fc2"))}, folder / encoder)
    torch.save({k: v for k, v in state.items() if k.startswith(("fc3", "fc4"))}, folder / decoder)


@pytest.mark.parametrize(
    ("encoder", "decoder"),
    [("encoder.pt", "decoder.pt"), ("celeb_encoder_9.pth", "celeb_decoder_9.pth"),
     ("netE.pth", "netG.pth")],
)  # fmt: skip
@pytest.mark.parametrize("opened", [0, 1], ids=["encoder", "decoder"])
def test_either_half_opens_both(tmp_path: Path, encoder: str, decoder: str, opened: int) -> None:
    network = made(VAE)
    halves(tmp_path, network, encoder, decoder)
    bundle = open_foreign(tmp_path / (encoder, decoder)[opened], {})
    assert bundle.spec.encoder
    assert bundle.spec.latent.dim == network.dim
    other = (decoder, encoder)[opened]
    assert any(other in warning for warning in bundle.config.warnings)
    x, z = torch.rand(4, 1, 16, 16), torch.randn(4, network.dim)
    loaded = load_network(bundle)
    with torch.inference_mode():
        mean = loaded.encode(x, None)[0]  # type: ignore[operator]
        torch.testing.assert_close(mean, network.encode(x, None)[0], atol=1e-5, rtol=0)
        drawn = loaded.decode(z, None)  # type: ignore[operator]
        torch.testing.assert_close(drawn.flatten(1), network(z, None), atol=1e-5, rtol=0)


def test_an_encoder_of_another_size_is_no_half(tmp_path: Path) -> None:
    halves(tmp_path, made(VAE), "encoder.pt", "decoder.pt")
    halves(tmp_path, made(lambda: VAE(dim=7)), "encoder.pt", "else.pt")
    bundle = open_foreign(tmp_path / "decoder.pt", {})
    assert not bundle.spec.encoder
    assert bundle.spec.latent.dim == 5


@pytest.mark.parametrize("name", ["weights.pt", "gender.pt", "region.pt"])
def test_other_names_have_no_half(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"")
    (tmp_path / "encoder.pt").write_bytes(b"")
    assert other_half(tmp_path / name) is None


def test_a_link_is_no_half(tmp_path: Path) -> None:
    (tmp_path / "outside").write_bytes(b"")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "decoder.pt").write_bytes(b"")
    (folder / "encoder.pt").symlink_to(tmp_path / "outside")
    assert other_half(folder / "decoder.pt") is None


@pytest.mark.parametrize("kind", [torch.complex64, torch.int64, torch.bool])
def test_weights_of_odd_types_are_named(tmp_path: Path, kind: torch.dtype) -> None:
    torch.save({"fc.weight": torch.ones(256, 8).to(kind), "fc.bias": torch.ones(256)},
               tmp_path / "odd.pt")  # fmt: skip
    with pytest.raises(ValueError, match=r"fc\.weight"):
        open_foreign(tmp_path / "odd.pt", {})
