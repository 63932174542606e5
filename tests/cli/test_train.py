"""`genviewer train`, from a configuration file to a bundle that `sample` draws from."""

import numpy as np
import pytest

from genviewer.cli import main

CONFIG = """
name = "toy"
steps = 2
batch_size = 4
checkpoint_every = 1
log_every = 1
threads = 1

[data]
source = "{data}"

[network]
type = "residual_vae"
image_size = 8
latent_dim = 3
classes = 2
hidden = 8
channels = [8, 4]
blocks = [1, 1]
encoder_blocks = [1, 1]
shuffle = 1

[vae]
"""


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    np.savez(
        tmp_path / "data.npz",
        images=rng.integers(0, 256, (16, 8, 8, 1), np.uint8),
        labels=rng.integers(0, 2, 16),
    )
    path = tmp_path / "train.toml"
    path.write_text(CONFIG.format(data=(tmp_path / "data.npz").as_posix()))
    return path


def test_train_and_draw_from_what_came_of_it(config, capsys):
    assert main(["train", str(config), "--out", "run"]) == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "step 2/2" in captured.err
    run = config.parent / "run"
    assert (run / "train.toml").is_file()
    assert len((run / "metrics.csv").read_text().splitlines()) == 3
    assert any((run / "checkpoints").iterdir())
    assert main(["sample", "run/bundle", "-n", "2", "--out", "x.npy"]) == 0
    assert np.load("x.npy").shape == (2, 1, 8, 8)
    assert main(["train", str(config), "--out", "run"]) == 1  # never over another run
    assert "run" in capsys.readouterr().err


def test_the_run_folder_is_named_for_the_model_and_the_time(config):
    assert main(["train", str(config), "--steps", "0"]) == 0
    (run,) = (config.parent / "runs").iterdir()
    assert run.name.startswith("toy-")
    assert (run / "bundle" / "model.safetensors").is_file()


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["none.toml"], 1, "none.toml"),
        (["train.toml", "--data", "none.npz"], 1, "none.npz"),
        (["train.toml", "--from", "nonesuch"], 1, "nonesuch"),
        (["train.toml", "--resume"], 1, "resume"),
        (["train.toml", "--resume", "--out", "none"], 1, "none"),
        (["train.toml", "--steps", "-1"], 2, "--steps"),
    ],
)
def test_what_cannot_be_trained_is_told_in_one_sentence(config, capsys, arguments, code, told):
    assert main(["train", *arguments]) == code
    captured = capsys.readouterr()
    assert told in captured.err
    assert "Traceback" not in captured.err


def test_a_configuration_with_a_wrong_field(config, capsys):
    config.write_text(config.read_text() + "colour = 3\n")
    assert main(["train", str(config)]) == 1
    assert "colour" in capsys.readouterr().err
