"""A question with an icon of ours, to which buttons are added by whoever asks it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox

from genviewer.ui import icons, theme

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

ICON = 40


def question_box(
    parent: QWidget, title: str, text: str, detail: str = "", *, risky: bool = False
) -> QMessageBox:
    """A box that can be cancelled; ``risky`` questions are marked as such. Plain text throughout.

    The caller adds the buttons that agree, opens it, and deletes it.
    """
    box = QMessageBox(
        QMessageBox.Icon.NoIcon, title, text, QMessageBox.StandardButton.Cancel, parent
    )
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setInformativeText(detail)
    c = theme.colors()
    name, color = ("warning", c.warning) if risky else ("info", c.accent)
    box.setIconPixmap(icons.pixmap(name, ICON, color, parent.devicePixelRatioF()))
    return box
