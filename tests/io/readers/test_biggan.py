"""BigGAN-deep as it is published: a configuration and spectrally normalised weights."""

import json

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from genviewer.core.synthesis import Synthesis
from genviewer.engine.torch_decoder import load_torch
from genviewer.io.bundle import BundleError
from genviewer.io.readers.table import open_foreign
from tests.style_networks import BIGGAN, network

HUB = {
    "output_dim": 8,
    "z_dim": 6,
    "class_embed_dim": 5,
    "channel_width": 4,
    "num_classes": 3,
    "layers": [[False, 2, 2], [True, 2, 1]],
    "attention_layer_position": 1,
    "eps": 1e-4,
    "n_stats": 5,
}


def published(made):
    """The state dict with its weights as spectral normalisation keeps them."""
    result = {}
    for name, value in made.state_dict().items():
        if value.ndim < 2 or name.startswith("embeddings") or "running" in name:
            result[name] = value
            continue
        flat = value.flatten(1)
        u, _, v = torch.linalg.svd(flat, full_matrices=False)
        largest = float(u[:, 0] @ flat @ v[0])
        # Scaled by three, and one vector so that dividing by their product makes up for it.
        result[f"{name}_orig"] = value * 3.0
        result[f"{name}_u"] = u[:, 0].clone()
        result[f"{name}_v"] = v[0] / largest
    return result


def write_folder(folder, hub=HUB):
    made = network(BIGGAN)
    folder.mkdir()
    torch.save(published(made), folder / "pytorch_model.bin")
    if hub is not None:
        (folder / "config.json").write_text(json.dumps(hub))
    return made


def decoded(bundle, z, y, psi):
    return load_torch(bundle, "cpu", threads=1).decode(z, y, Synthesis(psi=psi))


@pytest.mark.parametrize("target", ["", "pytorch_model.bin"])
def test_the_folder_and_its_weights_open_alike(tmp_path, target):
    made = write_folder(tmp_path / "biggan-tiny")
    bundle = open_foreign(tmp_path / "biggan-tiny" / target, {})
    spec = bundle.spec
    assert bundle.reader == "biggan"
    assert (spec.latent.dim, spec.latent.prior) == (6, "truncated_normal")
    assert (spec.image.height, spec.image.range) == (8, (-1.0, 1.0))
    assert [c.size for c in spec.conditions] == [3]
    assert spec.synthesis.statistics
    assert bundle.config.assumptions == ()
    z = np.random.default_rng(0).standard_normal((2, 6)).astype(np.float32)
    y = np.eye(3, dtype=np.float32)[[0, 2]]
    how = Synthesis(psi=0.5)
    wanted = made.decode(torch.from_numpy(z), torch.from_numpy(y), how).numpy()
    np.testing.assert_allclose(decoded(bundle, z, y, 0.5), wanted, atol=1e-5)


def test_without_the_configuration_every_second_block_is_taken_to_double(tmp_path):
    write_folder(tmp_path / "weights", hub=None)
    bundle = open_foreign(tmp_path / "weights" / "pytorch_model.bin", {})
    assert bundle.spec.image.height == 8
    (assumption,) = bundle.config.assumptions
    assert assumption.field == "image_size"


def test_a_configuration_of_other_blocks_is_told(tmp_path):
    write_folder(tmp_path / "odd", {**HUB, "layers": [[True, 2, 1]]})
    with pytest.raises(BundleError, match="2 blocks, and 1 in the config"):
        open_foreign(tmp_path / "odd", {})


def test_pictures_are_those_of_the_authors_code(shared):
    folder = shared / "fixtures" / "rand_biggan_deep_hf"
    wanted = load_file(folder / "reference.safetensors")
    bundle = open_foreign(folder, {})
    z, y = wanted["z"], np.eye(10, dtype=np.float32)[wanted["labels"]]
    for key, psi in (("images", 0.4), ("images_trunc0.43", 0.43), ("images_trunc1.0", 1.0)):
        np.testing.assert_allclose(decoded(bundle, z, y, psi), wanted[key], atol=1e-4)
    mixed = decoded(bundle, z, wanted["class_mix"], 0.4)
    np.testing.assert_allclose(mixed, wanted["images_class_mix"], atol=1e-4)
