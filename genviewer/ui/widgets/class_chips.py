"""The classes of a condition as chips: click for one, Ctrl-click or drag for a blend."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QFont,
    QFontMetrics,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QApplication, QSizePolicy, QToolTip, QWidget

from genviewer.ui import theme
from genviewer.ui.widgets.blend_weights import Weights, toggled, with_share
from genviewer.ui.widgets.chip import MARGIN, PADDING, RADIUS, paint_chip
from genviewer.ui.widgets.gesture import Gesture

if TYPE_CHECKING:
    from collections.abc import Sequence

GAP = 6
HEIGHT = 30
NARROWEST = 34
EVEN_ROWS = 6  # up to so many rows, the last one is kept full
SCRUB = 160.0  # px of a drag on a chip from no share to all of it
KEY_STEP = 0.05  # share per press of + or -
HINT_WIDTH = 8
MANY = 40
TYPICAL = {False: 0.9, True: 0.75}  # fraction of few, many names that chips are wide enough for

_NAVIGATION = {
    Qt.Key.Key_Left,
    Qt.Key.Key_Right,
    Qt.Key.Key_Up,
    Qt.Key.Key_Down,
    Qt.Key.Key_Home,
    Qt.Key.Key_End,
    Qt.Key.Key_Return,
    Qt.Key.Key_Enter,
    Qt.Key.Key_Plus,
    Qt.Key.Key_Minus,
}


def digit_keys(names: Sequence[str]) -> dict[str, int]:
    """Which class each digit key chooses: key -> class index.

    Keys 1..9, 0 are the first ten classes in order; where the first ten are themselves called
    0..9 in any order, each key is the class of its name.
    """
    first = list(names[:10])
    if len(first) == 10 and set(first) == set("0123456789"):
        return {name: index for index, name in enumerate(first)}
    return dict(zip("1234567890", range(len(first)), strict=False))


class ClassChips(QWidget):
    """Painted chips in even columns; only what is in sight is drawn, so thousands are no matter.

    Dragging a chip sideways sets its share of the blend. Arrows move the keyboard's place, Enter
    chooses, Ctrl+Enter blends, + and - change the share.

    Signals:
        edited(weights, key): dict of class index -> share (sum 1) and the merge key.
        place_changed(rect): the keyboard's place or the chosen class moved there.
    """

    edited = Signal(object, str)
    place_changed = Signal(QRect)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._names: tuple[str, ...] = ()
        self._hints: dict[int, str] = {}
        self._shown: list[int] = []  # class indices that the filter leaves
        self._weights: Weights = {}
        self._wanted = NARROWEST
        self._place = 0  # position in _shown that the keyboard is at
        self._hover: int | None = None
        self._pressed: int | None = None
        self._press_at = QPoint()
        self._before: Weights = {}
        self._gesture = Gesture("class")

    # what it shows

    def set_names(self, names: Sequence[str], name: str = "class") -> None:
        """Show other classes; ``name`` is what the condition is called."""
        self._names = tuple(names)
        self._hints = {index: key for key, index in digit_keys(names).items()}
        self._hints = {i: k for i, k in self._hints.items() if self._names[i] != k}
        self._gesture = Gesture(f"class:{name}")
        self._weights = {}
        metrics = QFontMetrics(theme.strong(self.font()))
        widths = sorted(metrics.horizontalAdvance(n) for n in self._names) or [0]
        typical = widths[min(int(len(widths) * TYPICAL[len(widths) > MANY]), len(widths) - 1)]
        room_for_hints = HINT_WIDTH if self._hints else 0
        self._wanted = max(NARROWEST, typical + 2 * PADDING + room_for_hints)
        self.setAccessibleName(name)
        self.set_filter("")

    def set_filter(self, text: str) -> int:
        """Show only the classes whose name or number has ``text`` in it; how many there are."""
        words = text.casefold().split()
        self._shown = [
            index
            for index, name in enumerate(self._names)
            if all(w in name.casefold() or w == str(index) for w in words)
        ]
        self._place = min(self._place, max(len(self._shown) - 1, 0))
        self._hover = None
        self._relayout()
        return len(self._shown)

    def set_weights(self, weights: Weights) -> None:
        """Show other shares; empty is "any"."""
        if weights == self._weights:
            return
        heaviest = max(weights, key=lambda k: weights[k], default=None)
        moved = heaviest is not None and heaviest not in self._weights
        self._take(weights)
        if moved and self._pressed is None and heaviest in self._shown:
            self._place = self._shown.index(heaviest)
            self.place_changed.emit(self.chip_rect(heaviest))
        described = ", ".join(f"{self._names[k]} {round(w * 100)} %" for k, w in weights.items())
        self.setAccessibleDescription(described or "any")

    @property
    def shown(self) -> tuple[int, ...]:
        """The class indices that the filter leaves, in order."""
        return tuple(self._shown)

    def choose(self, index: int) -> None:
        """One class alone, as the user's choice."""
        self._edit({index: 1.0}, self._gesture.click())

    def _edit(self, weights: Weights, key: str) -> None:
        if weights != self._weights:
            self._take(weights)
            self.edited.emit(dict(weights), key)

    def _take(self, weights: Weights) -> None:
        before, self._weights = self._weights, dict(weights)
        both = before.keys() | weights.keys()
        self._repaint(*(k for k in both if before.get(k) != weights.get(k)))

    def _repaint(self, *indices: int | None) -> None:
        """Paint only these chips again: a drag must not cost all that are in sight."""
        for index in indices:
            if index is not None:
                self.update(self.chip_rect(index).adjusted(-MARGIN, -MARGIN, MARGIN, MARGIN))

    # where things are

    def _columns(self) -> int:
        """As many as fit, or the number of columns that leaves fewer gaps in the last row."""
        count = max(len(self._shown), 1)
        fit = max((self.width() - 2 * MARGIN + GAP) // (self._wanted + GAP), 1)
        rows = -(-count // fit)
        if rows > EVEN_ROWS:
            return fit
        even = [-(-count // r) for r in (rows, rows + 1)]
        return min(even, key=lambda columns: -count % columns)

    def sizeHint(self) -> QSize:
        return QSize(280, self.minimumHeight())

    def _relayout(self) -> None:
        rows = -(-max(len(self._shown), 1) // self._columns())
        self.setFixedHeight(rows * (HEIGHT + GAP) - GAP + 2 * MARGIN)
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._relayout()

    def _cell(self, position: int) -> QRect:
        columns = self._columns()
        row, column = divmod(position, columns)
        step = (self.width() - 2 * MARGIN + GAP) / columns
        left = round(MARGIN + column * step)
        right = round(MARGIN + (column + 1) * step) - GAP
        return QRect(left, MARGIN + row * (HEIGHT + GAP), right - left, HEIGHT)

    def chip_rect(self, index: int) -> QRect:
        """Where a class's chip is; an empty rectangle where the filter hides it."""
        return self._cell(self._shown.index(index)) if index in self._shown else QRect()

    def _at(self, point: QPoint) -> int | None:
        columns = self._columns()
        row = (point.y() - MARGIN) // (HEIGHT + GAP)
        column = int((point.x() - MARGIN) / ((self.width() - 2 * MARGIN + GAP) / columns))
        position = row * columns + min(max(column, 0), columns - 1)
        if not 0 <= position < len(self._shown) or not self._cell(position).contains(point):
            return None
        return self._shown[position]

    # the hand

    def mousePressEvent(self, event: QMouseEvent) -> None:
        point = event.position().toPoint()
        index = self._at(point)
        if event.button() != Qt.MouseButton.LeftButton or index is None:
            event.ignore()
            return
        self._pressed, self._press_at, self._before = index, point, dict(self._weights)
        self._place = self._shown.index(index)
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        point = event.position().toPoint()
        if self._pressed is None:
            hover = self._at(point)
            if hover != self._hover:
                self._repaint(self._hover, hover)
                self._hover = hover
            return
        moved = point.x() - self._press_at.x()
        threshold = QApplication.startDragDistance() // 2
        if not self._gesture.dragging:
            if abs(moved) < threshold:
                return
            self._gesture.begin()
            self.setCursor(Qt.CursorShape.SizeHorCursor)
        moved -= threshold if moved > 0 else -threshold
        share = self._before.get(self._pressed, 0.0) + moved / SCRUB
        self._edit(with_share(self._before, self._pressed, share), self._gesture.key())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        index, self._pressed = self._pressed, None
        if index is None or event.button() != Qt.MouseButton.LeftButton:
            event.ignore()
            return
        self.update()
        if self._gesture.dragging:
            self._gesture.end()
            self.unsetCursor()
        elif self._at(event.position().toPoint()) == index:
            blending = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
            if event.modifiers() & blending:
                self._edit(toggled(self._weights, index), self._gesture.click())
            else:
                self.choose(index)

    def leaveEvent(self, event: QEvent) -> None:
        self._hover = None
        self.update()
        super().leaveEvent(event)

    # the keyboard

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.ShortcutOverride:
            plain = not event.modifiers() & Qt.KeyboardModifier.ControlModifier
            enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
            if event.key() in _NAVIGATION and (plain or enter):
                event.accept()
                return True
        if isinstance(event, QHelpEvent):
            index = self._at(event.pos())
            if index is None:
                QToolTip.hideText()
            else:
                QToolTip.showText(event.globalPos(), self._tip(index), self)
            return True
        if event.type() == QEvent.Type.PaletteChange:
            self.update()
        return super().event(event)

    def _tip(self, index: int) -> str:
        hint = f"  (key {self._hints[index]})" if index in self._hints else ""
        share = self._weights.get(index, 0.0)
        blended = f", {round(share * 100)} %" if 0 < share < 1 else ""
        return f"{self._names[index]}{blended}{hint}\nCtrl-click or drag sideways to blend"

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        if key not in _NAVIGATION or not self._shown:
            super().keyPressEvent(event)
            return
        index = self._shown[self._place]
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
                self._edit(toggled(self._weights, index), self._gesture.click())
            else:
                self.choose(index)
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Minus):
            step = KEY_STEP if key == Qt.Key.Key_Plus else -KEY_STEP
            share = self._weights.get(index, 0.0) + step
            self._edit(with_share(self._weights, index, share), self._gesture.key())
        else:
            columns = self._columns()
            step = {
                Qt.Key.Key_Left: -1,
                Qt.Key.Key_Right: 1,
                Qt.Key.Key_Up: -columns,
                Qt.Key.Key_Down: columns,
                Qt.Key.Key_Home: -len(self._shown),
                Qt.Key.Key_End: len(self._shown),
            }[Qt.Key(key)]
            self._place = min(max(self._place + step, 0), len(self._shown) - 1)
            self.place_changed.emit(self._cell(self._place))
            self.update()

    # the picture

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        columns = self._columns()
        first = max((event.rect().top() - MARGIN) // (HEIGHT + GAP), 0) * columns
        last = ((event.rect().bottom() - MARGIN) // (HEIGHT + GAP) + 1) * columns
        fonts = QFont(self.font()), theme.strong(self.font()), QFont(self.font())
        fonts[2].setPixelSize(9)
        for position in range(first, min(last, len(self._shown))):
            ringed = self._cell(position).adjusted(-MARGIN, -MARGIN, MARGIN, MARGIN)
            if event.region().intersects(ringed):
                self._paint_chip(painter, position, fonts)

    def _paint_chip(
        self, painter: QPainter, position: int, fonts: tuple[QFont, QFont, QFont]
    ) -> None:
        c = theme.colors()
        index = self._shown[position]
        rect = QRectF(self._cell(position)).adjusted(0.5, 0.5, -0.5, -0.5)
        share = self._weights.get(index, 0.0)
        alone = share >= 1.0
        held = self._pressed == index
        hovered = self._hover == index or held
        paint_chip(painter, rect, share, hovered=hovered, held=held)
        if self.hasFocus() and position == self._place:
            painter.setPen(QPen(c.accent, 1.5))
            painter.drawRoundedRect(rect.adjusted(-2, -2, 2, 2), RADIUS + 2, RADIUS + 2)
        font = fonts[1] if share > 0 else fonts[0]
        painter.setFont(font)
        painter.setPen(c.accent_text if alone else c.text)
        hint = self._hints.get(index, "")
        room = rect.adjusted(5, 0, -5, 0)
        text = self._names[index]
        metrics = QFontMetrics(font)
        if metrics.horizontalAdvance(text) > room.width():
            text = metrics.elidedText(text, Qt.TextElideMode.ElideRight, int(room.width()))
        painter.drawText(room, Qt.AlignmentFlag.AlignCenter, text)
        if hint:
            painter.setFont(fonts[2])
            painter.setPen(c.accent_text if alone else c.dim_text)
            painter.drawText(QPointF(rect.right() - 8.5, rect.top() + 9.5), hint)
