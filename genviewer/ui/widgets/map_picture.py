"""The Map on the canvas: tiles edge to edge at their plane positions, axes, the cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPen, QRegion

from genviewer.ui.widgets.canvas_geometry import PADDING
from genviewer.ui.widgets.map_geometry import Ahead, MapPort, map_port, near, ticks

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from genviewer.core.sheet import MapFrame, Sheet
    from genviewer.ui.theme import Colors
    from genviewer.ui.widgets.mosaic import Mosaic

LEFT_AXIS = 48
BOTTOM_AXIS = 40
RING = 10.0  # radius of the cursor
GRIP = 14.0  # from this near the cursor can be taken hold of
TICK = 4
Window = tuple[tuple[float, float], float]  # center, extent


class MapPicture:
    """Draws a Map's Sheet in its place on the canvas.

    The hand may be ahead of the tiles: the window and the cursor follow it at once.
    """

    def __init__(self, mosaic: Mosaic) -> None:
        self.area = QRect()
        self.port: MapPort | None = None
        self.hover = -1
        self.smooth = False
        self.window: Ahead[Window] = Ahead(((0.0, 0.0), 1.0))
        self.cursor: Ahead[tuple[float, float]] = Ahead((0.0, 0.0), near)
        self._mosaic = mosaic
        self._sheet: Sheet | None = None
        self._image = (1, 1)
        self._font = QFont()

    @property
    def frame(self) -> MapFrame | None:
        """The plane's geometry of the Sheet that is shown."""
        return self._sheet.map_frame if self._sheet is not None else None

    def place(self, area: QRect, font: QFont, *, smooth: bool) -> None:
        """Give it a place, the widget's font, and whether to smooth."""
        self.area, self.smooth = area, smooth
        self._font = QFont(font)
        self._font.setPixelSize(12)
        self._font.setFeature(QFont.Tag("tnum"), 1)
        self.lay_out()

    def begin(self, sheet: Sheet, height: int, width: int, *, keep: bool) -> QRegion | None:
        """Take a Map's Sheet; gives what must be painted anew, None for the whole place."""
        before, old_port, old_cursor = self.frame, self.port, self.cursor.value
        frame = sheet.map_frame
        if frame is None:
            raise ValueError("a Map's sheet has a map_frame")
        self._sheet, self._image = sheet, (height, width)
        window = (frame.center, frame.extent)
        if keep and before is not None:
            self.window.answer(window)
            self.cursor.answer(frame.cursor)
        else:
            self.window, self.cursor = Ahead(window), Ahead(frame.cursor, near)
        self.lay_out()
        if before is None or not keep or self.port != old_port or self.port is None:
            return None
        if (before.first, before.step) != (frame.first, frame.step):
            return None  # the tiles that stay are resampled
        if (before.x_label, before.y_label) != (frame.x_label, frame.y_label):
            return None
        if old_cursor == self.cursor.value:
            return QRegion()
        return self.cursor_region(old_cursor) + self.cursor_region(self.cursor.value)

    def clear(self) -> None:
        """Show nothing."""
        self._sheet = self.port = None
        self.hover = -1

    def on_cursor(self, point: QPointF) -> bool:
        """Whether the point is near enough to take hold of the cursor."""
        if self.port is None:
            return False
        away = point - self.port.point(*self.cursor.value)
        return away.x() ** 2 + away.y() ** 2 <= GRIP**2

    def cell_at(self, point: QPointF) -> int:
        """The flat index of the tile under a point, -1 where there is none."""
        sheet, frame, port = self._sheet, self.frame, self.port
        if sheet is None or frame is None or port is None or not port.rect.contains(point):
            return -1
        x, y = port.plane(point)
        column = round((x - frame.first[0]) / frame.step)
        row = round((frame.first[1] - y) / frame.step)
        if 0 <= column < sheet.columns and 0 <= row < sheet.rows:
            return row * sheet.columns + column
        return -1

    def cell_rect(self, index: int) -> QRectF:
        """Where a tile lies, in sight or not."""
        if self._sheet is None or self.frame is None or self.port is None or index < 0:
            return QRectF()
        return self.port.tiles_rect(self.frame, *divmod(index, self._sheet.columns))

    def region(self, cells: NDArray[np.integer]) -> QRegion:
        """What the tiles cover of the widget, with the soft edge of smooth drawing."""
        sheet, frame, port = self._sheet, self.frame, self.port
        if sheet is None or frame is None or port is None or not len(cells):
            return QRegion()
        region = QRegion()
        rows, columns = cells // sheet.columns, cells % sheet.columns
        for row in set(rows.tolist()):
            touched = columns[rows == row]
            first, last = int(touched.min()), int(touched.max())
            run = port.tiles_rect(frame, row, first, 1, last - first + 1)
            run = run.adjusted(-2, -2, 2, 2).intersected(port.rect)
            if not run.isEmpty():
                region += run.toAlignedRect()
        return region

    def cursor_region(self, at: tuple[float, float]) -> QRegion:
        """What the cursor covers at plane coordinates."""
        if self.port is None:
            return QRegion()
        point = self.port.point(*at)
        reach = RING + 8
        box = QRectF(point.x() - reach, point.y() - reach, 2 * reach, 2 * reach)
        return QRegion(box.toAlignedRect())

    def zoomed(self, point: QPointF, factor: float) -> Window | None:
        """The window after zooming about a point by a factor; more is nearer."""
        if self.port is None:
            return None
        (center_x, center_y), extent = self.window.value
        x, y = self.port.plane(point)
        extent_now = min(1e6, max(1e-6, extent / factor))
        share = extent_now / extent
        center = (x + (center_x - x) * share, y + (center_y - y) * share)
        return center, extent_now

    def panned(self, dx: float, dy: float) -> Window | None:
        """The window after the hand moved the plane by logical pixels."""
        if self.port is None:
            return None
        (x, y), extent = self.window.value
        return (x - dx / self.port.unit_x, y + dy / self.port.unit_y), extent

    def paint(self, painter: QPainter, exposed: QRect, colors: Colors) -> None:
        """Draw what lies in ``exposed``, which is cleared already."""
        sheet, frame, port = self._sheet, self.frame, self.port
        if sheet is None or frame is None or port is None:
            return
        painter.save()
        inside = port.rect.intersected(QRectF(exposed))
        if not inside.isEmpty():
            painter.setClipRect(inside)
            target = port.tiles_rect(frame, 0, 0, sheet.rows, sheet.columns)
            tile = frame.step * port.unit_y
            scale = tile / max(1, self._mosaic.tile_height)
            source = self._mosaic.at_scale(scale)
            smooth = self.smooth or scale < 2
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
            painter.drawImage(target, source.image, QRectF(source.image.rect()))
            if self.hover >= 0:
                _hover(painter, self.cell_rect(self.hover))
            self._paint_cursor(painter, port, colors)
        painter.setClipRect(exposed)
        if not port.rect.contains(QRectF(exposed)):
            self._paint_axes(painter, port, frame, colors)
        painter.restore()

    def _paint_cursor(self, painter: QPainter, port: MapPort, colors: Colors) -> None:
        point = port.point(*self.cursor.value)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        arms = ((1, 0), (-1, 0), (0, 1), (0, -1))
        for color, width in ((QColor(0, 0, 0, 200), 5.5), (colors.handle, 2.5)):
            pen = QPen(color, width)
            pen.setCapStyle(Qt.PenCapStyle.FlatCap)
            painter.setPen(pen)
            painter.drawEllipse(point, RING, RING)
            for x, y in arms:
                start, end = RING - 4, RING + 5
                painter.drawLine(
                    QPointF(point.x() + x * start, point.y() + y * start),
                    QPointF(point.x() + x * end, point.y() + y * end),
                )
        painter.setPen(QPen(QColor(0, 0, 0, 190), 1))
        painter.setBrush(colors.accent)
        painter.drawEllipse(point, 3.5, 3.5)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def _paint_axes(
        self, painter: QPainter, port: MapPort, frame: MapFrame, colors: Colors
    ) -> None:
        painter.setFont(self._font)
        metrics = QFontMetrics(self._font)
        rect = port.rect
        left, bottom = port.plane(rect.bottomLeft())
        right, top = port.plane(rect.topRight())
        height = metrics.height()
        for value, text in ticks(left, right, max(2, int(rect.width() / 90))):
            x = round(port.point(value, 0).x())
            painter.fillRect(QRectF(x, rect.bottom(), 1, TICK), colors.dim_text)
            place = QRectF(x - 40, rect.bottom() + TICK + 1, 80, height)
            painter.setPen(colors.dim_text)
            painter.drawText(place, int(Qt.AlignmentFlag.AlignCenter), text)
        flags = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        for value, text in ticks(bottom, top, max(2, int(rect.height() / 70))):
            y = round(port.point(0, value).y())
            painter.fillRect(QRectF(rect.left() - TICK, y, TICK, 1), colors.dim_text)
            place = QRectF(rect.left() - TICK - 3 - 40, y - height / 2, 40, height)
            painter.drawText(place, flags, text)
        painter.setPen(colors.text)
        place = QRectF(rect.left(), rect.bottom() + TICK + height + 1, rect.width(), height)
        label = metrics.elidedText(frame.x_label, Qt.TextElideMode.ElideRight, int(place.width()))
        painter.drawText(place, int(Qt.AlignmentFlag.AlignCenter), label)
        painter.save()
        painter.translate(rect.left() - LEFT_AXIS + 2, rect.center().y())
        painter.rotate(-90)
        place = QRectF(-rect.height() / 2, 0, rect.height(), height)
        label = metrics.elidedText(frame.y_label, Qt.TextElideMode.ElideRight, int(place.width()))
        painter.drawText(place, int(Qt.AlignmentFlag.AlignCenter), label)
        painter.restore()

    def lay_out(self) -> None:
        """Follow the area and the window."""
        sheet, frame = self._sheet, self.frame
        body = map_body(self.area)
        if sheet is None or frame is None or body.width() < 16 or body.height() < 16:
            self.port = None
            return
        center, extent = self.window.value
        self.port = map_port(
            body, center, extent, (sheet.rows, sheet.columns), frame.step, self._image
        )


def map_body(area: QRect) -> QRectF:
    """What is left of a place for the tiles, less the axes."""
    return QRectF(area.adjusted(LEFT_AXIS + 6, PADDING, -PADDING, -BOTTOM_AXIS))


def _hover(painter: QPainter, rect: QRectF) -> None:
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for color, inset in ((QColor(0, 0, 0, 160), 0.0), (QColor(255, 255, 255, 220), 1.0)):
        painter.setPen(QPen(color, 1))
        painter.drawRect(rect.adjusted(inset, inset, -1 - inset, -1 - inset))
