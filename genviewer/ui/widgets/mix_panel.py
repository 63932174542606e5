"""Mixing pins: which ones, how, and how far."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QIcon, QPixmap
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QMenu,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from genviewer.ui.icons import icon
from genviewer.ui.widgets.gesture import Gesture
from genviewer.ui.widgets.keyframe_panel import PATHS
from genviewer.ui.widgets.pixels_to_image import image_of
from genviewer.ui.widgets.segments import HEIGHT, Segments
from genviewer.ui.widgets.value_slider import ValueSlider

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

TILE = 60
CHILDREN = 6
LETTERS = "ABC"
KINDS = {
    "between": ("Between", "From A over B to C, as far as the slider says"),
    "average": ("Average", "The mean of A, B and C"),
    "analogy": ("A - B + C", "What leads from B to A, done to C"),
    "children": ("Children", "Samples with traits of A and B"),
}
NEEDED = {"between": 2, "average": 2, "analogy": 3, "children": 2}


class MixPanel(QWidget):
    """Three slots for pins, a kind of mixture, a slider, and the children.

    Signals:
        mix_wanted(str): the mixture is to be the current sample; edits of one gesture have one key.
        children_wanted(): the children are others now, and are to be drawn.
        child_chosen(int): a child is to be the current sample.
    """

    mix_wanted = Signal(str)
    children_wanted = Signal()
    child_chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._gesture = Gesture("mix")
        self._pins: list[tuple[int, str, QIcon]] = []
        self._chosen: list[int | None] = [None, None, None]
        self.litter = 0  # which children: their seeds begin with it
        self.kind = Segments([(key, text) for key, (text, _) in KINDS.items()], "Mixture", self)
        for key, (_, tip) in KINDS.items():
            self.kind.set_tip(key, tip)
        self.kind.chosen.connect(self._choose_kind)
        self.amount = QLabel(self)
        self.slider = ValueSlider("", 0.0, 1.0, 0.5, decimals=0, percent=True, parent=self)
        self.slider.setMinimumWidth(120)
        self.slider.edited.connect(self._slide)
        self.path = QComboBox(self)
        for key, (text, _) in PATHS.items():
            self.path.addItem(text, key)
        self.path.setCurrentIndex(1)
        self.path.setFixedHeight(HEIGHT)
        self.path.setToolTip("How the way goes through latent space")
        self.path.setAccessibleName("Path")
        self.path.activated.connect(self._ask)
        self.another = QToolButton(self)
        self.another.setIcon(icon("dice"))
        self.another.setToolTip("Other children of the same parents")
        self.another.setAccessibleName("Other children")
        self.another.setFixedHeight(HEIGHT)
        self.another.clicked.connect(self._other_children)
        bar = QHBoxLayout()
        bar.setContentsMargins(8, 6, 8, 0)
        bar.setSpacing(8)
        bar.addWidget(self.kind)
        bar.addWidget(self.amount)
        bar.addWidget(self.slider, 1)
        bar.addWidget(self.path)
        bar.addWidget(self.another)
        tiles = QHBoxLayout()
        tiles.setContentsMargins(8, 0, 8, 4)
        tiles.setSpacing(4)
        self.slots = [self._slot(index) for index in range(3)]
        for slot in self.slots:
            tiles.addWidget(slot)
        self.hint = QLabel(self)
        self.hint.setWordWrap(True)
        tiles.addSpacing(8)
        tiles.addWidget(self.hint, 1)
        self.children_buttons = [self._child(index) for index in range(CHILDREN)]
        for button in self.children_buttons:
            tiles.addWidget(button)
        tiles.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 4)
        column.setSpacing(4)
        column.addLayout(bar)
        column.addLayout(tiles, 1)
        self.kind.set_current("between")
        self._show()

    # what is shown

    def set_pins(self, pins: Sequence[tuple[int, str, NDArray[np.uint8]]]) -> None:
        """Offer pins: id, name and picture uint8 (H, W, C); slots whose pin is gone are empty."""
        self._pins = [(number, name, _icon(pixels)) for number, name, pixels in pins]
        known = [number for number, _, _ in self._pins]
        kept = [n for n in self._chosen if n in known]
        self._chosen = [*kept, *[None] * (len(self._chosen) - len(kept))]
        for index, number in enumerate(self._chosen):
            free = [n for n in known if n not in self._chosen]
            if number is None and free:
                self._chosen[index] = free[0]
        self._show()

    def set_child(self, index: int, pixels: NDArray[np.uint8] | None) -> None:
        """Show a child: uint8 (H, W, C); None while another one is drawn."""
        button = self.children_buttons[index]
        if pixels is not None:
            button.setIcon(_icon(pixels))
        button.setEnabled(pixels is not None)

    @property
    def chosen(self) -> tuple[int, ...]:
        """The ids of the pins in the slots, without the empty ones."""
        return tuple(number for number in self._chosen if number is not None)

    @property
    def ready(self) -> bool:
        """Whether there are as many pins as the mixture takes."""
        return len(self.chosen) >= NEEDED[self.kind.current]

    def _show(self) -> None:
        kind = self.kind.current
        for index, (slot, number) in enumerate(zip(self.slots, self._chosen, strict=True)):
            found = next((pin for pin in self._pins if pin[0] == number), None)
            slot.setIcon(found[2] if found is not None else QIcon())
            name = found[1] if found is not None else "no pin"
            slot.setText(LETTERS[index])
            slot.setToolTip(f"{LETTERS[index]}: {name}. Click for another pin.")
            slot.setEnabled(bool(self._pins))
            slot.setVisible(index < 2 or kind != "children")
        children = kind == "children"
        for button in self.children_buttons:
            button.setVisible(children and self.ready)
        self.slider.setVisible(kind in ("between", "children"))
        self.amount.setVisible(kind in ("between", "children"))
        self.amount.setText("Similarity" if children else "Way")
        self.slider.set_name(self.amount.text())
        self.path.setVisible(kind == "between")
        self.another.setVisible(children)
        missing = NEEDED[kind] - len(self.chosen)
        if missing > 0:
            text = f"Pin {missing} more sample{'s' if missing > 1 else ''} with P to mix them."
        else:
            text = "" if children else KINDS[kind][1] + "."
        self.hint.setText(text)
        self.hint.setVisible(bool(text))
        for widget in (self.slider, self.path, self.another):
            widget.setEnabled(missing <= 0)

    # the hand

    def _choose_kind(self, _kind: str) -> None:
        self._show()
        self._ask()

    def _slide(self, _value: float, key: str) -> None:
        if self.kind.current == "children":
            self.children_wanted.emit()
        elif self.ready:
            self.mix_wanted.emit(key)

    def _ask(self, *_: object) -> None:
        if not self.ready:
            return
        if self.kind.current == "children":
            self.children_wanted.emit()
        else:
            self.mix_wanted.emit(self._gesture.click())

    def _other_children(self) -> None:
        self.litter += CHILDREN
        self._ask()

    def _put(self, slot: int, number: int) -> None:
        self._chosen[slot] = number
        self._show()
        self._ask()

    def _fill_menu(self, slot: int, menu: QMenu) -> None:
        menu.clear()
        for number, name, picture in self._pins:
            action = menu.addAction(picture, name)
            action.triggered.connect(partial(self._put, slot, number))

    def _slot(self, index: int) -> QToolButton:
        button = QToolButton(self)
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
        button.setIconSize(QSize(TILE, TILE))
        button.setFixedSize(TILE + 16, TILE + 32)
        button.setAccessibleName(f"Pin {LETTERS[index]}")
        menu = QMenu(button)
        menu.aboutToShow.connect(partial(self._fill_menu, index, menu))
        button.setMenu(menu)
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        return button

    def _child(self, index: int) -> QToolButton:
        button = QToolButton(self)
        button.setIconSize(QSize(TILE, TILE))
        button.setFixedSize(TILE + 4, TILE + 4)
        button.setToolTip("Go to this child")
        button.setAccessibleName(f"Child {index + 1}")
        button.setEnabled(False)
        button.clicked.connect(partial(self.child_chosen.emit, index))
        return button


def _icon(pixels: NDArray[np.uint8]) -> QIcon:
    image = image_of(pixels)
    smooth = max(image.width(), image.height()) > TILE
    mode = (
        Qt.TransformationMode.SmoothTransformation
        if smooth
        else Qt.TransformationMode.FastTransformation
    )
    return QIcon(
        QPixmap.fromImage(image.scaled(TILE, TILE, Qt.AspectRatioMode.KeepAspectRatio, mode))
    )
