import numpy as np
import pytest

from genviewer.core.recipe import ModelRef, seeded_recipe
from genviewer.io import library
from genviewer.io.image_formats import encode_image, format_of
from genviewer.io.images import ImageRecord, save_png
from genviewer.io.library import ModelNotFoundError, bundled_paths, find_model, open_model
from tests.tiny_models import write_tiny_vae


@pytest.fixture
def models(tmp_path, monkeypatch):
    """A folder of two bundled models; the current folder is another one."""
    folder = tmp_path / "bundled"
    write_tiny_vae(folder / "one")
    write_tiny_vae(folder / "two", seed=1)
    (folder / "no-model").mkdir()
    monkeypatch.setattr(library, "models_dir", lambda: folder)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return folder


def test_bundled_paths_are_those_with_a_configuration(models):
    assert [path.name for path in bundled_paths()] == ["one", "two"]


def test_a_bundled_name_wins_over_a_folder_here(models, tmp_path):
    here = write_tiny_vae(tmp_path / "here" / "one", seed=5)
    assert find_model("one") == models / "one"
    assert find_model("./one").resolve() == here.path
    assert open_model(str(here.path)).model_id == here.model_id


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_a_file_of_a_bundle_stands_for_its_folder(models, name):
    assert find_model(str(models / "two" / name)) == models / "two"


def test_an_image_stands_for_the_model_that_its_record_cites(models):
    two = open_model("two")
    pixels = np.zeros((8, 8, 3), np.uint8)
    save_png(models / "x.png", pixels, ImageRecord(two.ref, seeded_recipe(two.spec, 0)))
    assert find_model(str(models / "x.png")) == models / "two"
    unknown = ModelRef("lost", "f" * 32)
    save_png(models / "y.png", pixels, ImageRecord(unknown, seeded_recipe(two.spec, 0)))
    with pytest.raises(ModelNotFoundError, match=r"'lost' \(f{8}\)"):
        find_model(str(models / "y.png"))
    save_png(models / "z.png", pixels, None)
    with pytest.raises(ModelNotFoundError, match=r"z\.png"):
        find_model(str(models / "z.png"))


@pytest.mark.parametrize("suffix", [".webp", ".jpg", ".tif"])
def test_images_of_every_format_stand_for_their_model(models, suffix):
    two = open_model("two")
    record = ImageRecord(two.ref, seeded_recipe(two.spec, 0))
    path = models / f"x{suffix}"
    path.write_bytes(encode_image(np.zeros((8, 8, 3), np.uint8), format_of(path), record.text()))
    assert find_model(str(path)) == models / "two"


def test_a_damaged_neighbour_does_not_hide_the_model_of_an_image(models):
    two = open_model("two")
    record = ImageRecord(two.ref, seeded_recipe(two.spec, 0))
    save_png(models / "x.png", np.zeros((8, 8, 3), np.uint8), record)
    (models / "one" / "config.json").write_text("{")
    assert find_model(str(models / "x.png")) == models / "two"


@pytest.mark.parametrize("text", ["", "nonesuch", "a/b/c", "\0", "x" * 5000])
def test_what_is_not_there_is_told(models, text):
    with pytest.raises(ModelNotFoundError):
        open_model(text)
