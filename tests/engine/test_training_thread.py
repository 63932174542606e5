"""A run in a thread: paused, resumed, stopped, kept; what it tells, and how it ends."""

import os
import sys
import threading
import time

import numpy as np
import pytest
import torch

from genviewer.engine import train_bundle
from genviewer.engine.device import training_device
from genviewer.engine.run_timeline import RunTimeline, keep
from genviewer.engine.train_config import TrainingError
from genviewer.engine.train_run import RunFolder
from genviewer.engine.train_state import Batches
from genviewer.engine.training import make_state, train
from genviewer.engine.training_run import TrainingRun
from genviewer.engine.training_thread import TrainingThread
from genviewer.io.bundle import BundleError, hash_arrays, open_bundle
from genviewer.io.cancelling import check_cancelled
from genviewer.io.dataset_values import DataError
from tests.tiny_runs import GAN, VAE, Listener, config_of, fail_once, wait_for


@pytest.fixture(autouse=True)
def no_accelerator(monkeypatch):
    """It takes seconds to write, and nothing here is drawn."""
    monkeypatch.setattr(train_bundle, "MAX_ACCELERATOR_PARAMETERS", 0)


@pytest.fixture
def begin():
    threads = []

    def start(make_run, **options):
        listener = Listener()
        thread = listener.thread = TrainingThread(make_run, lambda: None, **options)
        threads.append(thread)
        thread.start()
        return thread, listener

    yield start
    for thread in threads:
        thread.stop(checkpoint=False)
        assert thread.join(60)


@pytest.mark.parametrize("text", [VAE, GAN])
def test_a_run_in_a_thread_ends_as_one_without(tmp_path, begin, text):
    config = config_of(tmp_path, text, steps=12, every=5)
    whole = train(tmp_path / "tiny.toml", out=tmp_path / "whole")
    run = tmp_path / "run"
    thread, listener = begin(lambda: TrainingRun.start(config, run), snapshots_per_second=1e6)
    news = listener.until("finished")
    assert thread.join(60)
    assert (news.step, news.steps, news.remaining) == (12, 12, 0.0)
    assert "12 steps" in news.sentence
    for name in ("model.safetensors", "config.json"):
        assert (run / "bundle" / name).read_bytes() == (whole / "bundle" / name).read_bytes()
    assert news.snapshot.ref == open_bundle(run / "bundle").ref
    assert news.checkpoints == RunTimeline(run).steps()
    assert [n.state for n in listener.news][-1] == "finished"
    assert {0, 12} <= set(news.checkpoints)


def test_pause_stop_and_resume_lose_nothing(tmp_path, begin):
    config = config_of(tmp_path, steps=10_000, every=5000)
    run = tmp_path / "run"
    thread, listener = begin(lambda: TrainingRun.start(config, run))
    wait_for(lambda: listener.take() and listener.rows, "a row of losses")
    thread.pause()
    paused = listener.until("paused")
    assert paused.snapshot.step == paused.step > 0
    assert "paused" in paused.sentence
    thread.resume()
    wait_for(lambda: listener.take()[-1].step > paused.step, "another step")
    thread.stop()
    stopped = listener.until("stopped")
    assert thread.join(60)
    assert RunFolder(run).checkpoints()[-1][0] == stopped.step == stopped.saved_step
    assert "resumed" in stopped.sentence
    steps = [row["step"] for row in listener.rows]
    assert steps == sorted(set(steps))
    state = make_state(config)
    RunFolder(run).restore(state)
    tensors = {name: value.numpy() for name, value in state.ema.state_dict().items()}
    assert hash_arrays(tensors) == hash_arrays(stopped.snapshot.weights)
    resumed, again = begin(lambda: TrainingRun.resume(run))
    wait_for(lambda: again.take() and again.rows, "a row of losses")
    assert again.rows[0]["step"] > stopped.step
    resumed.stop()
    assert again.until("stopped").step > stopped.step


def test_a_run_that_is_discarded_writes_nothing_more(tmp_path, begin):
    config = config_of(tmp_path, steps=10_000, every=5000)
    thread, listener = begin(lambda: TrainingRun.start(config, tmp_path / "run"))
    wait_for(lambda: listener.take() and listener.rows, "a row of losses")
    thread.stop(checkpoint=False)
    assert thread.join(60)
    assert listener.until("stopped").saved_step == 0
    assert [step for step, _ in RunFolder(tmp_path / "run").checkpoints()] == [0]


def test_what_is_kept_is_the_snapshot_under_a_name(tmp_path, begin):
    config = config_of(tmp_path, steps=10_000, every=5000)
    run = tmp_path / "run"
    thread, listener = begin(lambda: TrainingRun.start(config, run))
    wait_for(lambda: listener.take() and listener.rows, "a row of losses")
    thread.pause()
    snapshot = listener.until("paused").snapshot
    bundle = keep(run, snapshot.named("mine"))
    assert bundle.path == run / "kept" / "mine"
    assert bundle.ref == snapshot.named("mine").ref
    assert bundle.model_id == snapshot.ref.id
    assert bundle.config.provenance["steps"] == snapshot.step
    assert "# mine" in bundle.card()
    assert (bundle.path / "train.toml").read_bytes() == (run / "train.toml").read_bytes()
    for name, value in bundle.tensors().items():
        np.testing.assert_array_equal(value, snapshot.weights[name])
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "file").write_text("mine")
    with pytest.raises(BundleError, match="there exists"):
        keep(run, snapshot.named("mine"), tmp_path / "there")


@pytest.mark.parametrize("wish", ["pause", "stop"])
def test_what_is_asked_for_at_the_end_comes_too_late(tmp_path, begin, monkeypatch, wish):
    config = config_of(tmp_path, steps=2)
    begun = threading.Event()

    def write_bundle(run, write=TrainingRun.write_bundle):
        write(run)
        assert begun.wait(60)
        getattr(thread, wish)()

    monkeypatch.setattr(TrainingRun, "write_bundle", write_bundle)
    thread, listener = begin(lambda: TrainingRun.start(config, tmp_path / "run"))
    begun.set()
    listener.until("finished")
    assert thread.join(60)
    assert [news.state for news in listener.take()][-1] == "finished"


def test_a_snapshot_is_made_only_when_the_last_was_taken(tmp_path, begin, monkeypatch):
    made = []
    monkeypatch.setattr(
        TrainingRun, "snapshot",
        lambda self, make=TrainingRun.snapshot: (made.append(self.step), make(self))[1],
    )  # fmt: skip
    config = config_of(tmp_path, steps=40, every=40)
    monkeypatch.setattr("genviewer.engine.training_run.timeline_steps", lambda *_: {0, 40})
    thread, listener = begin(
        lambda: TrainingRun.start(config, tmp_path / "run"), snapshots_per_second=1e9
    )
    assert thread.join(60)
    # The timeline's two, the first that the thread tells of, and the last; nobody took any.
    assert len(made) <= 4
    (news,) = listener.take()
    assert news.snapshot.step == 40
    assert news.rows
    with pytest.raises(ValueError, match="read-only"):
        next(iter(news.snapshot.weights.values()))[...] = 0


def test_a_run_that_cannot_start_says_why(tmp_path, begin):
    def refuse():
        raise TrainingError("There are no images in photos.")

    assert begin(refuse)[1].until("failed").sentence == "There are no images in photos."
    _, listener = begin(lambda: TrainingRun.resume(tmp_path / "none"))
    assert "none holds no run" in listener.until("failed").sentence
    _, listener = begin(lambda: training_device("cuda:7"))
    assert listener.until("failed").sentence.startswith("There is no device 'cuda:7' here;")


def test_reading_the_data_can_be_stopped(begin):
    reading = threading.Event()

    def read_for_ever():
        reading.set()
        while True:
            check_cancelled()
            time.sleep(0.005)

    thread, listener = begin(read_for_ever)
    assert reading.wait(60)
    thread.stop()
    assert "before it began" in listener.until("stopped").sentence


@pytest.mark.allow_log("ERROR")
def test_an_error_that_nobody_foresaw_is_told_too(begin):
    def break_down():
        raise KeyError("nowhere")

    assert "nowhere" in begin(break_down)[1].until("failed").sentence


def test_a_full_disk_waits_until_there_is_room(tmp_path, begin, monkeypatch):
    config = config_of(tmp_path, steps=6, every=3)
    whole = train(tmp_path / "tiny.toml", out=tmp_path / "whole")
    save, full = torch.save, [False]

    def maybe_full(state, file):
        if full[0] and state["step"]:
            file.write(b"half")
            raise OSError(28, "No space left on device")
        save(state, file)

    monkeypatch.setattr(torch, "save", maybe_full)
    full[0] = True
    run = tmp_path / "run"
    thread, listener = begin(lambda: TrainingRun.start(config, run))
    news = listener.until("paused")
    assert "no space left" in news.sentence
    assert news.step == 3
    full[0] = False
    thread.resume()
    assert listener.until("finished").step == 6
    for name in ("model.safetensors", "config.json"):
        assert (run / "bundle" / name).read_bytes() == (whole / "bundle" / name).read_bytes()


def test_while_data_are_waited_for_the_step_that_lacked_them_takes_no_memory(
    tmp_path, begin, monkeypatch
):
    held, alive = fail_once(monkeypatch, lambda: DataError("photos/7.png is gone."))
    config = config_of(tmp_path, steps=2)
    thread, listener = begin(lambda: TrainingRun.start(config, tmp_path / "run"))
    paused = listener.until("paused")
    assert "7.png" in paused.sentence
    assert (paused.snapshot.step, len(held), alive) == (0, 3, [0, 0])
    thread.resume()
    assert listener.until("finished").step == 2


def test_a_run_that_waits_for_its_data_stands_where_it_goes_on_from(tmp_path, begin, monkeypatch):
    gone, at = [], Batches.at

    def gone_once(self, step):
        if step == 3 and not gone:
            gone.append(step)
            raise DataError("photos/7.png is gone.")
        return at(self, step)

    monkeypatch.setattr(Batches, "at", gone_once)
    config = config_of(tmp_path, steps=4, every=2)
    thread, listener = begin(lambda: TrainingRun.start(config, tmp_path / "run"))
    paused = listener.until("paused")
    assert (paused.step, paused.snapshot.step) == (2, 2)
    thread.resume()
    assert listener.until("finished").step == 4


@pytest.mark.skipif(sys.platform != "linux", reason="threads have priorities of their own on Linux")
def test_the_thread_gives_way_and_has_its_own_number_of_threads(tmp_path, begin, monkeypatch):
    seen = []
    monkeypatch.setattr(
        TrainingRun, "save",
        lambda self, save=TrainingRun.save: (
            seen.append((os.getpriority(os.PRIO_PROCESS, 0), torch.get_num_threads())), save(self)
        )[1],
    )  # fmt: skip
    config = config_of(tmp_path, steps=1)
    before = os.getpriority(os.PRIO_PROCESS, 0)
    _, listener = begin(lambda: TrainingRun.start(config, tmp_path / "run"), threads=3)
    listener.until("finished")
    assert seen[0] == (19, 3)
    assert os.getpriority(os.PRIO_PROCESS, 0) == before
