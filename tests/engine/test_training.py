"""Runs from a configuration to a bundle: what they leave, how they resume, what they refuse."""

import csv
from itertools import islice
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from genviewer.engine.train_companions import misread, unreal
from genviewer.engine.train_config import TrainingError, read_config
from genviewer.engine.train_run import RunFolder, to_toml
from genviewer.engine.train_state import Batches
from genviewer.engine.training import make_state, train, training_steps
from genviewer.io.bundle import open_bundle
from genviewer.io.dataset_values import DataError
from genviewer.io.datasets import load_images

VAE = """
name = "stripes"
steps = 6
batch_size = 8
threads = 1
checkpoint_every = 2
log_every = 1
[data]
source = "unset"
class_names = ["across", "down"]
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
condition_dropout = 0.2
"""
GAN = """
name = "stripes-gan"
steps = 6
batch_size = 8
threads = 1
checkpoint_every = 2
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
penalty_every = 2
augment = "translation"
"""


@pytest.fixture
def stripes(tmp_path: Path) -> Path:
    """Bars across (class 0) or down (class 1), at a random place, a little noisy."""
    rng = np.random.default_rng(0)
    images = np.zeros((64, 8, 8), np.uint8)
    labels = np.arange(64) % 2
    for image, label in zip(images, labels, strict=True):
        place = rng.integers(0, 7)
        (image if label == 0 else image.T)[place : place + 2] = 255
    path = tmp_path / "stripes.npz"
    np.savez(path, images=images, labels=labels)
    return path


def write(folder: Path, text: str) -> Path:
    path = folder / "run.toml"
    path.write_text(text)
    return path


class StoppedError(Exception):
    pass


def stop_at(step: int):
    def progress(now):
        if now.step == step:
            raise StoppedError

    return progress


@pytest.mark.parametrize(
    "text",
    [
        VAE.replace("[vae]", "[vae]\nclass_weight = 1.0\nadversarial_weight = 1.0"),
        GAN,
        GAN.replace("[gan]", '[gan]\nloss = "wgan"\ncritic_steps = 2'),
        GAN.replace("[gan]", 'conditioning = "auxiliary"\n[gan]\nloss = "hinge"'),
    ],
)
def test_an_interrupted_run_ends_bit_identical(tmp_path, stripes, text):
    config = write(tmp_path, text)
    whole = train(config, data=stripes, out=tmp_path / "whole")
    with pytest.raises(StoppedError):
        train(config, data=stripes, out=tmp_path / "cut", progress=stop_at(5))
    cut = train(config, out=tmp_path / "cut", resume=True)
    for name in ("model.safetensors", "config.json"):
        assert (whole / "bundle" / name).read_bytes() == (cut / "bundle" / name).read_bytes()
    rows = [list(csv.DictReader((run / "metrics.csv").open())) for run in (whole, cut)]
    assert [row["step"] for row in rows[1]] == ["1", "2", "3", "4", "5", "6"]
    for row in rows[0] + rows[1]:
        row.pop("seconds")
    assert rows[0] == rows[1]


def test_a_run_leaves_what_it_promises(tmp_path, stripes):
    seen = []
    folder = train(write(tmp_path, VAE), data=stripes, out=tmp_path / "run", progress=seen.append)
    assert [p.step for p in seen] == [1, 2, 3, 4, 5, 6]
    assert seen[-1].remaining == 0
    run = RunFolder(folder)
    assert [step for step, _ in run.checkpoints()] == [2, 4, 6]  # keep_checkpoints = 3
    assert run.config().data.source == str(stripes)
    bundle = open_bundle(folder / "bundle")
    assert bundle.spec.family == "vae"
    assert bundle.spec.encoder
    condition = bundle.spec.class_condition
    assert condition.names == ("across", "down")
    assert condition.optional  # trained with dropped classes
    assert len(bundle.config.statistics["kl"]) == 2
    assert str(tmp_path) not in (folder / "bundle" / "config.json").read_text()
    assert {path.name for path in bundle.path.iterdir()} == {
        "config.json", "model.safetensors", "README.md", "decoder.onnx", "preview.png",
    }  # fmt: skip


def test_the_first_checkpoint_comes_before_the_first_step(tmp_path, stripes):
    with pytest.raises(StoppedError):
        train(write(tmp_path, VAE), data=stripes, out=tmp_path / "run", progress=stop_at(1))
    assert [step for step, _ in RunFolder(tmp_path / "run").checkpoints()] == [0]


def test_the_bundle_holds_the_averaged_weights(tmp_path, stripes):
    folder = train(write(tmp_path, VAE), data=stripes, out=tmp_path / "run")
    state = torch.load(RunFolder(folder).checkpoints()[-1][1], weights_only=True)
    tensors = load_file(folder / "bundle" / "model.safetensors")
    assert set(tensors) == set(state["ema"])
    for name, value in tensors.items():
        np.testing.assert_array_equal(value, state["ema"][name].numpy())
    assert not np.array_equal(
        tensors["decoder.latent.weight"], state["network"]["decoder.latent.weight"].numpy()
    )


def test_steps_can_be_taken_one_by_one(tmp_path, stripes):
    config = read_config(write(tmp_path, VAE))
    images, _ = load_images(str(stripes))
    state = make_state(config)
    losses = list(islice(training_steps(config, state, images), 2))
    assert state.step == 2
    assert losses[0]["elbo"] == pytest.approx(-losses[0]["nll"] - losses[0]["kl"])


def best_constant_picture(x, likelihood):
    """The log-likelihood of the pixels' own means, at the scale that training starts with."""
    mean = x.mean(0).clip(1e-6, 1 - 1e-6)
    if likelihood == "bernoulli":
        return (x * np.log(mean) + (1 - x) * np.log(1 - mean)).sum(1).mean()
    scale = np.exp(-2.5)
    error = torch.from_numpy((x - mean) / scale)
    if likelihood == "gaussian":
        density = torch.distributions.Normal(0.0, 1.0).log_prob(error) - np.log(scale)
    else:  # a narrow bin's mass is its density times its width
        density = -error - 2 * torch.nn.functional.softplus(-error) - np.log(scale * 255)
    return float(density.sum(1).mean())


@pytest.mark.parametrize(
    ("likelihood", "extra"),
    [
        ("bernoulli", ""),
        ("discretised_logistic", ""),
        ("gaussian", ""),
        ("bernoulli", "total_correlation = true\nbeta = 2.0"),
    ],
)
def test_a_short_training_beats_the_best_constant_picture(tmp_path, stripes, likelihood, extra):
    text = VAE.replace("steps = 6", "steps = 160").replace("batch_size = 8", "batch_size = 32")
    text = text.replace("[vae]", f'likelihood = "{likelihood}"\n[vae]\n{extra}')
    text += "[optimizer]\nlearning_rate = 5e-3\nwarmup = 10\n"
    config = read_config(write(tmp_path, text))
    images, _ = load_images(str(stripes))
    elbo = [losses["elbo"] for losses in training_steps(config, make_state(config), images)]
    constant = best_constant_picture(images.images.reshape(64, -1) / 255, likelihood)
    assert np.mean(elbo[-10:]) > constant + 2


def test_a_gan_moves_towards_the_data(tmp_path, stripes):
    text = GAN.replace("steps = 6", "steps = 120").replace("batch_size = 8", "batch_size = 32")
    text += "[optimizer]\nlearning_rate = 2e-3\nbeta1 = 0.0\nwarmup = 0\n"
    config = read_config(write(tmp_path, text))
    images, _ = load_images(str(stripes))
    state = make_state(config)
    for _ in training_steps(config, state, images):
        pass
    state.network.eval()
    y = torch.eye(2)[torch.arange(64) % 2]
    with torch.no_grad():
        drawn = state.ema.decode(torch.randn(64, 4, generator=torch.Generator()), y)
    # A quarter of every real picture is white; an untrained network is grey all over.
    share = float((drawn > 0).float().mean())
    assert 0.1 < share < 0.45
    assert float(drawn.abs().mean()) > 0.7


def test_batches_follow_from_seed_and_step(stripes):
    images, _ = load_images(str(stripes))
    one, other = Batches(images, 8, 1, 2), Batches(images, 8, 1, 2)
    later, _ = one.at(13)
    for step in range(13):
        other.at(step)
    assert torch.equal(later, other.at(13)[0])
    epoch = torch.cat([one.at(step)[0] for step in range(8)])
    assert float(epoch.sum()) == pytest.approx(images.images.sum() / 255)  # every image once


def test_start_from_takes_over_the_weights(tmp_path, stripes):
    config = write(tmp_path, VAE)
    first = train(config, data=stripes, out=tmp_path / "first") / "bundle"
    second = train(config, data=stripes, out=tmp_path / "second", start_from=first, steps=0)
    assert (second / "bundle" / "model.safetensors").read_bytes() == (
        first / "model.safetensors"
    ).read_bytes()


def damage(path):
    path.write_bytes(path.read_bytes()[:-9])


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda bundle: None, "do not fit the network: [0-9]+ tensors are .*, such as"),
        (lambda bundle: damage(bundle / "model.safetensors"), "does not fit the file"),
        (lambda bundle: (bundle / "model.safetensors").unlink(), "model.safetensors"),
    ],
)
def test_weights_that_cannot_be_taken_over_are_one_sentence_and_leave_no_run(
    tmp_path, stripes, spoil, words
):
    first = train(write(tmp_path, VAE), data=stripes, out=tmp_path / "first", steps=0) / "bundle"
    other = write(tmp_path, VAE.replace("hidden = 16", "hidden = 24"))
    assert read_config(other).network["hidden"] == 24
    spoil(first)
    with pytest.raises(TrainingError, match=words) as caught:
        train(other, data=stripes, out=tmp_path / "second", start_from=first)
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "second").exists()


def test_weights_are_taken_from_any_model(tmp_path, stripes):
    config = write(tmp_path, VAE)
    first = train(config, data=stripes, out=tmp_path / "first", steps=0) / "bundle"
    weights = first / "model.safetensors"
    second = train(config, data=stripes, out=tmp_path / "second", start_from=weights, steps=0)
    assert (second / "bundle" / "model.safetensors").read_bytes() == weights.read_bytes()


def test_options_replace_the_file_and_are_recorded(tmp_path, stripes):
    folder = train(
        write(tmp_path, VAE), data=stripes, out=tmp_path / "run", steps=1, seed=9,
        checkpoint_every=1, threads=1,
    )  # fmt: skip
    config = RunFolder(folder).config()
    assert (config.steps, config.seed, config.checkpoint_every, config.threads) == (1, 9, 1, 1)
    assert torch.get_num_threads() >= 1


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("steps = 6", "step = 6", "step"),
        ("steps = 6", "steps = -1", "negative"),
        ('"residual_vae"', '"vqvae"', "unknown network type"),
        ("[vae]", "[gan]", "condition_dropout"),
        ("condition_dropout = 0.2", "condition_dropout = 2", "condition_dropout must be in 0..1"),
        ("steps = 6", "steps = ", "not a usable configuration"),
    ],
)
def test_a_wrong_configuration_is_told_with_its_file(tmp_path, old, new, words):
    path = write(tmp_path, VAE.replace(old, new))
    with pytest.raises(TrainingError, match=words) as error:
        read_config(path)
    assert "run.toml" in str(error.value)


def test_runs_are_not_overwritten_and_resume_needs_one(tmp_path, stripes):
    config = write(tmp_path, VAE)
    train(config, data=stripes, out=tmp_path / "run", steps=1)
    with pytest.raises(TrainingError, match="holds a run already"):
        train(config, data=stripes, out=tmp_path / "run")
    with pytest.raises(TrainingError, match="no run to resume"):
        train(config, out=tmp_path / "nowhere", resume=True)
    for other in ({"seed": 3}, {"checkpoint_every": 7}, {"data": tmp_path}):
        with pytest.raises(TrainingError, match="cannot be changed"):
            train(config, out=tmp_path / "run", resume=True, **other)
    # By the very command that began it, it goes on.
    train(config, data=stripes, out=tmp_path / "run", steps=1, resume=True)


def test_data_that_does_not_fit_is_refused_before_anything_is_written(tmp_path, stripes):
    config = write(tmp_path, VAE.replace("image_size = 8", "image_size = 16"))
    with pytest.raises(DataError, match="8x8 images of 1 channels, the network wants 16x16"):
        train(config, data=stripes, out=tmp_path / "run")
    config = write(tmp_path, VAE.replace("classes = 2", "classes = 1"))
    with pytest.raises(DataError, match="labels beyond"):
        train(config, data=stripes, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_where_every_checkpoint_is_damaged_that_is_told(tmp_path, stripes):
    folder = train(write(tmp_path, VAE), data=stripes, out=tmp_path / "run", steps=2)
    for _, path in RunFolder(folder).checkpoints():
        path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(TrainingError, match="cannot be resumed"):
        train(folder / "train.toml", out=folder, resume=True)


def test_a_diverged_training_says_so(tmp_path, stripes):
    config = read_config(write(tmp_path, VAE))
    images, _ = load_images(str(stripes))
    state = make_state(config)
    with torch.no_grad():
        state.network.decoder.latent.weight.fill_(float("nan"))
    with pytest.raises(FloatingPointError, match="step 0"):
        next(training_steps(config, state, images))


def test_a_configuration_survives_toml(tmp_path):
    config = read_config(write(tmp_path, VAE))
    again = read_config(write(tmp_path, to_toml(msgspec.to_builtins(config))))
    assert again == config


def test_the_classifier_teaches_the_decoder_alone(tmp_path, stripes):
    text = VAE.replace("[vae]", "[vae]\nclass_weight = 5.0\nbeta = 0.0")
    config = read_config(write(tmp_path, text))
    images, _ = load_images(str(stripes))
    state = make_state(config)
    first = {k: v.clone() for k, v in state.companions["classifier"].state_dict().items()}
    losses = next(training_steps(config, state, images))
    assert losses["class"] == pytest.approx(np.log(2), abs=0.2)  # it knows nothing yet
    after = state.companions["classifier"].state_dict()
    assert all(not torch.equal(after[k], first[k]) for k in first)
    assert "classifier" not in "".join(state.network.state_dict())


def test_samples_from_the_prior_become_the_class_they_were_asked_for(tmp_path, stripes):
    text = VAE.replace("steps = 6", "steps = 150").replace("batch_size = 8", "batch_size = 32")
    text = text.replace("condition_dropout = 0.2", "class_weight = 10.0")
    text += "[optimizer]\nlearning_rate = 5e-3\nwarmup = 10\n"
    config = read_config(write(tmp_path, text))
    images, _ = load_images(str(stripes))
    losses = list(training_steps(config, make_state(config), images))
    assert np.mean([row["class"] for row in losses[-20:]]) < 0.4


def test_a_class_weight_without_classes_is_refused(tmp_path):
    text = VAE.replace("classes = 2\n", "").replace("[vae]", "[vae]\nclass_weight = 1.0")
    text = text.replace('class_names = ["across", "down"]', "")
    with pytest.raises(TrainingError, match="needs a network with classes"):
        read_config(write(tmp_path, text))


def test_an_unconditional_model_learns_to_keep_the_classes_apart(tmp_path, stripes):
    misread = {}
    for weight in (1e-3, 30.0):
        text = VAE.replace("steps = 6", "steps = 150").replace("batch_size = 8", "batch_size = 64")
        text = text.replace("condition_dropout = 0.2", f"beta = 0.2\nclass_weight = {weight}")
        text = text.replace("classes = 2", "classes = 0\nlatent_layers = 1")
        text += "[optimizer]\nlearning_rate = 5e-3\nwarmup = 10\n"
        config = read_config(write(tmp_path, text))
        images, _ = load_images(str(stripes))
        state = make_state(config)
        losses = [row["class"] for row in training_steps(config, state, images)]
        assert losses[0] == pytest.approx(np.log(2), abs=0.1)
        misread[weight] = np.mean(losses[-20:])
    assert misread[30.0] < misread[1e-3] - 0.1
    assert state.network.decoder.classes is None


def test_companions_learn_and_teach_the_decoder_alone(tmp_path, stripes):
    text = VAE.replace("[vae]", "[vae]\nclass_weight = 1.0\nadversarial_weight = 1.0")
    config = read_config(write(tmp_path, text))
    images, _ = load_images(str(stripes))
    state = make_state(config)
    x, y = Batches(images, 32, 0, 2).at(0)
    network = state.network
    for name, ask in (
        ("discriminator", lambda: unreal(state, x, y, x)),
        ("classifier", lambda: misread(state, x, y, x)),
    ):
        network.zero_grad()
        companion = state.companions[name]
        told = []
        for _ in range(30):
            loss = ask()
            told.append(float(loss.detach()))
        before = [parameter.grad.clone() for parameter in companion.parameters()]
        loss.backward()
        assert all(parameter.grad is None for parameter in network.encoder.parameters())
        assert float(network.decoder.grid.weight.grad.abs().sum()) > 0
        after = [parameter.grad for parameter in companion.parameters()]
        assert all(torch.equal(a, b) for a, b in zip(after, before, strict=True))
        if name == "discriminator":
            assert told[-1] > told[0] + 0.5  # it has learned to tell samples from pictures
