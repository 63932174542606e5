"""What a file is, told by its content."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import save_file

from genviewer.core.recipe import ModelRef, seeded_recipe
from genviewer.core.resources import models_dir
from genviewer.core.spec import ImageSpec, LatentSpec, Spec
from genviewer.engine.jobs import Cancelled, Job, Progress
from genviewer.io.images import ImageRecord
from genviewer.io.latents_file import write_recipes
from genviewer.ui.restoring import kind_of
from genviewer.ui.time_left import TimeLeft

SPEC = Spec("m", "vae", LatentSpec(3), ImageSpec(1, 4, 4))
REF = ModelRef("m", "2" * 32)


@pytest.mark.parametrize("form", ["PNG", "WEBP", "JPEG", "TIFF", "GIF"])
def test_pictures_are_told_without_their_suffix(tmp_path, form):
    path = tmp_path / "picture.bin"
    Image.new("L", (8, 8)).save(path, form)
    assert kind_of(path) == "record"


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        (b"\0\0\0\x20ftypisom\0\0\0\0", "record"),
        (b"\x1aE\xdf\xa3\0\0\0\0\0\0\0\0\0\0\0\0", "record"),
        (b"PK\x03\x04 a checkpoint of PyTorch", "model"),
        (b"\x80\x02}q\x00. an old pickle of PyTorch", "model"),
        (b"", "model"),
    ],
)
def test_films_and_models(tmp_path, start, kind):
    path = tmp_path / "file"
    path.write_bytes(start)
    assert kind_of(path) == kind


def test_what_json_is_depends_on_what_it_says(tmp_path):
    record = tmp_path / "film.mov.json"
    record.write_text(ImageRecord(REF, seeded_recipe(SPEC, 1)).text())
    assert kind_of(record) == "record"
    recipes = tmp_path / "points.json"
    write_recipes(recipes, [seeded_recipe(SPEC, 1)], SPEC, REF)
    assert kind_of(recipes) == "latents"
    config = tmp_path / "settings.json"
    config.write_text(json.dumps({"model": "of somebody else", "dim": 3}))
    assert kind_of(config) == "model"


def test_arrays_are_latents_only_if_they_say_so(tmp_path):
    write_recipes(tmp_path / "a.npz", [seeded_recipe(SPEC, 1)], SPEC, REF)
    assert kind_of(tmp_path / "a.npz") == "latents"
    np.savez(tmp_path / "b.npz", weight=np.zeros(3))
    assert kind_of(tmp_path / "b.npz") == "model"
    (tmp_path / "c.npz").write_bytes(b"nothing")
    assert kind_of(tmp_path / "c.npz") == "model"
    write_recipes(tmp_path / "a.safetensors", [seeded_recipe(SPEC, 1)], SPEC, REF)
    assert kind_of(tmp_path / "a.safetensors") == "latents"
    save_file({"decoder.weight": np.zeros((2, 2), np.float32)}, tmp_path / "b.safetensors")
    assert kind_of(tmp_path / "b.safetensors") == "model"


def test_bundles_and_projects(tmp_path):
    bundle = models_dir() / "digits-cvae"
    assert kind_of(bundle) == "model"
    assert kind_of(bundle / "config.json") == "model"
    assert kind_of(bundle / "model.safetensors") == "model"
    assert kind_of(tmp_path / "work.genviewer") == "project"


def test_the_time_that_is_left_is_told_once_it_is_known():
    told, now = [], [0.0]
    job = Job("saving", None)
    progress = TimeLeft(
        Progress(job, lambda fraction, text: told.append(text)), "Saving a.gif", lambda: now[0]
    )
    progress.report(0.1, "Frame 1 of 10")
    now[0] = 30.0
    progress.report(0.25, "Frame 3 of 10")
    progress.report(0.5, "5 of 10, 0:07 left")
    assert told == [
        "Saving a.gif: frame 1 of 10",
        "Saving a.gif: frame 3 of 10, 1:30 left",
        "Saving a.gif: 5 of 10, 0:07 left",
    ]
    job.cancel()
    with pytest.raises(Cancelled):
        progress.report(0.6)
