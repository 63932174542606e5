"""What the filmstrip shows: which frames it keeps, where they lie, how they are painted."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, QSize, Qt, QTimer
from PySide6.QtGui import (
    QColor,
    QImage,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from genviewer.core.pixels import fewer_pixels
from genviewer.ui import icons, theme
from genviewer.ui.widgets.pixels_to_image import image_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

KEPT = 64
INTERVAL_S = 1 / 6
THUMB = 56
MARGIN = 4
PITCH = THUMB + MARGIN
PIN = 20  # side of the pin button on a hovered thumbnail
MOST_PIXELS = 128  # a frame's side is reduced to about this: 64 frames of 1,024 px are 192 MiB
EMPTY = "Frames that fly by while you drag are kept here. Click one to go back to it."


@dataclass(eq=False)
class Thumb:
    """A frame that flew by: what to hand back, its pixels, and its picture on the strip."""

    recipe: object
    pixels: NDArray[np.uint8]
    image: QImage


class FilmstripView(QWidget):
    """Keeps and paints the frames; :class:`Filmstrip` adds the hand."""

    def __init__(
        self, parent: QWidget | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._clock = clock
        self._thumbs: deque[Thumb] = deque(maxlen=KEPT)
        self._pending: tuple[NDArray[np.uint8], object] | None = None
        self._landed = float("-inf")
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._land_pending)
        self._scroll = 0  # pixels that the newest frame lies beyond the right edge
        self._hover: Thumb | None = None
        self._cursor: Thumb | None = None

    # Values in.

    def push(self, pixels: NDArray[np.uint8], recipe: object) -> None:
        """A frame was shown, uint8 (H, W, C); cheap enough for every frame of a drag."""
        self._pending = (pixels, recipe)
        wait = INTERVAL_S - (self._clock() - self._landed)
        if wait <= 0:
            self._land_pending()
        elif not self._timer.isActive():
            self._timer.start(round(wait * 1000) + 1)

    def clear(self) -> None:
        """Forget all frames."""
        self._timer.stop()
        self._thumbs.clear()
        self._pending = self._hover = self._cursor = None
        self._landed = float("-inf")
        self._scroll = 0
        self.update()

    # Values out.

    def recipes(self) -> list[object]:
        """What the frames on the strip show, the oldest first."""
        return [thumb.recipe for thumb in self._thumbs]

    def thumb_rect(self, index: int) -> QRect:
        """Where the index-th oldest frame lies, in sight or not."""
        return QRect(MARGIN + index * PITCH - self._shift(), MARGIN, THUMB, THUMB)

    def pin_rect(self, index: int) -> QRect:
        """Where the pin button of a frame lies while the frame is hovered."""
        rect = self.thumb_rect(index)
        return QRect(rect.right() - PIN - 1, rect.top() + 2, PIN, PIN)

    def _land_pending(self) -> None:
        if self._pending is None:
            return
        pixels, recipe = self._pending
        self._pending = None
        self._landed = self._clock()
        for index, thumb in enumerate(self._thumbs):
            if thumb.recipe == recipe:  # gone back to, or drawn again by other weights
                thumb.recipe = recipe
                thumb.pixels, thumb.image = self._reduced(pixels)
                self.update(self.thumb_rect(index))
                return
        before = self._shift()
        full = len(self._thumbs) == KEPT
        if full:
            self._drop_oldest()
            before = max(0, before - PITCH)
        self._thumbs.append(Thumb(recipe, *self._reduced(pixels)))
        self._scroll = self._overflow() - before if self.underMouse() else 0
        if full or before != self._shift() or len(self._thumbs) == 1:
            self.update()
        else:
            self.update(self.thumb_rect(len(self._thumbs) - 1))

    def _drop_oldest(self) -> None:
        oldest = self._thumbs.popleft()
        if self._cursor is oldest:
            self._cursor = None
        if self._hover is oldest:
            self._hover = None

    def _reduced(self, pixels: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], QImage]:
        kept = fewer_pixels(pixels, max(pixels.shape[:2]) // MOST_PIXELS)
        return kept, self._scaled(kept)

    def _scaled(self, pixels: NDArray[np.uint8]) -> QImage:
        """The thumbnail in device pixels: exact where the side fits a whole number of times."""
        side = round(THUMB * self.devicePixelRatioF())
        exact = side % max(pixels.shape[:2]) == 0
        mode = Qt.TransformationMode
        image = image_of(pixels).scaled(
            side,
            side,
            Qt.AspectRatioMode.KeepAspectRatio,
            mode.FastTransformation if exact else mode.SmoothTransformation,
        )
        image.setDevicePixelRatio(self.devicePixelRatioF())
        return image

    def _overflow(self) -> int:
        """How far the frames together are longer than the strip."""
        return max(0, MARGIN + len(self._thumbs) * PITCH - self.width())

    def _shift(self) -> int:
        """How far the frames are moved to the left."""
        return max(0, self._overflow() - self._scroll)

    def _scroll_to(self, scroll: int) -> None:
        scroll = max(0, min(self._overflow(), scroll))
        if scroll != self._scroll:
            self._scroll = scroll
            self.update()

    # Painting.

    def paintEvent(self, event: QPaintEvent) -> None:
        colors = theme.colors()
        exposed = event.rect()
        painter = QPainter(self)
        painter.fillRect(exposed, colors.panel)
        painter.fillRect(QRect(0, 0, self.width(), 1), colors.line)
        if not self._thumbs:
            painter.setPen(colors.dim_text)
            room = self.rect().adjusted(12, 0, -12, 0)
            text = painter.fontMetrics().elidedText(
                EMPTY, Qt.TextElideMode.ElideRight, room.width()
            )
            painter.drawText(room, int(Qt.AlignmentFlag.AlignCenter), text)
        for index, thumb in enumerate(self._thumbs):
            rect = self.thumb_rect(index)
            if rect.adjusted(-2, -2, 2, 2).intersects(exposed):
                self._paint_thumb(painter, thumb, rect, colors)
                if thumb is self._hover:
                    self._paint_pin(painter, self.pin_rect(index), colors)
        painter.end()

    def _paint_thumb(
        self, painter: QPainter, thumb: Thumb, rect: QRect, colors: theme.Colors
    ) -> None:
        size = thumb.image.deviceIndependentSize()
        inside = QRectF(QPointF(0, 0), size)
        inside.moveCenter(QRectF(rect).center())
        painter.drawImage(inside.topLeft().toPoint(), thumb.image)
        framed = thumb is self._cursor and self.hasFocus()
        if framed or thumb is self._hover:
            pen = QPen(colors.accent if framed else colors.dim_text, 2 if framed else 1)
            pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
            painter.setPen(pen)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(QRectF(rect).adjusted(-0.5, -0.5, 0.5, 0.5))

    def _paint_pin(self, painter: QPainter, rect: QRect, colors: theme.Colors) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        back = QColor(colors.panel)
        back.setAlpha(235)
        painter.setPen(QPen(colors.line, 1))
        painter.setBrush(back)
        painter.drawRoundedRect(QRectF(rect).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        picture = icons.pixmap("pin", PIN - 6, colors.text, self.devicePixelRatioF())
        painter.drawPixmap(rect.topLeft() + QPoint(3, 3), picture)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def sizeHint(self) -> QSize:
        return QSize(400, THUMB + 2 * MARGIN)

    def minimumSizeHint(self) -> QSize:
        return QSize(120, THUMB + 2 * MARGIN)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._scroll = min(self._scroll, self._overflow())
        self.update()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.update()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.DevicePixelRatioChange:
            for thumb in self._thumbs:
                thumb.image = self._scaled(thumb.pixels)
            self.update()
        return super().event(event)
