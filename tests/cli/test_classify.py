"""`genviewer classify`: the document, priors, outliers, accuracy, and how it ends."""

import json

import numpy as np
import pytest
from PIL import Image

from genviewer.cli import main
from genviewer.core.resources import models_dir
from genviewer.engine import bayes_reference
from tests.tiny_models import write_tiny_vae


@pytest.fixture
def model(tmp_path, monkeypatch):
    monkeypatch.setattr(bayes_reference, "OWN_SAMPLES", 8)
    monkeypatch.setattr(bayes_reference.own_samples, "__defaults__", (8,))
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (6, 8, 8), np.uint8)
    np.savez("data.npz", images=images, labels=np.arange(6) % 4)
    return write_tiny_vae(tmp_path / "tiny", channels=1)


def run(capsys, *arguments, code=0):
    assert main(["classify", *arguments]) == code
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return captured


def test_the_document_is_as_the_contract_says(model, capsys):
    arguments = ["./tiny", "data.npz", "--samples", "4", "--json"]
    out = run(capsys, *arguments).out
    document = json.loads(out)
    assert set(document) == {"classes", "images"}
    assert document["classes"] == ["ant", "bee", "cat", "dog"]
    assert [image["index"] for image in document["images"]] == list(range(6))
    for image in document["images"]:
        assert set(image) == {"index", "posterior", "log_px", "rejected"}
        assert sum(image["posterior"]) == pytest.approx(1.0)
        assert isinstance(image["rejected"], bool)
    assert run(capsys, *arguments).out == out


def test_the_prior_is_heeded(model, capsys):
    out = run(capsys, "./tiny", "data.npz", "--samples", "2", "--prior", "bee:3,dog:1", "--json")
    for image in json.loads(out.out)["images"]:
        assert image["posterior"][0] == image["posterior"][2] == 0.0


def test_other_images_are_asked_about_with_the_same_prior(model, capsys):
    """The very same images cannot be told from themselves."""
    arguments = ["./tiny", "data.npz", "--samples", "2", "--prior", "bee:1", "--json"]
    [against] = json.loads(run(capsys, *arguments, "--against", "data.npz").out)["against"]
    assert against["auroc"] == against["auroc_log_px"] == 0.5


def test_the_images_of_the_reference_are_rejected_as_often_as_asked(model, capsys):
    """Seeded alike, the threshold at a half has half of the same images below it."""
    arguments = ["./tiny", "data.npz", "--samples", "3", "--reference", "data.npz", "--json"]
    rejected = []
    for share in ("0", "0.5", "1"):
        document = json.loads(run(capsys, *arguments, "--reject", share).out)
        rejected.append(sum(image["rejected"] for image in document["images"]))
    assert rejected == [0, 3, 5]


def test_the_text_has_the_accuracy_and_what_is_usual(model, capsys):
    text = run(capsys, "./tiny", "data.npz", "--samples", "2").out
    assert "accuracy: " in text
    assert "of 8 of samples of tiny" in text


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["./tiny", "data.npz", "--prior", "wasp:1"], 1, "wasp"),
        (["./tiny", "data.npz", "--prior", "bee"], 1, "CLASS:WEIGHT"),
        (["./tiny", "data.npz", "--reject", "2"], 2, "--reject"),
        (["./tiny", "data.npz", "--reject", "nan"], 2, "--reject"),
        (["./tiny", "data.npz", "--reference", "none.npz"], 1, "none.npz"),
        (["digits-cgan", "data.npz"], 1, "no density"),
        (["digits-vae", "data.npz"], 1, "no classes"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_sentence(model, capsys, arguments, code, told):
    captured = run(capsys, *arguments, code=code)
    assert told in captured.err
    assert captured.out == ""


@pytest.mark.skipif(
    not (models_dir() / "digits-cvae" / "config.json").is_file(), reason="digits-cvae is not here"
)
def test_the_bundled_model_reads_digits_and_knows_what_is_none(shared, capsys, tmp_path):
    path = shared / "data" / "mnist.npz"
    if not path.is_file():
        pytest.skip(f"no MNIST: {path} is not there")
    with np.load(path) as archive:
        images, labels = archive["test_images"][:20], archive["test_labels"][:20]
    strange = np.random.default_rng(0).integers(0, 256, (4, 28, 28), np.uint8)
    np.save(tmp_path / "mixed.npy", np.concatenate([images, strange]))
    np.savez(tmp_path / "usual.npz", images=images)
    out = run(
        capsys, "digits-cvae", str(tmp_path / "mixed.npy"), "--samples", "4", "--reject", "0",
        "--reference", str(tmp_path / "usual.npz"), "--json",
    ).out  # fmt: skip
    found = json.loads(out)["images"]
    right = [np.argmax(i["posterior"]) == y for i, y in zip(found, labels, strict=False)]
    assert sum(right) >= 19
    assert [i["rejected"] for i in found] == [False] * 20 + [True] * 4


def test_other_images_are_told_from_the_usual_ones(model, capsys):
    rng = np.random.default_rng(1)
    noise = rng.integers(0, 2, (10, 8, 8), np.uint8) * 255
    np.savez("noise.npz", images=noise, labels=np.arange(10) % 5)
    for name in ("ant", "rust", "moss"):
        (model.path.parent / "sorted" / name).mkdir(parents=True)
        for index in range(2):
            path = model.path.parent / "sorted" / name / f"{index}.png"
            Image.fromarray(noise[index]).save(path)
    arguments = ["./tiny", "data.npz", "--samples", "2", "--reference", "data.npz"]
    arguments += ["--against", "noise.npz", "--against", "sorted", "--leave-out", "moss"]
    first, second = json.loads(run(capsys, *arguments, "--json").out)["against"]
    assert (first["source"], first["images"]) == ("noise.npz", 10)
    assert second["images"] == 2  # "ant" is the model's, "moss" is left out
    for found in (first, second):
        assert 0.0 <= found["auroc"] <= 1.0
        assert 0.0 <= found["rejected"] <= 1.0
    text = run(capsys, *arguments).out
    assert "10 of noise.npz: rejected" in text
    everything = [*arguments[:-1], "rust,moss"]
    assert "no images of other classes" in run(capsys, *everything, code=1).err
