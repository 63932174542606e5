"""How images are brought to a model's size and colours, with some of them as it will see them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace
from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from genviewer.io.dataset_fit import Fit, fit_image
from genviewer.ui import theme
from genviewer.ui.widgets.elided_label import ElidedLabel
from genviewer.ui.widgets.pixels_to_image import image_of
from genviewer.ui.widgets.segments import Segments
from genviewer.ui.widgets.switch import Switch

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray
    from PySide6.QtGui import QImage

TILE, GAP = 56, 8
ARROW = 12  # height between an image and what the model sees of it
HOW = (("crop", "Crop"), ("pad", "Pad"), ("stretch", "Stretch"))
HOW_TIPS = {
    "crop": "The middle of the image, in the model's proportions",
    "pad": "The whole image, with its border's colour around it",
    "stretch": "The whole image, in other proportions",
}
COLOURS = (("model", "Colours"), ("grey", "Grey"))


class DataFit(QWidget):
    """Crop, pad or stretch; grey; inverted; and what comes of it.

    Signals:
        edited(Fit): a person chose another one.
    """

    edited = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMinimumWidth(264)
        self._fit = Fit()
        self.heading = QLabel("What the model sees", self)
        self.heading.setFont(theme.strong(self.font()))
        self.target = ElidedLabel("", self)
        self.target.setForegroundRole(self.target.palette().ColorRole.PlaceholderText)
        self.how = Segments(HOW, "How images are brought to size", self)
        for key, tip in HOW_TIPS.items():
            self.how.set_tip(key, tip)
        self.invert = Switch(self)
        self.invert.setAccessibleName("Invert")
        self.invert.setToolTip("Dark becomes light: for ink on paper, where the model knows white")
        word = QLabel("Invert", self)
        word.setBuddy(self.invert)
        self.colour = Segments(COLOURS, "Colours or grey", self)
        self.preview = FitPreview(self)
        self.how.chosen.connect(lambda key: self._edit(how=key))
        self.colour.chosen.connect(lambda key: self._edit(colour=key))
        self.invert.clicked.connect(lambda on: self._edit(invert=on))
        self._top = top = QHBoxLayout()
        top.setSpacing(GAP)
        top.addWidget(self.heading)
        top.addWidget(self.target, 1)
        line = QHBoxLayout()
        line.setSpacing(GAP)
        line.addWidget(self.how)
        line.addSpacing(4)
        line.addWidget(self.invert)
        line.addWidget(word)
        line.addStretch(1)
        self._column = column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GAP)
        column.addLayout(top)
        column.addLayout(line)
        column.addWidget(self.colour)
        column.addWidget(self.preview)
        column.addStretch(1)

    def set_shape(self, shape: tuple[int, int, int]) -> None:
        """The (height, width, channels) of the model's images."""
        height, width, channels = shape
        self.target.setText(f"{width}×{height}" + (" grey" if channels == 1 else ""))
        self.colour.setVisible(channels > 1)
        self.preview.set_shape(shape)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        parts = (self.heading, self.target, self.colour)
        needed = sum(part.sizeHint().width() for part in parts) + 2 * GAP
        beside = self.width() >= needed
        if beside != (self._top.indexOf(self.colour) >= 0):
            if beside:
                self._top.addWidget(self.colour)
            else:
                self._column.insertWidget(2, self.colour)

    def set_samples(self, samples: Sequence[NDArray[np.uint8]]) -> None:
        """Show other images, uint8 (h, w, C) each."""
        self.preview.set_samples(samples)

    def show_fit(self, fit: Fit) -> None:
        """Show what is chosen; emits nothing."""
        self._fit = fit
        self.how.set_current(fit.how)
        self.colour.set_current("grey" if fit.colour == "grey" else "model")
        self.invert.setChecked(fit.invert)
        self.preview.set_fit(fit)

    def _edit(self, **changes: Any) -> None:
        self.edited.emit(replace(self._fit, **changes))


class FitPreview(QWidget):
    """Images as they are, and below each what the model sees, its pixels as squares."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Images as they are, and as the model sees them")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._shape = (28, 28, 1)
        self._fit = Fit()
        self._samples: tuple[NDArray[np.uint8], ...] = ()
        self._before: list[QImage] = []
        self._after: list[QImage] = []

    @property
    def shown(self) -> tuple[QImage, ...]:
        """What the model sees."""
        return tuple(self._after)

    def set_shape(self, shape: tuple[int, int, int]) -> None:
        """The (height, width, channels) of the model's images."""
        if shape != self._shape:
            self._shape = shape
            self._draw()

    def set_samples(self, samples: Sequence[NDArray[np.uint8]]) -> None:
        """Show other images."""
        self._samples = tuple(samples)
        self._before = [image_of(sample) for sample in self._samples]
        self._draw()

    def set_fit(self, fit: Fit) -> None:
        """Bring them to size in another way."""
        if fit != self._fit:
            self._fit = fit
            self._draw()

    def _draw(self) -> None:
        self._after = [
            image_of(fit_image(sample, *self._shape, self._fit)) for sample in self._samples
        ]
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(4 * (TILE + GAP) - GAP, 2 * TILE + ARROW)

    def minimumSizeHint(self) -> QSize:
        return QSize(2 * (TILE + GAP) - GAP, 2 * TILE + ARROW)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        c = theme.colors()
        painter = QPainter(self)
        for index, (before, after) in enumerate(zip(self._before, self._after, strict=True)):
            left = index * (TILE + GAP)
            if left + TILE > self.width():
                break
            middle = left + TILE / 2
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, True)
            painter.drawImage(_inside(left, 0, before.size()), before)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
            painter.setPen(QPen(c.dim_text, 1.5))
            tip = TILE + ARROW / 2 + 2.5
            painter.drawLine(int(middle - 4), int(tip - 4), int(middle), int(tip))
            painter.drawLine(int(middle), int(tip), int(middle + 4), int(tip - 4))
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, after.width() > TILE)
            painter.drawImage(_inside(left, TILE + ARROW, after.size()), after)
        painter.end()


def _inside(left: int, top: int, size: QSize) -> QRectF:
    """Where an image lies in the middle of a tile, in its own proportions."""
    shown = size.scaled(TILE, TILE, Qt.AspectRatioMode.KeepAspectRatio)
    return QRectF(
        left + (TILE - shown.width()) / 2,
        top + (TILE - shown.height()) / 2,
        shown.width(),
        shown.height(),
    )
