"""`genviewer likelihood`: the document, what images it takes, and how it ends."""

import json

import numpy as np
import pytest
from PIL import Image

from genviewer.cli import main
from genviewer.engine.bayes_reference import bundled_reference
from tests.tiny_models import write_tiny_vae


@pytest.fixture
def model(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (9, 8, 8), np.uint8)
    np.savez("data.npz", train_images=images[:5], test_images=images[5:])
    folder = tmp_path / "pictures"
    folder.mkdir()
    for index, image in enumerate(images[5:7]):
        Image.fromarray(image).save(folder / f"{index}.png")
    return write_tiny_vae(tmp_path / "tiny", channels=1)


def run(capsys, *arguments, code=0):
    assert main(["likelihood", *arguments]) == code
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return captured


def test_the_document_is_as_the_contract_says(model, capsys):
    out = run(capsys, "./tiny", "data.npz", "--samples", "20", "--json").out
    rows = json.loads(out)
    assert [row["index"] for row in rows] == [0, 1, 2, 3]  # of the test split
    for row in rows:
        assert set(row) == {"index", "elbo", "log_px", "stderr", "bits_per_dim"}
        assert row["log_px"] > row["elbo"]
        assert row["bits_per_dim"] == pytest.approx(-row["log_px"] / 64 / np.log(2))
    assert json.loads(run(capsys, "./tiny", "data.npz", "--samples", "20", "--json").out) == rows


def test_files_have_their_names_and_the_figures_of_the_same_image_in_a_data_set(model, capsys):
    by_index = json.loads(run(capsys, "./tiny", "data.npz", "--samples", "5", "--json").out)
    found = json.loads(run(capsys, "./tiny", "pictures", "--samples", "5", "--json").out)
    assert [row["file"] for row in found] == ["pictures/0.png", "pictures/1.png"]
    for one, other in zip(found, by_index, strict=False):
        assert one["log_px"] == pytest.approx(other["log_px"], abs=1e-3)


def test_splits_and_limits(model, capsys):
    arguments = ["./tiny", "data.npz", "--samples", "2", "--json"]
    assert len(json.loads(run(capsys, *arguments, "--split", "train").out)) == 5
    assert len(json.loads(run(capsys, *arguments, "--split", "all").out)) == 9
    assert len(json.loads(run(capsys, *arguments, "--limit", "2").out)) == 2
    whole = json.loads(run(capsys, *arguments, "--split", "all").out)
    six = json.loads(run(capsys, *arguments, "--split", "all", "--limit", "6").out)
    figures = [row["log_px"] for row in whole[:6]]
    assert [row["log_px"] for row in six] == pytest.approx(figures, abs=1e-3)


def test_files_beyond_the_limit_are_not_looked_at(model, capsys, tmp_path):
    (tmp_path / "pictures" / "2.png").write_bytes(b"damaged")
    arguments = ["./tiny", "pictures", "--samples", "2", "--json"]
    whole = json.loads(run(capsys, *arguments, code=1).out)
    found = run(capsys, *arguments, "--limit", "2")
    assert json.loads(found.out) == whole
    assert "2.png" not in found.err


def test_a_single_sample_has_no_standard_error(model, capsys):
    rows = json.loads(run(capsys, "./tiny", "pictures/0.png", "--samples", "1", "--json").out)
    assert rows[0]["stderr"] is None


def test_the_text_says_what_the_figures_are_of(model, capsys):
    out = run(capsys, "./tiny", "pictures", "--samples", "3").out
    assert "pictures/1.png" in out
    assert "in nats" in out
    assert "random binarisation" in out


def test_a_reference_tells_how_strange_an_image_is(model, capsys):
    arguments = ["./tiny", "data.npz", "--samples", "3", "--reference", "data.npz"]
    rows = json.loads(run(capsys, *arguments, "--json").out)
    # Each is one of the four of the reference: half of its own share counts as below it.
    assert sorted(row["percentile"] for row in rows) == [12.5, 37.5, 62.5, 87.5]
    assert np.argmax([row["percentile"] for row in rows]) == np.argmax([r["log_px"] for r in rows])
    text = run(capsys, *arguments).out
    assert "stranger than 12.5 %" in text
    assert "compared with 4 of data.npz" in text


def test_a_reference_is_kept_in_the_models_folder_and_not_replaced_unasked(model, capsys):
    keep = ("./tiny", "pictures", "--samples", "2", "--reference", "data.npz", "--keep-reference")
    assert "reference.json" in run(capsys, *keep).err
    kept = bundled_reference(model)
    assert kept.name == "data.npz"
    assert len(kept.log_px) == 4  # the test split
    assert "--force" in run(capsys, *keep, code=1).err
    run(capsys, *keep, "--force")
    run(capsys, "./tiny", "pictures", "--keep-reference", code=2)


def test_other_sizes_are_fitted_and_that_is_said(model, capsys):
    Image.new("RGB", (20, 16), (10, 200, 30)).save("large.png")
    captured = run(capsys, "./tiny", "large.png", "--samples", "2", "--json")
    assert "8x8" in captured.err
    assert len(json.loads(captured.out)) == 1


def test_a_damaged_file_is_told_of_and_the_others_are_done(model, capsys):
    (model.path.parent / "pictures" / "1.png").write_bytes(b"\x89PNG\r\n\x1a\nrubbish")
    captured = run(capsys, "./tiny", "pictures", "--samples", "2", "--json", code=1)
    assert [row["file"] for row in json.loads(captured.out)] == ["pictures/0.png"]
    assert "1.png" in captured.err


def test_arrays_of_bytes_and_of_floats_are_the_same_images(model, capsys):
    images = np.random.default_rng(3).integers(0, 256, (2, 8, 8), np.uint8)
    np.save("bytes.npy", images)
    np.save("floats.npy", (images / 255.0).astype(np.float32)[:, None])
    found = [
        json.loads(run(capsys, "./tiny", name, "--samples", "2", "--json").out)
        for name in ("bytes.npy", "floats.npy")
    ]
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["./tiny"], 2, "IMAGES"),
        (["./tiny", "none.npz"], 1, "none.npz"),
        (["./tiny", "none.png"], 1, "None of the images"),
        (["./tiny", "data.npz", "--split", "half"], 2, "--split"),
        (["./tiny", "pictures", "--split", "test"], 2, "--split"),
        (["./tiny", "data.npz", "more.npz"], 2, "one data set"),
        (["./tiny", "data.npz", "--samples", "0"], 2, "--samples"),
        (["nonesuch", "data.npz"], 1, "nonesuch"),
        (["digits-gan", "data.npz"], 1, "no density"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_sentence(model, capsys, arguments, code, told):
    captured = run(capsys, *arguments, code=code)
    assert told in captured.err
    assert captured.out == ""
