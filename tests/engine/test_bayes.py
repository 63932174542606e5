"""Bayes' rule over a mixture whose class densities are known exactly."""

import msgspec
import numpy as np
import pytest

from genviewer.core.spec import ConditionSpec
from genviewer.engine import bayes as module
from genviewer.engine.bayes import believe, class_rows, entropy, measure_marginal, normalised_prior
from genviewer.engine.density import measure_likelihood, open_density
from genviewer.engine.generator import LoadError
from tests.engine.linear_gaussian import LinearGaussian
from tests.tiny_models import write_tiny_vae

ROWS = np.eye(4, dtype=np.float32)


def mixture(**changes):
    """Four overlapping classes: some images could be of any of several."""
    model = LinearGaussian(classes=4, **{"sigma": 1.0, **changes})
    model.v = model.v * 0.6
    labels = np.arange(20) % 4
    return model, model.sample(20, ROWS[labels]), labels


def exact(model, x, prior):
    joint = np.stack([model.exact_log_px(x, row[None]) for row in ROWS], 1) + np.log(prior)
    log_px = np.logaddexp.reduce(joint, axis=1)
    return np.exp(joint - log_px[:, None]), log_px


@pytest.mark.parametrize("prior", [None, np.array([4.0, 1.0, 1.0, 2.0])])
def test_the_posterior_is_that_of_bayes_rule(prior):
    model, x, _ = mixture()
    found = believe(model, x, ROWS, prior=prior, samples=4)
    posterior, log_px = exact(model, x, normalised_prior(prior, 4))
    assert found.posterior == pytest.approx(posterior, abs=1e-4)
    assert found.likelihoods.log_px == pytest.approx(log_px, abs=1e-3)
    assert ((posterior > 0.1).sum(1) > 1).any()  # there is something to decide


def test_the_bound_of_the_mixture_is_within_its_error():
    model, x, _ = mixture(widen=1.4, shift=0.1)
    posterior, log_px = exact(model, x, np.full(4, 0.25))
    found = believe(model, x, ROWS, glance=50, samples=400)
    away = (found.likelihoods.log_px - log_px) / found.likelihoods.stderr
    assert (np.abs(away) < 4.0).all()
    assert np.sqrt(np.mean(away**2)) < 1.5
    assert found.posterior == pytest.approx(posterior, abs=0.15)


def test_classes_that_err_together_do_not_make_the_error_smaller():
    """Of four equal classes p(x) is that of one, and so is its error."""
    model, x, _ = mixture(widen=1.4, shift=0.1)
    rows = ROWS[[0, 0, 0, 0]]
    found = believe(model, x, rows, glance=50, samples=50).likelihoods
    one = measure_likelihood(model, x, rows[np.zeros(len(x), np.int64)], samples=50)
    assert found.log_px == pytest.approx(one.log_px, abs=1e-4)
    assert found.stderr == pytest.approx(one.stderr, rel=1e-3)


def test_the_elbo_over_classes_is_exact_where_every_posterior_is():
    model, x, _ = mixture()
    found = believe(model, x, ROWS, glance=2, samples=20_000).likelihoods
    assert found.elbo == pytest.approx(found.log_px, abs=0.1)
    wide = mixture(widen=1.5)[0]
    assert (believe(wide, x, ROWS, samples=2000).likelihoods.elbo < found.log_px - 0.05).all()


def test_only_the_leading_classes_are_refined():
    model, _, labels = mixture(sigma=0.3)
    model.v *= 20.0
    x = model.sample(20, ROWS[labels])
    found = believe(model, x, ROWS, glance=1, samples=100)
    assert (found.best == labels).all()
    assert found.entropy == pytest.approx(0.0, abs=1e-6)
    drawn = []
    plain = model.log_likelihood
    model.log_likelihood = lambda x, z, y: drawn.append(len(x)) or plain(x, z, y)
    believe(model, x, ROWS, glance=1, samples=100)
    assert sum(drawn) == 20 * 4 + 20 * 99


def test_the_figures_of_an_image_do_not_depend_on_its_company(monkeypatch):
    model, x, _ = mixture(widen=1.4)
    together = believe(model, x, ROWS, samples=8, seed=2)
    monkeypatch.setattr(module, "BLOCK", 3)
    split = believe(model, x[::-1].copy(), ROWS, samples=8, seed=2)
    assert split.posterior[::-1] == pytest.approx(together.posterior, abs=1e-6)


def test_progress_rises_to_the_end(monkeypatch):
    monkeypatch.setattr(module, "BLOCK", 7)
    model, x, _ = mixture()
    told = []

    class Heard:
        def report(self, fraction, text=""):
            told.append(fraction)

    believe(model, x, ROWS, progress=Heard())
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1.0)


def test_entropy_is_that_of_the_distribution():
    found = entropy(np.array([[1.0, 0.0, 0.0, 0.0], [0.25, 0.25, 0.25, 0.25]]))
    assert found == pytest.approx([0.0, np.log(4.0)])


@pytest.mark.parametrize("prior", [[1.0], [0, 0, 0, 0], [1, 1, 1, -1], [1, 1, 1, np.nan]])
def test_what_is_no_prior_is_refused(prior):
    with pytest.raises(ValueError, match="4 weights"):
        normalised_prior(np.array(prior, float), 4)


def test_a_class_without_prior_probability_is_never_taken():
    model, x, _ = mixture()
    found = believe(model, x, ROWS, prior=np.array([0.0, 1.0, 1.0, 0.0]))
    assert (found.posterior[:, [0, 3]] == 0.0).all()
    assert np.isfinite(found.likelihoods.elbo).all()
    assert np.isfinite(found.likelihoods.log_px).all()


def test_class_rows_leave_other_conditions_empty(tmp_path):
    spec = write_tiny_vae(tmp_path / "tiny").spec
    assert (class_rows(spec) == ROWS).all()
    font = ConditionSpec("font", "attributes", 2, optional=True)
    more = msgspec.structs.replace(spec, conditions=(font, *spec.conditions))
    assert (class_rows(more) == np.pad(ROWS, ((0, 0), (2, 0)))).all()
    needed = msgspec.structs.replace(font, optional=False)
    with pytest.raises(LoadError, match="font"):
        class_rows(msgspec.structs.replace(spec, conditions=(needed, *spec.conditions)))
    with pytest.raises(LoadError, match="no classes"):
        class_rows(msgspec.structs.replace(spec, conditions=()))


def test_a_model_is_summed_over_its_classes(tmp_path):
    bundle = write_tiny_vae(tmp_path / "tiny", channels=1)
    density = open_density(bundle, "cpu")
    images = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 1), np.uint8)
    found = measure_marginal(density, bundle, images, samples=6)
    x = np.ascontiguousarray(np.moveaxis(images, 3, 1) / np.float32(255.0), np.float32)
    classes = believe(density, x, ROWS, glance=4, samples=6)
    expected = np.logaddexp.reduce(classes.log_pxy - np.log(4.0), axis=1)
    assert found.log_px == pytest.approx(expected)
