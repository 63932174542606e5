from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from torch.distributions import Bernoulli, Normal

from genviewer.engine.density import measure_likelihood, open_density
from genviewer.engine.iwae import (
    Binarised,
    IwaeRunConfig,
    IwaeState,
    epochs_until,
    learning_rate,
    stage_of,
    train_iwae,
)
from genviewer.engine.iwae_network import (
    BoundGradient,
    IwaeConfig,
    Layers,
    initial_parameters,
    parameter_count,
)
from genviewer.engine.iwae_nll import (
    TABLE_END,
    TABLE_START,
    binarised_once,
    measure_nll,
    measure_run,
    results_table,
    write_table,
)
from genviewer.engine.iwae_run import IwaeFolder, run_iwae
from genviewer.engine.train_config import TrainingError
from genviewer.io.bundle import open_bundle

if TYPE_CHECKING:
    from pathlib import Path

    from genviewer.engine.iwae_run import IwaeProgress

SMALL = IwaeConfig(pixels=16, hidden=8, latent_dim=3)


def grey_images(count: int = 60) -> np.ndarray:
    """Bright above, dark below, with noise in between."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (count, 16), np.uint8)
    images[:, :4], images[:, 12:] = 255, 0
    return images


@pytest.mark.parametrize("samples", [1, 4])
def test_bound_and_gradient_are_those_of_automatic_differentiation(samples: int) -> None:
    torch.manual_seed(0)
    flat = initial_parameters(SMALL, np.full(16, 0.3), 0)
    flat += 0.1 * torch.randn(len(flat))
    x, noise = (torch.rand(5, 16) < 0.4).float(), torch.randn(5, samples, 3)
    by_hand = BoundGradient(flat.clone(), SMALL, 5, samples)
    bound = by_hand(x, noise)
    leaf = flat.clone().requires_grad_(True)
    at = Layers(leaf, SMALL)

    def through(h: torch.Tensor, first: int) -> torch.Tensor:
        for index in (first, first + 1):
            h = torch.tanh(h @ at.weights[index].t() + at.biases[index])
        return h @ at.weights[first + 2].t() + at.biases[first + 2]

    mean, log_deviation = through(x, 0).chunk(2, 1)
    posterior = Normal(mean[:, None], log_deviation.exp()[:, None])
    z = mean[:, None] + log_deviation.exp()[:, None] * noise
    log_w = Bernoulli(logits=through(z, 3)).log_prob(x[:, None].expand(5, samples, 16)).sum(2)
    log_w = log_w + (Normal(0.0, 1.0).log_prob(z) - posterior.log_prob(z)).sum(2)
    wanted = (torch.logsumexp(log_w, 1) - math.log(samples)).mean()
    (-wanted).backward()
    assert bound == pytest.approx(wanted.item(), abs=1e-4)
    assert leaf.grad is not None
    torch.testing.assert_close(by_hand.gradient, leaf.grad, atol=1e-5, rtol=1e-4)
    if samples == 1:  # what is not measured leaves the gradient alone
        before = by_hand.gradient.clone()
        assert by_hand(x, noise, measured=False) is None
        torch.testing.assert_close(by_hand.gradient, before)


def test_the_schedule_is_the_papers() -> None:
    assert epochs_until(7) == 3280
    assert [stage_of(epoch) for epoch in (0, 1, 3, 4, 12, 13, 3279)] == [0, 1, 1, 2, 2, 3, 7]
    assert learning_rate(0) == pytest.approx(1e-3)
    assert learning_rate(3279) == pytest.approx(1e-4)


def test_pixels_are_binarised_by_their_value_and_anew_every_epoch() -> None:
    image = np.tile(np.array([[0, 51, 204, 255]], np.uint8), (4000, 1))
    data = Binarised(image, seed=3)
    first, second = data.epoch(0), data.epoch(1)
    np.testing.assert_allclose(first.mean(0), [0.0, 0.2, 0.8, 1.0], atol=0.03)
    assert (first != second).any()
    np.testing.assert_array_equal(first, data.epoch(0))
    once = binarised_once(image, 0)
    np.testing.assert_allclose(once.mean(0), [0.0, 0.2, 0.8, 1.0], atol=0.03)


def test_training_raises_the_bound() -> None:
    images = grey_images(200)
    state = IwaeState(IwaeRunConfig(samples=2, network=SMALL), images.mean(0) / 255.0)
    bounds = [
        losses["bound"]
        for losses in itertools.islice(train_iwae(state, images, stages=4), 400)
        if losses
    ]
    assert bounds[-1] > bounds[0]


def test_a_resumed_run_ends_in_the_same_weights(tmp_path: Path) -> None:
    images = grey_images()
    config = IwaeRunConfig(samples=2, network=SMALL)
    whole = run_iwae(tmp_path / "whole", images, config, stages=3)

    class KilledError(Exception):
        pass

    def kill(progress: object) -> None:
        if getattr(progress, "epoch", 0) == 7:
            raise KilledError

    with pytest.raises(KilledError):
        run_iwae(tmp_path / "parts", images, config, stages=3, progress=kill)
    parts = run_iwae(tmp_path / "parts", images, config, stages=3, resume=True)
    for name in ("bundle/model.safetensors", "bundle/config.json"):
        assert (whole.path / name).read_bytes() == (parts.path / name).read_bytes()
    rows = [path.metrics_path.read_text().splitlines() for path in (whole, parts)]
    assert [row.split(",")[0] for row in rows[0]] == [row.split(",")[0] for row in rows[1]]
    assert parts.epochs() == [1, 4, 10, 13]  # ends of stages, and the two newest
    with pytest.raises(TrainingError, match="other images"):
        run_iwae(parts.path, images[:40], config, stages=3, resume=True)
    with pytest.raises(TrainingError, match="--resume"):
        run_iwae(parts.path, images, config, stages=3)


def test_nll_is_exact_where_the_latent_says_nothing() -> None:
    flat = torch.zeros(parameter_count(SMALL))
    probability = torch.linspace(0.1, 0.9, 16)
    Layers(flat, SMALL).biases[-1].copy_(torch.logit(probability))
    images = grey_images(20)
    log_px, elbo, active = measure_nll(flat, SMALL, images, 7)
    x = torch.from_numpy(binarised_once(images, 0)).float()
    exact = Bernoulli(probs=probability).log_prob(x).sum(1).numpy()
    np.testing.assert_allclose(log_px, exact, atol=1e-4)
    np.testing.assert_allclose(elbo, exact, atol=1e-4)
    assert active == 0


def test_the_bundle_finds_images_as_likely_as_the_run_does(tmp_path: Path) -> None:
    images = grey_images(400)
    folder = run_iwae(tmp_path / "run", images, IwaeRunConfig(network=SMALL), stages=3)
    found = measure_run(folder.path, images[:30], samples=2000)
    density = open_density(open_bundle(folder.bundle_path), "cpu")
    x = binarised_once(images[:30], 0).reshape(30, 1, 4, 4).astype(np.float32)
    other = measure_likelihood(density, x, samples=2000)
    # Both are estimates of the same figures, with noise of their own.
    assert found.nll == pytest.approx(-other.log_px.mean(), abs=0.05)
    assert found.elbo == pytest.approx(other.elbo.mean(), abs=0.1)
    assert (found.epochs, found.stages) == (13, 3)


def test_a_run_is_measured_within_a_stage_too_with_another_number_of_threads(
    tmp_path: Path,
) -> None:
    images = grey_images(200)
    config = IwaeRunConfig(network=SMALL, threads=2)
    folder = run_iwae(tmp_path / "run", images, config, stages=1)
    before = torch.get_num_threads()
    threads: list[int] = []

    class KilledError(Exception):
        pass

    def kill(progress: IwaeProgress) -> None:
        threads.append(torch.get_num_threads())
        if progress.epoch == 10:
            raise KilledError

    with pytest.raises(KilledError):
        run_iwae(folder.path, images, config, stages=3, resume=True, threads=1, progress=kill)
    assert (set(threads), torch.get_num_threads()) == ({1}, before)
    assert folder.read().config.threads == 2
    finished = measure_run(folder.path, images[:10], samples=5)
    found = measure_run(folder.path, images[:10], samples=5, newest=True)
    assert (finished.epochs, found.epochs, found.stages) == (4, 10, 2)
    assert found.nll != finished.nll
    assert {path.name for path in folder.path.glob("nll*")} == {"nll-2.json", "nll-epoch-10.json"}
    assert "| 1 | 10 | 2 of 8 and 6 epochs | 10 |" in results_table([finished, found])


def test_results_go_into_the_table_of_a_page(tmp_path: Path) -> None:
    folder = run_iwae(tmp_path / "run", grey_images(), IwaeRunConfig(network=SMALL), stages=1)
    found = measure_run(folder.path, grey_images()[:10], samples=5)
    page = tmp_path / "page.md"
    page.write_text(f"before\n{TABLE_START}\nold\n{TABLE_END}\nafter\n")
    write_table(page, [found])
    text = page.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "old" not in text
    assert f"| 1 | 1 | 1 of 8 | 10 | {found.nll:.2f}" in text
    assert "86.76" in text
    page.write_text("no marks")
    with pytest.raises(TrainingError, match="has no lines"):
        write_table(page, [found])


def test_a_damaged_checkpoint_is_told(tmp_path: Path) -> None:
    folder = run_iwae(tmp_path / "run", grey_images(), IwaeRunConfig(network=SMALL), stages=1)
    path = folder.checkpoints_path / f"epoch-{folder.epochs()[-1]:05d}.pt"
    for data in (b"", path.read_bytes()[:300], b"\x80\x02."):
        path.write_bytes(data)
        with pytest.raises(TrainingError, match="cannot be resumed"):
            measure_run(folder.path, grey_images()[:10], samples=5)


def test_folders_without_a_run_are_told_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="holds no run"):
        IwaeFolder(tmp_path).read()
    (tmp_path / "iwae.json").write_text('{"config": 3}')
    with pytest.raises(TrainingError, match="cannot be read"):
        measure_run(tmp_path, grey_images())
