"""`evaluate` on models and data whose figures are known beforehand."""

import math

import numpy as np
import pytest
import torch

from genviewer.core.recipe import ModelRef
from genviewer.core.spec import ConditionSpec, ImageSpec, LatentSpec, Spec
from genviewer.engine import evaluate as module
from genviewer.engine import evaluate_features
from genviewer.engine.evaluate import evaluate
from genviewer.engine.evaluate_data import make_reference
from genviewer.engine.evaluate_density import bits_per_dim
from genviewer.engine.evaluate_features import (
    EvaluationError,
    RandomSpace,
    accuracy,
    cached_classifier,
    classifier_for,
    data_hash,
    open_classifier,
    reduced,
)
from genviewer.io.bundle import Bundle, Config
from genviewer.io.datasets import Images
from tests.tiny_models import write_tiny_vae

NAMES = ("ant", "bee", "cat", "dog")
STEPS = 40


@pytest.fixture(autouse=True)
def few_steps(monkeypatch):
    monkeypatch.setattr(evaluate_features, "STEPS", STEPS)
    monkeypatch.setattr(evaluate_features, "BATCH", 32)
    monkeypatch.setattr(module, "STEPS", STEPS)


def quarters(count, seed=0, names=None):
    """Grey pictures 8x8: class c is bright in quarter c, by an amount that differs."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 4
    images = rng.integers(0, 40, (count, 8, 8, 1)).astype(np.uint8)
    for image, label in zip(images, labels, strict=True):
        row, column = divmod(int(label), 2)
        corner = image[4 * row : 4 * row + 4, 4 * column : 4 * column + 4]
        corner += rng.integers(120, 200, dtype=np.uint8)
    return Images("quarters", images, labels.astype(np.int64), names)


class Copyist:
    """A generator that draws what a function says of each class asked for, and of the latent."""

    engine, device = "copy", "cpu"

    def __init__(self, spec, draw):
        self.spec, self.draw = spec, draw
        self.ref = ModelRef(spec.name, "0" * 32)
        self.notices = []

    def decode_pixels(self, z, y):
        labels = [None] * len(z) if y is None else y.argmax(1)
        return np.stack([self.draw(label, row) for label, row in zip(labels, z, strict=True)])


def spec_of(classes=NAMES, channels=1, size=8):
    conditions = (ConditionSpec("class", "class", len(classes), tuple(classes)),) if classes else ()
    return Spec("copyist", "gan", LatentSpec(3), ImageSpec(channels, size, size), conditions)


@pytest.fixture
def measure(tmp_path, monkeypatch):
    """Measure a generator of our own."""

    def run(spec, draw, train, test=None, **options):
        monkeypatch.setattr(module, "load_generator", lambda *_a, **_k: Copyist(spec, draw))
        bundle = Bundle(tmp_path, Config(spec, {}), "0" * 32, "", 0)
        return evaluate(bundle, train, test, threads=1, **options)

    return run


def from_pool(pool):
    """Draw a picture of the class, the one that the latent points at."""
    groups = {c: pool.images[pool.labels == c] for c in range(4)}

    def draw(label, z):
        group = pool.images if label is None else groups[int(label)]
        return group[int(abs(z[0]) * 1e6) % len(group)]

    return draw


def test_a_model_that_draws_real_pictures_is_as_good_as_real(measure):
    train, test = quarters(400), quarters(240, seed=1)
    result = measure(spec_of(), from_pool(quarters(400, seed=2)), train, test, count=240)
    assert result.class_accuracy.mean == 1.0
    assert set(result.class_accuracy.per_class) == set(NAMES)
    assert result.samples.precision > 0.8
    assert result.samples.recall > 0.8
    assert result.samples.frechet_distance < 2 * result.real.frechet_distance + 0.05
    assert result.diversity.within == "class"
    assert result.diversity.ratio == pytest.approx(1, abs=0.1)
    assert result.features.test_accuracy > 0.95
    assert result.data.compared_with == "test"
    assert result.data.balanced
    assert result.elbo is None
    assert result.class_shares is None


def test_a_model_that_mistakes_a_class_and_repeats_itself_is_found_out(measure):
    train = quarters(400)
    first = {c: train.images[train.labels == c][0] for c in range(4)}

    def draw(label, _z):
        return first[0 if label == 2 else int(label)]

    result = measure(spec_of(), draw, train, count=80)
    assert result.class_accuracy.per_class == {"ant": 1.0, "bee": 1.0, "cat": 0.0, "dog": 1.0}
    assert result.class_accuracy.mean == 0.75
    assert result.diversity.distance == 0.0
    assert result.samples.recall < 0.1
    assert result.data.compared_with == "train"
    assert result.real is None


def test_the_shares_of_an_unconditional_model_are_counted(measure):
    train = quarters(400)

    def draw(_label, z):
        return train.images[train.labels == (3 if z[0] > 0 else 1)][0]

    result = measure(spec_of(classes=()), draw, train, count=200)
    assert result.class_accuracy is None
    shares = result.class_shares.per_class
    assert shares["0"] == shares["2"] == 0.0
    assert shares["1"] + shares["3"] == 1.0
    assert shares["1"] == pytest.approx(0.5, abs=0.15)
    assert result.class_shares.confident == 1.0
    assert result.diversity.within == "all"


def test_without_labels_random_convolutions_stand_in(measure):
    train = quarters(300)
    train = Images(train.source, train.images)
    result = measure(spec_of(), lambda _c, z: train.images[int(abs(z[0]) * 99)], train, count=60)
    assert result.features.name == "random-convolutions-1"
    assert result.features.test_accuracy is None
    assert result.class_accuracy is None
    assert any("no labels" in note for note in result.notes)
    # Pinned: the weights, and so the figures, are the same on every machine.
    assert result.features.sha256 == RandomSpace(1).sha256
    assert RandomSpace(1).sha256.startswith("85dbbe3854d4")


def test_the_same_seed_gives_the_same_figures_and_another_does_not(measure):
    train = quarters(300)
    draw = from_pool(quarters(300, seed=3))
    one, two, other = (
        measure(spec_of(), draw, train, count=60, seed=seed) for seed in (0, 0, 1000)
    )
    assert one == two
    assert one.samples != other.samples


def test_classes_are_matched_by_name(measure):
    turned = ("dog", "cat", "bee", "ant")
    train = quarters(400, names=turned)  # quarter 0 is a dog here
    pool = quarters(400)
    groups = {c: pool.images[pool.labels == c] for c in range(4)}
    result = measure(spec_of(), lambda c, _z: groups[3 - int(c)][0], train, count=40)
    assert result.class_accuracy.mean == 1.0
    wrong = measure(spec_of(), lambda c, _z: groups[int(c)][0], train, count=40)
    assert wrong.class_accuracy.mean == 0.0


def test_characters_that_look_alike_count_as_one(measure):
    names = ("O", "o", "x", "0")
    train = quarters(400, names=names)
    groups = {c: train.images[train.labels == c] for c in range(4)}
    swapped = {0: 1, 1: 3, 2: 2, 3: 0}
    result = measure(spec_of(names), lambda c, _z: groups[swapped[int(c)]][0], train, count=40)
    assert result.class_accuracy.mean == 1.0
    assert any("look alike" in note for note in result.notes)
    wrong = measure(spec_of(names), lambda _c, _z: groups[2][0], train, count=40)
    assert wrong.class_accuracy.per_class == {"O": 0.0, "o": 0.0, "x": 1.0, "0": 0.0}


def test_a_classifier_of_other_classes_reads_none(measure):
    train = quarters(200)
    result = measure(spec_of(classes=NAMES[:3]), from_pool(train), train, count=40)
    assert result.class_accuracy is None
    assert any("4 classes, the model 3" in note for note in result.notes)


def test_real_images_are_brought_to_the_models_size():
    notes = []
    fitted = make_reference(spec_of(channels=3, size=16), quarters(40), None, 20, 0, "", notes)
    assert fitted.train.images.shape == (40, 16, 16, 3)
    assert fitted.reference.resized_from == (8, 8)
    assert "resized from 8x8 to 16x16" in notes[0]
    np.testing.assert_array_equal(fitted.train.images[..., 0], fitted.train.images[..., 2])
    grown = fitted.train.images[:, ::2, ::2, 0].astype(float).mean()
    assert grown == pytest.approx(quarters(40).images.mean(), abs=3)
    colours = Images("c", np.zeros((4, 8, 8, 3), np.uint8))
    with pytest.raises(EvaluationError, match="3 channels, copyist draws 1"):
        make_reference(spec_of(), colours, None, 4, 0, "", [])


def test_the_reference_holds_equally_many_of_each_class():
    data = quarters(100)
    uneven = Images("u", data.images[:70], np.r_[np.zeros(40), 1 + np.arange(30) % 3].astype(int))
    fitted = make_reference(spec_of(), uneven, None, 40, 0, "", [])
    assert np.bincount(fitted.compared.labels).tolist() == [10, 10, 10, 10]
    assert fitted.reference.balanced
    unconditional = make_reference(spec_of(classes=()), uneven, None, 50, 0, "", [])
    assert len(unconditional.compared.images) == 50
    assert not unconditional.reference.balanced


def test_a_classifier_is_kept_and_opens_again():
    train, test = quarters(200, names=NAMES), quarters(80, seed=1)
    sha256 = data_hash(train)
    steps = []
    made = classifier_for(train, test, sha256, steps.append)
    assert sum(steps) == STEPS
    again = classifier_for(train, test, sha256, lambda _n: pytest.fail("trained twice"))
    assert again.sha256 == made.sha256
    assert again.names == NAMES
    assert again.accuracy == made.accuracy == accuracy(again, test)
    for a, b in zip(made.look(test.images), again.look(test.images), strict=True):
        np.testing.assert_array_equal(a, b)
    path = cached_classifier(sha256)
    whole = path.read_bytes()
    path.write_bytes(whole[:-100])
    with pytest.raises(EvaluationError):
        open_classifier(path)
    assert classifier_for(train, test, sha256).sha256 == made.sha256  # made again, the same
    assert data_hash(Images("x", train.images, 3 - train.labels)) != sha256


@pytest.mark.parametrize(("old", "new"), [
    (b"genviewer-classifier/1", b"genviewer-classifier/9"),
    (b'\\"features\\":128', b'\\"features\\":129'),
    (b'\\"classes\\":4', b'\\"classes\\":0'),
])  # fmt: skip
def test_a_file_that_is_no_classifier_is_refused(tmp_path, old, new):
    train = quarters(40)
    classifier_for(train, None, "a" * 64)
    data = cached_classifier("a" * 64).read_bytes()
    assert old in data
    path = tmp_path / "c.safetensors"
    path.write_bytes(data.replace(old, new))
    with pytest.raises(EvaluationError, match=r"c\.safetensors"):
        open_classifier(path)
    with pytest.raises(EvaluationError, match="cannot be read"):
        open_classifier(tmp_path / "none.safetensors")


def test_large_pictures_are_looked_at_from_afar():
    image = np.zeros((1, 256, 128, 3), np.uint8)
    image[:, :128] = 200
    x = reduced(image)
    assert tuple(x.shape) == (1, 3, 64, 32)
    assert float(x[0, 0, 0, 0]) == pytest.approx(200 / 255)
    assert float(x[0, 0, -1, 0]) == 0.0


def test_the_elbo_is_that_of_the_model(tmp_path):
    bundle = write_tiny_vae(tmp_path / "tiny", channels=1)
    result = evaluate(bundle, quarters(300), quarters(60, seed=1), count=20, threads=1,
                      classifier=_classifier(tmp_path))  # fmt: skip
    # log p(x) of one image by importance sampling bounds it from above.
    from genviewer.engine.losses import bernoulli_nll, kl_normal
    from genviewer.engine.torch_decoder import load_network

    network = load_network(bundle)
    data = quarters(60, seed=1)
    x = reduced(data.images)
    y = torch.nn.functional.one_hot(torch.from_numpy(data.labels), 4).float()
    with torch.no_grad():
        mean, logvar = network.encode(x, y)
        noise = torch.Generator().manual_seed(5)
        nll = torch.stack([
            bernoulli_nll(network.logits(mean + (logvar / 2).exp() * e, y), x)
            for e in torch.randn(50, *mean.shape, generator=noise)
        ]).mean()  # fmt: skip
        expected = -float(nll + kl_normal(mean, logvar).sum(1).mean())
    assert result.elbo.nats == pytest.approx(expected, rel=0.02)
    assert result.elbo.split == "test"
    assert result.elbo.n == 60
    assert result.elbo.bits_per_dim == pytest.approx(-result.elbo.nats / 64 / math.log(2))


def _classifier(tmp_path):
    classifier_for(quarters(40), None, "b" * 64)
    return cached_classifier("b" * 64)


def test_bits_of_uniform_noise_are_eight():
    # 256 levels, each as likely, are 8 bits; a density over [0, 1] of uniform noise is 0 nats.
    assert bits_per_dim(-784 * math.log(256), 784, "discretised_logistic") == pytest.approx(8)
    assert bits_per_dim(0.0, 784, "gaussian") == pytest.approx(8)


def test_too_few_samples_are_refused(tmp_path):
    with pytest.raises(EvaluationError, match="At least 10"):
        evaluate(write_tiny_vae(tmp_path / "t"), quarters(40), None, count=5)
