"""Latents, Conditions and Recipes as files, there and back; and what is refused."""

from __future__ import annotations

import contextlib
import csv
import json
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from genviewer.core.condition import Condition, blend, one_class, pack
from genviewer.core.latent import Latent
from genviewer.core.recipe import ModelRef, Recipe, seeded_recipe
from genviewer.core.spec import ConditionSpec, ImageSpec, LatentSpec, Spec
from genviewer.io.latents_file import SUFFIXES, LatentsError, read_latents, write_recipes

SPEC = Spec(
    "m", "vae", LatentSpec(4), ImageSpec(1, 2, 2),
    (ConditionSpec("class", "class", 3, ("a", "b", "c"), optional=True),),
)  # fmt: skip
MODEL = ModelRef("m", "id")
RECIPES = (
    seeded_recipe(SPEC, 0),
    Recipe(Latent([1e-30, -3.5, 0.1, 7.25]), Condition(), 0.3),
    Recipe(Latent([0.0, 1, 2, 3]), Condition((blend("class", {0: 0.25, 2: 0.75}),)), 0.7),
)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_recipes_there_and_back(tmp_path, suffix):
    path = tmp_path / f"x{suffix}"
    write_recipes(path, RECIPES, SPEC, MODEL)
    back = read_latents(path, 4).to_recipes(SPEC)
    assert [recipe.latent for recipe in back] == [recipe.latent for recipe in RECIPES]
    if suffix == ".json":
        assert back == RECIPES
    elif suffix != ".npy":
        for got, wanted in zip(back, RECIPES, strict=True):
            assert np.allclose(pack(got.condition, SPEC), pack(wanted.condition, SPEC), atol=1e-7)
            assert got.truncation == pytest.approx(wanted.truncation)


def test_others_read_what_is_written(tmp_path):
    for suffix in SUFFIXES:
        write_recipes(tmp_path / f"x{suffix}", RECIPES, SPEC, MODEL)
    wanted = np.stack([recipe.latent.array for recipe in RECIPES])
    assert np.array_equal(np.load(tmp_path / "x.npy"), wanted)
    with np.load(tmp_path / "x.npz") as arrays:
        assert np.array_equal(arrays["latents"], wanted)
    tensors = load_file(tmp_path / "x.safetensors")
    assert np.array_equal(tensors["latents"], wanted)
    assert tensors["conditions"].tolist()[2] == [0.25, 0.0, 0.75]
    with (tmp_path / "x.csv").open(newline="") as file:
        row = list(csv.DictReader(file))[1]
    assert [np.float32(row[f"z{i}"]) for i in range(4)] == wanted[1].tolist()
    assert json.loads((tmp_path / "x.json").read_text())["model"]["name"] == "m"


@given(
    st.lists(
        st.lists(
            st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=3, max_size=3
        ),
        min_size=1,
        max_size=5,
    )
)
def test_every_float_survives_a_csv(tmp_path_factory, values):
    path = tmp_path_factory.mktemp("csv") / "x.csv"
    spec = Spec("m", "gan", LatentSpec(3), ImageSpec(1, 2, 2))
    write_recipes(path, [Recipe(Latent(row)) for row in values], spec, MODEL)
    back = np.stack([latent.array for latent in read_latents(path).latents])
    assert np.array_equal(back, np.array(values, np.float32))


def test_what_others_write_is_read(tmp_path):
    np.save(tmp_path / "a.npy", np.ones((2, 4, 1, 1), np.float64))
    assert len(read_latents(tmp_path / "a.npy").latents) == 2
    np.save(tmp_path / "b.npy", np.arange(4))
    assert read_latents(tmp_path / "b.npy", 4).latents == (Latent([0, 1, 2, 3]),)
    save_file({"directions": np.ones((3, 4), np.float16)}, tmp_path / "c.safetensors")
    assert len(read_latents(tmp_path / "c.safetensors").latents) == 3
    (tmp_path / "d.csv").write_text("z1,note,z0\n".replace("note", "truncation") + "2,0.5,1\n")
    table = read_latents(tmp_path / "d.csv")
    assert table.latents == (Latent([1, 2]),)
    assert table.truncation.tolist() == [0.5]


def _pickle(path):
    np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)


def _lying(path):
    """A header that promises far more numbers than there are."""
    with path.open("wb") as file:
        head = {"descr": "<f4", "fortran_order": False, "shape": (1 << 40, 4)}
        np.lib.format.write_array_header_1_0(file, head)


def _bomb(path):
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("latents.npy", "w") as file,
    ):
        head = {"descr": "<f4", "fortran_order": False, "shape": (1 << 30, 4)}
        np.lib.format.write_array_header_1_0(file, head)
        file.write(bytes(1 << 22))


@pytest.mark.parametrize(
    ("name", "write", "told"),
    [
        ("x.npy", _pickle, "not hold numbers"),
        ("x.npy", _lying, "not hold as many"),
        ("x.npz", _bomb, "not hold as many"),
        ("x.npy", lambda p: p.write_text("text"), "not a file of numbers"),
        ("x.npy", lambda p: np.save(p, np.full((1, 4), np.nan)), "not finite"),
        ("x.npy", lambda p: np.save(p, np.zeros((2, 3, 4))), "not latents"),
        ("x.npy", lambda p: np.save(p, np.zeros((0, 4))), "not latents"),
        ("x.npz", lambda p: p.write_text("text"), "not an .npz"),
        ("x.npz", lambda p: np.savez(p, other=np.zeros(3)), "no array 'latents'"),
        ("x.npz", lambda p: np.savez(p, latents=np.zeros((2, 4)), truncation=np.ones(3)), "fit"),
        ("x.safetensors", lambda p: p.write_bytes(b"\xff" * 30), "damaged"),
        ("x.safetensors", lambda p: save_file({"a": np.zeros(3)}, p), "no tensor"),
        ("x.csv", lambda p: p.write_text("z0,z1\n1\n"), "every row"),
        ("x.csv", lambda p: p.write_text("z0\nabc\n"), "table of numbers"),
        ("x.csv", lambda p: p.write_text(""), "no columns"),
        ("x.json", lambda p: p.write_text("[" * 100_000), "not a file of Recipes"),
        (
            "x.json",
            lambda p: p.write_text('{"model":{"name":"m","id":"i"},"recipes":[]}'),
            "no Rec",
        ),
        ("x.txt", lambda p: p.write_text(""), "ends in"),
        ("x.npy", lambda p: None, "not a file"),
    ],
)
def test_what_is_no_latents_is_refused_in_a_sentence(tmp_path, name, write, told):
    write(tmp_path / name)
    with pytest.raises(LatentsError, match=told):
        read_latents(tmp_path / name)


def test_another_models_latents_are_refused(tmp_path):
    write_recipes(tmp_path / "x.npy", RECIPES, SPEC, MODEL)
    with pytest.raises(LatentsError, match="5 are needed"):
        read_latents(tmp_path / "x.npy", 5)
    other = Spec("other", "gan", LatentSpec(5), ImageSpec(1, 2, 2))
    with pytest.raises(LatentsError, match="other takes 5"):
        read_latents(tmp_path / "x.npy").to_recipes(other)


@given(st.sampled_from(SUFFIXES), st.integers(0, 300), st.binary(min_size=1, max_size=8))
def test_a_damaged_file_is_told_or_read(tmp_path_factory, suffix, at, change):
    path = tmp_path_factory.mktemp("damaged") / f"x{suffix}"
    write_recipes(path, RECIPES, SPEC, MODEL)
    data = bytearray(path.read_bytes())
    at = min(at, len(data) - 1)
    data[at : at + len(change)] = change
    path.write_bytes(data)
    with contextlib.suppress(LatentsError):  # and nothing else
        read_latents(path)


def test_nothing_half_is_left_where_writing_fails(tmp_path, monkeypatch):
    from genviewer.io import atomic

    def fail(_handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic.os, "fsync", fail)
    for suffix in SUFFIXES:
        with pytest.raises(OSError, match="No space"):
            write_recipes(tmp_path / f"x{suffix}", RECIPES, SPEC, MODEL)
    assert list(tmp_path.iterdir()) == []


def test_classes_of_a_table_become_parts(tmp_path):
    (tmp_path / "x.csv").write_text("z0,z1,z2,z3,y0,y1,y2\n1,2,3,4,0,1,0\n1,2,3,4,0,0,0\n")
    first, second = read_latents(tmp_path / "x.csv").to_recipes(SPEC)
    assert first.condition == Condition((one_class("class", 1),))
    assert second.condition == Condition()
