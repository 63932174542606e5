"""Bayes' rule over a data set: accuracy, who is taken for whom, calibration, rejection.

Imports pyqtgraph.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout

from genviewer.ui.widgets.bayes_plots import CalibrationPlot, RejectionPlot
from genviewer.ui.widgets.data_page import MARGIN, DataPage, heading, percent, prose, scrolled
from genviewer.ui.widgets.matrix_view import MatrixView
from genviewer.ui.widgets.picture_grid import PictureGrid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from PySide6.QtWidgets import QWidget

LISTED = 60


class BayesPage(DataPage):
    """How good and how honest p(y | x) is.

    Signals:
        cell_chosen(int, int): a person wants the images of a true and a predicted class.
        row_chosen(int): a person chose the image of that row.
    """

    cell_chosen = Signal(int, int)
    row_chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        content = self.content
        self._rows = np.zeros(0, np.int64)
        self._names: tuple[str, ...] = ()
        self.summary = prose(content)
        self.matrix = MatrixView("Confusion matrix", "true class", "taken for", content)
        self.matrix.chosen.connect(self.cell_chosen)
        self.calibration = CalibrationPlot(content)
        self.rejection = RejectionPlot(content)
        self.title = heading("", content)
        self.grid = PictureGrid("Images of the cell", "", content)
        self.grid.chosen.connect(lambda index: self.row_chosen.emit(int(self._rows[index])))
        plots = QVBoxLayout()
        plots.setSpacing(4)
        for text, tip, plot, key in (
            ("Calibration", "Is it right as often as it is sure? The dashed line is.",
             self.calibration, None),
            ("Accuracy against rejection", "What is gained by leaving images unanswered",
             self.rejection, self.rejection.key),
        ):  # fmt: skip
            label = heading(text, content)
            label.setToolTip(tip)
            head = QHBoxLayout()
            head.addWidget(label, 1)
            if key is not None:
                head.addWidget(key)
            plots.addLayout(head)
            plots.addWidget(plot, 1)
        left = QVBoxLayout()
        left.setSpacing(4)
        left.addWidget(heading("Who is taken for whom", content))
        left.addWidget(self.matrix, 1)
        upper = QHBoxLayout()
        upper.setSpacing(24)
        upper.addLayout(left, 1)
        upper.addLayout(plots, 1)
        column = QVBoxLayout(content)
        column.setContentsMargins(MARGIN, 8, MARGIN, 8)
        column.setSpacing(8)
        column.addWidget(self.summary)
        column.addLayout(upper, 4)
        column.addWidget(self.title)
        pictures = scrolled(self.grid, content)
        pictures.setMinimumHeight(88)
        column.addWidget(pictures, 1)

    def set_summary(self, text: str) -> None:
        """What is to be said of all."""
        self.summary.setText(text)

    def set_confusion(self, counts: NDArray[np.int64], names: Sequence[str]) -> None:
        """Show how many images of each class are taken for each: int64 (K, K), rows the truth."""
        self._names = tuple(names)
        totals = np.maximum(counts.sum(1, keepdims=True), 1)
        shares = counts / totals
        right = np.eye(len(counts), dtype=bool)
        # Mistakes in the other colour, and drawn up: they are few, and what one looks for.
        weights = np.where(right, shares, -np.sqrt(shares))
        texts = [[f"{count:,}" if count else "" for count in row] for row in counts]

        def tip(row: int, column: int) -> str:
            count, all_of = int(counts[row, column]), int(counts[row].sum())
            share = count / max(all_of, 1)
            return (
                f"{self._names[row]} taken for {self._names[column]}: {count:,} of {all_of:,} "
                f"({percent(share)})\nClick to see the images"
            )

        self.matrix.set_matrix(weights, texts, names, tip)

    def set_cell(
        self,
        cell: tuple[int, int] | None,
        rows: NDArray[np.int64],
        images: NDArray[np.uint8],
        captions: Sequence[str],
        total: int,
    ) -> None:
        """Show the images uint8 (n, H, W, C) of a cell of the matrix, or of all mistakes."""
        self._rows = rows
        if cell is None:
            what = "All mistakes, the surest first"
        else:
            row, column = (self._names[index] for index in cell)
            what = (
                f"{row} rightly recognised" if cell[0] == cell[1] else f"{row} taken for {column}"
            )
        more = f", the first {len(rows)}" if total > len(rows) else ""
        self.title.setText(f"{what}: {total:,} image{'s' if total != 1 else ''}{more}")
        self.grid.set_empty("None.")
        tips = [f"{caption}\nClick to look into this image" for caption in captions]
        self.grid.set_pictures(images, captions, tips)
