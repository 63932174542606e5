"""Models of the Hub, from a folder in the layout of its cache: no network is used."""

import numpy as np
import pytest

from genviewer.engine.generator import load_generator
from genviewer.io import hub
from genviewer.io.hub import HubError, fetch, parse_name, wanted_files
from genviewer.io.library import find_model, open_model
from tests.tiny_models import write_tiny_vae
from tests.tiny_onnx import LATENT, expected, move_outside, weights, write_decoder

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A function that puts a folder into the cache as a model, its files links to blobs."""
    from huggingface_hub import constants

    root = tmp_path / "hub"
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(root))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)

    def put(folder, repo="owner/name", revision="main"):
        place = root / f"models--{repo.replace('/', '--')}"
        snapshot = place / "snapshots" / COMMIT
        for part in (place / "blobs", snapshot, place / "refs"):
            part.mkdir(parents=True)
        (place / "refs" / revision).write_text(COMMIT)
        for index, file in enumerate(sorted(folder.iterdir())):
            blob = place / "blobs" / f"{index:040x}"
            blob.write_bytes(file.read_bytes())
            (snapshot / file.name).symlink_to(f"../../blobs/{blob.name}")
        return snapshot

    return put


def test_a_bundle_in_the_cache_opens(tmp_path, cache):
    bundle = write_tiny_vae(tmp_path / "tiny")
    snapshot = cache(tmp_path / "tiny")
    assert find_model("hf://owner/name") == snapshot
    assert open_model("hf://owner/name").model_id == bundle.model_id


def test_a_revision_is_that_revision(tmp_path, cache):
    write_tiny_vae(tmp_path / "tiny")
    snapshot = cache(tmp_path / "tiny", revision="v2")
    assert find_model("hf://owner/name@v2") == snapshot
    with pytest.raises(HubError, match="cannot be reached"):
        find_model("hf://owner/name@main")


def test_a_repository_of_one_file_is_that_file(tmp_path, cache):
    (tmp_path / "repo").mkdir()
    write_decoder(tmp_path / "repo" / "decoder.onnx")
    (tmp_path / "repo" / "README.md").write_text("# Mine\n")
    cache(tmp_path / "repo")
    bundle = open_model("hf://owner/name")
    z = np.ones((2, LATENT), np.float32)
    np.testing.assert_allclose(load_generator(bundle).decode(z, None), expected(z), atol=1e-6)


def test_weights_beside_a_graph_are_found_through_the_links_of_the_cache(tmp_path, cache):
    folder = tmp_path / "repo"
    folder.mkdir()
    (folder / "model.onnx.data").write_bytes(weights()["W"].tobytes())
    move_outside(write_decoder(folder / "model.onnx"), "model.onnx.data")
    snapshot = cache(folder)
    bundle = open_model(str(snapshot / "model.onnx"))
    z = np.ones((2, LATENT), np.float32)
    np.testing.assert_allclose(load_generator(bundle).decode(z, None), expected(z), atol=1e-6)


def test_what_is_not_in_the_cache_is_told(cache):
    with pytest.raises(HubError, match=r"hf://owner/other is not in the cache"):
        fetch("hf://owner/other")


@pytest.mark.parametrize(
    "text", ["hf://", "hf://a/b/c", "hf://a/../b", "hf://a b/c", "hf://owner/name@", "hf://é/x"]
)
def test_what_is_no_name_is_told(text):
    with pytest.raises(HubError, match="no name on the Hub"):
        parse_name(text)


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        (
            ["config.json", "model.safetensors", "pytorch_model.bin", "optimizer.pt", "x.png"],
            ["config.json", "model.safetensors"],
        ),
        (["generator.pth", "train.py", "README.md"], ["README.md", "generator.pth"]),
        (
            ["config.json", "model.safetensors", "discriminator.safetensors"],
            ["config.json", "discriminator.safetensors", "model.safetensors"],
        ),
        (
            ["discriminator.safetensors", "generator.pth", "config.json"],
            ["config.json", "generator.pth"],
        ),
        (["discriminator.safetensors", "generator.safetensors"], ["generator.safetensors"]),
        (["unet/diffusion_pytorch_model.bin", "README.md"], []),
        (["README.md"], []),
    ],
)
def test_only_what_a_model_needs_is_wanted(names, wanted):
    assert wanted_files(names) == wanted


def test_a_large_download_is_to_be_agreed_to(monkeypatch):
    import huggingface_hub
    from huggingface_hub import constants

    class File:
        rfilename, size = "model.safetensors", 900_000_000

    class Info:
        siblings, sha = (File(),), COMMIT

    class Api:
        def model_info(self, *args, **kwargs):
            return Info()

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(huggingface_hub, "HfApi", Api)
    with pytest.raises(HubError, match="is 900 MB to download"):
        hub.fetch("hf://owner/name")
