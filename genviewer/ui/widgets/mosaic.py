"""One image that holds every cell of a Sheet, written in place as the tiles arrive."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QImage, QPainter

from genviewer.core.pixels import sheet_reduction
from genviewer.ui.widgets.pixels_to_image import argb, averaged, image_over, rgb_bytes

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PySide6.QtGui import QColor

    from genviewer.core.sheet import MapFrame, Sheet

AT_ONCE = 1 << 18  # bytes of pixels that are converted together


class Mosaic:
    """Rows x columns cells in one image, without gaps. GUI thread only.

    A Sheet of the same shape keeps the tiles of the one before it until they are overwritten, so
    that a drag does not flash. Tiles of a Map keep their place in the plane instead. Where the
    cells would need too many pixels together, each is averaged down by a power of two.

    Attributes:
        rows, columns: the layout.
        tile_height, tile_width: size of a cell as stored, in pixels.
        channels: 1, 3 or 4, of the pixels that come in.
        filled: bool (rows * columns,), True where a tile was written.
    """

    def __init__(self) -> None:
        self.rows = 0
        self.columns = 0
        self.tile_height = 0
        self.tile_width = 0
        self.channels = 1
        self.filled: NDArray[np.bool_] = np.zeros(0, bool)
        self._frame: MapFrame | None = None
        self._reduction = 1
        self._background = 0xFF808080
        self._sketched = False  # whether there is more to see than the filled cells
        self._words: NDArray[np.uint32] = np.zeros((0, 0), np.uint32)
        self._image = QImage()
        self._small: Mosaic | None = None
        self._small_factor = 1

    @property
    def image(self) -> QImage:
        """The whole mosaic, RGB32 (ARGB32 for four channels); changes with every write."""
        return self._image

    def begin(
        self,
        sheet: Sheet,
        height: int,
        width: int,
        channels: int,
        *,
        empty: QColor | None = None,
        keep: bool = True,
    ) -> None:
        """Make room for the cells of a Sheet, of ``height`` x ``width`` pixels each.

        ``keep`` says that old tiles may stay until they are overwritten; ``empty`` is the colour
        of what has no tile (a Map shows it, other sheets ask :attr:`filled`).
        """
        reduction = sheet_reduction(sheet.rows * height, sheet.columns * width)
        shape = (
            sheet.rows,
            sheet.columns,
            max(1, height // reduction),
            max(1, width // reduction),
            channels,
        )
        frame = sheet.map_frame
        same = shape == (
            self.rows,
            self.columns,
            self.tile_height,
            self.tile_width,
            self.channels,
        )
        keep = keep and (frame is None) == (self._frame is None)
        if same and keep and (frame is None or _same_place(frame, self._frame)):
            self._frame = frame
            return
        before = (self._image, self._words, self.filled, self._frame) if keep else None
        old_rows, old_columns = self.rows, self.columns
        alike = shape[2:] == (self.tile_height, self.tile_width, self.channels)
        self.rows, self.columns, self.tile_height, self.tile_width, self.channels = shape
        self._reduction, self._frame = reduction, frame
        self._background = 0xFF808080 if empty is None else empty.rgb()
        self._sketched = False
        size = (self.rows * self.tile_height, self.columns * self.tile_width)
        self._words = np.full(size, self._background, np.uint32)
        self._image = image_over(self._words, alpha=channels == 4)
        self.filled = np.zeros(self.rows * self.columns, bool)
        self._small = None
        if before is None:
            return
        image, words, filled, old_frame = before
        if frame is not None and old_frame is not None and not image.isNull():
            self._move_plane(image, old_frame, old_rows, old_columns)
        elif alike and frame is None:
            r, c = min(self.rows, old_rows), min(self.columns, old_columns)
            h, w = r * self.tile_height, c * self.tile_width
            self._words[:h, :w] = words[:h, :w]
            kept = filled.reshape(old_rows, old_columns)[:r, :c]
            self.filled.reshape(self.rows, self.columns)[:r, :c] = kept

    def forget(self) -> None:
        """Take every tile as not there; the next ones are written over the old ones."""
        self.filled[:] = False

    def write(self, cells: NDArray[np.integer], pixels: NDArray[np.uint8]) -> None:
        """Put uint8 (n, H, W, C) pixels into the n flat cells; those outside are left out.

        Pixels that were averaged down already are taken as they are.
        """
        cells = np.asarray(cells)
        inside = (cells >= 0) & (cells < self.filled.size)
        if not inside.all():
            cells, pixels = cells[inside], pixels[inside]
        if not cells.size:
            return
        # Large tiles one at a time: what passes through then stays in the processor's cache.
        stored = pixels.shape[1:3] == (self.tile_height, self.tile_width)
        reduction = 1 if stored else self._reduction
        at_once = max(1, AT_ONCE // max(1, pixels[0].size))
        for start in range(0, len(cells), at_once):
            some = slice(start, start + at_once)
            self._put(cells[some], averaged(argb(pixels[some]), reduction))
        self.filled[cells] = True

    def tile(self, index: int) -> NDArray[np.uint8] | None:
        """A copy of one cell as stored, uint8 (h, w, C); None where there is no tile yet."""
        if not 0 <= index < self.filled.size or not self.filled[index]:
            return None
        row, column = divmod(index, self.columns)
        return rgb_bytes(self._grid()[row, :, column, :], self.channels)

    def array(self) -> NDArray[np.uint8]:
        """A copy of the whole mosaic, uint8 (rows * h, columns * w, C)."""
        return rgb_bytes(self._words, self.channels)

    def source(self, index: int) -> QRect:
        """Where a cell lies in :attr:`image`."""
        row, column = divmod(index, self.columns)
        return QRect(
            column * self.tile_width, row * self.tile_height, self.tile_width, self.tile_height
        )

    def at_scale(self, scale: float) -> Mosaic:
        """The mosaic to draw from at ``scale`` device pixels per stored pixel.

        Bilinear drawing skips pixels below one half, which makes a sheet of large pictures
        sparkle while it changes; there the cells are averaged down first.
        """
        factor = 1
        side = min(self.tile_height, self.tile_width)
        while scale * factor <= 0.5 and side // (factor * 2) >= 4:
            factor *= 2
        if factor == 1:
            return self
        if self._small is None or self._small_factor != factor:
            self._small_factor = factor
            self._small = self._averaged(factor)
        self._small.filled = self.filled
        return self._small

    def _put(self, cells: NDArray[np.integer], words: NDArray[np.uint32]) -> None:
        """Write uint32 (n, h, w) words, and fewer of them into the smaller copy."""
        words = words[:, : self.tile_height, : self.tile_width]
        self._grid()[cells // self.columns, :, cells % self.columns, :] = words
        if self._small is not None:
            self._small._put(cells, averaged(words, self._small_factor))

    def _averaged(self, factor: int) -> Mosaic:
        small = Mosaic()
        small.rows, small.columns, small.channels = self.rows, self.columns, self.channels
        small.tile_height = self.tile_height // factor
        small.tile_width = self.tile_width // factor
        size = (small.rows * small.tile_height, small.columns * small.tile_width)
        small._words = np.full(size, self._background, np.uint32)
        small._image = image_over(small._words, alpha=self.channels == 4)
        for row in range(self.rows):  # a row at a time, so that the passing arrays stay small
            cells = np.arange(row * self.columns, (row + 1) * self.columns)
            if self._sketched or self.filled[cells].any():
                tiles = self._grid()[row].transpose(1, 0, 2)  # (columns, h, w)
                small._put(cells, averaged(tiles, factor))
        return small

    def _grid(self) -> NDArray[np.uint32]:
        """The mosaic as (rows, tile height, columns, tile width), a view."""
        return self._words.reshape(self.rows, self.tile_height, self.columns, self.tile_width)

    def _move_plane(self, image: QImage, old: MapFrame, rows: int, columns: int) -> None:
        """Draw the old Map where its tiles lie in the new one, as a sketch until they come."""
        new = self._frame
        if new is None or (old.u, old.v) != (new.u, new.v):
            return
        self._sketched = True
        ratio = old.step / new.step
        # Rows run downwards, the plane's y upwards.
        left = (old.first[0] - new.first[0]) / new.step + 0.5 - ratio / 2
        top = (new.first[1] - old.first[1]) / new.step + 0.5 - ratio / 2
        target = QRectF(
            left * self.tile_width,
            top * self.tile_height,
            columns * ratio * self.tile_width,
            rows * ratio * self.tile_height,
        )
        painter = QPainter(self._image)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, abs(ratio - 1) > 1e-6)
        painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Source)
        painter.drawImage(target, image, QRectF(image.rect()), Qt.ImageConversionFlag.AutoColor)
        painter.end()


def _same_place(a: MapFrame, b: MapFrame | None) -> bool:
    return b is not None and (a.first, a.step) == (b.first, b.step) and (a.u, a.v) == (b.u, b.v)
