"""Large models and data sets of the Hub in the real window: asked about, shown, cancelled.

The Hub and the process that fetches are in the test; no network is used.
"""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QMessageBox, QPushButton

from genviewer.io import hub_download
from genviewer.io.cancelling import check_cancelled
from genviewer.io.downloading import current_downloads
from tests.io.data_files import encoded, picture
from tests.tiny_models import write_tiny_vae
from tests.ui.conftest import PATIENCE_MS, settled

if TYPE_CHECKING:
    from pathlib import Path

PATIENT_MS = 2 * PATIENCE_MS
DATA, MODEL = "hf-data://owner/pets", "hf://owner/tiny"


class Hub:
    """Has a data set and a model of 1.2 GB; what is fetched of it stops half-way until let go."""

    def __init__(self, folder: Path) -> None:
        write_tiny_vae(folder / "tiny")
        self._of_kind = {
            "dataset": {f"cat/{i}.png": encoded(picture(i, 8, 8)) for i in range(4)},
            "model": {path.name: path.read_bytes() for path in (folder / "tiny").iterdir()},
        }
        self.go_on = threading.Event()
        self.fetched: list[str] = []
        self.ends: list[str] = []

    def _info(self, kind: str) -> SimpleNamespace:
        names = list(self._of_kind[kind])
        sizes = [1_200_000_000] + [0] * (len(names) - 1)
        files = [SimpleNamespace(rfilename=n, size=s) for n, s in zip(names, sizes, strict=True)]
        return SimpleNamespace(siblings=files, sha="c0ffee")

    def dataset_info(self, *_: object, **__: object) -> SimpleNamespace:
        return self._info("dataset")

    def model_info(self, *_: object, **__: object) -> SimpleNamespace:
        return self._info("model")

    def fetch(self, wanted: hub_download.Wanted) -> None:
        self.fetched.append(wanted.repo)
        report = current_downloads().report
        assert report is not None
        try:
            while not self.go_on.wait(0.02):
                check_cancelled()
                report(0.5, "Downloading: 600 MB of 1.2 GB")
        except BaseException as error:
            self.ends.append(type(error).__name__)
            raise
        for name in wanted.files:
            path = wanted.place / "snapshots" / wanted.revision / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self._of_kind[wanted.kind][name])


@pytest.fixture
def hub(tmp_path, monkeypatch):
    import huggingface_hub
    from huggingface_hub import constants

    hub = Hub(tmp_path)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(huggingface_hub, "HfApi", lambda: hub)
    monkeypatch.setattr(hub_download, "fetch_files", hub.fetch)
    yield hub
    hub.go_on.set()


def answer(qtbot, window, button: str) -> None:
    """Wait for the question, and answer it with the mouse."""

    def box() -> QMessageBox | None:
        shown = [b for b in window.findChildren(QMessageBox) if b.isVisible()]
        return shown[0] if shown else None

    qtbot.waitUntil(lambda: box() is not None, timeout=PATIENT_MS)
    asked = box()
    assert "is 1.2 GB to download" in asked.text()
    assert asked.defaultButton() is asked.button(QMessageBox.StandardButton.Cancel)
    pressed = next(b for b in asked.buttons() if b.text().replace("&", "") == button)
    qtbot.mouseClick(pressed, Qt.MouseButton.LeftButton)


def test_a_data_set_is_asked_about_shown_and_cancelled(qtbot, window, hub):
    window.trainings.survey(DATA)
    setup = window.later.training_setup
    answer(qtbot, window, "Cancel")
    assert setup.data.survey is None
    assert not hub.fetched

    window.trainings.survey(DATA)
    answer(qtbot, window, "Download")

    def shown() -> bool:
        labels = setup.data.findChildren(QLabel)
        return any(x.text() == "Downloading: 600 MB of 1.2 GB" and x.isVisible() for x in labels)

    qtbot.waitUntil(shown, timeout=PATIENT_MS)
    buttons = setup.data.findChildren(QPushButton)
    cancel = next(b for b in buttons if b.text() == "Cancel" and b.isVisible())
    qtbot.mouseClick(cancel, Qt.MouseButton.LeftButton)
    assert not shown()
    qtbot.waitUntil(lambda: hub.ends == ["Cancelled"], timeout=PATIENT_MS)
    assert setup.data.survey is None

    window.trainings.survey(DATA)  # asked again: nothing of it is there
    answer(qtbot, window, "Download")
    hub.go_on.set()
    qtbot.waitUntil(lambda: setup.data.survey is not None, timeout=PATIENT_MS)
    assert setup.data.survey.class_counts == (("cat", 4),)


def test_a_model_is_asked_about_and_opened(qtbot, open_explorer, hub):
    window = open_explorer(MODEL, settle=False)
    answer(qtbot, window, "Cancel")
    settled(qtbot, window)  # begins as usual
    assert window.session.scene.model.name == "digits-cvae"
    assert not hub.fetched

    window.files.open_model(MODEL)
    answer(qtbot, window, "Download")
    hub.go_on.set()
    qtbot.waitUntil(lambda: window.session.scene.model.name != "digits-cvae", timeout=PATIENT_MS)
    settled(qtbot, window)
    assert window.canvas.focus_pixels().shape == (8, 8, 3)
    assert np.ptp(window.canvas.focus_pixels()) > 0
    assert hub.fetched == ["owner/tiny"]
