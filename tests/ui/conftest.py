"""A real window on the bundled model, with files of its own."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QEventLoop, QTimer
from pytestqt.qtbot import QtBot

from genviewer.core.resources import models_dir
from genviewer.session.paths import UserFiles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from genviewer.ui.main_window import MainWindow

PATIENCE_MS = 30_000
for _wait in ("waitUntil", "waitSignal", "waitSignals", "waitExposed", "waitActive"):
    # The five seconds that they wait otherwise are short on a busy machine.
    getattr(QtBot, _wait).__kwdefaults__["timeout"] = PATIENCE_MS


@pytest.fixture
def user_files(tmp_path: Path) -> UserFiles:
    return UserFiles.inside(tmp_path / "state")


@pytest.fixture
def open_explorer(
    qtbot, user_files: UserFiles, tmp_path: Path
) -> Iterator[Callable[..., MainWindow]]:
    """Opens a window like the program does, and waits until its picture is there."""
    # Imported here, so that a mistake in the window does not stop the tests of its widgets.
    from genviewer.session.preferences import Preferences
    from genviewer.ui import theme
    from genviewer.ui.app import find_start, open_window

    windows: list[MainWindow] = []

    def open_one(target: str | Path | None = None, *, settle: bool = True) -> MainWindow:
        preferences = Preferences.load(tmp_path / "preferences.json")
        start = find_start(user_files.session, bool(preferences.values["restore_session"]))
        window = open_window(preferences, start, user_files, target)
        window.resize(1280, 800)
        window.show()
        windows.append(window)
        if settle:
            settled(qtbot, window)
        return window

    theme.apply(qtbot_app(), "dark")
    yield open_one
    for window in windows:
        window.close()
        window.deleteLater()


def qtbot_app():
    from PySide6.QtWidgets import QApplication

    return QApplication.instance()


def live(milliseconds: int) -> None:
    """Let events and other threads run for a while; QTest.qWait would hold the threads up."""
    loop = QEventLoop()
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()


def settled(qtbot, window: MainWindow) -> None:
    """Wait until the canvas shows the newest Scene, whole."""
    while True:
        qtbot.waitUntil(window.is_settled, timeout=PATIENCE_MS)
        qtbot.wait(20)  # for the last paint; what was measured meanwhile may ask for another
        if window.is_settled():
            return


@pytest.fixture
def window(open_explorer) -> MainWindow:
    return open_explorer()


@pytest.fixture
def other_model(tmp_path: Path) -> Path:
    """A model that differs from the bundled one in its weights and name."""
    from safetensors.numpy import load_file, save_file

    folder = tmp_path / "other-digits"
    shutil.copytree(models_dir() / "digits-cvae", folder)
    tensors = load_file(folder / "model.safetensors")
    name = next(k for k in sorted(tensors) if k.startswith("decoder") and k.endswith("weight"))
    tensors[name] = tensors[name] * 1.5
    save_file(tensors, folder / "model.safetensors")
    config = (folder / "config.json").read_text()
    (folder / "config.json").write_text(config.replace('"digits-cvae"', '"other-digits"', 1))
    (folder / "decoder.onnx").unlink()
    return folder
