"""How panes are shown together: side by side, under a divider, as a difference, in turns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QDoubleSpinBox, QWidget

from genviewer.core.scene import CompareOptions
from genviewer.ui.widgets.segments import HEIGHT, Segments
from genviewer.ui.widgets.view_options import OptionsRow

if TYPE_CHECKING:
    from genviewer.core.spec import Spec

MODES = {
    "side": ("Side by side", "Every pane's sample"),
    "swipe": ("Swipe", "The pane in focus left of a divider, the next one right of it"),
    "difference": ("Difference", "The pane in focus minus the next one; equal is mid grey"),
    "flicker": ("Flicker", "The pane in focus and the next one in turns"),
}


class CompareRow(OptionsRow[CompareOptions]):
    """The mode, and how much differences are amplified."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("compare", CompareOptions(), parent)
        self.mode = Segments([(name, text) for name, (text, _) in MODES.items()], "Compare", self)
        for name, (_, tip) in MODES.items():
            self.mode.set_tip(name, tip)
        self.mode.chosen.connect(lambda name: self._edit(mode=name))
        self.gain = QDoubleSpinBox(self)
        self.gain.setRange(0.5, 64.0)
        self.gain.setDecimals(1)
        self.gain.setSingleStep(0.5)
        self.gain.setPrefix("× ")
        self.gain.setFixedHeight(HEIGHT)
        self.gain.setToolTip("How much differences are amplified")
        self.gain.setAccessibleName("Amplification")
        self.gain.valueChanged.connect(lambda value: self._edit(gain=value))
        self._row.addWidget(self.gain)
        self._row.addWidget(self.mode)

    def _show(self, options: CompareOptions, spec: Spec) -> None:
        self.mode.set_current(options.mode)
        blocked = self.gain.blockSignals(True)
        self.gain.setValue(options.gain)
        self.gain.blockSignals(blocked)
        self.gain.setVisible(options.mode == "difference")
