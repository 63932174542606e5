"""What a model believes about an image: the image in, what the model sees and makes of it, p(x),
p(y | x).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import (
    QDragEnterEvent,
    QDropEvent,
    QGuiApplication,
    QKeyEvent,
    QKeySequence,
    QPalette,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QBoxLayout,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from genviewer.ui import theme
from genviewer.ui.widgets.class_column import ClassColumn
from genviewer.ui.widgets.elided_box import ElidedBox
from genviewer.ui.widgets.figure_rows import FigureRows
from genviewer.ui.widgets.image_column import ImageColumn
from genviewer.ui.widgets.image_import import has_image, image_from
from genviewer.ui.widgets.keyboard import ButtonPanel
from genviewer.ui.widgets.picture_tile import PictureTile, error_map
from genviewer.ui.widgets.pixels_to_image import thinned

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

WIDE = 930
"""From this width on pictures and figures are side by side."""

MINIMUM_HEIGHT, NOTICE_HEIGHT = 270, 294
"""At less, the second with a notice above them, five rows of figures would be clipped."""

REDRAWN = "Redrawn"
ENCODE = "Go to the latent that the encoder finds"
INVERT = "Search for the latent that draws it best"
COMPARED = "What the image is compared with"
EVERY_CLASS = "The same latent under every class"
ERROR_SIDE = 384
"""Pixels of the error map's shorter side at least: it is shown smaller than that."""

SAMPLES = (16, 100, 500, 2000, 5000)


class InspectPanel(ButtonPanel):
    """Takes values in and says what is wanted; knows nothing of models.

    Its outer columns are :attr:`image` and :attr:`classes_column`.

    Signals:
        drawn: the drawing has changed.
        file_wanted, data_wanted: an image is to be chosen.
        image_given(object, str): an image uint8 (H, W, C) from the clipboard or dropped, and
            what to call it.
        file_given(object): the Path of an image file that was dropped or pasted.
        nothing_pasted: there is no image on the clipboard.
        sample_toggled(bool): the current sample is to be looked at, as it changes.
        fit_changed: the image is to be brought to the model's size in another way.
        encode_wanted, invert_wanted, stop_wanted, classes_wanted, explain_wanted: pressed.
        data_view_wanted: a whole data set is to be asked about.
        prior_edited(object), class_chosen(int): of the bars.
        samples_chosen(int): how many importance samples.
        reference_chosen(str): a key of :meth:`set_references`.
    """

    drawn = Signal()
    file_wanted = Signal()
    data_wanted = Signal()
    image_given = Signal(object, str)
    file_given = Signal(object)
    nothing_pasted = Signal()
    sample_toggled = Signal(bool)
    fit_changed = Signal()
    encode_wanted = Signal()
    invert_wanted = Signal()
    stop_wanted = Signal()
    classes_wanted = Signal()
    explain_wanted = Signal()
    data_view_wanted = Signal()
    prior_edited = Signal(object)
    class_chosen = Signal(int)
    samples_chosen = Signal(int)
    reference_chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAcceptDrops(True)
        self.setAutoFillBackground(True)
        self.setMinimumHeight(MINIMUM_HEIGHT)
        self._seen: NDArray[np.uint8] | None = None
        self.image = ImageColumn(self)
        self.classes_column = ClassColumn(self)
        self.drawing, self.bars = self.image.drawing, self.classes_column.bars
        self.notice = QLabel("", self)
        self.notice.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self.notice.hide()
        rows = QVBoxLayout(self)
        rows.setContentsMargins(8, 6, 8, 8)
        rows.setSpacing(6)
        rows.addWidget(self.notice)
        row = QHBoxLayout()
        row.setSpacing(16)
        rows.addLayout(row, 1)
        row.addWidget(self.image)
        row.addWidget(self._model_column(), 1)
        row.addWidget(self.classes_column)
        self._pass_on()
        self.set_work(None)

    def _pass_on(self) -> None:
        """The columns' signals as the panel's own."""
        image, classes = self.image, self.classes_column
        self.drawing.pad.drawn.connect(self.drawn)
        image.file_wanted.connect(self.file_wanted)
        image.data_wanted.connect(self.data_wanted)
        image.paste_wanted.connect(self._paste)
        image.sample_toggled.connect(self.sample_toggled)
        image.fit_changed.connect(self.fit_changed)
        classes.prior_edited.connect(self.prior_edited)
        classes.class_chosen.connect(self.class_chosen)
        classes.explain_wanted.connect(self.explain_wanted)
        classes.data_view_wanted.connect(self.data_view_wanted)

    # -- columns ---------------------------------------------------------------------------------

    def _model_column(self) -> QWidget:
        column, layout = _column(self)
        column.setMinimumWidth(220)
        self._halves = QBoxLayout(QBoxLayout.Direction.TopToBottom)
        self._halves.setSpacing(8)
        pictures = QWidget(column)
        tiles = QVBoxLayout(pictures)
        tiles.setContentsMargins(0, 0, 0, 0)
        tiles.setSpacing(0)
        row = QHBoxLayout()
        row.setSpacing(8)
        self.seen = PictureTile("Seen", "", pictures)
        self.seen.setToolTip("What the model is given")
        self.reconstruction = PictureTile(REDRAWN, "", pictures)
        self.reconstruction.setToolTip("What the model makes of it")
        self.error = PictureTile("Error", "", pictures)
        self.error.setToolTip("Where light is missing, and where there is too much")
        for tile in (self.seen, self.reconstruction, self.error):
            row.addWidget(tile)
        self.likeness = QLabel("", pictures)
        self.likeness.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self.likeness.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        tiles.addLayout(row, 100)  # as high as the pictures can be; the rest stays empty
        tiles.addWidget(self.likeness)
        tiles.addStretch(1)
        figures = QWidget(column)
        rows = QVBoxLayout(figures)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(4)
        self.figures = FigureRows(figures)
        rows.addWidget(self.figures)
        rows.addStretch(1)
        rows.addLayout(self._density_bar())
        self._halves.addWidget(pictures, 1)
        self._halves.addWidget(figures, 1)
        layout.addLayout(self._halves, 1)
        layout.addLayout(self._work_bar())
        return column

    def _density_bar(self) -> QHBoxLayout:
        bar = QHBoxLayout()
        bar.setSpacing(6)
        self.samples = QComboBox(self)
        for count in SAMPLES:
            self.samples.addItem(f"k = {count:,}", count)
        self.samples.setCurrentIndex(SAMPLES.index(500))
        self.samples.setToolTip("Importance samples: more of them make the bound tighter")
        self.samples.setAccessibleName("Importance samples")
        self.samples.activated.connect(
            lambda _: self.samples_chosen.emit(int(self.samples.currentData()))
        )
        self.reference = ElidedBox(self)
        self.reference.setToolTip(COMPARED)
        self.reference.setAccessibleName("Compared with")
        self.reference.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.reference.setMinimumContentsLength(8)
        self.reference.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.reference.activated.connect(
            lambda _: self.reference_chosen.emit(str(self.reference.currentData()))
        )
        bar.addWidget(self.samples)
        bar.addWidget(self.reference, 1)
        return bar

    def _work_bar(self) -> QHBoxLayout:
        bar = QHBoxLayout()
        bar.setSpacing(6)
        self.encode = self._push("Encode", ENCODE)
        self.encode.clicked.connect(lambda: self.encode_wanted.emit())
        self.invert = self._push("Invert", INVERT)
        self.invert.clicked.connect(lambda: self.invert_wanted.emit())
        self.classes = self._push("Every class", EVERY_CLASS)
        self.classes.clicked.connect(lambda: self.classes_wanted.emit())
        self.progress = QProgressBar(self)
        self.progress.setRange(0, 1000)
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(6)
        self.stop = self._push("Stop", "Stop searching and go to the best so far")
        self.stop.clicked.connect(lambda: self.stop_wanted.emit())
        for button in (self.encode, self.invert, self.classes):
            bar.addWidget(button)
        bar.addWidget(self.progress, 1)
        bar.addWidget(self.stop)
        bar.addStretch(1)
        return bar

    # -- values in -------------------------------------------------------------------------------

    def set_notice(self, text: str) -> None:
        """Say something above it all; nothing where it is empty."""
        self.notice.setText(text)
        self.notice.setVisible(bool(text))
        self.setMinimumHeight(NOTICE_HEIGHT if text else MINIMUM_HEIGHT)

    def set_density_shown(self, shown: bool) -> None:
        """Whether there is a density, with samples and a reference to choose."""
        self.samples.setVisible(shown)
        self.reference.setVisible(shown)

    def set_abilities(self, *, encode: bool, invert: bool, classes: bool) -> None:
        """What the model can do; what it cannot is disabled and says why."""
        self.encode.setEnabled(encode)
        self.encode.setToolTip(ENCODE if encode else "This model has no encoder.")
        self.invert.setEnabled(invert)
        self.invert.setToolTip(
            INVERT if invert else "A program without gradients cannot be inverted."
        )
        self.classes.setEnabled(classes)
        self.classes.setToolTip(EVERY_CLASS if classes else "This model has no classes.")
        self.reconstruction.set_empty("" if encode else "Invert to see")

    def set_references(self, choices: Sequence[tuple[str, str]], current: str) -> None:
        """What the image can be compared with: keys and texts."""
        self.reference.clear()
        for key, text in choices:
            self.reference.addItem(text, key)
        self.reference.setCurrentIndex(max(self.reference.findData(current), 0))
        self.reference.setToolTip(f"{COMPARED}: {self.reference.currentText()}")

    def set_seen(self, pixels: NDArray[np.uint8] | None) -> None:
        """What the model is given: uint8 (H, W, C) in its size."""
        self._seen = pixels
        self.seen.set_pixels(pixels)

    def set_drawn(self, pixels: NDArray[np.uint8] | None, name: str, likeness: str) -> None:
        """What the model makes of it, what that is called, and how alike the two are."""
        self.reconstruction.set_pixels(pixels)
        self.reconstruction.set_caption(name)
        self.likeness.setText(likeness)
        if pixels is None or self._seen is None or pixels.shape != self._seen.shape:
            self.error.set_pixels(None)
            return
        c = theme.colors()
        seen, drawn = (thinned(picture, ERROR_SIDE) for picture in (self._seen, pixels))
        self.error.set_pixels(error_map(seen, drawn, c.accent, c.warning))

    def set_work(self, fraction: float | None) -> None:
        """How far a search is, 0..1; None where none is under way."""
        working = fraction is not None
        self.progress.setVisible(working)
        self.stop.setVisible(working)
        for button in (self.encode, self.invert, self.classes):
            button.setVisible(not working)
        if fraction is not None:
            self.progress.setValue(round(1000 * fraction))

    # -- the hand --------------------------------------------------------------------------------

    def _paste(self) -> None:
        copied = QGuiApplication.clipboard().mimeData()
        if has_image(copied):
            self._give(copied, "the clipboard")
        else:
            self.nothing_pasted.emit()

    def _give(self, data: object, name: str) -> None:
        found = image_from(data)  # type: ignore[arg-type]
        if isinstance(found, np.ndarray):
            self.image_given.emit(found, name)
        elif found is not None:
            self.file_given.emit(found)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if has_image(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        event.acceptProposedAction()
        self._give(event.mimeData(), "dropped image")

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            pasting = event.matches(QKeySequence.StandardKey.Paste)
            if pasting and has_image(QGuiApplication.clipboard().mimeData()):
                event.accept()
                return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Paste):
            self._paste()
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        wide = self.width() >= WIDE
        sides = QBoxLayout.Direction
        self._halves.setDirection(sides.LeftToRight if wide else sides.TopToBottom)

    # -- parts -----------------------------------------------------------------------------------

    def _push(self, text: str, tip: str) -> QPushButton:
        button = QPushButton(text, self)
        button.setToolTip(tip)
        button.setAccessibleName(text.rstrip("…"))
        return button


def _column(parent: QWidget) -> tuple[QWidget, QVBoxLayout]:
    column = QWidget(parent)
    layout = QVBoxLayout(column)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(6)
    return column, layout
