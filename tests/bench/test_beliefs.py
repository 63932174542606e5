"""The benchmark of the bars that move while an image is drawn."""

import pytest

from genviewer.bench import beliefs
from genviewer.engine.library import find_model
from tests.tiny_models import write_tiny_vae


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(beliefs, "REPEATS", 1)
    monkeypatch.setattr(beliefs, "SECONDS", 0.2)


def test_a_model_with_classes_is_asked_while_a_stroke_grows(tmp_path):
    bundle = write_tiny_vae(tmp_path / "tiny")
    moving, resting = beliefs.measure(bundle)
    assert (moving.name, moving.unit) == ("beliefs_while_drawing", "updates/s")
    assert 0.0 < moving.value <= 2.0 * beliefs.RATE_HZ
    assert moving.ratio == pytest.approx(moving.value / moving.baseline)
    assert moving.met == (moving.value >= 15.0)
    assert resting.value > 0.0


def test_models_that_know_nothing_of_classes_are_left_out(tmp_path):
    assert beliefs.measure(write_tiny_vae(tmp_path / "plain", classes=())) == []
    assert beliefs.measure(find_model("digits-cgan")) == []
