"""Choosing an image of a data set."""

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from genviewer.engine.jobs import JobLane
from genviewer.ui.background import Background
from genviewer.ui.bridge import Bridge
from genviewer.ui.image_source import SHOWN, ImageSource, name_of
from tests.ui.conftest import PATIENCE_MS


@pytest.fixture
def source(qtbot):
    lane, bridge = JobLane("test"), Bridge()
    lane.start()
    made = ImageSource(Background(lane, bridge))
    qtbot.addWidget(made)
    made.show()
    yield made
    bridge.close()
    lane.stop()


def test_the_image_that_is_clicked_is_the_one_that_comes(source, qtbot, tmp_path):
    images = np.arange(100, dtype=np.uint8)[:, None, None].repeat(6, 1).repeat(6, 2)
    np.savez(tmp_path / "greys.npz", images=images, labels=np.arange(100) % 7)
    source.read(str(tmp_path / "greys.npz"))
    qtbot.waitUntil(lambda: source.list.count() == SHOWN, timeout=PATIENCE_MS)
    assert "60 of 100" in source.told.text()
    item = source.list.item(3)
    with qtbot.waitSignal(source.chosen) as heard:
        place = source.list.visualItemRect(item).center()
        QTest.mouseClick(source.list.viewport(), Qt.MouseButton.LeftButton, pos=place)
    pixels, name = heard.args
    value = int(pixels[0, 0, 0])
    assert pixels.shape == (6, 6, 1)
    assert name == f"greys.npz #{value}: {value % 7}"
    before = source._rows.copy()
    QTest.mouseClick(source.others, Qt.MouseButton.LeftButton)
    assert not np.array_equal(source._rows, before)


def test_what_cannot_be_read_is_said(source, qtbot, tmp_path):
    (tmp_path / "bad.npz").write_bytes(b"no archive")
    source.read(str(tmp_path / "bad.npz"))
    qtbot.waitUntil(lambda: "bad.npz" in source.told.text(), timeout=PATIENCE_MS)
    assert source.list.count() == 0


def test_a_data_set_is_called_as_it_is_in_the_list():
    assert name_of("builtin:shapes") == "Procedural shapes"
    assert name_of("/data/greys.npz") == "greys.npz"
