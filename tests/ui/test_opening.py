"""Files from elsewhere in the real window: dropped, asked about, answered, opened again."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QInputDialog, QMessageBox
from torch import nn

from genviewer.engine.convert import convert
from genviewer.ui.assumptions_dialog import AssumptionsDialog
from tests.ui.conftest import PATIENCE_MS, live, settled
from tests.ui.test_main_window import drop

if TYPE_CHECKING:
    from pathlib import Path

    from genviewer.ui.main_window import MainWindow

LEFT = Qt.MouseButton.LeftButton


def generator() -> nn.Sequential:
    """A small GAN of dense layers, as somebody else would write it."""
    torch.manual_seed(3)
    return nn.Sequential(
        nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 784), nn.Tanh()
    )


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "somebody's <b>GAN.pth"
    torch.save({"epoch": 7, "generator": generator().state_dict()}, path)
    return path


def opened(qtbot, window: MainWindow, before: str) -> None:
    def ready() -> bool:
        return window.session.scene.model.id != before

    qtbot.waitUntil(ready, timeout=3 * PATIENCE_MS)
    settled(qtbot, window)


def test_a_dropped_checkpoint_is_explored_and_its_question_answered(
    window, weights, qtbot, open_explorer
):
    before = window.session.scene.model.id
    drop(window, weights)
    opened(qtbot, window, before)
    spec = window.session.spec
    assert (spec.latent.dim, spec.image.height, spec.image.channels) == (16, 28, 1)
    dialog = window.files.questions.dialog
    assert isinstance(dialog, AssumptionsDialog)
    field = next(iter(dialog.settings()))
    qtbot.waitUntil(
        lambda: all(not c._picture.isNull() for c in dialog._choices[field].cards),
        timeout=6 * PATIENCE_MS,
    )
    guess = window.session.scene.model.id
    dialog.choose(field, 1)
    chosen = dialog.settings()
    dialog.accept()
    opened(qtbot, window, guess)
    loaded = window.explorer.store.loaded(window.session.scene.model.id)
    assert dict(loaded.bundle.settings)[field] == chosen[field]
    scene = window.session.scene
    window.close()
    again = open_explorer()
    assert again.session.scene == scene  # the answer was remembered by the weights' hash
    assert again.files.questions.dialog is None


def test_a_file_that_is_no_model_leaves_everything_as_it_was(window, tmp_path, qtbot):
    path = tmp_path / "notes.pt"
    path.write_text("not a model")
    scene = window.session.scene
    drop(window, path)
    qtbot.waitUntil(lambda: bool(window.notices.notices), timeout=PATIENCE_MS)
    assert "notes.pt" in window.notices.notices[-1].text
    assert window.session.scene == scene


def test_a_program_is_run_only_after_it_was_trusted(window, tmp_path, qtbot, monkeypatch):
    path = tmp_path / "scripted.pt"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.script(generator()).save(str(path))
    scene = window.session.scene
    drop(window, path)

    def box() -> QMessageBox | None:
        found = window.findChildren(QMessageBox)
        return found[-1] if found else None

    qtbot.waitUntil(lambda: box() is not None and box().isVisible(), timeout=PATIENCE_MS)
    asked = box()
    assert asked.textFormat() == Qt.TextFormat.PlainText
    assert "run" in asked.text()
    asked.button(QMessageBox.StandardButton.Cancel).click()
    live(100)
    assert window.session.scene == scene
    trusted = window.explorer.store.trusted
    assert not trusted._read()


def test_a_model_is_saved_as_a_bundle_that_draws_the_same(window, weights, tmp_path, qtbot):
    before = window.session.scene.model.id
    window.files.open_path(weights)
    opened(qtbot, window, before)
    if window.files.questions.dialog is not None:
        window.files.questions.dialog.reject()
    shown = window.canvas.focus_pixels().copy()
    recipe = window.session.scene.recipe
    loaded = window.explorer.store.loaded(window.session.scene.model.id)
    out = tmp_path / "saved"
    window.files.save_bundle(out, loaded)
    qtbot.waitUntil(lambda: (out / "README.md").is_file(), timeout=PATIENCE_MS)
    qtbot.waitUntil(
        lambda: any("Saved" in n.text for n in window.notices.notices), timeout=PATIENCE_MS
    )
    from genviewer.engine.cells import decode_recipe
    from genviewer.engine.generator import load_generator
    from genviewer.io.bundle import open_bundle

    again = decode_recipe(load_generator(open_bundle(out), "cpu", "torch"), recipe)
    assert np.abs(again.astype(int) - shown.astype(int)).max() <= 1
    with pytest.raises(ValueError, match="saved"):
        convert(loaded.bundle, out)
    window.files.save_bundle(out / "saved", loaded)
    assert window.notices.notices[-1].text.startswith("saved is a model itself")
    assert not (out / "saved").exists()


def test_a_name_of_the_hub_is_opened_as_such(window, monkeypatch):
    asked = []
    monkeypatch.setattr(QInputDialog, "getText", lambda *a, **k: (" hf://owner/name ", True))
    monkeypatch.setattr(window.files, "open_model", asked.append)
    window.actions_by_id["open_hub"].trigger()
    assert asked == ["hf://owner/name"]


def test_what_was_assumed_of_a_bundle_is_nothing(window):
    QTest.keyClick(
        window,
        Qt.Key.Key_A,
        Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier,
    )
    assert "Nothing had to be assumed" in window.notices.notices[-1].text
