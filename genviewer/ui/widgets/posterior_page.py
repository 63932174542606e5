"""The latent distribution of a data set: each dimension against the prior, and together.

Imports pyqtgraph.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QVBoxLayout

from genviewer.ui.numerals import number, signed
from genviewer.ui.widgets.data_page import MARGIN, DataPage, heading, prose, scrolled
from genviewer.ui.widgets.dimension_grid import DimensionGrid
from genviewer.ui.widgets.matrix_view import MatrixView

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from genviewer.engine.posterior_statistics import PosteriorStatistics

LARGEST_MATRIX = 64
POSTERIORS = "Aggregated posterior against the prior (dashed)"
POINTS = "Where the images lie, beside a standard normal (dashed)"
OUTSIDE = 0.01
"""A share of a posterior that is missed where it is not drawn."""

NO_KL = (
    "The encoder gives an image a point, not a distribution: there is no posterior, and no KL to a "
    "prior."
)


class PosteriorPage(DataPage):
    """How an encoder uses its dimensions."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        content = self.content
        self._found: PosteriorStatistics | None = None
        self.summary = prose(content)
        self.order = QComboBox(content)
        self.order.addItem("Strongest first", "kl")
        self.order.addItem("In their order", "index")
        self.order.setAccessibleName("Order of the dimensions")
        self.order.activated.connect(self._show)
        self.grid = DimensionGrid(content)
        self.matrix = MatrixView("Correlations", "dimension", "dimension", content)
        self.strongest = prose(content)
        head = QHBoxLayout()
        self.title = heading(POSTERIORS, content)
        head.addWidget(self.title)
        head.addStretch(1)
        head.addWidget(self.order)
        left = QVBoxLayout()
        left.setSpacing(8)
        left.addLayout(head)
        left.addWidget(scrolled(self.grid, content), 1)
        right = QVBoxLayout()
        right.setSpacing(8)
        right.addWidget(heading("Correlations of the posterior means", content))
        right.addWidget(self.strongest)
        right.addWidget(self.matrix, 1)
        body = QHBoxLayout()
        body.setSpacing(24)
        body.addLayout(left, 3)
        body.addLayout(right, 2)
        column = QVBoxLayout(content)
        column.setContentsMargins(MARGIN, 8, MARGIN, 8)
        column.setSpacing(8)
        column.addWidget(self.summary)
        column.addLayout(body, 1)

    def set_figures(self, found: PosteriorStatistics, note: str = "") -> None:
        """Show the statistics, with a note on how the images were encoded."""
        self._found = found
        active, total = int(found.active.sum()), len(found.active)
        what, kl = "their posterior mean varies", NO_KL
        if found.kl is None:
            what = "they vary"
        else:
            kl = f"KL to the prior: {found.kl.sum():,.2f} nats in all."
        self.title.setText(POINTS if found.kl is None else POSTERIORS)
        self.summary.setText(
            f"{active} of {total} dimensions are active: {what} by more than 0.01 over these "
            f"{found.count:,} images. {kl} {note}".strip()
        )
        self._show()
        self.show_figures()

    def _show(self) -> None:
        found = self._found
        if found is None:
            return
        order = np.arange(len(found.active))
        if self.order.currentData() == "kl":
            order = np.argsort(-found.strength, kind="stable")
        self.grid.set_dimensions(
            found.density[order],
            found.prior,
            [_title(found, dim) for dim in order.tolist()],
            [_tip(found, dim) for dim in order.tolist()],
            found.active[order],
        )
        # Those that are not active follow noise; of many, the most used can be told apart.
        strongest = np.argsort(-found.strength, kind="stable")
        known = found.active & np.isin(np.arange(len(found.active)), found.correlated)
        shown = np.sort(strongest[known[strongest]][:LARGEST_MATRIX])
        rows = np.searchsorted(found.correlated, shown)
        table = found.correlations[np.ix_(rows, rows)]
        texts = [[number(value, 1) if abs(value) >= 0.05 else "" for value in row] for row in table]
        names = [f"z{dim}" for dim in shown]
        self.matrix.set_matrix(
            table, texts, names, lambda i, j: f"{names[i]} and {names[j]}: {signed(table[i, j], 3)}"
        )
        pair = found.strongest_pair
        text = "There are no two active dimensions."
        if pair is not None:
            text = f"The most correlated are z{pair[0]} and z{pair[1]}: {signed(pair[2])}."
        if len(shown) < len(found.active):
            total = len(found.active)
            text += f" The {total - len(shown):,} least used of {total:,} dimensions are left out."
        if len(found.correlated) < len(found.active):
            text += f" Only the {len(found.correlated):,} that vary most were correlated."
        self.strongest.setText(text)


def _title(found: PosteriorStatistics, dim: int) -> str:
    title = f"z{dim}   variance {found.variance_of_mean[dim]:.2f}"
    if found.kl is not None:
        title = f"z{dim}   KL {found.kl[dim]:.2f}"
    outside = float(found.outside[dim])
    if outside < OUTSIDE:
        return title
    share = f"{100 * outside:.0f} %"
    return f"{title}   {share} ▸" if found.mean[dim] > 0 else f"{title}   ◂ {share}"


def _tip(found: PosteriorStatistics, dim: int) -> str:
    lies = f"{signed(found.mean[dim])} ± {found.deviation[dim]:.2f}"
    varies = f"{found.variance_of_mean[dim]:.3f}"
    if found.kl is None:
        tip = f"z{dim}: {lies} over the images\nvariance {varies}"
    else:
        tip = (
            f"z{dim}: KL {found.kl[dim]:.3f} nats\naggregated posterior {lies}\n"
            f"variance of the mean {varies}"
        )
    outside = float(found.outside[dim])
    if outside >= OUTSIDE:
        tip += f"\n{100 * outside:.0f} % beyond what is drawn, ±{found.edges[-1]:g}"
    return tip + ("" if found.active[dim] else "\nnot active: says nothing about the image")
