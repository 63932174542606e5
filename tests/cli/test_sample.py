"""`genviewer sample`, through the same entry point as the command."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from genviewer.cli import main
from genviewer.core.recipe import from_json
from genviewer.io.images import ImageRecord, read_record
from tests.tiny_models import LATENT, SIZE, write_tiny_vae


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A conditional bundle: classes ant, bee, cat, dog; the class may be left empty."""
    return write_tiny_vae(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """An unconditional bundle of one channel."""
    return write_tiny_vae(tmp_path_factory.mktemp("models") / "plain", classes=(), channels=1)


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def sample(bundle, *arguments, code=0):
    assert main(["sample", str(bundle.path), "--engine", "torch", *map(str, arguments)]) == code


def raw(bundle, *arguments):
    sample(bundle, *arguments, "--raw", "--out", "raw.npy", "--force")
    return np.load("raw.npy")


def latents_of(seed, count):
    rows = [np.random.default_rng(seed + i).standard_normal(LATENT) for i in range(count)]
    return np.array(rows).astype(np.float32)


def test_npz_holds_images_latents_labels_and_seeds(tiny):
    sample(tiny, "-n", 6, "--seed", 40, "--out", "x.npz")
    with np.load("x.npz") as file:
        assert file["images"].shape == (6, SIZE, SIZE, 3)
        assert file["images"].dtype == np.uint8
        assert np.array_equal(file["latents"], latents_of(40, 6))
        assert file["labels"].tolist() == [0, 1, 2, 3, 0, 1]
        assert file["seeds"].tolist() == [40, 41, 42, 43, 44, 45]
        assert len({image.tobytes() for image in file["images"]}) == 6


def test_npz_of_an_unconditional_model_has_labels_without_columns(plain):
    sample(plain, "-n", 2, "--out", "x.npz")
    with np.load("x.npz") as file:
        assert file["images"].shape == (2, SIZE, SIZE, 1)
        assert file["labels"].shape == (2, 0)


def test_a_sample_depends_on_its_seed_alone(tiny):
    many = raw(tiny, "-n", 20, "--seed", 3, "--class", "cat")
    one = raw(tiny, "-n", 1, "--seed", 20, "--class", "cat")
    assert np.abs(many[17] - one[0]).max() < 1e-5
    assert np.abs(many[16] - one[0]).max() > 1e-3


def test_npy_is_float32_channels_first_in_0_to_1(tiny):
    sample(tiny, "-n", 3, "--out", "x.npy")
    array = np.load("x.npy")
    assert array.dtype == np.float32
    assert array.shape == (3, 3, SIZE, SIZE)
    assert array.min() >= 0
    assert array.max() <= 1
    assert array.std() > 0.01


def test_images_agree_with_arrays(tiny):
    sample(tiny, "-n", 1, "--out", "x.npy")
    sample(tiny, "-n", 1, "--out", "x.png")
    pixels = np.asarray(Image.open("x.png"))
    assert np.abs(pixels / 255 - np.load("x.npy")[0].transpose(1, 2, 0)).max() <= 0.5 / 255 + 1e-6


@pytest.mark.parametrize(("count", "columns", "rows"), [(1, 1, 1), (2, 2, 1), (5, 3, 2), (9, 3, 3)])
def test_a_sheet_has_ceil_sqrt_n_columns(tiny, count, columns, rows):
    sample(tiny, "-n", count, "--out", "x.png")
    with Image.open("x.png") as image:
        assert image.size == (columns * SIZE, rows * SIZE)


def test_a_sheet_is_in_reading_order(tiny):
    sample(tiny, "-n", 5, "--out", "sheet.png")
    sample(tiny, "-n", 5, "--out", "each")
    sheet = np.asarray(Image.open("sheet.png"))
    for index in range(5):
        row, column = divmod(index, 3)
        tile = sheet[row * SIZE : (row + 1) * SIZE, column * SIZE : (column + 1) * SIZE]
        assert np.array_equal(tile, np.asarray(Image.open(f"each/{index:05d}.png")))
    assert not sheet[SIZE:, 2 * SIZE :].any()


@pytest.mark.parametrize(("suffix", "kind"), [("webp", "WEBP"), ("jpg", "JPEG"), ("PNG", "PNG")])
def test_image_formats(tiny, suffix, kind):
    sample(tiny, "-n", 4, "--out", f"x.{suffix}")
    with Image.open(f"x.{suffix}") as image:
        assert image.format == kind
        assert image.size == (2 * SIZE, 2 * SIZE)


def test_webp_loses_nothing(plain):
    sample(plain, "-n", 4, "--out", "x.png")
    sample(plain, "-n", 4, "--out", "x.webp")
    png = np.asarray(Image.open("x.png").convert("RGB"))
    assert np.array_equal(png, np.asarray(Image.open("x.webp").convert("RGB")))


def test_a_folder_has_one_png_each_and_a_manifest(tiny):
    sample(tiny, "-n", 3, "--seed", 9, "--class", "bee,dog", "--out", "each")
    manifest = json.loads(Path("each/manifest.json").read_text())
    assert manifest["model"] == {"name": "tiny", "id": tiny.model_id}
    assert [e["file"] for e in manifest["images"]] == ["00000.png", "00001.png", "00002.png"]
    assert [e["seed"] for e in manifest["images"]] == [9, 10, 11]
    assert [e["condition"] for e in manifest["images"]] == ["bee", "dog", "bee"]
    for entry in manifest["images"]:
        record = from_json(
            json.dumps({"model": manifest["model"], "recipe": entry["recipe"]}), ImageRecord
        )
        assert record.recipe == read_record(Path("each/" + entry["file"])).recipe


def test_a_png_carries_the_recipe_that_draws_it_again(tiny):
    sample(
        tiny, "-n", 1, "--seed", 5, "--mix", "ant:1,dog:3", "--truncation", 0.5, "--out", "x.png"
    )
    record = read_record(Path("x.png"))
    assert record.model == tiny.ref
    recipe = record.recipe
    assert recipe is not None
    assert np.array_equal(recipe.latent.array, latents_of(5, 1)[0])  # before truncation
    assert recipe.truncation == 0.5
    assert recipe.condition.class_weights("class") == {0: 0.25, 3: 0.75}


def test_classes_take_turns(tiny):
    sample(tiny, "-n", 5, "--class", "#3,ant..cat", "--out", "x.npz")
    with np.load("x.npz") as file:
        assert file["labels"].tolist() == [3, 0, 1, 2, 3]


def test_class_condition_by_name_is_the_same_as_class(tiny):
    by_class = raw(tiny, "-n", 2, "--class", "cat")
    assert np.array_equal(by_class, raw(tiny, "-n", 2, "--condition", "class=cat"))
    assert not np.array_equal(by_class, raw(tiny, "-n", 2, "--class", "any"))


def test_a_mix_lies_between_its_classes_and_names_them_in_the_labels(tiny):
    sample(tiny, "-n", 2, "--mix", "ant:1,bee:1", "--out", "x.npz")
    with np.load("x.npz") as file:
        assert file["labels"].tolist() == [[0.5, 0.5, 0.0, 0.0]] * 2


def test_truncation_scales_the_latents(tiny):
    sample(tiny, "-n", 2, "--truncation", 0.5, "--out", "x.npz")
    with np.load("x.npz") as file:
        assert np.array_equal(file["latents"], latents_of(0, 2) * np.float32(0.5))


@pytest.mark.parametrize("shape", [(3, LATENT), (3, LATENT, 1, 1)])
def test_given_latents_are_final(tiny, shape):
    given = latents_of(70, 3)
    np.save("z.npy", given.reshape(shape))
    drawn = raw(tiny, "--latents", "z.npy", "--class", "ant")
    assert np.array_equal(drawn, raw(tiny, "-n", 3, "--seed", 70, "--class", "ant"))
    assert np.array_equal(
        drawn, raw(tiny, "--latents", "z.npy", "--class", "ant", "--truncation", 0.1)
    )


def test_what_npz_holds_draws_the_same_again(tiny):
    sample(tiny, "-n", 5, "--seed", 2, "--truncation", 0.7, "--class", "dog..ant", "--out", "x.npz")
    with np.load("x.npz") as file:
        np.save("z.npy", file["latents"])
        np.save("y.npy", file["labels"])
        images = file["images"]
    sample(tiny, "--latents", "z.npy", "--labels", "y.npy", "--out", "again.npz")
    with np.load("again.npz") as file:
        assert np.array_equal(file["images"], images)
        assert file["seeds"].shape == (0,)


def test_labels_alone_decide_the_number(tiny):
    np.save("y.npy", np.array([[3], [-1], [0]]))
    sample(tiny, "--labels", "y.npy", "--out", "x.npz")
    with np.load("x.npz") as file:
        assert file["labels"].tolist() == [3, -1, 0]
    np.save("y.npy", np.array([[0, 0, 1.0, 0], [0, 0.25, 0, 0.75]], np.float32))
    sample(tiny, "--labels", "y.npy", "--out", "w.npz")
    with np.load("w.npz") as file:
        assert file["labels"].tolist() == [[0, 0, 1, 0], [0, 0.25, 0, 0.75]]


def test_nothing_on_stdout_and_one_line_on_stderr(tiny, capsys):
    sample(tiny, "-n", 1, "--out", "x.png")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert "1 sample(s) of tiny (torch on cpu) are in x.png" in captured.err


def test_an_image_stands_for_the_model_that_made_it(tiny, monkeypatch):
    from genviewer.io import library

    monkeypatch.setattr(library, "models_dir", lambda: tiny.path.parent)
    assert main(["sample", "tiny", "-n", "1", "--engine", "torch", "--out", "x.png"]) == 0
    assert main(["sample", "x.png", "-n", "1", "--engine", "torch", "--out", "y.png"]) == 0
    assert read_record(Path("y.png")).model == tiny.ref


# what is refused


@pytest.mark.parametrize("out", ["x.png", "x.npy", "x.npz", "folder"])
def test_an_existing_output_is_refused_unless_forced(tiny, out, capsys):
    sample(tiny, "-n", 2, "--out", out)
    before = _content(out)
    sample(tiny, "-n", 2, "--seed", 50, "--out", out, code=1)
    assert "--force" in capsys.readouterr().err
    assert _content(out) == before
    sample(tiny, "-n", 2, "--seed", 50, "--out", out, "--force")
    assert _content(out) != before


def _content(out):
    path = Path(out)
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    return [file.read_bytes() for file in files]


def test_force_leaves_other_files_of_a_folder_alone(tiny):
    Path("folder").mkdir()
    Path("folder/mine.txt").write_text("kept")
    sample(tiny, "-n", 1, "--out", "folder", code=1)
    sample(tiny, "-n", 1, "--out", "folder", "--force")
    assert Path("folder/mine.txt").read_text() == "kept"
    assert sorted(p.name for p in Path("folder").iterdir()) == [
        "00000.png",
        "manifest.json",
        "mine.txt",
    ]


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["--class", "cow"], 1, "no class 'cow'"),
        (["--class", "#4"], 1, "#0 to #3"),
        (["--mix", "ant:x"], 1, "CLASS:WEIGHT"),
        (["--class", "ant", "--mix", "ant:1"], 2, "exclude"),
        (["--condition", "size=3"], 1, "no condition 'size'"),
        (["--condition", "class"], 2, "NAME=VALUE"),
        (["--condition", "class=ant", "--class", "bee"], 2, "more than once"),
        (["--space", "w"], 1, "only z"),
        (["--noise", "3"], 1, "no noise"),
        (["--noise", "loud"], 2, "const, none or a seed"),
        (["--truncation-cutoff", "2"], 1, "no layers"),
        (["--latents", "none.npy"], 1, "none.npy"),
        (["--labels", "text.npy"], 1, "text.npy"),
        (["--latents", "bad.npy"], 1, "takes (N, 6)"),
        (["--latents", "nan.npy"], 1, "not finite"),
        (["--latents", "z.npy", "-n", "5"], 2, "-n has 5, --latents has 2"),
        (["--latents", "empty.npy"], 1, "no rows"),
        (["--latents", "pickle.npy"], 1, "pickle.npy"),
        (["--latents", "short.npy"], 1, "short.npy"),
        (["--labels", "y.npy", "--class", "ant"], 2, "--labels"),
        (["--labels", "y.npy"], 1, "no 9"),
        (["--device", "abacus"], 1, "abacus"),
        (["--raw"], 2, ".npy"),
        (["-n", "0"], 2, "--count"),
        (["--seed", "-1"], 2, "--seed"),
        (["--engine", "steam"], 2, "steam"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_sentence(tiny, capsys, arguments, code, told):
    np.save("z.npy", latents_of(0, 2))
    np.save("bad.npy", np.zeros((2, LATENT + 1), np.float32))
    np.save("nan.npy", np.full((2, LATENT), np.nan, np.float32))
    np.save("y.npy", np.array([9]))
    np.save("empty.npy", np.zeros((0, LATENT), np.float32))
    np.save("pickle.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    Path("short.npy").write_bytes(Path("z.npy").read_bytes()[:-8])
    Path("text.npy").write_text("not an array")
    sample(tiny, *arguments, "--out", "x.png", code=code)
    captured = capsys.readouterr()
    assert told in captured.err
    assert "Traceback" not in captured.err
    assert captured.out == ""
    assert not Path("x.png").exists()


def test_an_unconditional_model_has_no_classes(plain, capsys):
    sample(plain, "--class", "ant", "--out", "x.png", code=1)
    assert "plain has no classes" in capsys.readouterr().err


def test_an_output_that_cannot_be_written_is_told(tiny, capsys):
    Path("file").write_text("in the way")
    sample(tiny, "-n", 1, "--out", "file/x.png", code=1)
    captured = capsys.readouterr()
    assert "file" in captured.err
    assert "Traceback" not in captured.err


def test_a_failure_half_way_leaves_nothing_behind(tiny, monkeypatch):
    from genviewer.cli import output

    def fail(*_arguments):
        raise OSError(28, "No space left on device", "disk")

    monkeypatch.setattr(output.json, "dumps", fail)
    sample(tiny, "-n", 2, "--out", "folder", code=1)
    assert list(Path(".").iterdir()) == []


def test_a_sheet_beyond_what_a_format_holds_is_refused(tiny, monkeypatch, capsys):
    from genviewer.cli import output

    monkeypatch.setitem(output.MAX_SIDE, ".webp", 2 * SIZE - 1)
    sample(tiny, "-n", 4, "--out", "x.webp", code=1)
    assert "too large for .webp" in capsys.readouterr().err
    assert not Path("x.webp").exists()
