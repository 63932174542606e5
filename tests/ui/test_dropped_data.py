"""Images to train on are told from models by the names in a folder, however deep they lie."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from PIL import Image

from genviewer.io.dataset_survey import survey
from genviewer.ui import dropped_data
from genviewer.ui.dropped_data import is_data_set


@pytest.fixture
def images(tmp_path):
    folder = tmp_path / "images"
    for name in ("cat", "dog"):
        (folder / name).mkdir(parents=True)
        for number in range(3):
            Image.fromarray(np.full((8, 8), number, np.uint8)).save(folder / name / f"{number}.png")
    return folder


def test_folders_of_splits_are_data(images, tmp_path):
    for split in ("train", "test"):
        shutil.copytree(images, tmp_path / "pets" / "set" / split)
    for index in range(100):  # folders without an image do not hide those that have some
        (tmp_path / "pets" / f"z{index}").mkdir()
    assert is_data_set(tmp_path / "pets" / "set")
    assert is_data_set(tmp_path / "pets")
    assert survey(tmp_path / "pets" / "set").test_count == 6


def test_a_shelf_of_models_is_no_data(tmp_path):
    model = tmp_path / "shelf" / "digits" / "new"
    model.mkdir(parents=True)
    (model / "preview.png").write_bytes(b"")
    assert is_data_set(tmp_path / "shelf")
    (model / "config.json").write_text("{}")
    assert not is_data_set(tmp_path / "shelf")


def test_of_a_large_tree_only_so_many_names_are_looked_at(tmp_path, monkeypatch):
    monkeypatch.setattr(dropped_data, "MAX_NAMES", 100)
    for outer in range(40):
        (tmp_path / "data" / f"{outer}").mkdir(parents=True)
        for number in range(30):
            (tmp_path / "data" / f"{outer}" / f"{number}.png").touch()
    names = list(dropped_data._names_in(tmp_path / "data"))
    assert len(names) == 100 - 40
    assert len({name.split("/")[0] for name in names}) > 3  # not all of one folder


def test_links_to_folders_are_not_looked_into(images, tmp_path):
    folder = tmp_path / "linked"
    folder.mkdir()
    (folder / "away").symlink_to(images, target_is_directory=True)
    assert not is_data_set(folder)
    assert is_data_set(images)


def test_tables_of_images_are_data(tmp_path):
    for name in ("data/train-00000-of-00001.parquet", "metadata.parquet"):
        (tmp_path / "set" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "set" / name).touch()
    assert is_data_set(tmp_path / "set")
    assert is_data_set(tmp_path / "set" / "data" / "train-00000-of-00001.parquet")
    assert not is_data_set(tmp_path / "set" / "metadata.parquet")
    (tmp_path / "set" / "config.json").write_text("{}")
    assert not is_data_set(tmp_path / "set")
