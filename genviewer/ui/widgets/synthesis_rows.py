"""Controls of models that read more than a latent and a condition; rows come from the Spec."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from genviewer.core.synthesis import Noise, Transform
from genviewer.ui.widgets.segments import Segments
from genviewer.ui.widgets.step_box import StepBox
from genviewer.ui.widgets.value_slider import ValueSlider

if TYPE_CHECKING:
    from collections.abc import Sequence

    from genviewer.core.recipe import Recipe
    from genviewer.core.spec import Spec

MAX_SEED = 2**31 - 1
LABEL = 72
BESIDE = 28  # px that other rows of the panel have at their right for a button
NO_MIX, SEED, OTHER = -1, -2, -3
"""Sources of a second latent beside pins, which have ids from 1 on."""


class SynthesisRows(QWidget):
    """Space, cutoff, noise, style mixing, and where the content lies.

    Signals:
        space_chosen(space): ``z`` or ``w``.
        cutoff_edited(cutoff): truncate the layers below it; None for all.
        noise_edited(noise, strength, key): ``const``, ``none`` or a seed; a factor; a merge key,
            empty for none.
        mix_edited(source, seed, first, last): a pin's id, ``SEED``, ``OTHER`` (the latent that is
            mixed in already) or ``NO_MIX``; the layers from first to last.
        transform_edited(transform, key): a Transform and a merge key.
    """

    space_chosen = Signal(str)
    cutoff_edited = Signal(object)
    noise_edited = Signal(object, float, str)
    mix_edited = Signal(int, int, int, int)
    transform_edited = Signal(object, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._layers = 0
        self._showing = False
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        self._rows = {
            "space": self._space_row(),
            "cutoff": self._cutoff_row(),
            "noise": self._noise_row(),
            "mix": self._mix_row(),
            "transform": self._transform_row(),
        }
        for row in self._rows.values():
            column.addWidget(row)
        self.set_spec(None)

    # the rows

    def _space_row(self) -> QWidget:
        self.space = Segments((("z", "z"), ("w", "w")), "Latent space")
        self.space.set_tip("z", "Latents as drawn from the prior; the z that was left comes back")
        self.space.set_tip("w", "Styles, to which z is mapped; the picture stays")
        self.space.chosen.connect(self.space_chosen)
        return _row("Space", self.space)

    def _cutoff_row(self) -> QWidget:
        self.cutoff = _number("Layers that are truncated", 0)
        self.cutoff.setToolTip("Truncate the coarse layers before this one only")
        self.cutoff.valueChanged.connect(self._on_cutoff)
        return _row("Truncate", self.cutoff)

    def _noise_row(self) -> QWidget:
        self.noise = Segments(
            (("const", "Fixed"), ("none", "None"), ("seed", "Seed")), "Noise", room=10
        )
        self.noise.set_tip("const", "The noise that the model was given at the end of training")
        self.noise.set_tip("none", "No noise: smooth surfaces")
        self.noise.set_tip("seed", "Fresh noise by number: other hair, the same head")
        self.noise.chosen.connect(lambda _kind: self._on_noise(""))
        self.noise_seed = _number("Seed of the noise", 0, MAX_SEED)
        self.noise_seed.valueChanged.connect(lambda _value: self._on_noise(""))
        self.strength = ValueSlider("Strength", 0.0, 2.0, 1.0, label_width=LABEL)
        self.strength.track.setToolTip("How much of the noise the layers get")
        self.strength.edited.connect(lambda _value, key: self._on_noise(key))
        both = QWidget()
        column = QVBoxLayout(both)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(_row("Noise", self.noise))
        self._noise_seed_row = _row("", self.noise_seed)
        column.addWidget(self._noise_seed_row)
        column.addWidget(_inset(self.strength))
        return both

    def _mix_row(self) -> QWidget:
        self.source = QComboBox()
        self.source.setAccessibleName("Second latent to mix in")
        self.source.setToolTip("A second sample whose styles some layers take")
        self.source.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.source.setMinimumContentsLength(6)
        self.source.activated.connect(lambda _index: self._on_mix())
        self.mix_seed = _number("Seed of the second latent", 0, MAX_SEED)
        self.mix_seed.valueChanged.connect(lambda _value: self._on_mix())
        self.first = _number("First layer that is mixed", 0)
        self.last = _number("Last layer that is mixed", 0)
        self.first.setToolTip("The first layer that takes the second style; coarse ones come first")
        self.last.setToolTip("The last layer that takes the second style")
        self.first.valueChanged.connect(lambda _value: self._on_mix())
        self.last.valueChanged.connect(lambda _value: self._on_mix())
        both = QWidget()
        column = QVBoxLayout(both)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(_row("Mix in", self.source, stretch=False))
        self._mix_seed_row = _row("", self.mix_seed)
        self._mix_layers_row = _row("Layers", self.first, _dim("to"), self.last)
        column.addWidget(self._mix_seed_row)
        column.addWidget(self._mix_layers_row)
        self.set_pins(())
        return both

    def _transform_row(self) -> QWidget:
        self.shift_x = ValueSlider("Shift x", -1.0, 1.0, 0.0, label_width=LABEL)
        self.shift_y = ValueSlider("Shift y", -1.0, 1.0, 0.0, label_width=LABEL)
        self.turn = ValueSlider(
            "Turn", -180.0, 180.0, 0.0, decimals=0, suffix=" °", label_width=LABEL
        )
        self.shift_x.track.setToolTip("To the right, in widths of the picture")
        self.shift_y.track.setToolTip("Downwards, in heights of the picture")
        self.turn.track.setToolTip("Counter-clockwise")
        both = QWidget()
        column = QVBoxLayout(both)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        for slider in (self.shift_x, self.shift_y, self.turn):
            slider.edited.connect(lambda _value, key: self._on_transform(key))
            column.addWidget(_inset(slider))
        return both

    # what it shows

    def set_spec(self, spec: Spec | None) -> None:
        """Show the rows that a model has controls for; none at all for most."""
        synthesis = spec.synthesis if spec is not None else None
        layers = spec.layers if spec is not None else 0
        has = {
            "space": spec is not None and len(spec.latent.spaces) > 1,
            "cutoff": synthesis is not None and layers > 0,
            "noise": synthesis is not None and spec is not None and spec.noise,
            "mix": synthesis is not None and layers > 0,
            "transform": synthesis is not None and synthesis.transform,
        }
        for name, row in self._rows.items():
            row.setVisible(has[name])
        self.setVisible(any(has.values()))
        if layers != self._layers:
            self._layers = layers
            self._showing = True
            self.cutoff.setRange(0, layers)
            self.cutoff.setSuffix(f" of {layers} layers")
            for box in (self.first, self.last):
                box.setRange(0, max(layers - 1, 0))
            self.first.setValue(layers // 2)
            self.last.setValue(max(layers - 1, 0))
            self._showing = False

    def set_pins(self, pins: Sequence[tuple[int, str]]) -> None:
        """Offer pins of this model as second latents: ids and names."""
        current = self.source.currentData()
        self.source.clear()
        self.source.addItem("Nothing", NO_MIX)
        self.source.addItem("A seed", SEED)
        for number, name in pins:
            self.source.addItem(name, number)
        found = self.source.findData(current)
        self._show_source(NO_MIX if found < 0 else int(current))

    def set_recipe(self, recipe: Recipe, source: int = OTHER) -> None:
        """Show a Recipe; ``source`` is where the latent that it mixes in is from."""
        self._showing = True
        self.space.set_current("w" if recipe.latent.space == "w" else "z")
        cutoff = recipe.truncation_cutoff
        self.cutoff.setValue(self._layers if cutoff is None else cutoff)
        seeded = isinstance(recipe.noise, int)
        self.noise.set_current("seed" if isinstance(recipe.noise, int) else recipe.noise)
        if isinstance(recipe.noise, int):
            self.noise_seed.setValue(recipe.noise)
        self._noise_seed_row.setVisible(seeded)
        self.strength.set_value(recipe.noise_strength)
        self.strength.setEnabled(recipe.noise != "none")
        self._show_source(NO_MIX if recipe.mix is None else source)
        if recipe.mix is not None:
            self.first.setValue(recipe.mix.first)
            self.last.setValue(recipe.mix.last)
        placed = recipe.transform or Transform()
        self.shift_x.set_value(placed.x)
        self.shift_y.set_value(placed.y)
        self.turn.set_value(placed.angle)
        self._showing = False

    def _show_source(self, source: int) -> None:
        other = self.source.findData(OTHER)
        if source == OTHER and other < 0:
            self.source.addItem("Another latent", OTHER)
        elif source != OTHER and other >= 0:
            self.source.removeItem(other)
        self.source.setCurrentIndex(max(self.source.findData(source), 0))
        self._mix_seed_row.setVisible(source == SEED)
        self._mix_layers_row.setVisible(source != NO_MIX)

    # what the user wants

    def _on_cutoff(self, value: int) -> None:
        if not self._showing:
            self.cutoff_edited.emit(None if value >= self._layers else value)

    def _on_noise(self, key: str) -> None:
        if self._showing:
            return
        kind = self.noise.current
        noise: Noise = "const" if kind == "const" else "none"
        if kind == "seed":
            noise = self.noise_seed.value()
        self.noise_edited.emit(noise, self.strength.value, key)

    def _on_mix(self) -> None:
        if self._showing:
            return
        first, last = sorted((self.first.value(), self.last.value()))
        source = int(self.source.currentData())
        self.mix_edited.emit(source, self.mix_seed.value(), first, last)

    def _on_transform(self, key: str) -> None:
        placed = Transform(self.shift_x.value, self.shift_y.value, self.turn.value)
        self.transform_edited.emit(placed, key)


def _number(name: str, low: int, high: int = 0) -> StepBox:
    box = StepBox()
    box.setRange(low, high)
    box.setAccessibleName(name)
    return box


def _dim(text: str) -> QLabel:
    label = QLabel(text)
    label.setForegroundRole(QPalette.ColorRole.PlaceholderText)
    return label


def _row(text: str, *widgets: QWidget, stretch: bool = True) -> QWidget:
    """A label and what belongs to it, in line with the panel's other rows."""
    row = QWidget()
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 0, 0 if stretch else BESIDE, 0)
    layout.setSpacing(8)
    label = QLabel(text)
    label.setFixedWidth(LABEL)
    layout.addWidget(label)
    for widget in widgets:
        layout.addWidget(widget, 0 if stretch else 1, Qt.AlignmentFlag.AlignVCenter)
    if stretch:
        layout.addStretch(1)
    return row


def _inset(slider: ValueSlider) -> QWidget:
    """A slider as long as those that have a button beside them."""
    row = QWidget()
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 0, BESIDE, 0)
    layout.addWidget(slider)
    return row
