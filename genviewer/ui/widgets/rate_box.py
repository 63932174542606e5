"""A box for numbers of any magnitude, such as learning rates."""

from __future__ import annotations

import math

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QValidator
from PySide6.QtWidgets import QDoubleSpinBox, QWidget

DECIMALS = 12
STEPS_PER_DECADE = 10


class RateBox(QDoubleSpinBox):
    """A number shown with two digits; a step multiplies, ten steps are a power of ten."""

    def __init__(self, low: float, high: float, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setDecimals(DECIMALS)
        self.setRange(low, high)
        self.setKeyboardTracking(False)
        self.setAlignment(Qt.AlignmentFlag.AlignRight)

    def textFromValue(self, value: float) -> str:
        return short(value)

    def valueFromText(self, text: str) -> float:
        try:
            return float(text)
        except ValueError:
            return self.value()

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        try:
            good = math.isfinite(float(text)) and self.minimum() <= float(text) <= self.maximum()
        except ValueError:
            typed = not text.strip("0123456789.eE-+")
            state = QValidator.State.Intermediate if typed else QValidator.State.Invalid
            return state, text, position
        state = QValidator.State.Acceptable if good else QValidator.State.Intermediate
        return state, text, position

    def stepBy(self, steps: int) -> None:
        exponent = round(math.log10(self.value()) * STEPS_PER_DECADE) + steps
        self.setValue(float(f"{10 ** (exponent / STEPS_PER_DECADE):.1e}"))

    def sizeHint(self) -> QSize:
        return QSize(
            self.fontMetrics().horizontalAdvance("0.00000") + 24, super().sizeHint().height()
        )


def short(value: float) -> str:
    """Two digits, with an exponent where there would be many zeros."""
    if value and (abs(value) < 1e-4 or abs(value) >= 1e5):
        mantissa, exponent = f"{value:.1e}".split("e")
        return f"{mantissa.removesuffix('.0')}e{int(exponent)}"
    return f"{value:.2g}"
