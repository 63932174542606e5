"""The timeline of a run on disk, and a watcher of a run that trains elsewhere."""

import os

import msgspec
import numpy as np
import pytest

from genviewer.core.spec import ImageSpec, LatentSpec, Spec
from genviewer.engine.run_timeline import (
    MOST_BYTES,
    RunTimeline,
    TimelineError,
    judged_steps,
    make_snapshot,
    timeline_steps,
)
from genviewer.engine.run_watcher import RunWatcher
from genviewer.engine.train_run import MetricsFile
from genviewer.io.bundle import Config, write_bundle
from genviewer.io.write_errors import WriteError
from tests.tiny_runs import bars

SPEC = Spec("toy", "gan", LatentSpec(2), ImageSpec(1, 4, 4, (-1.0, 1.0)))
CONFIG = Config(SPEC, {"type": "toy"})


def snapshot(step, value=0.0):
    return make_snapshot(step, CONFIG, {"w": np.full((3, 2), value, np.float32)})


@pytest.mark.parametrize("steps", [0, 1, 7, 60, 300, 5000, 2_000_000])
def test_the_timeline_is_dense_early_and_never_long(steps):
    chosen = sorted(timeline_steps(steps))
    assert len(chosen) <= 60
    assert {0, min(1, steps), steps} <= set(chosen)
    if steps >= 5000:
        assert len([s for s in chosen if s <= steps // 100]) >= 10
        assert max(np.diff(chosen)) <= steps / 25
    if steps <= 20:
        assert chosen == list(range(steps + 1))


def test_large_networks_get_fewer_steps():
    each = MOST_BYTES // 20
    assert len(timeline_steps(5000, each)) <= 20
    assert len(timeline_steps(5000, MOST_BYTES)) >= 8


@pytest.mark.parametrize(("each", "discriminator"), [(14, 5), (1, 5), (0.1, 40), (120, 13)])
def test_discriminators_take_no_more_room_than_the_weights(each, discriminator):
    steps, mega = timeline_steps(5000), 1_000_000
    chosen = judged_steps(steps, int(each * mega), discriminator * mega)
    room = max(len(steps) * each, 67.2)
    assert chosen <= steps
    assert max(steps) in chosen
    assert len(chosen) * discriminator <= room + discriminator
    assert len(chosen) == len(steps) or len(chosen) * discriminator > room / 2 - discriminator
    assert judged_steps(steps, 1, 0) == steps


def test_a_step_is_read_as_it_was_written(tmp_path):
    timeline = RunTimeline(tmp_path)
    assert timeline.steps() == ()
    timeline.begin(CONFIG, 0)
    for step in (0, 5, 20):
        timeline.write(snapshot(step, float(step)))
    assert timeline.steps() == (0, 5, 20)
    read = timeline.snapshot(5)
    assert read.ref == snapshot(5, 5.0).ref
    assert read.ref != timeline.snapshot(20).ref
    np.testing.assert_array_equal(read.weights["w"], np.full((3, 2), 5, np.float32))
    bundle = write_bundle(tmp_path / "b", read.config, read.weights, "")
    assert bundle.ref == read.ref
    timeline.begin(CONFIG, 5)  # resumed from there
    assert timeline.steps() == (0, 5)


def test_a_disk_without_room_is_told_and_nothing_is_left_of_the_step(tmp_path, small_files):
    timeline = RunTimeline(tmp_path)
    large = {"w": np.zeros(4096, np.float32)}
    wide = make_snapshot(3, CONFIG, large)
    told = r"step-0000003.*cannot be written.*no space left"
    with pytest.raises(WriteError, match=told), small_files(4096):
        timeline.write(wide, large)
    assert (timeline.steps(), timeline.discriminators()) == ((), ())
    timeline.write(wide, large)
    assert (timeline.steps(), timeline.discriminators()) == ((3,), (3,))


def test_a_name_changes_nothing_but_the_name():
    named = snapshot(3).named("other")
    assert (named.ref.name, named.config.spec.name) == ("other", "other")
    assert named.ref.id == snapshot(3).ref.id


def test_damaged_and_missing_steps_are_told(tmp_path):
    timeline = RunTimeline(tmp_path)
    with pytest.raises(TimelineError, match="no weights of step 1"):
        timeline.snapshot(1)
    timeline.begin(CONFIG, 0)
    timeline.write(snapshot(1))
    path = timeline.path / "step-0000001.safetensors"
    whole = path.read_bytes()
    for bad in (b"", whole[:20], whole[:-1], b"\xff" * 64):
        path.write_bytes(bad)
        with pytest.raises(TimelineError, match=r"step-0000001\.safetensors"):
            timeline.snapshot(1)
    path.write_bytes(whole)
    huge = msgspec.structs.replace(SPEC, latent=LatentSpec(1 << 30))
    for bad in (b"{", b"[]", msgspec.json.encode(Config(huge, {})), b"x" * (5 << 20)):
        (timeline.path / "config.json").write_bytes(bad)
        with pytest.raises(TimelineError):
            timeline.snapshot(1)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names here")
def test_a_pipe_is_not_waited_for(tmp_path):
    timeline = RunTimeline(tmp_path)
    timeline.begin(CONFIG, 0)
    timeline.write(snapshot(1))
    (timeline.path / "config.json").unlink()
    for path in (timeline.path / "config.json", tmp_path / "metrics.csv"):
        os.mkfifo(path)
    with pytest.raises(TimelineError, match="no regular file"):
        timeline.snapshot(1)
    assert RunWatcher(tmp_path).poll().rows == ()


def test_a_watcher_tells_what_is_new(tmp_path):
    watcher, timeline = RunWatcher(tmp_path), RunTimeline(tmp_path)
    assert watcher.poll() is None
    metrics = MetricsFile(tmp_path / "metrics.csv", 0)
    metrics.write(1, 0.1, {"loss": 2.0})
    timeline.begin(CONFIG, 0)
    timeline.write(snapshot(1))
    new = watcher.poll()
    assert new.rows == ({"step": 1.0, "seconds": 0.1, "loss": 2.0},)
    assert (new.steps, new.restarted) == ((1,), False)
    assert watcher.poll() is None
    metrics.write(2, 0.2, {"loss": 1.5})
    with (tmp_path / "metrics.csv").open("ab") as file:
        file.write(b"3,0.3")  # half a line: it is being written
    assert [row["loss"] for row in watcher.poll().rows] == [1.5]
    assert watcher.poll() is None
    with (tmp_path / "metrics.csv").open("ab") as file:
        file.write(b",1.25\r\n")
    assert [row["loss"] for row in watcher.poll().rows] == [1.25]
    metrics.write(4, 0.4, {"loss": 1.0, "validation": 9.0})  # a new column: written anew
    new = watcher.poll()
    assert new.restarted
    assert [row["loss"] for row in new.rows] == [2.0, 1.5, 1.25, 1.0]
    assert "validation" not in new.rows[0]
    assert new.rows[-1]["validation"] == 9.0


def test_a_watcher_tells_nothing_of_a_folder_that_is_gone_for_a_while(tmp_path):
    run = tmp_path / "run"
    watcher, timeline = RunWatcher(run), RunTimeline(run)
    timeline.begin(CONFIG, 0)
    timeline.write(snapshot(1))
    MetricsFile(run / "metrics.csv", 0).write(1, 0.1, {"loss": 2.0})
    assert watcher.poll().steps == (1,)
    run.rename(tmp_path / "away")
    assert watcher.poll() is None
    (tmp_path / "away").rename(run)
    assert watcher.poll() is None
    timeline.write(snapshot(2))
    assert watcher.poll().steps == (1, 2)


def test_a_watcher_notices_a_run_that_went_back(tmp_path):
    watcher = RunWatcher(tmp_path)
    metrics = MetricsFile(tmp_path / "metrics.csv", 0)
    for step in range(1, 9):
        metrics.write(step, 0.0, {"loss": 1.0})
    assert len(watcher.poll().rows) == 8
    metrics = MetricsFile(tmp_path / "metrics.csv", 4)
    for step in range(5, 13):
        metrics.write(step, 0.0, {"loss": 2.0})
    new = watcher.poll()
    assert new.restarted
    assert [row["step"] for row in new.rows] == list(range(1, 13))
    assert [row["loss"] for row in new.rows] == [1.0] * 4 + [2.0] * 8


def test_a_watcher_bears_with_what_is_no_metrics_file(tmp_path):
    bars(tmp_path / "metrics.csv.npz")
    (tmp_path / "metrics.csv").write_bytes((tmp_path / "metrics.csv.npz").read_bytes())
    RunWatcher(tmp_path).poll()
    (tmp_path / "metrics.csv").write_bytes(b"step,loss\n1,nan\n2,x\ny,3\n")
    rows = RunWatcher(tmp_path).poll().rows
    assert [row["step"] for row in rows] == [1.0, 2.0]
    assert "loss" not in rows[1]
    (tmp_path / "metrics.csv").write_bytes(b"step,loss\nnan,1\ninf,1\n-1,1\n1e300,1\n7,2\n")
    assert [row["step"] for row in RunWatcher(tmp_path).poll().rows] == [7.0]
    (tmp_path / "metrics.csv").write_bytes(b'step,loss\n1,1\n2,"' + b"9" * 200_000 + b'"\n')
    assert [row["step"] for row in RunWatcher(tmp_path).poll().rows] == [1.0]
