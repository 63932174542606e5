"""Moving over what the canvas shows: zoom, pan, the Map's window and cursor."""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Signal

from genviewer.ui.widgets.canvas_view import CanvasView
from genviewer.ui.widgets.focus_picture import FocusPicture
from genviewer.ui.widgets.map_picture import MapPicture
from genviewer.ui.widgets.sheet_picture import SheetPicture

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from genviewer.ui.widgets.map_picture import Window

Part = FocusPicture | SheetPicture | MapPicture
WHEEL_PAUSE_S = 0.6  # wheel steps further apart are gestures of their own
_keys = itertools.count(1)


class CanvasMoves(CanvasView):
    """A canvas that can be zoomed and panned. GUI thread only.

    Signals:
        map_panned(x, y, key), map_zoomed(extent, x, y, key): another window on the plane.
        map_cursor_dragged(x, y, key): the current latent's new plane coordinates.
    """

    map_panned = Signal(float, float, str)
    map_zoomed = Signal(float, float, float, str)
    map_cursor_dragged = Signal(float, float, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._wheel_key = ""
        self._wheel_time = 0.0

    def fit(self) -> None:
        """Show all of the sample and of the sheet; on a Map, bring the cursor into sight."""
        self.focus_picture.fit()
        self.sheet_picture.fit()
        if self.is_map and self._view != "focus":
            _, extent = self.map_picture.window.value
            self._move_window((self.map_picture.cursor.value, extent), new_key("map"), zoom=False)
        self.update()

    def actual_pixels(self) -> None:
        """One screen pixel for each pixel of a sample."""
        part = self._main_part()
        if not isinstance(part, MapPicture):
            part.actual()
            self.update(part.area)

    def zoom_by(self, factor: float) -> None:
        """Zoom about the middle of the sheet, in the Focus view of the sample."""
        part = self._main_part()
        middle = QRectF(part.area).center()
        if isinstance(part, MapPicture) and part.port is not None:
            middle = part.port.rect.center()
        self._zoom(part, middle, factor)

    def _main_part(self) -> Part:
        if self._view == "focus":
            return self.focus_picture
        return self.map_picture if self.is_map else self.sheet_picture

    def _zoom(self, part: Part, point: QPointF, factor: float) -> None:
        if isinstance(part, MapPicture):
            window = part.zoomed(point, factor)
            if window is not None:
                self._move_window(window, self._turn("zoom"), zoom=True)
            return
        part.zoom(point, factor)
        self._place_chip()
        self.update(part.area)

    def _move_window(self, window: Window, key: str, *, zoom: bool) -> None:
        self.map_picture.window.move(window)
        self.map_picture.lay_out()
        self._place_chip()
        self.update(self.map_picture.area)
        (x, y), extent = window
        if zoom:
            self.map_zoomed.emit(extent, x, y, key)
        else:
            self.map_panned.emit(x, y, key)

    def _move_cursor(self, at: tuple[float, float], key: str) -> None:
        part = self.map_picture
        stale = part.cursor_region(part.cursor.value)
        part.cursor.move(at)
        self.update(stale + part.cursor_region(at))
        self.map_cursor_dragged.emit(*at, key)

    def _pan(self, part: Part, delta: QPointF, key: str) -> None:
        if isinstance(part, MapPicture):
            window = part.panned(delta.x(), delta.y())
            if window is not None:
                self._move_window(window, key, zoom=False)
            return
        part.pan(delta.x(), delta.y())
        self._place_chip()
        self.update(part.area)

    def _turn(self, kind: str) -> str:
        """The key of the turn of the wheel that is under way."""
        now = time.monotonic()
        if now - self._wheel_time > WHEEL_PAUSE_S:
            self._wheel_key = new_key(kind)
        self._wheel_time = now
        return self._wheel_key

    def _scroll(self, part: Part, delta: QPointF) -> None:
        self._pan(part, delta, self._turn("scroll"))


def new_key(kind: str) -> str:
    """A name for a gesture that no other has."""
    return f"canvas-{kind}-{next(_keys)}"
