"""`genviewer iwae`: a run of the benchmark, and its figure in a page."""

import json

import numpy as np
import pytest

from genviewer.cli import main
from genviewer.engine.iwae_nll import TABLE_END, TABLE_START


@pytest.fixture(autouse=True)
def digits(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (50, 28, 28), np.uint8)
    np.savez("digits.npz", train_images=images[:40], test_images=images[40:])
    np.savez("small.npz", train_images=images[:40, :8, :8], test_images=images[40:, :8, :8])


def run(capsys, *arguments, code=0):
    assert main(["iwae", *arguments]) == code
    return capsys.readouterr()


def test_a_run_is_trained_measured_and_put_into_a_page(tmp_path, capsys):
    said = run(capsys, "train", "run", "-k", "2", "--stages", "1", "--data", "digits.npz")
    assert said.out == ""
    assert "epoch 1/1" in said.err
    assert (tmp_path / "run" / "bundle" / "model.safetensors").is_file()
    assert "--resume" in run(capsys, "train", "run", "--data", "digits.npz", code=1).err
    run(capsys, "train", "run", "--stages", "2", "--data", "digits.npz", "--resume")
    page = tmp_path / "page.md"
    page.write_text(f"{TABLE_START}\n{TABLE_END}\n")
    options = ("--samples", "3", "--limit", "4", "--data", "digits.npz", "--table", "page.md")
    (found,) = json.loads(run(capsys, "evaluate", "run", *options, "--json").out)
    assert (found["samples"], found["epochs"], found["stages"]) == (2, 4, 2)
    assert found["images"] == 4
    assert found["elbo"] <= -found["nll"]
    assert f"| 2 | 4 | 2 of 8 | 4 | {found['nll']:.2f}" in page.read_text()
    first = run(capsys, "evaluate", "run", *options[:-2], "--stages", "1").out
    assert "| 2 | 1 | 1 of 8 | 4 |" in first
    newest = run(capsys, "evaluate", "run", *options[:-2], "--newest").out
    assert "| 2 | 4 | 2 of 8 | 4 |" in newest


def test_what_cannot_be_done_is_told_in_one_sentence(capsys):
    for arguments, reason in (
        (("evaluate", "nowhere", "--data", "digits.npz"), "holds no run"),
        (("evaluate", "run", "--newest", "--stages", "2", "--data", "digits.npz"), "exclude"),
        (("train", "run", "--data", "small.npz"), "28x28"),
        (("train", "run", "--resume", "--data", "digits.npz"), "holds no run"),
    ):
        said = run(capsys, *arguments, code=1).err
        assert reason in said
        assert "Traceback" not in said
