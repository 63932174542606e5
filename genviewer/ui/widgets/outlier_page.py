"""Outliers of a data set: the histogram of log p(x), a threshold, the strangest images.

Imports pyqtgraph.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout

from genviewer.ui.numerals import number
from genviewer.ui.widgets.data_page import MARGIN, DataPage, heading, percent, prose, scrolled
from genviewer.ui.widgets.histogram import Histogram
from genviewer.ui.widgets.picture_grid import PictureGrid
from genviewer.ui.widgets.value_slider import ValueSlider

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PySide6.QtWidgets import QWidget

REJECTED = 0.01
MOST_REJECTED = 0.25
LISTED = 24
GROUPS = {
    "strangest": ("Strangest", "The lowest log p(x)"),
    "typical": ("Most typical", "The nearest to the median of log p(x)"),
    "likeliest": ("Likeliest", "The highest log p(x), which simple images have"),
}


class OutlierPage(DataPage):
    """What is usual for a model, and what is not.

    Signals:
        threshold_moved(float): a person rejects what is below so many nats.
        row_chosen(int): a person chose the image of that row.
    """

    threshold_moved = Signal(float)
    row_chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        content = self.content
        self._log_px = np.zeros(0)
        self._rows: dict[str, NDArray[np.int64]] = {}
        self.summary = prose(content)
        self.histogram = Histogram("Histogram of log p(x)", "log p(x) in nats", content)
        self.histogram.threshold_moved.connect(self._move_threshold)
        self.slider = ValueSlider(
            "Reject", 0.0, MOST_REJECTED, REJECTED, decimals=1, percent=True, label_width=48,
            parent=content,
        )  # fmt: skip
        self.slider.setToolTip(
            "The share of these images that lies below the threshold.\n"
            "Inspect rejects the same share of what it compares with, but by log p(x) for as much\n"
            "outline as an image has, since one with little in it is likely whatever it shows."
        )
        self.slider.setMaximumWidth(360)
        self.slider.edited.connect(lambda share, _key: self._choose_share(share))
        self.verdict = prose(content)
        beneath = QHBoxLayout()
        beneath.setSpacing(MARGIN)
        beneath.addWidget(self.slider, 1)
        beneath.addWidget(self.verdict, 1)
        column = QVBoxLayout(content)
        column.setContentsMargins(MARGIN, 8, MARGIN, 8)
        column.setSpacing(8)
        column.addWidget(self.summary)
        column.addWidget(self.histogram, 3)
        column.addLayout(beneath)
        lists = QHBoxLayout()
        lists.setSpacing(24)
        self.grids: dict[str, PictureGrid] = {}
        for key, (title, tip) in GROUPS.items():
            part = QVBoxLayout()
            part.setSpacing(4)
            label = heading(title, content)
            label.setToolTip(tip)
            grid = PictureGrid(f"{title} images", parent=content)
            grid.chosen.connect(lambda index, key=key: self._choose(key, index))
            self.grids[key] = grid
            part.addWidget(label)
            part.addWidget(scrolled(grid, content), 1)
            lists.addLayout(part, 1)
        column.addLayout(lists, 2)

    @property
    def threshold(self) -> float:
        """What is below so many nats is rejected."""
        return self.histogram.threshold

    def set_figures(
        self,
        log_px: NDArray[np.float64],
        images: NDArray[np.uint8],
        measure: str,
        threshold: float | None = None,
    ) -> None:
        """Show log p(x) float64 (N,) of images uint8 (N, H, W, C), and what it is of.

        The threshold is the one given, or that below which :data:`REJECTED` of the images are; at
        most :data:`MOST_REJECTED` are below it.
        """
        self._log_px = log_px
        low, middle, high = np.quantile(log_px, [0.05, 0.5, 0.95])
        self.summary.setText(
            f"log p(x) of {len(log_px):,} images: median {number(middle, 1)} nats, nine in ten "
            f"between {number(low, 1)} and {number(high, 1)}. It is the {measure}."
        )
        highest = float(np.quantile(log_px, MOST_REJECTED))
        self.histogram.set_values(log_px, highest)
        order = np.argsort(log_px, kind="stable")
        near = np.argsort(np.abs(log_px - middle), kind="stable")
        self._rows = {
            "strangest": order[:LISTED],
            "typical": near[:LISTED],
            "likeliest": order[::-1][:LISTED],
        }
        for key, rows in self._rows.items():
            tips = [
                f"log p(x) = {number(log_px[row])} nats\nClick to look into this image"
                for row in rows
            ]
            captions = [number(log_px[row], 1) for row in rows]
            self.grids[key].set_pictures(images[rows], captions, tips)
        if threshold is None:
            threshold = float(np.quantile(log_px, REJECTED))
        self._show_threshold(min(threshold, highest))
        self.show_figures()

    def set_image(self, log_px: float | None, name: str = "this image") -> None:
        """Mark one image, uint8 pixels of which have this log p(x)."""
        self.histogram.set_mark(log_px, name)
        self._tell()

    def _choose_share(self, share: float) -> None:
        threshold = float(np.quantile(self._log_px, share)) if len(self._log_px) else 0.0
        self.histogram.set_threshold(threshold)
        self._tell()
        self.threshold_moved.emit(threshold)

    def _move_threshold(self, threshold: float) -> None:
        self.slider.set_value(float((self._log_px < threshold).mean()))
        self._tell()
        self.threshold_moved.emit(threshold)

    def _show_threshold(self, threshold: float) -> None:
        self.histogram.set_threshold(threshold)
        self.slider.set_value(float((self._log_px < threshold).mean()))
        self._tell()

    def _tell(self) -> None:
        if not len(self._log_px):
            return
        rejected = int((self._log_px < self.threshold).sum())
        text = f"Below {number(self.threshold, 1)} nats: {rejected:,} of {len(self._log_px):,}."
        mark = self.histogram.mark
        if mark is not None:
            below = float((self._log_px < mark).mean())
            side = "below it" if mark < self.threshold else "above it"
            text += (
                f" The current sample has {number(mark, 1)}, more than {percent(below)} of these: "
                f"{side}."
            )
        text += " Inspect rejects the same share, for as much outline as an image has."
        self.verdict.setText(text)

    def _choose(self, key: str, index: int) -> None:
        self.row_chosen.emit(int(self._rows[key][index]))
