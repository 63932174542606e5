"""The bounds on log p(x) against models whose densities are known exactly."""

import threading

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from genviewer.engine import density as module
from genviewer.engine.density import NetworkDensity, measure_likelihood, open_density
from genviewer.engine.density_results import (
    WeightSums,
    auroc,
    percentile,
    to_bits_per_dim,
)
from genviewer.engine.encoding import encode
from genviewer.engine.generator import LoadError
from genviewer.engine.jobs import Cancelled, Job, JobLane, Progress
from genviewer.io.bundle import open_bundle
from tests.engine.linear_gaussian import LinearGaussian
from tests.tiny_models import write_tiny_vae


def test_the_bound_of_an_exact_posterior_is_the_density_itself():
    model = LinearGaussian()
    x = model.sample(5)
    found = measure_likelihood(model, x, samples=7)
    assert found.log_px == pytest.approx(model.exact_log_px(x), abs=1e-4)
    assert found.stderr == pytest.approx(0.0, abs=1e-4)


def test_the_weighted_bound_is_within_three_standard_errors():
    model = LinearGaussian(widen=1.5, shift=0.05)
    x = model.sample(40)
    found = measure_likelihood(model, x, samples=500, seed=3)
    away = (found.log_px - model.exact_log_px(x)) / found.stderr
    assert (found.stderr > 0.005).all()  # there is an error to speak of
    assert (np.abs(away) < 3.5).all()  # 40 of them: one beyond 3 has a chance of a tenth
    assert np.sqrt(np.mean(away**2)) == pytest.approx(1.0, abs=0.35)


def test_the_gap_of_the_elbo_is_the_exact_divergence_of_the_posteriors():
    model = LinearGaussian(widen=1.6, shift=0.2)
    x = model.sample(4)
    found = measure_likelihood(model, x, samples=40_000)
    variances = np.diag(model.exact_posterior(x)[1])
    ratio = model.widen**2
    gap = 0.5 * (ratio - 1.0 - np.log(ratio) + model.shift**2 / variances).sum()
    assert gap > 0.5
    assert model.exact_log_px(x) - found.elbo == pytest.approx(gap, abs=0.05)
    assert found.elbo == pytest.approx(found.reconstruction - found.kl)


def test_more_samples_tighten_the_bound():
    model = LinearGaussian(widen=2.0, shift=0.3)
    x = model.sample(60)
    means = [measure_likelihood(model, x, samples=k).log_px.mean() for k in (1, 10, 1000)]
    assert means[0] < means[1] < means[2] < model.exact_log_px(x).mean() + 0.02


def test_an_image_has_the_same_figures_alone_and_among_others(monkeypatch):
    model = LinearGaussian(widen=1.5)
    x = model.sample(9)
    together = measure_likelihood(model, x, samples=30, seed=5)
    monkeypatch.setattr(module, "CHUNK_VALUES", 16 * 7)  # seven pictures at once
    alone = [measure_likelihood(model, x[i : i + 1], samples=30, seed=5) for i in range(9)]
    assert np.concatenate([a.log_px for a in alone]) == pytest.approx(together.log_px, abs=1e-5)
    other = measure_likelihood(model, x, samples=30, seed=6)
    assert (other.log_px != together.log_px).all()


def test_memory_is_bounded_by_the_chunk(monkeypatch):
    monkeypatch.setattr(module, "CHUNK_VALUES", 16 * 10)
    model = LinearGaussian()
    sizes = []
    plain = model.log_likelihood

    def watched(x, z, y):
        sizes.append(len(x))
        return plain(x, z, y)

    model.log_likelihood = watched
    measure_likelihood(model, model.sample(7), samples=25)
    measure_likelihood(model, model.sample(7), samples=4)
    assert max(sizes) <= 10
    assert sum(sizes) == 7 * 29


def test_the_standard_error_needs_two_samples():
    model = LinearGaussian(widen=1.5)
    assert np.isnan(measure_likelihood(model, model.sample(3), samples=1).stderr).all()


def test_sums_of_weights_do_not_overflow_and_add_up():
    rng = np.random.default_rng(0)
    logs = rng.normal(-5000.0, 3.0, (4, 50))
    sums = WeightSums(4)
    rows = np.array([3, 0, 2, 1])
    sums.add(rows, logs[:, :20], logs[:, :20])
    sums.add(rows, logs[:, 20:], logs[:, 20:])
    scaled = np.exp(logs + 5000.0)
    assert sums.log_px[rows] == pytest.approx(np.log(scaled.mean(1)) - 5000.0)
    error = scaled.std(1, ddof=1) / np.sqrt(50) / scaled.mean(1)
    assert sums.stderr[rows] == pytest.approx(error)
    assert sums.reconstruction[rows] == pytest.approx(logs.mean(1))


def test_a_bernoulli_network_is_measured_as_its_formula_says(tmp_path):
    bundle = write_tiny_vae(tmp_path / "tiny", classes=(), channels=1)
    density = open_density(bundle, "cpu")
    network = density._network
    for parameter in network.parameters():
        parameter.data *= 0.5  # as drawn, a few samples outweigh all others
    x = np.random.default_rng(0).random((3, 1, 8, 8), np.float32)
    found = measure_likelihood(density, x, samples=4000)
    torch.manual_seed(0)
    with torch.inference_mode():
        mean, logvar = network.encode(torch.from_numpy(x))
        q = torch.distributions.Normal(mean, (0.5 * logvar).exp())
        z = q.sample((4000,))
        means = torch.stack([network.decode(row) for row in z])
        logp = -torch.nn.functional.binary_cross_entropy(
            means, torch.from_numpy(x).expand_as(means), reduction="none"
        ).sum((2, 3, 4))
        weights = logp + (torch.distributions.Normal(0.0, 1.0).log_prob(z) - q.log_prob(z)).sum(2)
        kl = torch.distributions.kl_divergence(q, torch.distributions.Normal(0.0, 1.0)).sum(1)
    assert found.kl == pytest.approx(kl.numpy(), rel=1e-4)
    error = logp.std(0).numpy() / np.sqrt(4000)
    assert (np.abs(found.reconstruction - logp.mean(0).numpy()) < 5 * error + 1e-3).all()
    expected = (weights.logsumexp(0) - np.log(4000)).numpy()
    assert (found.stderr < 0.1).all()
    assert (np.abs(found.log_px - expected) < 5 * found.stderr + 1e-3).all()
    assert "binarisation" in found.measure


class Flat(torch.nn.Module):
    """Decodes everything to grey with a fixed deviation."""

    def __init__(self, likelihood, log_scale):
        super().__init__()
        self.config = type("Config", (), {"likelihood": likelihood})()
        self.decoder = torch.nn.Module()
        self.decoder.log_scale = torch.full((1, 1, 1), log_scale)

    def encode(self, x, y=None):
        return torch.zeros(len(x), 1), torch.zeros(len(x), 1)

    def logits(self, z, y=None):
        return torch.zeros(len(z), 1, 4, 4)


@pytest.mark.parametrize("likelihood", ["gaussian", "discretised_logistic"])
def test_probabilities_of_all_grey_levels_sum_to_one(likelihood):
    """What a dequantised density gives the levels is a distribution, up to the bins' width."""
    density = NetworkDensity(Flat(likelihood, -2.0))
    levels = np.arange(256, dtype=np.float32) / 255.0
    x = np.broadcast_to(levels[:, None, None, None], (256, 1, 4, 4)).copy()
    found = measure_likelihood(density, x, samples=200)
    total = np.exp2(-found.bits_per_dim).sum()
    assert total == pytest.approx(1.0, abs=0.01)


def test_dequantising_noise_reaches_a_gaussian_only():
    x = np.full((2, 1, 4, 4), 0.7, np.float32)
    narrow = [NetworkDensity(Flat(kind, -6.0)) for kind in ("gaussian", "discretised_logistic")]
    gaussian, logistic = (measure_likelihood(d, x, samples=50) for d in narrow)
    assert (gaussian.stderr > 0.01).all()
    assert (logistic.stderr == 0.0).all()


def test_bits_per_dim_of_known_densities():
    assert to_bits_per_dim(np.array([-16 * np.log(256)]), 16, "discretised_logistic") == 8.0
    assert to_bits_per_dim(np.array([0.0]), 16, "gaussian") == pytest.approx(8.0)
    assert to_bits_per_dim(np.array([-16 * np.log(2)]), 16, "bernoulli") == pytest.approx(1.0)


def test_percentiles_and_the_area_under_the_curve():
    reference = np.array([3.0, 1.0, 2.0, 4.0])
    assert percentile(reference, np.array([0.0, 2.0, 2.5, 9.0])).tolist() == [0, 37.5, 50, 100]
    assert auroc(np.array([2.0, 3.0]), np.array([0.0, 1.0])) == 1.0
    assert auroc(np.array([1.0, 2.0]), np.array([1.0, 2.0])) == 0.5
    assert auroc(np.array([0.0, 3.0]), np.array([1.0, 2.0, 4.0, 5.0])) == 0.25


def test_it_can_be_cancelled_and_tells_how_far_it_is(monkeypatch):
    monkeypatch.setattr(module, "CHUNK_VALUES", 16)
    model = LinearGaussian()
    told = []
    job = Job("density", None)

    def heard(fraction, _text):
        told.append(fraction)
        if fraction >= 0.5:
            job.cancel()

    with pytest.raises(Cancelled):
        measure_likelihood(model, model.sample(8), samples=2, progress=Progress(job, heard))
    assert told == sorted(told)
    assert model.calls < 16


def test_it_runs_in_the_job_lane():
    model = LinearGaussian()
    x = model.sample(3)
    lane, done, results = JobLane(), threading.Event(), []
    lane.start()
    lane.submit(
        lambda progress: measure_likelihood(model, x, samples=5, progress=progress),
        "density",
        on_done=lambda found: (results.append(found), done.set()),
    )
    assert done.wait(20)
    lane.stop()
    assert results[0].log_px == pytest.approx(model.exact_log_px(x), abs=1e-4)


@pytest.mark.parametrize("part", ["decoder", "encoder"])
def test_figures_that_are_not_finite_are_not_given(tmp_path, part):
    bundle = write_tiny_vae(tmp_path / "damaged", classes=())
    path = bundle.path / "model.safetensors"
    tensors = load_file(path)
    name = next(n for n in sorted(tensors) if n.startswith(part) and n.endswith("weight"))
    tensors[name] = np.full_like(tensors[name], np.nan)
    save_file(tensors, path)
    damaged, x = open_bundle(bundle.path), np.full((2, 3, 8, 8), 0.5, np.float32)
    with pytest.raises(LoadError, match="not a number"):
        measure_likelihood(open_density(damaged, "cpu"), x, samples=2)
    if part == "encoder":
        with pytest.raises(LoadError, match="not finite"):
            encode(damaged, x, device="cpu")


def test_models_without_a_density_say_so(tmp_path):
    import msgspec

    bundle = write_tiny_vae(tmp_path / "tiny")
    for changes, words in (
        ({"family": "gan", "density": False}, "GAN"),
        ({"density": False}, "no density"),
        ({"encoder": False}, "no density"),
    ):
        spec = msgspec.structs.replace(bundle.spec, **changes)
        config = msgspec.structs.replace(bundle.config, spec=spec)
        with pytest.raises(LoadError, match=words):
            open_density(msgspec.structs.replace(bundle, config=config))
