"""The frames that flew by: a strip of thumbnails to go back to or pin."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPoint, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QFocusEvent, QKeyEvent, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QMenu, QWidget

from genviewer.ui import icons
from genviewer.ui.widgets.filmstrip_view import MARGIN, PITCH, THUMB, FilmstripView

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from genviewer.ui.widgets.filmstrip_view import Thumb


class Filmstrip(FilmstripView):
    """The last 64 of the frames that were shown, the newest at the right. GUI thread only.

    Of the frames pushed it keeps about six a second, and always the last one of a run; a frame
    that is on the strip already is not put there twice. While the
    pointer is over the strip it does not scroll by itself, so that what is aimed at stays there.

    Signals:
        chosen(recipe): a frame was clicked, or Enter pressed on it.
        pin_wanted(recipe, pixels): a frame is to be kept; pixels are uint8 (h, w, C).
    """

    chosen = Signal(object)
    pin_wanted = Signal(object, object)

    def __init__(
        self, parent: QWidget | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(parent, clock)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAccessibleName("Recent frames")
        self._pressed: Thumb | None = None
        self._aimed: tuple[Thumb, object, NDArray[np.uint8]] | None = None  # as it was then

    def clear(self) -> None:
        """Forget all frames."""
        self._pressed = self._aimed = None
        super().clear()

    # Mouse.

    def _index_at(self, point: QPoint) -> int:
        x = point.x() - MARGIN + self._shift()
        index = x // PITCH
        inside = 0 <= index < len(self._thumbs) and x % PITCH < THUMB
        return index if inside and MARGIN <= point.y() < MARGIN + THUMB else -1

    def _thumb_at(self, point: QPoint) -> Thumb | None:
        index = self._index_at(point)
        return self._thumbs[index] if index >= 0 else None

    def _update_thumb(self, thumb: Thumb | None) -> None:
        if thumb is not None and thumb in self._thumbs:
            rect = self.thumb_rect(self._thumbs.index(thumb))
            self.update(rect.adjusted(-2, -2, 2, 2))

    def _hover_at(self, point: QPoint | None) -> None:
        thumb = self._thumb_at(point) if point is not None else None
        index = self._index_at(point) if point is not None else -1
        on_pin = point is not None and index >= 0 and self.pin_rect(index).contains(point)
        self.setToolTip(
            "Pin" if on_pin else "Click to go back, double-click to pin" if thumb else ""
        )
        if thumb is not self._hover:
            self._update_thumb(self._hover)
            self._hover = thumb
            self._update_thumb(thumb)
            shape = Qt.CursorShape
            self.setCursor(shape.PointingHandCursor if thumb else shape.ArrowCursor)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            return
        point = event.position().toPoint()
        self._hover_at(point)
        thumb = self._pressed = self._thumb_at(point)
        if thumb is None:
            return
        self._aimed = (thumb, thumb.recipe, thumb.pixels)
        self._move_cursor(thumb)
        if self.pin_rect(self._index_at(point)).contains(point):
            self._pressed = None
            self.pin_wanted.emit(thumb.recipe, thumb.pixels)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        pressed, self._pressed = self._pressed, None
        if event.button() != Qt.MouseButton.LeftButton or pressed is None:
            return
        if self._thumb_at(event.position().toPoint()) is pressed:
            self.chosen.emit(pressed.recipe)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        point = event.position().toPoint()
        index = self._index_at(point)
        if event.button() != Qt.MouseButton.LeftButton or index < 0:
            return
        if self.pin_rect(index).contains(point):
            return
        # The first of the two clicks went back to it, and it may be drawn by other weights by now.
        aimed, thumb = self._aimed, self._thumbs[index]
        if aimed is None or aimed[0] is not thumb:
            aimed = (thumb, thumb.recipe, thumb.pixels)
        self.pin_wanted.emit(*aimed[1:])

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._hover_at(event.position().toPoint())

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._hover_at(None)

    def wheelEvent(self, event: QWheelEvent) -> None:
        fingers, angle = event.pixelDelta(), event.angleDelta()
        delta = (fingers.x() or fingers.y()) or (angle.x() or angle.y()) / 120 * PITCH
        self._scroll_to(self._scroll + round(delta))
        self._hover_at(event.position().toPoint())
        event.accept()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        by_key = event.reason() == QContextMenuEvent.Reason.Keyboard
        thumb = self._cursor if by_key else self._thumb_at(event.pos())
        where = event.globalPos()
        if thumb is not None and thumb in self._thumbs and by_key:
            rect = self.thumb_rect(self._thumbs.index(thumb))
            where = self.mapToGlobal(rect.center())
        self.menu_for(thumb).popup(where)

    def menu_for(self, thumb: Thumb | None) -> QMenu:
        """What can be done with a frame; it deletes itself when it closes."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        if thumb is not None:
            recipe, pixels = thumb.recipe, thumb.pixels
            go = menu.addAction(icons.icon("history"), "Go Back to This Frame")
            go.triggered.connect(lambda: self.chosen.emit(recipe))
            pin = menu.addAction(icons.icon("pin"), "Pin")
            pin.triggered.connect(lambda: self.pin_wanted.emit(recipe, pixels))
            menu.addSeparator()
        forget = menu.addAction(icons.icon("trash"), "Forget All Frames")
        forget.setEnabled(bool(self._thumbs))
        forget.triggered.connect(self.clear)
        return menu

    # Keyboard.

    def _move_cursor(self, thumb: Thumb | None) -> None:
        self._update_thumb(self._cursor)
        self._cursor = thumb
        if thumb is None:
            return
        rect = self.thumb_rect(self._thumbs.index(thumb))
        if rect.left() < MARGIN:
            self._scroll_to(self._scroll + MARGIN - rect.left())
        elif rect.right() > self.width() - MARGIN:
            self._scroll_to(self._scroll - (rect.right() + MARGIN - self.width()))
        self._update_thumb(thumb)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, count = event.key(), len(self._thumbs)
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
        ends = {Qt.Key.Key_Home: 0, Qt.Key.Key_End: count - 1}
        if count and key in (*steps, *ends):
            at = count if self._cursor is None else self._thumbs.index(self._cursor)
            target = ends[Qt.Key(key)] if key in ends else at + steps[Qt.Key(key)]
            self._move_cursor(self._thumbs[max(0, min(count - 1, target))])
        elif self._cursor is not None and key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.chosen.emit(self._cursor.recipe)
        elif self._cursor is not None and key == Qt.Key.Key_P:
            self.pin_wanted.emit(self._cursor.recipe, self._cursor.pixels)
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        if self._cursor is None and self._thumbs:
            self._cursor = self._thumbs[-1]
        self._update_thumb(self._cursor)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._update_thumb(self._cursor)
