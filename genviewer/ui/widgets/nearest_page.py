"""The images of a data set that are nearest to the current sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout

from genviewer.ui.icons import icon
from genviewer.ui.widgets.data_page import MARGIN, DataPage, heading, prose, scrolled
from genviewer.ui.widgets.picture_grid import TILE, PictureGrid

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PySide6.QtWidgets import QWidget

SPACES = {
    "pixels": "Nearest in pixels",
    "latents": "Nearest in latent space",
}


class NearestPage(DataPage):
    """Is the current sample memorised?

    Signals:
        row_chosen(int): a person chose the image of that row.
    """

    row_chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        content = self.content
        self.sample = PictureGrid("The current sample", "", content)
        self.sample.setFixedWidth(TILE + 32)
        self.again = QPushButton(icon("refresh"), "Look again", content)
        self.again.setToolTip("Look for what is nearest to the current sample as it is now")
        self.again.clicked.connect(self.wanted)
        self.verdict = prose(content)
        head = QHBoxLayout()
        head.setSpacing(MARGIN)
        head.addWidget(self.sample)
        head.addWidget(self.verdict, 1)
        head.addWidget(self.again)
        column = QVBoxLayout(content)
        column.setContentsMargins(MARGIN, 8, MARGIN, 8)
        column.setSpacing(8)
        column.addLayout(head)
        self.grids: dict[str, PictureGrid] = {}
        self.sentences = {}
        self._rows: dict[str, NDArray[np.int64]] = {}
        for key, title in SPACES.items():
            grid = PictureGrid(title, "", content)
            grid.chosen.connect(lambda index, key=key: self._choose(key, index))
            self.grids[key], self.sentences[key] = grid, prose(content)
            self._rows[key] = np.zeros(0, np.int64)
            column.addWidget(heading(title, content))
            column.addWidget(self.sentences[key])
            column.addWidget(scrolled(grid, content), 1)

    def set_sample(self, pixels: NDArray[np.uint8], verdict: str) -> None:
        """Show the sample uint8 (H, W, C) that was looked for, and what came of it."""
        self.sample.set_pictures([pixels], ["this sample"])
        self.verdict.setText(verdict)
        self.show_figures()

    def set_nearest(
        self,
        space: str,
        rows: NDArray[np.int64],
        images: NDArray[np.uint8],
        distances: NDArray[np.float64],
        sentence: str,
    ) -> None:
        """Show the images uint8 (n, H, W, C) of some rows and their distances (n,) in a space."""
        self._rows[space] = rows
        self.sentences[space].setText(sentence)
        tips = [f"Distance {d:.3f}\nClick to look into this image" for d in distances]
        self.grids[space].set_pictures(images, [f"{d:.2f}" for d in distances], tips)

    def _choose(self, space: str, index: int) -> None:
        self.row_chosen.emit(int(self._rows[space][index]))
