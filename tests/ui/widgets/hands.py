"""Real mouse gestures for the widget tests."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

LEFT = Qt.MouseButton.LeftButton
NONE = Qt.KeyboardModifier.NoModifier


def move(widget: QWidget, point: QPoint, modifiers=NONE, buttons=LEFT) -> None:
    """A mouse move with a button held, which QTest cannot send."""
    event = QMouseEvent(
        QEvent.Type.MouseMove,
        QPointF(point),
        QPointF(widget.mapToGlobal(point)),
        Qt.MouseButton.NoButton,
        buttons,
        modifiers,
    )
    QApplication.sendEvent(widget, event)


def drag(widget: QWidget, points: list[QPoint], modifiers=NONE) -> None:
    """Press at the first point, move through the others, release at the last."""
    QTest.mousePress(widget, LEFT, modifiers, points[0])
    for point in points[1:]:
        move(widget, point, modifiers)
    QTest.mouseRelease(widget, LEFT, modifiers, points[-1])
