"""The configuration of every bundled model: valid, of that model, and a training that starts."""

import numpy as np
import pytest
import torch

from genviewer.core.resources import models_dir
from genviewer.engine import training, training_data
from genviewer.engine.train_config import read_config
from genviewer.engine.train_run import RunFolder
from genviewer.io.bundle import open_bundle
from genviewer.io.datasets import Images
from genviewer.nets.families import parsed

CONFIGURATIONS = sorted(models_dir().glob("*/train.toml"), key=str)


def noise(config, per_class=4):
    """Random pictures of the shape that the network wants, with labels and groups."""
    network = parsed(config.network)
    classes = config.label_classes or 2
    count = classes * per_class
    shape = (count, network.image_size, network.image_size, network.image_channels)
    images = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    labels = np.arange(count) % classes
    return Images("noise", images, labels, groups=np.arange(count) // classes)


def test_there_are_configurations():
    assert len(CONFIGURATIONS) >= 4


@pytest.mark.parametrize("path", CONFIGURATIONS, ids=lambda path: path.parent.name)
def test_a_bundled_configuration_trains(path, tmp_path, monkeypatch):
    data = noise(read_config(path))
    monkeypatch.setattr(training_data, "load_images", lambda *_a, **_k: (data, None))
    before = torch.get_num_threads()
    folder = training.train(path, steps=2, threads=1, out=tmp_path / "run")
    assert torch.get_num_threads() == before
    assert [step for step, _ in RunFolder(folder).checkpoints()] == [0, 2]
    made = open_bundle(folder / "bundle")
    assert made.spec.name == path.parent.name
    if (path.parent / "config.json").is_file():
        bundled = open_bundle(path.parent)
        assert parsed(made.config.network) == parsed(bundled.config.network)
        assert made.parameters == bundled.parameters
        for this, that in zip(made.spec.conditions, bundled.spec.conditions, strict=True):
            assert (this.name, this.size) == (that.name, that.size)


@pytest.mark.parametrize("path", CONFIGURATIONS, ids=lambda path: path.parent.name)
def test_a_bundled_configuration_names_data_that_anyone_has(path):
    config = read_config(path)
    assert config.name == path.parent.name
    assert config.data.source in ("mnist", "builtin:shapes", "builtin:letters")
    assert config.card.summary
    assert config.card.licence
