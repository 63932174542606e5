"""Data sets of samples: what is in them, taken up after a kill, in shards, with little room."""

from __future__ import annotations

import csv
import errno
import hashlib
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
import zipfile
from collections import Counter
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from genviewer.core.dataset_plan import DatasetPlan, apportion, class_folders
from genviewer.core.picture import Picture
from genviewer.core.spec import ConditionSpec, ImageSpec, LatentSpec, Spec
from genviewer.engine.cells import decode_recipe
from genviewer.engine.export_dataset import export_dataset, shard_of_environment
from genviewer.engine.generator import DecodeError, LoadError
from genviewer.engine.jobs import Cancelled, Job, Progress
from genviewer.engine.score import Rejection, Scorer
from genviewer.io import dataset_store
from genviewer.io.images import read_record
from genviewer.io.write_errors import WriteError
from tests.engine.linear import LinearGenerator, make_spec

COUNT = 150  # three units, the last one not full


def plan_for(generator, count=COUNT, **options) -> DatasetPlan:
    wanted = generator.spec.class_condition
    classes = tuple(range(wanted.size)) if wanted is not None else ()
    return DatasetPlan(generator.ref, count, **({"classes": classes} | options))


def contents(folder: Path) -> dict[str, str]:
    """Every file of a data set and the hash of its bytes, less what the export keeps for itself."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and dataset_store.WORK_FOLDER not in path.parts
    }


def rows(folder: Path) -> list[dict]:
    lines = (folder / "manifest.jsonl").read_text().splitlines()
    found = [json.loads(line) for line in lines]
    with (folder / "manifest.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    assert [row["sha256"] for row in table] == [row["sha256"] for row in found]
    return found


def test_every_sample_is_there_once_in_the_folder_of_its_class(tmp_path, linear):
    done = export_dataset(tmp_path / "d", plan_for(linear, seed=7), linear)
    assert (done.drawn, done.complete, done.duplicates) == (COUNT, True, 0)
    found = rows(tmp_path / "d")
    assert [row["n"] for row in found] == list(range(COUNT))
    assert Counter(row["class"] for row in found) == {"zero": 50, "one": 50, "two": 50}
    assert {path.name for path in (tmp_path / "d").iterdir() if path.is_dir()} == {
        "zero", "one", "two", ".export"
    }  # fmt: skip
    for row in found:
        path = tmp_path / "d" / row["file"]
        record = read_record(path)
        assert row["file"].startswith(row["class"] + "/")
        assert row["seed"] == 7 + row["n"]
        drawn = np.random.default_rng(row["seed"]).standard_normal(4).astype(np.float32)
        assert np.array_equal(record.recipe.latent.array, drawn)
        assert record.recipe.condition.class_weights("class") == {row["n"] % 3: 1.0}
        pixels = np.asarray(Image.open(path))[..., None]
        assert np.array_equal(pixels, decode_recipe(linear, record.recipe))
        assert row["sha256"] == hashlib.sha256(pixels.tobytes()).hexdigest()
    assert sum(1 for _ in (tmp_path / "d").rglob("*.png")) == COUNT


def test_the_same_again_does_nothing(tmp_path, linear):
    export_dataset(tmp_path, plan_for(linear), linear)
    before, calls = contents(tmp_path), len(linear.calls)
    again = export_dataset(tmp_path, plan_for(linear), linear)
    assert (again.drawn, again.complete) == (0, True)
    assert contents(tmp_path) == before
    assert len(linear.calls) == calls


@pytest.mark.parametrize("form", ["png", "npz", "zip"])
@pytest.mark.parametrize("shards", [2, 3, 5])
def test_shards_make_the_same_files_as_one_process(tmp_path, linear, form, shards):
    plan = plan_for(linear, format=form)
    export_dataset(tmp_path / "one", plan, linear)
    for index in reversed(range(shards)):
        done = export_dataset(tmp_path / "all", plan, linear, shard=(index, shards))
        assert done.complete == (index == 0)
    assert contents(tmp_path / "all") == contents(tmp_path / "one")


def test_shards_on_other_machines_are_merged_by_one_more_run(tmp_path, linear):
    plan = plan_for(linear)
    export_dataset(tmp_path / "one", plan, linear)
    merged = tmp_path / "merged"
    for index in range(2):
        part = tmp_path / f"part{index}"
        done = export_dataset(part, plan, linear, shard=(index, 2))
        assert not done.complete
        for path in part.rglob("*"):
            if path.is_file():
                target = merged / path.relative_to(part)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(path.read_bytes())
    done = export_dataset(merged, plan, linear)
    assert (done.drawn, done.complete) == (0, True)
    assert contents(merged) == contents(tmp_path / "one")


def test_torchrun_says_which_shard_this_is(monkeypatch):
    monkeypatch.delenv("RANK", raising=False)
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert shard_of_environment() == (0, 1)
    monkeypatch.setenv("RANK", "2")
    monkeypatch.setenv("WORLD_SIZE", "4")
    assert shard_of_environment() == (2, 4)


def test_an_npz_holds_all_arrays_in_order(tmp_path, linear):
    export_dataset(tmp_path, plan_for(linear, format="npz", seed=3), linear)
    with np.load(tmp_path / "linear.npz") as file:
        assert file["images"].shape == (COUNT, 6, 6, 1)
        assert file["seeds"].tolist() == list(range(3, 3 + COUNT))
        assert file["labels"].tolist() == [i % 3 for i in range(COUNT)]
        drawn = np.random.default_rng(3 + 77).standard_normal(4).astype(np.float32)
        assert np.array_equal(file["latents"][77], drawn)
        digests = [hashlib.sha256(image.tobytes()).hexdigest() for image in file["images"]]
    assert digests == [row["sha256"] for row in rows(tmp_path)]
    assert not list((tmp_path / ".export").glob("unit-*"))


def test_a_zip_holds_the_same_files_as_folders(tmp_path, linear):
    export_dataset(tmp_path / "png", plan_for(linear), linear)
    export_dataset(tmp_path / "zip", plan_for(linear, format="zip"), linear)
    with zipfile.ZipFile(tmp_path / "zip" / "linear.zip") as archive:
        assert archive.testzip() is None
        for name in archive.namelist():
            assert archive.read(name) == (tmp_path / "png" / name).read_bytes()
        assert len(archive.namelist()) == COUNT


def test_equal_pictures_are_kept_once(tmp_path):
    flat = LinearGenerator()
    flat.weights[:] = 0.0  # the latent changes nothing: a picture for each class
    for form in ("png", "zip", "npz"):
        folder = tmp_path / form
        done = export_dataset(folder, plan_for(flat, format=form), flat)
        assert done.duplicates == COUNT - 3
        found = rows(folder)
        assert [row["n"] for row in found] == [0, 1, 2]
    assert len(list((tmp_path / "png").rglob("*.png"))) == 3
    with np.load(tmp_path / "npz" / "linear.npz") as file:
        assert file["images"].shape[0] == 3
    with zipfile.ZipFile(tmp_path / "zip" / "linear.zip") as archive:
        assert len(archive.namelist()) == 3
    again = export_dataset(tmp_path / "png", plan_for(flat), flat)
    assert (again.drawn, again.complete) == (0, True)


# taken up again


def test_cancel_keeps_what_is_complete_and_the_rest_comes_later(tmp_path, linear):
    job = Job("export", None)
    progress = Progress(job, lambda fraction, _: job.cancel() if fraction > 0.6 else None)
    with pytest.raises(Cancelled):
        export_dataset(tmp_path / "d", plan_for(linear), linear, progress=progress)
    kept = [row["n"] for row in rows(tmp_path / "d")]
    assert kept == list(range(64))
    assert sum(1 for _ in (tmp_path / "d").rglob("*.png")) == 64
    done = export_dataset(tmp_path / "d", plan_for(linear), linear)
    assert done.drawn == COUNT - 64
    export_dataset(tmp_path / "one", plan_for(linear), linear)
    assert contents(tmp_path / "d") == contents(tmp_path / "one")


KILLED = """
import sys
from pathlib import Path
from genviewer.core.dataset_plan import DatasetPlan
from genviewer.engine.export_dataset import export_dataset
from tests.engine.linear import LinearGenerator
generator = LinearGenerator(delay=0.0005)
plan = DatasetPlan(generator.ref, 600, classes=(0, 1, 2), format=sys.argv[2])
export_dataset(Path(sys.argv[1]), plan, generator)
"""


@pytest.mark.skipif(os.name != "posix", reason="needs kill -9")
@pytest.mark.parametrize("form", ["png", "npz"])
def test_killed_and_resumed_nothing_is_missing_double_or_broken(tmp_path, form):
    generator = LinearGenerator()
    plan = DatasetPlan(generator.ref, 600, classes=(0, 1, 2), format=form)
    folder, root = tmp_path / "killed", Path(__file__).resolve().parents[2]
    command = [sys.executable, "-c", textwrap.dedent(KILLED), str(folder), form]
    for round_ in range(3):
        process = subprocess.Popen(command, cwd=root, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and process.poll() is None:
            if len(list(folder.glob(".export/unit-*.json"))) > 2 * round_:
                break
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.wait(30)
    export_dataset(folder, plan, generator)
    export_dataset(tmp_path / "one", plan, generator)
    assert contents(folder) == contents(tmp_path / "one")


def test_a_lost_or_cut_file_is_made_again(tmp_path, linear):
    export_dataset(tmp_path, plan_for(linear), linear)
    before = contents(tmp_path)
    pictures = sorted(tmp_path.rglob("*.png"))
    pictures[5].unlink()
    pictures[100].write_bytes(b"")
    done = export_dataset(tmp_path, plan_for(linear), linear)
    assert done.complete
    assert 0 < done.drawn < COUNT
    assert contents(tmp_path) == before


# what is there already


def test_what_else_is_in_the_folder_is_never_touched(tmp_path, linear):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(WriteError, match="not empty"):
        export_dataset(tmp_path, plan_for(linear), linear)
    export_dataset(tmp_path, plan_for(linear), linear, force=True)
    other = plan_for(linear, seed=1000)
    with pytest.raises(WriteError, match="another export"):
        export_dataset(tmp_path, other, linear)
    assert rows(tmp_path)[0]["seed"] == 0
    export_dataset(tmp_path, other, linear, force=True)
    assert rows(tmp_path)[0]["seed"] == 1000
    assert sum(1 for _ in tmp_path.rglob("*.png")) == COUNT
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_force_removes_the_archive_that_the_other_export_wrote(tmp_path, linear):
    export_dataset(tmp_path, plan_for(linear, format="zip"), linear)
    assert list(tmp_path.glob("*.zip"))
    export_dataset(tmp_path, plan_for(linear), linear, force=True)
    assert not list(tmp_path.glob("*.zip"))


@pytest.mark.parametrize("merged", [True, False])
def test_a_folder_from_elsewhere_cannot_name_files_outside(tmp_path, linear, merged):
    mine, folder = tmp_path / "mine.png", tmp_path / "set"
    mine.write_text("mine")
    export_dataset(folder, plan_for(linear), linear)
    work = folder / dataset_store.WORK_FOLDER
    entries = [
        dataset_store.Entry(n, place, "", None, 0, "00" * 32, 4, duplicate=True)
        for n, place in enumerate(("../mine.png", str(mine), "x/../../mine.png"))
    ]
    if merged:
        lines = b"\n".join(map(msgspec.json.encode, entries)) + b"\n"
        (work / dataset_store.ENTRIES_NAME).write_bytes(lines)
    else:
        (work / dataset_store.ENTRIES_NAME).unlink()
        (work / "unit-00000000.json").write_bytes(msgspec.json.encode(entries))
    export_dataset(folder, plan_for(linear, seed=9), linear, force=True)
    assert mine.read_text() == "mine"


# little room


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES])
def test_a_full_disk_is_told_and_the_rest_is_kept(tmp_path, linear, monkeypatch, number):
    written = []
    real = os.replace

    def replace(source, target):
        written.append(target)
        if len(written) > 100:
            raise OSError(number, os.strerror(number))
        real(source, target)

    monkeypatch.setattr(dataset_store.os, "replace", replace)
    told = "no space" if number == errno.ENOSPC else "not allowed"
    with pytest.raises(WriteError, match=told):
        export_dataset(tmp_path, plan_for(linear), linear)
    monkeypatch.undo()
    assert sum(1 for _ in tmp_path.rglob("*.png")) == 64
    for path in tmp_path.rglob("*.png"):
        Image.open(path).load()
    assert not list(tmp_path.rglob("*.part"))
    assert export_dataset(tmp_path, plan_for(linear), linear).drawn == COUNT - 64


FULL = """
import resource, sys
from pathlib import Path
from genviewer.core.dataset_plan import DatasetPlan
from genviewer.core.picture import Picture
from genviewer.engine.export_dataset import export_dataset
from genviewer.io.write_errors import WriteError
from tests.engine.linear import LinearGenerator
generator = LinearGenerator()
plan = DatasetPlan(generator.ref, 10, classes=(0, 1, 2), picture=Picture(scale=64))
resource.setrlimit(resource.RLIMIT_FSIZE, (900, 900))
try:
    export_dataset(Path(sys.argv[1]), plan, generator)
except WriteError as error:
    sys.exit(f"told: {error}")
"""


@pytest.mark.skipif(os.name != "posix", reason="needs limits of the system")
def test_a_file_beyond_the_systems_limit_is_told(tmp_path):
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-c", FULL, str(tmp_path / "d")]
    done = subprocess.run(
        command, cwd=root, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert "told: linear-zero-0-0.png cannot be written: there is no space" in done.stderr
    assert not list((tmp_path / "d").rglob("*.p*"))[1:]  # the plan alone


def test_a_model_that_fails_is_told_and_the_rest_is_kept(tmp_path, linear):
    def fail(fraction, _text):
        if fraction > 0.6:
            linear.fail = DecodeError("The model returned NaN or infinity.")

    with pytest.raises(DecodeError, match="NaN"):
        export_dataset(tmp_path, plan_for(linear), linear, progress=Progress(Job("x", None), fail))
    assert sum(1 for _ in tmp_path.rglob("*.png")) == 64


# plans


@given(st.lists(st.floats(0.01, 5.0), min_size=1, max_size=6).map(tuple), st.integers(1, 500))
def test_shares_are_kept_to_within_one_sample_and_well_mixed(shares, count):
    counts = apportion(shares, count)
    assert sum(counts) == count
    for got, share in zip(counts, shares, strict=True):
        assert abs(got - count * share / sum(shares)) < 1.0
    linear = make_spec()
    plan = DatasetPlan(
        LinearGenerator(linear).ref, count, classes=tuple(range(len(shares))), shares=shares
    )
    found = Counter(plan.class_of(index) for index in range(count))
    assert [found.get(k, 0) for k in range(len(shares))] == list(counts)


@given(st.lists(st.text(max_size=5), min_size=1, max_size=8, unique=True).map(tuple))
def test_classes_have_folders_of_their_own(names):
    spec = Spec(
        "m", "gan", LatentSpec(2), ImageSpec(1, 2, 2),
        (ConditionSpec("class", "class", len(names), names),),
    )  # fmt: skip
    folders = class_folders(spec)
    assert len({folder.lower() for folder in folders}) == len(names)
    assert not any("/" in folder or folder.startswith(".") for folder in folders)


def test_names_stay_apart_however_long_the_model_is_called(tmp_path):
    generator = LinearGenerator(name="long/" * 80)
    export_dataset(tmp_path, plan_for(generator, 70), generator)
    assert sum(1 for _ in tmp_path.rglob("*.png")) == 70


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"template": "{model}"}, "tell samples apart"),
        ({"template": "{user}-{n}"}, "no field"),
        ({"shares": (1.0,)}, "share"),
        ({"format": "webp", "picture": Picture(bits=16)}, "8 bits"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(linear, options, told):
    with pytest.raises(ValueError, match=told):
        plan_for(linear, **options)


def test_a_plan_survives_json(linear):
    plan = plan_for(linear, shares=(0.5, 0.25, 0.25), reject=0.1)
    assert msgspec.json.decode(msgspec.json.encode(plan), type=DatasetPlan) == plan


def test_pictures_can_be_enlarged_deep_and_without_a_record(tmp_path, linear):
    plan = plan_for(linear, 3, picture=Picture(scale=2, bits=16), provenance=False)
    export_dataset(tmp_path, plan, linear)
    path = next(tmp_path.rglob("*.png"))
    with Image.open(path) as image:
        assert (image.size, image.mode) == ((12, 12), "I;16")
    assert b"genviewer" not in path.read_bytes()
    assert not (tmp_path / "export.json").exists()


# rejection


class Likes:
    """Scores a sample by the first value of its latent, as a Scorer would by the model."""

    def __init__(self, generator):
        self._generator = generator

    def score(self, recipe):
        return float(recipe.latent.array[0])


def test_what_the_model_likes_least_is_drawn_again(tmp_path, linear):
    plan = plan_for(linear, 60, reject=0.5)
    rejection = Rejection(Likes(linear), plan)
    export_dataset(tmp_path / "one", plan, linear, rejection=rejection)
    for shard in ((0, 2), (1, 2)):
        again = Rejection(Likes(linear), plan)
        export_dataset(tmp_path / "two", plan, linear, shard=shard, rejection=again)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert abs(rejection.threshold) < 0.4
    found = rows(tmp_path / "one")
    assert Counter(row["class"] for row in found) == {"zero": 20, "one": 20, "two": 20}
    for row in found:
        first = np.random.default_rng(row["seed"]).standard_normal(4).astype(np.float32)[0]
        assert first >= rejection.threshold
        assert (row["seed"] - row["n"]) % 60 == 0
    assert any(row["seed"] >= 60 for row in found)
    with pytest.raises(DecodeError, match="no score"):
        export_dataset(tmp_path / "none", plan, linear)


def test_a_vae_scores_by_its_density_and_others_say_that_they_cannot(vae_bundle, onnx_bundle):
    from genviewer.engine.generator import load_generator

    generator = load_generator(vae_bundle, "cpu", "torch", threads=1)
    scorer = Scorer(vae_bundle, generator)
    plan = DatasetPlan(vae_bundle.ref, 4, classes=(0, 1, 2))
    scores = [scorer.score(plan.recipe(vae_bundle.spec, index)) for index in (0, 1, 0)]
    assert scores[0] == scores[2] != scores[1]
    with pytest.raises(LoadError, match="no score of its own"):
        Scorer(onnx_bundle, load_generator(onnx_bundle, "cpu", "onnx"))
