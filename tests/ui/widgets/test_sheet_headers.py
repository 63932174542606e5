import pytest
from PySide6.QtGui import QFont, QFontMetrics

from genviewer.ui.widgets.sheet_headers import shortened


@pytest.fixture
def metrics(qapp) -> QFontMetrics:
    return QFontMetrics(QFont())


def test_headers_of_one_name_are_told_apart_by_their_numbers(metrics) -> None:
    room = metrics.horizontalAdvance("brightn \N{MINUS SIGN}3")
    labels = [f"brightness of the sky {n}" for n in ("\N{MINUS SIGN}3", "0", "+1.5", "3")]
    shown = [shortened(label, metrics, room) for label in labels]
    assert [text.rpartition(" ")[2] for text in shown] == ["\N{MINUS SIGN}3", "0", "+1.5", "3"]
    assert all(text.startswith("b") and "…" in text for text in shown)
    assert max(metrics.horizontalAdvance(text) for text in shown) <= room
    assert shortened("brightness 3", metrics, metrics.horizontalAdvance(" 3")) == "3"


def test_other_headers_are_cut_at_their_end(metrics) -> None:
    room = metrics.horizontalAdvance("German short-")
    assert shortened("seed 1", metrics, room) == "seed 1"
    long = shortened("German short-haired pointer", metrics, room)
    assert long.startswith("German")
    assert long.endswith("…")
