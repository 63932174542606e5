"""Number fields and choices that the wheel passes over while their page is scrolled."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import QAbstractSpinBox, QComboBox, QScrollArea


class PassingWheel(QObject):
    """Of a page that scrolls: fields under the pointer keep their values unless a person is in
    them, and the wheel goes on to the page. Qt would turn them, and so what a person chose.

    Args:
        area: the page. The fields that it has now are meant, and not those of later.
    """

    def __init__(self, area: QScrollArea) -> None:
        super().__init__(area)
        inside = area.widget() or area
        for field in (*inside.findChildren(QAbstractSpinBox), *inside.findChildren(QComboBox)):
            field.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # the wheel would give it focus
            field.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        field = watched if isinstance(watched, QAbstractSpinBox | QComboBox) else None
        if event.type() == QEvent.Type.Wheel and field is not None and not field.hasFocus():
            event.ignore()
            return True
        return False
