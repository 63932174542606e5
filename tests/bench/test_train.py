"""The benchmark of training beside exploring: its run is a real one, its rates are counted."""

import time

import numpy as np
import pytest

from genviewer.bench import train
from genviewer.bench.window import WindowTraining
from genviewer.engine.train_config import read_config
from genviewer.engine.training_run import TrainingRun
from tests.tiny_models import write_tiny_vae


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setattr(train, "IMAGES", 24)
    bundle = write_tiny_vae(tmp_path / "tiny")
    return bundle, train.write_run(bundle, tmp_path)


def test_the_run_goes_on_from_the_model_with_its_own_samples(tmp_path, run):
    bundle, path = run
    config = read_config(path)
    assert (config.threads, config.steps) == (1, train.STEPS)
    going = TrainingRun.start(config, tmp_path / "run")
    assert len(going.images.images) == 24
    assert set(np.unique(going.images.labels)) == {0, 1, 2, 3}
    assert going.config.start_from == str(bundle.path)


def test_the_rate_counts_steps_after_a_while(tmp_path, run, monkeypatch):
    monkeypatch.setattr(train, "WARM_S", 0.05)
    config = read_config(run[1])
    started = time.perf_counter()
    rate = train._rate(config, tmp_path / "run", 0.2)
    assert 1.0 / (time.perf_counter() - started) < rate < 1e5


def test_what_is_compared_was_measured_in_turn(run, monkeypatch):
    monkeypatch.setattr(train, "REPEATS", 3)
    alone, beside = iter((10.0, 30.0, 20.0)), iter((9.0, 24.0, 19.0))
    monkeypatch.setattr(train, "train_alone", lambda *_: next(alone))
    monkeypatch.setattr(
        train, "train_window", lambda *_: WindowTraining(8.0, 12.0, next(beside), 40.0)
    )
    rate, drag, stop = train.measure(run[0])
    assert (rate.value, rate.baseline, rate.ratio, rate.met) == (19.0, 20.0, 0.9, True)
    assert (drag.value, drag.baseline, drag.ratio) == (12.0, 8.0, 1.5)
    assert stop.met
