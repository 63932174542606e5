"""Small pictures with a caption each, to look at and to choose from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QHelpEvent, QPainter, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from genviewer.ui import theme
from genviewer.ui.widgets.pixels_to_image import image_of, thinned

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray
    from PySide6.QtGui import QFocusEvent, QImage, QKeyEvent, QMouseEvent, QPaintEvent, QResizeEvent

TILE = 64
CAPTION = 18
GAP = 8


class PictureGrid(QWidget):
    """Pictures in rows, as many beside each other as there is room for.

    A click or Enter chooses one, arrow keys go from one to the next.

    Signals:
        chosen(int): a person chose the picture of that index.

    Args:
        name: for assistive programs.
        empty: what to say where there are no pictures.
    """

    chosen = Signal(int)

    def __init__(self, name: str, empty: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self._empty = empty
        self._images: list[QImage] = []
        self._captions: list[str] = []
        self._tips: list[str] = []
        self._current = self._hovered = -1

    @property
    def captions(self) -> tuple[str, ...]:
        """What is written under the pictures."""
        return tuple(self._captions)

    def set_pictures(
        self,
        pixels: Sequence[NDArray[np.uint8]] | NDArray[np.uint8],
        captions: Sequence[str],
        tips: Sequence[str] = (),
    ) -> None:
        """Show pictures uint8 (H, W, C), each with a caption and perhaps a tooltip."""
        self._images = [image_of(thinned(picture, 4 * TILE)) for picture in pixels]
        self._captions, self._tips = list(captions), list(tips)
        self._current = min(self._current, len(self._images) - 1)
        self._hovered = -1
        self.updateGeometry()
        self.update()

    def set_empty(self, text: str) -> None:
        """What to say where there are no pictures."""
        self._empty = text
        self.update()

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        rows = -(-len(self._images) // self._columns(width))
        return max(1, rows) * (TILE + CAPTION + GAP) - GAP

    def sizeHint(self) -> QSize:
        return QSize(5 * (TILE + GAP), self.heightForWidth(self.width()))

    def minimumSizeHint(self) -> QSize:
        return QSize(2 * TILE, self.heightForWidth(self.width()))

    def _columns(self, width: int) -> int:
        return max(1, (width + GAP) // (TILE + GAP))

    def _cell(self, index: int) -> QRect:
        row, column = divmod(index, self._columns(self.width()))
        left, top = column * (TILE + GAP), row * (TILE + CAPTION + GAP)
        return QRect(left, top, TILE, TILE + CAPTION)

    def _index_at(self, where: QPoint) -> int:
        columns = self._columns(self.width())
        column, row = where.x() // (TILE + GAP), where.y() // (TILE + CAPTION + GAP)
        index = row * columns + column
        inside = 0 <= column < columns and 0 <= index < len(self._images)
        return index if inside and self._cell(index).contains(where) else -1

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.updateGeometry()

    def paintEvent(self, event: QPaintEvent) -> None:
        c = theme.colors()
        painter = QPainter(self)
        painter.setPen(c.dim_text)
        if not self._images:
            flags = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop
            painter.drawText(self.rect(), int(flags | Qt.TextFlag.TextWordWrap), self._empty)
        font = painter.font()
        font.setPixelSize(11)
        painter.setFont(font)
        metrics = painter.fontMetrics()
        for index, image in enumerate(self._images):
            cell = self._cell(index)
            if not cell.intersects(event.rect()):
                continue
            frame = QRect(cell.left(), cell.top(), TILE, TILE)
            size = image.size().scaled(frame.size(), Qt.AspectRatioMode.KeepAspectRatio)
            target = QRect(QPoint(0, 0), size)
            target.moveCenter(frame.center())
            painter.fillRect(frame, c.canvas)
            shrunk = size.width() < image.width()
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, shrunk)
            painter.drawImage(target, image)
            lit = index == self._current and self.hasFocus()
            if lit or index == self._hovered:
                painter.setPen(QPen(c.accent if lit else c.dim_text, 2 if lit else 1))
                painter.drawRect(frame.adjusted(1, 1, -1, -1))
            painter.setPen(c.text if index == self._hovered else c.dim_text)
            below = QRect(cell.left() - 3, cell.top() + TILE, TILE + 6, CAPTION)
            text = metrics.elidedText(
                self._captions[index], Qt.TextElideMode.ElideRight, below.width()
            )
            painter.drawText(below, int(Qt.AlignmentFlag.AlignCenter), text)
        painter.end()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        hovered = self._index_at(event.position().toPoint())
        if hovered != self._hovered:
            self._hovered = hovered
            pointing = Qt.CursorShape.PointingHandCursor
            self.setCursor(pointing if hovered >= 0 else Qt.CursorShape.ArrowCursor)
            self.update()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._hovered = -1
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        index = self._index_at(event.position().toPoint())
        if index >= 0 and event.button() == Qt.MouseButton.LeftButton:
            self._current = index
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        index = self._index_at(event.position().toPoint())
        if index >= 0 and index == self._current and event.button() == Qt.MouseButton.LeftButton:
            self.chosen.emit(index)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        columns = self._columns(self.width())
        step = {
            Qt.Key.Key_Left: -1,
            Qt.Key.Key_Right: 1,
            Qt.Key.Key_Up: -columns,
            Qt.Key.Key_Down: columns,
        }.get(Qt.Key(event.key()))
        if step is not None and self._images:
            self._current = min(max(self._current + step, 0), len(self._images) - 1)
            self.update()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            if self._current >= 0:
                self.chosen.emit(self._current)
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        if self._current < 0 and self._images:
            self._current = 0
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.update()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            index = self._index_at(event.pos())
            if 0 <= index < len(self._tips):
                QToolTip.showText(event.globalPos(), self._tips[index], self)
            else:
                QToolTip.hideText()
            return True
        return super().event(event)
