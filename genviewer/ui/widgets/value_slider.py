"""A named value with a slider and a box to type it in, in one row."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QDoubleSpinBox,
    QHBoxLayout,
    QWidget,
)

from genviewer.ui.numerals import MINUS, with_minus
from genviewer.ui.widgets.elided_label import ElidedLabel
from genviewer.ui.widgets.gesture import Gesture
from genviewer.ui.widgets.keyboard import NumberKeys
from genviewer.ui.widgets.slider_track import STEPS, SliderTrack

if TYPE_CHECKING:
    from PySide6.QtGui import QValidator, QWheelEvent

LABEL_WIDTH = 88
BOX_WIDTH = 52


class ValueBox(NumberKeys, QDoubleSpinBox):
    """A number that looks like text until the pointer or the keyboard is on it.

    Its arrow buttons are hidden by the theme's style sheet: Qt gives the text no room at all
    when a box with a styled border is told to have no buttons.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.setKeyboardTracking(False)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def textFromValue(self, value: float) -> str:
        text = super().textFromValue(value)
        return with_minus(text) if float(f"{value:.{self.decimals()}f}") else text.lstrip("-")

    def valueFromText(self, text: str) -> float:
        return super().valueFromText(text.replace(MINUS, "-"))

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        state, _, after = super().validate(text.replace(MINUS, "-"), position)
        return state, text, after

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


class ValueSlider(QWidget):
    """Label, slider, value box.

    Signals:
        edited(value, key): the user changed it; edits of one drag share their merge key.

    Args:
        label: the text on the left; no label where it is empty.
        low, high: the slider's range; the box holds to it too.
        default: where a double click goes back to.
        decimals: shown in the box.
        suffix: of the box, such as ``" s"``.
        logarithmic: equal steps multiply; ``low`` is above 0.
        percent: shows hundredths of the value.
    """

    edited = Signal(float, str)

    def __init__(
        self,
        label: str,
        low: float,
        high: float,
        default: float,
        *,
        decimals: int = 2,
        suffix: str = "",
        logarithmic: bool = False,
        percent: bool = False,
        label_width: int = LABEL_WIDTH,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._low, self._high = low, high
        self._logarithmic = logarithmic
        self._shown = 100.0 if percent else 1.0
        self._value = default
        self._gesture = Gesture(label or "value")
        self.track = SliderTrack()
        self.box = ValueBox()
        self.box.setDecimals(decimals)
        self.box.setRange(low * self._shown, high * self._shown)
        self.box.setSingleStep((high - low) * self._shown / 100)
        self.box.setSuffix(" %" if percent else suffix)
        self.box.setFixedWidth(BOX_WIDTH)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        self.label = ElidedLabel(label)
        self.label.setVisible(bool(label))
        self.label.setFixedWidth(label_width)
        layout.addWidget(self.label)
        layout.addWidget(self.track, 1)
        layout.addWidget(self.box)
        self.setFocusProxy(self.track)
        self.set_name(label)
        self.set_default(default)
        self._show()
        self.track.valueChanged.connect(self._on_track)
        self.track.drag_started.connect(self._gesture.begin)
        self.track.drag_ended.connect(self._on_release)
        self.track.reset_wanted.connect(self.reset)
        self.box.valueChanged.connect(self._on_box)

    @property
    def value(self) -> float:
        """What it shows."""
        return self._value

    @property
    def dragging(self) -> bool:
        """Whether the handle is held."""
        return self._gesture.dragging

    def set_name(self, name: str) -> None:
        """What assistive programs call it."""
        self.track.setAccessibleName(name)
        self.box.setAccessibleName(name)

    def set_label_width(self, width: int) -> None:
        """Give the label so many pixels."""
        self.label.setFixedWidth(width)

    def set_default(self, default: float) -> None:
        """Where a double click goes back to; a small mark on the slider shows it."""
        self._default = default
        inside = self._low < default < self._high
        self.track.mark = self._to_fraction(default) if inside else None
        self.track.update()

    def set_value(self, value: float) -> None:
        """Show a value without saying that the user edited it; a held handle stays in hand."""
        self._value = min(max(value, self._low), self._high)
        if not self.dragging:
            self._show()

    def reset(self) -> None:
        """Back to the default, as the user's edit."""
        self._edit(self._default, self._gesture.click())

    def _to_fraction(self, value: float) -> float:
        if self._logarithmic:
            return math.log(value / self._low) / math.log(self._high / self._low)
        return (value - self._low) / (self._high - self._low)

    def _from_fraction(self, fraction: float) -> float:
        if self._logarithmic:
            return float(self._low * (self._high / self._low) ** fraction)
        return self._low + fraction * (self._high - self._low)

    def _show(self) -> None:
        self.track.blockSignals(True)
        self.track.setValue(round(self._to_fraction(self._value) * STEPS))
        self.track.blockSignals(False)
        self.box.blockSignals(True)
        self.box.setValue(self._value * self._shown)
        self.box.blockSignals(False)

    def _edit(self, value: float, key: str) -> None:
        if value != self._value:
            self._value = value
            self._show()
            self.edited.emit(value, key)

    def _on_track(self, steps: int) -> None:
        self._edit(self._from_fraction(steps / STEPS), self._gesture.key())

    def _on_box(self, shown: float) -> None:
        self._edit(min(max(shown / self._shown, self._low), self._high), self._gesture.key())

    def _on_release(self) -> None:
        self._gesture.end()
        self._show()
