"""The fields that every dialog for a moving picture has: format, length, frames per second."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QDoubleSpinBox, QSpinBox, QWidget

from genviewer.ui.widgets.segments import Segments

if TYPE_CHECKING:
    from genviewer.io.movie_files import MovieFormat

TITLES: dict[MovieFormat, str] = {
    "mp4": "MP4",
    "webm": "WebM",
    "gif": "GIF",
    "webp": "WebP",
    "apng": "APNG",
}
VIDEO = ("mp4", "webm")
MAX_FPS = 120
MAX_SECONDS = 3600.0


def first_format() -> MovieFormat:
    """The format that is proposed: video where it can be written here."""
    return "mp4" if find_spec("av") is not None else "gif"


def format_field(parent: QWidget) -> Segments:
    """The formats; those that cannot be written here are disabled."""
    field = Segments(list(TITLES.items()), "Format", parent)
    for video in VIDEO:
        field.set_available(video, find_spec("av") is not None)
    return field


def seconds_field(parent: QWidget) -> QDoubleSpinBox:
    """A length in seconds."""
    field = QDoubleSpinBox(parent)
    field.setRange(0.1, MAX_SECONDS)
    field.setDecimals(1)
    field.setSuffix(" s")
    field.setAccessibleName("Length in seconds")
    return field


def fps_field(parent: QWidget) -> QSpinBox:
    """Frames per second."""
    field = QSpinBox(parent)
    field.setRange(1, MAX_FPS)
    field.setValue(30)
    field.setSuffix(" fps")
    field.setAccessibleName("Frames per second")
    return field
