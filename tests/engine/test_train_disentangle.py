import json

import numpy as np
import pytest

from genviewer.core.spec import ImageSpec, LatentSpec, Spec
from genviewer.engine.train_disentangle import encode_means, main, mutual_information_gap
from genviewer.io.bundle import Config, write_bundle
from genviewer.io.dataset_shapes import FACTORS, make_shapes
from genviewer.nets.families import build

RNG = np.random.default_rng(0)
FACTOR = RNG.random((20_000, 2))


def test_a_dimension_for_each_factor_has_the_whole_gap():
    noise = RNG.standard_normal((len(FACTOR), 1))
    gap = mutual_information_gap(np.hstack([noise, -(FACTOR[:, ::-1] ** 3)]), FACTOR)
    assert gap.dimension == [2, 1]
    assert gap.mean > 0.5  # the cube's bins are wide where it is flat
    np.testing.assert_allclose(gap.information.argmax(1), gap.dimension)
    exact = mutual_information_gap(np.hstack([noise, 3 - 2 * FACTOR]), FACTOR)
    assert exact.mean == pytest.approx(1.0, abs=0.01)  # the same bins, but for independent noise
    assert gap.mean == pytest.approx(np.mean(gap.per_factor))


def test_two_dimensions_that_tell_the_same_have_none():
    twice = np.hstack([FACTOR[:, :1], FACTOR[:, :1], FACTOR[:, 1:]])
    gap = mutual_information_gap(twice, FACTOR)
    assert gap.per_factor[0] == pytest.approx(0.0, abs=1e-6)
    assert gap.per_factor[1] > 0.9


def test_turning_the_dimensions_closes_the_gap():
    turned = FACTOR @ np.array([[1, 1], [-1, 1]]) / np.sqrt(2)
    assert mutual_information_gap(turned, FACTOR).mean < 0.05


def test_a_discrete_factor_counts_by_its_own_entropy():
    kinds = RNG.integers(0, 3, (20_000, 1)) / 2
    noise = RNG.standard_normal((20_000, 1))
    gap = mutual_information_gap(np.hstack([kinds + 0.01 * noise, noise]), kinds)
    assert gap.mean == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize(("wrong", "other"), [(0.1, 0.5), (0.02, 0.3), (0.2, 0.2)])
def test_codes_that_err_at_a_known_rate_have_the_known_gap(wrong, other):
    kinds, count = 5, 100_000
    level = RNG.integers(0, kinds, count)

    def code(rate: float) -> np.ndarray:
        """The level, or with probability ``rate`` one of the others."""
        errs = RNG.random(count) < rate
        return (level + errs * RNG.integers(1, kinds, count)) % kinds

    def share(rate: float) -> float:
        """I(level; code) / H(level) of a symmetric channel, as in any textbook."""
        lost = -rate * np.log(rate) - (1 - rate) * np.log(1 - rate) + rate * np.log(kinds - 1)
        return 1 - lost / np.log(kinds)

    latents = np.stack([code(other), RNG.random(count), code(wrong)], 1)
    gap = mutual_information_gap(latents, level[:, None].astype(float))
    np.testing.assert_allclose(gap.information[0], [share(other), 0, share(wrong)], atol=0.01)
    assert gap.mean == pytest.approx(share(wrong) - share(other), abs=0.01)


def test_the_command_reports_each_factor(tmp_path, capsys):
    network = {
        "type": "residual_vae", "image_size": 64, "image_channels": 3, "latent_dim": 3,
        "hidden": 8, "channels": [8, 8], "blocks": [0, 0], "encoder_blocks": [0, 0], "shuffle": 4,
    }  # fmt: skip
    weights = {k: v.numpy() for k, v in build(network).state_dict().items()}
    spec = Spec("shapes", "vae", LatentSpec(3), ImageSpec(3, 64, 64))
    bundle = write_bundle(tmp_path / "m", Config(spec, network), weights, "")
    images = make_shapes(0, 3).images
    means = encode_means(bundle, images, batch=2)
    assert means.shape == (3, 3)
    np.testing.assert_allclose(encode_means(bundle, images[2:])[0], means[2], atol=1e-5)
    assert main([str(bundle.path), "-n", "50"]) == 0
    (report,) = json.loads(capsys.readouterr().out)
    assert list(report["factors"]) == list(FACTORS)
    assert all(len(row["information"]) == 3 for row in report["factors"].values())
    assert 0 <= report["mig"] <= 1
