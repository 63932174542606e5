"""Runs that meet trouble: divergence, too little memory, data that vanish, kills at any moment."""

import csv
import os
import signal
import subprocess
import sys
import time

import msgspec
import numpy as np
import pytest
import torch

from genviewer.engine import train_bundle, training_run
from genviewer.engine.run_timeline import RunTimeline
from genviewer.engine.train_bundle import make_spec
from genviewer.engine.train_config import TrainingError
from genviewer.engine.train_measures import Measures
from genviewer.engine.train_place import Place
from genviewer.engine.train_quality import Quality
from genviewer.engine.train_run import RunFolder
from genviewer.engine.train_vae import measure_elbo
from genviewer.engine.training import make_state, train, training_steps
from genviewer.engine.training_events import Ended, Notice, OnTimeline, Saved, Stepped
from genviewer.engine.training_run import TrainingRun
from genviewer.io.bundle import open_bundle
from genviewer.io.dataset_values import DataError
from genviewer.io.datasets import load_images
from tests.tiny_runs import GAN, VAE, config_of, fail_once


@pytest.fixture(autouse=True)
def small_and_quick(monkeypatch):
    monkeypatch.setattr(train_bundle, "MAX_ACCELERATOR_PARAMETERS", 0)  # seconds, for nothing here
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def weights(folder):
    return (folder / "bundle" / "model.safetensors").read_bytes()


def test_a_run_tells_of_all_that_it_does(tmp_path):
    run = TrainingRun.start(config_of(tmp_path, steps=6, every=4), tmp_path / "run")
    events = list(run.events())
    assert [e.step for e in events if isinstance(e, Stepped)] == [1, 2, 3, 4, 5, 6]
    assert [e.step for e in events if isinstance(e, Saved)] == [0, 4, 6]
    assert [e.step for e in events if isinstance(e, OnTimeline)] == [0, 1, 2, 3, 4, 5, 6]
    assert {e.samples for e in events if isinstance(e, Stepped)} == {8}
    assert isinstance(events[-1], Ended)
    assert events[-1].finished


def test_the_timeline_holds_the_averages_of_its_steps(tmp_path):
    config = config_of(tmp_path, steps=4)
    run = TrainingRun.start(config, tmp_path / "run")
    for _ in run.events():
        pass
    images, _ = load_images(config.data.source)
    state = make_state(config)
    timeline = RunTimeline(tmp_path / "run")
    averages = [state.ema_weights()]
    averages += [state.ema_weights() for _ in training_steps(config, state, images)]
    for step, average in enumerate(averages):
        snapshot = timeline.snapshot(step)
        assert snapshot.config.provenance["steps"] == step
        for name, value in average.items():
            np.testing.assert_array_equal(snapshot.weights[name], value)
    assert timeline.snapshot(4).ref == open_bundle(tmp_path / "run" / "bundle").ref


def test_a_held_out_split_is_measured_on_the_way(tmp_path):
    config = config_of(tmp_path, steps=4, every=4, test=16)
    run = TrainingRun.start(config, tmp_path / "run")
    told = [e.losses for e in run.events() if isinstance(e, Stepped)]
    _, test = load_images(config.data.source)
    assert told[-1]["validation_elbo"] == measure_elbo(run.state.ema, test)[0]
    rows = list(csv.DictReader((tmp_path / "run" / "metrics.csv").open()))
    assert float(rows[-1]["validation_elbo"]) == pytest.approx(told[-1]["validation_elbo"], 1e-4)


def test_the_samples_are_measured_on_the_way_if_that_is_wanted(tmp_path):
    config = msgspec.structs.replace(config_of(tmp_path, steps=5, test=32), evaluate_every=2)
    run = TrainingRun.start(config, tmp_path / "run")
    told = {e.step: e.losses for e in run.events() if isinstance(e, Stepped)}
    assert [step for step, row in told.items() if "frechet" in row] == [2, 4, 5]
    train_images, test = load_images(config.data.source)
    spec = make_spec(config)
    same = Quality(test, spec, config.seed)
    assert same.measure(run.state.ema) == {"frechet": told[5]["frechet"]}

    class Mirror(torch.nn.Module):
        """Draws the very images that it is compared with."""

        def __init__(self, data):
            super().__init__()
            self.config = run.state.ema.config
            rows = np.random.default_rng(0).permutation(len(data.images))[:500]
            self.left = [torch.from_numpy(data.images[np.sort(rows)] / np.float32(255))]

        def logits(self, z, y):
            part, self.left[0] = self.left[0][: len(z)], self.left[0][len(z) :]
            return torch.logit(part.permute(0, 3, 1, 2), eps=1e-6)

    best = Quality(train_images, spec, 0).measure(Mirror(train_images))["frechet"]
    assert abs(best) < 1e-6 < told[2]["frechet"]


@pytest.mark.parametrize(
    ("count", "test", "compared"), [(8, 32, 32), (8, 31, 8), (8, 1, 8), (2, 0, 2), (1, 1, 0)]
)
def test_samples_are_compared_with_enough_images_or_with_none(tmp_path, count, test, compared):
    config = msgspec.structs.replace(config_of(tmp_path, test=test), evaluate_every=2)
    images, held_out = load_images(config.data.source)
    few = msgspec.structs.replace(images, images=images.images[:count])
    measures = Measures(config, few, held_out, make_spec(config))
    assert measures.due(2, stop=False) == (("quality",) if compared else ())
    assert not compared or len(measures.real.images) == compared


@pytest.mark.allow_log("WARNING")
def test_a_figure_that_cannot_be_measured_ends_no_run(tmp_path, monkeypatch, caplog):
    def fails(a, b):
        raise np.linalg.LinAlgError("SVD did not converge")

    monkeypatch.setattr("genviewer.engine.train_quality.frechet_distance", fails)
    config = config_of(tmp_path)
    measures = Measures(config, load_images(config.data.source)[0], None, make_spec(config))
    assert measures.take(make_state(config), ("quality",)) == {}
    assert "The samples of step 0 are not measured: SVD" in caplog.text


def fail_at(monkeypatch, step, error, times=1):
    """Let the training fail after ``step`` steps, as if the network had."""
    left = [times]

    def steps(config, state, images):
        for losses in training_steps(config, state, images):
            if state.step > step and left[0]:
                left[0] -= 1
                with torch.no_grad():
                    next(state.network.parameters()).fill_(float("nan"))
                raise error
            yield losses

    monkeypatch.setattr(training_run, "training_steps", steps)


def test_a_run_that_diverges_goes_back_to_its_last_checkpoint(tmp_path, monkeypatch):
    config = config_of(tmp_path, steps=9, every=3)
    whole = train(tmp_path / "tiny.toml", out=tmp_path / "whole")
    fail_at(monkeypatch, 4, FloatingPointError("The loss is not finite at step 4."))
    run = TrainingRun.start(config, tmp_path / "run")
    end = list(run.events())[-1]
    assert (end.finished, end.diverged) == (False, True)
    assert "not finite at step 4" in end.sentence
    assert "step 3" in end.sentence
    assert run.step == 3
    assert not np.isnan(np.concatenate([v.ravel() for v in run.snapshot().weights.values()])).any()
    monkeypatch.undo()
    end = list(TrainingRun.resume(tmp_path / "run").events())[-1]
    assert (end.finished, end.diverged) == (True, False)
    assert weights(tmp_path / "run") == weights(whole)


@pytest.mark.allow_log("WARNING")
def test_a_run_goes_on_from_the_newest_checkpoint_that_can_be_read(tmp_path, caplog):
    config_of(tmp_path, steps=9, every=3)
    whole = train(tmp_path / "tiny.toml", out=tmp_path / "whole")
    kept = weights(whole)
    newest = RunFolder(whole).checkpoints()[-1][1]
    newest.write_bytes(newest.read_bytes()[:1000])
    events = []
    run = TrainingRun.resume(whole)
    for event in run.events():
        events.append(event)
        if isinstance(event, Notice):
            assert RunTimeline(whole).steps()[-1] == 6
        elif isinstance(event, Stepped):
            with (whole / "metrics.csv").open() as file:
                assert [int(row["step"]) for row in csv.DictReader(file)][-1] == event.step
    assert events[0].sentence == (
        "step-0000009.pt cannot be read; the run goes on from its checkpoint of step 6."
    )
    assert [e.step for e in events if isinstance(e, Stepped)] == [7, 8, 9]
    assert weights(whole) == kept
    newest.write_bytes(b"")
    train(whole / "train.toml", out=whole, resume=True)
    assert [r.getMessage() for r in caplog.records] == [events[0].sentence]


def test_weights_that_are_no_numbers_are_never_a_checkpoint(tmp_path, monkeypatch):
    config = config_of(tmp_path, steps=9, every=3)

    def steps(config, state, images):
        for losses in training_steps(config, state, images):
            if state.step == 6:
                with torch.no_grad():
                    next(state.network.parameters()).fill_(float("nan"))
            yield losses

    monkeypatch.setattr(training_run, "training_steps", steps)
    run = TrainingRun.start(config, tmp_path / "run")
    end = list(run.events())[-1]
    assert not end.finished
    assert [step for step, _ in RunFolder(tmp_path / "run").checkpoints()] == [0, 3]
    assert RunTimeline(tmp_path / "run").steps() == (0, 1, 2, 3)


@pytest.mark.parametrize(
    ("error", "is_that"),
    [
        (MemoryError(), True),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 GiB."), True),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried 1 bytes."), True),
        (RuntimeError("DefaultCPUAllocator: not enough memory: you tried 9 bytes."), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate`"), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
    ],
)
def test_how_a_lack_of_memory_is_known(tmp_path, monkeypatch, error, is_that):
    fail_at(monkeypatch, 1, error)
    run = TrainingRun.start(config_of(tmp_path, steps=2), tmp_path / "run")
    if is_that:
        assert any(isinstance(event, Notice) for event in run.events())
    else:
        with pytest.raises(RuntimeError, match="shapes"):
            list(run.events())


def test_with_too_little_memory_the_batch_halves_and_resuming_is_exact(tmp_path, monkeypatch):
    config, error = config_of(tmp_path, steps=9, every=3), MemoryError()
    fail_at(monkeypatch, 4, error)
    run = TrainingRun.start(config, tmp_path / "whole")
    events = list(run.events())
    (notice,) = [e.sentence for e in events if isinstance(e, Notice)]
    assert "the batch is now 4 images" in notice
    assert [e.samples for e in events if isinstance(e, Stepped)] == [8] * 4 + [4] * 6
    assert events[-1].finished

    fail_at(monkeypatch, 4, error)
    cut = TrainingRun.start(config, tmp_path / "cut")
    for event in cut.events():
        if isinstance(event, Saved) and event.step == 6:
            break
    monkeypatch.undo()
    again = TrainingRun.resume(tmp_path / "cut")
    assert {e.samples for e in again.events() if isinstance(e, Stepped)} == {4}
    assert weights(tmp_path / "cut") == weights(tmp_path / "whole")


@pytest.mark.parametrize("error", [MemoryError, FloatingPointError])
def test_what_went_wrong_is_out_of_memory_before_it_is_made_again(tmp_path, monkeypatch, error):
    held, alive = fail_once(monkeypatch, lambda: error("No more."))
    list(TrainingRun.start(config_of(tmp_path, steps=2), tmp_path / "run").events())
    assert (len(held), alive) == (3, [0, 0])


@pytest.mark.parametrize("words", ["CUDA out of memory. Tried to allocate 9 GiB.", "no kernel"])
def test_without_memory_for_the_networks_on_a_device_there_is_a_sentence(
    tmp_path, monkeypatch, words
):
    class Full(Place):
        def place(self, state):
            raise torch.OutOfMemoryError(words) if "memory" in words else RuntimeError(words)

    run = TrainingRun.start(config_of(tmp_path), tmp_path / "run", Full("meta"))
    kind, told = (TrainingError, "memory on meta") if "memory" in words else (RuntimeError, words)
    with pytest.raises(kind, match=told):
        next(run.events())


def test_without_memory_for_one_image_there_is_a_sentence(tmp_path, monkeypatch):
    config = config_of(tmp_path, steps=9, every=3)
    fail_at(monkeypatch, 4, MemoryError(), times=100)
    run = TrainingRun.start(config, tmp_path / "run")
    with pytest.raises(TrainingError, match="not enough memory for a batch of 1"):
        list(run.events())


@pytest.mark.parametrize("text", [VAE, GAN])
def test_data_that_vanish_leave_a_run_that_can_go_on(tmp_path, monkeypatch, text):
    config = config_of(tmp_path, text, steps=9, every=3)
    whole = train(tmp_path / "tiny.toml", out=tmp_path / "whole")
    fail_at(monkeypatch, 4, DataError("photos/7.png is gone."))
    run = TrainingRun.start(config, tmp_path / "run")
    with pytest.raises(DataError, match=r"7\.png"):
        list(run.events())
    events = list(run.events())  # it is there again
    assert [e.step for e in events if isinstance(e, Stepped)] == [4, 5, 6, 7, 8, 9]
    assert weights(tmp_path / "run") == weights(whole)


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_a_run_killed_at_three_random_moments_ends_bit_identical(tmp_path):
    kill_and_compare(tmp_path, np.random.default_rng(0), 3)


@pytest.mark.soak
@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
@pytest.mark.parametrize("text", [VAE, GAN])
def test_a_run_killed_at_fifteen_random_moments_ends_bit_identical(tmp_path, text):
    kill_and_compare(tmp_path, np.random.default_rng(99), 15, text, steps=400)


CHILD = """
import sys
from genviewer.engine.training_run import TrainingRun
from genviewer.engine.train_config import read_config
from pathlib import Path
import torch
torch.set_num_threads(1)
folder = Path(sys.argv[2])
try:
    run = TrainingRun.resume(folder)
except ValueError:
    run = TrainingRun.start(read_config(Path(sys.argv[1])), folder)
print("ready", flush=True)
for event in run.events():
    pass
"""


def kill_and_compare(tmp_path, rng, kills, text=VAE, steps=60):
    """Kill a run at random moments, each time read all that is there, and compare the end."""
    config_of(tmp_path, text, steps=steps, every=2)
    started = time.monotonic()
    whole = train(tmp_path / "tiny.toml", out=tmp_path / "whole")
    span = time.monotonic() - started
    folder = tmp_path / "cut"
    command = [sys.executable, "-c", CHILD, tmp_path / "tiny.toml", folder]
    for _ in range(kills):
        with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
            assert child.stdout.read(5) == b"ready"
            time.sleep(rng.uniform(0.0, 0.8 * span / kills))
            child.send_signal(signal.SIGKILL)
        run = RunFolder(folder)
        for path in folder.rglob("*"):
            assert path.is_dir() or path.name.startswith(".") or path.stat().st_size > 0
        for _, path in run.checkpoints():
            torch.load(path, weights_only=True)
        timeline = RunTimeline(folder)
        for step in timeline.steps():
            timeline.snapshot(step)
    assert list(TrainingRun.resume(folder).events())[-1].finished
    for name in ("model.safetensors", "config.json"):
        assert (folder / "bundle" / name).read_bytes() == (whole / "bundle" / name).read_bytes()
    rows = [list(csv.DictReader((run / "metrics.csv").open())) for run in (whole, folder)]
    for row in rows[0] + rows[1]:
        row.pop("seconds")
    assert rows[0] == rows[1]
