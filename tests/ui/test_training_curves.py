"""The curves of a run: those of its file, and what is measured while that is read."""

from __future__ import annotations

from types import SimpleNamespace

from PySide6.QtCore import QObject, Signal

from genviewer.engine.train_run import MetricsFile
from genviewer.engine.training_news import News
from genviewer.ui.training_curves import TrainingCurves
from genviewer.ui.widgets.curves import Curves


class FakeTraining(QObject):
    run_changed = Signal(object)
    news = Signal(object)

    def __init__(self, folder):
        super().__init__()
        self.folder = folder


class Lane:
    """Does its work when it is told to, and gives what came of it to the window later."""

    def submit(self, work, _name, *, done, failed, **_):
        self.work, self.done = lambda: work(SimpleNamespace(check=lambda: None)), done
        self.failed = failed


def test_what_is_measured_while_the_file_is_read_counts_from_its_first_step_on(qtbot, tmp_path):
    metrics = MetricsFile(tmp_path / "metrics.csv", 0)
    for step in range(1, 9):
        metrics.write(step, 0.1, {"nll": 10.0 - step} | ({"frechet": 3.0} if step > 6 else {}))
    curves, lane, training = Curves(), Lane(), FakeTraining(tmp_path)
    qtbot.addWidget(curves)
    shown = TrainingCurves(training, curves, lane, lambda *_: None, training)
    assert shown.curves is curves
    columns = lane.work()
    assert {key: list(steps) for key, (steps, _) in columns.items()} == {
        "nll": [1, 2, 3, 4, 5, 6, 7, 8],
        "frechet": [7, 8],
    }
    # It went back to step 5 meanwhile.
    training.news.emit(News("running", rows=({"step": 6.0, "nll": 1.5}, {"step": 7.0, "nll": 1.0})))
    lane.done(columns)
    assert [curves.values_at(step) for step in (5, 6, None)] == [
        {"nll": 5.0}, {"nll": 1.5}, {"nll": 1.0},
    ]  # fmt: skip


def test_curves_of_a_file_that_cannot_be_read_go_on_with_what_is_measured(qtbot, tmp_path):
    curves, lane, training, told = Curves(), Lane(), FakeTraining(tmp_path / "mine"), []
    qtbot.addWidget(curves)
    TrainingCurves(training, curves, lane, lambda *said: told.append(said), training)
    training.news.emit(News("running", rows=({"step": 1.0, "nll": 3.0},)))
    lane.failed(PermissionError(13, "Permission denied"))
    ((text, level),) = told
    assert text.startswith("The curves of mine cannot be read: ")
    assert level == "warning"
    training.news.emit(News("running", rows=({"step": 2.0, "nll": 2.0},)))
    assert [curves.values_at(step) for step in (1, 2)] == [{"nll": 3.0}, {"nll": 2.0}]
