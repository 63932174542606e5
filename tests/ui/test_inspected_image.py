"""Where the image that a model is asked about comes from, without a window."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QObject, Qt, QUrl
from PySide6.QtTest import QTest

from genviewer.core.frame import Frame
from genviewer.core.spec import ImageSpec
from genviewer.io.dataset_decode import PICTURE_SUFFIXES
from genviewer.io.dataset_fit import fit_image
from genviewer.ui import inspected_image as module
from genviewer.ui.inspected_image import InspectedImage, reduced
from genviewer.ui.widgets.image_import import has_image
from genviewer.ui.widgets.inspect_panel import InspectPanel

LEFT = Qt.MouseButton.LeftButton


def sample(value: int) -> np.ndarray:
    return np.full((8, 8, 1), value, np.uint8)


@pytest.fixture
def image(qtbot):
    panel = InspectPanel()
    qtbot.addWidget(panel)
    panel.resize(900, 400)
    panel.show()
    owner = QObject()
    made = InspectedImage(panel, None, None, None, lambda: sample(50), owner)
    made.set_size(ImageSpec(1, 8, 8))
    yield made
    owner.deleteLater()


def test_undo_leads_back_to_what_was_drawn_before_the_sample_was_followed(image):
    panel = image._panel
    pad = panel.drawing.pad
    QTest.mousePress(pad, LEFT, pos=pad.to_widget(60, 60))
    QTest.mouseMove(pad, pad.to_widget(200, 200))
    QTest.mouseRelease(pad, LEFT, pos=pad.to_widget(200, 200))
    drawn = pad.pixels()
    assert drawn.any()
    QTest.mouseClick(panel.image.sample, LEFT)
    assert image.following
    for value in (90, 130, 170):
        image.take_rendered(SimpleNamespace(focus=Frame(sample(value), None, None, 0.0)))
    assert (image.seen == 170).all()
    pad.undo()
    assert (pad.pixels() == drawn).all()
    assert not image.following
    pad.redo()
    assert (pad.pixels() == 170).all()  # one step, however many samples there were


class Lane:
    """Runs what it is given when it is told to."""

    def submit(self, work, _name, *, done, **_):
        self.run = lambda: done(work(None))


def test_a_large_image_is_made_smaller_beside_the_window(image, monkeypatch):
    monkeypatch.setattr(module, "LARGE", 40 * 30)
    lane = image._looks = Lane()
    ramp = np.linspace(0, 255, 160).astype(np.uint8)
    large = np.broadcast_to(ramp[None, :, None], (120, 160, 1)).copy()
    image.show(large, "photo")
    assert image.seen is None  # nothing was done with it yet
    lane.run()
    assert image._pixels.shape == (30, 40, 1)
    away = image.seen.astype(int) - fit_image(large, 8, 8, 1)
    assert np.abs(away).max() <= 2
    assert image._panel.image.source.text() == "photo"
    assert reduced(np.zeros((1, 9000, 3), np.uint8)).shape[0] == 1
    small = large[:30, :40]
    assert reduced(small) is small


@pytest.mark.parametrize("way", ["show", "draw", "follow"])
def test_an_image_that_is_still_being_read_takes_no_newer_ones_place(image, monkeypatch, way):
    monkeypatch.setattr(module, "LARGE", 40 * 30)
    lane = image._looks = Lane()
    image.show(np.full((120, 160, 1), 200, np.uint8), "photo")
    if way == "show":
        image.show(sample(30), "small")
    elif way == "draw":
        image._panel.drawn.emit()
    else:
        QTest.mouseClick(image._panel.image.sample, LEFT)
    before, source = image.seen, image._panel.image.source.text()
    assert source in ("small", "drawing", "current sample")
    lane.run()
    assert image.seen is before
    assert image._panel.image.source.text() == source
    assert image.following == (way == "follow")


def test_every_kind_of_image_that_is_read_is_offered_and_taken_from_a_drag():
    for suffix in PICTURE_SUFFIXES:
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(f"/somewhere/a{suffix.upper()}")])
        assert has_image(data)
        assert f"*{suffix}" in module.IMAGES.partition("(")[2].rstrip(")").split()
