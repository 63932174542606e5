"""What is usual for a model: measured once, kept, and never trusted when it is damaged."""

import numpy as np
import pytest

from genviewer.engine import bayes_reference as module
from genviewer.engine.bayes import believe, class_rows
from genviewer.engine.bayes_reference import (
    Reference,
    bundled_reference,
    keep_reference,
    measure_reference,
    outlines_of,
    own_samples,
)
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


def test_outlines_are_the_lengths_of_edges_from_black_to_white():
    images = np.zeros((3, 10, 10, 1), np.uint8)
    images[1, 2:6, 3:8] = 255  # 4 x 5 pixels
    images[2, 2:6, 3:8] = 51
    assert outlines_of(images) == pytest.approx([0.0, 18.0, 18.0 / 5.0])
    assert outlines_of(np.repeat(images, 3, axis=3)) == pytest.approx([0.0, 18.0, 18.0 / 5.0])


def test_an_image_is_compared_with_those_of_as_much_outline():
    rng = np.random.default_rng(0)
    outlines = rng.uniform(20.0, 120.0, 2000)
    log_px = 5.0 - 0.9 * outlines + rng.normal(0.0, 4.0, 2000)
    order = np.argsort(log_px)
    reference = Reference(log_px[order], "digits", outlines[order])
    # Simple and complicated pictures that are both 20 nats less likely than usual for them.
    odd = np.array([25.0, 100.0])
    found = reference.adjusted(5.0 - 0.9 * odd - 20.0, odd)
    assert found == pytest.approx([-5.0, -5.0], abs=0.3)
    assert reference.rejected(5.0 - 0.9 * odd - 20.0, odd).all()
    assert not reference.rejected(5.0 - 0.9 * odd, odd).any()
    plain = Reference(np.sort(log_px), "digits")
    assert not plain.rejected(5.0 - 0.9 * odd - 20.0, odd)[0]  # a simple picture passes
    own = reference.rejected(log_px, outlines, 0.01)
    assert own.mean() == pytest.approx(0.01, abs=0.001)
    # Noise has more outline than anything usual, which does not excuse it.
    assert reference.rejected(np.array([5.0 - 0.9 * 900.0]), np.array([900.0])).all()


def test_without_outlines_it_is_log_px_that_counts():
    reference = Reference(np.arange(101.0), "x")
    values, none = np.array([0.5, 1.5, 50.0]), np.zeros(3)
    assert reference.rejected(values, none, 0.01).tolist() == [True, False, False]


def test_a_reference_in_a_models_folder_keeps_its_outlines(model):
    bundle, density = model
    measured = measure_reference(density, bundle, own_samples(bundle, 12), "own")
    keep_reference(bundle, measured)
    kept = bundled_reference(bundle)
    assert kept is not None
    assert kept.outlines == pytest.approx(measured.outlines, abs=0.01)
    assert kept.own == pytest.approx(measured.own, abs=0.05)
