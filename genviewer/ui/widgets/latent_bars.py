"""The bars of the equaliser: values, order, geometry, painting."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QEvent, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QBrush, QColor, QFont, QFontMetrics, QPainter, QPen
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QWidget

from genviewer.core.prior import quantile
from genviewer.ui import theme
from genviewer.ui.widgets.bar_layout import BarLayout
from genviewer.ui.widgets.dim_order import DimRanking
from genviewer.ui.widgets.latent_hand import LatentHand
from genviewer.ui.widgets.prior_range import dim_label

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from PySide6.QtGui import QFocusEvent, QPaintEvent, QResizeEvent

    from genviewer.core.spec import LatentSpec
    from genviewer.ui.theme import Colors
    from genviewer.ui.widgets.latent_hand import Mask

CAP = 2.0  # px, the bright end of a bar
LABEL_SIZE = 10  # px
LABEL_ROOM = 28  # px of pitch from which a label says z7 rather than 7
GUIDES = (0.05, 0.95)  # quantiles of the prior with a dotted line


class LatentBars(QAbstractScrollArea):
    """All dimensions as bars from zero up and down; too many to be seen scroll sideways.

    Shows and keeps no more than that: what a hand does to it is :class:`Equaliser`.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.hand = LatentHand("bars")
        self.ranking = DimRanking.by_index(0)
        self._layout = BarLayout.of(0, 1, 1)
        self._current = 0
        self._hovered = -1
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.viewport().setMouseTracking(True)
        self.setAccessibleName("Equaliser of all latent dimensions")

    # -- values in -------------------------------------------------------------------------------

    def set_latent(self, values: ArrayLike, latent: LatentSpec) -> None:
        """Show values (D,) of a latent space; bars under the hand stay where the hand put them.

        Raises:
            ValueError: if there are not D finite values.
        """
        changed = self.hand.show(values, latent)
        if changed is None:
            self._start_over()
        elif changed.any():
            self._refresh(changed)

    def set_locks(self, mask: ArrayLike) -> None:
        """Lock exactly the dimensions of a bool (D,) mask."""
        if self.hand.set_locks(mask):
            self.viewport().update()

    def set_step(self, step: float) -> None:
        """How far a key press or a wheel click moves a value; above 0."""
        self.hand.step = step

    def set_order(
        self,
        dims: ArrayLike,
        scores: ArrayLike | None = None,
        dead: ArrayLike | None = None,
        score_name: str = "effect",
    ) -> None:
        """Put the bars into an order; arguments as for ``LatentSliders.set_order``."""
        self.ranking = DimRanking.of(self.hand.dim, dims, scores, dead, score_name)
        self.viewport().update()

    def set_current(self, dim: int) -> None:
        """Make a dimension current and scroll it into sight, without a signal."""
        if 0 <= dim < self.hand.dim and dim != self._current:
            self._current = dim
            if not self.hand.dragging:
                self._reveal(dim)
            self._describe()
            self.viewport().update()

    @property
    def current(self) -> int:
        """The current dimension."""
        return self._current

    # -- geometry --------------------------------------------------------------------------------

    def bar_rect(self, dim: int) -> QRect:
        """The column of a dimension in the viewport, in sight or not."""
        place = int(self.ranking.row_of[dim])
        left, right = self._layout.edges(place)
        return QRect(left - self._scroll(), 0, right - left, self._layout.height)

    def dim_at(self, x: float) -> int:
        """The dimension whose column covers ``x`` of the viewport; -1 beside the bars."""
        place = self._layout.place_at(x + self._scroll())
        return int(self.ranking.dims[place]) if 0 <= place < self.hand.dim else -1

    def y_of(self, value: float) -> float:
        """Height in the viewport at which a value is shown."""
        return self._layout.y_of(self.hand.range.fraction(value))

    def sizeHint(self) -> QSize:
        return QSize(280, 104)

    def minimumSizeHint(self) -> QSize:
        return QSize(160, 56)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._lay_out()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.FontChange):
            self._lay_out()

    def _lay_out(self) -> None:
        width = self.viewport().width()
        metrics = QFontMetrics(self._small_font())
        widest = metrics.horizontalAdvance("0" * len(str(max(self.hand.dim - 1, 0))))
        self._layout = BarLayout.of(
            self.hand.dim, width, self.viewport().height(), metrics.height(), widest
        )
        bar = self.horizontalScrollBar()
        bar.setRange(0, max(self._layout.content_width - width, 0))
        bar.setPageStep(width)
        bar.setSingleStep(16)
        self.viewport().update()

    def _small_font(self) -> QFont:
        font = QFont(self.font())
        font.setPixelSize(LABEL_SIZE)
        return font

    def _scroll(self) -> int:
        return self.horizontalScrollBar().value()

    def _reveal(self, dim: int) -> None:
        bar, column = self.horizontalScrollBar(), self.bar_rect(dim)
        if column.left() < 0:
            bar.setValue(bar.value() + column.left())
        elif column.right() >= self.viewport().width():
            bar.setValue(bar.value() + column.right() + 1 - self.viewport().width())

    def scrollContentsBy(self, _dx: int, _dy: int) -> None:
        self.viewport().update()

    # -- painting --------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        c = theme.colors()
        at, scroll, width = self._layout, self._scroll(), self.viewport().width()
        p = QPainter(self.viewport())
        p.setPen(QPen(c.accent if self.hasFocus() else c.line, 1))
        p.setBrush(c.field)
        p.drawRect(QRect(0, 0, width - 1, at.height - 1))
        if not self.hand.dim:
            p.end()
            return
        self._paint_guides(p, c)
        clip = event.rect()
        first = max(at.place_at(clip.left() + scroll), 0)
        last = min(at.place_at(clip.right() + scroll), self.hand.dim - 1)
        quiet = QColor(c.line)
        quiet.setAlpha(110)
        self._paint_column(p, self._current, c.accent_soft if self.hasFocus() else quiet)
        if self._hovered >= 0 and self._hovered != self._current:
            self._paint_column(p, self._hovered, quiet)
        self._paint_bars(p, np.arange(first, last + 1), c)
        p.fillRect(QRectF(1, round(self.y_of(0.0)), width - 2, 1), c.dim_text)
        if at.labels:
            self._paint_labels(p, first, last, c)
        if self._hovered >= 0:
            self._paint_readout(p, self._hovered, c)
        p.end()

    def _paint_guides(self, p: QPainter, c: Colors) -> None:
        if self.hand.range.has_prior:
            p.setPen(QPen(c.line, 1, Qt.PenStyle.DotLine))
            for quantile_ in GUIDES:
                y = round(self.y_of(quantile(self.hand.latent, quantile_)))
                p.drawLine(1, y, self.viewport().width() - 2, y)

    def _paint_column(self, p: QPainter, dim: int, color: QColor) -> None:
        column = self.bar_rect(dim)
        spare = max(5 - column.width(), 0)
        p.fillRect(column.adjusted(-(spare // 2), 1, (spare + 1) // 2, -1), color)

    def _paint_bars(self, p: QPainter, places: np.ndarray, c: Colors) -> None:
        dims = self.ranking.dims[places]
        values = self.hand.values[dims]
        left, width = self._layout.bars(places)
        left = left - self._scroll()
        zero = self.y_of(0.0)
        low, high = self.hand.range.low, self.hand.range.high
        tops = self._layout.ys_of((np.clip(values, low, high) - low) / (high - low))
        locked, dead = self.hand.locks[dims], self.ranking.dead[dims]
        body = QColor(c.accent)
        body.setAlpha(140)
        faint = QColor(c.dim_text)
        faint.setAlpha(110)
        p.setPen(Qt.PenStyle.NoPen)
        for mask, fill, cap in (
            (~locked & ~dead, QBrush(body), c.accent),
            (~locked & dead, QBrush(faint), c.dim_text),
            (locked, QBrush(c.dim_text, Qt.BrushStyle.BDiagPattern), c.text),
        ):
            chosen = np.flatnonzero(mask)
            if not chosen.size:
                continue
            spans = list(
                zip(
                    left[chosen].tolist(),
                    width[chosen].tolist(),
                    tops[chosen].tolist(),
                    strict=True,
                )
            )
            p.setBrush(fill)
            p.drawRects([QRectF(x, min(y, zero), w, abs(y - zero)) for x, w, y in spans])
            p.setBrush(cap)
            p.drawRects([QRectF(x, round(y - CAP / 2), w, CAP) for x, w, y in spans])

    def _paint_labels(self, p: QPainter, first: int, last: int, c: Colors) -> None:
        top = round(self._layout.bottom) + 1
        p.setFont(self._small_font())
        for place in range(first, last + 1):
            dim = int(self.ranking.dims[place])
            left, right = self._layout.edges(place)
            area = QRect(left - self._scroll(), top, right - left, self._layout.labels)
            p.setPen(c.text if dim == self._current else c.dim_text)
            text = dim_label(dim, self.hand.latent) if self._layout.pitch > LABEL_ROOM else str(dim)
            p.drawText(area, int(Qt.AlignmentFlag.AlignCenter), text)
        p.setFont(self.font())

    def _paint_readout(self, p: QPainter, dim: int, c: Colors) -> None:
        """Value of the bar under the pointer, in the corner that is farther from it."""
        text = self.hand.describe(dim).removesuffix(" of the prior")
        box = QRect(0, 3, p.fontMetrics().horizontalAdvance(text) + 12, p.fontMetrics().height())
        on_left = self.bar_rect(dim).center().x() > self.viewport().width() / 2
        box.moveLeft(4 if on_left else self.viewport().width() - 4 - box.width())
        back = QColor(c.field)
        back.setAlpha(220)
        p.fillRect(box, back)
        p.setPen(c.text)
        p.drawText(box, int(Qt.AlignmentFlag.AlignCenter), text)

    def _refresh(self, changed: Mask) -> None:
        if self._hovered >= 0 and changed[self._hovered]:
            self.viewport().update()  # the readout changes with it
            return
        rect = QRect()
        for dim in np.flatnonzero(changed)[[0, -1]] if changed.sum() < 3 else ():
            rect = rect.united(self.bar_rect(int(dim)))
        self.viewport().update(rect if not rect.isEmpty() else self.viewport().rect())

    # -- what is current, hovered and described --------------------------------------------------

    def _nearest_dim(self, x: float) -> int:
        place = min(max(self._layout.place_at(x), 0), self.hand.dim - 1)
        return int(self.ranking.dims[place])

    def _hover(self, dim: int) -> None:
        if dim != self._hovered:
            self._hovered = dim
            self.viewport().update()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.viewport().update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.viewport().update()

    def _describe(self) -> None:
        if self.hand.dim:
            locked = "; locked" if self.hand.locks[self._current] else ""
            self.setAccessibleDescription(self.hand.describe(self._current) + locked)

    def _start_over(self) -> None:
        self._hovered, self._current = -1, 0
        self.ranking = DimRanking.by_index(self.hand.dim)
        self._lay_out()
        self.horizontalScrollBar().setValue(0)
        self._describe()
