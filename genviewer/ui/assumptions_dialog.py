"""What a file does not say: the alternatives as pictures side by side, one of each to choose."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from genviewer.io.readers.alternatives import setting_text
from genviewer.ui import theme
from genviewer.ui.widgets.picture_choice import PictureCard, PictureChoice

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from genviewer.io.bundle import Assumption

MAX_CARDS = 5
TITLES = {
    "activation": "Hidden layers",
    "slope": "Hidden layers",
    "output": "Last step",
    "final": "Last step",
    "prior": "Where latents come from",
    "condition_order": "Where the class goes in",
    "classes": "Classes",
    "latent": "Latent size",
    "eps": "Batch normalisation",
    "bn_eps": "Batch normalisation",
    "size": "Picture size",
    "image": "Picture shape",
    "layout": "Order of the pixels",
    "channels": "Colours",
    "strides": "Enlarging",
    "upsample": "Enlarging",
}
VALUES = {
    "z_first": "latent, then class",
    "condition_first": "class, then latent",
    "normal": "normal (bell curve)",
    "uniform": "uniform (-1 to 1)",
    "relu": "ReLU",
    "leaky_relu": "Leaky ReLU",
    "tanh": "tanh",
    "sigmoid": "sigmoid",
    "none": "none",
    "-1,1": "-1 to 1",
    "0,1": "0 to 1",
}


def caption(value: object) -> str:
    """A value in plain words."""
    text = setting_text(value)
    kind, colon, slope = text.partition(":")
    if colon and kind in VALUES:
        return f"{VALUES[kind]} {slope}"
    return VALUES.get(text, text.replace("_", " "))


class AssumptionsDialog(QDialog):
    """Asks "which of these looks right?"; pictures come later, by :meth:`show_picture`.

    Signals:
        chosen(object): the settings (a dict of field to text) that were agreed to.
    """

    chosen = Signal(object)

    def __init__(
        self, name: str, questions: tuple[Assumption, ...], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Which of these looks right?")
        self._questions = questions
        self._choices: dict[str, PictureChoice] = {}
        self._values: dict[str, list[object]] = {}
        intro = QLabel(
            f"The weights of {name} do not say everything about how they are used. Each row shows "
            "the same samples drawn in different ways; the best guess is chosen.",
            self,
        )
        intro.setTextFormat(Qt.TextFormat.PlainText)
        intro.setWordWrap(True)
        inner = QWidget(self)
        rows = QVBoxLayout(inner)
        rows.setContentsMargins(0, 0, 12, 0)
        rows.setSpacing(20)
        for question in questions:
            rows.addLayout(self._row(question))
        rows.addStretch(1)
        scroll = QScrollArea(self)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidget(inner)
        buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel, self
        )
        buttons.button(QDialogButtonBox.StandardButton.Ok).setText("Use these")
        buttons.button(QDialogButtonBox.StandardButton.Cancel).setText("Keep the guess")
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        hint = QLabel("The answer is remembered; Model > What Was Assumed… asks again.", self)
        hint.setObjectName("hint")
        hint.setForegroundRole(self.foregroundRole())
        below = QHBoxLayout()
        below.addWidget(hint, 1)
        below.addWidget(buttons)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 20, 12, 16)
        layout.setSpacing(16)
        layout.addWidget(intro)
        layout.addWidget(scroll, 1)
        layout.addLayout(below)
        self.accepted.connect(lambda: self.chosen.emit(self.settings()))
        self._fit(inner)

    def values(self, field: str) -> list[object]:
        """The values that are offered for a field, the guess first."""
        return self._values[field]

    def settings(self) -> dict[str, str]:
        """Field to text, as ``--set`` takes it, for everything that was asked."""
        return {
            field: setting_text(self._values[field][choice.current])
            for field, choice in self._choices.items()
        }

    def show_picture(self, field: str, value: object, pixels: NDArray[np.uint8]) -> None:
        """Show what the model draws with another value: uint8 (H, W, C)."""
        card = self._card(field, value)
        if card is not None:
            card.show_picture(pixels)

    def show_failure(self, field: str, value: object) -> None:
        """Say that the model draws nothing with that value."""
        card = self._card(field, value)
        if card is not None:
            card.show_failure("Cannot be drawn")

    def choose(self, field: str, index: int) -> None:
        """Choose one of the values of a field."""
        self._choices[field].cards[index].click()

    def _card(self, field: str, value: object) -> PictureCard | None:
        texts = [setting_text(v) for v in self._values.get(field, ())]
        text = setting_text(value)
        return self._choices[field].cards[texts.index(text)] if text in texts else None

    def _row(self, question: Assumption) -> QVBoxLayout:
        values = [question.value, *(v for v in question.alternatives if v != question.value)]
        values = values[:MAX_CARDS]
        title = QLabel(TITLES.get(question.field, question.field.replace("_", " ").capitalize()))
        title.setTextFormat(Qt.TextFormat.PlainText)
        title.setFont(theme.strong(title.font()))
        sure = QLabel(f"guess: {caption(question.value)}, {question.confidence:.0%} sure")
        sure.setTextFormat(Qt.TextFormat.PlainText)
        sure.setStyleSheet(f"color: {theme.colors().dim_text.name()};")
        head = QHBoxLayout()
        head.setSpacing(12)
        head.addWidget(title)
        head.addWidget(sure)
        head.addStretch(1)
        choice = PictureChoice([caption(v) for v in values], 0, self)
        self._choices[question.field], self._values[question.field] = choice, values
        row = QVBoxLayout()
        row.setSpacing(8)
        row.addLayout(head)
        row.addWidget(choice)
        return row

    def _fit(self, inner: QWidget) -> None:
        wanted = inner.sizeHint()
        screen = QGuiApplication.primaryScreen().availableSize()
        width = min(max(640, wanted.width() + 64), screen.width() - 80)
        self.resize(width, min(wanted.height() + 170, screen.height() - 120))
