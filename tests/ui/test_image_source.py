"""Choosing an image of a data set."""

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from genviewer.engine.jobs import JobLane
from genviewer.io.dataset_fit import Fit, fit_image
from genviewer.ui.background import Background
from genviewer.ui.bridge import Bridge
from genviewer.ui.data_sources import SOURCES, DataSources, name_of
from genviewer.ui.image_source import FOLDER, SHOWN, ImageSource
from tests.ui.conftest import PATIENCE_MS


@pytest.fixture
def recent():
    """The data sets that are remembered, newest first."""
    return ["/one/faces", "mnist", "/two/faces", "/three/birds.zip"]


@pytest.fixture
def source(qtbot, recent):
    lane, bridge = JobLane("test"), Bridge()
    lane.start()
    sources = DataSources(lambda: recent, lambda source: recent.insert(0, source))
    mixed = (12, 10, 1), Fit("stretch")
    made = ImageSource(Background(lane, bridge), sources, lambda: mixed)
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


def test_photos_of_different_sizes_are_brought_to_the_models(source, qtbot, tmp_path):
    sizes = [(30, 20), (16, 16), (20, 30)]
    photos = [
        np.random.default_rng(k).integers(0, 256, size, np.uint8) for k, size in enumerate(sizes)
    ]
    (tmp_path / "photos").mkdir()
    for number, photo in enumerate(photos):
        Image.fromarray(photo).save(tmp_path / "photos" / f"{number}.png")
    source.read(str(tmp_path / "photos"))
    qtbot.waitUntil(lambda: source.list.count() == 3, timeout=PATIENCE_MS)
    for photo, shown in zip(photos, source._data.images, strict=True):
        assert (shown == fit_image(photo[..., None], 12, 10, 1, Fit("stretch"))).all()


def test_what_cannot_be_read_is_said_and_not_remembered(source, recent, qtbot, tmp_path):
    (tmp_path / "bad.npz").write_bytes(b"no archive")
    source.read(str(tmp_path / "bad.npz"))
    qtbot.waitUntil(lambda: "bad.npz" in source.told.text(), timeout=PATIENCE_MS)
    assert source.list.count() == 0
    assert not any("bad.npz" in place for place in recent)


def test_a_data_set_is_called_as_it_is_in_the_list():
    assert name_of("builtin:shapes") == "Procedural shapes"
    assert name_of("/data/greys.npz") == "greys.npz"


def listed(box):
    return [(box.itemData(index), box.itemText(index)) for index in range(box.count())]


def test_data_sets_of_late_are_offered_and_what_is_read_becomes_one(
    source, recent, qtbot, tmp_path, monkeypatch
):
    own = [
        ("/one/faces", "faces in one"),
        ("/two/faces", "faces in two"),
        ("/three/birds.zip", "birds.zip"),
    ]
    assert listed(source.source)[: len(SOURCES) + 3] == [*SOURCES, *own]
    assert source.source.currentIndex() == -1
    path = str(tmp_path / "greys.npz")
    np.savez(path, images=np.zeros((5, 6, 6), np.uint8))
    monkeypatch.setattr("genviewer.ui.image_source.ask_place", lambda *_: path)
    source.source.setCurrentIndex(source.source.findData(FOLDER))
    source.source.activated.emit(source.source.currentIndex())
    qtbot.waitUntil(lambda: source.list.count() == 5, timeout=PATIENCE_MS)
    assert recent[0] == path
    assert source.source.currentText() == "greys.npz"
    assert listed(source.source)[len(SOURCES)] == (path, "greys.npz")
    source.source.setCurrentIndex(source.source.findData("/two/faces"))
    wanted = []
    monkeypatch.setattr(source, "read", wanted.append)
    source.source.activated.emit(source.source.currentIndex())
    assert wanted == ["/two/faces"]
