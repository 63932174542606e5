"""Views of data sets, and that figures about them are measured once."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from genviewer.engine import data_figures as module
from genviewer.engine import viewed_data
from genviewer.engine.data_figures import DataFigures, rows_of_class
from genviewer.engine.generator import LoadError
from genviewer.engine.posterior_statistics import Encoded
from genviewer.engine.viewed_data import class_conditions, model_labels, part_of, view_data
from genviewer.io.dataset_values import Images
from tests.tiny_models import write_tiny_vae


class Quiet:
    def report(self, fraction, text=""):
        pass


@pytest.fixture
def bundle(tmp_path):
    return write_tiny_vae(tmp_path / "tiny", optional=False)


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (40, 8, 8, 3), dtype=np.uint8)


def test_a_view_is_spread_over_the_data(bundle, images):
    labels = np.arange(40) % 2
    found = view_data(Images("some", images, labels, ("dog", "ant")), bundle.spec, 14)
    assert found.rows[0] == 0
    assert found.rows[-1] == 39
    assert len(found.rows) == 14
    assert found.total == 40
    assert np.array_equal(found.images, images[found.rows])
    assert found.groups.tolist() == labels[found.rows].tolist()
    # the model calls its classes ant, bee, cat, dog
    assert found.labels.tolist() == [(3, 0)[label] for label in labels[found.rows]]
    whole = view_data(Images("some", images), bundle.spec, 1000)
    assert np.array_equal(whole.images, images)
    assert whole.labels is None
    with pytest.raises(LoadError, match="some has no images"):
        view_data(Images("some", images[:, :4]), bundle.spec, 14)


def test_no_more_pixels_are_taken_than_allowed(bundle, images, monkeypatch):
    monkeypatch.setattr(viewed_data, "MAX_BYTES", 5 * 8 * 8 * 3)
    assert len(view_data(Images("some", images), bundle.spec, 1000).images) == 5


def test_classes_that_are_not_the_models_are_not_taken_for_them(bundle, images):
    labels = np.arange(40) % 5
    assert model_labels(Images("a", images, labels % 4), bundle.spec).max() == 3
    assert model_labels(Images("a", images, labels), bundle.spec) is None
    names = ("ant", "bee", "cat", "dog", "eel")
    assert model_labels(Images("a", images, labels, names), bundle.spec) is None


def test_what_an_encoder_is_told(bundle, tmp_path):
    assert class_conditions(bundle.spec, np.array([2, 0]), 2).tolist() == [
        [0, 0, 1, 0],
        [1, 0, 0, 0],
    ]
    with pytest.raises(LoadError, match="its own"):
        class_conditions(bundle.spec, None, 2)
    looks = write_tiny_vae(tmp_path / "looks", optional=False, kind="attributes")
    with pytest.raises(LoadError, match="told attributes of an image"):
        class_conditions(looks.spec, None, 2)
    free = write_tiny_vae(tmp_path / "free", optional=True)
    assert not class_conditions(free.spec, None, 3).any()
    assert class_conditions(write_tiny_vae(tmp_path / "un", ()).spec, None, 3) is None


def test_a_part_of_a_view_says_which_rows_it_is(bundle, images):
    view = view_data(Images("some", images, np.arange(40) % 4), bundle.spec, 40)
    part, rows = part_of(view, 9)
    assert np.array_equal(part.images, view.images[rows])
    assert part.labels.tolist() == view.labels[rows].tolist()
    assert part.digest != view.digest
    assert part_of(view, 40)[0] is view


def test_figures_are_measured_once_and_images_of_no_known_class_are_classified_first(
    bundle, images, tmp_path, monkeypatch
):
    np.savez(tmp_path / "data.npz", images=images)
    measured = []
    original = module.measure_data
    monkeypatch.setattr(
        module,
        "measure_data",
        lambda *a, **k: (measured.append(k["samples"]), original(*a, **k))[1],
    )
    figures = DataFigures()
    source = str(tmp_path / "data.npz")
    view = figures.view(source, "test", bundle, 20, Quiet())
    assert figures.view(source, "test", bundle, 20, Quiet()) is view
    assert not view.has_test
    found = figures.encoded(bundle, view, Quiet())
    assert found.guessed
    assert found.classes.tolist() == figures.beliefs(bundle, view, 1, Quiet()).best.tolist()
    assert figures.statistics(bundle, view, Quiet()).count == 20
    assert len(figures.layout(bundle, view, "pca", Quiet()).points) == 20
    assert measured == [1]
    figures.beliefs(bundle, view, 2, Quiet())
    assert measured == [1, 2]
    # other files in its place are seen, the same ones are not measured again
    figures.forget(source)
    same = figures.view(source, "test", bundle, 20, Quiet())
    assert same is not view
    figures.beliefs(bundle, same, 2, Quiet())
    assert measured == [1, 2]
    np.savez(tmp_path / "data.npz", images=255 - images)
    figures.forget(source)
    other = figures.view(source, "test", bundle, 20, Quiet())
    assert np.array_equal(other.images, 255 - view.images)


def test_what_was_used_longest_ago_is_forgotten_when_there_is_too_much():
    figures = DataFigures(max_bytes=1000)
    made = []

    def make(name):
        return lambda: (made.append(name), SimpleNamespace(a=np.zeros(50), b=[1]))[1]

    for name in "aabca":
        figures._once(name, make(name))
    assert made == ["a", "b", "c", "a"]  # two of 400 bytes fit


def test_rows_of_a_class():
    posteriors = Encoded(np.zeros((4, 2), np.float32), np.zeros((4, 2), np.float32))
    known = module.EncodedData(posteriors, np.array([0, 1, 1, 0]), False)
    assert rows_of_class(known, 1).tolist() == [1, 2]
    assert rows_of_class(known, None).tolist() == [0, 1, 2, 3]
