"""A blend of classes: one bar divided by shares, and a slider with a percentage for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from genviewer.ui import icons, theme
from genviewer.ui.widgets.blend_weights import SMALLEST, Weights, divided, toggled, with_share
from genviewer.ui.widgets.gesture import Gesture
from genviewer.ui.widgets.value_slider import ValueSlider

if TYPE_CHECKING:
    from collections.abc import Sequence

GRAB = 6  # px left and right of a divider that take hold of it
RADIUS = 6.0


def _fills() -> tuple[QColor, QColor]:
    """Of every other segment: two shades that differ in lightness, with room for text."""
    soft, raised = theme.colors().accent_soft, theme.colors().raised
    halfway = QColor(
        (soft.red() + raised.red()) // 2,
        (soft.green() + raised.green()) // 2,
        (soft.blue() + raised.blue()) // 2,
    )
    return soft, halfway


class ShareBar(QWidget):
    """One bar, a segment per class; drag a divider to give one neighbour what the other loses."""

    edited = Signal(object, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setToolTip("Drag a divider to shift the blend")
        self._names: Sequence[str] = ()
        self._weights: Weights = {}
        self._held: int | None = None  # position of the divider, between segments i and i + 1
        self._hover: int | None = None
        self._gesture = Gesture("blend")

    def sizeHint(self) -> QSize:
        return QSize(200, 30)

    def minimumSizeHint(self) -> QSize:
        return QSize(60, 30)

    def set_names(self, names: Sequence[str], name: str) -> None:
        """The classes' names, and what the condition is called."""
        self._names = names
        self._gesture = Gesture(f"blend:{name}")
        self.setAccessibleName(f"{name} blend")

    def set_weights(self, weights: Weights) -> None:
        """Show other shares."""
        if weights != self._weights:
            self._weights = dict(weights)
            self.update()

    def dividers(self) -> list[float]:
        """X of each divider, px."""
        inner = self.width() - 1
        edges, total = [], 0.0
        for share in list(self._weights.values())[:-1]:
            total += share
            edges.append(total * inner)
        return edges

    def _divider_at(self, x: float) -> int | None:
        near = [(abs(edge - x), i) for i, edge in enumerate(self.dividers())]
        distance, i = min(near, default=(GRAB + 1.0, 0))
        return i if distance <= GRAB else None

    def mousePressEvent(self, event: QMouseEvent) -> None:
        held = self._divider_at(event.position().x())
        if event.button() != Qt.MouseButton.LeftButton or held is None:
            event.ignore()
            return
        self._held = held
        self._gesture.begin()
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        x = event.position().x()
        if self._held is None:
            hover = self._divider_at(x)
            if hover != self._hover:
                self._hover = hover
                if hover is None:
                    self.unsetCursor()
                else:
                    self.setCursor(Qt.CursorShape.SplitHCursor)
                self.update()
            return
        order = list(self._weights)
        if self._held + 1 >= len(order):
            return
        left, right = order[self._held], order[self._held + 1]
        before = sum(self._weights[k] for k in order[: self._held])
        changed = divided(self._weights, left, right, x / max(self.width() - 1, 1) - before)
        if changed != self._weights:
            self._weights = changed
            self.update()
            self.edited.emit(dict(changed), self._gesture.key())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._held is None or event.button() != Qt.MouseButton.LeftButton:
            event.ignore()
            return
        self._held = None
        self._gesture.end()
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        self._hover = None
        self.update()
        super().leaveEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        c = theme.colors()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        frame = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        outline = QPainterPath()
        outline.addRoundedRect(frame, RADIUS, RADIUS)
        painter.setClipPath(outline)
        edges = [0.0, *self.dividers(), float(self.width())]
        metrics = painter.fontMetrics()
        fills = _fills()
        for i, (index, share) in enumerate(self._weights.items()):
            segment = QRectF(edges[i], 0, edges[i + 1] - edges[i], self.height())
            painter.fillRect(segment, fills[i % 2])
            room = int(segment.width()) - 10
            text = self._names[index] if index < len(self._names) else str(index)
            with_share = f"{text}  {share:.0%}"
            if metrics.horizontalAdvance(with_share) <= room:
                text = with_share
            elif metrics.horizontalAdvance(text) > room:
                text = metrics.elidedText(text, Qt.TextElideMode.ElideRight, room)
            if text != "…":
                painter.setPen(c.text)
                painter.drawText(segment, Qt.AlignmentFlag.AlignCenter, text)
        for i, x in enumerate(edges[1:-1]):
            lit = i in (self._held, self._hover)
            painter.setPen(QPen(c.accent, 4 if lit else 2))
            painter.drawLine(round(x), 0, round(x), self.height())
        painter.setClipping(False)
        painter.setPen(QPen(c.accent, 1))
        painter.drawPath(outline)


class BlendBar(QWidget):
    """The bar, and below it a row per class: name, slider, percentage, remove.

    Signals:
        edited(weights, key): dict of class index -> share (sum 1) and the merge key.
    """

    edited = Signal(object, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._names: Sequence[str] = ()
        self._weights: Weights = {}
        self._before: Weights = {}
        self._rows: dict[int, tuple[QWidget, ValueSlider]] = {}
        self._clicks = Gesture("blend")
        self.bar = ShareBar()
        self.bar.edited.connect(self._take)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(4)
        self._layout.addWidget(self.bar)

    def set_names(self, names: Sequence[str], name: str = "class") -> None:
        """The classes' names, and what the condition is called."""
        self._names = names
        self._clicks = Gesture(f"blend:{name}")
        self.bar.set_names(names, name)
        self.set_weights({})

    def set_weights(self, weights: Weights) -> None:
        """Show other shares; rows come and go with the classes."""
        self._weights = dict(weights)
        self.bar.set_weights(weights)
        if list(self._rows) != list(weights):
            self._rebuild()
        for index, (_, slider) in self._rows.items():
            slider.set_default(1.0 / len(weights))
            slider.set_value(weights[index])

    def slider(self, index: int) -> ValueSlider:
        """The slider of a class in the blend."""
        return self._rows[index][1]

    def remove_button(self, index: int) -> QToolButton:
        """The button that takes a class out of the blend."""
        button = self._rows[index][0].findChild(QToolButton)
        assert isinstance(button, QToolButton)
        return button

    def _rebuild(self) -> None:
        for index in [k for k in self._rows if k not in self._weights]:
            row, _ = self._rows.pop(index)
            self._layout.removeWidget(row)
            row.hide()
            row.deleteLater()
        for position, index in enumerate(self._weights):
            row, slider = self._rows.pop(index) if index in self._rows else self._make_row(index)
            self._rows[index] = row, slider
            self._layout.insertWidget(position + 1, row)
        metrics = self.fontMetrics()
        widest = max((metrics.horizontalAdvance(self._name(k)) for k in self._rows), default=0)
        for _, slider in self._rows.values():
            slider.set_label_width(min(max(widest + 2, 16), 80))
        self.updateGeometry()

    def _name(self, index: int) -> str:
        return self._names[index] if index < len(self._names) else str(index)

    def _make_row(self, index: int) -> tuple[QWidget, ValueSlider]:
        name = self._name(index)
        row = QWidget()
        slider = ValueSlider(name, SMALLEST, 1.0 - SMALLEST, 0.5, decimals=0, percent=True)
        slider.track.drag_started.connect(self._remember)
        slider.edited.connect(lambda value, key, k=index: self._share(k, value, key))
        remove = QToolButton()
        remove.setIcon(icons.icon("close"))
        remove.setIconSize(QSize(12, 12))
        remove.setObjectName("tight")
        remove.setFixedSize(24, 24)
        remove.setToolTip(f"Take {name} out of the blend")
        remove.setAccessibleName(f"Remove {name}")
        remove.clicked.connect(lambda _=False, k=index: self._remove(k))
        layout = QHBoxLayout(row)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(slider, 1)
        layout.addWidget(remove)
        return row, slider

    def _remember(self) -> None:
        self._before = dict(self._weights)  # so that going to 99 % and back changes no ratio

    def _share(self, index: int, share: float, key: str) -> None:
        held = self._rows[index][1].dragging and index in self._before
        self._take(with_share(self._before if held else self._weights, index, share), key)

    def _remove(self, index: int) -> None:
        self._take(toggled(self._weights, index), self._clicks.click())

    def _take(self, weights: Weights, key: str) -> None:
        self.set_weights(weights)
        self.edited.emit(dict(weights), key)
