"""What training promises, each against something that was worked out another way."""

import collections
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from genviewer.engine import train_gan as gan_module
from genviewer.engine.evaluate_features import images_tensor
from genviewer.engine.torch_decoder import load_network
from genviewer.engine.train_config import TrainingError, read_config
from genviewer.engine.train_run import MetricsFile, RunFolder
from genviewer.engine.train_state import TrainingState, one_hot
from genviewer.engine.train_vae import measure_elbo
from genviewer.engine.training import make_state, train, training_steps
from genviewer.io.bundle import open_bundle
from genviewer.io.datasets import Images
from genviewer.io.write_errors import WriteError

VAE = """
name = "bars"
steps = 6
batch_size = 8
threads = 1
checkpoint_every = 1
log_every = 1
[data]
source = "unset"
[network]
type = "residual_vae"
image_size = 8
latent_dim = 2
classes = 2
hidden = 16
channels = [16, 8]
blocks = [1, 1]
encoder_blocks = [1, 0]
[vae]
"""
GAN = """
name = "bars-gan"
steps = 6
batch_size = 8
threads = 1
checkpoint_every = 1
log_every = 1
[data]
source = "unset"
[network]
type = "residual_gan"
image_size = 8
latent_dim = 4
classes = 2
hidden = 16
channels = [16, 8]
blocks = [1, 1]
critic_channels = [8, 16]
[gan]
"""
FAST = "[optimizer]\nlearning_rate = 5e-3\nwarmup = 10\n"


def bars(count=64):
    """Two white lines across (class 0) or down (class 1), at one of seven places."""
    rng = np.random.default_rng(0)
    images = np.zeros((count, 8, 8), np.uint8)
    labels = np.arange(count) % 2
    for image, label in zip(images, labels, strict=True):
        place = rng.integers(0, 7)
        (image if label == 0 else image.T)[place : place + 2] = 255
    return Images("bars", images[..., None], labels)


@pytest.fixture(autouse=True)
def one_thread():
    """Networks this small are slower with more, and much slower on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "bars.npz"
    made = bars()
    np.savez(path, images=made.images, labels=made.labels)
    return path


def config_of(tmp_path, text):
    path = tmp_path / "run.toml"
    path.write_text(text)
    return read_config(path)


def run_all(config, images):
    state = make_state(config)
    return state, list(training_steps(config, state, images))


# Resuming --------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [VAE, GAN.replace("[gan]", '[gan]\naugment = "cutout"')])
def test_a_killed_run_ends_bit_identical(tmp_path, data, text):
    text = text.replace("steps = 6", "steps = 40").replace("log_every = 1", "log_every = 7")
    config = tmp_path / "run.toml"
    config.write_text(text)
    whole = train(config, data=data, out=tmp_path / "whole")
    command = [sys.executable, "-m", "genviewer", "train", config, "--data", data]
    with subprocess.Popen([*command, "--out", tmp_path / "cut"], stderr=subprocess.DEVNULL) as run:
        deadline = time.monotonic() + 100
        folder = RunFolder(tmp_path / "cut")
        while not any(step >= 5 for step, _ in folder.checkpoints()):
            assert run.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
        run.kill()  # SIGKILL: no handler, no clean-up
        assert run.wait() != 0
    reached = folder.checkpoints()[-1][0]
    assert reached < 40, "it was over before it could be killed"
    train(config, out=tmp_path / "cut", resume=True)
    for name in ("model.safetensors", "config.json"):
        parts = [run / "bundle" / name for run in (whole, tmp_path / "cut")]
        assert parts[0].read_bytes() == parts[1].read_bytes()
    steps = [row.split(",")[0] for row in (tmp_path / "cut/metrics.csv").read_text().split()]
    assert steps == ["step", "7", "14", "21", "28", "35", "40"]


def test_half_a_line_of_metrics_is_written_again(tmp_path):
    path = tmp_path / "metrics.csv"
    first = MetricsFile(path, 0)
    for step in (10, 20, 30):
        first.write(step, 1.0, {"loss": step / 7})
    whole = path.read_bytes()
    path.write_bytes(whole[:-9])  # killed in the middle of the last row
    MetricsFile(path, 30).write(30, 1.0, {"loss": 30 / 7})
    assert path.read_bytes().split() == whole.split()
    MetricsFile(path, 15)
    assert len(path.read_text().split()) == 2


def test_a_checkpoint_that_cannot_be_finished_leaves_the_older_ones(tmp_path, small_files):
    config = config_of(tmp_path, VAE)
    folder = RunFolder(tmp_path / "run")
    folder.create(config)
    state = make_state(config)
    whole = folder.save(state, 3).read_bytes()
    state.step = 1
    told = r"step-0000001.pt cannot be written.*no space left"
    with pytest.raises(WriteError, match=told), small_files(len(whole) // 2):
        folder.save(state, 3)
    assert [path.name for path in folder.checkpoints_path.iterdir()] == ["step-0000000.pt"]
    folder.save(state, 3)
    again = make_state(config)
    assert folder.restore(again) == 0
    assert again.step == 1


# Averages and objectives -----------------------------------------------------------------------


def test_the_average_is_the_weighted_sum_of_what_went_before():
    network = torch.nn.Linear(1, 1, bias=False)
    state = TrainingState(network, {}, 0)
    values, decay = [3.0, -1.0, 5.0, 2.0], 0.2
    expected = float(network.weight.detach())
    for step, value in enumerate(values, start=1):
        with torch.no_grad():
            network.weight.fill_(value)
        state.step = step
        state.update_ema(decay)
        kept = min(decay, (1 + step) / (10 + step))  # it follows quickly at first
        expected = kept * expected + (1 - kept) * value
        assert float(state.ema.weight) == pytest.approx(expected)
    assert float(network.weight.detach()) == 2.0


def test_the_kl_is_warmed_up_linearly(tmp_path):
    config = config_of(tmp_path, VAE + "beta = 3.0\nkl_warmup = 4\n")
    _, losses = run_all(config, bars())
    assert [row["beta"] for row in losses] == pytest.approx([0.75, 1.5, 2.25, 3.0, 3.0, 3.0])


def test_free_bits_keep_information_that_beta_would_take(tmp_path):
    kept = {}
    for nats in (0.0, 0.5):
        text = VAE.replace("steps = 6", "steps = 120").replace("batch_size = 8", "batch_size = 32")
        text += f"beta = 20.0\nfree_bits = {nats}\n{FAST}"
        _, losses = run_all(config_of(tmp_path, text), bars())
        kept[nats] = np.mean([row["kl"] for row in losses[-10:]])
    assert kept[0.0] < 0.05  # collapsed
    assert kept[0.5] > 0.3  # up to half a nat in either dimension costs nothing


def test_a_short_training_reaches_the_entropy_of_the_data_and_no_more(tmp_path):
    text = VAE.replace("steps = 6", "steps = 400").replace("batch_size = 8", "batch_size = 32")
    data = bars(256)
    state, _ = run_all(config_of(tmp_path, text + FAST), data)
    state.ema.eval()
    elbo = np.mean([measure_elbo(state.ema, data, seed=seed)[0] for seed in range(5)])
    # Given its class, a picture is one of seven: no model's mean log-likelihood exceeds
    # -H(x | y), the entropy of the places in these very data, about log 7 nats.
    counts = collections.Counter(image.tobytes() for image in data.images)
    entropy = -sum(n / 256 * np.log(n / 128) for n in counts.values())
    assert entropy == pytest.approx(np.log(7), abs=0.1)
    assert -entropy - 8 < elbo < -entropy


def test_beta_tcvae_keeps_the_dimensions_independent(tmp_path):
    found = {}
    for beta in (0.0, 30.0):
        text = VAE.replace("steps = 6", "steps = 40").replace("batch_size = 8", "batch_size = 64")
        text = text.replace("classes = 2", "classes = 0")
        text += f"beta = {beta}\ntotal_correlation = true\n{FAST}"
        config = config_of(tmp_path, text)
        state = make_state(config)
        with torch.no_grad():
            posterior = state.network.encoder.posterior
            posterior.weight[1] = posterior.weight[0]  # both dimensions say the same
            posterior.weight[:2] *= 10
            posterior.bias[2:] = -3.0
        losses = list(training_steps(config, state, bars(128)))
        found[beta] = np.mean([row["tc"] for row in losses[-5:]])
    assert found[30.0] < 0.05
    assert found[0.0] > 0.2


def test_objectives_that_contradict_themselves_are_refused(tmp_path):
    for text, words in (
        (VAE + "total_correlation = true\nfree_bits = 0.1\n", "free_bits does not apply"),
        (VAE + "beta = -1.0\n", "must not be negative"),
        (GAN + "penalty_every = 0\n", "at least 1"),
        (GAN + 'augment = "flip"\n', "augment knows"),
        (GAN + 'loss = "least_squares"\n', "least_squares"),
        (GAN.replace("[gan]", 'conditioning = "film"\n[gan]'), "film"),
    ):
        with pytest.raises((TrainingError, ValueError), match=words):
            make_state(config_of(tmp_path, text))


# GANs ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("loss", "penalty", "conditioning", "rate"),
    [
        ("nonsaturating", 0.1, "projection", 2e-3),
        ("hinge", 0.1, "auxiliary", 2e-3),
        ("wgan", 10.0, "projection", 2e-3),
        ("wgan", 10.0, "auxiliary", 4e-3),
    ],
)
def test_every_kind_of_gan_learns_its_classes(tmp_path, loss, penalty, conditioning, rate):
    text = GAN.replace("steps = 6", "steps = 150").replace("batch_size = 8", "batch_size = 32")
    text = text.replace("[gan]", f'conditioning = "{conditioning}"\n[gan]')
    text += f'loss = "{loss}"\npenalty = {penalty}\n'
    text += f"[optimizer]\nlearning_rate = {rate}\nbeta1 = 0.0\nwarmup = 0\n"
    state, losses = run_all(config_of(tmp_path, text), bars())
    y = one_hot(np.arange(64) % 2, 2)
    with torch.no_grad():
        z = torch.randn(64, 4, generator=torch.Generator().manual_seed(1))
        drawn = state.ema.eval().decode(z, y).mean(1)  # (B, H, W)
    # Lines across differ from row to row, lines down from column to column.
    across = drawn.mean(2).std(1) - drawn.mean(1).std(1)
    assert float(across[0::2].mean() - across[1::2].mean()) > 0.1
    assert all(np.isfinite(list(row.values())).all() for row in losses)
    classifier = state.network.discriminator.classifier
    assert (classifier is not None) == (conditioning == "auxiliary") == ("class_real" in losses[0])
    if classifier is not None:
        for name in ("class_real", "class_drawn"):
            assert losses[0][name] == pytest.approx(np.log(2), abs=0.3)  # nothing is known yet
            assert np.mean([row[name] for row in losses[-10:]]) < 0.5
        x = images_tensor(bars().images) * 2 - 1
        logits = state.network.discriminator(x, y)[1]
        assert float((logits.argmax(1) == y.argmax(1)).float().mean()) > 0.9


def test_real_and_drawn_images_are_augmented_alike(tmp_path, monkeypatch):
    seen = []

    def watch(x, policy, noise):
        seen.append((policy, x.requires_grad, float(x.detach().mean())))
        return x

    monkeypatch.setattr(gan_module, "augment", watch)
    text = GAN + 'augment = "brightness,cutout"\npenalty = 0.0\n'
    config = config_of(tmp_path, text.replace("steps = 6", "steps = 1"))
    run_all(config, bars())
    # The discriminator's fakes and real images, then the generator's fakes, with their gradient.
    assert [policy for policy, _, _ in seen] == ["brightness,cutout"] * 3
    assert [gradient for _, gradient, _ in seen] == [False, False, True]
    assert seen[1][2] == pytest.approx(-0.5, abs=0.01)  # a quarter of a real picture is white


def test_the_lazy_penalty_is_scaled_by_how_seldom_it_is_taken(tmp_path):
    config = config_of(tmp_path, GAN + "penalty_every = 3\n")
    state = make_state(config)
    steps = training_steps(config, state, bars())
    first = dict(next(steps))
    assert next(steps)["penalty"] == first["penalty"]  # as it was: not taken at this step
    next(steps)
    assert next(steps)["penalty"] != first["penalty"]


def test_both_players_tell_their_rate_and_the_length_of_their_gradient(tmp_path):
    text = GAN + "[optimizer]\nlearning_rate = 1e-3\ndiscriminator_rate = 4e-3\nwarmup = 0\n"
    state = make_state(config_of(tmp_path, text))
    row = next(training_steps(config_of(tmp_path, text), state, bars()))
    assert (row["learning_rate"], row["learning_rate_d"]) == (1e-3, 4e-3)
    # What the discriminator's weights have now is of the last descent, its own.
    gradients = [p.grad for p in state.network.discriminator.parameters() if p.grad is not None]
    length = float(torch.cat([g.flatten() for g in gradients]).norm())
    assert row["gradient_norm_d"] == pytest.approx(length, rel=1e-5)
    assert row["gradient_norm"] != row["gradient_norm_d"]


def test_critic_steps_see_other_batches(tmp_path, monkeypatch):
    config = config_of(tmp_path, GAN + 'loss = "wgan"\ncritic_steps = 3\npenalty = 10.0\n')
    asked = []
    real = gan_module.Batches.at
    monkeypatch.setattr(
        gan_module.Batches, "at", lambda self, step: (asked.append(step), real(self, step))[1]
    )
    state = make_state(config)
    steps = training_steps(config, state, bars())
    next(steps), next(steps)
    assert asked == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("conditioning", ["projection", "auxiliary"])
def test_a_gan_brings_its_discriminator(tmp_path, data, conditioning):
    (tmp_path / "run.toml").write_text(
        GAN.replace("[gan]", f'conditioning = "{conditioning}"\n[gan]')
    )
    folder = train(tmp_path / "run.toml", data=data, out=tmp_path / "run")
    bundle = open_bundle(folder / "bundle")
    assert bundle.spec.discriminator
    tensors = load_file(bundle.weights_path)
    assert any(name.startswith("discriminator.") for name in tensors)
    state = torch.load(RunFolder(folder).checkpoints()[-1][1], weights_only=True)
    network = load_network(bundle)
    x = images_tensor(bars().images[:8]) * 2 - 1
    y = one_hot(bars().labels[:8], 2)
    reference = make_state(RunFolder(folder).config()).network.eval()
    reference.load_state_dict(state["ema"])
    with torch.no_grad():
        torch.testing.assert_close(network.discriminate(x, y), reference.discriminate(x, y))
