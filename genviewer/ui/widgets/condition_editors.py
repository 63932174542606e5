"""An editor for one condition: of classes, of attributes or values, of a caption."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QRect, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QPalette
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from genviewer.core.condition import (
    Condition,
    TextPart,
    VectorPart,
    blend,
)
from genviewer.ui import icons, theme
from genviewer.ui.widgets.blend_bar import BlendBar
from genviewer.ui.widgets.chip import ChipButton
from genviewer.ui.widgets.class_chips import GAP, HEIGHT, ClassChips
from genviewer.ui.widgets.elided_label import ElidedLabel
from genviewer.ui.widgets.gesture import Gesture
from genviewer.ui.widgets.value_slider import ValueSlider

if TYPE_CHECKING:
    from genviewer.core.spec import ConditionSpec
    from genviewer.ui.widgets.blend_weights import Weights

SEARCH_FROM = 40  # as many names are hard to find one in
HEAD_HEIGHT = 26
SHOWN_ROWS = 5  # of chips, at least, where there are too many to show them all


class Editor(QWidget):
    """What the editors of one condition share: name, summary, the "Any" button.

    Signals:
        edited(part, key): a Part, or None for "any", and the merge key.
    """

    edited = Signal(object, str)

    def __init__(self, spec: ConditionSpec, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.spec = spec
        self.clicks = Gesture(f"condition:{spec.name}")
        name = QLabel(spec.name.replace("_", " ").capitalize())
        name.setFont(theme.strong(name.font()))
        self.summary = ElidedLabel()
        self.summary.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self.any = ChipButton("Any")
        self.any.setVisible(spec.optional)
        self.any.setToolTip(f"Leave {spec.name} to the model  (A)")
        self.any.setAccessibleName(f"Any {spec.name}")
        self.any.clicked.connect(self._on_any)
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addStrut(HEAD_HEIGHT)
        head.addWidget(name)
        head.addWidget(self.summary, 1)
        head.addWidget(self.any)
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(0, 0, 0, 0)
        self.body.setSpacing(8)
        self.body.addLayout(head)

    def show_part(self, condition: Condition) -> None:
        """Show what the condition says here."""
        raise NotImplementedError

    def _on_any(self, checked: bool) -> None:
        if checked:
            self.edited.emit(None, self.clicks.click())
        else:
            self.any.setChecked(True)  # it is left by choosing something else


class _SearchBox(QLineEdit):
    """A line that keeps the keys a window might use, and empties on Escape."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.text():
            self.clear()
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        if (
            isinstance(event, QKeyEvent)
            and event.type() == QEvent.Type.ShortcutOverride
            and event.key() == Qt.Key.Key_Escape
        ):
            event.accept()
            return True
        return super().event(event)


class ClassEditor(Editor):
    """Chips, a search box where there are many, and the blend."""

    def __init__(self, spec: ConditionSpec, parent: QWidget | None = None) -> None:
        super().__init__(spec, parent)
        self._names = [spec.label(i) for i in range(spec.size)]
        self.search = _SearchBox()
        self.search.setPlaceholderText(f"Search {spec.size:,} classes")
        self.search.setClearButtonEnabled(True)
        self.search.addAction(icons.icon("search"), QLineEdit.ActionPosition.LeadingPosition)
        self.search.setAccessibleName(f"Search {spec.name}")
        self.search.setVisible(spec.size >= SEARCH_FROM)
        self.search.textChanged.connect(self._on_search)
        self.search.returnPressed.connect(self._on_search_enter)
        self.chips = ClassChips()
        self.chips.set_names(self._names, spec.name)
        self.chips.edited.connect(self._on_weights)
        self.chips.place_changed.connect(self._on_place)
        self._place = QRect()
        self._soon = QTimer(self)  # once the layout has given the chips their height
        self._soon.setSingleShot(True)
        self._soon.setInterval(0)
        self._soon.timeout.connect(self._reveal)
        self.nothing = QLabel("No class is called that.")
        self.nothing.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self.nothing.hide()
        self.blend = BlendBar()
        self.blend.set_names(self._names, spec.name)
        self.blend.edited.connect(self._on_weights)
        self.blend.hide()
        self.hint = QLabel("Ctrl-click or drag sideways to blend.")
        self.hint.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self.hint.setWordWrap(True)
        self.body.addWidget(self.search)
        self.area: QScrollArea | None = None
        if spec.size >= SEARCH_FROM:
            self.area = QScrollArea()
            self.area.setWidget(self.chips)
            self.area.setWidgetResizable(True)
            self.area.setFrameShape(QFrame.Shape.NoFrame)
            self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
            self.area.setMinimumHeight(SHOWN_ROWS * (HEIGHT + GAP))
            self.area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
            self.body.addWidget(self.area, 1)
        else:
            self.body.addWidget(self.chips)
        self.body.addWidget(self.nothing)
        self.body.addWidget(self.blend)
        self.body.addWidget(self.hint)

    def show_part(self, condition: Condition) -> None:
        self._show(condition.class_weights(self.spec.name))

    def _show(self, weights: Weights) -> None:
        self.chips.set_weights(weights)
        blended = len(weights) > 1
        if blended:
            self.blend.set_weights(weights)
        self.blend.setVisible(blended)
        self.hint.setVisible(not blended and self.spec.size > 1)
        self.any.setChecked(not weights)
        chosen = [self._names[k] for k in weights]
        text = f"blend of {len(chosen)}" if blended else chosen[0] if chosen else "any"
        self.summary.setText(text)

    def _on_weights(self, weights: Weights, key: str) -> None:
        self._show(weights)
        self.edited.emit(blend(self.spec.name, weights), key)

    def _on_search(self, text: str) -> None:
        count = self.chips.set_filter(text)
        self.nothing.setVisible(count == 0)
        if self.area is not None:
            self.area.setVisible(count > 0)

    def _on_search_enter(self) -> None:
        if self.chips.shown:
            self.chips.choose(self.chips.shown[0])

    def _on_place(self, rect: QRect) -> None:
        self._place = rect
        self._soon.start()

    def _reveal(self) -> None:
        if self.area is not None:
            middle = self._place.center()
            self.area.ensureVisible(middle.x(), middle.y(), 0, HEIGHT + GAP)


class VectorEditor(Editor):
    """A slider for each attribute or continuous value."""

    def __init__(self, spec: ConditionSpec, parent: QWidget | None = None) -> None:
        super().__init__(spec, parent)
        self._default = min(max(0.0, spec.low), spec.high)  # what an empty part is packed as
        self._values = [self._default] * spec.size
        decimals = 2 if spec.high - spec.low < 100 else 0
        self.sliders = []
        rows = QVBoxLayout()
        rows.setSpacing(4)
        for i in range(spec.size):
            name = spec.label(i) if spec.names or spec.size > 1 else ""
            slider = ValueSlider(
                name.replace("_", " "), spec.low, spec.high, self._default, decimals=decimals
            )
            slider.set_name(name or spec.name)
            slider.edited.connect(lambda value, key, i=i: self._on_value(i, value, key))
            self.sliders.append(slider)
            rows.addWidget(slider)
        self.body.addLayout(rows)

    def show_part(self, condition: Condition) -> None:
        part = condition.part(self.spec.name)
        values = part.values if isinstance(part, VectorPart) else ()
        given = len(values) == self.spec.size
        self._values = list(values) if given else [self._default] * self.spec.size
        for slider, value in zip(self.sliders, self._values, strict=True):
            slider.set_value(value)
        self.any.setChecked(not given)
        self.summary.setText("any" if self.spec.optional and not given else "")

    def _on_value(self, index: int, value: float, key: str) -> None:
        self._values[index] = value
        self.any.setChecked(False)
        self.summary.setText("")
        part = VectorPart(self.spec.name, tuple(self._values))
        self.edited.emit(part, f"condition:{self.spec.name}:{key}")


class TextEditor(Editor):
    """A line for the caption; every letter is an edit, a burst of typing one undo step."""

    def __init__(self, spec: ConditionSpec, parent: QWidget | None = None) -> None:
        super().__init__(spec, parent)
        self.line = QLineEdit()
        self.line.setPlaceholderText("Describe the picture")
        self.line.setAccessibleName(spec.name)
        self.line.textEdited.connect(self._on_text)
        self.body.addWidget(self.line)

    def show_part(self, condition: Condition) -> None:
        part = condition.part(self.spec.name)
        text = part.text if isinstance(part, TextPart) else ""
        if text != self.line.text():
            self.line.setText(text)
        self.any.setChecked(not text)

    def _on_text(self, text: str) -> None:
        part = TextPart(self.spec.name, text) if text else None
        self.any.setChecked(part is None)
        self.edited.emit(part, self.clicks.key())


EDITORS: dict[str, type[Editor]] = {
    "class": ClassEditor,
    "attributes": VectorEditor,
    "continuous": VectorEditor,
    "text": TextEditor,
}
