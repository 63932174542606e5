"""What to animate, how long, in which format and how large."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import msgspec
from PySide6.QtCore import QSignalBlocker
from PySide6.QtWidgets import QDoubleSpinBox, QLabel, QSpinBox, QWidget

from genviewer.core.animation import Animation, TraversePath, WalkPath
from genviewer.io.images import ImageError
from genviewer.io.movie_files import GIF_MAX_FPS, MOVIE_FORMATS, check_movie
from genviewer.ui.export_form import ExportDialog, PlaceRow, SizeRow
from genviewer.ui.movie_fields import (
    MAX_FPS,
    TITLES,
    VIDEO,
    first_format,
    format_field,
    fps_field,
    seconds_field,
)
from genviewer.ui.widgets.segments import Segments

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from genviewer.core.keyframes import Timeline
    from genviewer.core.picture import Picture
    from genviewer.core.recipe import ModelRef, Recipe

Source = Literal["keyframes", "walk", "traverse"]
NAMES: dict[Source, str] = {"keyframes": "Keyframes", "walk": "Walk", "traverse": "Dimension"}


@dataclass(frozen=True)
class Animated:
    """What can be animated: a model, its sample's size (width, height), and a first length."""

    model: ModelRef
    size: tuple[int, int]
    seconds: float


@dataclass(frozen=True)
class AnimationChoice:
    """What to animate and how to write it; ``replace`` as in a saved image."""

    path: Path
    model: ModelRef
    animation: Animation
    picture: Picture
    embed: bool = True
    replace: bool = False


class AnimationDialog(ExportDialog):
    """Asks for an animation; says beforehand how many frames it has.

    Args:
        sources: what can be animated; at least one.
        source: what is chosen at first.
        timeline: of the keyframes, where they can be.
        recipe: where a walk begins and what a dimension is changed of.
        seed, speed: of the walk.
        path: proposed file.
        factor: proposed scale.
    """

    def __init__(
        self,
        parent: QWidget | None,
        sources: Mapping[Source, Animated],
        source: Source,
        timeline: Timeline | None,
        recipe: Recipe,
        path: Path,
        *,
        seed: int = 0,
        speed: float = 1.0,
        factor: int = 1,
    ) -> None:
        super().__init__("Save animation", parent)
        self._sources, self._timeline, self._recipe = sources, timeline, recipe
        self._seed, self._speed, self._factor = seed, speed, factor
        self.source = Segments(list(NAMES.items()), "What to animate", self)
        for known in NAMES:
            self.source.set_available(known, known in sources)
        self.source.set_tip("keyframes", "The way through the keyframes")
        self.source.set_tip("walk", "A smooth walk from the current sample on")
        self.source.set_tip("traverse", "One latent dimension of the current sample")
        self.dim = QSpinBox(self)
        self.dim.setRange(0, recipe.latent.dim - 1)
        self.dim.setPrefix("z")
        self.dim.setAccessibleName("Dimension")
        self.low, self.high = QDoubleSpinBox(self), QDoubleSpinBox(self)
        for box, value, name in ((self.low, -2.5, "From"), (self.high, 2.5, "To")):
            box.setRange(-100.0, 100.0)
            box.setSingleStep(0.5)
            box.setValue(value)
            box.setPrefix(f"{name.lower()} ")
            box.setAccessibleName(name)
        self.seconds = seconds_field(self)
        self.fps = fps_field(self)
        self.frames = QLabel(self)
        self.format = format_field(self)
        self.quality = QSpinBox(self)
        self.quality.setRange(0, 100)
        self.quality.setPrefix("quality ")
        self.quality.setAccessibleName("Quality")
        self.scale = SizeRow(self, keep_shape=False)
        self.add_row("What", self.source)
        values = self.add_row("Values", self.dim, self.low, self.high)
        self.values = values
        self.add_row("Format", self.format, self.quality)
        self.add_row("Length", self.seconds, self.fps, self.frames)
        self.loop = self.add_switch("Loop", "The end leads back to the start", True)
        self.add_row("Size", self.scale, stretch=False)
        self.embed = self.add_switch("Recipe", "Inside the file, to come back to it", True)
        self.file = PlaceRow("Save animation", MOVIE_FORMATS, self)
        self.form.addRow("File", self.file)
        self.file.set_path(path)
        self._choose_format(first_format())
        self._choose_source(source if source in sources else next(iter(sources)))
        self.source.chosen.connect(self._choose_source)
        self.format.chosen.connect(self._choose_format)
        self.file.format_typed.connect(self._choose_format)
        for whole in (self.dim, self.fps, self.quality):
            whole.valueChanged.connect(self.refresh)
        for box in (self.low, self.high, self.seconds):
            box.valueChanged.connect(self.refresh)
        for row in (self.scale, self.file):
            row.changed.connect(self.refresh)
        self.refresh()

    def choice(self) -> AnimationChoice:
        """What was chosen.

        Raises:
            ValueError: it has too many frames, or none.
        """
        form = self.format.current
        quality = self.quality.value() if form in (*VIDEO, "webp") else 0
        path = self.file.path
        return AnimationChoice(
            path,
            self._animated.model,
            Animation(self._way(), float(self.fps.value())),
            self.scale.picture(quality=quality or None),
            self.embed.isChecked(),
            path.is_file(),
        )

    @property
    def _animated(self) -> Animated:
        return self._sources[self._source]

    @property
    def _source(self) -> Source:
        return next(name for name in NAMES if name == self.source.current)

    def _way(self) -> Timeline | WalkPath | TraversePath:
        seconds, loop = self.seconds.value(), self.loop.isChecked()
        timeline = self._timeline
        if self._source == "keyframes" and timeline is not None:
            looped = msgspec.structs.replace(timeline, loop=loop)
            pace = seconds / looped.seconds
            keyframes = tuple(
                msgspec.structs.replace(k, seconds=k.seconds * pace) for k in looped.keyframes
            )
            return msgspec.structs.replace(looped, keyframes=keyframes)
        if self._source == "walk":
            if loop:
                return WalkPath(self._recipe, seconds, self._seed, "loop")
            return WalkPath(self._recipe, seconds, self._seed, "random", self._speed)
        low, high = self.low.value(), self.high.value()
        return TraversePath(self._recipe, seconds, self.dim.value(), low, high, loop)

    def _choose_source(self, name: str) -> None:
        self.source.set_current(name)
        self.form.setRowVisible(self.values, name == "traverse")
        with QSignalBlocker(self.loop):
            looped = self._timeline is not None and self._timeline.loop
            self.loop.setChecked(looped if name == "keyframes" else name == "traverse")
        with QSignalBlocker(self.seconds):
            self.seconds.setValue(self._animated.seconds)
        self.scale.set_native(*self._animated.size, self._factor)
        self.refresh()
        self.adjustSize()

    def _choose_format(self, form: str) -> None:
        self.format.set_current(form)
        with QSignalBlocker(self.fps):
            self.fps.setMaximum(int(GIF_MAX_FPS) if form == "gif" else MAX_FPS)
        self.quality.setVisible(form in (*VIDEO, "webp"))
        self.quality.setSpecialValueText("lossless" if form == "webp" else "best quality")
        self.file.set_format(form)
        self.refresh()

    def refresh(self) -> None:
        if not hasattr(self, "file") or not self.source.current:
            return  # still being put together
        if not self.file.given:
            self.tell("Say where to save it.", False)
            return
        form = next(f for f in TITLES if f == self.format.current)
        try:
            choice = self.choice()
            size = choice.picture.size(*self._animated.size)
            check_movie(form, size, choice.animation.fps)
        except (ImageError, ValueError) as error:
            text = str(error).rstrip(".")
            self.tell(f"{text[:1].upper()}{text[1:]}.", False)
            return
        self.frames.setText(f"{choice.animation.frames} frames")
        if choice.path.is_dir():
            self.tell(f"{choice.path.name} is a folder; name a file.", False)
        elif choice.replace:
            self.tell(f"{choice.path.name} exists already and will be replaced.", True, "Replace")
        elif form == "gif":
            self.tell("A GIF has 256 colours in each frame; the other formats have all.", True)
        else:
            text = "Drop the file on the window to come back to it." * choice.embed
            self.tell(text or "Without its Recipe the file cannot be restored.", True)
