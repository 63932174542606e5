"""Whose work it is that something is new in a run's folder."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from PySide6.QtCore import QObject, Signal

from genviewer.engine.train_run import MetricsFile
from genviewer.engine.training_news import News
from genviewer.ui.training_watch import TrainingWatch
from genviewer.ui.widgets.training_panel import Standing


class FakeTraining(QObject):
    """A run that stands at step 1 of 100."""

    news = Signal(object)
    run_changed = Signal(object)

    def __init__(self, folder):
        super().__init__()
        self.folder, self.going, self.watched = folder, False, []
        self.live = SimpleNamespace(newest=None)
        self.standing = Standing("stopped", 1, 100)

    def show_watched(self, news):
        self.watched.append(news)


class AtOnce:
    """A lane that does everything when it is told to."""

    def submit(self, work, _name, *, done, **_):
        done(work(SimpleNamespace(check=lambda: None)))


@pytest.fixture
def metrics(tmp_path):
    metrics = MetricsFile(tmp_path / "metrics.csv", 0)
    metrics.write(1, 0.1, {"nll": 2.0})
    return metrics


def test_what_was_trained_here_between_two_looks_is_not_the_work_of_others(qapp, tmp_path, metrics):
    training = FakeTraining(tmp_path)
    look = TrainingWatch(training, AtOnce(), training)._timer.timeout.emit
    look()
    metrics.write(2, 0.2, {"nll": 1.5})
    look()
    assert [news.step for news in training.watched] == [2]

    training.going = True  # resumed, and stopped before the next look
    metrics.write(3, 0.3, {"nll": 1.0})
    training.news.emit(News("stopped", 3, 100))
    training.going = False
    look()
    assert len(training.watched) == 1
    metrics.write(4, 0.4, {"nll": 0.5})
    look()
    assert [news.step for news in training.watched] == [2, 4]
