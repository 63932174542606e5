"""What is usual for a model: measured once, kept, and never trusted when it is damaged."""

import numpy as np
import pytest

from genviewer.engine import bayes_reference as module
from genviewer.engine.bayes import believe, class_rows
from genviewer.engine.bayes_reference import Reference, measure_reference, own_samples
from genviewer.engine.density import open_density
from genviewer.engine.encoding import to_model_range
from tests.tiny_models import write_tiny_vae


@pytest.fixture
def model(tmp_path):
    bundle = write_tiny_vae(tmp_path / "tiny", channels=1)
    return bundle, open_density(bundle, "cpu")


def test_a_reference_is_the_sorted_figures_of_its_images(model):
    bundle, density = model
    images = own_samples(bundle, 12)
    assert images.shape == (12, 8, 8, 1)
    found = measure_reference(density, bundle, images, "own", samples=4)
    x = to_model_range(images, bundle)
    each = believe(density, x, class_rows(bundle.spec), samples=4).likelihoods.log_px
    assert found.log_px == pytest.approx(np.sort(each))
    assert (np.diff(found.log_px) >= 0).all()
    assert found.threshold(0.0) == found.log_px[0]
    assert found.threshold(1.0) == found.log_px[-1]


def test_it_is_measured_once_for_a_model_some_images_and_a_number_of_samples(model, monkeypatch):
    bundle, density = model
    images = own_samples(bundle, 6)
    first = measure_reference(density, bundle, images, "a", samples=3)
    calls = []
    plain = density.log_likelihood
    monkeypatch.setattr(density, "log_likelihood", lambda *a: calls.append(1) or plain(*a))
    again = measure_reference(density, bundle, images, "b", samples=3)
    assert not calls
    assert (again.log_px == first.log_px).all()
    assert again.name == "b"
    measure_reference(density, bundle, images[:5], "a", samples=3)
    assert calls
    calls.clear()
    measure_reference(density, bundle, images, "a", samples=4)
    assert calls


@pytest.mark.parametrize("damage", [b"", b"rubbish", b"PK\x03\x04 and no more"])
def test_a_damaged_file_of_the_cache_is_made_again(model, own_user_folders, damage):
    bundle, density = model
    images = own_samples(bundle, 4)
    first = measure_reference(density, bundle, images, "a", samples=2)
    (path,) = own_user_folders.rglob("reference/*.npz")
    path.write_bytes(damage)
    assert (measure_reference(density, bundle, images, "a", samples=2).log_px == first.log_px).all()
    path.unlink()
    np.savez(path, log_px=np.array([np.nan]))
    assert (measure_reference(density, bundle, images, "a", samples=2).log_px == first.log_px).all()


def test_a_large_set_is_looked_at_evenly(model, monkeypatch):
    bundle, density = model
    monkeypatch.setattr(module, "LIMIT", 3)
    images = own_samples(bundle, 7)
    found = measure_reference(density, bundle, images, "a", samples=2)
    even = measure_reference(density, bundle, images[[0, 3, 6]], "b", samples=2)
    assert len(found.log_px) == 3
    assert (found.log_px == even.log_px).all()


def test_the_threshold_is_a_quantile():
    reference = Reference(np.arange(101.0), "x")
    assert reference.threshold(0.01) == pytest.approx(1.0)
