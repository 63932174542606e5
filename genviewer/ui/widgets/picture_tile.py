"""A picture with its name below, its pixels as squares."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from genviewer.ui import theme
from genviewer.ui.widgets.pixels_to_image import image_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

CAPTION = 20
LEAST = 56


class PictureTile(QWidget):
    """Shows an image uint8 (H, W, C), or what is missing where there is none.

    Args:
        caption: its name.
        empty: said in the place of the picture.
    """

    def __init__(self, caption: str, empty: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._caption, self._empty = caption, empty
        self._image: QImage | None = None
        self.setAccessibleName(caption)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setSizePolicy(policy)

    def set_pixels(self, pixels: NDArray[np.uint8] | None) -> None:
        """Show an image uint8 (H, W, C); None for none."""
        self._image = None if pixels is None else image_of(pixels)
        self._bound_height()
        self.update()

    def set_caption(self, caption: str) -> None:
        """Another name."""
        if caption != self._caption:
            self._caption = caption
            self.setAccessibleName(caption)
            self.update()

    def set_empty(self, text: str) -> None:
        """What is said where there is no picture."""
        if text != self._empty:
            self._empty = text
            self.update()

    @property
    def has_picture(self) -> bool:
        """Whether there is one."""
        return self._image is not None

    def sizeHint(self) -> QSize:
        return QSize(92, 92 + CAPTION)

    def minimumSizeHint(self) -> QSize:
        return QSize(LEAST, LEAST + CAPTION)

    def _place(self) -> QRectF:
        """Where the picture goes: a whole multiple of its pixels where it is small."""
        room = QRectF(0, 0, self.width(), self.height() - CAPTION)
        ratio, scale = 1.0, 1.0
        if self._image is not None:
            size = self._image.size()
            scale = min(room.width() / size.width(), room.height() / size.height())
            if scale >= 2.0:
                scale = float(int(scale))
            width, height = size.width() * scale, size.height() * scale
        else:
            width = height = min(room.width(), room.height()) * ratio
        left, top = (room.width() - width) / 2, (room.height() - height) / 2
        return QRectF(round(left), round(top), width, height)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._bound_height()

    def _bound_height(self) -> None:
        """Higher than its picture can be it would only push what is below away."""
        high = float(self.width())
        if self._image is not None:
            scale = self.width() / self._image.width()
            high = self._image.height() * (float(int(scale)) if scale >= 2.0 else scale)
        self.setMaximumHeight(max(round(high), LEAST) + CAPTION)

    def paintEvent(self, event: QPaintEvent) -> None:
        c, place = theme.colors(), self._place()
        p = QPainter(self)
        if self._image is not None:
            p.setRenderHint(
                QPainter.RenderHint.SmoothPixmapTransform, place.width() < self._image.width()
            )
            p.drawImage(place, self._image)
        else:
            p.fillRect(place, c.canvas)
            p.setPen(c.dim_text)
            flags = int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap)
            p.drawText(place.adjusted(4, 4, -4, -4), flags, self._empty)
        p.setPen(QPen(c.line, 1))
        p.setBrush(Qt.BrushStyle.NoBrush)
        p.drawRect(place.adjusted(-0.5, -0.5, 0.5, 0.5))
        p.setPen(c.dim_text)
        below = QRectF(0, place.bottom() + 2, self.width(), CAPTION - 2)
        text = p.fontMetrics().elidedText(self._caption, Qt.TextElideMode.ElideRight, self.width())
        p.drawText(below, int(Qt.AlignmentFlag.AlignCenter), text)
        p.end()


def error_map(
    wanted: NDArray[np.uint8], drawn: NDArray[np.uint8], missing: QColor, extra: QColor
) -> NDArray[np.uint8]:
    """Where a reconstruction is too dark (``missing``) and too light (``extra``).

    Args:
        wanted: uint8 (H, W, C).
        drawn: uint8 (H, W, C), of the same shape.
        missing: the colour of light that is missing.
        extra: the colour of light that should not be there.

    Returns:
        uint8 (H, W, 3), black where they agree.
    """
    difference = (wanted.astype(np.float32) - drawn).mean(2, keepdims=True) / 255.0
    colours = [np.array([c.red(), c.green(), c.blue()], np.float32) for c in (missing, extra)]
    strength = np.sqrt(np.abs(difference))  # small errors are to be seen too
    mixed = strength * np.where(difference > 0.0, colours[0], colours[1])
    return np.round(mixed).astype(np.uint8)
