"""A matrix of numbers as coloured cells: who is taken for whom, what goes with what."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QPainter, QPen
from PySide6.QtWidgets import QToolTip, QWidget

from genviewer.ui import theme

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent, QPaintEvent

SMALLEST_TEXT = 20
"""Cells of fewer pixels have no numbers, and rows of fewer than half of that no names."""

LABELS = 34
TITLE = 18


class MatrixView(QWidget):
    """Square cells, coloured by value; one of them can be chosen by a click or the keyboard.

    Signals:
        chosen(int, int): row and column of the cell that a person chose.

    Args:
        name: for assistive programs.
        rows, columns: what the rows and the columns are.
    """

    chosen = Signal(int, int)

    def __init__(self, name: str, rows: str, columns: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._titles = (rows, columns)
        self._weights = np.zeros((0, 0))
        self._texts: list[list[str]] = []
        self._names: tuple[str, ...] = ()
        self._tip: Callable[[int, int], str] | None = None
        self._current: tuple[int, int] | None = None

    @property
    def current(self) -> tuple[int, int] | None:
        """Row and column of the chosen cell."""
        return self._current

    def set_matrix(
        self,
        weights: NDArray[np.float64],
        texts: Sequence[Sequence[str]],
        names: Sequence[str],
        tip: Callable[[int, int], str] | None = None,
    ) -> None:
        """Show a matrix.

        Args:
            weights: float64 (N, N) in -1 .. 1: how strong the colour is; below 0 in the other one.
            texts: what is written into the cells where there is room.
            names: of rows and columns.
            tip: says more about a cell.
        """
        self._weights, self._texts = weights, [list(row) for row in texts]
        self._names, self._tip = tuple(names), tip
        if self._current is not None and max(self._current) >= len(weights):
            self._current = None
        self.update()

    def set_current(self, cell: tuple[int, int] | None) -> None:
        """Show a cell as chosen."""
        self._current = cell
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(320, 320)

    def minimumSizeHint(self) -> QSize:
        return QSize(200, 200)

    def _board(self) -> tuple[int, int, float]:
        """Left, top and the side of a cell."""
        count = max(1, len(self._weights))
        room = min(self.width() - LABELS - TITLE, self.height() - LABELS - TITLE)
        side = max(1.0, room / count)
        return LABELS + TITLE, LABELS + TITLE, min(side, 72.0)

    def cell_rect(self, row: int, column: int) -> QRect:
        """Where a cell is."""
        left, top, side = self._board()
        x0, y0 = round(left + column * side), round(top + row * side)
        x1, y1 = round(left + (column + 1) * side), round(top + (row + 1) * side)
        return QRect(x0, y0, max(1, x1 - x0 - 1), max(1, y1 - y0 - 1))

    def _cell_at(self, where: QPoint) -> tuple[int, int] | None:
        left, top, side = self._board()
        row, column = int((where.y() - top) // side), int((where.x() - left) // side)
        count = len(self._weights)
        return (row, column) if 0 <= row < count and 0 <= column < count else None

    def paintEvent(self, _event: QPaintEvent) -> None:
        c = theme.colors()
        painter = QPainter(self)
        count = len(self._weights)
        left, top, side = self._board()
        font = painter.font()
        font.setPixelSize(11)
        painter.setFont(font)
        base, strong = c.raised if c.dark else c.window, c.accent
        for row in range(count):
            for column in range(count):
                weight = float(self._weights[row, column])
                cell = self.cell_rect(row, column)
                painter.fillRect(cell, _between(base, strong if weight >= 0 else c.warning, weight))
                if side >= SMALLEST_TEXT and self._texts[row][column]:
                    painter.setPen(c.accent_text if abs(weight) > 0.6 else c.text)
                    painter.drawText(
                        cell, int(Qt.AlignmentFlag.AlignCenter), self._texts[row][column]
                    )
        painter.setPen(c.dim_text)
        metrics = painter.fontMetrics()
        names = [
            metrics.elidedText(name, Qt.TextElideMode.ElideRight, LABELS - 6)
            for name in self._names
        ]
        # As many names as there is room for, one beside the other and one below the other.
        widest = max((metrics.horizontalAdvance(name) for name in names), default=0)
        rows, columns = (max(1, int(np.ceil(room / side))) for room in (12, widest + 6))
        for index, name in enumerate(names):
            middle = round((index + 0.5) * side)
            if index % rows == 0:
                beside = QRect(TITLE, top + middle - 8, LABELS - 6, 16)
                flags = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
                painter.drawText(beside, int(flags), name)
            if index % columns == 0:
                above = QRect(left + middle - LABELS // 2, TITLE + 12, LABELS, 16)
                painter.drawText(above, int(Qt.AlignmentFlag.AlignCenter), name)
        if count:
            extent = round(count * side)
            painter.drawText(
                QRect(left, 0, extent, TITLE), int(Qt.AlignmentFlag.AlignCenter), self._titles[1]
            )
            painter.save()
            painter.translate(0, top + extent)
            painter.rotate(-90)
            painter.drawText(
                QRect(0, 0, extent, TITLE), int(Qt.AlignmentFlag.AlignCenter), self._titles[0]
            )
            painter.restore()
        if self._current is not None:
            painter.setPen(QPen(c.text, 2))
            painter.drawRect(self.cell_rect(*self._current).adjusted(0, 0, -1, -1))
        elif self.hasFocus():
            painter.setPen(QPen(c.accent, 1))
            painter.drawRect(left - 2, top - 2, round(count * side) + 2, round(count * side) + 2)
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        cell = self._cell_at(event.position().toPoint())
        if cell is not None and event.button() == Qt.MouseButton.LeftButton:
            self._choose(cell)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {
            Qt.Key.Key_Up: (-1, 0),
            Qt.Key.Key_Down: (1, 0),
            Qt.Key.Key_Left: (0, -1),
            Qt.Key.Key_Right: (0, 1),
        }.get(Qt.Key(event.key()))
        if step is None or not len(self._weights):
            super().keyPressEvent(event)
            return
        row, column = self._current or (-step[0], -step[1])
        last = len(self._weights) - 1
        self._choose((min(max(row + step[0], 0), last), min(max(column + step[1], 0), last)))

    def _choose(self, cell: tuple[int, int]) -> None:
        self._current = cell
        self.update()
        self.chosen.emit(*cell)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.update()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            cell = self._cell_at(event.pos())
            if cell is not None and self._tip is not None:
                QToolTip.showText(event.globalPos(), self._tip(*cell), self)
            else:
                QToolTip.hideText()
            return True
        return super().event(event)


def _between(base: QColor, strong: QColor, weight: float) -> QColor:
    share = min(abs(weight), 1.0)
    mixed = [
        round(a + share * (b - a))
        for a, b in zip(base.getRgb()[:3], strong.getRgb()[:3], strict=True)  # type: ignore[index]
    ]
    return QColor(*mixed)
