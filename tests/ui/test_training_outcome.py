"""What is put aside: who deletes it, and that it can be taken back whatever is shown by then."""

from __future__ import annotations

import os
import time
from types import SimpleNamespace

import pytest

from genviewer.engine.train_run import RunFolder
from genviewer.ui import training_record
from genviewer.ui.training_outcome import Outcome
from tests.tiny_runs import VAE, config_of


class Window:
    """A window that shows a run already, and does at once what is to be done in order."""

    def __init__(self):
        self.told, self.offered, self.shown = [], [], []

    def tell(self, text, severity="info"):
        self.told.append(text)

    def offer(self, text, label, do):
        self.offered.append(do)

    def in_order(self, work, name, done, failed):
        done(work(None))

    def write_cited(self, folder):
        pass

    def move_kept(self, moved):
        pass

    def become(self, base):
        pass

    def no_run(self):
        pass

    def may_open(self):
        self.tell("Another training is open.")
        return False


@pytest.fixture
def outcome(tmp_path):
    def make():
        window, files = Window(), SimpleNamespace(runs=tmp_path / "runs", models=tmp_path)
        return window, Outcome(None, window, files, window, window)

    return make


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "runs" / "a-run"
    RunFolder(folder).create(config_of(tmp_path, text=VAE))
    return folder


def test_a_run_is_taken_back_also_while_another_is_shown(outcome, run):
    window, mine = outcome()
    mine.discard(run, object(), "a-run")
    assert not run.exists()
    window.offered[0]()
    assert window.told == ["Another training is open.", f"The run is back in {run}."]
    mine.close()
    assert (run / "train.toml").is_file()


def test_a_window_that_closes_deletes_nothing_that_another_may_take_back(outcome, run, monkeypatch):
    window, mine = outcome()
    mine.discard(run, object(), "a-run")
    _, other = outcome()
    other.close()
    window.offered[0]()
    assert (run / "train.toml").is_file()
    mine.discard(run, object(), "a-run")
    mine.close()
    assert not list(run.parent.iterdir())

    # What a program left behind that was ended is deleted some day.
    trash = run.parent / training_record.TRASH
    (run.parent / "left").mkdir()
    os.utime(run.parent / "left", (0, 0))  # it learned long ago
    training_record.put_aside(run.parent / "left")
    other.close()
    assert trash.exists()
    now = time.time() + training_record.LEFT_S + 60
    monkeypatch.setattr(training_record, "time", SimpleNamespace(time=lambda: now))
    other.close()
    assert not trash.exists()
