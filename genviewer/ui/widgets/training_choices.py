"""How a model is to be trained: what a person can choose before Start."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import msgspec
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from genviewer.ui.widgets.fold_section import FoldHeader
from genviewer.ui.widgets.passing_wheel import PassingWheel
from genviewer.ui.widgets.rate_box import RateBox
from genviewer.ui.widgets.segments import HEIGHT, Segments
from genviewer.ui.widgets.step_box import StepBox

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtGui import QResizeEvent

MAX_STEPS, MAX_BATCH, MAX_SEED, MAX_FREEZE = 9_999_999, 4096, 2**31 - 1, 8
LAYERS = {
    "all": ("Everything", "All layers of the model learn"),
    "decoder": ("The decoder", "What draws learns; what reads images stays as it is"),
    "last": ("The last blocks", "Only the layers next to the picture learn: textures, strokes"),
    "condition": ("The classes", "Only what tells the classes apart learns"),
}
AUGMENTS = {
    "brightness": ("Colour", "Real and drawn images are also judged brighter and darker"),
    "translation": ("Shift", "Real and drawn images are also judged shifted"),
    "cutout": ("Cutout", "Real and drawn images are also judged with a part left out"),
}
PRESET_WIDTH, FIELDS_WIDTH = 236, 316  # at least
WIDEST = 400
SCRATCH = "scratch"
"""The preset that begins with a new discriminator."""

LENGTH_TIP = "How many optimizer steps are made"
UNIT_TIP = "In an epoch every image is looked at once"
FREEZE_TIP = "How many of the discriminator's first layers stay as they are"
THREE_COLUMNS = 960
"""So wide there is room for all choices beside each other, and none needs to be scrolled to."""


class Choices(msgspec.Struct, frozen=True):
    """What was chosen.

    Attributes:
        preset: its key.
        layers: which layers train.
        learning_rate, batch_size, steps, seed: of the optimizer.
        freeze_d: that many of the discriminator's first layers stay as they are (FreezeD).
        augment: DiffAugment's parts, comma-separated.
    """

    preset: str = "normal"
    layers: str = "all"
    learning_rate: float = 1e-3
    batch_size: int = 64
    steps: int = 1000
    seed: int = 0
    freeze_d: int = 0
    augment: str = ""


class TrainingChoices(QWidget):
    """Shows Choices and lets them be edited.

    Args:
        presets: (key, label, hint) in their order.

    Signals:
        preset_chosen(str): a preset; what it proposes is to be shown by :meth:`set_choices`.
        edited(): anything else was changed by the person.
    """

    preset_chosen = Signal(str)
    edited = Signal()

    def __init__(
        self, presets: Sequence[tuple[str, str, str]], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._hints = {key: hint for key, _, hint in presets}
        self._images, self._replay = 0, 0.0
        self._own_discriminator = True
        self.preset = Segments([(key, label) for key, label, _ in presets], "How much", self)
        for key, _, hint in presets:
            self.preset.set_tip(key, hint)
        self.preset.chosen.connect(self._choose_preset)
        self.hint = _quiet(self)
        self.notes = _quiet(self)
        self.layers = _combo(self, "What learns")
        for key, (text, tip) in LAYERS.items():
            self.layers.addItem(text, key)
            self.layers.setItemData(self.layers.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        self.layers.activated.connect(self._edited)
        self.steps = _whole(self, 1, MAX_STEPS, LENGTH_TIP)
        self.steps.valueChanged.connect(self._length_edited)
        self.unit = _combo(self, "Unit of the length")
        self.unit.addItem("steps", "steps")
        self.unit.addItem("epochs", "epochs")
        self.unit.setToolTip(UNIT_TIP)
        self.unit.activated.connect(self._turn_unit)
        self.unit.setEnabled(False)
        self.epochs = _quiet(self)
        self.epochs.setWordWrap(False)
        self.rate = RateBox(1e-7, 1.0, self)
        self.rate.setFixedHeight(HEIGHT)
        self.rate.setToolTip("How far a step goes; more learns sooner, and forgets sooner")
        self.batch = _whole(self, 1, MAX_BATCH, "How many images a step looks at")
        self.batch.valueChanged.connect(self._length_edited)
        self.seed = _whole(self, 0, MAX_SEED, "The same seed on the same machine is the same run")
        self.freeze_d = _whole(self, 0, MAX_FREEZE, FREEZE_TIP)
        for box in (self.rate, self.seed, self.freeze_d):
            box.valueChanged.connect(self._edited)
        self.augments = {key: QCheckBox(text, self) for key, (text, _) in AUGMENTS.items()}
        for key, augment in self.augments.items():
            augment.setToolTip(AUGMENTS[key][1])
            augment.toggled.connect(self._edited)
        self._filling = False
        self._lay_out()

    def _lay_out(self) -> None:
        left = QVBoxLayout()
        left.setSpacing(8)
        left.addWidget(self.preset)
        left.addWidget(self.hint)
        left.addWidget(self.notes)
        left.addStretch(1)
        plain = QGridLayout()
        plain.setHorizontalSpacing(8)
        plain.setVerticalSpacing(6)
        plain.setColumnStretch(2, 1)
        _row(plain, "What learns", self.layers, span=2)
        length = QWidget(self)
        line = QHBoxLayout(length)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(8)
        line.addWidget(self.steps)
        line.addWidget(self.unit)
        line.addWidget(self.epochs, 1)
        _row(plain, "Length", length, span=2).setBuddy(self.steps)
        self.steps.setAccessibleName("Length of the training")
        self._more = QWidget(self)
        more = QGridLayout(self._more)
        more.setContentsMargins(0, 0, 0, 0)
        more.setHorizontalSpacing(8)
        more.setVerticalSpacing(6)
        more.setColumnStretch(2, 1)
        _row(more, "Learning rate", self.rate)
        _row(more, "Batch", self.batch)
        _row(more, "Seed", self.seed)
        self._freeze_label = _row(more, "Frozen layers of D", self.freeze_d)
        checks = QWidget(self)
        line = QHBoxLayout(checks)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(12)
        for box in self.augments.values():
            line.addWidget(box)
        line.addStretch(1)
        self._augment_label = _row(more, "DiffAugment", checks, span=2)
        self.fold = FoldHeader("More", self)
        self.fold.setChecked(False)
        self.fold.setAccessibleName("More choices, fold or open")
        self.fold.toggled.connect(self._show_more)
        right = self._below = QVBoxLayout()
        right.setSpacing(6)
        right.addLayout(plain)
        right.addWidget(self.fold)
        right.addWidget(self._more)
        right.addStretch(1)
        self._aside = QWidget(self)
        self._aside_column = QVBoxLayout(self._aside)
        self._aside_column.addStretch(1)
        inside = QWidget(self)
        row = QHBoxLayout(inside)
        row.setContentsMargins(12, 8, 12, 8)
        row.setSpacing(20)
        for part, width, share in ((left, PRESET_WIDTH, 4), (right, FIELDS_WIDTH, 5)):
            holder = QWidget(inside)
            part.setContentsMargins(0, 0, 0, 0)
            holder.setLayout(part)
            holder.setMinimumWidth(width)
            holder.setMaximumWidth(WIDEST)
            row.addWidget(holder, share)
        self._aside_column.setContentsMargins(0, 0, 0, 0)
        self._aside.setMinimumWidth(FIELDS_WIDTH)
        self._aside.setMaximumWidth(WIDEST)
        row.addWidget(self._aside, 5)
        row.addStretch(0)
        self._show_more(False)
        scroll = QScrollArea(self)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidgetResizable(True)
        scroll.setWidget(inside)
        PassingWheel(scroll)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(scroll)

    def minimumSizeHint(self) -> QSize:
        return QSize(320, 96)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        wide = self.width() >= THREE_COLUMNS
        if wide == (self._more.parentWidget() is self._aside):
            return
        if wide:
            self._aside_column.insertWidget(0, self._more)
        else:
            self._below.insertWidget(self._below.indexOf(self.fold) + 1, self._more)
        self._show_more(self.fold.isChecked())

    def _show_more(self, shown: bool) -> None:
        self._more.setVisible(shown)
        self._aside.setVisible(shown and self._more.parentWidget() is self._aside)

    # what is shown

    @property
    def choices(self) -> Choices:
        """What is chosen now."""
        return Choices(
            self.preset.current,
            self.layers.currentData() or "all",
            self.rate.value(),
            self.batch.value(),
            self._steps(),
            self.seed.value(),
            self.freeze_d.value(),
            ",".join(key for key, box in self.augments.items() if box.isChecked()),
        )

    def set_choices(self, choices: Choices) -> None:
        """Show what is chosen; emits nothing."""
        self._filling = True
        self.preset.set_current(choices.preset)
        self.hint.setText(self._hints[choices.preset])
        self.layers.setCurrentIndex(max(self.layers.findData(choices.layers), 0))
        self.rate.setValue(choices.learning_rate)
        self.batch.setValue(choices.batch_size)
        self.unit.setCurrentIndex(0)
        self.steps.setRange(1, MAX_STEPS)
        self.steps.setValue(choices.steps)
        self.seed.setValue(choices.seed)
        self.freeze_d.setValue(choices.freeze_d)
        wanted = choices.augment.split(",")
        for key, box in self.augments.items():
            box.setChecked(key in wanted)
        self._filling = False
        self._show_epochs()
        self._offer_freezing()

    def set_offer(
        self, layers: Sequence[str], notes: Sequence[str], *, discriminator: str = "none"
    ) -> None:
        """Show what the model allows.

        Args:
            layers: the keys that can be chosen; the others are shown, disabled.
            notes: sentences on what to expect.
            discriminator: ``own``, ``new``, or ``none`` where there is none to freeze or augment.
        """
        model = cast("Any", self.layers.model())  # a QStandardItemModel
        for index in range(self.layers.count()):
            offered = self.layers.itemData(index) in layers
            flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
            model.item(index).setFlags(flags if offered else Qt.ItemFlag.NoItemFlags)
            tip = LAYERS[self.layers.itemData(index)][1]
            self.layers.setItemData(
                index,
                tip if offered else f"{tip}. This model has nothing of the kind.",
                Qt.ItemDataRole.ToolTipRole,
            )
        self.notes.setText("\n".join(notes))
        self.notes.setVisible(bool(notes))
        adversarial, self._own_discriminator = discriminator != "none", discriminator == "own"
        self._offer_freezing()
        for key, box in self.augments.items():
            box.setEnabled(adversarial)
            box.setToolTip(AUGMENTS[key][1] if adversarial else "It is for models trained as GANs.")

    def set_images(self, images: int, replay: float = 0.0) -> None:
        """Say how many images there are to train on, by which steps are epochs.

        Args:
            images: to train on.
            replay: the share of each batch that is none of them, but drawn.
        """
        self._images, self._replay = images, replay
        self.unit.setEnabled(bool(images))
        if not images and self.unit.currentIndex():
            self.unit.setCurrentIndex(0)
        self._show_epochs()

    def set_locked(self, why: str) -> None:
        """Let nothing be edited, and say why; empty lets it be edited."""
        tips: dict[QWidget, str] = {self.steps: LENGTH_TIP, self.unit: UNIT_TIP}
        for widget in (self.preset, self.layers, self.steps, self.unit, self._more):
            widget.setEnabled(not why and (widget is not self.unit or bool(self._images)))
            if widget is not self.layers:
                widget.setToolTip(why or tips.get(widget, ""))

    def _offer_freezing(self) -> None:
        why = ""
        if not self._own_discriminator:
            why = "There is no trained discriminator whose layers could stay."
        elif self.preset.current == SCRATCH:
            why = "From scratch the discriminator begins again, too: no layer of it could stay."
        self.freeze_d.setEnabled(not why)
        self.freeze_d.setToolTip(why or FREEZE_TIP)

    # the hand

    def _choose_preset(self, key: str) -> None:
        self.hint.setText(self._hints[key])
        self._offer_freezing()
        self.preset_chosen.emit(key)

    def _length_edited(self) -> None:
        self._show_epochs()
        self._edited()

    def _edited(self) -> None:
        if not self._filling:
            self.edited.emit()

    def _steps(self) -> int:
        if self.unit.currentData() == "steps":
            return self.steps.value()
        return max(1, min(round(self.steps.value() * self._per_epoch), MAX_STEPS))

    @property
    def _per_epoch(self) -> float:
        batch = self.batch.value()
        drawn = min(batch - 1, round(batch * self._replay))
        return max(self._images / (batch - drawn), 1.0)

    def _turn_unit(self) -> None:
        """The same length in the other unit, as nearly as whole numbers tell it."""
        epochs = self.unit.currentData() == "epochs"
        factor = 1 / self._per_epoch if epochs else self._per_epoch
        self._filling = True
        self.steps.setValue(max(1, round(self.steps.value() * factor)))
        self._filling = False
        self._length_edited()

    def _show_epochs(self) -> None:
        if not self._images:
            self.epochs.setText("")
        elif self.unit.currentData() == "epochs":
            self.epochs.setText(f"{self._steps():,} steps")
        else:
            epochs = self._steps() / self._per_epoch
            self.epochs.setText(f"{epochs:,.0f} epochs" if epochs >= 10 else f"{epochs:.1f} epochs")


def _quiet(parent: QWidget) -> QLabel:
    label = QLabel(parent)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    label.setForegroundRole(label.palette().ColorRole.PlaceholderText)
    label.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
    return label


def _combo(parent: QWidget, name: str) -> QComboBox:
    combo = QComboBox(parent)
    combo.setFixedHeight(HEIGHT)
    combo.setAccessibleName(name)
    combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
    return combo


def _whole(parent: QWidget, low: int, high: int, tip: str) -> StepBox:
    box = StepBox(parent)
    box.setRange(low, high)
    box.setGroupSeparatorShown(True)
    box.setFixedHeight(HEIGHT)
    box.setToolTip(tip)
    return box


def _row(
    grid: QGridLayout, text: str, widget: QWidget, beside: QWidget | None = None, span: int = 1
) -> QLabel:
    row = grid.rowCount()
    label = QLabel(text)
    label.setBuddy(widget)
    if not widget.accessibleName():
        widget.setAccessibleName(text)
    grid.addWidget(label, row, 0)
    grid.addWidget(widget, row, 1, 1, span)
    if beside is not None:
        grid.addWidget(beside, row, 2)
    return label
