"""How many samples of what to write as a data set, and where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from PySide6.QtWidgets import QDoubleSpinBox, QLabel, QLineEdit, QSpinBox, QWidget

from genviewer.core.condition_parsing import ConditionError, parse_classes, parse_mix
from genviewer.core.dataset_plan import DatasetPlan
from genviewer.core.name_template import DEFAULT_TEMPLATE, TemplateError
from genviewer.core.picture import Picture
from genviewer.core.recipe import from_json
from genviewer.engine.cells import CHUNK
from genviewer.io.dataset_store import PLAN_NAME, WORK_FOLDER
from genviewer.io.images import PROGRAM
from genviewer.ui.export_form import ExportDialog, PlaceRow
from genviewer.ui.widgets.segments import Segments

if TYPE_CHECKING:
    from pathlib import Path

    from genviewer.core.dataset_plan import DatasetFormat
    from genviewer.ui.models import Loaded

TITLES: dict[DatasetFormat, str] = {
    "png": "PNG files",
    "webp": "WebP files",
    "npz": "One .npz",
    "zip": "One .zip",
}
MOST = 100_000_000
MAX_SEED = 2**31 - 1
MAX_FACTOR = 16
GPU_CHUNK = 128
"""Samples that a GPU draws together; as on the command line, so that both make the same files."""


class DataSetDialog(ExportDialog):
    """Asks for a data set of one model; says whether the folder can be used or gone on with.

    Args:
        loaded: the model.
        folder: proposed place.
        seed: proposed seed.
    """

    def __init__(self, parent: QWidget | None, loaded: Loaded, folder: Path, seed: int = 0) -> None:
        super().__init__("Export data set", parent)
        self._loaded = loaded
        self._wanted = loaded.bundle.spec.class_condition
        spec = loaded.bundle.spec
        self.by = Segments((("class", "Of each class"), ("all", "In all")), "How many", self)
        self.count = self._spin(1, MOST, 100, "How many samples")
        self.count.setGroupSeparatorShown(True)
        self.classes = QLineEdit(self)
        self.classes.setPlaceholderText("all")
        self.classes.setToolTip("Classes as a list or range: a..f   cat,dog   #0..#9")
        self.classes.setAccessibleName("Classes")
        self.shares = QLineEdit(self)
        self.shares.setPlaceholderText("equal shares, or such as 3:0.7, 8:0.3")
        self.shares.setAccessibleName("Proportions of classes")
        self.seed = self._spin(0, MAX_SEED, seed, "Seed of the first sample")
        self.psi = QDoubleSpinBox(self)
        self.psi.setRange(0.0, 2.0)
        self.psi.setSingleStep(0.05)
        self.psi.setValue(1.0)
        self.psi.setPrefix("truncation ")
        self.psi.setAccessibleName("Truncation")
        self.psi.setVisible(spec.truncation)
        self.format = Segments(list(TITLES.items()), "Format", self)
        self.factor = self._spin(1, MAX_FACTOR, 1, "Each pixel is repeated this often")
        self.factor.setSuffix(" ×")
        self.reject_share = self._spin(0, 95, 0, "The share of samples that is drawn again")
        self.reject_share.setSuffix(" %")
        liked = QLabel("those that the model itself likes least", self)
        self.names = QLineEdit(DEFAULT_TEMPLATE, self)
        self.names.setAccessibleName("Names of the files")
        self.names.setToolTip("{model}, {class}, {seed} and {n} stand for what they say")
        self.add_row("How many", self.count, self.by)
        self.form.addRow("Classes", self.classes)
        self.form.addRow("Proportions", self.shares)
        self.add_row("Seed", self.seed, self.psi)
        scored = self.add_row("Reject", self.reject_share, liked)
        self.form.setRowVisible(scored, spec.discriminator or spec.density)
        self.add_row("Format", self.format, self.factor)
        self.form.addRow("Names", self.names)
        self.embed = self.add_switch("Recipe", "Inside every file, to come back to it", True)
        self._embed_row = self.form.rowCount() - 1
        self.folder = PlaceRow("Export into a folder", {}, self)
        self.folder.set_path(folder)
        self.form.addRow("Folder", self.folder)
        self.by.set_available("class", self._wanted is not None)
        self.by.setVisible(self._wanted is not None)
        self.by.set_current("class" if self._wanted is not None else "all")
        self.format.set_current("png")
        for choice in (self.by, self.format):
            choice.chosen.connect(self.refresh)
            choice.chosen.connect(lambda _: self.adjustSize())
        self.folder.changed.connect(self.refresh)
        for box in (self.count, self.seed, self.factor, self.reject_share):
            box.valueChanged.connect(self.refresh)
        self.psi.valueChanged.connect(self.refresh)
        for edit in (self.classes, self.shares, self.names):
            edit.textChanged.connect(self.refresh)
        self.refresh()

    def plan(self) -> DatasetPlan:
        """What was chosen.

        Raises:
            ConditionError: the model has no such classes.
            TemplateError: the names make no sense.
            ValueError: something else contradicts itself.
        """
        bundle, generator, wanted = self._loaded.bundle, self._loaded.generator, self._wanted
        count = self.count.value()
        classes: tuple[int, ...] = ()
        shares: tuple[float, ...] = ()
        if wanted is not None:
            text, mix = self.classes.text().strip(), self.shares.text().strip()
            classes = parse_classes(text, wanted) if text else tuple(range(wanted.size))
            if self.by.current == "class":
                count *= len(classes)
            elif mix:
                weights = parse_mix(mix, wanted).weights
                classes, shares = tuple(k for k, _ in weights), tuple(w for _, w in weights)
        return DatasetPlan(
            bundle.ref,
            count,
            seed=self.seed.value(),
            classes=classes,
            shares=shares,
            truncation=self.psi.value() if bundle.spec.truncation else 1.0,
            format=self._format,
            template=self.names.text().strip(),
            picture=Picture(self.factor.value()),
            chunk=GPU_CHUNK if generator.device.startswith("cuda") else CHUNK,
            reject=self.reject_share.value() / 100.0,
            provenance=self.embed.isChecked(),
            engine=generator.engine,
            weights_sha256=bundle.weights_sha256,
            program=PROGRAM,
        )

    @property
    def _format(self) -> DatasetFormat:
        return next(form for form in TITLES if form == self.format.current)

    def _spin(self, low: int, high: int, value: int, tip: str) -> QSpinBox:
        box = QSpinBox(self)
        box.setRange(low, high)
        box.setValue(value)
        box.setToolTip(tip)
        box.setAccessibleName(tip)
        return box

    def refresh(self) -> None:
        if not hasattr(self, "folder"):
            return  # still being put together
        shared = self._wanted is not None and self.by.current == "all"
        mixed = shared and bool(self.shares.text().strip())
        self.form.setRowVisible(self.classes, self._wanted is not None and not mixed)
        self.form.setRowVisible(self.shares, shared)
        images = self._format != "npz"  # whose arrays hold the latents themselves
        self.form.setRowVisible(self.names, images)
        self.form.setRowVisible(self._embed_row, images)
        try:
            plan = self.plan()
        except (ConditionError, TemplateError, ValueError) as error:
            text = str(error).rstrip(".")
            self.tell(f"{text[:1].upper()}{text[1:]}.", False, "Export")
            return
        if not self.folder.given:
            self.tell("Say where to export it.", False, "Export")
            return
        self._tell_of_folder(plan)

    def _tell_of_folder(self, plan: DatasetPlan) -> None:
        """Say whether the folder is free, or of this very export, or of something else."""
        state, text = folder_state(self.folder.path, plan)
        verbs = {"free": "Export", "begun": "Go on", "taken": "Export"}
        self.tell(text, state != "taken", verbs[state])


def folder_state(folder: Path, plan: DatasetPlan) -> tuple[Literal["free", "begun", "taken"], str]:
    """Whether a folder can take a data set, and a sentence about it. Changes nothing."""
    try:
        if not folder.exists() or not any(folder.iterdir()):
            return "free", f"{plan.count:,} samples. Cancelled, the export can be taken up again."
        place = folder / WORK_FOLDER / PLAN_NAME
        found = from_json(place.read_bytes(), DatasetPlan) if place.is_file() else None
    except ValueError:
        return "taken", f"{folder.name} holds a damaged export; choose another folder."
    except OSError as error:
        return "taken", f"{folder.name} cannot be used: {error.strerror}."
    if found is None:
        return "taken", f"{folder.name} is not empty; choose another folder."
    if found != plan:
        return "taken", f"{folder.name} holds another export; choose another folder."
    return "begun", f"{folder.name} holds this very export, in part or whole; it goes on there."
