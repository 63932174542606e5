"""The list that the latent sliders are painted in: values, order, geometry, strip."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QRect, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QCursor, QFocusEvent, QPainter, QPaintEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QWidget

from genviewer.core.prior import quantile
from genviewer.ui import theme
from genviewer.ui.widgets.dim_order import DimRanking
from genviewer.ui.widgets.latent_hand import LatentHand, Mask
from genviewer.ui.widgets.prior_range import dim_label, strip_values, value_text
from genviewer.ui.widgets.slider_row import RowLayout, RowState, paint_row
from genviewer.ui.widgets.value_editor import ValueEditor
from genviewer.ui.widgets.value_strip import ValueStrip

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from genviewer.core.spec import LatentSpec

TICKS = (0.05, 0.25, 0.75, 0.95)  # quantiles of the prior marked under each track
STRIP_DELAY_MS = 80
STRIP_MIN_HEIGHT = 170  # px; a lower list has no room to spare for the strip


class LatentRows(QAbstractScrollArea):
    """Rows of label, effect bar, slider, value box and lock; only rows in sight are painted.

    Shows and keeps no more than that: what a hand does to it is :class:`LatentSliders`.

    Signals:
        strip_wanted: dimension whose strip is to be shown and has not come since the latent or
            the dimension changed; once things are at rest, see :meth:`set_strip`.
    """

    strip_wanted = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.hand = LatentHand("slider")
        self.ranking = DimRanking.by_index(0)
        self._current = 0
        self._hovered = -1
        self._held_dim = -1
        self._asked = -1
        self._has_strips = False
        self._ticks: tuple[float, ...] = ()
        self._posterior: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.viewport().setMouseTracking(True)
        self.viewport().setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setAccessibleName("Latent dimensions")
        self._editor = ValueEditor(self.viewport(), self)
        self._strip = ValueStrip(self)
        self._strip.hide()
        self._strip_timer = QTimer(self)
        self._strip_timer.setSingleShot(True)
        self._strip_timer.setInterval(STRIP_DELAY_MS)
        self._strip_timer.timeout.connect(self._ask_strip)
        self._lay_out()

    # -- values in -------------------------------------------------------------------------------

    def set_latent(self, values: ArrayLike, latent: LatentSpec) -> None:
        """Show values (D,) of a latent space; a dimension under the hand stays where the hand is.

        Raises:
            ValueError: if there are not D finite values.
        """
        changed = self.hand.show(values, latent)
        if changed is None:
            self._start_over()
        elif changed.any():
            self._refresh(changed)
            changed[self.shown_dim] = False  # its strip shows all its values anyway
            if changed.any():
                self._asked = -1
                self._strip_timer.start()

    def set_locks(self, mask: ArrayLike) -> None:
        """Lock exactly the dimensions of a bool (D,) mask."""
        if self.hand.set_locks(mask):
            self._editor.finish(commit=False)
            self._refresh(None)

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
        """Put the rows into an order.

        Args:
            dims: int (D,), every dimension once, first row first.
            scores: float (D,) by dimension, at least 0: what the order goes by.
            dead: bool (D,) by dimension: without any effect on the picture.
            score_name: what the scores are, for the tooltips.

        Raises:
            ValueError: if the arrays do not fit the latent.
        """
        self._editor.finish()
        self.ranking = DimRanking.of(self.hand.dim, dims, scores, dead, score_name)
        self._reveal(self._current)
        self._refresh(None)

    def set_posterior(self, mean: ArrayLike | None, deviation: ArrayLike | None = None) -> None:
        """Mark where an image lies: its mean and, as a band, one deviation to each side.

        Args:
            mean: float (D,); None for no marks. Another number of dimensions than the latent's
                leaves none either.
            deviation: float (D,).
        """
        self._posterior = None
        if mean is not None and deviation is not None:
            marks = np.asarray(mean, np.float32), np.asarray(deviation, np.float32)
            if marks[0].shape == marks[1].shape == (self.hand.dim,):
                self._posterior = marks
        self._refresh(None)

    def set_current(self, dim: int) -> None:
        """Make a dimension current and scroll it into sight, without a signal."""
        if 0 <= dim < self.hand.dim and dim != self._current:
            self._make_current(dim)
            self._reveal(dim)

    def set_strip(
        self, dim: int, pixels: NDArray[np.uint8], values: ArrayLike | None = None
    ) -> None:
        """Show what a dimension does.

        Args:
            dim: as asked for by ``strip_wanted``.
            pixels: uint8 (n, H, W, C), 5 to 9 pictures.
            values: float (n,) that they show; :func:`prior_range.strip_values` by default.

        Raises:
            ValueError: if the arrays do not fit together.
        """
        count = len(pixels)
        shown = strip_values(self.hand.latent, count) if values is None else np.asarray(values)
        self._strip.set_strip(dim, pixels, shown.astype(np.float32))
        if not self._has_strips:
            self._has_strips = True
            self._place_strip()
            self._reveal(self._current)
        self._caption()

    @property
    def current(self) -> int:
        """The current dimension."""
        return self._current

    @property
    def shown_dim(self) -> int:
        """The dimension that the strip is about: under the hand, under the mouse, or current."""
        if self._held_dim >= 0:
            return self._held_dim
        return self._hovered if self._hovered >= 0 else self._current

    # -- geometry --------------------------------------------------------------------------------

    @property
    def row_height(self) -> int:
        """Height of a row in px."""
        return self._layout.height

    def row_rect(self, dim: int) -> QRect:
        """Where the row of a dimension lies in the viewport, in sight or not."""
        top = int(self.ranking.row_of[dim]) * self.row_height - self.verticalScrollBar().value()
        return QRect(0, top, self.viewport().width(), self.row_height)

    def track_point(self, dim: int, fraction: float) -> QPoint:
        """Where the handle of a dimension lies at ``fraction`` of the range, in the viewport."""
        return QPoint(round(self._layout.handle_x(fraction)), self.row_rect(dim).center().y())

    def handle_position(self, dim: int) -> QPoint:
        """Where the handle of a dimension lies now, in the viewport."""
        return self.track_point(dim, self.hand.range.fraction(float(self.hand.values[dim])))

    def zone_rect(self, dim: int, zone: str) -> QRect:
        """Where the ``label``, ``track``, ``value`` or ``lock`` of a row lies in the viewport."""
        left, width = getattr(self._layout, zone)
        row = self.row_rect(dim)
        return QRect(left, row.top(), width, row.height())

    def dim_at(self, y: float) -> int:
        """The dimension whose row covers a height of the viewport; -1 below the last row."""
        row = (int(y) + self.verticalScrollBar().value()) // self.row_height
        return int(self.ranking.dims[row]) if 0 <= row < self.hand.dim else -1

    def full_height(self) -> int:
        """Height in px at which all rows and the strip show without scrolling."""
        strip = self._strip.heightForWidth(self.viewport().width())
        return self.hand.dim * self.row_height + strip

    def sizeHint(self) -> QSize:
        return QSize(280, 12 * self.row_height)

    def minimumSizeHint(self) -> QSize:
        return QSize(200, 2 * self.row_height)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._lay_out()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._lay_out()
        if event.type() == QEvent.Type.PaletteChange:
            self.viewport().update()

    def _lay_out(self) -> None:
        longest = "z" + "0" * len(str(max(self.hand.dim - 1, 0)))
        self._place_strip()
        self._layout = RowLayout.of(self.viewport().width(), self.font(), longest)
        bar = self.verticalScrollBar()
        height = self.viewport().height()
        bar.setRange(0, max(self.hand.dim * self.row_height - height, 0))
        bar.setPageStep(height)
        bar.setSingleStep(self.row_height)
        self._editor.finish()
        self.viewport().update()

    def _place_strip(self) -> None:
        shown = self._has_strips and self.height() >= STRIP_MIN_HEIGHT
        width = self.viewport().width()
        height = self._strip.heightForWidth(width) if shown else 0
        if self.viewportMargins().bottom() != height:
            self.setViewportMargins(0, 0, 0, height)
        self._strip.setGeometry(0, self.height() - height, width, height)
        self._strip.setVisible(shown)

    def _reveal(self, dim: int) -> None:
        if dim >= self.hand.dim:
            return
        bar, row = self.verticalScrollBar(), self.row_rect(dim)
        if row.top() < 0:
            bar.setValue(bar.value() + row.top())
        elif row.bottom() >= self.viewport().height():
            bar.setValue(bar.value() + row.bottom() + 1 - self.viewport().height())

    def scrollContentsBy(self, _dx: int, _dy: int) -> None:
        self._editor.finish()
        self._hover_under_mouse()
        self.viewport().update()

    # -- painting --------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        c = theme.colors()
        p = QPainter(self.viewport())
        p.setRenderHint(QPainter.RenderHint.Antialiasing)
        width, height = self.viewport().width(), self.row_height
        scroll = self.verticalScrollBar().value()
        p.fillRect(event.rect(), c.panel)
        first = (event.rect().top() + scroll) // height
        last = min((event.rect().bottom() + scroll) // height, self.hand.dim - 1)
        for row in range(first, last + 1):
            top = row * height - scroll
            if event.region().intersects(QRect(0, top, width, height)):
                state = self._row_state(int(self.ranking.dims[row]))
                paint_row(p, top, width, self._layout, state, c)
        p.end()

    def _row_state(self, dim: int) -> RowState:
        hand, value = self.hand, float(self.hand.values[dim])
        return RowState(
            dim_label(dim, self.hand.latent),
            value_text(value),
            hand.range.fraction(value),
            hand.range.fraction(0.0),
            self._ticks,
            self.ranking.share(dim),
            bool(hand.locks[dim]),
            bool(self.ranking.dead[dim]),
            dim == self._current,
            dim == self._hovered or dim == self._held_dim,
            self.hasFocus(),
            self._band(dim),
        )

    def _band(self, dim: int) -> tuple[float, float, float] | None:
        """Low end, mean and high end of the posterior, as fractions of the range."""
        if self._posterior is None:
            return None
        mean, deviation = (float(values[dim]) for values in self._posterior)
        ends = (mean - deviation, mean, mean + deviation)
        low, middle, high = (min(max(self.hand.range.fraction(x), 0.0), 1.0) for x in ends)
        return low, middle, high

    def _refresh(self, changed: Mask | None) -> None:
        """Repaint the rows of these dimensions that are in sight; None: all of them."""
        if changed is None or changed.sum() > 8:
            self.viewport().update()
        else:
            for dim in np.flatnonzero(changed):
                self.viewport().update(self.row_rect(int(dim)))
        self._caption()

    def _refresh_dim(self, dim: int) -> None:
        if 0 <= dim < self.hand.dim:
            self.viewport().update(self.row_rect(dim))

    # -- what is current, hovered and described --------------------------------------------------

    def summary(self, dim: int) -> str:
        """Value, quantile, effect and state of a dimension in a line."""
        parts = [self.hand.describe(dim), self.ranking.describe(dim)]
        if self._posterior is not None:
            mean, deviation = (float(values[dim]) for values in self._posterior)
            parts.append(f"the image at {value_text(mean)} ± {deviation:.2f}")
        parts += ["locked"] if self.hand.locks[dim] else []
        return "; ".join(part for part in parts if part)

    def _make_current(self, dim: int) -> None:
        before, self._current = self._current, dim
        self._refresh_dim(before)
        self._refresh_dim(dim)
        self._describe()
        self._caption()
        self._strip_timer.start()

    def _hover(self, dim: int, zone: str) -> None:
        shapes = {"value": Qt.CursorShape.IBeamCursor, "lock": Qt.CursorShape.PointingHandCursor}
        shape = shapes.get(zone if dim >= 0 else "", Qt.CursorShape.ArrowCursor)
        if self.viewport().cursor().shape() != shape:
            self.viewport().setCursor(shape)
        if dim != self._hovered:
            before, self._hovered = self._hovered, dim
            self._refresh_dim(before)
            self._refresh_dim(dim)
            self._caption()
            self._strip_timer.start()

    def _hover_under_mouse(self) -> None:
        at = self.viewport().mapFromGlobal(QCursor.pos())
        inside = self.viewport().underMouse() and self.viewport().rect().contains(at)
        self._hover(self.dim_at(at.y()) if inside else -1, self._layout.zone(at.x()))

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self._refresh_dim(self._current)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._refresh_dim(self._current)

    # -- strip and description -------------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._strip_timer.start()

    def _ask_strip(self) -> None:
        if self.isVisible() and self.hand.dim and self.shown_dim != self._asked:
            self._asked = self.shown_dim
            self.strip_wanted.emit(self._asked)

    def _caption(self) -> None:
        if self._has_strips and self.hand.dim:
            dim = self.shown_dim
            value, locked = float(self.hand.values[dim]), bool(self.hand.locks[dim])
            caption = " \N{MIDDLE DOT} ".join(
                part
                for part in (
                    dim_label(dim, self.hand.latent),
                    self.hand.range.percentile(value).removesuffix(" of the prior"),
                    self.ranking.describe(dim),
                )
                if part
            )
            self._strip.show_dim(dim, caption, value, locked)

    def _describe(self) -> None:
        if self.hand.dim:
            self.setAccessibleDescription(self.summary(self._current))

    def _start_over(self) -> None:
        self._editor.finish(commit=False)
        self._held_dim = self._hovered = self._asked = -1
        self._current = 0
        self._posterior = None
        self.ranking = DimRanking.by_index(self.hand.dim)
        latent = self.hand.latent
        self._ticks = tuple(
            self.hand.range.fraction(quantile(latent, p))
            for p in (TICKS if self.hand.range.has_prior else ())
        )
        self._strip.clear()
        self._lay_out()
        self.verticalScrollBar().setValue(0)
        self._describe()
        self._caption()
        self._strip_timer.start()
