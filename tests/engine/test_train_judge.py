import json

import numpy as np
import pytest
import torch

from genviewer.core.spec import ConditionSpec, ImageSpec, LatentSpec, Spec
from genviewer.engine import train_judge
from genviewer.engine.train_judge import (
    CLASSES,
    Judge,
    accuracy,
    class_distance,
    judge_bundle,
    load_judge,
    looks,
    save_judge,
)
from genviewer.io.bundle import Config, write_bundle
from genviewer.io.dataset_values import Images
from genviewer.nets.families import build

NETWORK = {
    "type": "residual_vae", "hidden": 8, "channels": [8, 8], "blocks": [0, 0],
    "encoder_blocks": [0, 0],
}  # fmt: skip


class Reader(torch.nn.Module):
    """Reads the digit from the grey value of a picture: tenths of white."""

    def forward(self, x):
        level = x.flatten(1).mean(1, keepdim=True) * CLASSES - 0.5
        return -50 * (torch.arange(CLASSES) - level).square()


def grey(labels):
    return (
        torch.from_numpy((np.asarray(labels) + 0.5) / 10)
        .float()
        .view(-1, 1, 1, 1)
        .expand(-1, 1, 28, 28)
    )


@pytest.fixture
def bundle(tmp_path):
    def make(classes, dim=2):
        config = {**NETWORK, "classes": classes, "latent_dim": dim}
        conditions = (ConditionSpec("class", "class", classes),) if classes else ()
        spec = Spec("m", "vae", LatentSpec(dim), ImageSpec(1, 28, 28), conditions)
        weights = {k: v.numpy() for k, v in build(config).state_dict().items()}
        return write_bundle(tmp_path / "m", Config(spec, config), weights, "")

    return make


def test_the_share_of_recognised_samples_is_counted_by_class(bundle, monkeypatch):
    def draw(bundle, z, y):
        labels = y.argmax(1)
        labels[labels == 3] = 4  # a model that draws no threes
        return grey(labels)

    monkeypatch.setattr(train_judge, "sample", draw)
    result = judge_bundle(Reader(), bundle(10), 200, 0)
    assert result["recognised"] == pytest.approx(0.9)
    assert result["per_class"] == [1, 1, 1, 0, 1, 1, 1, 1, 1, 1]
    assert "map_recognised" not in result


def test_an_unconditional_map_is_judged_by_its_tiles(bundle, monkeypatch):
    monkeypatch.setattr(
        train_judge, "sample", lambda bundle, z, y: grey(np.where(z[:, 0] > 0, 7, 2))
    )
    result = judge_bundle(Reader(), bundle(0), 200, 0)
    assert result["map_recognised"] == 1.0
    assert result["map_digits"] == [2, 7]
    assert sum(result["shares"]) == pytest.approx(1.0)
    assert result["shares"][7] == pytest.approx(0.5, abs=0.15)


def test_samples_come_from_the_bundles_weights_in_unit_range(bundle):
    made = bundle(10)
    z = np.random.default_rng(0).standard_normal((260, 2)).astype(np.float32)
    y = np.eye(10, dtype=np.float32)[np.arange(260) % 10]
    images = train_judge.sample(made, z, y)
    assert images.shape == (260, 1, 28, 28)
    assert float(images.min()) >= 0
    assert float(images.max()) <= 1
    alone = train_judge.sample(made, z[255:256], y[255:256])
    torch.testing.assert_close(alone[0], images[255], atol=1e-5, rtol=0)


def test_the_distance_within_classes_by_hand():
    images = grey([0, 2] * CLASSES)  # 0.2 apart in each class
    labels = np.repeat(np.arange(CLASSES), 2)
    assert class_distance(images, labels) == pytest.approx(0.2)


def test_accuracy_counts():
    pixels = (grey([0, 1, 2, 3]).permute(0, 2, 3, 1).numpy() * 255).round().astype(np.uint8)
    data = Images("x", pixels, np.array([0, 1, 2, 9]))
    assert accuracy(Reader(), data) == 0.75


def test_the_command_trains_and_judges(tmp_path, bundle, capsys):
    rng = np.random.default_rng(0)
    labels = np.arange(40) % 10
    images = np.zeros((40, 28, 28), np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[2 * label : 2 * label + 4] = rng.integers(200, 255)
    np.savez(tmp_path / "d.npz", images=images, labels=labels)
    data, judge = str(tmp_path / "d.npz"), str(tmp_path / "judge.pt")
    assert train_judge.main(["train", data, judge, "--steps", "3"]) == 0
    assert json.loads(capsys.readouterr().out) == {"test_accuracy": None}
    assert load_judge(judge).size == 28
    made = bundle(10)
    assert train_judge.main(["judge", judge, str(made.path), "-n", "20", "--data", data]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["models"][0]["model_id"] == made.model_id
    assert report["real_class_distance"] > 0
    assert report["real_recognised"] is None


def test_look_alikes_count_as_one():
    names = tuple("OIo0l1a")
    np.testing.assert_array_equal(looks(names, 7), [0, 1, 0, 0, 1, 1, 6])
    np.testing.assert_array_equal(looks(tuple("0123"), 4), np.arange(4))
    np.testing.assert_array_equal(looks(None, 10), np.arange(10))
    pixels = (grey([0, 1, 2, 3, 4]).permute(0, 2, 3, 1).numpy() * 255).round().astype(np.uint8)
    data = Images("x", pixels, np.array([3, 4, 0, 9, 4]), tuple("OIo0l1abcd"))
    assert accuracy(Reader(), data) == 0.8  # all but the letter c read as 0


def test_a_judge_of_many_classes_and_large_pictures_is_kept(tmp_path):
    judge = Judge(62, 64).eval()
    save_judge(tmp_path / "j.pt", judge, 62)
    x = torch.rand(3, 1, 64, 64)
    torch.testing.assert_close(load_judge(tmp_path / "j.pt")(x), judge(x))
    assert judge(x).shape == (3, 62)
