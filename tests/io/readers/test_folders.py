"""Folders with a configuration beside the weights: tiny ones, made here."""

import json
import os
import pickle

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from torch import nn

from genviewer.engine.generator import load_generator
from genviewer.io.bundle import BundleError
from genviewer.io.library import open_model
from genviewer.io.readers.sidecars import facts_in, read_sidecar
from genviewer.nets.families import build
from tests.nets.test_autoencoder_kl import TABLE
from tests.tiny_onnx import expected, write_decoder

LATENT = 4


class Net(nn.Module):
    """The VAE of pytorch/examples, smaller."""

    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(144, 32)
        self.fc21 = nn.Linear(32, LATENT)
        self.fc22 = nn.Linear(32, LATENT)
        self.fc3 = nn.Linear(LATENT, 32)
        self.fc4 = nn.Linear(32, 144)

    def decode(self, z):
        return torch.sigmoid(self.fc4(torch.relu(self.fc3(z))))


@pytest.fixture(scope="module")
def net():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Net().eval()


def arrays(net):
    return {name: value.numpy() for name, value in net.state_dict().items()}


def hub_mixin(folder, net):
    save_file(arrays(net), folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps({"latent_dim": LATENT, "hidden": 32}))


def pythae(folder, net):
    torch.save({"model_state_dict": net.state_dict()}, folder / "model.pt")
    config = {"name": "VAEConfig", "input_dim": [1, 12, 12], "latent_dim": LATENT}
    (folder / "model_config.json").write_text(json.dumps(config))
    (folder / "environment.json").write_text('{"python_version": "3.11"}')
    (folder / "decoder.pkl").write_bytes(b"cos\nsystem\n(S'touch PWNED'\ntR.")


def lightning(folder, net):
    (folder / "checkpoints").mkdir()
    state = {f"model.{k}": v for k, v in net.state_dict().items()}
    torch.save({"state_dict": state, "epoch": 1}, folder / "checkpoints" / "epoch=1.ckpt")
    text = f"latent_dim: {LATENT}\noptimizer: !!python/object/apply:os.system ['touch PWNED']\n"
    (folder / "hparams.yaml").write_text(text)


def mlflow(folder, net):
    (folder / "data").mkdir()
    torch.save(net.state_dict(), folder / "data" / "model.pth")
    (folder / "MLmodel").write_text("flavors: {}\n")


@pytest.mark.parametrize("write", [hub_mixin, pythae, lightning, mlflow])
def test_a_folder_draws_what_the_network_draws(tmp_path, net, write, monkeypatch):
    folder = tmp_path / "mine"
    folder.mkdir()
    write(folder, net)
    monkeypatch.chdir(tmp_path)
    bundle = open_model("mine", {"activation": "relu", "final": "sigmoid"})
    assert bundle.spec.name == "mine"
    assert (bundle.spec.latent.dim, bundle.spec.image.height) == (LATENT, 12)
    z = np.random.default_rng(0).standard_normal((3, LATENT)).astype(np.float32)
    raw = load_generator(bundle, engine="torch").decode(z, None)
    with torch.no_grad():
        wanted = net.decode(torch.from_numpy(z)).numpy()
    np.testing.assert_allclose(raw.reshape(3, -1), wanted, atol=1e-6)
    assert not (tmp_path / "PWNED").exists()
    assert not (folder / "PWNED").exists()


def test_a_folder_with_a_graph_only(tmp_path):
    write_decoder(tmp_path / "decoder.onnx")
    (tmp_path / "README.md").write_text("# Mine")
    bundle = open_model(str(tmp_path), {"prior": "uniform"})
    assert (bundle.spec.name, bundle.spec.latent.prior) == (tmp_path.name, "uniform")
    z = np.ones((2, 5), np.float32)
    np.testing.assert_allclose(load_generator(bundle).decode(z, None), expected(z), atol=1e-6)


def test_weights_are_believed_before_their_configuration(tmp_path, net):
    hub_mixin(tmp_path, net)
    (tmp_path / "config.json").write_text('{"latent_dim": 77}')
    bundle = open_model(str(tmp_path))
    assert bundle.spec.latent.dim == LATENT
    assert any("config.json" in sentence for sentence in bundle.config.warnings)


@pytest.mark.parametrize(
    "text",
    ['{"latent_dim": 1000000000}', '{"latent_dim": -3}', "[" * 100_000, "nonsense", "[1]"],
    ids=["huge", "negative", "deep", "nonsense", "list"],
)
def test_a_configuration_that_cannot_be_is_one_sentence(tmp_path, net, text):
    hub_mixin(tmp_path, net)
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(BundleError) as caught:
        open_model(str(tmp_path))
    assert "\n" not in str(caught.value)


def test_a_folder_with_nothing_in_it_is_one_sentence(tmp_path):
    with pytest.raises(BundleError, match="folder"):
        open_model(str(tmp_path))


def test_an_index_that_leads_outside_is_told(tmp_path, net):
    (tmp_path / "broken.pt").write_bytes(pickle.dumps({"a": 1}))
    index = {"weight_map": {"fc1.weight": "../../secret"}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(BundleError, match="outside its folder"):
        open_model(str(tmp_path))


def test_a_fifo_beside_the_weights_does_not_block(tmp_path, net):
    hub_mixin(tmp_path, net)
    (tmp_path / "config.json").unlink()
    os.mkfifo(tmp_path / "config.json")
    os.mkfifo(tmp_path / "a.safetensors")
    assert open_model(str(tmp_path)).spec.latent.dim == LATENT


@pytest.mark.parametrize(
    ("values", "facts"),
    [
        ({"latent_spec": {"cont": 10, "disc": [10]}}, {"latent": "10"}),
        ({"img_size": [1, 32, 32], "latent_dim": 5}, None),
        ({"image_size": 64, "channels": 3, "nz": 100}, None),
        ({"hparams": {"z_dim": 7}, "z_dim": 8}, {"latent": "8"}),
        ({"z_dim": True, "nz": "x"}, {}),
    ],
)
def test_facts(values, facts):
    found = facts_in(values, "config.json")
    if facts is None:
        assert {"latent", "channels", "size"} == set(found)
    else:
        assert found == facts


def test_yaml_aliases_are_not_expanded(tmp_path):
    lines = ["a: &a [1, 1]"] + [f"{chr(98 + i)}: &{chr(98 + i)} [*{chr(97 + i)}]" for i in range(9)]
    (tmp_path / "hparams.yaml").write_text("\n".join(lines))
    with pytest.raises(BundleError):
        read_sidecar(tmp_path / "hparams.yaml")


def kl_folder(folder, old_names=False):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = build(TABLE).eval()
    names = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
    state = {}
    for name, value in network.state_dict().items():
        if old_names and "attentions" in name:
            for new, old in names.items():
                name = name.replace(f".{new}.", f".{old}.")
        state[name] = np.ascontiguousarray(value.numpy())
    save_file(state, folder / "diffusion_pytorch_model.safetensors")
    config = {"_class_name": "AutoencoderKL", "norm_num_groups": 4, "sample_size": 8}
    (folder / "config.json").write_text(json.dumps(config))
    return network


@pytest.mark.parametrize("old_names", [False, True])
def test_the_autoencoder_of_a_diffusion_model(tmp_path, old_names):
    network = kl_folder(tmp_path, old_names)
    bundle = open_model(str(tmp_path))
    spec = bundle.spec
    assert (spec.family, spec.latent.prior, spec.latent.dim) == ("autoencoder", "none", 48)
    assert any("no known distribution" in sentence for sentence in bundle.config.warnings)
    z = np.random.default_rng(0).standard_normal((2, 48)).astype(np.float32)
    with torch.no_grad():
        wanted = network.decode(torch.from_numpy(z)).numpy()
    raw = load_generator(bundle, engine="torch").decode(z, None)
    np.testing.assert_allclose(raw, wanted, atol=1e-5)


def test_its_picture_may_be_larger(tmp_path):
    kl_folder(tmp_path)
    bundle = open_model(str(tmp_path), {"size": "16"})
    assert (bundle.spec.image.height, bundle.spec.latent.dim) == (16, 3 * 8 * 8)


def test_the_pythae_fixture_as_a_folder(shared):
    from safetensors.numpy import load_file

    folder = shared / "fixtures" / "rand_pythae_vae"
    reference = load_file(folder / "reference.safetensors")
    bundle = open_model(str(folder))
    raw = load_generator(bundle, engine="torch").decode(reference["z"], None)
    np.testing.assert_allclose(
        raw.reshape(reference["images"].shape), reference["images"], atol=1e-5
    )


@pytest.mark.parametrize(
    "name",
    [
        "34_config_path_traversal",
        "35_config_1e9_latent",
        "37_config_deep_json",
        "41_directory_named_model.pt",
    ],
)
def test_hostile_folders(shared, name):
    with pytest.raises(BundleError) as caught:
        open_model(str(shared / "fixtures" / "hostile" / name))
    assert "\n" not in str(caught.value)
