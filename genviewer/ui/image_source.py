"""A window to choose an image from a data set."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QIcon, QPixmap
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QListView,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from genviewer.io.dataset_fit import DEFAULT_FIT
from genviewer.ui.data_sources import name_of
from genviewer.ui.widgets.pixels_to_image import image_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from genviewer.engine.jobs import Progress
    from genviewer.io.dataset_fit import Fit
    from genviewer.io.dataset_values import Images
    from genviewer.ui.background import Background
    from genviewer.ui.data_sources import DataSources

FOLDER, FILE = "folder", "file"
SHOWN = 60
TILE = 56
FILES = "Data sets (*.npz *.zip *.csv *.parquet *.gz *ubyte);;All files (*)"


class ImageSource(QDialog):
    """Some images of a data set, of which one is chosen; not modal.

    Args:
        looks: the lane in which it is read.
        sources: the data sets that are offered.
        mixed: the (height, width, channels) that images of different sizes are brought to, and
            how; None refuses them.
        parent: of the window.

    Signals:
        chosen(object, str): an image uint8 (H, W, C) and what to call it.
    """

    chosen = Signal(object, str)

    def __init__(
        self,
        looks: Background,
        sources: DataSources,
        mixed: Callable[[], tuple[tuple[int, int, int], Fit] | None] = lambda: None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._looks, self._sources, self._mixed = looks, sources, mixed
        self._data: Images | None = None
        self._rows = np.zeros(0, np.int64)
        self._draw = 0
        self.setWindowTitle("Image from a Data Set")
        self.resize(560, 480)
        self.source = QComboBox(self)
        self.source.setAccessibleName("Data set")
        self.source.setPlaceholderText("Choose a data set")
        self._offer("")
        self.source.activated.connect(self._choose_source)
        self.others = QPushButton("Others", self)
        self.others.setToolTip("Show other images of the data set")
        self.others.setEnabled(False)
        self.others.setAutoDefault(False)
        self.others.clicked.connect(self._show_others)
        self.told = QLabel("Choose a data set, then an image.", self)
        self.told.setWordWrap(True)
        self.list = QListWidget(self)
        self.list.setViewMode(QListView.ViewMode.IconMode)
        self.list.setResizeMode(QListView.ResizeMode.Adjust)
        self.list.setMovement(QListView.Movement.Static)
        self.list.setIconSize(QSize(TILE, TILE))
        self.list.setUniformItemSizes(True)
        self.list.setSpacing(2)
        self.list.setAccessibleName("Images")
        self.list.itemActivated.connect(self._choose)
        self.list.itemClicked.connect(self._choose)
        bar = QHBoxLayout()
        bar.addWidget(self.source, 1)
        bar.addWidget(self.others)
        column = QVBoxLayout(self)
        column.addLayout(bar)
        column.addWidget(self.list, 1)
        column.addWidget(self.told)

    def _offer(self, current: str) -> None:
        """Fill the list; ``current`` is the data set that is shown, empty for none."""
        box = self.source
        box.clear()
        for key, text in self._sources.offered:
            box.addItem(text, key)
            box.setItemData(box.count() - 1, key, Qt.ItemDataRole.ToolTipRole)
        box.insertSeparator(box.count())
        box.addItem("A folder…", FOLDER)
        box.addItem("A file…", FILE)
        box.setCurrentIndex(box.findData(current) if current else -1)

    def _choose_source(self, _index: int) -> None:
        key = str(self.source.currentData())
        found = ask_place(self, key) if key in (FOLDER, FILE) else key
        if found:
            self.read(found)
        else:
            self._offer("" if self._data is None else self._data.source)

    def read(self, source: str) -> None:
        """Read a data set and show some of it."""
        self.told.setText("Reading…")
        shape, fit = self._mixed() or (None, DEFAULT_FIT)

        def work(progress: Progress) -> Images:
            from genviewer.io.datasets import load_images

            train, test = load_images(source, fit=fit, mixed_shape=shape)
            return test or train

        self._looks.submit(
            work,
            f"Reading {name_of(source)}",
            key="image source",
            done=lambda data: self._show_data(source, data),
            failed=self._tell_failure,
        )

    def _tell_failure(self, error: Exception) -> None:
        self.told.setText(str(error))

    def _show_data(self, source: str, data: Images) -> None:
        self._data, self._draw = data, 0
        self._sources.remember(source)
        self._offer(source)
        self.others.setEnabled(len(data.images) > SHOWN)
        self._show_others()

    def _show_others(self) -> None:
        data = self._data
        if data is None:
            return
        count = len(data.images)
        order = np.random.default_rng(self._draw).permutation(count)
        self._rows = np.sort(order[:SHOWN])
        self._draw += 1
        self.list.clear()
        for row in self._rows:
            item = QListWidgetItem(_icon(data.images[int(row)]), "")
            item.setToolTip(self._name(int(row)))
            self.list.addItem(item)
        self.told.setText(f"{len(self._rows)} of {count:,} images of {name_of(data.source)}")

    def _name(self, row: int) -> str:
        data = self._data
        if data is None:
            return ""
        text = f"{name_of(data.source)} #{row}"
        if data.labels is None:
            return text
        label = int(data.labels[row])
        return f"{text}: {data.names[label] if data.names else label}"

    def _choose(self, item: QListWidgetItem) -> None:
        if self._data is not None:
            row = int(self._rows[self.list.row(item)])
            self.chosen.emit(np.ascontiguousarray(self._data.images[row]), self._name(row))


def _icon(pixels: NDArray[np.uint8]) -> QIcon:
    fast, smooth = (
        Qt.TransformationMode.FastTransformation,
        Qt.TransformationMode.SmoothTransformation,
    )
    image = image_of(pixels)
    mode = smooth if max(image.width(), image.height()) > TILE else fast
    scaled = image.scaled(TILE, TILE, Qt.AspectRatioMode.KeepAspectRatio, mode)
    return QIcon(QPixmap.fromImage(scaled))


def ask_place(parent: QWidget, kind: str) -> str:
    """A folder or a file with a data set; empty where none is chosen."""
    if kind == FOLDER:
        return QFileDialog.getExistingDirectory(parent, "Folder of Images")
    return QFileDialog.getOpenFileName(parent, "Data Set", "", FILES)[0]


def ask_source(parent: QWidget, sources: DataSources) -> str:
    """The name of a data set, or the place of one; empty where none is chosen."""
    from PySide6.QtWidgets import QInputDialog

    offered = sources.offered
    texts = [*(text for _, text in offered), "A folder…", "A file…"]
    text, wanted = QInputDialog.getItem(
        parent, "Compare with", "What is usual is told by", texts, 0, False
    )
    if not wanted:
        return ""
    index = texts.index(text)
    if index < len(offered):
        return offered[index][0]
    return ask_place(parent, FOLDER if index == len(offered) else FILE)
