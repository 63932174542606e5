"""Latents that a group of images shares: which images are drawn, and how posteriors combine."""

import csv
from pathlib import Path

import numpy as np
import pytest
import torch

from genviewer.engine import training, training_data
from genviewer.engine.train_config import TrainingError, read_config
from genviewer.engine.train_groups import GroupBatches, combine_posteriors, some_views
from genviewer.engine.training import train
from genviewer.io.dataset_values import DataError, Images

CONFIG = """
name = "groups"
steps = 6
batch_size = 8
threads = 1
checkpoint_every = 2
log_every = 1
[data]
source = "builtin:letters"
[network]
type = "residual_vae"
image_size = 8
latent_dim = 2
classes = 6
hidden = 16
channels = [16, 8]
blocks = [1, 1]
encoder_blocks = [1, 0]
modulated = true
[vae]
views = 4
class_weight = 1.0
adversarial_weight = 1.0
companions_from = 3
"""


def dataset(groups: int = 10, members: int = 6) -> Images:
    """Grey values that say the group, classes in a random order."""
    rng = np.random.default_rng(0)
    owner = rng.permutation(np.repeat(np.arange(groups), members))
    labels = np.empty(len(owner), np.int64)
    for group in range(groups):
        labels[owner == group] = rng.permutation(members)
    images = np.broadcast_to((owner * 20)[:, None, None, None], (len(owner), 8, 8, 1))
    return Images("x", images.astype(np.uint8), labels, groups=owner)


def test_a_batch_has_views_of_whole_groups_in_order():
    data = dataset()
    batches = GroupBatches(data, 12, 4, 0, 6)
    x, y = batches.at(5)
    assert x.shape == (12, 1, 8, 8)
    owners = (x[:, 0, 0, 0] * 255 / 20).round().view(3, 4)
    assert (owners == owners[:, :1]).all()
    assert len(set(owners[:, 0].tolist())) == 3
    classes = y.argmax(1).view(3, 4)
    assert all(len(set(row.tolist())) == 4 for row in classes), "no image twice"


def test_every_group_comes_once_in_an_epoch_and_steps_repeat():
    data = dataset()
    batches = GroupBatches(data, 8, 4, 0, 6)
    rows = [batches.rows(step) for step in range(10)]
    first = np.concatenate([data.groups[r[::4]] for r in rows[:5]])
    assert sorted(first) == list(range(10))
    again = GroupBatches(data, 8, 4, 0, 6)
    np.testing.assert_array_equal(again.rows(7), rows[7])
    assert not np.array_equal(rows[0], rows[5]), "epochs differ"
    assert not np.array_equal(GroupBatches(data, 8, 4, 1, 6).rows(0), rows[0])


def test_small_groups_and_few_groups_bound_the_batch():
    batches = GroupBatches(dataset(groups=2, members=3), 64, 4, 0, 0)
    assert len(batches.rows(0)) == 2 * 3


def test_the_encoder_sees_between_one_and_all_images():
    seen = some_views(4000, 4, torch.Generator().manual_seed(0))
    counts = seen.sum(1)
    for count in range(1, 5):
        assert float((counts == count).float().mean()) == pytest.approx(0.25, abs=0.03)
    assert seen.float().mean(0).std() < 0.02, "no place is preferred"


def test_posteriors_combine_like_normal_densities():
    """Against the product of densities on a grid."""
    mean = torch.tensor([[0.5], [-1.0], [0.2]], dtype=torch.float64)
    logvar = torch.tensor([[-1.0], [-2.0], [-0.5]], dtype=torch.float64)
    seen = torch.tensor([[True, False, True], [False, True, False]])
    shared_mean, shared_logvar = combine_posteriors(mean, logvar, seen)
    axis = torch.linspace(-8, 8, 4001, dtype=torch.float64)

    def log_density(m, v):
        return -0.5 * ((axis - m) ** 2 / v + v.log())

    prior = log_density(torch.tensor(0.0), torch.tensor(1.0, dtype=torch.float64))
    for group, members in enumerate([(0, 1), (2,)]):
        log_product = prior.clone()
        for k in members:
            log_product += log_density(mean[k, 0], logvar[k, 0].exp()) - prior
        weight = log_product.softmax(0)
        expected = (weight * axis).sum()
        variance = (weight * (axis - expected) ** 2).sum()
        assert float(shared_mean[group]) == pytest.approx(float(expected), abs=1e-5)
        assert float(shared_logvar[group].exp()) == pytest.approx(float(variance), rel=1e-4)


def test_one_image_alone_keeps_its_posterior_and_none_is_vaguer_than_the_prior():
    mean, logvar = torch.tensor([[0.7, 0.4]]), torch.tensor([[-1.5, 3.0]])
    shared = combine_posteriors(mean, logvar, torch.tensor([[True]]))
    torch.testing.assert_close(shared[0], mean)
    torch.testing.assert_close(shared[1], torch.tensor([[-1.5, 0.0]]))


class StoppedError(Exception):
    pass


def stop_at_five(now):
    if now.step == 5:
        raise StoppedError


@pytest.fixture
def grouped(monkeypatch):
    monkeypatch.setattr(training_data, "load_images", lambda *args, **options: (dataset(), None))


def write(folder: Path, text: str = CONFIG) -> Path:
    path = folder / "run.toml"
    path.write_text(text)
    return path


def test_an_interrupted_run_ends_bit_identical(tmp_path, grouped):
    config = write(tmp_path)
    whole = train(config, out=tmp_path / "whole")
    with pytest.raises(StoppedError):
        train(config, out=tmp_path / "cut", progress=stop_at_five)
    cut = train(config, out=tmp_path / "cut", resume=True)
    for name in ("model.safetensors", "config.json", "decoder.onnx"):
        assert (whole / "bundle" / name).read_bytes() == (cut / "bundle" / name).read_bytes()
    rows = list(csv.DictReader((whole / "metrics.csv").open()))
    for name in ("class", "adversarial"):
        helped = [float(row[name]) > 0.0 for row in rows]
        assert helped == [False] * 3 + [True] * 3, "the companions join after three steps"


def test_a_group_is_drawn_from_what_another_of_its_images_shows(tmp_path, grouped):
    """Half of the groups are bright: one image must tell it for every class."""
    text = CONFIG.replace("steps = 6", "steps = 300").replace("class_weight = 1.0", "")
    text = text.replace("adversarial_weight = 1.0", "kl_warmup = 300")
    text += "[optimizer]\nlearning_rate = 4e-3\nwarmup = 10\n"
    config = read_config(write(tmp_path, text))
    state = training.make_state(config)
    data = dataset()
    bright = (data.groups % 2 * 200 + 20).astype(np.uint8)
    images = np.broadcast_to(bright[:, None, None, None], data.images.shape).copy()
    data = Images("x", images, data.labels, groups=data.groups)
    with torch.random.fork_rng(devices=[]):
        torch.set_num_threads(1)
        for _ in training.training_steps(config, state, data):
            pass
    x = torch.from_numpy(data.images).permute(0, 3, 1, 2) / 255
    eye = torch.eye(6)
    drawn = {0: [], 1: []}
    for group in range(10):
        rows = np.flatnonzero(data.groups == group)
        mean, _ = state.network.encode(x[rows[:1]], eye[data.labels[rows[:1]]])
        others = state.network.decode(mean.expand(5, -1), eye[data.labels[rows[1:]]])
        drawn[group % 2].append(float(others.mean().detach()))
    assert min(drawn[1]) > max(drawn[0]) + 0.2  # 0.78 apart in the data


def test_data_without_groups_and_views_beyond_the_batch_are_refused(tmp_path, monkeypatch):
    bare = Images("x", np.zeros((8, 8, 8, 1), np.uint8), np.arange(8) % 6)
    monkeypatch.setattr(training_data, "load_images", lambda *args, **options: (bare, None))
    with pytest.raises(DataError, match="has no groups"):
        train(write(tmp_path), out=tmp_path / "run")
    with pytest.raises(TrainingError, match="at least views"):
        read_config(write(tmp_path, CONFIG.replace("batch_size = 8", "batch_size = 2")))
