"""Controls for what a conditional model is asked to draw, built from its Spec."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import (
    QFrame,
    QLabel,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from genviewer.core.condition import (
    ClassPart,
    Condition,
    TextPart,
    VectorPart,
)
from genviewer.ui.widgets.condition_editors import EDITORS, ClassEditor, Editor
from genviewer.ui.widgets.keyboard import ButtonPanel

if TYPE_CHECKING:
    from genviewer.core.spec import Spec

TALLEST = 360  # px that the panel asks for, whatever the model


class ConditionPanel(ButtonPanel):
    """An editor for each condition of a model.

    Signals:
        edited(condition, key): the whole Condition as the user wants it, and the merge key; a
            drag keeps its key, every click has its own.
    """

    edited = Signal(object, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Conditions")
        self._spec: Spec | None = None
        self._condition = Condition()
        self.editors: dict[str, Editor] = {}
        self.quiet = QLabel("This model has no conditions.")
        self.quiet.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self._inside = QWidget()
        self._rows = QVBoxLayout(self._inside)
        self._rows.setContentsMargins(12, 8, 12, 12)
        self._rows.setSpacing(16)
        self._rows.addWidget(self.quiet)
        area = QScrollArea()
        area.setWidget(self._inside)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(area)

    def sizeHint(self) -> QSize:
        return QSize(300, min(self._inside.sizeHint().height(), TALLEST))

    @property
    def has_conditions(self) -> bool:
        """Whether the model has any condition."""
        return bool(self.editors)

    def set_spec(self, spec: Spec | None) -> None:
        """Show the controls of another model; with the same conditions nothing changes."""
        wanted = spec.conditions if spec is not None else ()
        if self._spec is not None and spec is not None and self._spec.conditions == wanted:
            self._spec = spec
            return
        self._spec = spec
        self._condition = Condition()
        for editor in self.editors.values():
            self._rows.removeWidget(editor)
            editor.hide()
            editor.deleteLater()
        self.editors = {}
        while self._rows.count() > 1:
            self._rows.takeAt(1)
        for condition in wanted:
            editor = EDITORS[condition.kind](condition)
            editor.edited.connect(
                lambda part, key, name=condition.name: self._on_part(name, part, key)
            )
            self.editors[condition.name] = editor
            self._rows.addWidget(editor)
            editor.show_part(self._condition)
        stretches = any(
            isinstance(e, ClassEditor) and e.area is not None for e in self.editors.values()
        )
        if not stretches:
            self._rows.addStretch(1)
        self.quiet.setVisible(not self.editors)

    def set_condition(self, condition: Condition) -> None:
        """Show a condition, without saying that the user edited it."""
        if condition != self._condition:
            self._condition = condition
            for editor in self.editors.values():
                editor.show_part(condition)

    def _on_part(self, name: str, part: object, key: str) -> None:
        if isinstance(part, ClassPart | VectorPart | TextPart):
            self._condition = self._condition.with_part(part)
        else:
            self._condition = self._condition.without(name)
            self.editors[name].show_part(self._condition)
        self.edited.emit(self._condition, key)
