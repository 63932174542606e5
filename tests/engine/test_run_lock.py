"""One program at a time trains a run; others may look on."""

import errno
import subprocess
import sys
import threading

import pytest

from genviewer.core.resources import PACKAGE
from genviewer.engine import run_lock, train_bundle
from genviewer.engine.run_lock import RunLock
from genviewer.engine.run_watcher import RunWatcher
from genviewer.engine.train_config import TrainingError
from genviewer.engine.training_events import Saved, Stepped
from genviewer.engine.training_run import TrainingRun
from genviewer.io.dataset_values import DataError
from tests.tiny_runs import config_of

HOLD = """
import sys
from pathlib import Path
from genviewer.engine.run_lock import RunLock
lock = RunLock(Path(sys.argv[1]))
lock.take()
print("taken", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder of a run that stands at step 2 of 4."""
    monkeypatch.setattr(train_bundle, "MAX_ACCELERATOR_PARAMETERS", 0)
    monkeypatch.setattr(run_lock, "WAIT_S", 0.1)
    events = TrainingRun.start(config_of(tmp_path, steps=4, every=2), tmp_path / "run").events()
    while next(events) != Saved(2):
        pass
    events.close()
    return tmp_path / "run"


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.suffix}


def test_what_another_process_trains_is_left_alone_until_that_is_killed(folder):
    run = TrainingRun.resume(folder)
    before = contents(folder)
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)],
        cwd=PACKAGE.parent,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert other.stdout.readline() == b"taken\n"
        with pytest.raises(TrainingError, match=r"run is being trained by another program\.$"):
            TrainingRun.resume(folder)
        with pytest.raises(TrainingError, match="is being trained by another program"):
            next(run.events())  # one that was opened before the other began
        assert contents(folder) == before
        assert RunWatcher(folder).poll().rows[-1]["step"] == 2  # others look on
    finally:
        other.kill()
        other.communicate()
    assert list(TrainingRun.resume(folder).events())[-1].finished


def test_it_is_held_while_the_run_is_driven_and_no_longer(folder):
    run = TrainingRun.resume(folder)
    events = run.events()
    next(events)
    with pytest.raises(TrainingError, match="another program"):
        TrainingRun.resume(folder)
    events.close()
    assert [e.step for e in TrainingRun.resume(folder).events() if isinstance(e, Stepped)] == [3, 4]


def test_it_is_kept_after_an_error_until_the_run_is_dropped(folder, monkeypatch):
    """Who drives it may put the cause right and go on, or save."""
    run = TrainingRun.resume(folder)
    with monkeypatch.context() as patch:
        patch.setattr(run, "_train", lambda: (_ for _ in ()).throw(DataError("gone")))
        with pytest.raises(DataError):
            list(run.events())
    other = RunLock(folder)
    with pytest.raises(TrainingError):
        other.take()
    events = run.events()
    next(events)
    events.close()
    other.take()
    other.release()


def test_a_run_that_is_about_to_be_left_is_waited_for(folder, monkeypatch):
    monkeypatch.setattr(run_lock, "WAIT_S", 30.0)
    events = TrainingRun.resume(folder).events()
    next(events)
    threading.Timer(0.2, events.close).start()
    assert TrainingRun.resume(folder).step == 2


def test_where_nothing_can_be_locked_the_run_goes_on_without(folder, monkeypatch):
    def fail(*_args, **_kwargs):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(run_lock.FileLock, "acquire", fail)
    assert list(TrainingRun.resume(folder).events())[-1].finished
