"""The keyframes' panel: play, add, how it goes from one to the next, and the strip itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from genviewer.core.easing import EASINGS
from genviewer.core.keyframes import MAX_SECONDS
from genviewer.ui.icons import icon
from genviewer.ui.widgets.gesture import Gesture
from genviewer.ui.widgets.keyframe_strip import KeyframeStrip
from genviewer.ui.widgets.segments import HEIGHT

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from genviewer.session.track import Track

PATHS = {
    "lerp": ("Straight", "Straight lines through latent space"),
    "slerp": ("Arc", "Arcs that keep the distance from the middle of the prior"),
    "spline": ("Smooth", "One smooth curve through all keyframes"),
}
EASING_NAMES = {
    "linear": "Even",
    "smooth": "Ease both",
    "ease_in": "Ease in",
    "ease_out": "Ease out",
    "hold": "Hold",
}


class KeyframePanel(QWidget):
    """Shows a Track and says what is wanted of it.

    Signals:
        play_toggled(bool), loop_toggled(bool): of the playing.
        add_wanted(): the current sample is to be a keyframe.
        clear_wanted(): all keyframes are to go.
        export_wanted(): the animation is to be saved.
        path_chosen(str): another kind of path.
        timing_edited(int, float, str, str): keyframe, seconds, easing; the edits of one gesture
            have one key.
    """

    play_toggled = Signal(bool)
    loop_toggled = Signal(bool)
    add_wanted = Signal()
    clear_wanted = Signal()
    export_wanted = Signal()
    path_chosen = Signal(str)
    timing_edited = Signal(int, float, str, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._gesture = Gesture("keyframe")
        self.play = self._button("play", "Play or pause the keyframes", checkable=True)
        self.play.clicked.connect(self.play_toggled)
        self.time = QLabel("0.0 s", self)
        self.time.setMinimumWidth(self.fontMetrics().horizontalAdvance("000.0 / 000.0 s"))
        self.add = self._button("plus", "Make the current sample a keyframe")
        self.add.clicked.connect(self.add_wanted)
        self.loop = self._button("loop", "Lead from the last keyframe back to the first", True)
        self.loop.clicked.connect(self.loop_toggled)
        self.path = self._combo("Path", "How the latent goes from one keyframe to the next")
        for index, (key, (text, tip)) in enumerate(PATHS.items()):
            self.path.addItem(text, key)
            self.path.setItemData(index, tip, Qt.ItemDataRole.ToolTipRole)
        self.path.activated.connect(lambda _: self.path_chosen.emit(self.path.currentData()))
        self.seconds = QDoubleSpinBox(self)
        self.seconds.setRange(0.1, MAX_SECONDS)
        self.seconds.setDecimals(1)
        self.seconds.setSingleStep(0.1)
        self.seconds.setSuffix(" s")
        self.seconds.setFixedSize(76, HEIGHT)
        self.seconds.setToolTip("How long it takes from the chosen keyframe to the next")
        self.seconds.setAccessibleName("Seconds to the next keyframe")
        self.seconds.valueChanged.connect(self._edit_timing)
        self.easing = self._combo("Easing", "How the time to the next keyframe is spent")
        for name in EASINGS:
            self.easing.addItem(EASING_NAMES[name], name)
        self.easing.activated.connect(self._edit_timing)
        self.clear = self._button("trash", "Remove all keyframes")
        self.clear.clicked.connect(self.clear_wanted)
        self.export = self._button("save", "Save the animation…")
        self.export.clicked.connect(self.export_wanted)
        bar = QHBoxLayout()
        bar.setContentsMargins(8, 6, 8, 0)
        bar.setSpacing(8)
        before: tuple[QWidget, ...] = (self.play, self.time, self.loop, self.add, self.path)
        after: tuple[QWidget, ...] = (self.seconds, self.easing, self.export, self.clear)
        for widget in before:
            bar.addWidget(widget)
        bar.addStretch(1)
        for widget in after:
            bar.addWidget(widget)
        self.strip = KeyframeStrip(self)
        self.strip.chosen.connect(lambda _: self._show_timing())
        scroll = QScrollArea(self)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidgetResizable(True)
        scroll.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(self.strip)
        scroll.setMinimumHeight(self.strip.minimumSizeHint().height() + 12)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 4)
        column.setSpacing(4)
        column.addLayout(bar)
        column.addWidget(scroll, 1)
        self._track: Track | None = None
        self._show_timing()

    def set_track(self, track: Track, pictures: Sequence[NDArray[np.uint8]]) -> None:
        """Show keyframes with their pictures, uint8 (H, W, C)."""
        self._track = track
        labels = [f"{k.seconds:g} s" for k in track.keyframes]
        self.strip.set_keyframes(pictures, labels, loop=track.loop)
        self.loop.setChecked(track.loop)
        self.path.setCurrentIndex(self.path.findData(track.path))
        several = len(track.keyframes) > 1
        for widget in (self.play, self.loop, self.path, self.export):
            widget.setEnabled(several)
        self.clear.setEnabled(bool(track.keyframes))
        self._show_timing()

    def set_playing(self, on: bool) -> None:
        """Show whether it plays."""
        self.play.setChecked(on)
        self.play.setIcon(icon("pause" if on else "play"))

    def set_time(self, now: float, whole: float) -> None:
        """Show where the playing stands, in seconds."""
        self.time.setText(f"{now:.1f} / {whole:.1f} s" if whole else "0.0 s")

    def _show_timing(self) -> None:
        track, index = self._track, self.strip.current
        count = len(track.keyframes) if track is not None else 0
        leads = 0 <= index < (count if track is not None and track.loop else count - 1)
        self.seconds.setEnabled(leads)
        self.easing.setEnabled(leads)
        if track is None or not leads:
            return
        keyframe = track.keyframes[index]
        for widget in (self.seconds, self.easing):
            widget.blockSignals(True)
        self.seconds.setValue(keyframe.seconds)
        self.easing.setCurrentIndex(self.easing.findData(keyframe.easing))
        for widget in (self.seconds, self.easing):
            widget.blockSignals(False)

    def _edit_timing(self) -> None:
        index = self.strip.current
        if index >= 0:
            self.timing_edited.emit(
                index, self.seconds.value(), self.easing.currentData(), self._gesture.key()
            )

    def _combo(self, name: str, tip: str) -> QComboBox:
        combo = QComboBox(self)
        combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        combo.setMinimumContentsLength(8)
        combo.setFixedHeight(HEIGHT)
        combo.setToolTip(tip)
        combo.setAccessibleName(name)
        return combo

    def _button(self, name: str, tip: str, checkable: bool = False) -> QToolButton:
        button = QToolButton(self)
        button.setIcon(icon(name))
        button.setIconSize(QSize(16, 16))
        button.setToolTip(tip)
        button.setAccessibleName(tip)
        button.setCheckable(checkable)
        button.setFixedHeight(HEIGHT)
        return button
