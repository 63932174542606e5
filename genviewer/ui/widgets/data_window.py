"""The window about a data set: which one, how many images, and the pages with its figures.

Imports pyqtgraph, by its pages.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QMenu,
    QProgressBar,
    QPushButton,
    QSpinBox,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from genviewer.ui.icons import icon
from genviewer.ui.widgets.bayes_page import BayesPage
from genviewer.ui.widgets.elided_label import ElidedLabel
from genviewer.ui.widgets.nearest_page import NearestPage
from genviewer.ui.widgets.outlier_page import OutlierPage
from genviewer.ui.widgets.posterior_page import PosteriorPage
from genviewer.ui.widgets.scatter_page import ScatterPage
from genviewer.ui.widgets.segments import HEIGHT, Segments

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtGui import QDragEnterEvent, QDropEvent, QKeyEvent

    from genviewer.ui.widgets.data_page import DataPage

PAGES = (
    ("outliers", "Outliers", "How likely the model finds each image"),
    ("bayes", "Bayes", "Which class it takes each image for, and how far that can be trusted"),
    ("posterior", "Posterior", "How the images lie in each latent dimension"),
    ("scatter", "Scatter", "How the images lie in latent space"),
    ("nearest", "Nearest", "The images that are nearest to the current sample"),
)
MOST = 10_000_000
SHOWN_AFTER_MS = 300


class DataWindow(QWidget):
    """Values in, signals out.

    Signals:
        source_chosen(str): a path or the name of a data set.
        file_wanted(), folder_wanted(): a person wants to choose one.
        split_chosen(str): ``train`` or ``test``.
        count_chosen(int): how many images.
        page_chosen(str): a key of :data:`PAGES`.
        cancel_wanted(): what is under way is to stop.
    """

    source_chosen = Signal(str)
    file_wanted = Signal()
    folder_wanted = Signal()
    split_chosen = Signal(str)
    count_chosen = Signal(int)
    page_chosen = Signal(str)
    cancel_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Window)
        self.setWindowTitle("Data set")
        self.setAcceptDrops(True)
        self.resize(1040, 720)
        self.setMinimumSize(720, 520)
        self.menu = QMenu(self)
        self.menu.setToolTipsVisible(True)
        self.source = QPushButton("Choose a data set…", self)
        self.source.setToolTip("Which images are looked at; a file or folder can be dropped here")
        self.source.setAccessibleName("Data set")
        self.source.setMaximumWidth(280)
        self.source.setMenu(self.menu)
        self.split = Segments([("train", "Train"), ("test", "Test")], "Split", self)
        self.split.set_tip("train", "The images that a model may have learned from")
        self.split.set_tip("test", "The images that are kept apart")
        self.split.set_current("test")
        self.split.chosen.connect(self.split_chosen)
        self.count = QSpinBox(self)
        self.count.setRange(1, MOST)
        self.count.setGroupSeparatorShown(True)
        self.count.setKeyboardTracking(False)
        self.count.setSuffix(" images")
        self.count.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.count.setFixedSize(120, HEIGHT)
        self.count.setAccessibleName("How many images")
        self.count.setToolTip("How many images are looked at, spread evenly over the data set")
        # Of several steps in a row the last one is meant.
        self._settled = QTimer(self)
        self._settled.setSingleShot(True)
        self._settled.setInterval(500)
        self._settled.timeout.connect(lambda: self.count_chosen.emit(self.count.value()))
        self.count.valueChanged.connect(lambda _: self._settled.start())
        self.facts = ElidedLabel("", self)
        bar = QHBoxLayout()
        bar.setContentsMargins(16, 12, 16, 4)
        bar.setSpacing(8)
        for widget in (self.source, self.split, self.count):
            bar.addWidget(widget)
        bar.addWidget(self.facts, 1)
        self.outliers, self.bayes = OutlierPage(self), BayesPage(self)
        self.posterior, self.scatter = PosteriorPage(self), ScatterPage(self)
        self.nearest = NearestPage(self)
        self.pages: dict[str, DataPage] = {
            "outliers": self.outliers,
            "bayes": self.bayes,
            "posterior": self.posterior,
            "scatter": self.scatter,
            "nearest": self.nearest,
        }
        self.tabs = Segments([(key, title) for key, title, _ in PAGES], "Page", self)
        for key, _, tip in PAGES:
            self.tabs.set_tip(key, tip)
        self.tabs.set_current("outliers")
        self.tabs.chosen.connect(self._choose_page)
        self.stack = QStackedWidget(self)
        for page in self.pages.values():
            self.stack.addWidget(page)
        self.work = QLabel(self)
        self.progress = QProgressBar(self)
        self.progress.setRange(0, 1000)
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(6)
        self.cancel = QPushButton("Cancel", self)
        self.cancel.clicked.connect(self.cancel_wanted)
        self.foot = QWidget(self)
        foot = QHBoxLayout(self.foot)
        foot.setContentsMargins(16, 4, 16, 8)
        foot.setSpacing(8)
        foot.addWidget(self.work)
        foot.addWidget(self.progress, 1)
        foot.addWidget(self.cancel)
        self.foot.setVisible(False)
        # What is known already is there at once, and nothing flickers.
        self._busy = QTimer(self)
        self._busy.setSingleShot(True)
        self._busy.setInterval(SHOWN_AFTER_MS)
        self._busy.timeout.connect(lambda: self.foot.setVisible(True))
        tabs = QHBoxLayout()
        tabs.setContentsMargins(16, 4, 16, 4)
        tabs.addWidget(self.tabs)
        tabs.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(bar)
        column.addLayout(tabs)
        column.addWidget(self.stack, 1)
        column.addWidget(self.foot)

    def sizeHint(self) -> QSize:
        return QSize(1040, 720)

    def set_sources(self, sources: Sequence[tuple[str, str]]) -> None:
        """What the menu offers: (source, name) each, and a file or folder of one's own."""
        self.menu.clear()
        for source, name in sources:
            action = self.menu.addAction(name.replace("&", "&&"))
            action.setToolTip(source)
            action.triggered.connect(lambda _=False, source=source: self.source_chosen.emit(source))
        self.menu.addSeparator()
        self.menu.addAction(icon("open"), "Open File…", self.file_wanted.emit)
        self.menu.addAction(icon("folder"), "Open Folder…", self.folder_wanted.emit)

    def set_source(self, name: str, has_test: bool, split: str, facts: str) -> None:
        """Say which data set it is."""
        room = self.source.maximumWidth() - 48
        metrics = self.source.fontMetrics()
        self.source.setText(metrics.elidedText(name, Qt.TextElideMode.ElideMiddle, room))
        self.split.setVisible(has_test)
        self.split.set_current(split)
        self.facts.setText(facts)

    def set_count(self, count: int) -> None:
        """Show how many images are looked at."""
        self.count.blockSignals(True)
        self.count.setValue(count)
        self.count.blockSignals(False)

    def set_page(self, key: str) -> None:
        """Show a page."""
        self.tabs.set_current(key)
        self.stack.setCurrentWidget(self.pages[key])

    def set_work(self, text: str | None, fraction: float = 0.0) -> None:
        """Show what is under way and how much of it is done; None where nothing is."""
        if text is None:
            self._busy.stop()
            self.foot.setVisible(False)
            return
        self.work.setText(text)
        self.progress.setValue(round(1000 * fraction))
        if not self.foot.isVisible() and not self._busy.isActive():
            self._busy.start()

    def _choose_page(self, key: str) -> None:
        self.stack.setCurrentWidget(self.pages[key])
        self.page_chosen.emit(key)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        files = [url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile()]
        if files:
            event.acceptProposedAction()
            self.source_chosen.emit(str(Path(files[0])))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.close()
        else:
            super().keyPressEvent(event)
