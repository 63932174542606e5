"""One row of the latent sliders: where its parts lie and how it looks. Stateless."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from PySide6.QtCore import QLineF, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QImage, QPainter, QPen, QStaticText

from genviewer.ui.numerals import MINUS

if TYPE_CHECKING:
    from genviewer.ui.theme import Colors

HANDLE_RADIUS = 6.5
GRAB = 10  # px from the handle's centre within which a press takes hold of it
MARGIN = 8
LOCK_WIDTH = 24
LOCK_SIDE = 16  # px, square of a padlock
GROOVE = 4
NO_EFFECT = "no effect"


@dataclass(frozen=True)
class RowLayout:
    """Horizontal stretches of a row, in logical px: ``(left, width)`` each."""

    label: tuple[int, int]
    track: tuple[int, int]
    value: tuple[int, int]
    lock: tuple[int, int]
    height: int
    font: str  # as QFont.toString() gives it, which is too slow to ask for in every row

    @classmethod
    def of(cls, width: int, font: QFont, longest_label: str) -> RowLayout:
        """The layout of a row ``width`` px wide; the track takes what the others leave."""
        metrics = QFontMetrics(font)
        label = metrics.horizontalAdvance(longest_label) + 2
        value = metrics.horizontalAdvance(f"{MINUS}00.00") + 10
        lock_left = width - LOCK_WIDTH
        value_left = lock_left - value
        track_left = MARGIN + label + MARGIN
        return cls(
            (MARGIN, label),
            (track_left, max(value_left - MARGIN // 2 - track_left, 16)),
            (value_left, value),
            (lock_left, LOCK_WIDTH),
            max(24, metrics.height() + 8),
            font.toString(),
        )

    def zone(self, x: float) -> str:
        """Which part of a row lies at ``x``: label, track, value or lock."""
        if x >= self.lock[0]:
            return "lock"
        if x >= self.value[0]:
            return "value"
        return "track" if x >= self.track[0] - MARGIN // 2 else "label"

    def handle_x(self, fraction: float) -> float:
        """Centre of the handle of a value at ``fraction`` of its range."""
        return self.track[0] + HANDLE_RADIUS + fraction * self.way

    def fraction(self, x: float) -> float:
        """Inverse of :meth:`handle_x`; below 0 or above 1 beyond the track's ends."""
        return (x - self.track[0] - HANDLE_RADIUS) / self.way

    @property
    def way(self) -> float:
        """How far the handle travels, in px."""
        return max(self.track[1] - 2 * HANDLE_RADIUS, 1.0)


@dataclass(frozen=True)
class RowState:
    """What a row shows. Fractions are of the range; ``score`` is 0 to 1, None where unknown.

    ``band`` are the low end, the middle and the high end of where an image lies.
    """

    label: str
    text: str
    fraction: float
    zero: float
    ticks: tuple[float, ...]
    score: float | None = None
    locked: bool = False
    dead: bool = False
    current: bool = False
    hovered: bool = False
    focused: bool = False
    band: tuple[float, float, float] | None = None


def paint_row(p: QPainter, top: int, width: int, at: RowLayout, s: RowState, c: Colors) -> None:
    """Paint one row at ``top`` over a background that is already filled."""
    area = QRect(0, top, width, at.height)
    if s.current:
        p.fillRect(area, c.accent_soft if s.focused else c.raised)
        p.fillRect(QRect(0, top, 3, at.height), c.accent if s.focused else c.dim_text)
    elif s.hovered:
        p.fillRect(area, c.raised)
    _paint_label(p, area, at, s, c)
    _paint_track(p, area, at, s, c)
    box = QRect(at.value[0], top + 2, at.value[1], at.height - 4)
    if s.current or s.hovered:
        p.setPen(c.line)
        p.setBrush(c.field)
        p.drawRoundedRect(QRectF(box).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
    p.setPen(c.dim_text if s.dead or s.locked else c.text)
    _write(p, at.font, box.adjusted(0, 0, -5, 0), 1.0, s.text)
    middle = QPointF(at.lock[0] + at.lock[1] / 2, top + at.height / 2)
    paint_padlock(p, middle, s.locked, c.text if s.locked else _unlocked(s, c))


def paint_padlock(p: QPainter, middle: QPointF, closed: bool, color: QColor) -> None:
    """A padlock 8 px wide: filled and shut, or an outline with its shackle swung open."""
    ratio = p.device().devicePixelRatio()
    corner = QPointF(round(middle.x()) - LOCK_SIDE / 2, round(middle.y()) - LOCK_SIDE / 2)
    p.drawImage(corner, _padlock(closed, color.rgba(), ratio))


@lru_cache(maxsize=32)  # its paths cost as much as the rest of a row
def _padlock(closed: bool, rgba: int, ratio: float) -> QImage:
    side = round(LOCK_SIDE * ratio)
    image = QImage(side, side, QImage.Format.Format_ARGB32_Premultiplied)
    image.setDevicePixelRatio(ratio)
    image.fill(Qt.GlobalColor.transparent)
    color = QColor.fromRgba(rgba)
    x = y = LOCK_SIDE / 2
    p = QPainter(image)
    p.setRenderHint(QPainter.RenderHint.Antialiasing)
    p.setPen(QPen(color, 1.3))
    lift = 0.0 if closed else 1.0
    p.drawArc(QRectF(x - 2.5, y - 5.5 - lift, 5, 6), 0, 180 * 16)
    p.drawLine(QLineF(x - 2.5, y - 2.5 - lift, x - 2.5, y))
    if closed:
        p.drawLine(QLineF(x + 2.5, y - 2.5, x + 2.5, y))
        p.setBrush(color)
    p.drawRoundedRect(QRectF(x - 4, y - 0.5, 8, 5.5), 1, 1)
    p.end()
    return image


@lru_cache(maxsize=2048)  # laying a text out costs five times as much as drawing it
def _laid_out(text: str, font_name: str) -> tuple[QStaticText, float, float]:
    laid = QStaticText(text)
    laid.setTextFormat(Qt.TextFormat.PlainText)
    font = QFont()
    font.fromString(font_name)
    laid.prepare(font=font)
    return laid, laid.size().width(), laid.size().height()


def _write(p: QPainter, font: str, area: QRect, share: float, text: str) -> None:
    """Write a line in the middle of a height, ``share`` of the spare width left of it."""
    laid, width, height = _laid_out(text, font)
    left = area.left() + share * (area.width() - width)
    p.drawStaticText(QPointF(round(left), area.top() + round((area.height() - height) / 2)), laid)


def _unlocked(s: RowState, c: Colors) -> QColor:
    return c.dim_text if s.current or s.hovered else c.line


def _paint_label(p: QPainter, area: QRect, at: RowLayout, s: RowState, c: Colors) -> None:
    left, width = at.label
    lift = 0 if s.score is None else 2
    p.setPen(c.dim_text if s.dead else c.text)
    _write(p, at.font, QRect(left, area.top() - lift, width, area.height()), 0.0, s.label)
    if s.score is not None:
        bottom = area.top() + area.height() - 5
        p.fillRect(QRectF(left, bottom, width, 2), c.line)
        if not s.dead:
            p.fillRect(QRectF(left, bottom, max(width * s.score, 1.0), 2), c.accent)


def _paint_track(p: QPainter, area: QRect, at: RowLayout, s: RowState, c: Colors) -> None:
    left, width = at.track
    middle = area.top() + area.height() / 2
    x, zero = at.handle_x(s.fraction), at.handle_x(s.zero)
    half = GROOVE / 2
    groove = c.line
    if s.current and s.focused:  # the line colour would drown in the current row's tint
        groove = QColor(c.accent)
        groove.setAlpha(70)
    p.setPen(Qt.PenStyle.NoPen)
    p.setBrush(groove)
    p.drawRoundedRect(QRectF(left, middle - half, width, GROOVE), half, half)
    if not s.dead:
        fill = c.dim_text if s.locked else c.accent
        p.fillRect(QRectF(min(x, zero), middle - half, abs(x - zero), GROOVE), fill)
    mark = QColor(c.dim_text)
    mark.setAlpha(130)
    for tick in s.ticks:
        p.fillRect(QRectF(round(at.handle_x(tick)), middle + 4, 1, 3), mark)
    p.fillRect(QRectF(round(zero), middle - 5, 1, 10), c.dim_text)
    if s.dead:
        _paint_no_effect(p, area, at, x, s, c)
    if s.band is not None:
        _paint_band(p, area, at, s.band, c)
    p.setPen(QPen(c.accent, 2) if s.current and s.focused else QPen(c.dim_text, 1))
    p.setBrush(_behind(s, c) if s.locked or s.dead else c.handle)
    p.drawEllipse(QPointF(x, middle), HANDLE_RADIUS - 0.5, HANDLE_RADIUS - 0.5)


def _paint_band(
    p: QPainter, area: QRect, at: RowLayout, band: tuple[float, float, float], c: Colors
) -> None:
    """Above the groove: a line from the low to the high end, and a mark at the middle."""
    low, middle, high = (at.handle_x(fraction) for fraction in band)
    top = area.top() + 3
    p.fillRect(QRectF(low, top + 1, max(high - low, 1.0), 2), c.warning)
    p.fillRect(QRectF(round(middle) - 1, top - 1, 2, 6), c.warning)


def _paint_no_effect(
    p: QPainter, area: QRect, at: RowLayout, x: float, s: RowState, c: Colors
) -> None:
    """Write over the half of the groove where the handle is not."""
    left, width = at.track
    half = QRect(left + (0 if x > left + width / 2 else width // 2), area.top(), width // 2, 0)
    half.setHeight(area.height())
    text_width = _laid_out(NO_EFFECT, at.font)[1]
    spare = (half.width() - text_width) / 2 - 3
    p.fillRect(QRectF(half).adjusted(spare, 1, -spare, -1), _behind(s, c))
    p.setPen(c.dim_text)
    _write(p, at.font, half, 0.5, NO_EFFECT)


def _behind(s: RowState, c: Colors) -> QColor:
    if s.current and s.focused:
        return c.accent_soft
    return c.raised if s.current or s.hovered else c.panel
