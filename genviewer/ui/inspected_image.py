"""The image that a model is asked about: where it comes from, and as the model is given it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QFileDialog

from genviewer.core.frame import Frame
from genviewer.io.dataset_decode import PICTURE_SUFFIXES
from genviewer.io.dataset_fit import Fit, fit_image
from genviewer.io.dataset_values import DataError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from genviewer.core.spec import ImageSpec
    from genviewer.engine.jobs import Progress
    from genviewer.engine.rendered import Rendered
    from genviewer.ui.background import Background
    from genviewer.ui.data_sources import DataSources
    from genviewer.ui.widgets.inspect_panel import InspectPanel

IMAGES = f"Images ({' '.join(f'*{suffix}' for suffix in PICTURE_SUFFIXES)})"
SMALL = 64
"""Grey models up to this size expect what is drawn in the middle, as MNIST has it."""

LARGE = 3 << 19
"""Pixels of an image; of more, every change of model or fit would make the window wait."""


class InspectedImage(QObject):
    """Takes images from the panel's sources and brings them to a model's size (GUI thread).

    Args:
        panel: whose sources these are.
        looks: the lane in which files are read.
        sources: the data sets of which an image can be taken.
        tell: (text, severity) says something.
        current_pixels: the current sample, uint8 (H, W, C), or None.
        parent: of this object.

    Signals:
        changed: :attr:`seen` is another image.
    """

    changed = Signal()

    def __init__(
        self,
        panel: InspectPanel,
        looks: Background,
        sources: DataSources,
        tell: Callable[[str, str], object],
        current_pixels: Callable[[], NDArray[np.uint8] | None],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._panel, self._looks, self._sources, self._tell = panel, looks, sources, tell
        self._current_pixels = current_pixels
        self._pixels: NDArray[np.uint8] | None = None
        self._is_drawing = False
        self._size: ImageSpec | None = None
        self.following = False
        self._keep_next = False
        self._reading: object | None = None  # stands for the image that is being read
        self.seen: NDArray[np.uint8] | None = None
        """The image as the model is given it, uint8 (H, W, C); None where there is none."""
        panel.drawn.connect(self._draw)
        panel.file_wanted.connect(self._ask_file)
        panel.data_wanted.connect(self._ask_data)
        panel.image_given.connect(self.show)
        panel.file_given.connect(self.open_file)
        panel.sample_toggled.connect(self.follow)
        panel.fit_changed.connect(self._fit)

    def set_size(self, size: ImageSpec) -> None:
        """Bring the image to the size of another model."""
        if size != self._size:
            small = max(size.height, size.width) <= SMALL and size.channels == 1
            self._panel.image.set_centre(small)
        self._size = size
        self._fit()

    def show(self, pixels: NDArray[np.uint8], name: str) -> None:
        """Ask about an image uint8 (H, W, C) with 1, 3 or 4 channels; soon, where it is large."""
        if pixels.shape[0] * pixels.shape[1] > LARGE:
            self._read(lambda: pixels, name)
        else:
            self._take(pixels, name)

    def _take(self, pixels: NDArray[np.uint8], name: str) -> None:
        self.follow(False)
        self._reading = None
        self._pixels, self._is_drawing = pixels, False
        self._panel.drawing.pad.set_pixels(pixels)
        self._panel.image.source.setText(name)
        self._fit()

    def open_file(self, path: Path) -> None:
        """Ask about an image in a file."""

        def decoded() -> NDArray[np.uint8]:
            from genviewer.io.image_decode import decode_picture

            levels = decode_picture(path)
            deep = levels.dtype == np.uint16
            return np.round(levels / 257.0).astype(np.uint8) if deep else levels.astype(np.uint8)

        self._read(decoded, path.name)

    def _read(self, decoded: Callable[[], NDArray[np.uint8]], name: str) -> None:
        """Ask about what a function gives in the lane, made smaller there where it is large."""

        def work(_: Progress) -> NDArray[np.uint8]:
            return reduced(decoded())

        def done(pixels: NDArray[np.uint8]) -> None:
            if self._reading is wish:  # else another one was chosen meanwhile
                self._take(pixels, name)

        wish = self._reading = object()
        self._looks.submit(
            work,
            f"Reading {name}",
            key="inspected image",
            done=done,
            failed=lambda error: self._tell(str(error), "error"),
            quiet=True,
        )

    def follow(self, on: bool) -> None:
        """Ask about the current sample, as it changes; undo on the pad leads back from it."""
        self._keep_next = on and (self._keep_next or not self.following)
        self.following = on
        self._panel.image.sample.setChecked(on)
        if on:
            self._is_drawing, self._reading = False, None
            self._panel.image.source.setText("current sample")
            pixels = self._current_pixels()
            if pixels is not None:
                self._look_at(pixels)

    def take_rendered(self, rendered: Rendered) -> None:
        """A new sample is there, which may be the one to follow."""
        frame = rendered.focus
        if self.following and self._panel.isVisible() and isinstance(frame, Frame):
            self._look_at(frame.pixels)

    def _look_at(self, sample: NDArray[np.uint8]) -> None:
        self._pixels = sample
        # What was there before the first sample is kept, the samples themselves are not.
        self._panel.drawing.pad.set_pixels(sample, keep=self._keep_next)
        self._keep_next = False
        self._fit()

    def _draw(self) -> None:
        self._reading = None
        if self.following:
            self.follow(False)
        if not self._is_drawing:
            self._is_drawing = True
            self._panel.image.source.setText("drawing")
        self._pixels = self._panel.drawing.pad.pixels()
        self._fit()

    def _ask_file(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self._panel.window(), "Open Image", "", IMAGES)
        if path:
            self.open_file(Path(path))

    def _ask_data(self) -> None:
        from genviewer.ui.image_source import ImageSource

        dialog = ImageSource(self._looks, self._sources, self._mixed, self._panel.window())
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.chosen.connect(self.show)
        dialog.show()

    def _mixed(self) -> tuple[tuple[int, int, int], Fit] | None:
        """What images of a data set that are of different sizes are brought to, and how."""
        size = self._size
        if size is None:
            return None
        # Inverted, and without its colours, an image is made when it is chosen.
        return (size.height, size.width, size.channels), Fit(self._panel.image.fit.how)

    def _fit(self) -> None:
        size, pixels = self._size, self._pixels
        if size is None or pixels is None:
            return
        column = self._panel.image
        if self._is_drawing and column.centre:
            from genviewer.engine.drawing import centred

            pixels = centred(pixels, size.height, size.width)
        try:
            self.seen = fit_image(pixels, size.height, size.width, size.channels, column.fit)
        except DataError as error:
            self._tell(str(error), "error")
            return
        self._panel.set_seen(self.seen)
        self.changed.emit()


def reduced(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """An image uint8 (H, W, C) of the same proportions and no more than :data:`LARGE` pixels."""
    height, width, channels = pixels.shape
    if height * width <= LARGE:
        return pixels
    scale = math.sqrt(LARGE / (height * width))
    size = max(1, math.floor(scale * height)), max(1, math.floor(scale * width))
    return fit_image(pixels, *size, channels, Fit("stretch"))
