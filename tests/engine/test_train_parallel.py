"""Training in several processes: the same curve as in one, and what cannot be shared out."""

import csv
import os
import subprocess
import sys

import msgspec
import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from torch import nn

from genviewer.engine.finetune import finetune_config
from genviewer.engine.train_augment import augment
from genviewer.engine.train_config import TrainingError, config_table
from genviewer.engine.train_noise import (
    Noise,
    Share,
    chosen,
    integers,
    normal,
    shuffled,
    uniform,
)
from genviewer.engine.train_parallel import Parallel
from genviewer.engine.train_run import to_toml
from genviewer.engine.train_state import Batches
from genviewer.engine.training import train
from genviewer.io.dataset_survey import survey
from genviewer.io.datasets import load_images
from genviewer.nets.shared_norm import share_batch_norm
from tests.tiny_models import write_tiny_vae
from tests.tiny_runs import GAN, VAE, bars, config_of

CHILD = """
import sys
from genviewer.engine.training import train
for folder in sys.argv[1:]:
    train(folder + "/tiny.toml", out=folder + "/two", devices=2)
"""


def losses(folder):
    rows = list(csv.DictReader((folder / "metrics.csv").open()))
    names = [name for name in rows[0] if name != "seconds"]
    return names, np.array([[float(row[name] or "nan") for name in names] for row in rows])


def without_launcher():
    """The environment without what a launcher of the tests themselves may have set."""
    ours = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
    return {key: value for key, value in os.environ.items() if key not in ours}


def compare(folder):
    whole = train(folder / "tiny.toml", out=folder / "one")
    names, one = losses(whole)
    names_two, two = losses(folder / "two")
    assert names == names_two
    np.testing.assert_allclose(two, one, rtol=2e-4, atol=2e-5)
    assert sorted(path.name for path in (folder / "two").iterdir()) == [
        ".lock", "bundle", "checkpoints", "metrics.csv", "timeline", "train.toml",
    ]  # fmt: skip
    weights = [load_file(run / "bundle" / "model.safetensors") for run in (whole, folder / "two")]
    for name, value in weights[0].items():
        np.testing.assert_allclose(weights[1][name], value, rtol=1e-2, atol=1e-3)


def write_finetuning(folder):
    """What trains a model of four classes on images of a fifth, its own samples beside them."""
    bundle = write_tiny_vae(folder / "model", channels=1)
    images = bars(folder / "bars.npz")
    found = survey(str(images))
    names = [name for name, _ in found.class_counts]
    config = finetune_config(
        bundle, found, steps=8, batch_size=16, threads=1, new_classes=("bar",),
        mapping=dict.fromkeys(names, "bar"),
    )  # fmt: skip
    assert config.finetune.replay == 0.5
    assert config.vae.class_weight
    config = msgspec.structs.replace(config, log_every=1, checkpoint_every=8)
    (folder / "tiny.toml").write_text(to_toml(config_table(config)))
    return folder


def test_two_processes_have_the_curve_of_one(tmp_path):
    folders = []
    for name, text in (("vae", VAE + "condition_dropout = 0.2\n"), ("gan", GAN)):
        (tmp_path / name).mkdir()
        config_of(tmp_path / name, text, steps=8, every=8)
        folders.append(tmp_path / name)
    folders.append(write_finetuning(tmp_path / "replay"))
    launcher = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    script = tmp_path / "both.py"
    script.write_text(CHILD)
    subprocess.run(
        [*launcher, "--master-port", "0", "--standalone", script, *folders],
        check=True, capture_output=True, env=without_launcher(), timeout=110,
    )  # fmt: skip
    for folder in folders:
        compare(folder)


@pytest.mark.soak
@pytest.mark.parametrize("text", [VAE, GAN.replace("[gan]", 'conditioning = "auxiliary"\n[gan]')])
def test_the_command_line_starts_the_processes_and_resumes_with_them(tmp_path, text):
    config_of(tmp_path, text, steps=60, every=7)
    command = [sys.executable, "-m", "genviewer", "train", tmp_path / "tiny.toml"]
    options = ["--out", tmp_path / "two", "--devices", "2"]
    with subprocess.Popen(
        [*command, *options], env=without_launcher(), stderr=subprocess.PIPE, text=True
    ) as run:
        assert any("step 30/60" in line for line in run.stderr)
        run.terminate()
    done = subprocess.run(
        [*command, *options, "--resume"], env=without_launcher(), capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert done.stderr.count("the trained model is in") == 1
    compare(tmp_path)


def shares(world, make):
    """What ``make(noise)`` gives in every process, one after the other."""
    parts = []
    for rank in range(world):
        noise = Noise()
        noise.manual_seed(4)
        noise.share = Share(rank, world)
        parts.append(make(noise))
    return torch.cat(parts)


@pytest.mark.parametrize(
    "make",
    [
        lambda noise, count: normal(noise, count, 3),
        lambda noise, count: uniform(noise, count, 1, 2),
        lambda noise, count: integers(noise, -2, 9, count),
        lambda noise, count: augment(
            torch.ones(count, 1, 8, 8), "brightness,translation,cutout", noise
        ),
    ],
)
def test_the_shares_of_the_noise_are_the_noise_of_one(make):
    whole = make(torch.Generator().manual_seed(4), 12)
    assert torch.equal(shares(3, lambda noise: make(noise, 4)), whole)
    assert torch.equal(shares(1, lambda noise: make(noise, 12)), whole)


def test_rows_are_shuffled_over_all_processes():
    rows = torch.arange(12.0).view(12, 1)

    def one(noise):
        noise.gather = lambda own: rows
        return shuffled(noise, rows[:4])

    whole = shuffled(torch.Generator().manual_seed(4), rows)
    assert torch.equal(shares(3, one), whole)
    assert sorted(whole.flatten().tolist()) == list(range(12))


def test_a_batch_of_two_parts_is_shared_out_by_both():
    """Images and, behind them, samples of the old model: each process has some of either."""
    whole = torch.arange(12.0).view(12, 1)
    own = [Share(rank, 2, parts=(8, 4)).of(whole).flatten().tolist() for rank in (0, 1)]
    assert own == [[0, 1, 2, 3, 8, 9], [4, 5, 6, 7, 10, 11]]
    share = Share(0, 2, parts=(8, 4))
    assert torch.equal(share.whole(torch.tensor([*own[0], *own[1]]).view(12, 1)), whole)
    assert share.of(whole[:6]).flatten().tolist() == [0, 1, 2]  # draws for something else

    def drawn(noise):
        noise.share = noise.share._replace(parts=(8, 4))
        noise.gather = lambda rows: torch.cat([torch.tensor(part).view(6, 1) for part in own])
        return chosen(noise, whole[:6], 3, without=2)

    together = shares(2, drawn)
    assert torch.equal(together, chosen(torch.Generator().manual_seed(4), whole, 6, without=4))
    assert together.max() < 8


def test_the_shares_of_a_batch_are_the_batch(tmp_path):
    config = config_of(tmp_path)
    images, _ = load_images(config.data.source)
    whole = Batches(images, 8, 3, 2)
    parts = [Batches(images, 8, 3, 2, Share(rank, 2)) for rank in range(2)]
    for step in (0, 9, 3):
        for index in (0, 1):
            together = torch.cat([part.at(step)[index] for part in parts])
            assert torch.equal(together, whole.at(step)[index])


def test_a_shared_batch_norm_of_one_process_is_the_plain_one():
    torch.manual_seed(0)
    plain = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.ReLU())
    shared = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.ReLU())
    shared.load_state_dict(plain.state_dict())
    kept = shared[1].weight
    share_batch_norm(shared, lambda value: value, 1)
    assert shared[1].weight is kept
    assert list(shared.state_dict()) == list(plain.state_dict())
    for training in (True, True, False):
        plain.train(training)
        shared.train(training)
        x = torch.randn(5, 2, 6, 6)
        torch.testing.assert_close(shared(x), plain(x))
        plain.zero_grad()
        shared.zero_grad()
        plain(x).square().sum().backward()
        shared(x).square().sum().backward()
        for ours, theirs in zip(shared.parameters(), plain.parameters(), strict=True):
            torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-4, atol=1e-4)
    for ours, theirs in zip(shared.buffers(), plain.buffers(), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_what_cannot_be_shared_out_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(Parallel, "share", Share(0, 3))
    parallel = Parallel.__new__(Parallel)
    config = config_of(tmp_path)
    with pytest.raises(TrainingError, match="batch of 8 cannot be shared by 3"):
        parallel.check(config)
    config = msgspec.structs.replace(config, batch_size=9)
    parallel.check(config)
    correlated = msgspec.structs.replace(config.vae, total_correlation=True)
    with pytest.raises(TrainingError, match="one device"):
        parallel.check(msgspec.structs.replace(config, vae=correlated))
