"""A slider over the steps of a training whose weights can be looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from genviewer.ui import theme
from genviewer.ui.widgets.timeline_columns import Columns

if TYPE_CHECKING:
    from collections.abc import Sequence

HEIGHT = 44
LINE = 14.0  # where the line is
HANDLE = 7.0
LABEL_GAP = 12.0


class TimelineSlider(QWidget):
    """Dots for the steps on a line, a handle at the one that is looked at, and their numbers.

    Signals:
        step_wanted(object): the weights of this step are to be looked at; None for the newest of
            a training that goes on.
    """

    step_wanted = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)
        self.setAccessibleName("Steps of the training")
        self.setToolTip("Drag, or press the arrow keys, to look at the weights of a step")
        self._steps: tuple[int, ...] = ()
        self._current: int | None = None
        self._live = False
        self._hover = -1
        self._dragging = False
        self.margin = 0
        """Pixels at the right that the strip below leaves to its scroll bar."""

    @property
    def columns(self) -> Columns:
        """Where the steps are."""
        return Columns(len(self._steps), self.width() - self.margin)

    def set_steps(self, steps: Sequence[int]) -> None:
        """The steps that can be looked at, ascending."""
        if tuple(steps) != self._steps:
            self._steps = tuple(steps)
            self._hover = -1
            self._tell()

    def set_current(self, step: int | None, live: bool) -> None:
        """The step that is looked at, or None for the newest; ``live``: there will be newer."""
        if (step, live) != (self._current, self._live):
            self._current, self._live = step, live
            self._tell()

    def _tell(self) -> None:
        at = "the newest" if self._current is None else f"step {self._current:,}"
        self.setAccessibleDescription(f"Looking at {at} of {len(self._steps)} steps.")
        self.update()

    @property
    def _place(self) -> int:
        """The place of the handle."""
        if self._current is None or self._current not in self._steps:
            return len(self._steps) - 1
        return self._steps.index(self._current)

    def sizeHint(self) -> QSize:
        return QSize(400, HEIGHT)

    def minimumSizeHint(self) -> QSize:
        return QSize(280, HEIGHT)

    # painting

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self._steps:
            return
        c, columns = theme.colors(), self.columns
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        first, last = columns.x(0), columns.x(len(self._steps) - 1)
        now = columns.x(self._place)
        painter.setPen(QPen(c.line, 3))
        painter.drawLine(QPointF(first, LINE), QPointF(last, LINE))
        painter.setPen(QPen(c.accent, 3))
        painter.drawLine(QPointF(first, LINE), QPointF(now, LINE))
        painter.setPen(Qt.PenStyle.NoPen)
        for place in range(len(self._steps)):
            x = columns.x(place)
            painter.setBrush(c.accent if x <= now else c.dim_text)
            size = 4.0 if place == self._hover else 2.5
            painter.drawEllipse(QPointF(x, LINE), size, size)
        self._paint_labels(painter, columns)
        ring = c.accent if self.hasFocus() or self._dragging else c.dim_text
        painter.setPen(QPen(ring, 2 if self.hasFocus() else 1))
        painter.setBrush(c.accent if self._current is None and self._live else c.handle)
        painter.drawEllipse(QPointF(now, LINE), HANDLE, HANDLE)

    def _paint_labels(self, painter: QPainter, columns: Columns) -> None:
        """The numbers of the steps, as many as there is room for; that of the handle always."""
        c, metrics = theme.colors(), self.fontMetrics()
        taken: list[tuple[float, float]] = []
        hover = [self._hover] if self._hover >= 0 else []
        important = [*hover, self._place, 0, len(self._steps) - 1]
        for place in dict.fromkeys([*important, *columns.tiled]):
            text = f"{self._steps[place]:,}"
            half = metrics.horizontalAdvance(text) / 2
            x = columns.x(place)
            if any(x - half < end and start < x + half for start, end in taken):
                continue
            taken.append((x - half - LABEL_GAP, x + half + LABEL_GAP))
            strong = place in (self._place, self._hover)
            painter.setPen(c.text if strong else c.dim_text)
            box = QRectF(x - half - 2, LINE + HANDLE + 3, 2 * half + 4, HEIGHT - LINE - HANDLE - 4)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)

    # the hand

    def _want(self, place: int) -> None:
        """Look at a place; the newest of a training that goes on is followed only when asked."""
        if self._steps:
            step = self._steps[min(max(place, 0), len(self._steps) - 1)]
            if step != self._current:
                self.step_wanted.emit(step)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._steps:
            self._dragging = True
            self._want(self.columns.place(event.position().x()))
            self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        place = self.columns.place(event.position().x()) if self._steps else -1
        if self._dragging:
            self._want(place)
        if place != self._hover:
            self._hover = place
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._dragging = False
            self.update()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._hover = -1
        self.update()

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.hasFocus() and event.angleDelta().y():
            self._want(self._place + (1 if event.angleDelta().y() < 0 else -1))
        else:
            event.ignore()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        keys = Qt.Key
        aside = {keys.Key_Left: -1, keys.Key_Down: -1, keys.Key_Right: 1, keys.Key_Up: 1}
        aside |= {keys.Key_PageDown: -5, keys.Key_PageUp: 5}
        key, last = keys(event.key()), len(self._steps) - 1
        if key in aside:
            beyond = self._live and self._place == last and aside[key] > 0
            if beyond and self._current is not None:
                self.step_wanted.emit(None)
            elif not (beyond or (self._current is None and aside[key] > 0)):
                self._want(self._place + aside[key])
        elif key == keys.Key_Home:
            self._want(0)
        elif key == keys.Key_End:
            if self._live:
                self.step_wanted.emit(None)
            else:
                self._want(last)
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        # These are the slider's while it has the focus, whatever the window uses them for.
        if event.type() == QEvent.Type.ShortcutOverride and event.key() in (  # type: ignore[attr-defined]
            Qt.Key.Key_Home,
            Qt.Key.Key_End,
            Qt.Key.Key_Left,
            Qt.Key.Key_Right,
        ):
            event.accept()
            return True
        return super().event(event)

    def focusInEvent(self, event: QEvent) -> None:
        super().focusInEvent(event)  # type: ignore[arg-type]
        self.update()

    def focusOutEvent(self, event: QEvent) -> None:
        super().focusOutEvent(event)  # type: ignore[arg-type]
        self.update()
