"""What the tests of exporting have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtTest import QTest

from tests.ui.conftest import PATIENCE_MS

if TYPE_CHECKING:
    from pathlib import Path

    from genviewer.ui.main_window import MainWindow

LEFT = Qt.MouseButton.LeftButton


def notices(window: MainWindow) -> list[str]:
    """The sentences that are shown."""
    return [notice.text for notice in window.notices.notices]


def drop(window: MainWindow, path: Path) -> None:
    """Drop a file on the window."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    event = QDropEvent(
        QPointF(10, 10),
        Qt.DropAction.CopyAction,
        data,
        LEFT,
        Qt.KeyboardModifier.NoModifier,
    )
    window.dropEvent(event)


def click_save(qtbot, window: MainWindow, name: str, text: str = "Saved") -> None:
    """Press the first button of the dialog that is open, and wait until it is said to be done."""
    commands = window.exports if window.exports.dialog is not None else window.data_sets
    QTest.mouseClick(commands.dialog.save, LEFT)
    qtbot.waitUntil(
        lambda: any(text in said and name in said for said in notices(window)),
        timeout=PATIENCE_MS,
    )
    qtbot.waitUntil(lambda: commands.dialog is None)
