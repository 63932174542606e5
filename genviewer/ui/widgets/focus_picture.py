"""The focus sample on the canvas: one picture, fitted or zoomed, or why there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QImage, QPainter

from genviewer.ui.widgets.canvas_geometry import (
    PADDING,
    CellGrid,
    PanZoom,
    Zoomable,
    lay_out,
)
from genviewer.ui.widgets.pixels_to_image import image_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FAILED_OPACITY = 0.3


class FocusPicture(Zoomable):
    """Holds the focus sample's pixels and draws them in its place on the canvas.

    Attributes:
        area: its place.
        view: fitted, or the zoom that the hand chose.
        failure: what to say in place of a new sample; the old one is dimmed.
    """

    def __init__(self) -> None:
        self.area = QRect()
        self.view = PanZoom()
        self.failure: str | None = None
        self.ratio = 1.0
        self.smooth = False
        self.pixels: NDArray[np.uint8] | None = None
        self._image = QImage()
        self._reduced: QImage | None = None
        self.grid: CellGrid | None = None

    def place(self, area: QRect, ratio: float, *, smooth: bool) -> None:
        """Give it a place, a device pixel ratio, and whether to smooth."""
        self.area, self.ratio, self.smooth = area, ratio, smooth
        self._lay_out()

    def show(self, pixels: NDArray[np.uint8]) -> bool:
        """Take uint8 (H, W, C) pixels; True where the whole place must be painted anew."""
        before = self.pixels
        self.pixels = pixels
        anew = before is None or before.shape != pixels.shape or self.failure is not None
        self.failure = None
        self._image = image_of(pixels)
        self._reduced = None
        if anew:
            self._lay_out()
        return anew

    def clear(self) -> None:
        """Show nothing."""
        self.pixels = self.failure = self.grid = self._reduced = None
        self._image = QImage()

    @property
    def rect(self) -> QRect:
        """Where the picture is in sight; empty where there is none."""
        return self.grid.shown.toAlignedRect() if self.grid is not None else QRect()

    def paint(self, painter: QPainter, exposed: QRect) -> None:
        """Draw what lies in ``exposed``, which is cleared already where the picture is not."""
        if self.grid is not None and self.rect.intersects(exposed):
            painter.save()
            painter.setClipRect(self.grid.body.toAlignedRect() & exposed)
            if self.failure is not None:
                painter.setOpacity(FAILED_OPACITY)
            self._draw(painter, self.grid)
            painter.restore()

    def _draw(self, painter: QPainter, grid: CellGrid) -> None:
        target = grid.rect(0)
        if grid.scale < 0.5:
            # Bilinear drawing would skip pixels here; this averages them.
            size = (target.size() * self.ratio).toSize()
            if self._reduced is None or self._reduced.size() != size:
                self._reduced = self._image.scaled(
                    size,
                    Qt.AspectRatioMode.IgnoreAspectRatio,
                    Qt.TransformationMode.SmoothTransformation,
                )
            painter.drawImage(target, self._reduced, QRectF(self._reduced.rect()))
            return
        smooth = (self.smooth and grid.scale != 1) or not grid.exact
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
        painter.drawImage(target, self._image, QRectF(self._image.rect()))

    def _lay_out(self) -> None:
        if self.pixels is None or self.area.isEmpty():
            self.grid = None
            return
        edge = min(PADDING, self.area.width() // 8, self.area.height() // 8)
        body = QRectF(self.area.adjusted(edge, edge, -edge, -edge))
        if self.view.scale is not None:
            body = QRectF(self.area)
        self.grid = lay_out(
            body, (1, 1), self.pixels.shape[:2], self.view, ratio=self.ratio, smooth=self.smooth
        )
