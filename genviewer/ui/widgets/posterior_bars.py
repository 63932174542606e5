"""p(y | x) as bars, one for each class, and the prior p(y) beside them, to be edited."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QEvent, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QFontMetrics,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QToolTip, QWidget

from genviewer.ui import theme

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

ROW = 18
LEAST_ROW = 15
PRIOR_WIDTH = 44
LABEL_LIMIT = 96
PRIOR_STEP = 0.1
PRIOR_TOP = 1.0
"""The weight of a class whose prior is drawn as far as it goes."""


class PosteriorBars(QAbstractScrollArea):
    """Rows of class, bar, percent and the weight of the prior.

    A drag on the right sets the weight of a class in the prior, a double click gives it full
    weight again. Keys: up and down choose a row, left and right change its weight, Backspace
    gives it full weight. A press on a class asks to go there.

    Signals:
        prior_edited: weights float64 (K,), 0..1 each and not all of them 0.
        class_chosen: the class that was clicked.
    """

    prior_edited = Signal(object)
    class_chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._names: tuple[str, ...] = ()
        self._posterior: np.ndarray | None = None
        self._prior = np.ones(0)
        self._current = 0
        self._held = -1
        self._row = ROW  # height of one class, px
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.viewport().setMouseTracking(True)
        self.setAccessibleName("Probability of each class")

    # -- values in -------------------------------------------------------------------------------

    def set_classes(self, names: Sequence[str]) -> None:
        """Show other classes, all equally probable a priori and nothing known about them."""
        self._names = tuple(names)
        self._posterior = None
        self._prior = np.ones(len(self._names))
        self._current = 0
        self._range()
        self.viewport().update()

    def set_posterior(self, posterior: ArrayLike | None) -> None:
        """Show p(y | x), float (K,); None where it is not known.

        A class that newly leads comes into sight, unless the hand is at the rows.
        """
        before = self._leader()
        self._posterior = None if posterior is None else np.asarray(posterior, np.float64)
        leader = self._leader()
        if leader not in (before, -1) and not self.underMouse():
            self._bring_into_sight(leader)
        self._describe()
        self.viewport().update()

    def set_prior(self, weights: ArrayLike) -> None:
        """Show the weights of the prior, float (K,), 0..1 each."""
        self._prior = np.asarray(weights, np.float64).copy()
        self.viewport().update()

    @property
    def prior(self) -> np.ndarray:
        """The weights of the prior, float64 (K,)."""
        return self._prior.copy()

    # -- geometry --------------------------------------------------------------------------------

    def sizeHint(self) -> QSize:
        return QSize(200, ROW * min(max(len(self._names), 1), 10))

    def minimumSizeHint(self) -> QSize:
        return QSize(150, 4 * ROW)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._range()

    def _range(self) -> None:
        # Rows give way a little before a scroll bar comes.
        squeezed = self.viewport().height() // max(len(self._names), 1)
        self._row = min(squeezed, ROW) if squeezed >= LEAST_ROW else ROW
        bar = self.verticalScrollBar()
        bar.setRange(0, max(self._row * len(self._names) - self.viewport().height(), 0))
        bar.setPageStep(self.viewport().height())
        bar.setSingleStep(self._row)

    def _leader(self) -> int:
        return -1 if self._posterior is None else int(self._posterior.argmax())

    def _bring_into_sight(self, index: int) -> None:
        row, height = self.row_rect(index), self.viewport().height()
        if row.top() < 0 or row.bottom() >= height:
            self.verticalScrollBar().setValue(index * self._row - (height - self._row) // 2)

    def row_rect(self, index: int) -> QRect:
        """Where the row of a class lies in the viewport."""
        top = index * self._row - self.verticalScrollBar().value()
        return QRect(0, top, self.viewport().width(), self._row)

    def prior_rect(self, index: int) -> QRect:
        """Where the weight of a class lies in the viewport."""
        row = self.row_rect(index)
        return QRect(row.right() - PRIOR_WIDTH + 1, row.top(), PRIOR_WIDTH - 4, self._row)

    def _row_at(self, y: float) -> int:
        row = (int(y) + self.verticalScrollBar().value()) // self._row
        return row if 0 <= row < len(self._names) else -1

    def _label_width(self) -> int:
        metrics = QFontMetrics(self.font())
        widest = max((metrics.horizontalAdvance(name) for name in self._names), default=0)
        return min(widest, LABEL_LIMIT)

    # -- painting --------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        c = theme.colors()
        p = QPainter(self.viewport())
        p.setRenderHint(QPainter.RenderHint.Antialiasing)
        p.fillRect(event.rect(), c.panel)
        label = self._label_width()
        percent = QFontMetrics(self.font()).horizontalAdvance(">99.9 %")
        best = self._leader()
        first = max(self._row_at(event.rect().top()), 0)
        for index in range(first, len(self._names)):
            row = self.row_rect(index)
            if row.top() > event.rect().bottom():
                break
            self._paint_row(p, index, row, label, percent, index == best)
        p.end()

    def _paint_row(
        self, p: QPainter, index: int, row: QRect, label: int, percent: int, best: bool
    ) -> None:
        c = theme.colors()
        if index == self._current and self.hasFocus():
            p.fillRect(row, c.accent_soft)
        elide = p.fontMetrics().elidedText(
            self._names[index], Qt.TextElideMode.ElideRight, LABEL_LIMIT
        )
        flags = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
        p.setFont(theme.strong(self.font()) if best else self.font())
        p.setPen(c.text if best or self._posterior is None else c.dim_text)
        p.drawText(QRect(4, row.top(), label, self._row), int(flags), elide)
        known = self._posterior is not None
        share = float(self._posterior[index]) if self._posterior is not None else 0.0
        text_left = row.right() - PRIOR_WIDTH - percent - 4
        left = label + 12
        groove = QRectF(left, row.top() + 4, max(text_left - left - 6, 8), self._row - 8)
        p.setPen(Qt.PenStyle.NoPen)
        p.setBrush(c.raised if c.dark else c.line)
        p.drawRoundedRect(groove, 2, 2)
        if known and share > 0.0:
            p.setBrush(c.accent if best else c.dim_text)
            p.drawRoundedRect(
                QRectF(groove.topLeft(), groove.bottomRight()).adjusted(
                    0, 0, -(1.0 - share) * groove.width(), 0
                ),
                2,
                2,
            )
        p.setPen(c.text if best else c.dim_text)
        text = percent_text(share) if known else "–"
        p.drawText(QRect(text_left, row.top(), percent, self._row), int(flags), text)
        p.setFont(self.font())
        self._paint_prior(p, index)

    def _paint_prior(self, p: QPainter, index: int) -> None:
        c, box = theme.colors(), QRectF(self.prior_rect(index)).adjusted(4, 7, -4, -7)
        weight = float(self._prior[index]) / PRIOR_TOP
        p.setPen(Qt.PenStyle.NoPen)
        p.setBrush(c.line)
        p.drawRoundedRect(box, 2, 2)
        p.setBrush(c.accent if weight < 1.0 else c.dim_text)
        p.drawRoundedRect(box.adjusted(0, 0, -(1.0 - weight) * box.width(), 0), 2, 2)
        p.setPen(QPen(c.dim_text, 1))
        p.setBrush(c.handle)
        p.drawEllipse(QRectF(box.left() + weight * box.width() - 4, box.center().y() - 4, 8, 8))

    # -- the hand --------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        row = self._row_at(event.position().y())
        if event.button() != Qt.MouseButton.LeftButton or row < 0:
            return
        self._choose(row)
        if event.position().x() >= self.prior_rect(row).left():
            self._held = row
            self._drag_to(event.position().x())
        else:
            self.class_chosen.emit(row)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._held >= 0:
            self._drag_to(event.position().x())
            return
        row = self._row_at(event.position().y())
        on_prior = row >= 0 and event.position().x() >= self.prior_rect(row).left()
        shape = Qt.CursorShape.SizeHorCursor if on_prior else Qt.CursorShape.PointingHandCursor
        self.viewport().setCursor(shape if row >= 0 else Qt.CursorShape.ArrowCursor)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._held = -1

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        row = self._row_at(event.position().y())
        if row >= 0 and event.position().x() >= self.prior_rect(row).left():
            self._weigh(row, 1.0)
        else:
            self.mousePressEvent(event)

    def _drag_to(self, x: float) -> None:
        box = QRectF(self.prior_rect(self._held)).adjusted(4, 0, -4, 0)
        self._weigh(self._held, (x - box.left()) / max(box.width(), 1.0))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, count = event.key(), len(self._names)
        if not count:
            super().keyPressEvent(event)
        elif key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self._choose(
                min(max(self._current + (1 if key == Qt.Key.Key_Down else -1), 0), count - 1)
            )
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            step = PRIOR_STEP if key == Qt.Key.Key_Right else -PRIOR_STEP
            self._weigh(self._current, float(self._prior[self._current]) + step)
        elif key == Qt.Key.Key_Backspace:
            self._weigh(self._current, 1.0)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.class_chosen.emit(self._current)
        else:
            super().keyPressEvent(event)

    def _choose(self, row: int) -> None:
        self._current = row
        place, bar = self.row_rect(row), self.verticalScrollBar()
        if place.top() < 0:
            bar.setValue(bar.value() + place.top())
        elif place.bottom() > self.viewport().height():
            bar.setValue(bar.value() + place.bottom() - self.viewport().height())
        self._describe()
        self.viewport().update()

    def _weigh(self, row: int, weight: float) -> None:
        """Another weight; the last class that has any keeps a little."""
        weight = round(min(max(weight, 0.0), PRIOR_TOP), 3)
        changed = self._prior.copy()
        changed[row] = weight
        if changed.sum() <= 0.0:
            changed[row] = PRIOR_STEP
        if not np.array_equal(changed, self._prior):
            self._prior = changed
            self._describe()
            self.viewport().update()
            self.prior_edited.emit(changed.copy())

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.viewport().update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.viewport().update()

    # -- in words --------------------------------------------------------------------------------

    def describe(self, row: int) -> str:
        """A class, its probability and its prior in a line."""
        total = float(self._prior.sum())
        prior = f"prior {percent_text(float(self._prior[row]) / total)}"
        if self._posterior is None:
            return f"{self._names[row]}: {prior}"
        return f"{self._names[row]}: {percent_text(float(self._posterior[row]))}; {prior}"

    def _describe(self) -> None:
        if self._names:
            self.setAccessibleDescription(self.describe(self._current))

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            row = self._row_at(event.pos().y())
            if row >= 0:
                on_prior = event.pos().x() >= self.prior_rect(row).left()
                hint = (
                    "Drag to change the prior, double click for full weight."
                    if on_prior
                    else "Click to go to this class."
                )
                text = f"{self.describe(row)}\n{hint}"
                QToolTip.showText(event.globalPos(), text, self.viewport(), self.row_rect(row))
            return True
        return super().viewportEvent(event)


def percent_text(share: float) -> str:
    """A probability in percent, which is neither 0 nor 100 unless it is."""
    if 0.0 < share < 0.0005:
        return "<0.1 %"
    if 0.9995 <= share < 1.0:
        return ">99.9 %"
    return f"{100.0 * share:.1f} %"
