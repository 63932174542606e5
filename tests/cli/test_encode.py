"""`genviewer encode`, through the same entry point as the command."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from genviewer.cli import main
from genviewer.engine.torch_decoder import load_network
from genviewer.io.image_formats import encode_image
from tests.tiny_models import LATENT, SIZE, write_tiny_autoencoder, write_tiny_vae


@pytest.fixture(scope="module")
def grey(tmp_path_factory):
    return write_tiny_vae(tmp_path_factory.mktemp("models") / "grey", classes=(), channels=1)


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def pictures(count: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, SIZE, SIZE), np.uint8)


def posterior(bundle, images: np.ndarray, y=None) -> tuple[np.ndarray, np.ndarray]:
    """What the network itself gives."""
    low, high = bundle.spec.image.range
    x = torch.from_numpy(images[:, None] / np.float32(255.0)).float() * (high - low) + low
    with torch.inference_mode():
        mean, logvar = load_network(bundle).encode(x, y)
    return mean.numpy(), logvar.numpy()


def drawn_as(bundle, classes: list[int]) -> np.ndarray:
    """Samples of a model uint8 (N, H, W), of the classes that are named."""
    torch.manual_seed(0)
    with torch.inference_mode():
        x = load_network(bundle).decode(torch.randn(len(classes), LATENT), torch.eye(4)[classes])
    low, high = bundle.spec.image.range
    levels = (x[:, 0] - low) / (high - low) * 255.0
    return levels.clamp(0.0, 255.0).round().byte().numpy()


@pytest.mark.parametrize("suffix", ["png", "webp", "tif"])
def test_files_of_every_format_are_encoded_as_the_network_does(grey, suffix):
    images = pictures(3)
    names = [f"{index}.{suffix}" for index in range(3)]
    for image, name in zip(images, names, strict=True):
        picture = Image.fromarray(image)
        picture.convert("RGB").save(name, lossless=True) if suffix == "webp" else picture.save(name)
    assert main(["encode", str(grey.path), *names, "--out", "z.npz"]) == 0
    with np.load("z.npz") as found:
        assert set(found.files) == {"mean", "logvar"}
        assert found["mean"].shape == found["logvar"].shape == (3, LATENT)
        for name, wanted in zip(("mean", "logvar"), posterior(grey, images), strict=True):
            np.testing.assert_allclose(found[name], wanted, atol=1e-5)


def test_an_array_is_encoded_too(grey):
    np.save("x.npy", pictures(2))
    assert main(["encode", str(grey.path), "x.npy", "--out", "z.npz"]) == 0
    with np.load("z.npz") as found:
        np.testing.assert_allclose(found["mean"], posterior(grey, pictures(2))[0], atol=1e-5)


def test_of_an_encoder_without_a_variance_logvar_is_said_to_mean_nothing(grey, tmp_path, capsys):
    np.save("x.npy", pictures(3))
    for path, said in ((grey.path, False), (write_tiny_autoencoder(tmp_path / "ae").path, True)):
        assert main(["encode", str(path), "x.npy", "--out", "z.npz", "--force"]) == 0
        assert ("no variance" in capsys.readouterr().err) == said


@pytest.mark.parametrize("kind", [np.int64, np.float32])
def test_levels_that_are_no_bytes_are_not_taken_for_values_in_0_to_1(grey, capsys, kind):
    np.save("x.npy", pictures(2).astype(kind))
    assert main(["encode", str(grey.path), "x.npy", "--out", "z.npz"]) == 1
    assert "x.npy holds neither bytes" in capsys.readouterr().err
    np.save("x.npy", (pictures(2) / 255.0).astype(np.float32))
    assert main(["encode", str(grey.path), "x.npy", "--out", "z.npz"]) == 0


def test_what_is_there_is_not_replaced_and_other_sizes_are_told(grey, capsys):
    Image.fromarray(np.zeros((SIZE + 1, SIZE), np.uint8)).save("large.png")
    np.savez("z.npz", mine=1)
    assert main(["encode", str(grey.path), "large.png", "--out", "z.npz"]) == 1
    assert "exists" in capsys.readouterr().err
    assert main(["encode", str(grey.path), "large.png", "--out", "other.npz"]) == 1
    assert "takes images of" in capsys.readouterr().err
    assert main(["encode", str(grey.path), "large.png", "--out", "other.npy"]) == 2


def test_what_cannot_be_read_is_named_and_the_others_are_encoded(grey, capsys):
    images = pictures(3)
    for index, image in enumerate(images):
        Image.fromarray(image).save(f"{index}.png")
    Image.fromarray(np.zeros((SIZE + 1, SIZE), np.uint8)).save("large.png")
    Path("bad.png").write_bytes(b"nothing")
    names = ["0.png", "bad.png", "1.png", "large.png", "missing.png", "2.png"]
    assert main(["encode", str(grey.path), *names, "--out", "z.npz"]) == 1
    said = capsys.readouterr().err.splitlines()
    for name, line in zip(("bad.png", "large.png", "missing.png"), said, strict=False):
        assert name in line
    assert "3 image(s) encoded" in said[-1]
    with np.load("z.npz") as found:
        np.testing.assert_allclose(found["mean"], posterior(grey, images)[0], atol=1e-5)
    assert main(["encode", str(grey.path), "bad.png", "--out", "none.npz"]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert not Path("none.npz").exists()


def test_labels_are_of_the_files_that_were_named_also_where_one_is_left_out(tmp_path):
    bundle = write_tiny_vae(tmp_path / "model", channels=1)
    images = pictures(3)
    for index in (0, 2):
        Image.fromarray(images[index]).save(f"{index}.png")
    np.save("y.npy", np.array([3, 1, 2]))
    command = ["encode", str(bundle.path), "0.png", "1.png", "2.png", "--labels", "y.npy"]
    assert main([*command, "--out", "z.npz"]) == 1
    with np.load("z.npz") as found:
        mean = posterior(bundle, images[[0, 2]], torch.eye(4)[[3, 2]])[0]
        np.testing.assert_allclose(found["mean"], mean, atol=1e-5)


def test_a_model_that_is_told_attributes_is_not_said_to_take_images_for_classes(tmp_path, capsys):
    looks = write_tiny_vae(tmp_path / "looks", channels=1, optional=False, kind="attributes")
    image = pictures(1)
    Image.fromarray(image[0]).save("x.png")
    assert main(["encode", str(looks.path), "x.png", "--out", "z.npz"]) == 0
    said = capsys.readouterr().err
    assert "needs attributes: nothing is told" in said
    assert "class i" not in said
    with np.load("z.npz") as found:
        mean = posterior(looks, image, torch.zeros(1, looks.spec.condition_size))[0]
        np.testing.assert_allclose(found["mean"], mean, atol=1e-5)


def test_files_of_8_and_of_16_bits_go_together(grey):
    image = pictures(1)[0]
    Image.fromarray(image).save("8.png")
    deep = image[..., None].astype(np.uint16) * 257
    Path("16.png").write_bytes(encode_image(deep, "png", None))
    assert main(["encode", str(grey.path), "8.png", "16.png", "--out", "z.npz"]) == 0
    with np.load("z.npz") as found:
        np.testing.assert_allclose(found["mean"][0], found["mean"][1], atol=1e-5)


def test_a_model_without_an_encoder_says_so_first(capsys):
    assert main(["encode", "digits-gan", "nothing.png", "--out", "z.npz"]) == 1
    assert "has no encoder" in capsys.readouterr().err


def test_images_of_no_known_class_are_of_any_class(tmp_path, capsys):
    bundle = write_tiny_vae(tmp_path / "model", channels=1)
    np.save("x.npy", pictures(2))
    assert main(["encode", str(bundle.path), "x.npy", "--out", "z.npz"]) == 0
    assert "class" not in capsys.readouterr().err
    with np.load("z.npz") as found:
        mean = posterior(bundle, pictures(2), torch.zeros(2, 4))[0]
        np.testing.assert_allclose(found["mean"], mean, atol=1e-5)


def test_a_model_that_needs_a_class_takes_the_one_it_believes_in(tmp_path, capsys):
    bundle = write_tiny_vae(tmp_path / "model", channels=1, optional=False)
    images = drawn_as(bundle, [2, 0, 3, 3, 1])
    np.save("x.npy", images)
    classify = ["classify", str(bundle.path), "x.npy", "--samples", "1", "--json"]
    assert main(classify) == 0
    told = json.loads(capsys.readouterr().out)["images"]
    believed = [int(np.argmax(image["posterior"])) for image in told]
    assert believed != [0, 1, 2, 3, 0]  # which is i mod K
    assert main(["encode", str(bundle.path), "x.npy", "--out", "z.npz"]) == 0
    assert "takes it for" in capsys.readouterr().err
    y = torch.eye(4)[believed]
    with np.load("z.npz") as found:
        np.testing.assert_allclose(found["mean"], posterior(bundle, images, y)[0], atol=1e-5)


def test_a_model_that_cannot_say_the_class_either_takes_them_in_turn(tmp_path, capsys):
    bundle = write_tiny_vae(tmp_path / "model", channels=1, optional=False)
    config = json.loads((bundle.path / "config.json").read_text())
    config["spec"]["density"] = False
    (bundle.path / "config.json").write_text(json.dumps(config))
    np.save("x.npy", pictures(2))
    assert main(["encode", str(bundle.path), "x.npy", "--out", "z.npz"]) == 0
    assert "i mod K; see --labels" in capsys.readouterr().err
    np.savez("x.npz", images=np.random.default_rng(0).integers(0, 256, (4, 8, 8), np.uint8))
    command = ["directions", str(bundle.path), "--method", "pca", "--data", "x.npz"]
    assert main([*command, "--out", "d.safetensors"]) == 0
    assert "i mod K; --data with labels says the class" in capsys.readouterr().err
    with np.load("z.npz") as found:
        mean = posterior(bundle, pictures(2), torch.eye(4)[:2])[0]
        np.testing.assert_allclose(found["mean"], mean, atol=1e-5)


def test_the_names_of_folders_say_which_classes_of_the_model_are_meant(tmp_path):
    bundle = write_tiny_vae(tmp_path / "model", channels=1, optional=False)
    images = pictures(4)
    for image, name in zip(images, ("bee", "bee", "dog", "dog"), strict=True):
        folder = tmp_path / "sorted" / name
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / f"{len(list(folder.iterdir()))}.png")
    assert main(["encode", str(bundle.path), "sorted", "--out", "z.npz"]) == 0
    y = torch.eye(4)[[1, 1, 3, 3]]
    with np.load("z.npz") as found:
        np.testing.assert_allclose(found["mean"], posterior(bundle, images, y)[0], atol=1e-5)


@pytest.mark.parametrize("names", [("ant", "wasp"), None])
def test_classes_that_are_not_the_models_are_told_and_left_out(tmp_path, capsys, names):
    bundle = write_tiny_vae(tmp_path / "model", channels=1)
    images, labels = pictures(4), np.array([0, 0, 1, 1])
    if names is None:
        np.savez("data.npz", images=images, labels=labels * 4)
    else:
        for image, label in zip(images, labels, strict=True):
            folder = tmp_path / "sorted" / names[label]
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(folder / f"{len(list(folder.iterdir()))}.png")
    source = "data.npz" if names is None else "sorted"
    assert main(["encode", str(bundle.path), source, "--out", "z.npz"]) == 0
    assert "are not those of model" in capsys.readouterr().err
    with np.load("z.npz") as found:
        mean = posterior(bundle, images, torch.zeros(4, 4))[0]
        np.testing.assert_allclose(found["mean"], mean, atol=1e-5)
