"""Which picture to save, where, in which format and how large."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from PySide6.QtWidgets import QComboBox, QLineEdit, QSpinBox, QWidget

from genviewer.core.name_template import DEFAULT_TEMPLATE, TemplateError, check_template
from genviewer.core.picture import NATIVE, Picture
from genviewer.io.image_formats import DEEP_FORMATS, FORMATS, check_size
from genviewer.io.images import ImageError
from genviewer.ui.export_form import ExportDialog, PlaceRow, SizeRow
from genviewer.ui.widgets.segments import Segments

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from genviewer.io.image_formats import ImageFormat

What = Literal["sample", "sheet", "pins"]
NAMES: dict[What, str] = {"sample": "Sample", "sheet": "Whole sheet", "pins": "All pins"}
TITLES: dict[ImageFormat, str] = {"png": "PNG", "webp": "WebP", "jpeg": "JPEG", "tiff": "TIFF"}
LOSSY = ("webp", "jpeg")


@dataclass(frozen=True)
class SaveChoice:
    """What to save and how.

    Attributes:
        path: the file, or for pins the folder.
        what: the current sample, the view's sheet, or every pin in a file of its own.
        picture: size, depth, headers, quality.
        format: of the file or files.
        embed: whether files carry their Recipe.
        replace: whether a file that is there may be replaced; the person was told of it.
        template: of the names of pins.
    """

    path: Path
    what: What = "sample"
    picture: Picture = NATIVE
    format: ImageFormat = "png"
    embed: bool = True
    replace: bool = False
    template: str = DEFAULT_TEMPLATE


class SaveImageDialog(ExportDialog):
    """Asks what to save, where and how; says beforehand what will be replaced.

    Args:
        sizes: (width, height) in pixels at scale 1 of what can be saved.
        places: proposed paths, of the same keys; that of the pins is a folder.
        what: what is chosen at first.
        factor: proposed scale of a sample.
        pins: how many pins there are.
    """

    def __init__(
        self,
        parent: QWidget | None,
        sizes: Mapping[What, tuple[int, int]],
        places: Mapping[What, Path],
        what: What,
        factor: int,
        pins: int = 0,
    ) -> None:
        super().__init__("Save image", parent)
        self._sizes, self._factor, self._pins = sizes, factor, pins
        self.what = Segments(list(NAMES.items()), "What to save", self)
        for name in NAMES:
            self.what.set_available(name, name in sizes)
        self.format = Segments(list(TITLES.items()), "Format", self)
        self.bits = QComboBox(self)
        self.bits.addItem("8 bits", 8)
        self.bits.addItem("16 bits", 16)
        self.bits.setToolTip("Per channel; 16 bits come from the network's own numbers")
        self.bits.setAccessibleName("Depth")
        self.quality = QSpinBox(self)
        self.quality.setRange(0, 100)
        self.quality.setPrefix("quality ")
        self.quality.setAccessibleName("Quality")
        self.scale = SizeRow(self)
        self.add_row("What", self.what)
        self.add_row("Format", self.format, self.bits, self.quality)
        self.add_row("Size", self.scale, stretch=False)
        self.headers = self.add_switch("Headers", "Labels beside rows and columns", True)
        self._headers_row = self.form.rowCount() - 1
        self.embed = self.add_switch("Recipe", "Inside the file, to come back to it", True)
        self.names = QLineEdit(DEFAULT_TEMPLATE, self)
        self.names.setAccessibleName("Names of the files")
        self.names.setToolTip("{model}, {class}, {seed} and {n} stand for what they say")
        self.form.addRow("Names", self.names)
        self.file = PlaceRow("Save image", FORMATS, self)
        self.folder = PlaceRow("Save all pins in a folder", {}, self)
        self.form.addRow("File", self.file)
        self.form.addRow("Folder", self.folder)
        self._places = dict(places)
        self._shown: What = what if what in sizes else "sample"
        if "pins" in places:
            self.folder.set_path(places["pins"])
        self.file.set_path(places["sample" if self._shown == "pins" else self._shown])
        self.what.set_current(self._shown)
        self._choose_format("png")
        self._switch(self._shown)
        self.what.chosen.connect(self._switch)
        self.format.chosen.connect(self._choose_format)
        self.file.format_typed.connect(self._choose_format)
        self.bits.currentIndexChanged.connect(self.refresh)
        self.quality.valueChanged.connect(self.refresh)
        self.names.textChanged.connect(self.refresh)
        for row in (self.scale, self.file, self.folder):
            row.changed.connect(self.refresh)
        self.refresh()

    def choice(self) -> SaveChoice:
        """What was chosen."""
        what, form = self._shown, self._format
        headers = what == "sheet" and self.headers.isChecked() and not self.scale.smooth
        deep = form in DEEP_FORMATS and self.bits.currentData() == 16
        quality = self.quality.value() if form in LOSSY else 0
        picture = self.scale.picture(
            bits=16 if deep else 8, headers=headers, quality=quality or None
        )
        path = self.folder.path if what == "pins" else self.file.path
        replace = what != "pins" and path.is_file()
        template = self.names.text().strip()
        return SaveChoice(path, what, picture, form, self.embed.isChecked(), replace, template)

    @property
    def _format(self) -> ImageFormat:
        return next(form for form in TITLES if form == self.format.current)

    def _choose_format(self, form: str) -> None:
        self.format.set_current(form)
        self.bits.setVisible(form in DEEP_FORMATS)
        self.quality.setVisible(form in LOSSY)
        self.quality.setSpecialValueText("lossless" if form == "webp" else "best quality")
        self.file.set_format(form)
        self.refresh()

    def _switch(self, name: str) -> None:
        what = next(key for key in NAMES if key == name)
        if self._shown != "pins":
            self._places[self._shown] = self.file.path
        self._shown = what
        pins = what == "pins"
        self.form.setRowVisible(self.names, pins)
        self.form.setRowVisible(self.folder, pins)
        self.form.setRowVisible(self.file, not pins)
        if not pins:
            self.file.set_path(self._places[what])
            self.file.set_format(self.format.current)
        self.scale.set_native(*self._sizes[what], 1 if what == "sheet" else self._factor)
        self.refresh()
        self.adjustSize()

    def refresh(self) -> None:
        if not hasattr(self, "folder"):
            return  # still being put together
        whole = not self.scale.smooth  # headers are not made for a picture of a given size
        self.form.setRowVisible(self._headers_row, self._shown == "sheet" and whole)
        pins = self._shown == "pins"
        place = self.folder if pins else self.file
        if not place.given:
            self.tell("Say where to save it.", False)
            return
        choice = self.choice()
        problem = self._problem(choice)
        if problem:
            self.tell(problem, False)
        elif pins:
            self.tell(f"{self._pins} files; those that are there already are left alone.", True)
        elif choice.replace:
            self.tell(f"{choice.path.name} exists already and will be replaced.", True, "Replace")
        elif choice.embed:
            text = "The file carries its Recipe: drop it on the window to come back to it."
            self.tell(text, True)
        else:
            self.tell("Without its Recipe the file cannot be restored.", True)

    def _problem(self, choice: SaveChoice) -> str:
        """What stands against the choice, as a sentence; empty for nothing."""
        width, height = self._sizes[choice.what]
        try:
            check_size(*choice.picture.size(width, height), choice.format, choice.picture.bits)
            if choice.what == "pins":
                check_template(choice.template)
                if "{n" not in choice.template and "{seed" not in choice.template:
                    return "The names need {n} to tell the pins apart."
        except (ImageError, TemplateError) as error:
            return str(error)
        if choice.path.is_dir() and choice.what != "pins":
            return f"{choice.path.name} is a folder; name a file."
        return ""
