"""A slim slider."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QWheelEvent,
)
from PySide6.QtWidgets import (
    QSizePolicy,
    QSlider,
    QWidget,
)

from genviewer.ui import theme

STEPS = 10_000
HANDLE = 7.0  # radius, px
GROOVE = 4.0
FINE = 0.1  # how far the handle follows the pointer while Shift is held


class SliderTrack(QSlider):
    """A slim horizontal slider: jumps to where it is pressed, double click resets, Shift is fine.

    The wheel turns it only while it has the keyboard focus, so that a panel can be scrolled with
    the pointer anywhere.
    """

    reset_wanted = Signal()
    drag_started = Signal()
    drag_ended = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.setRange(0, STEPS)
        self.setSingleStep(STEPS // 100)
        self.setPageStep(STEPS // 10)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.mark: float | None = None  # fraction of the range where the default lies
        self.two_sided = False  # filled from the mark on, not from the left
        self._from: tuple[float, float] | None = None  # pointer x and fraction it counts from
        self._fine = False

    def sizeHint(self) -> QSize:
        return QSize(120, 24)

    def minimumSizeHint(self) -> QSize:
        return QSize(48, 24)

    @property
    def fraction(self) -> float:
        """Where the handle is: 0..1."""
        return self.value() / STEPS

    def _x(self, fraction: float) -> float:
        return HANDLE + 1 + fraction * (self.width() - 2 * HANDLE - 2)

    def _fraction_at(self, x: float) -> float:
        return (x - HANDLE - 1) / max(self.width() - 2 * HANDLE - 2, 1.0)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            event.ignore()
            return
        x = event.position().x()
        grabbed = abs(x - self._x(self.fraction)) <= HANDLE + 2
        at = self.fraction if grabbed else self._fraction_at(x)
        self._from = (x, at)
        self._fine = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        self.setSliderDown(True)
        self.drag_started.emit()
        if not grabbed:
            self.setValue(round(at * STEPS))
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._from is None:
            event.ignore()
            return
        fine = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        x = event.position().x()
        if fine != self._fine:  # go on from where the handle is, without a jump
            self._fine = fine
            self._from = (x, self.fraction)
        start_x, start = self._from
        moved = self._fraction_at(x) - self._fraction_at(start_x)
        self.setValue(round((start + moved * (FINE if fine else 1.0)) * STEPS))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._from is None or event.button() != Qt.MouseButton.LeftButton:
            event.ignore()
            return
        self._from = None
        self.setSliderDown(False)
        self.drag_ended.emit()
        self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.reset_wanted.emit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Backspace:
            self.reset_wanted.emit()
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        # Home and End are the slider's while it has the focus, whatever the window uses them for.
        if event.type() == QEvent.Type.ShortcutOverride and event.key() in (  # type: ignore[attr-defined]
            Qt.Key.Key_Home,
            Qt.Key.Key_End,
        ):
            event.accept()
            return True
        return super().event(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        c = theme.colors()
        enabled = self.isEnabled()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        middle = self.height() / 2
        x = self._x(self.fraction)
        groove = QRectF(self._x(0.0), middle - GROOVE / 2, self._x(1.0) - self._x(0.0), GROOVE)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(c.line)
        painter.drawRoundedRect(groove, GROOVE / 2, GROOVE / 2)
        if enabled:
            painter.setBrush(c.accent)
            start = groove.left()
            if self.two_sided and self.mark is not None:
                start = self._x(self.mark)
            filled = QRectF(min(start, x), groove.top(), abs(x - start), GROOVE)
            painter.drawRoundedRect(filled, GROOVE / 2, GROOVE / 2)
        if self.mark is not None:
            at = self._x(self.mark)
            painter.setPen(QPen(c.dim_text, 1))
            painter.drawLine(QPointF(at, middle + 6), QPointF(at, middle + 9))
        ring = c.accent if self.hasFocus() or self.isSliderDown() else c.dim_text
        painter.setPen(QPen(ring if enabled else c.line, 2 if self.hasFocus() else 1))
        painter.setBrush(c.handle if enabled else QColor(c.raised))
        painter.drawEllipse(QPointF(x, middle), HANDLE - 0.5, HANDLE - 0.5)
