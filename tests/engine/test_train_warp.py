"""The prior warp: what it does to a distribution, and training with one."""

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from genviewer.engine.train_warp import transfer_table
from genviewer.engine.training import train
from genviewer.nets.prior_warp import PriorWarp

CONFIG = """
name = "warped"
steps = 24
batch_size = 16
threads = 1
checkpoint_every = 5
keep_checkpoints = 0

[data]
source = "{data}"
class_names = ["a", "b"]

[network]
type = "mlp_vae"
image_size = 8
encoder = [24, 16]
decoder = [16, 24]
warp = 16

[vae]
beta = 0.1
class_weight = 1.0
classifier = "dense"
warp_at = 12
"""


def two_clusters(count: int) -> torch.Tensor:
    """A quarter of the points around (-3, 0), the others around (3, 1); nothing between."""
    noise = torch.Generator().manual_seed(5)
    points = 0.3 * torch.randn(count, 2, generator=noise)
    first = torch.arange(count) < count // 4
    return points + torch.where(first[:, None], torch.tensor([-3.0, 0.0]), torch.tensor([3.0, 1.0]))


def test_the_warp_takes_the_prior_to_the_codes_and_leaves_the_gap_empty():
    side = 64
    warp = PriorWarp(side)
    noise = torch.Generator().manual_seed(0)
    warp.table.copy_(transfer_table(two_clusters(side * side), side, noise, turns=100))
    z = torch.randn(20_000, 2, generator=noise)
    reached = warp(z)
    left, right = reached[:, 0] < -2, reached[:, 0] > 2
    assert left.float().mean().item() == pytest.approx(0.25, abs=0.02)
    assert (left | right).float().mean() > 0.96
    assert reached[left].mean(0).tolist() == pytest.approx([-3.0, 0.0], abs=0.1)
    assert reached[right].std(0).tolist() == pytest.approx([0.3, 0.3], abs=0.06)


@pytest.fixture
def config(tmp_path):
    rng = np.random.default_rng(0)
    labels = np.arange(64) % 2
    images = rng.integers(0, 60, (64, 8, 8), dtype=np.uint8)
    images[labels == 0, :4] += 150
    images[labels == 1, 4:] += 150
    np.savez(tmp_path / "halves.npz", images=images, labels=labels)
    path = tmp_path / "train.toml"
    path.write_text(CONFIG.format(data=(tmp_path / "halves.npz").as_posix()))
    return path


class StoppedError(Exception):
    pass


@pytest.mark.parametrize("stop", [7, 12, 17])
def test_an_interrupted_run_ends_bit_identical_in_either_part(tmp_path, config, stop):
    def interrupt(progress):
        if progress.step >= stop:
            raise StoppedError

    text = config.read_text().replace('name = "warped"', 'name = "warped"\nlog_every = 1')
    config.write_text(text)
    train(config, out=tmp_path / "whole")
    with pytest.raises(StoppedError):
        train(config, out=tmp_path / "halted", progress=interrupt)
    train(config, out=tmp_path / "halted", resume=True)
    whole, resumed = (
        load_file(tmp_path / name / "bundle" / "model.safetensors") for name in ("whole", "halted")
    )
    assert whole.keys() == resumed.keys()
    for name, values in whole.items():
        assert np.array_equal(values, resumed[name]), name


def test_the_second_part_changes_the_encoder_alone(tmp_path, config):
    train(config, out=tmp_path / "long")
    train(config, steps=13, out=tmp_path / "short")
    short, long = (
        load_file(tmp_path / name / "bundle" / "model.safetensors") for name in ("short", "long")
    )
    for name, values in short.items():
        same = np.array_equal(values, long[name])
        assert same != name.startswith("encoder."), name
    assert np.abs(short["warp.table"]).max() < 100


def test_a_warp_and_its_step_belong_together(tmp_path, config):
    config.write_text(config.read_text().replace("warp_at = 12", ""))
    with pytest.raises(ValueError, match="warp_at"):
        train(config, out=tmp_path / "run")
