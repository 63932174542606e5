"""Latents of a data set on a plane, with classes to show and hide. Imports pyqtgraph."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QIcon, QPixmap
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QToolButton,
    QVBoxLayout,
)

from genviewer.ui.icons import icon
from genviewer.ui.widgets.class_colors import class_colors
from genviewer.ui.widgets.data_page import MARGIN, DataPage, heading, prose
from genviewer.ui.widgets.latent_scatter import LatentScatter
from genviewer.ui.widgets.pixels_to_image import image_of
from genviewer.ui.widgets.segments import HEIGHT, Segments

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray
    from PySide6.QtWidgets import QWidget

PREVIEW = 128
SIDE = 176


class ScatterPage(DataPage):
    """A scatter with its legend and a look at the image under the pointer.

    Signals:
        method_chosen(str): ``pca`` or ``umap``.
        point_chosen(int): a person wants to go to the latent of that row.
        lassoed(object): a person wants the average of rows int64 (n,).
        hovered(int): the row under the pointer; -1 where there is none.
    """

    method_chosen = Signal(str)
    point_chosen = Signal(int)
    lassoed = Signal(object)
    hovered = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        content = self.content
        self.method = Segments([("pca", "PCA"), ("umap", "UMAP")], "Kind of plane", self)
        self.method.set_current("pca")
        self.method.set_tip("pca", "The plane that keeps most of the variance")
        self.method.set_tip("umap", "Neighbours stay neighbours; takes seconds to minutes")
        self.method.chosen.connect(self.method_chosen)
        self.hand = Segments([("move", "Move"), ("lasso", "Lasso")], "What a drag does", self)
        self.hand.set_current("move")
        self.hand.set_tip("move", "A drag moves the plane, the wheel zooms")
        self.hand.set_tip("lasso", "Draw around some points to go to their average (or Shift-drag)")
        self.all = QToolButton(content)
        self.all.setIcon(icon("fit"))
        self.all.setToolTip("Show all  (Home)")
        self.all.setAccessibleName("Show all")
        self.all.setFixedHeight(HEIGHT)
        self.summary = prose(content)
        self.scatter = LatentScatter(content)
        self.hand.chosen.connect(lambda key: self.scatter.set_lasso(key == "lasso"))
        self.scatter.point_chosen.connect(self.point_chosen)
        self.scatter.lassoed.connect(self.lassoed)
        self.scatter.hovered.connect(self.hovered)
        self.all.clicked.connect(self.scatter.show_all)
        self.legend = QListWidget(content)
        self.legend.setAccessibleName("Classes")
        self.legend.setToolTip("Which classes are shown")
        self.legend.setIconSize(QSize(12, 12))
        self.legend.setFrameShape(QFrame.Shape.NoFrame)
        self.legend.itemChanged.connect(self._hide_classes)
        self.preview = QLabel(content)
        self.preview.setFixedSize(PREVIEW, PREVIEW)
        self.preview.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.caption = prose(content)
        self.caption.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self._names: tuple[str, ...] = ()
        bar = QHBoxLayout()
        bar.setSpacing(8)
        for widget in (self.method, self.hand, self.all):
            bar.addWidget(widget)
        bar.addWidget(self.summary, 1)
        side = QVBoxLayout()
        side.setSpacing(8)
        side.addWidget(self.preview)
        side.addWidget(self.caption)
        self.legend_title = heading("Classes", content)
        side.addWidget(self.legend_title)
        side.addWidget(self.legend, 1)
        body = QHBoxLayout()
        body.setSpacing(MARGIN)
        body.addWidget(self.scatter, 1)
        body.addLayout(side)
        self.legend.setFixedWidth(SIDE)
        self.caption.setFixedWidth(SIDE)
        column = QVBoxLayout(content)
        column.setContentsMargins(MARGIN, 8, MARGIN, 8)
        column.setSpacing(8)
        column.addLayout(bar)
        column.addLayout(body, 1)
        self.show_image(None, "")

    def set_points(
        self,
        points: NDArray[np.float32],
        classes: NDArray[np.int64] | None,
        names: Sequence[str],
        labels: tuple[str, str],
        summary: str,
    ) -> None:
        """Show points float32 (N, 2) of named classes int64 (N,)."""
        self._names = tuple(names) if classes is not None else ()
        self.summary.setText(summary)
        self.scatter.set_points(points, classes, class_colors(len(self._names)), labels)
        self._fill_legend()
        self.show_figures()

    def show_image(self, pixels: NDArray[np.uint8] | None, caption: str) -> None:
        """Show the image uint8 (H, W, C) of a point, or what the pointer does."""
        if pixels is None:
            self.preview.setPixmap(QPixmap())
            self.preview.setVisible(False)
            self.caption.setText("Point at a dot to see its image, click it to go there.")
            return
        picture = QPixmap.fromImage(image_of(pixels))
        smooth = max(picture.width(), picture.height()) > PREVIEW
        mode = Qt.TransformationMode.SmoothTransformation
        if not smooth:
            mode = Qt.TransformationMode.FastTransformation
        keep = Qt.AspectRatioMode.KeepAspectRatio
        self.preview.setPixmap(picture.scaled(PREVIEW, PREVIEW, keep, mode))
        self.preview.setVisible(True)
        self.caption.setText(caption)

    def _fill_legend(self) -> None:
        self.legend.blockSignals(True)
        self.legend.clear()
        for name, color in zip(self._names, class_colors(len(self._names)), strict=True):
            dot = QPixmap(12, 12)
            dot.fill(color)
            item = QListWidgetItem(QIcon(dot), name)
            item.setToolTip(name)
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
            item.setCheckState(Qt.CheckState.Checked)
            self.legend.addItem(item)
        self.legend.blockSignals(False)
        self.legend.setVisible(bool(self._names))
        self.legend_title.setVisible(bool(self._names))

    def _hide_classes(self, _item: QListWidgetItem) -> None:
        off = Qt.CheckState.Unchecked
        rows = range(self.legend.count())
        hidden = frozenset(row for row in rows if self.legend.item(row).checkState() == off)
        self.scatter.set_hidden(hidden)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "_names"):
            colors = class_colors(len(self._names))
            self.scatter.set_colors(colors)
            for row, color in enumerate(colors):
                dot = QPixmap(12, 12)
                dot.fill(color)
                self.legend.item(row).setIcon(QIcon(dot))
