"""Where samples come from: seed and dice, truncation, variations, and the walk."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPalette
from PySide6.QtWidgets import (
    QButtonGroup,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSpinBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from genviewer.ui import icons
from genviewer.ui.widgets.keyboard import ButtonPanel, NumberKeys
from genviewer.ui.widgets.passing_wheel import PassingWheel
from genviewer.ui.widgets.synthesis_rows import SynthesisRows
from genviewer.ui.widgets.value_slider import ValueSlider

MAX_SEED = 2**31 - 1
LABEL = 72
SEED_WIDTH = 96  # px, for ten digits; all rows then fit beside a scroll bar
MODES = {"random": "Wander", "loop": "Loop"}


class SeedBox(NumberKeys, QSpinBox):
    """A seed; Enter chooses it even where it is the one already shown.

    Signals:
        chosen(seed): typed and entered, or stepped to.
    """

    chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setRange(0, MAX_SEED)
        self.setKeyboardTracking(False)
        self.setAccessibleName("Seed")
        self.lineEdit().setTextMargins(4, 0, 4, 0)
        self.valueChanged.connect(self.chosen)

    def show_seed(self, seed: int) -> None:
        """Show a seed without choosing it."""
        self.blockSignals(True)
        self.setValue(seed)
        self.blockSignals(False)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            before = self.value()
            self.interpretText()
            if self.value() == before:
                self.chosen.emit(before)
            self.selectAll()
            self.lineEdit().setModified(False)
        else:
            super().keyPressEvent(event)


class SeedPanel(ButtonPanel):
    """Seed, truncation, what else a model reads (``synthesis``), "vary" and the walk.

    Signals:
        seed_chosen(seed): draw the sample of this seed.
        dice_wanted(): draw a fresh one.
        truncation_edited(psi, key): with the merge key of the drag.
        vary_wanted(strength): a variation around the current sample, strength 0..1.
        vary_strength_changed(strength): the slider moved; nothing is drawn yet.
        walk_toggled(on): play or pause.
        walk_options_changed(mode, speed, seconds): ``random`` at a speed, or ``loop`` in seconds.
    """

    seed_chosen = Signal(int)
    dice_wanted = Signal()
    truncation_edited = Signal(float, str)
    vary_wanted = Signal(float)
    vary_strength_changed = Signal(float)
    walk_toggled = Signal(bool)
    walk_options_changed = Signal(str, float, float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Seed and walk")
        inside = QWidget()
        rows = QVBoxLayout(inside)
        rows.setContentsMargins(12, 8, 12, 12)
        rows.setSpacing(8)
        rows.addLayout(self._seed_row())
        rows.addWidget(self._note())
        rows.addLayout(self._truncation_row())
        self.synthesis = SynthesisRows()
        rows.addWidget(self.synthesis)
        rows.addLayout(self._vary_row())
        line = QFrame()
        line.setFrameShape(QFrame.Shape.HLine)
        line.setForegroundRole(QPalette.ColorRole.Mid)
        line.setFrameShadow(QFrame.Shadow.Plain)
        rows.addWidget(line)
        rows.addLayout(self._walk_row())
        rows.addWidget(self._pace())
        rows.addStretch(1)
        area = QScrollArea()
        area.setWidget(inside)
        PassingWheel(area)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(area)
        self._height = inside.sizeHint().height()
        self._show_mode()

    def sizeHint(self) -> QSize:
        return QSize(300, self._height)

    # the rows

    def _seed_row(self) -> QHBoxLayout:
        label = QLabel("Seed")
        label.setFixedWidth(LABEL)
        self.seed = SeedBox()
        self.seed.setMinimumWidth(SEED_WIDTH)
        self.seed.setToolTip("The number that a sample is drawn from; Enter draws it  ([ and ])")
        self.seed.chosen.connect(self.seed_chosen)
        self.dice = QToolButton()
        self.dice.setIcon(icons.icon("dice"))
        self.dice.setIconSize(QSize(20, 20))
        self.dice.setToolTip("A fresh draw of everything that is not locked  (R)")
        self.dice.setAccessibleName("New random sample")
        self.dice.clicked.connect(self.dice_wanted)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(label)
        row.addWidget(self.seed, 1)
        row.addWidget(self.dice)
        return row

    def _note(self) -> QLabel:
        self.note = QLabel()
        self.note.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self.note.setWordWrap(True)
        self.note.setContentsMargins(LABEL + 8, 0, 0, 0)
        self.note.hide()
        return self.note

    def _truncation_row(self) -> QHBoxLayout:
        self.truncation = ValueSlider("Truncation", 0.0, 1.5, 1.0, label_width=LABEL)
        self.truncation.edited.connect(self._on_truncation)
        self.truncation.track.setToolTip(
            "Below 1 draws closer to the average: more typical, less varied"
        )
        self.reset_truncation = QToolButton()
        self.reset_truncation.setIcon(icons.icon("reset"))
        self.reset_truncation.setIconSize(QSize(14, 14))
        self.reset_truncation.setObjectName("tight")
        self.reset_truncation.setFixedSize(24, 24)
        self.reset_truncation.setToolTip("Back to 1")
        self.reset_truncation.setAccessibleName("Reset truncation")
        self.reset_truncation.clicked.connect(self.truncation.reset)
        self.reset_truncation.setEnabled(False)
        row = QHBoxLayout()
        row.setSpacing(4)
        row.addWidget(self.truncation, 1)
        row.addWidget(self.reset_truncation)
        return row

    def _vary_row(self) -> QHBoxLayout:
        self.vary = QPushButton("Vary")
        self.vary.setFixedWidth(LABEL)
        self.vary.setToolTip("Another sample around this one; locked dimensions stay  (V)")
        self.strength = ValueSlider("", 0.0, 1.0, 0.3, decimals=0, percent=True)
        self.vary.clicked.connect(lambda: self.vary_wanted.emit(self.strength.value))
        self.strength.set_name("Strength of a variation")
        self.strength.track.setToolTip("How far a variation strays")
        self.strength.edited.connect(lambda value, _key: self.vary_strength_changed.emit(value))
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.vary)
        row.addWidget(self.strength, 1)
        row.addSpacing(28)  # so that the sliders of all rows are in line
        return row

    def _walk_row(self) -> QHBoxLayout:
        self._walking = False
        self.walk = QPushButton("Walk")
        self.walk.setFixedWidth(LABEL)
        self.walk.setIcon(icons.icon("play"))
        self.walk.setToolTip("Move smoothly through latent space  (Space)")
        self.walk.clicked.connect(lambda: self.walk_toggled.emit(not self._walking))
        self._modes = QButtonGroup(self)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.walk)
        row.addStretch(1)
        self.mode_buttons: dict[str, QToolButton] = {}
        tips = {
            "random": "Wander through the prior without end",
            "loop": "A round trip that ends where it began",
        }
        for mode, text in MODES.items():
            button = QToolButton()
            button.setText(text)
            button.setCheckable(True)
            button.setToolTip(tips[mode])
            self._modes.addButton(button)
            self.mode_buttons[mode] = button
            row.addWidget(button)
        self.mode_buttons["random"].setChecked(True)
        self._modes.buttonClicked.connect(self._on_mode)
        return row

    def _pace(self) -> QWidget:
        self.speed = ValueSlider(
            "Speed", 0.1, 10.0, 1.0, suffix=" ×", decimals=1, logarithmic=True, label_width=LABEL
        )
        self.seconds = ValueSlider(
            "Round", 1.0, 60.0, 8.0, suffix=" s", decimals=1, logarithmic=True, label_width=LABEL
        )
        both = QWidget()
        layout = QVBoxLayout(both)
        layout.setContentsMargins(0, 0, 28, 0)
        for slider in (self.speed, self.seconds):
            slider.edited.connect(lambda _value, _key: self._tell_walk())
            layout.addWidget(slider)
        return both

    # what it shows

    def set_seed(self, seed: int) -> None:
        """Show the seed in use."""
        self.seed.show_seed(seed)

    def set_truncation(self, value: float, enabled: bool = True) -> None:
        """Show the truncation; disabled where the model has none."""
        self.truncation.set_value(value)
        self.truncation.setEnabled(enabled)
        self.reset_truncation.setEnabled(enabled and value != 1.0)

    def set_vary_strength(self, value: float) -> None:
        """Show how far variations stray: 0..1."""
        self.strength.set_value(value)

    def set_locked(self, count: int) -> None:
        """Say how many dimensions dice, vary and walk leave alone."""
        noun = "dimension stays" if count == 1 else "dimensions stay"
        self.note.setText(f"{count} locked {noun}.")
        self.note.setVisible(count > 0)

    def set_walking(self, on: bool) -> None:
        """Show whether the walk plays."""
        if on != self._walking:
            self._walking = on
            self.walk.setText("Pause" if on else "Walk")
            self.walk.setIcon(icons.icon("pause" if on else "play"))

    def set_walk_options(self, mode: str, speed: float, seconds: float) -> None:
        """Show the kind of walk and its pace."""
        self.mode_buttons[mode].setChecked(True)
        self.speed.set_value(speed)
        self.seconds.set_value(seconds)
        self._show_mode()

    @property
    def mode(self) -> str:
        """``random`` or ``loop``."""
        return next(mode for mode, button in self.mode_buttons.items() if button.isChecked())

    # what the user wants

    def _show_mode(self) -> None:
        looping = self.mode == "loop"
        self.speed.setVisible(not looping)
        self.seconds.setVisible(looping)

    def _on_mode(self) -> None:
        self._show_mode()
        self._tell_walk()

    def _tell_walk(self) -> None:
        self.walk_options_changed.emit(self.mode, self.speed.value, self.seconds.value)

    def _on_truncation(self, value: float, key: str) -> None:
        self.reset_truncation.setEnabled(value != 1.0)
        self.truncation_edited.emit(value, key)
