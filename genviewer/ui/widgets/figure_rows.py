"""Named figures, one below the other, whose values change often."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QGridLayout, QLabel, QVBoxLayout, QWidget

from genviewer.ui.widgets.elided_label import ElidedLabel

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Figure:
    """A name, its value, and what it means, for the tooltip."""

    name: str
    value: str
    tip: str = ""


class FigureRows(QWidget):
    """Shows Figures and a note below. Labels are kept and filled anew, so that nothing flickers."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        self._grid = QGridLayout()
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(8)
        self._grid.setVerticalSpacing(3)
        self._grid.setColumnStretch(1, 1)
        self._rows: list[tuple[QLabel, _Value]] = []
        self.note = QLabel(self)
        self.note.setWordWrap(True)
        self.note.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self.note.hide()
        column.addLayout(self._grid)
        column.addWidget(self.note)
        self.figures: tuple[Figure, ...] = ()

    def set_figures(self, figures: Sequence[Figure]) -> None:
        """Show these, in order."""
        figures = tuple(figures)
        if figures == self.figures:
            return
        self.figures = figures
        while len(self._rows) < len(figures):
            self._add_row()
        for index, (name, value) in enumerate(self._rows):
            shown = index < len(figures)
            name.setVisible(shown)
            value.setVisible(shown)
            if not shown:
                continue
            figure = figures[index]
            name.setText(figure.name)
            name.setToolTip(figure.tip)
            value.set_value(figure.value, figure.tip)
            value.setAccessibleName(figure.name)

    def set_note(self, text: str) -> None:
        """Say something below the figures; nothing where it is empty."""
        if text != self.note.text():
            self.note.setText(text)
            self.note.setVisible(bool(text))

    def _add_row(self) -> None:
        row = len(self._rows)
        name, value = QLabel(self), _Value(parent=self)
        name.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        name.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self._grid.addWidget(name, row, 0)
        self._grid.addWidget(value, row, 1)
        self._rows.append((name, value))


class _Value(ElidedLabel):
    """A value whose tooltip begins with all of it."""

    def __init__(self, text: str = "", parent: QWidget | None = None) -> None:
        self._tip = ""
        super().__init__(text, parent)

    def set_value(self, text: str, tip: str) -> None:
        self._tip = tip
        self.setText(text)

    def _tell_all(self) -> None:
        super()._tell_all()
        self.setToolTip("\n".join(part for part in (self.toolTip(), self._tip) if part))
