"""`genviewer invert`: what the file holds, that it draws the image again, and how it ends."""

import numpy as np
import pytest

from genviewer.cli import main
from genviewer.core.resources import models_dir
from tests.tiny_models import write_tiny_vae


@pytest.fixture
def model(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.savez("data.npz", images=np.random.default_rng(0).integers(0, 256, (3, 8, 8), np.uint8))
    return write_tiny_vae(tmp_path / "tiny", channels=1)


def test_the_file_holds_latents_and_how_good_they_are(model, capsys):
    arguments = ["invert", "./tiny", "data.npz", "--steps", "8", "--restarts", "2"]
    assert main([*arguments, "--class", "bee,dog", "--out", "z.npz"]) == 0
    assert capsys.readouterr().out == ""
    with np.load("z.npz") as found:
        assert set(found) == {"latent", "psnr", "ssim", "condition"}
        assert found["latent"].shape == (3, 6)
        assert found["psnr"].shape == found["ssim"].shape == (3,)
        assert found["condition"].argmax(1).tolist() == [1, 3, 1]
    assert main([*arguments, "--out", "z.npz"]) == 1
    assert "--force" in capsys.readouterr().err


def test_a_model_without_classes_has_no_condition_in_the_file(model, tmp_path, capsys):
    write_tiny_vae(tmp_path / "plain", classes=(), channels=1)
    arguments = ["invert", "./plain", "data.npz", "--steps", "2", "--out", "z.npz"]
    assert main(arguments) == 0
    with np.load("z.npz") as found:
        assert set(found) == {"latent", "psnr", "ssim"}
    assert main([*arguments, "--force", "--class", "0"]) == 2
    assert "no classes" in capsys.readouterr().err


@pytest.mark.skipif(
    not (models_dir() / "digits-cgan" / "config.json").is_file(), reason="digits-cgan is not here"
)
def test_a_gans_own_samples_are_found_again(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["sample", "digits-cgan", "-n", "4", "--seed", "50", "--out", "own"]) == 0
    arguments = ["invert", "digits-cgan", "own", "--steps", "100", "--out", "z.npz"]
    assert main([*arguments, "--threads", "1"]) == 0
    with np.load("z.npz") as found:
        assert (found["psnr"] >= 30.0).sum() >= 3
        assert found["condition"].argmax(1).tolist() == [0, 1, 2, 3]
        latents = found["latent"]
        np.save("z.npy", latents)
        np.save("y.npy", found["condition"])
    again = ["sample", "digits-cgan", "--latents", "z.npy", "--labels", "y.npy", "--out", "x.npy"]
    assert main(again) == 0
    assert main(["sample", "digits-cgan", "-n", "4", "--seed", "50", "--out", "o.npy"]) == 0
    error = np.square(np.load("x.npy") - np.load("o.npy")).mean((1, 2, 3))
    assert (error < 1e-3).sum() >= 3


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["./tiny", "data.npz"], 2, "--out"),
        (["./tiny", "data.npz", "--out", "z.npy"], 2, ".npz"),
        (["./tiny", "none.png", "--out", "z.npz"], 1, "None of the images"),
        (["./tiny", "data.npz", "--out", "z.npz", "--class", "wasp"], 1, "wasp"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_sentence(
    model, tmp_path, capsys, arguments, code, told
):
    assert main(["invert", *arguments]) == code
    captured = capsys.readouterr()
    assert told in captured.err
    assert "Traceback" not in captured.err
    assert not (tmp_path / "z.npz").exists()
