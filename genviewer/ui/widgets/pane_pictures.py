"""The panes' samples as one or several pictures, and what a hand on them means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QHideEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import QWidget

from genviewer.core.scene import CompareOptions
from genviewer.ui import theme
from genviewer.ui.widgets.canvas import ARROWS, NUDGE
from genviewer.ui.widgets.canvas_moves import new_key
from genviewer.ui.widgets.focus_picture import FocusPicture
from genviewer.ui.widgets.pane_header import LETTERS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]

FLICKER_MS = 450
GRIP = 8  # around the divider, where it can be taken
STEP = 0.02  # of the width, per arrow key on the divider


class PanePictures(QWidget):
    """Samples side by side, or two of them held against each other. GUI thread only.

    Signals:
        painted(): what is newest is on the screen.
        focus_wanted(int): a pane is to have the focus.
        dragged_on_image(dx, dy, fine, key): as of the canvas.
        divider_moved(float, key): the divider is to be at this share of the picture's width.
    """

    painted = Signal()
    focus_wanted = Signal(int)
    dragged_on_image = Signal(float, float, bool, str)
    divider_moved = Signal(float, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAccessibleName("Compared samples")
        self._pixels: dict[int, Bytes] = {}
        self._failures: dict[int, str] = {}
        self._count, self._focus = 0, 0
        self._options = CompareOptions()
        self._smooth = False
        self._pictures: list[FocusPicture] = []
        self._drag: tuple[Literal["image", "divider"], QPointF, str, FocusPicture] | None = None
        self._arrow_key = ""
        self._odd = False
        self._flicker = QTimer(self)
        self._flicker.setInterval(FLICKER_MS)
        self._flicker.timeout.connect(self._turn)

    # what is shown

    def set_panes(self, count: int, focus: int, options: CompareOptions) -> None:
        """Show so many panes, in this way."""
        if (count, focus, options) == (self._count, self._focus, self._options):
            return
        if count != self._count:
            self._pixels = {k: v for k, v in self._pixels.items() if k < count}
        self._count, self._focus, self._options = count, focus, options
        self._rearrange()

    def set_smooth(self, smooth: bool) -> None:
        """Interpolate between pixels, or show them."""
        self._smooth = smooth
        self._lay_out()
        self.update()

    def show_pixels(self, index: int, pixels: Bytes) -> None:
        """A pane's new sample: uint8 (H, W, C)."""
        self._pixels[index] = pixels
        self._failures.pop(index, None)
        self._fill()

    def show_failure(self, index: int, text: str) -> None:
        """Say why a pane has no new sample."""
        self._failures[index] = text
        self.update()

    def pixels(self, index: int) -> Bytes | None:
        """What a pane shows."""
        return self._pixels.get(index)

    @property
    def pair(self) -> tuple[int, int]:
        """The two panes that are held against each other: the one in focus, and the next."""
        return self._focus, (self._focus + 1) % max(1, self._count)

    def minimumSizeHint(self) -> QSize:
        return QSize(160, 120)

    def _rearrange(self) -> None:
        side = self._options.mode == "side"
        wanted = self._count if side else 2 if self._options.mode == "swipe" else 1
        if len(self._pictures) != wanted:
            self._pictures = [FocusPicture() for _ in range(wanted)]
        flickering = self._options.mode == "flicker" and self.isVisible()
        if flickering != self._flicker.isActive():
            self._flicker.start() if flickering else self._flicker.stop()
        self._lay_out()
        self._fill()

    def _lay_out(self) -> None:
        ratio = self.devicePixelRatioF()
        columns = len(self._pictures) if self._options.mode == "side" else 1
        edges = [round(self.width() * k / max(1, columns)) for k in range(columns + 1)]
        for index, picture in enumerate(self._pictures):
            column = index if columns > 1 else 0
            area = QRect(edges[column], 0, edges[column + 1] - edges[column], self.height())
            picture.place(area, ratio, smooth=self._smooth)

    def _fill(self) -> None:
        """Give every picture the pixels that it shows now."""
        mode, (first, second) = self._options.mode, self.pair
        one, two = self._pixels.get(first), self._pixels.get(second)
        if mode == "side":
            shown = [self._pixels.get(index) for index in range(self._count)]
        elif one is None or two is None:
            shown = [one if one is not None else two] * len(self._pictures)
        elif mode == "difference":
            shown = [difference(one, two, self._options.gain)]
        else:
            alike = same_size(one, two)
            shown = list(alike) if mode == "swipe" else [alike[int(self._odd)]]
        for picture, pixels in zip(self._pictures, shown, strict=True):
            if pixels is None:
                picture.clear()
            elif picture.pixels is not pixels:
                picture.show(pixels)
        self.update()

    def _turn(self) -> None:
        self._odd = not self._odd
        self._fill()

    # painting

    def paintEvent(self, event: QPaintEvent) -> None:
        c = theme.colors()
        painter = QPainter(self)
        painter.fillRect(event.rect(), c.canvas)
        if self._options.mode == "swipe" and len(self._pictures) == 2:
            self._paint_swipe(painter)
        else:
            for picture in self._pictures:
                picture.paint(painter, picture.area)
        for index, text in self._failures.items():
            self._paint_failure(painter, index, text)
        if self._options.mode == "flicker" and self._pixels:
            self._paint_note(painter, LETTERS[self.pair[int(self._odd)]])
        if self.hasFocus():
            painter.setPen(QPen(c.accent, 1))
            painter.drawRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5))
        painter.end()
        self.painted.emit()

    def _paint_swipe(self, painter: QPainter) -> None:
        one, two = self._pictures
        place = one.rect
        if place.isEmpty():
            return
        at = self._divider_x()
        left = QRect(self.rect())
        left.setRight(round(at) - 1)
        right = QRect(self.rect())
        right.setLeft(round(at))
        for picture, part in ((one, left), (two, right)):
            painter.save()
            painter.setClipRect(part)
            picture.paint(painter, part)
            painter.restore()
        c = theme.colors()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(c.accent, 2))
        painter.drawLine(QPointF(at, place.top()), QPointF(at, place.bottom() + 1))
        painter.setBrush(c.accent)
        middle = QPointF(at, place.center().y() + 0.5)
        painter.drawEllipse(middle, 9, 9)
        painter.setPen(QPen(c.accent_text, 1.5))
        for side in (-1, 1):
            tip = middle + QPointF(5 * side, 0)
            painter.drawLine(tip, tip + QPointF(-3 * side, -3))
            painter.drawLine(tip, tip + QPointF(-3 * side, 3))

    def _paint_failure(self, painter: QPainter, index: int, text: str) -> None:
        side = self._options.mode == "side" and index < len(self._pictures)
        if not side and index not in self.pair:
            return
        area = self._pictures[index].area if side else self.rect()
        painter.setPen(theme.colors().warning)
        room = QRectF(area).adjusted(16, 16, -16, -16)
        flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
        painter.drawText(room, int(flags), text)

    def _paint_note(self, painter: QPainter, text: str) -> None:
        c = theme.colors()
        place = QRectF(12, 12, 26, 24)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(c.panel)
        painter.drawRoundedRect(place, 5, 5)
        painter.setPen(c.text)
        painter.setFont(theme.strong(self.font()))
        painter.drawText(place, Qt.AlignmentFlag.AlignCenter, text)

    # the hand

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            return
        point = event.position()
        if self._on_divider(point):
            self._drag = ("divider", point, new_key("divider"), self._pictures[0])
            return
        for index, picture in enumerate(self._pictures):
            if picture.area.contains(point.toPoint()):
                if self._options.mode == "side" and index != self._focus:
                    self.focus_wanted.emit(index)
                if picture.rect.contains(point.toPoint()):
                    self._drag = ("image", point, new_key("image"), picture)
                    self.setCursor(Qt.CursorShape.ClosedHandCursor)
                return

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        point = event.position()
        if self._drag is None:
            self._point_with(point)
            return
        kind, last, key, picture = self._drag
        self._drag = (kind, point, key, picture)
        place = picture.rect
        if place.isEmpty():
            return
        if kind == "divider":
            share = (point.x() - place.left()) / place.width()
            self.divider_moved.emit(min(1.0, max(0.0, share)), key)
            return
        delta = point - last
        fine = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        self.dragged_on_image.emit(
            delta.x() / place.width(), -delta.y() / place.height(), fine, key
        )

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._drag = None
            self._point_with(event.position())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if key not in ARROWS or event.modifiers() & ~(
            Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.KeypadModifier
        ):
            super().keyPressEvent(event)
            return
        x, y = ARROWS[key]
        if not event.isAutoRepeat() or not self._arrow_key:
            self._arrow_key = new_key("arrow")
        if self._options.mode == "swipe" and x:
            at = min(1.0, max(0.0, self._options.divider + x * STEP))
            self.divider_moved.emit(at, self._arrow_key)
        else:
            fine = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            self.dragged_on_image.emit(x * NUDGE, y * NUDGE, fine, self._arrow_key)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._lay_out()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._rearrange()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._flicker.stop()

    def _divider_x(self) -> float:
        place = self._pictures[0].rect
        return place.left() + self._options.divider * place.width()

    def _on_divider(self, point: QPointF) -> bool:
        if self._options.mode != "swipe" or not self._pictures:
            return False
        place = self._pictures[0].rect
        inside = place.top() <= point.y() <= place.bottom()
        return inside and abs(point.x() - self._divider_x()) <= GRIP

    def _point_with(self, point: QPointF) -> None:
        shape = Qt.CursorShape.ArrowCursor
        if self._on_divider(point):
            shape = Qt.CursorShape.SplitHCursor
        elif any(picture.rect.contains(point.toPoint()) for picture in self._pictures):
            shape = Qt.CursorShape.OpenHandCursor
        if self.cursor().shape() != shape:
            self.setCursor(shape)


def same_size(one: Bytes, two: Bytes) -> tuple[Bytes, Bytes]:
    """Both pictures with the larger height, width and number of channels, by nearest pixels."""
    height, width = max(one.shape[0], two.shape[0]), max(one.shape[1], two.shape[1])
    channels = max(one.shape[2], two.shape[2])

    def grown(pixels: Bytes) -> Bytes:
        if pixels.shape[:2] != (height, width):
            rows = np.arange(height) * pixels.shape[0] // height
            columns = np.arange(width) * pixels.shape[1] // width
            pixels = pixels[rows][:, columns]
        if pixels.shape[2] == channels:
            return pixels
        if pixels.shape[2] == 1:
            colors = np.repeat(pixels, min(3, channels), axis=2)
        else:
            colors = pixels
        if channels == 4 and colors.shape[2] == 3:
            opaque = np.full((*colors.shape[:2], 1), 255, np.uint8)
            colors = np.concatenate([colors, opaque], axis=2)
        return np.ascontiguousarray(colors)

    return grown(one), grown(two)


def difference(one: Bytes, two: Bytes, gain: float) -> Bytes:
    """``one`` minus ``two`` times ``gain``, halved about mid grey 128: uint8 (H, W, C) without
    alpha.

    Equal pixels are mid grey; brighter means that ``one`` is brighter.
    """
    a, b = same_size(one, two)
    delta = a[..., :3].astype(np.float32) - b[..., :3].astype(np.float32)
    return np.clip(128.0 + np.rint(delta * (0.5 * gain)), 0, 255).astype(np.uint8)
