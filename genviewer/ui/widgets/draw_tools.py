"""The draw pad with its tools below."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtWidgets import QColorDialog, QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from genviewer.ui.icons import icon
from genviewer.ui.widgets.draw_pad import SIZES, DrawPad
from genviewer.ui.widgets.slider_track import STEPS, SliderTrack

if TYPE_CHECKING:
    from collections.abc import Callable

SWATCH = 14


class DrawTools(QWidget):
    """A pad, and brush, eraser, colour, size, undo, redo and clear.

    The pad is :attr:`pad`; its signals tell what is drawn.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.pad = DrawPad(self)
        self.brush = self._button("brush", "Draw", lambda: self._erase(False), checkable=True)
        self.eraser = self._button("eraser", "Erase", lambda: self._erase(True), checkable=True)
        self.color = self._button("", "Colour of the brush", self._ask_color)
        self.width_slider = SliderTrack(self)
        self.width_slider.setAccessibleName("Size of the brush")
        self.width_slider.setToolTip("Size of the brush")
        self.width_slider.setMinimumWidth(40)
        self.undo = self._button("undo", "Undo in the drawing  (Ctrl+Z in the pad)", self.pad.undo)
        self.redo = self._button("redo", "Redo in the drawing  (Ctrl+Y in the pad)", self.pad.redo)
        self.clear = self._button("trash", "Clear the drawing  (Delete in the pad)", self.pad.clear)
        bar = QHBoxLayout()
        bar.setContentsMargins(0, 0, 0, 0)
        bar.setSpacing(2)
        for widget in (self.brush, self.eraser, self.color):
            bar.addWidget(widget)
        bar.addWidget(self.width_slider, 1)
        for widget in (self.undo, self.redo, self.clear):
            bar.addWidget(widget)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.pad, 1)
        column.addLayout(bar)
        self.width_slider.valueChanged.connect(self._slide)
        self.pad.size_changed.connect(self._show_size)
        self.pad.history_changed.connect(self._show_history)
        self._show_size(self.pad.size_of_brush)
        self._show_history()
        self._erase(False)
        self.set_coloured(False)

    def set_coloured(self, coloured: bool) -> None:
        """Whether the model has colours to draw with; else the brush is white."""
        self.color.setVisible(coloured)
        self._take_color(self.pad.color if coloured else QColor(Qt.GlobalColor.white))

    def _take_color(self, color: QColor) -> None:
        self.pad.color = color
        swatch = QPixmap(2 * SWATCH, 2 * SWATCH)
        swatch.fill(Qt.GlobalColor.transparent)
        p = QPainter(swatch)
        p.setRenderHint(QPainter.RenderHint.Antialiasing)
        p.setBrush(color)
        p.setPen(QColor(128, 128, 128))
        p.drawEllipse(2, 2, 2 * SWATCH - 4, 2 * SWATCH - 4)
        p.end()
        self.color.setIcon(QIcon(swatch))

    def _ask_color(self) -> None:
        chosen = QColorDialog.getColor(self.pad.color, self, "Colour of the brush")
        if chosen.isValid():
            self._take_color(chosen)
            self._erase(False)

    def _erase(self, erasing: bool) -> None:
        self.pad.erasing = erasing
        self.brush.setChecked(not erasing)
        self.eraser.setChecked(erasing)

    def _slide(self, steps: int) -> None:
        low, high = SIZES
        self.pad.set_size(round(low + (high - low) * steps / STEPS))

    def _show_size(self, size: int) -> None:
        low, high = SIZES
        self.width_slider.blockSignals(True)
        self.width_slider.setValue(round(STEPS * (size - low) / (high - low)))
        self.width_slider.blockSignals(False)

    def _show_history(self) -> None:
        self.undo.setEnabled(self.pad.can_undo)
        self.redo.setEnabled(self.pad.can_redo)

    def _button(
        self, name: str, tip: str, then: Callable[[], object], *, checkable: bool = False
    ) -> QToolButton:
        button = QToolButton(self)
        button.setObjectName("tight")
        if name:
            button.setIcon(icon(name))
        button.setFixedSize(26, 26)
        button.setToolTip(tip)
        button.setAccessibleName(tip.split("  (")[0])
        button.setCheckable(checkable)
        button.clicked.connect(lambda _=False: then())
        return button
