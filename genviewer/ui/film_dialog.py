"""How long a film over the steps of a training is, in which format and how large."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QLabel, QWidget

from genviewer.engine.timeline_film import frame_counts
from genviewer.io.images import ImageError
from genviewer.io.movie_files import GIF_MAX_FPS, MOVIE_FORMATS, check_movie
from genviewer.ui.export_form import ExportDialog, PlaceRow, SizeRow
from genviewer.ui.movie_fields import (
    MAX_FPS,
    TITLES,
    first_format,
    format_field,
    fps_field,
    seconds_field,
)

if TYPE_CHECKING:
    from pathlib import Path

    from genviewer.core.picture import Picture

SECONDS_EACH = 0.15


@dataclass(frozen=True)
class FilmChoice:
    """A film over steps and where it is written; ``replace``: a file that is there may go."""

    path: Path
    seconds: float
    fps: float
    picture: Picture
    replace: bool


class FilmDialog(ExportDialog):
    """Asks for a film of the current sample over ``steps`` steps.

    Args:
        steps: how many there are.
        size: width and height of the sample.
        factor: proposed scale.
        path: proposed file.
    """

    def __init__(
        self, parent: QWidget | None, steps: int, size: tuple[int, int], factor: int, path: Path
    ) -> None:
        super().__init__("Save the training as a film", parent)
        self._steps, self._size = steps, size
        self._ready = False
        self.format = format_field(self)
        self.seconds = seconds_field(self)
        self.seconds.setValue(max(1.0, SECONDS_EACH * steps))
        self.fps = fps_field(self)
        self.frames = QLabel(self)
        self.scale = SizeRow(self, keep_shape=False)
        self.scale.set_native(*size, factor)
        self.add_row("Format", self.format)
        self.add_row("Length", self.seconds, self.fps, self.frames)
        self.add_row("Size", self.scale, stretch=False)
        self.file = PlaceRow("Save the training as a film", MOVIE_FORMATS, self)
        self.form.addRow("File", self.file)
        self.file.set_path(path)
        self._choose_format(first_format())
        self.format.chosen.connect(self._choose_format)
        self.file.format_typed.connect(self._choose_format)
        self.seconds.valueChanged.connect(self.refresh)
        self.fps.valueChanged.connect(self.refresh)
        for row in (self.scale, self.file):
            row.changed.connect(self.refresh)
        self._ready = True
        self.refresh()

    def choice(self) -> FilmChoice:
        """What was chosen."""
        path = self.file.path
        picture = self.scale.picture()
        return FilmChoice(
            path, self.seconds.value(), float(self.fps.value()), picture, path.is_file()
        )

    def _choose_format(self, form: str) -> None:
        self.format.set_current(form)
        self.fps.setMaximum(int(GIF_MAX_FPS) if form == "gif" else MAX_FPS)
        self.file.set_format(form)
        self.refresh()

    def refresh(self) -> None:
        if not self._ready:
            return
        if not self.file.given:
            self.tell("Say where to save it.", False)
            return
        choice = self.choice()
        form = next(f for f in TITLES if f == self.format.current)
        try:
            check_movie(form, choice.picture.size(*self._size), choice.fps)
        except ImageError as error:
            self.tell(str(error), False)
            return
        counts = frame_counts(self._steps, choice.seconds, choice.fps)
        self.frames.setText(f"{sum(counts)} frames of {self._steps} steps")
        if choice.path.is_dir():
            self.tell(f"{choice.path.name} is a folder; name a file.", False)
        elif choice.replace:
            self.tell(f"{choice.path.name} exists already and will be replaced.", True, "Replace")
        else:
            self.tell("The current sample, as it was drawn at each step of the training.", True)
