"""Inversion against a linear decoder, whose answer least squares knows."""

import numpy as np
import pytest
import torch

from genviewer.core.spec import ConditionSpec, ImageSpec, LatentSpec, Spec
from genviewer.engine import inversion as module
from genviewer.engine.density import ShareOfProgress
from genviewer.engine.inversion import Effort, invert, invert_network
from genviewer.engine.inversion_measures import psnr, scales, ssim
from genviewer.engine.jobs import Cancelled, Job, Progress
from tests.style_networks import BIGGAN, STYLEGAN2, network
from tests.style_networks import spec as spec_of_styles
from tests.tiny_models import write_tiny_vae

SIDE, DIM = 6, 4


class Linear(torch.nn.Module):
    """x = z W + y V + 0.5."""

    def __init__(self, classes=0):
        super().__init__()
        rng = np.random.default_rng(0)
        self.w = torch.nn.Parameter(torch.tensor(rng.normal(0, 0.1, (DIM, SIDE**2))).float(), False)
        self.v = torch.nn.Parameter(
            torch.tensor(rng.normal(0, 0.3, (classes, SIDE**2))).float(), False
        )

    def decode(self, z, y=None):
        flat = z @ self.w + 0.5
        if y is not None:
            flat = flat + y @ self.v
        return flat.view(-1, 1, SIDE, SIDE)


def spec_of(classes=0, prior="normal"):
    conditions = (ConditionSpec("class", "class", classes),) if classes else ()
    latent, image = LatentSpec(DIM, prior), ImageSpec(1, SIDE, SIDE)
    return Spec("linear", "decoder", latent, image, conditions)


def test_a_linear_decoder_is_inverted_as_by_least_squares():
    """At one scale the loss is the squared error, and its minimum least squares."""
    network, rng = Linear(), np.random.default_rng(1)
    x = (rng.normal(0, 0.15, (5, 1, SIDE, SIDE)) + 0.5).astype(np.float32)
    assert scales(SIDE, SIDE) == 1
    found = invert_network(network, spec_of(), x, effort=Effort(prior_weight=0.0, steps=600))
    w, flat = network.w.double().numpy(), x.reshape(5, -1).astype(float) - 0.5
    exact = np.linalg.lstsq(w.T, flat.T, rcond=None)[0].T
    assert found.latent == pytest.approx(exact, abs=5e-3)
    error = np.square((exact @ w) - flat).mean(1)
    assert found.psnr == pytest.approx(-10 * np.log10(error), abs=0.2)  # pictures are clamped


def test_a_search_that_is_stopped_has_the_best_so_far():
    network, asked = Linear(), []
    x = np.full((2, 1, SIDE, SIDE), 0.6, np.float32)

    def stopped():
        asked.append(None)
        return len(asked) == 5

    found = invert_network(network, spec_of(), x, effort=Effort(steps=4000), stopped=stopped)
    assert len(asked) == 5
    assert found.latent.shape == (2, DIM)
    as_long = invert_network(network, spec_of(), x, effort=Effort(steps=4000), stopped=lambda: True)
    assert (found.psnr >= as_long.psnr).all()  # more steps, nearer
    assert found.psnr == pytest.approx(psnr(torch.tensor(found.pictures), torch.tensor(x)).numpy())


def test_the_class_is_found_with_the_latent():
    network, rng = Linear(classes=3), np.random.default_rng(2)
    y = np.eye(3, dtype=np.float32)[[2, 0, 1, 1]]
    z = torch.tensor(rng.normal(0, 0.5, (4, DIM))).float()
    x = network.decode(z, torch.from_numpy(y)).numpy()
    found = invert_network(network, spec_of(3), x, effort=Effort(prior_weight=0.0, steps=500))
    assert (found.condition == y).all()
    assert found.latent == pytest.approx(z.numpy(), abs=0.02)
    wrong = invert_network(network, spec_of(3), x, y[::-1].copy(), effort=Effort(steps=50))
    assert (wrong.condition == y[::-1]).all()


def test_the_penalty_keeps_the_latent_within_the_prior():
    network = Linear()
    x = network.decode(torch.full((1, DIM), 6.0)).numpy()
    free = invert_network(network, spec_of(), x, effort=Effort(prior_weight=0.0, steps=800))
    held = invert_network(network, spec_of(), x, effort=Effort(prior_weight=1.0, steps=800))
    assert np.sqrt(np.square(free.latent).mean()) > 5.0
    assert np.sqrt(np.square(held.latent).mean()) < 2.0
    inside = invert_network(network, spec_of(prior="uniform"), x, effort=Effort(steps=200))
    assert np.abs(inside.latent).max() <= 1.0


def test_it_is_repeatable_and_shows_what_it_has(monkeypatch):
    network = Linear()
    x = network.decode(torch.randn(3, DIM, generator=torch.Generator().manual_seed(0))).numpy()
    shown, told = [], []

    class Heard:
        def report(self, fraction, text=""):
            told.append(fraction)

    effort = Effort(steps=40, restarts=4, candidates=8)
    first = invert_network(
        network, spec_of(), x, effort=effort, progress=Heard(), preview=shown.append
    )
    again = invert_network(network, spec_of(), x, effort=effort)
    assert (first.latent == again.latent).all()
    assert [picture.shape for picture in shown] == [(3, 1, SIDE, SIDE)] * 4
    assert told == sorted(told)
    assert told[-1] == 1.0
    monkeypatch.setattr(module, "CHUNK_PIXELS", SIDE**2 * 4)  # an image at a time
    apart = invert_network(network, spec_of(), x, effort=effort)
    assert apart.latent == pytest.approx(first.latent, abs=1e-3)


def test_large_pictures_are_drawn_few_at_a_time(monkeypatch):
    """Also those of one image's restarts and candidates: their gradients fill the memory."""
    network = Linear(classes=3)
    x = network.decode(torch.full((2, DIM), 0.5), torch.eye(3)[[1, 2]]).numpy()
    effort = Effort(steps=30, restarts=5, candidates=12)
    whole = invert_network(network, spec_of(3), x, effort=effort)
    sizes, decode = [], network.decode

    def counted(z, y=None):
        sizes.append(len(z))
        return decode(z, y)

    monkeypatch.setattr(network, "decode", counted)
    monkeypatch.setattr(module, "CHUNK_PIXELS", SIDE**2 * 2)
    found = invert_network(network, spec_of(3), x, effort=effort)
    assert max(sizes) == 2
    assert found.latent == pytest.approx(whole.latent, abs=1e-3)
    assert (found.condition == whole.condition).all()
    # candidates take long then: neither cancelling nor stopping waits for all of them
    sizes.clear()
    invert_network(network, spec_of(3), x[:1], effort=effort, stopped=lambda: True)
    assert sum(sizes) == 6 + 5 + 1  # candidates, restarts, what was found
    sizes.clear()
    job = Job("invert", None)
    progress = Progress(job, lambda *_: job.cancel() if len(sizes) == 2 else None)
    with pytest.raises(Cancelled):
        invert_network(network, spec_of(3), x, effort=effort, progress=progress)
    assert len(sizes) < 5
    sizes.clear()
    job = Job("invert", None)  # and of the first step only a part is done
    progress = Progress(job, lambda *_: job.cancel() if len(sizes) == 7 else None)
    with pytest.raises(Cancelled):
        invert_network(network, spec_of(3), x, effort=effort, progress=progress)
    assert len(sizes) < 9


def test_it_can_be_cancelled():
    job = Job("invert", None)
    progress = Progress(job, lambda fraction, _text: job.cancel() if fraction > 0.2 else None)
    network = Linear()
    x = np.zeros((1, 1, SIDE, SIDE), np.float32)
    with pytest.raises(Cancelled):
        invert_network(network, spec_of(), x, progress=ShareOfProgress(progress, 0.0, 1.0))


def test_a_vae_is_inverted_at_least_as_well_as_its_encoder_reconstructs(tmp_path):
    bundle = write_tiny_vae(tmp_path / "tiny", channels=1)
    x = np.random.default_rng(0).random((2, 1, 8, 8), np.float32)
    y = np.eye(4, dtype=np.float32)[[0, 3]]
    found = invert(bundle, x, y, effort=Effort(steps=60, restarts=3), device="cpu")
    from genviewer.engine.torch_decoder import load_network

    network = load_network(bundle)
    with torch.inference_mode():
        tensors = torch.from_numpy(x), torch.from_numpy(y)
        decoded = network.decode(network.encode(*tensors)[0], tensors[1])
    encoded = psnr(decoded, tensors[0]).numpy()
    assert (found.psnr >= encoded - 0.01).all()
    assert found.pictures.shape == x.shape
    assert (found.condition == y).all()


@pytest.mark.parametrize("values", [{"steps": 0}, {"restarts": 300}, {"rate": 0.0}])
def test_effort_is_checked(values):
    with pytest.raises(ValueError, match="at least"):
        Effort(**values)


def test_psnr_of_known_errors():
    x = torch.full((2, 1, 8, 8), 0.5)
    moved = x + torch.tensor([0.1, 0.01]).view(2, 1, 1, 1)
    assert psnr(moved, x).tolist() == pytest.approx([20.0, 40.0], abs=1e-3)
    assert psnr(x, x).tolist() == [100.0, 100.0]


def test_ssim_of_two_greys_and_of_a_scaled_contrast_is_in_closed_form():
    a, b = torch.full((1, 1, 16, 16), 0.3), torch.full((1, 1, 16, 16), 0.6)
    expected = (2 * 0.3 * 0.6 + 0.01**2) / (0.3**2 + 0.6**2 + 0.01**2)
    assert float(ssim(a, b)) == pytest.approx(expected, abs=1e-5)
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(1, 3, 11, 11, generator=generator, dtype=torch.float64)
    assert float(ssim(x, x)) == pytest.approx(1.0)
    # One window over 11 x 11 pixels: the weighted moments can be written out.
    y = 0.4 * x + 0.2
    at = np.exp(-0.5 * ((np.arange(11) - 5) / 1.5) ** 2)
    weights = np.outer(at, at) / np.outer(at, at).sum()
    values = []
    for channel in x[0].numpy():
        mean = (weights * channel).sum()
        variance = (weights * channel**2).sum() - mean**2
        other = 0.4 * mean + 0.2
        values.append(
            (2 * mean * other + 1e-4) / (mean**2 + other**2 + 1e-4)
            * (2 * 0.4 * variance + 9e-4) / (variance + 0.16 * variance + 9e-4)
        )  # fmt: skip
    assert float(ssim(x, y)) == pytest.approx(np.mean(values), abs=1e-9)
    assert float(ssim(y, x)) == pytest.approx(float(ssim(x, y)))


def test_small_pictures_have_a_smaller_window():
    x = torch.rand(2, 1, 4, 6)
    assert ssim(x, x).tolist() == pytest.approx([1.0, 1.0])


@pytest.mark.parametrize("config", [STYLEGAN2, BIGGAN], ids=["stylegan2", "biggan"])
def test_networks_of_other_families_are_inverted(config):
    made = network(config)
    spec = spec_of_styles(config, made)
    y = np.eye(3, dtype=np.float32)[[1, 2]]
    z = np.random.default_rng(0).uniform(-1, 1, (2, 6)).astype(np.float32)
    with torch.inference_mode():
        x = made.decode(torch.from_numpy(z), torch.from_numpy(y)).numpy()
    few = invert_network(made, spec, x, y, effort=Effort(steps=1, restarts=2))
    more = invert_network(made, spec, x, y, effort=Effort(steps=80, restarts=2))
    assert (more.psnr > few.psnr + 3.0).all()
