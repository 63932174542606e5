"""`genviewer directions`: what it writes and how it ends."""

import numpy as np
import pytest
from PIL import Image

from genviewer.cli import main
from genviewer.engine.directions_file import read_directions
from tests.tiny_models import write_tiny_vae


@pytest.fixture
def model(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (12, 8, 8), np.uint8)
    np.savez("data.npz", images=images, labels=np.arange(12) % 4)
    for index, image in enumerate(images[:6]):
        folder = tmp_path / "sorted" / ("day", "night")[index % 2]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / f"{index}.png")
    return write_tiny_vae(tmp_path / "tiny", channels=1)


def run(*arguments, code=0):
    assert main(["directions", "./tiny", *arguments]) == code


def test_every_method_writes_a_file_that_can_be_read(model, tmp_path, capsys):
    run("--method", "sefa", "--out", "s.safetensors", "-n", "3")
    run("--method", "pca", "--out", "f.safetensors", "-n", "3")
    run("--method", "pca", "--data", "data.npz", "--out", "p.safetensors", "-n", "3")
    run("--method", "class", "--data", "data.npz", "--out", "c.safetensors")
    run("--method", "class", "--data", "sorted", "--out", "n.safetensors")
    run("--method", "attribute", "--out", "a.safetensors")
    run("--method", "attribute", "--data", "sorted", "--out", "b.safetensors", code=2)
    assert "brightness" in read_directions(tmp_path / "a.safetensors", model.spec)[0].names

    assert capsys.readouterr().out == ""
    found = {
        name: read_directions(tmp_path / f"{name}.safetensors", model.spec) for name in "sfpcn"
    }
    assert {model_id for _, model_id in found.values()} == {model.model_id}
    assert [len(found[name][0].names) for name in "sfpc"] == [3, 3, 3, 4]
    assert found["n"][0].names == ("day", "night")
    assert found["s"][0].method == "sefa"


def test_directions_along_others_are_left_out(model, tmp_path, capsys):
    run("--method", "sefa", "--out", "s.safetensors", "-n", "2")
    run("--method", "pca", "--out", "p.safetensors", "-n", "2", "--against", "s.safetensors")
    first, second = (
        read_directions(tmp_path / name)[0] for name in ("s.safetensors", "p.safetensors")
    )
    assert np.abs(first.vectors @ second.vectors.T).max() < 1e-5
    data = ["--method", "pca", "--data", "data.npz", "--out", "e.safetensors", "-n", "3"]
    run(*data, "--against", "s.safetensors")
    left = read_directions(tmp_path / "e.safetensors")[0]
    assert main(["encode", "./tiny", "data.npz", "--out", "z.npz"]) == 0
    with np.load("z.npz") as encoded:
        spread = (encoded["mean"] @ left.vectors.T).std(0)
    assert left.deviations == pytest.approx(spread, rel=1e-3)
    nothing = ["--method", "sefa", "--out", "t.safetensors", "-n", "2"]

    capsys.readouterr()
    run(*nothing, "--against", "s.safetensors", code=1)
    assert capsys.readouterr().err.startswith("genviewer: Nothing is left of the directions")


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["--method", "sefa"], 2, "--out"),
        (["--method", "magic", "--out", "d.safetensors"], 2, "--method"),
        (["--method", "sefa", "--out", "d.npz"], 2, ".safetensors"),
        (["--method", "class", "--out", "d.safetensors"], 2, "--data"),
        (["--method", "sefa", "--data", "data.npz", "--out", "d.safetensors"], 2, "no --data"),
        (["--method", "pca", "--data", "none.npz", "--out", "d.safetensors"], 1, "none.npz"),
        (["--method", "pca", "--out", "d.safetensors", "--against", "data.npz"], 1, "data.npz"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_sentence(
    model, tmp_path, capsys, arguments, code, told
):
    run(*arguments, code=code)
    captured = capsys.readouterr()
    assert told in captured.err
    assert "Traceback" not in captured.err
    assert not (tmp_path / "d.safetensors").exists()


def test_nothing_is_overwritten_silently(model, tmp_path, capsys):
    (tmp_path / "d.safetensors").write_text("mine")
    run("--method", "sefa", "--out", "d.safetensors", code=1)
    assert "--force" in capsys.readouterr().err
    assert (tmp_path / "d.safetensors").read_text() == "mine"
    run("--method", "sefa", "--out", "d.safetensors", "--force")
    read_directions(tmp_path / "d.safetensors")
