"""Whether a large model or data set of the Hub is to be downloaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox

from genviewer.io.downloading import size_in_words
from genviewer.ui.question_box import question_box

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtWidgets import QWidget

    from genviewer.io.hub import LargeDownloadError


def ask_download(
    parent: QWidget,
    refused: LargeDownloadError,
    agreed: Callable[[], object],
    declined: Callable[[], object] | None = None,
) -> None:
    """Ask about a download that was refused for its size (GUI thread)."""
    what = "model" if refused.name.kind == "model" else "data set"
    box = question_box(
        parent,
        "A large download",
        f"The {what} {refused.name.repo} is {size_in_words(refused.size)} to download.",
        "It goes into the Hub's cache on this machine. It can be cancelled while it goes on; files "
        "that are whole by then need not be fetched again.",
    )
    download = box.addButton("Download", QMessageBox.ButtonRole.AcceptRole)
    box.setDefaultButton(QMessageBox.StandardButton.Cancel)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)

    def answered() -> None:
        if box.clickedButton() is download:
            agreed()
        elif declined is not None:
            declined()

    box.finished.connect(answered)
    box.open()
