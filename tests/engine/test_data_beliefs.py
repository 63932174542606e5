"""What is read off beliefs about a data set, against figures made by hand and by construction."""

from __future__ import annotations

import math

import numpy as np
import pytest

from genviewer.engine.data_beliefs import (
    accuracy_against_rejection,
    calibration,
    confusion,
    doubt,
    measure_data,
)


def test_confusion_counts_pairs():
    truth, predicted = np.array([0, 0, 1, 2, 2, 2]), np.array([0, 1, 1, 2, 2, 0])
    assert confusion(truth, predicted, 4).tolist() == [
        [1, 1, 0, 0],
        [0, 1, 0, 0],
        [1, 0, 2, 0],
        [0, 0, 0, 0],
    ]


def test_calibration_by_hand():
    posterior = np.array([[0.95, 0.05], [0.9, 0.1], [0.55, 0.45], [0.2, 0.8]])
    truth = np.array([0, 1, 0, 1])
    found = calibration(posterior, truth, bins=10)
    assert found.count.tolist() == [0, 0, 0, 0, 0, 1, 0, 1, 1, 1]  # 0.8 and 0.9 are upper edges
    assert found.accuracy[[5, 7, 8, 9]].tolist() == [1.0, 1.0, 0.0, 1.0]
    assert np.isnan(found.accuracy[0])
    # each of the four bins holds a quarter: |1 - .55|, |1 - .8|, |0 - .9|, |1 - .95|
    assert found.error == pytest.approx((0.45 + 0.2 + 0.9 + 0.05) / 4)


def test_a_model_that_is_as_sure_as_it_is_right_has_no_calibration_error():
    rng = np.random.default_rng(0)
    p = rng.uniform(0.5, 1.0, 200_000)
    truth = (rng.random(len(p)) > p).astype(np.int64)  # class 0 with probability p
    fair = calibration(np.stack([p, 1 - p], 1), truth)
    assert fair.error < 0.01
    surer = p**0.25
    assert calibration(np.stack([surer, 1 - surer], 1), truth).error > 0.1
    assert fair.count.sum() == len(p)


def test_doubt_tells_apart_what_is_nearly_certain():
    posterior = np.array([[1.0, 1e-30, 0.0], [1.0, 1e-40, 0.0], [0.25, 0.25, 0.5]])
    assert doubt(posterior).tolist() == [1e-30, 1e-40, 0.5]


def test_accuracy_rises_as_the_wrong_ones_are_rejected_first():
    trust = np.array([-5.0, -4.0, -3.0, -2.0, -1.0])
    right = np.array([False, True, False, True, True])
    rejected, accuracy = accuracy_against_rejection(trust, right)
    assert rejected.tolist() == pytest.approx([0.0, 0.2, 0.4, 0.6, 0.8])
    assert accuracy.tolist() == pytest.approx([3 / 5, 3 / 4, 2 / 3, 1.0, 1.0])


def test_images_of_equal_trust_are_rejected_together_and_the_curve_is_bounded():
    rejected, accuracy = accuracy_against_rejection(
        np.array([1.0, 1.0, 2.0]), np.array([False, True, True])
    )
    assert rejected.tolist() == pytest.approx([0.0, 2 / 3])
    assert accuracy.tolist() == pytest.approx([2 / 3, 1.0])
    many = np.arange(5000.0)
    rejected, accuracy = accuracy_against_rejection(many, many > 1000, points=50)
    assert len(rejected) == 50
    assert rejected[0] == 0.0
    assert accuracy[-1] == 1.0


class Linear:
    """p(x | z) = N(z, s), q(z | x) its exact posterior: log p(x) = log N(x; 0, 1 + s) exactly."""

    likelihood, bin_width, device, variance = "gaussian", 0.0, "cpu", 0.25

    def encode(self, x, y):
        import torch

        flat = x.flatten(1)
        gain = 1.0 / (1.0 + self.variance)
        return flat * gain, torch.full_like(flat, math.log(self.variance * gain))

    def log_likelihood(self, x, z, y):
        away = (x.flatten(1) - z).square() / self.variance
        return -0.5 * (away + math.log(2 * math.pi * self.variance)).sum(1)


def test_measured_against_the_closed_form_in_blocks(monkeypatch):
    from genviewer.core.spec import ImageSpec, LatentSpec, Spec

    class Bundle:
        spec = Spec("linear", "vae", LatentSpec(4), ImageSpec(1, 2, 2), (), True, True)

    monkeypatch.setattr("genviewer.engine.data_beliefs.BLOCK", 3)
    images = np.random.default_rng(0).integers(0, 256, (7, 2, 2, 1), dtype=np.uint8)
    found = measure_data(Linear(), Bundle(), images, samples=4)
    x = images.reshape(7, 4) / 255.0
    exact = -0.5 * (x**2 / 1.25 + math.log(2 * math.pi * 1.25)).sum(1)
    assert np.allclose(found.log_px, exact, atol=1e-4)
    assert np.all(found.stderr < 1e-3)
    assert found.posterior is None
    assert found.best is None
    assert "log-density" in found.measure
