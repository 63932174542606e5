"""Words on the canvas: the hint of an empty one, a failure, the chip beside a hovered cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPen

from genviewer.ui import icons

if TYPE_CHECKING:
    from genviewer.ui.theme import Colors

ICON = 16
LONGEST_CHIP = 320
CHIP_LINES = 6


def paint_hint(painter: QPainter, room: QRect, colors: Colors, text: str) -> None:
    """What to do while there is nothing to show: the first line stands out."""
    title, _, rest = text.partition("\n")
    font = painter.font()
    painter.save()
    larger = painter.font()
    larger.setPixelSize(max(1, round(QFontMetrics(font).height() * 1.05)))
    painter.setFont(larger)
    height = QFontMetrics(larger).height()
    middle = room.center().y()
    shift = height if rest else height // 2
    painter.setPen(colors.text)
    head = QRect(room.left() + 16, middle - shift - 2, room.width() - 32, height + 4)
    painter.drawText(head, int(Qt.AlignmentFlag.AlignCenter), title)
    if rest:
        painter.setFont(font)
        painter.setPen(colors.dim_text)
        below = QRect(room.left() + 16, middle + 6, room.width() - 32, room.height() // 2 - 6)
        flags = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop
        painter.drawText(below, int(flags | Qt.TextFlag.TextWordWrap), rest)
    painter.restore()


def paint_failure(painter: QPainter, room: QRect, colors: Colors, text: str) -> None:
    """Why there is no new sample, quietly, in the middle of its place."""
    inside = room.adjusted(12, 12, -12, -12)
    width = min(inside.width() - 3 * ICON - 12, 340)
    if width < 40:
        return
    flags = int(Qt.AlignmentFlag.AlignLeft | Qt.TextFlag.TextWordWrap)
    needed = painter.fontMetrics().boundingRect(QRect(0, 0, width, inside.height()), flags, text)
    height = min(inside.height(), max(needed.height(), ICON) + 20)
    box = QRectF(0, 0, needed.width() + ICON + 36, height)
    box.moveCenter(QRectF(inside).center())
    box.moveTopLeft(QPointF(box.topLeft().toPoint()))
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(colors.warning, 1))
    painter.setBrush(colors.panel)
    painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
    ratio = painter.device().devicePixelRatioF()
    picture = icons.pixmap("warning", ICON, colors.warning, ratio)
    painter.drawPixmap(QPointF(box.left() + 12, box.top() + 10), picture)
    painter.setPen(colors.text)
    painter.drawText(box.adjusted(12 + ICON + 8, 10, -8, -6), flags, text)
    painter.restore()


def chip_rect(metrics: QFontMetrics, text: str, beside: QRectF, room: QRect) -> QRect:
    """Where the chip of a cell goes: below it, or above it where there is no room."""
    if not text or beside.isEmpty():
        return QRect()
    lines = text.split("\n")[:CHIP_LINES]
    width = min(LONGEST_CHIP, max(metrics.horizontalAdvance(line) for line in lines)) + 16
    height = metrics.height() * len(lines) + 8
    x = round(beside.center().x() - width / 2)
    x = max(room.left() + 4, min(x, room.right() - width - 3))
    y = round(beside.bottom()) + 6
    if y + height > room.bottom() - 3:
        y = round(beside.top()) - 6 - height
    return QRect(x, max(room.top() + 4, y), width, height)


def paint_chip(painter: QPainter, rect: QRect, colors: Colors, text: str) -> None:
    """The chip beside a hovered cell; the first line stands out."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    back = QColor(colors.panel)
    back.setAlpha(240)
    painter.setPen(QPen(colors.line, 1))
    painter.setBrush(back)
    painter.drawRoundedRect(QRectF(rect).adjusted(0.5, 0.5, -0.5, -0.5), 5, 5)
    metrics = painter.fontMetrics()
    height = metrics.height()
    painter.setPen(colors.text)
    for n, line in enumerate(text.split("\n")[:CHIP_LINES]):
        place = QRect(rect.left() + 8, rect.top() + 4 + n * height, rect.width() - 16, height)
        shown = metrics.elidedText(line, Qt.TextElideMode.ElideRight, place.width())
        painter.drawText(place, int(Qt.AlignmentFlag.AlignVCenter), shown)
        painter.setPen(colors.dim_text)
    painter.restore()
