"""What files and folders are called, and what a model is called after them."""

import pytest

from genviewer.io.readers.naming import is_generic
from genviewer.io.readers.source import Source


@pytest.mark.parametrize(
    "name",
    ["weights", "model", "netG", "net_G_latest", "pytorch_model", "last", "best_model",
     "checkpoint_0010", "epoch=12-step=300", "G_ema", "decoder", "generator_final", "0001"],
)  # fmt: skip
def test_names_that_any_model_may_have(name):
    assert is_generic(name)


@pytest.mark.parametrize("name", ["celeba_vae", "hayato_cwgangp", "faces", "mnist-gan", "pokemon"])
def test_names_that_tell_something(name):
    assert not is_generic(name)


@pytest.mark.parametrize(
    ("place", "name"),
    [("faces/weights.pt", "faces"), ("faces/mnist.pt", "mnist"), ("models/netG.pth", "netG")],
)
def test_a_model_is_called_after_what_tells_most(tmp_path, place, name):
    path = tmp_path / place
    path.parent.mkdir()
    path.write_bytes(b"")
    assert Source(path, {}).name == name


def test_a_folder_keeps_its_name(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    assert Source(folder, {}).name == "model"
