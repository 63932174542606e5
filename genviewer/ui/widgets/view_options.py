"""The controls of each view's options: an Options struct goes in, an edited one comes out."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QLabel,
    QMenu,
    QSlider,
    QSpinBox,
    QToolButton,
    QWidget,
    QWidgetAction,
)

from genviewer.core.scene import (
    MAX_CELLS,
    AxisOptions,
    ClassesOptions,
    CompareOptions,
    GridOptions,
    MapOptions,
    TraverseOptions,
)
from genviewer.ui import icons
from genviewer.ui.widgets.gesture import Gesture
from genviewer.ui.widgets.segments import HEIGHT, Segments
from genviewer.ui.widgets.step_box import StepBox

if TYPE_CHECKING:
    from genviewer.core.spec import Spec

Options = TypeVar(
    "Options",
    GridOptions,
    ClassesOptions,
    TraverseOptions,
    MapOptions,
    CompareOptions,
    AxisOptions,
)
SEEDS = 100_000  # the dice's seeds are short enough to be said aloud
STRENGTH_STEPS = 100
MOST_SIDE = 128


class OptionsRow(QWidget, Generic[Options]):
    """A row of compact controls for one view.

    Signals:
        edited(options, key): the user changed something; one gesture has one key.
    """

    edited = Signal(object, str)

    def __init__(self, name: str, options: Options, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._options: Options = options
        self._gesture = Gesture(f"view-{name}")
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(6)

    @property
    def options(self) -> Options:
        """What the controls show."""
        return self._options

    def set_options(self, options: Options, spec: Spec) -> None:
        """Show the options, within what the model has."""
        self._options = options
        self._show(options, spec)

    def _show(self, options: Options, spec: Spec) -> None:
        raise NotImplementedError

    def _edit(self, **changes: Any) -> None:
        options = msgspec.structs.replace(self._options, **changes)
        if options != self._options:
            self._options = options
            self.edited.emit(options, self._gesture.key())

    def _spin(self, field: str, low: int, high: int, tip: str, **texts: str) -> StepBox:
        """A number box for an integer field; it edits when a number is complete."""
        box = StepBox(self)
        box.setRange(low, high)
        box.setPrefix(texts.get("prefix", ""))
        box.setSuffix(texts.get("suffix", ""))
        box.setToolTip(tip)
        box.setAccessibleName(tip)
        box.setFixedHeight(HEIGHT)
        box.valueChanged.connect(lambda value: self._edit(**{field: value}))
        return box

    def _button(self, icon: str, tip: str) -> QToolButton:
        button = QToolButton(self)
        button.setIcon(icons.icon(icon))
        button.setToolTip(tip)
        button.setAccessibleName(tip)
        button.setFixedSize(HEIGHT, HEIGHT)
        button.setIconSize(QSize(16, 16))
        button.setStyleSheet("padding: 0;")  # the icon has all of the small button
        return button

    def _dice(self, tip: str) -> QToolButton:
        """A button that draws another seed."""
        button = self._button("dice", tip)
        button.clicked.connect(lambda: self._edit(seed=secrets.randbelow(SEEDS)))
        return button

    def _more(self, *controls: tuple[str, QWidget]) -> QToolButton:
        """A button that opens the rarely used controls."""
        button = self._button("more", "More options")
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(button)
        for text, control in controls:
            line = QWidget(menu)
            layout = QHBoxLayout(line)
            layout.setContentsMargins(10, 4, 10, 4)
            label = QLabel(text, line)
            label.setMinimumWidth(96)
            layout.addWidget(label)
            layout.addWidget(control, 1)
            action = QWidgetAction(menu)
            action.setDefaultWidget(line)
            menu.addAction(action)
        button.setMenu(menu)
        return button


class GridRow(OptionsRow[GridOptions]):
    """Neighbours or fresh seeds, how many, how far, which."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("grid", GridOptions(), parent)
        self.mode = Segments((("near", "Near"), ("seeds", "Seeds")), "Grid of", self, room=14)
        self.mode.set_tip("near", "Neighbours of the current sample")
        self.mode.set_tip("seeds", "Fresh samples")
        self.mode.chosen.connect(lambda mode: self._edit(mode=mode))
        self.strength = QSlider(Qt.Orientation.Horizontal, self)
        self.strength.setRange(0, STRENGTH_STEPS)
        self.strength.setPageStep(10)
        self.strength.setFixedWidth(84)
        self.strength.setAccessibleName("How far neighbours stray")
        self.strength.sliderPressed.connect(self._gesture.begin)
        self.strength.sliderReleased.connect(self._gesture.end)
        self.strength.valueChanged.connect(
            lambda value: self._edit(strength=value / STRENGTH_STEPS)
        )
        self.seed = self._spin("seed", 0, 2**31 - 1, "First seed", prefix="from ")
        self.seed.setFixedWidth(104)
        self.cells = self._spin("cells", 1, MAX_CELLS, "Number of samples", suffix=" cells")
        self.dice = self._dice("Other samples")
        for widget in (self.mode, self.strength, self.seed, self.dice, self.cells):
            self._row.addWidget(widget)

    def _show(self, options: GridOptions, spec: Spec) -> None:
        self.mode.set_current(options.mode)
        near = options.mode == "near"
        self.strength.setVisible(near)
        self.seed.setVisible(not near)
        _set(self.cells, options.cells)
        _set(self.seed, min(options.seed, self.seed.maximum()))
        _set(self.strength, round(options.strength * STRENGTH_STEPS))
        self.strength.setToolTip(f"How far neighbours stray: {options.strength:.2f}")


class ClassesRow(OptionsRow[ClassesOptions]):
    """How many seeds and classes, and which."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("classes", ClassesOptions(), parent)
        self.rows = self._spin("rows", 1, MOST_SIDE, "Rows: the current one and seeds")
        self.rows.setSuffix(" rows")
        self.columns = self._spin("columns", 1, MOST_SIDE, "Classes side by side")
        self.columns.setSuffix(" classes")
        self.first = self._spin("first", 0, 0, "First class", prefix="from ")
        self.dice = self._dice("Other seeds")
        for widget in (self.rows, self.columns, self.first, self.dice):
            self._row.addWidget(widget)

    def _show(self, options: ClassesOptions, spec: Spec) -> None:
        condition = spec.class_condition
        count = condition.size if condition is not None else 1
        shown = min(options.columns, count)
        _set(self.rows, options.rows)
        self.rows.setSuffix(" row" if options.rows == 1 else " rows")
        _set(self.columns, shown, high=min(MOST_SIDE, count))
        _set(self.first, min(options.first, count - shown), high=count - shown)
        self.first.setVisible(count > shown)


class TraverseRow(OptionsRow[TraverseOptions]):
    """How many dimensions and values, in which order, how far out."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("traverse", TraverseOptions(), parent)
        self.rows = self._spin("rows", 1, MOST_SIDE, "Dimensions below each other")
        self.rows.setSuffix(" rows")
        self.columns = self._spin("columns", 2, 64, "Values side by side")
        self.columns.setSuffix(" values")
        self.order = Segments(
            (("index", "Index"), ("kl", "KL"), ("effect", "Effect")),
            "Order of dimensions",
            self,
            room=14,
        )
        self.order.set_tip("index", "Dimensions in their own order")
        self.order.set_tip("kl", "What the encoder uses most first")
        self.order.set_tip("effect", "What changes the picture most first")
        self.order.chosen.connect(lambda order: self._edit(order=order))
        self.first = self._spin("first", 0, 0, "Leave out this many dimensions")
        self.span = QDoubleSpinBox(self)
        self.span.setRange(1.0, 99.9)
        self.span.setDecimals(1)
        self.span.setSingleStep(0.5)
        self.span.setSuffix(" %")
        self.span.setToolTip("How much of the prior the values span")
        self.span.setAccessibleName("Span")
        self.span.setKeyboardTracking(False)
        self.span.valueChanged.connect(lambda value: self._edit(span=round(value / 100, 3)))
        self.more = self._more(("Span of the prior", self.span), ("Skip dimensions", self.first))
        for widget in (self.order, self.rows, self.columns, self.more):
            self._row.addWidget(widget)

    def _show(self, options: TraverseOptions, spec: Spec) -> None:
        dim = spec.latent.dim
        shown = min(options.rows, dim)
        self.order.set_available("kl", spec.encoder or options.order == "kl")
        self.order.set_current(options.order)
        _set(self.rows, shown, high=min(MOST_SIDE, dim))
        _set(self.columns, options.columns)
        _set(self.first, min(options.first, dim - shown), high=dim - shown)
        blocked = self.span.blockSignals(True)
        self.span.setValue(options.span * 100)
        self.span.blockSignals(blocked)


class MapRow(OptionsRow[MapOptions]):
    """Which plane, how finely tiled, back to the middle."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("map", MapOptions(), parent)
        self.plane = QComboBox(self)
        self.plane.addItem("Principal plane", None)
        self.plane.addItem("Dimensions", "axes")
        self.plane.setToolTip("The plane through latent space")
        self.plane.setAccessibleName("Plane")
        self.plane.setFixedHeight(HEIGHT)
        self.plane.activated.connect(self._choose_plane)
        self.x_axis = self._axis("Dimension to the right")
        self.y_axis = self._axis("Dimension upwards")
        self.tiles = self._spin("tiles", 2, 32, "Tiles along the shorter side", suffix=" tiles")
        self.centre = self._button("target", "Back to the middle of the prior")
        self.centre.clicked.connect(
            lambda: self._edit(center=MapOptions().center, extent=MapOptions().extent)
        )
        for widget in (self.plane, self.x_axis, self.y_axis, self.tiles, self.centre):
            self._row.addWidget(widget)

    def _axis(self, tip: str) -> StepBox:
        box = StepBox(self)
        box.setPrefix("z")
        box.setToolTip(tip)
        box.setAccessibleName(tip)
        box.setFixedHeight(HEIGHT)
        box.valueChanged.connect(self._choose_plane)
        return box

    def _choose_plane(self) -> None:
        wanted = self.plane.currentData() is not None
        self._edit(axes=(self.x_axis.value(), self.y_axis.value()) if wanted else None)

    def _show(self, options: MapOptions, spec: Spec) -> None:
        last = spec.latent.dim - 1
        self.plane.setCurrentIndex(0 if options.axes is None else 1)
        first, second = options.axes or (self.x_axis.value(), self.y_axis.value())
        if options.axes is None and first == second:
            first, second = 0, min(1, last)
        _set(self.x_axis, min(first, last), high=last)
        _set(self.y_axis, min(second, last), high=last)
        for box in (self.x_axis, self.y_axis):
            box.setVisible(options.axes is not None)
        _set(self.tiles, options.tiles)


def _set(control: QSpinBox | QSlider, value: int, high: int | None = None) -> None:
    """Show a value without saying that the user chose it."""
    blocked = control.blockSignals(True)
    if high is not None:
        control.setMaximum(high)
    control.setValue(value)
    control.blockSignals(blocked)
