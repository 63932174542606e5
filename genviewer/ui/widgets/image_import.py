"""Images from the clipboard and from drags."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage

from genviewer.io.dataset_decode import PICTURE_SUFFIXES

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PySide6.QtCore import QMimeData

MAX_SIDE = 4096


def has_image(data: QMimeData | None) -> bool:
    """Whether there is an image, or the file of one."""
    return data is not None and (data.hasImage() or _file(data) is not None)


def image_from(data: QMimeData | None) -> NDArray[np.uint8] | Path | None:
    """The image as uint8 (H, W, 4), at most :data:`MAX_SIDE` pixels a side, or the path of its
    file; None where there is none.
    """
    if data is None:
        return None
    path = _file(data)
    if path is not None:
        return path
    image = data.imageData() if data.hasImage() else None
    if not isinstance(image, QImage) or image.isNull():
        return None
    if max(image.width(), image.height()) > MAX_SIDE:
        image = image.scaled(
            MAX_SIDE,
            MAX_SIDE,
            Qt.AspectRatioMode.KeepAspectRatio,
            Qt.TransformationMode.SmoothTransformation,
        )
    image = image.convertToFormat(QImage.Format.Format_RGBA8888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 4 * image.width()].reshape(image.height(), image.width(), 4).copy()


def _file(data: QMimeData) -> Path | None:
    files = [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]
    return next((path for path in files if path.suffix.lower() in PICTURE_SUFFIXES), None)
