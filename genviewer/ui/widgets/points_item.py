"""Many points as one picture that is painted anew when the view moves. Imports pyqtgraph."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QImage, QPainter

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SHAPES = {
    # Offsets of the pixels of a dot: for many points, for some, for few.
    1: ((0, 0), (0, 1), (1, 0), (0, -1), (-1, 0)),
    2: tuple((y, x) for y in range(-2, 3) for x in range(-2, 3) if x * x + y * y < 7),
    3: tuple((y, x) for y in range(-3, 4) for x in range(-3, 4) if x * x + y * y < 12),
}
_FEW, _SOME = 1500, 12_000


class PointsItem(pg.GraphicsObject):
    """Points in colours. Painting 60,000 of them takes a few milliseconds, whatever is in view."""

    def __init__(self) -> None:
        super().__init__()
        self._x, self._y = np.zeros((2, 0), np.float32)
        self._words = np.zeros(0, np.uint32)
        self._ground = 0
        self._bounds = QRectF()
        self._picture: QImage | None = None
        self._buffer = np.zeros(0, np.uint32)  # what the picture is painted on
        self._painted_for: tuple[object, ...] = ()

    def set_points(
        self, points: NDArray[np.float32], words: NDArray[np.uint32], ground: int
    ) -> None:
        """Show points float32 (N, 2) in colours 0xAARRGGBB (N,); later ones lie above.

        ``ground`` is the colour between them: a picture that hides what is behind it is painted
        several times faster.
        """
        self.prepareGeometryChange()
        self._x, self._y = np.ascontiguousarray(points.T)
        self._words, self._ground = words, ground
        if len(points):
            low, high = points.min(0), points.max(0)
            size = np.maximum(high - low, 1e-6)
            self._bounds = QRectF(float(low[0]), float(low[1]), float(size[0]), float(size[1]))
        else:
            self._bounds = QRectF()
        self._painted_for = ()
        self.update()

    def boundingRect(self) -> QRectF:
        # Dots reach beyond the points, by some pixels of whatever scale.
        room = 0.05 * max(self._bounds.width(), self._bounds.height())
        return self._bounds.adjusted(-room, -room, room, room)

    def dataBounds(
        self,
        axis: int,
        frac: float = 1.0,
        orthoRange: object = None,  # noqa: N803 - its name
    ) -> tuple[float, float] | None:
        """What pyqtgraph asks for to show all."""
        if not len(self._x):
            return None
        if axis == 0:
            return self._bounds.left(), self._bounds.right()
        return self._bounds.top(), self._bounds.bottom()

    def viewRangeChanged(self) -> None:
        super().viewRangeChanged()
        self.update()

    def paint(self, painter: QPainter, *_: object) -> None:
        view = self.getViewBox()
        if view is None or not len(self._x):
            return
        (x0, x1), (y0, y1) = view.viewRange()
        ratio = painter.device().devicePixelRatioF()
        size = (round(view.height() * ratio), round(view.width() * ratio))
        wanted = (x0, x1, y0, y1, size)
        if min(size) < 1 or not (x1 > x0 and y1 > y0):
            return
        if wanted != self._painted_for:
            self._paint_points(x0, x1, y0, y1, size)
            self._painted_for = wanted
        if self._picture is not None:
            # Without the plane's transform, which would scale pixel by pixel.
            corner = painter.worldTransform().map(QPointF(x0, y1))
            self._picture.setDevicePixelRatio(ratio)
            painter.save()
            painter.resetTransform()
            painter.drawImage(QPointF(round(corner.x()), round(corner.y())), self._picture)
            painter.restore()

    def _paint_points(
        self, x0: float, x1: float, y0: float, y1: float, size: tuple[int, int]
    ) -> None:
        count = len(self._x)
        radius = 3 if count <= _FEW else 2 if count <= _SOME else 1
        height, width = size
        stride = width + 2 * radius
        columns = (self._x - np.float32(x0)) * np.float32(width / (x1 - x0))
        rows = (np.float32(y1) - self._y) * np.float32(height / (y1 - y0))
        inside = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
        words = self._words
        if not inside.all():
            columns, rows, words = columns[inside], rows[inside], words[inside]
        flat = (rows.astype(np.int64) + radius) * stride + columns.astype(np.int64) + radius
        length = (height + 2 * radius) * stride
        if len(self._buffer) != length:
            self._buffer = np.empty(length, np.uint32)
        self._buffer.fill(self._ground)
        for dy, dx in _SHAPES[radius]:
            self._buffer[flat + (dy * stride + dx)] = words
        # The margin that dots at the edge reach into is left out by the offset and the stride.
        seen = self._buffer[radius * stride + radius :]
        self._picture = QImage(seen.data, width, height, stride * 4, QImage.Format.Format_RGB32)
