"""The strip of small pictures that shows what one latent dimension does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QEvent, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from genviewer.ui import theme
from genviewer.ui.widgets.pixels_to_image import image_of
from genviewer.ui.widgets.prior_range import dim_label, value_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

GAP = 2
MARGIN = 8
LARGEST = 40  # px, side of a thumbnail
PLACEHOLDERS = 7


class ValueStrip(QWidget):
    """Thumbnails of one dimension across its prior; a click on one asks for its value.

    Signals:
        chosen: dimension and value of the thumbnail that was clicked.
    """

    chosen = Signal(int, float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.dim = -1
        self._caption = ""
        self._at = 0.0
        self._locked = False
        self._shown_dim = -1
        self._images: list[QImage] = []
        self._values: NDArray[np.float32] = np.zeros(0, np.float32)
        self._hovered = -1
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("What the dimension does across its prior")

    def sizeHint(self) -> QSize:
        return QSize(240, self.heightForWidth(240))

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return self.fontMetrics().height() + self._side(width) + 14

    def show_dim(self, dim: int, caption: str, value: float, locked: bool) -> None:
        """Say which dimension is looked at and where it is; placeholders until its strip comes."""
        before = self.dim, self._nearest()
        self.dim, self._at, self._locked = dim, value, locked
        if (dim, self._nearest()) != before:
            self.update()
        if caption != self._caption:
            self._caption = caption
            self.update(0, 0, self.width(), self.fontMetrics().height() + 4)

    def set_strip(self, dim: int, pixels: NDArray[np.uint8], values: NDArray[np.float32]) -> None:
        """Show ``pixels`` uint8 (n, H, W, C) as what ``dim`` does at ``values`` float32 (n,).

        Raises:
            ValueError: if they do not fit together.
        """
        if len(pixels) != len(values):
            raise ValueError("a strip has one value for each picture")
        self._images = [image_of(picture) for picture in pixels]
        self._values = np.array(values, np.float32)
        self._shown_dim = dim
        self.updateGeometry()
        self.update()

    def clear(self) -> None:
        """Forget the pictures."""
        self._images, self._shown_dim = [], -1
        self._values = np.zeros(0, np.float32)
        self.update()

    def cell(self, index: int) -> QRect:
        """Where a thumbnail is painted."""
        count, side = self._count(), self._side(self.width())
        spare = self.width() - 2 * MARGIN - count * side
        gap = spare / (count - 1) if count > 1 else 0.0
        left = MARGIN + round(index * (side + min(gap, 12.0)))
        return QRect(left, self.fontMetrics().height() + 6, side, side)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.FontChange):
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        c = theme.colors()
        p = QPainter(self)
        p.fillRect(self.rect(), c.panel)
        p.fillRect(QRect(0, 0, self.width(), 1), c.line)
        text = QRect(MARGIN, 3, self.width() - 2 * MARGIN, self.fontMetrics().height())
        p.setPen(c.dim_text)
        p.drawText(
            text,
            int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter),
            self.fontMetrics().elidedText(self._caption, Qt.TextElideMode.ElideRight, text.width()),
        )
        if event.rect().bottom() < self.cell(0).top():
            p.end()
            return
        nearest = self._nearest()
        ready = nearest >= 0
        p.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        for i in range(self._count()):
            cell = self.cell(i)
            if ready:
                p.drawImage(_fitted(self._images[i], cell), self._images[i])
            else:
                p.setPen(c.line)
                p.drawRect(cell.adjusted(0, 0, -1, -1))
            if i == nearest or (ready and i == self._hovered and not self._locked):
                p.setPen(QPen(c.accent if i == nearest else c.dim_text, 2))
                p.drawRect(cell.adjusted(0, 0, -1, -1))
        p.end()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._hover(self._index_at(event.position().toPoint().x(), event.position().toPoint().y()))

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._hover(-1)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        at = event.position().toPoint()
        index = self._index_at(at.x(), at.y())
        if event.button() == Qt.MouseButton.LeftButton and index >= 0 and not self._locked:
            self.chosen.emit(self.dim, float(self._values[index]))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        event.accept()  # the press was the strip's, so is its end

    def _hover(self, index: int) -> None:
        if index != self._hovered:
            self._hovered = index
            clickable = index >= 0 and not self._locked
            shape = Qt.CursorShape.PointingHandCursor if clickable else Qt.CursorShape.ArrowCursor
            self.setCursor(shape)
            self.setToolTip(
                f"Set {dim_label(self.dim)} to {value_text(float(self._values[index]))}"
                if clickable
                else ""
            )
            self.update()

    def _index_at(self, x: int, y: int) -> int:
        if self._shown_dim != self.dim:
            return -1
        return next((i for i in range(len(self._images)) if self.cell(i).contains(x, y)), -1)

    def _nearest(self) -> int:
        """The thumbnail nearest to where the dimension is; -1 until there are any."""
        if self._shown_dim != self.dim or not self._images:
            return -1
        return int(np.abs(self._values - self._at).argmin())

    def _count(self) -> int:
        return len(self._images) or PLACEHOLDERS

    def _side(self, width: int) -> int:
        count = self._count()
        return max(min((width - 2 * MARGIN - (count - 1) * GAP) // count, LARGEST), 8)


def _fitted(image: QImage, cell: QRect) -> QRectF:
    """The largest rectangle of the image's shape inside the cell."""
    scale = min(cell.width() / image.width(), cell.height() / image.height())
    width, height = image.width() * scale, image.height() * scale
    return QRectF(
        cell.x() + (cell.width() - width) / 2,
        cell.y() + (cell.height() - height) / 2,
        width,
        height,
    )
