"""`export`, `grid`, `animate` and `verify`, through the same entry point as the command."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from genviewer.cli import main
from genviewer.io.images import read_record
from genviewer.io.library import open_model
from genviewer.io.readers.answers import Answers
from genviewer.session.paths import UserFiles
from genviewer.session.recent import Recent, RecentModel, save_recent
from tests.tiny_models import LATENT, SIZE, write_tiny_vae


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return write_tiny_vae(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return write_tiny_vae(
        tmp_path_factory.mktemp("models") / "plain", classes=(), channels=3, seed=1
    )


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def run(command, bundle, *arguments, code=0):
    given = [command, str(bundle.path), "--engine", "torch", *map(str, arguments)]
    assert main(given) == code


def verdicts(capsys, *files, model=(), code=0):
    capsys.readouterr()
    options = [option for bundle in model for option in ("--model", str(bundle.path))]
    assert main(["verify", *files, *options, "--json", "--engine", "torch"]) == code
    return json.loads(capsys.readouterr().out)


def test_a_grid_is_a_sheet_that_verifies(tiny, capsys):
    run("grid", tiny, "--rows", "class=ant..cat", "--cols", "dim2=-2..2", "--out", "g.png",
        "--no-headers", "--scale", 2)  # fmt: skip
    with Image.open("g.png") as image:
        assert image.size == (5 * SIZE * 2, 3 * SIZE * 2)
    assert verdicts(capsys, "g.png", model=[tiny]) == [
        {"file": "g.png", "status": "exact", "max_abs_diff": 0.0}
    ]


def test_the_seed_is_the_same_in_all_cells_and_that_of_sample(tiny):
    run("grid", tiny, "--rows", "class=bee", "--cols", "seed=5,6", "--no-headers", "--out", "g.png")
    run("sample", tiny, "-n", 2, "--seed", 5, "--class", "bee", "--out", "each")
    sheet = np.asarray(Image.open("g.png"))
    for column in range(2):
        tile = sheet[:, column * SIZE :][:, :SIZE].astype(int)
        assert np.abs(tile - np.asarray(Image.open(f"each/{column:05d}.png"))).max() <= 1


def test_a_grid_of_models(tiny, plain, capsys):
    run("grid", tiny, "--rows", f"model={tiny.path},{plain.path}", "--cols", "seed=0..3",
        "--out", "g.webp")  # fmt: skip
    assert {model.name for model in read_record(Path("g.webp")).grid.models} == {"tiny", "plain"}
    assert verdicts(capsys, "g.webp", model=[tiny, plain])[0]["status"] == "exact"
    assert verdicts(capsys, "g.webp", model=[tiny], code=1)[0]["status"] == "missing_model"


def test_a_grid_along_a_direction(tiny, capsys):
    np.save("d.npy", np.eye(LATENT, dtype=np.float32)[:2])
    run("grid", tiny, "--rows", "direction:d.npy#1=-1,0,1", "--no-headers", "--out", "a.png")
    axis = read_record(Path("a.png")).grid.rows
    assert axis.direction.array.tolist() == np.eye(LATENT)[1].tolist()
    assert axis.values == (-1.0, 0.0, 1.0)


@pytest.mark.parametrize("suffix", ["gif", "webp", "apng", "mp4", "webm"])
def test_a_walk_has_its_frames_and_verifies(tiny, capsys, suffix):
    run("animate", tiny, "--walk", 3, "--seconds", 1, "--fps", 12, "--seed", 4, "--scale", 2,
        "--out", f"w.{suffix}")  # fmt: skip
    from genviewer.io.movie_frames import movie_frames

    frames = list(movie_frames(Path(f"w.{suffix}")))
    assert len(frames) == 12
    assert frames[0].shape[:2] == (2 * SIZE, 2 * SIZE)
    assert verdicts(capsys, f"w.{suffix}", model=[tiny])[0]["status"] == "exact"


def test_a_walk_begins_and_ends_with_its_samples(tiny):
    run("animate", tiny, "--walk", 3, "--seconds", 1, "--fps", 9, "--seed", 4, "--out", "w.apng")
    run("sample", tiny, "-n", 3, "--seed", 4, "--out", "each")
    with Image.open("w.apng") as film:
        for frame, sample in ((0, 0), (4, 1), (8, 2)):
            film.seek(frame)
            wanted = np.asarray(Image.open(f"each/{sample:05d}.png")).astype(int)
            assert np.abs(np.asarray(film.convert("RGB")) - wanted).max() <= 1


def test_a_film_of_a_size(tiny):
    way = ("--traverse", "dim1=-2..2", "--seconds", 0.5, "--fps", 8)
    run("animate", tiny, *way, "--size", "50x31", "--out", "t.gif")
    with Image.open("t.gif") as film:
        assert (film.size, film.n_frames) == ((50, 31), 4)


def test_keyframes_from_a_file(tiny):
    np.save("z.npy", np.eye(LATENT, dtype=np.float32)[:3])
    run(
        "animate",
        tiny,
        "--keyframes",
        "z.npy",
        "--seconds",
        1,
        "--fps",
        6,
        "--loop",
        "--out",
        "k.webp",
    )
    record = read_record(Path("k.webp"))
    assert len(record.animation.path.keyframes) == 3
    assert record.animation.path.loop


def test_a_data_set_with_folders_and_manifest(tiny, capsys):
    run("export", tiny, "--per-class", 5, "--seed", 3, "--out", "d")
    assert sorted(p.name for p in Path("d").iterdir() if p.is_dir() and p.name[0] != ".") == [
        "ant", "bee", "cat", "dog"
    ]  # fmt: skip
    rows = [json.loads(line) for line in Path("d/manifest.jsonl").read_text().splitlines()]
    assert len(rows) == 20
    assert [row["seed"] for row in rows] == list(range(3, 23))
    found = verdicts(capsys, *(f"d/{row['file']}" for row in rows), model=[tiny])
    assert {verdict["status"] for verdict in found} <= {"exact", "close"}


def test_shards_from_0_and_from_1_are_both_the_whole(tiny):
    for first in (0, 1):
        for index in (first, first + 1):
            run("export", tiny, "--count", 130, "--shard", f"{index}/2", "--out", f"d{first}")
        assert len(list(Path(f"d{first}").rglob("*.png"))) == 130


def test_proportions_and_the_score(tiny):
    run("export", tiny, "--count", 10, "--proportions", "ant:0.8,dog:0.2", "--out", "d")
    assert len(list(Path("d/ant").iterdir())) == 8
    assert len(list(Path("d/dog").iterdir())) == 2


@pytest.mark.parametrize(
    ("command", "arguments", "code", "told"),
    [
        ("grid", ["--out", "x.png"], 2, "--rows or --cols"),
        ("grid", ["--rows", "seed=0..3", "--cols", "seed=0..3", "--out", "x.png"], 2, "same thing"),
        ("grid", ["--rows", "class=cow", "--out", "x.png"], 1, "no class 'cow'"),
        ("grid", ["--rows", "sead=1", "--out", "x.png"], 1, "no axis 'sead'"),
        ("grid", ["--rows", "seed=1", "--out", "x.bmp"], 1, ".png"),
        ("grid", ["--rows", "seed=1", "--bits", "16", "--out", "x.jpg"], 1, "8 bits"),
        ("grid", ["--rows", "seed=1", "--bits", "9", "--out", "x.png"], 2, "--bits"),
        ("grid", ["--rows", "direction:no.npy=1", "--out", "x.png"], 1, "not a file"),
        ("grid", ["--rows", "model=nothing", "--out", "x.png"], 1, "no model"),
        ("animate", ["--out", "x.gif"], 2, "one of --walk"),
        ("animate", ["--walk", "2", "--out", "x.avi"], 1, ".mp4"),
        ("animate", ["--walk", "2", "--fps", "60", "--out", "x.gif"], 1, "50 frames"),
        ("animate", ["--walk", "2", "--size", "big", "--out", "x.gif"], 2, "1920x1080"),
        ("animate", ["--traverse", "seed=1", "--out", "x.gif"], 1, "latent dimension"),
        ("export", ["--out", "d"], 2, "one of --per-class"),
        ("export", ["--count", "3", "--shard", "3/2", "--out", "d"], 2, "i/n"),
        ("export", ["--count", "3", "--name", "x", "--out", "d"], 2, "tell samples apart"),
        ("export", ["--count", "3", "--class", "ant", "--proportions", "ant:1", "--out", "d"], 2,
         "--proportions"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_told_in_one_sentence(tiny, capsys, command, arguments, code, told):
    run(command, tiny, *arguments, code=code)
    captured = capsys.readouterr()
    assert told in captured.err
    assert "Traceback" not in captured.err
    assert "unexpected" not in captured.err
    assert captured.out == ""
    assert list(Path().iterdir()) == []


def test_a_model_without_classes_says_so(plain, capsys):
    run("export", plain, "--per-class", 3, "--out", "d", code=1)
    assert "plain has no classes" in capsys.readouterr().err
    run("export", plain, "--count", 3, "--out", "d")
    assert len(list(Path("d/images").iterdir())) == 3


@pytest.mark.parametrize(
    ("command", "arguments", "out"),
    [
        ("grid", ["--rows", "seed=0..2"], "x.png"),
        ("animate", ["--walk", "2", "--seconds", "0.2"], "x.gif"),
    ],
)
def test_an_output_that_exists_is_refused(tiny, capsys, command, arguments, out):
    Path(out).write_text("mine")
    run(command, tiny, *arguments, "--out", out, code=1)
    assert Path(out).read_text() == "mine"
    assert "exists" in capsys.readouterr().err
    run(command, tiny, *arguments, "--out", out, "--force")
    assert read_record(Path(out)).model.name == "tiny"


def test_verify_goes_on_and_tells_by_its_exit_code(tiny, capsys):
    run("sample", tiny, "-n", 1, "--out", "good.png")
    Image.new("RGB", (SIZE, SIZE)).save("plain.png")
    Path("text.png").write_text("text")
    found = verdicts(capsys, "text.png", "plain.png", "good.png", model=[tiny], code=1)
    assert [v["status"] for v in found] == ["unreadable", "no_recipe", "exact"]
    assert [v["max_abs_diff"] for v in found] == [None, None, 0.0]
    from genviewer.io.images import save_png

    save_png(Path("bad.png"), np.zeros((SIZE, SIZE, 3), np.uint8), read_record(Path("good.png")))
    found = verdicts(capsys, "bad.png", "text.png", "good.png", model=[tiny], code=3)
    assert [v["status"] for v in found] == ["different", "unreadable", "exact"]
    assert main(["verify", "good.png", "--model", str(tiny.path), "--engine", "torch"]) == 0
    assert capsys.readouterr().out == "good.png: exact\n"


def test_verify_knows_files_opened_lately_and_what_was_answered_about_them(capsys, monkeypatch):
    torch.manual_seed(0)
    layers = [nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 64), nn.Tanh()]
    torch.save(nn.Sequential(*layers).state_dict(), "g.pt")
    settings = {"range": "0,1"}
    assert main(["sample", "g.pt", "-n", "1", "--set", "range=0,1", "--out", "x.png"]) == 0
    files = UserFiles.inside(Path("state").absolute())
    monkeypatch.setattr(UserFiles, "default", classmethod(lambda cls: files))
    assert [v["status"] for v in verdicts(capsys, "x.png", code=1)] == ["missing_model"]
    bundle = open_model("g.pt", settings)
    assert bundle.model_id == read_record(Path("x.png")).model.id != open_model("g.pt").model_id
    Answers(files.answers).remember(bundle.weights_sha256, settings)
    entry = RecentModel(str(bundle.path.absolute()), "g", bundle.model_id)
    save_recent(files.recent, Recent((entry,)))
    assert [v["status"] for v in verdicts(capsys, "x.png")] == ["exact"]


@pytest.mark.parametrize("suffix", ["npy", "npz", "safetensors", "csv", "json"])
def test_latents_are_written_and_taken_up_again(tiny, capsys, suffix):
    name = f"z.{suffix}"
    run("sample", tiny, "-n", 3, "--seed", 9, "--out", "a.npy", "--save-latents", name)
    labels = np.arange(3)
    np.save("y.npy", labels)
    run("sample", tiny, "--latents", name, "--labels", "y.npy", "--out", "b.npy")
    assert np.abs(np.load("a.npy") - np.load("b.npy")).max() < 1e-5
    run("sample", tiny, "-n", 3, "--out", "c.npy", "--save-latents", name, code=1)
    assert "exists" in capsys.readouterr().err


@pytest.mark.parametrize("suffix", ["png", "webp", "jpg"])
@pytest.mark.parametrize("count", [1, 5])
def test_what_sample_writes_verifies(tiny, capsys, suffix, count):
    run("sample", tiny, "-n", count, "--seed", 2, "--out", f"x.{suffix}")
    status = verdicts(capsys, f"x.{suffix}", model=[tiny])[0]["status"]
    assert status == "exact" if count == 1 else status in ("exact", "close")
