import io
import sys

from genviewer.cli.progress import progress_bar, training_line
from genviewer.engine.training import Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_bar_is_drawn_on_a_terminal_only(monkeypatch):
    for stream, drawn in [(io.StringIO(), False), (Terminal(), True)]:
        monkeypatch.setattr(sys, "stderr", stream)
        with progress_bar(3, "drawing toy") as advance:
            advance(2)
        assert ("drawing toy" in stream.getvalue()) == drawn


def test_a_training_line_tells_step_losses_and_time_left(capsys):
    training_line(Progress(50, 200, {"loss": 1.23456, "kl": 20.0}, 10.0, 125.4))
    captured = capsys.readouterr()
    assert captured.err == "step 50/200  loss 1.235  kl 20  2:05 left\n"
    assert captured.out == ""
