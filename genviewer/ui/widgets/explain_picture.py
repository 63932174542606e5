"""Bayes' rule for one image and one model, in one picture: every class is a column that is computed
from top to bottom.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from genviewer.ui import theme
from genviewer.ui.numerals import MINUS, with_minus
from genviewer.ui.widgets.pixels_to_image import image_of
from genviewer.ui.widgets.posterior_bars import percent_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

LABELS = 248
LEAST_COLUMN = 58
PICTURE = 52
BAR = 84
LINE = 26
GAP = 8


@dataclass(frozen=True, eq=False)
class ClassColumn:
    """One class.

    Attributes:
        name: of the class.
        picture: uint8 (H, W, C), the image as the model redraws it under this class; None where
            that is not known yet.
        log_pxy: log p(x | y) in nats.
        log_prior: log p(y); minus infinity where the prior is 0.
        posterior: p(y | x).
    """

    name: str
    picture: NDArray[np.uint8] | None
    log_pxy: float
    log_prior: float
    posterior: float


class ExplainPicture(QWidget):
    """From p(x | y) over p(y) and p(x) to p(y | x)."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._columns: tuple[ClassColumn, ...] = ()
        self._images: list[QImage | None] = []
        self._log_px = 0.0
        self._left_out = 0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Bayes' rule, class by class")

    def set_columns(self, columns: Sequence[ClassColumn], log_px: float, left_out: int = 0) -> None:
        """Show classes, and log p(x) in nats; ``left_out`` more classes are too far behind."""
        self._columns, self._log_px, self._left_out = tuple(columns), log_px, left_out
        self._images = [None if c.picture is None else image_of(c.picture) for c in columns]
        best = max(columns, key=lambda c: c.posterior, default=None)
        if best is not None:
            self.setAccessibleDescription(
                f"Most probable is {best.name} with {percent_text(best.posterior)}; "
                f"log p(x) is {log_px:.2f} nats."
            )
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(LABELS + LEAST_COLUMN * max(len(self._columns), 10), self._height())

    def minimumSizeHint(self) -> QSize:
        return QSize(LABELS + LEAST_COLUMN * len(self._columns), self._height())

    def _height(self) -> int:
        return LINE + PICTURE + GAP + BAR + 6 * LINE + 2 * GAP + BAR // 2 + GAP

    def paintEvent(self, event: QPaintEvent) -> None:
        p = QPainter(self)
        p.setRenderHint(QPainter.RenderHint.Antialiasing)
        y = 0.0
        y = self._names(p, y)
        y = self._pictures(p, y)
        y = self._likelihood_bars(p, y)
        y = self._line(
            p,
            y,
            "log p(x | y)",
            "how well it draws it",
            [c.log_pxy for c in self._columns],
            strong=True,
        )
        y = self._line(
            p, y, "+ log p(y)", "how frequent it is", [c.log_prior for c in self._columns]
        )
        self._rule(p, y)
        joint = [c.log_pxy + c.log_prior for c in self._columns]
        y = self._line(p, y, "= log p(x, y)", "both together", joint, strong=True)
        y = self._line(
            p,
            y,
            f"{MINUS} log p(x)",
            "summed over all",
            [self._log_px] * len(joint),
            negate=True,
        )
        self._rule(p, y)
        y = self._line(p, y, "= log p(y | x)", "what is left", [j - self._log_px for j in joint])
        y += GAP
        y = self._posterior_bars(p, y)
        self._percents(p, y)
        p.end()

    # -- rows ------------------------------------------------------------------------------------

    def _cell(self, index: int, y: float, height: float) -> QRectF:
        width = (self.width() - LABELS) / max(len(self._columns), 1)
        return QRectF(LABELS + index * width, y, width, height)

    def _best(self) -> int:
        return int(np.argmax([c.posterior for c in self._columns])) if self._columns else -1

    def _label(self, p: QPainter, y: float, height: float, text: str, why: str) -> None:
        c = theme.colors()
        p.setPen(c.text)
        p.setFont(theme.strong(self.font()))
        middle = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft)
        p.drawText(QRectF(0, y, 98, height), middle, text)
        p.setFont(self.font())
        p.setPen(c.dim_text)
        wrapped = middle | int(Qt.TextFlag.TextWordWrap)
        p.drawText(QRectF(100, y, LABELS - 112, height), wrapped, why)

    def _names(self, p: QPainter, y: float) -> float:
        c, best = theme.colors(), self._best()
        self._label(p, y, LINE, "y", "the classes" + self._more())
        for index, column in enumerate(self._columns):
            cell = self._cell(index, y, LINE)
            p.setFont(theme.strong(self.font()))
            p.setPen(c.accent if index == best else c.text)
            name = p.fontMetrics().elidedText(
                column.name, Qt.TextElideMode.ElideRight, int(cell.width()) - 4
            )
            p.drawText(cell, int(Qt.AlignmentFlag.AlignCenter), name)
        return y + LINE

    def _more(self) -> str:
        return f" (of {len(self._columns) + self._left_out})" if self._left_out else ""

    def _pictures(self, p: QPainter, y: float) -> float:
        c, best = theme.colors(), self._best()
        self._label(p, y, PICTURE, "", "the image as the model redraws it under each class")
        for index, image in enumerate(self._images):
            middle = self._cell(index, y, PICTURE).center()
            place = QRectF(0, 0, PICTURE, PICTURE)
            place.moveCenter(middle)
            if image is None:
                p.fillRect(place, c.canvas)
            else:
                p.drawImage(place, image)
            if index == best:
                p.setPen(QPen(c.accent, 2))
                p.setBrush(Qt.BrushStyle.NoBrush)
                p.drawRect(place)
        return y + PICTURE + GAP

    def _likelihood_bars(self, p: QPainter, y: float) -> float:
        c, best = theme.colors(), self._best()
        self._label(
            p,
            y,
            BAR,
            "",
            "p(x | y): the taller, the better; in nats, so that 2.3 more is ten times as likely",
        )
        values = np.array([column.log_pxy for column in self._columns])
        top = float(values.max()) if len(values) else 0.0
        spread = max(top - float(values.min()), 1.0) if len(values) else 1.0
        for index, value in enumerate(values):
            cell = self._cell(index, y, BAR)
            height = (BAR - 10) * (1.0 - 0.94 * (top - float(value)) / spread)
            bar = QRectF(cell.center().x() - 13, cell.bottom() - height, 26, height)
            p.setPen(Qt.PenStyle.NoPen)
            p.setBrush(c.accent if index == best else c.dim_text)
            p.drawRoundedRect(bar, 2, 2)
        return y + BAR

    def _line(
        self,
        p: QPainter,
        y: float,
        text: str,
        why: str,
        values: Sequence[float],
        *,
        strong: bool = False,
        negate: bool = False,
    ) -> float:
        c, best = theme.colors(), self._best()
        self._label(p, y, LINE, text, why)
        for index, value in enumerate(values):
            p.setFont(theme.strong(self.font()) if strong and index == best else self.font())
            p.setPen(c.text if index == best else c.dim_text)
            shown = -value if negate else value
            p.drawText(self._cell(index, y, LINE), int(Qt.AlignmentFlag.AlignCenter), nats(shown))
        p.setFont(self.font())
        return y + LINE

    def _rule(self, p: QPainter, y: float) -> None:
        p.setPen(QPen(theme.colors().line, 1))
        p.drawLine(QPointF(0, y + 0.5), QPointF(self.width(), y + 0.5))

    def _posterior_bars(self, p: QPainter, y: float) -> float:
        c, best, height = theme.colors(), self._best(), BAR // 2
        self._label(
            p, y, height + LINE, "p(y | x)", "its exponential: which class it is; they sum to 100 %"
        )
        for index, column in enumerate(self._columns):
            cell = self._cell(index, y, height)
            bar = QRectF(cell.center().x() - 13, cell.top(), 26, height)
            p.setPen(Qt.PenStyle.NoPen)
            p.setBrush(c.raised if c.dark else c.line)
            p.drawRoundedRect(bar, 2, 2)
            filled = bar.adjusted(0, (1.0 - column.posterior) * height, 0, 0)
            p.setBrush(c.accent if index == best else c.dim_text)
            if filled.height() > 0.5:
                p.drawRoundedRect(filled, 2, 2)
        return y + height

    def _percents(self, p: QPainter, y: float) -> None:
        c, best = theme.colors(), self._best()
        for index, column in enumerate(self._columns):
            p.setFont(theme.strong(self.font()) if index == best else self.font())
            p.setPen(c.text if index == best else c.dim_text)
            text = percent_text(column.posterior)
            p.drawText(self._cell(index, y, LINE), int(Qt.AlignmentFlag.AlignCenter), text)
        p.setFont(self.font())


def nats(value: float) -> str:
    """A number of nats with a proper minus sign."""
    if not math.isfinite(value):
        return f"{MINUS}∞" if value < 0 else "∞"
    digits = 0 if abs(value) >= 10_000 else 1
    # Rounding leaves no negative nothing.
    return with_minus(f"{round(value, digits) + 0.0:.{digits}f}")
