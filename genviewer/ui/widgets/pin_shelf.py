"""Samples worth keeping, as thumbnails with names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import (
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtWidgets import (
    QLabel,
    QMenu,
    QStackedLayout,
    QWidget,
)

from genviewer.ui import icons
from genviewer.ui.widgets.pin_grid import ID, TILE, PinGrid, PinModel, PinTiles
from genviewer.ui.widgets.pixels_to_image import argb, image_over

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    Index = QModelIndex | QPersistentModelIndex
    PinRow = tuple[int, str, NDArray[np.uint8]]

EMPTY = "No pins yet.\n\nPress P to keep\nthe sample you see."


class PinShelf(QWidget):
    """The shelf: click goes there, F2 renames, Delete removes, drag (or Alt+arrows) moves.

    Signals:
        chosen(id), renamed(id, name), removed(id), moved(id, index), copy_wanted(id),
        save_wanted(id): what the user wants; the shelf shows it once :meth:`set_pins` says so.
    """

    chosen = Signal(int)
    renamed = Signal(int, str)
    removed = Signal(int)
    moved = Signal(int, int)
    copy_wanted = Signal(int)
    keyframe_wanted = Signal(int)
    save_wanted = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.view = PinGrid(self)
        self.view.setAccessibleName("Pins")
        self._pins = PinModel(self.view)
        self._pins.renamed.connect(self.renamed)
        self.view.setModel(self._pins)
        self.view.setItemDelegate(PinTiles(self.view))
        self.view.chosen.connect(self.chosen)
        self.view.removed.connect(self.removed)
        self.view.moved.connect(self.moved)
        self.view.menu_wanted.connect(self._show_menu)
        self.empty = QLabel(EMPTY)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.empty.setWordWrap(True)
        self.empty.setForegroundRole(self.empty.palette().ColorRole.PlaceholderText)
        self._stack = QStackedLayout(self)
        self.setContentsMargins(8, 4, 8, 4)  # a stacked layout has no margins of its own
        self._stack.addWidget(self.empty)
        self._stack.addWidget(self.view)

    def sizeHint(self) -> QSize:
        return QSize(TILE * 3, 240)

    def set_pins(self, pins: Sequence[PinRow]) -> None:
        """Show other pins: (id, name, uint8 (H, W, C) with 1, 3 or 4 channels)."""
        current = self.view.currentIndex()
        kept = current.data(ID) if current.isValid() else None
        row = current.row() if current.isValid() else -1
        self._pins.set_rows(
            [(n, name, image_over(argb(pixels), alpha=True).copy()) for n, name, pixels in pins]
        )
        numbers = [number for number, _, _ in pins]
        if kept in numbers:
            row = numbers.index(kept)
        if 0 <= row and pins:  # after a removal the next one is at hand
            self.view.setCurrentIndex(self._pins.index(min(row, len(pins) - 1), 0))
        self._stack.setCurrentWidget(self.view if pins else self.empty)

    def rename(self, number: int) -> None:
        """Open the name of a pin for typing."""
        for row in range(self._pins.rowCount()):
            index = self._pins.index(row, 0)
            if index.data(ID) == number:
                self.view.setCurrentIndex(index)
                self.view.edit(index)

    def menu(self, number: int) -> QMenu:
        """The context menu of a pin; the caller shows and deletes it."""
        menu = QMenu(self)
        for name, text, signal in (
            ("focus", "Go There", self.chosen),
            ("plus", "Add as Keyframe", self.keyframe_wanted),
            ("copy", "Copy Recipe", self.copy_wanted),
            ("save", "Save Image…", self.save_wanted),
        ):
            menu.addAction(icons.icon(name), text, lambda s=signal: s.emit(number))
        menu.addSeparator()
        menu.addAction("Rename\tF2", lambda: self.rename(number))
        menu.addAction(icons.icon("trash"), "Remove\tDel", lambda: self.removed.emit(number))
        return menu

    def _show_menu(self, number: int, where: QPoint) -> None:
        menu = self.menu(number)
        menu.exec(where)
        menu.deleteLater()
