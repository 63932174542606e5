"""The controls of the Axes view: what runs along rows and columns, with which values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from PySide6.QtCore import QSignalBlocker, QTimer, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from genviewer.core.axis_view import axis_of, default_values, problem, usable
from genviewer.core.scene import MAX_CELLS, AxisChoice, AxisOptions
from genviewer.ui.widgets.segments import HEIGHT
from genviewer.ui.widgets.step_box import StepBox
from genviewer.ui.widgets.view_options import OptionsRow

if TYPE_CHECKING:
    from genviewer.core.spec import Spec

KINDS = {
    "seed": "Seed",
    "class": "Class",
    "dim": "Dimension",
    "psi": "Truncation",
    "direction": "Direction",
    "none": "–",
}
TIPS = {
    "seed": "Seeds as a list or range: 0..7   1,5,9   0..100:10",
    "class": "Classes as a list or range: a..f   cat,dog   #0..#9",
    "dim": "Values of the dimension: -2..2/5   -1,0,1   0..1:0.25",
    "psi": "Truncations from 0 on: 0..1:0.25   0.5,0.7,1",
    "direction": "Standard deviations along the direction: -3..3/7   -2,0,2",
    "none": "",
}


SAID_AFTER_MS = 400


class AxisField(QWidget):
    """One axis: what it is, which dimension, and its values as text.

    Signals:
        changed(choice): an AxisChoice that makes sense.
        wrong(text): what is wrong with the values; empty once nothing is.
        finished(): the typing is over.
    """

    changed = Signal(object)
    wrong = Signal(str)
    finished = Signal()

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._wrong = ""
        self._late = QTimer(self)
        self._late.setSingleShot(True)
        self._late.setInterval(SAID_AFTER_MS)
        self._late.timeout.connect(lambda: self.wrong.emit(self._wrong))
        self._choice = AxisChoice("none")
        self._spec: Spec | None = None
        label = QLabel(name, self)
        self.kind = QComboBox(self)
        self.kind.setFixedHeight(HEIGHT)
        self.kind.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.kind.setMinimumContentsLength(9)
        self.kind.setAccessibleName(name)
        self.kind.setToolTip(f"What changes along the {name.lower()}")
        self.kind.activated.connect(self._choose)
        self.dim = StepBox(self)
        self.dim.setPrefix("z")
        self.dim.setFixedHeight(HEIGHT)
        self.dim.setAccessibleName(f"Dimension along the {name.lower()}")
        self.dim.setToolTip(f"Dimension along the {name.lower()}")
        self.dim.valueChanged.connect(lambda dim: self._change(dim=dim))
        self.values = QLineEdit(self)
        self.values.setFixedHeight(HEIGHT)
        self.values.setMinimumWidth(84)
        self.values.setAccessibleName(f"Values along the {name.lower()}")
        self.values.textEdited.connect(self._typed)
        self.values.editingFinished.connect(self.finished)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        row.addWidget(label)
        row.addWidget(self.kind)
        row.addWidget(self.dim)
        row.addWidget(self.values, 1)

    def show_choice(self, choice: AxisChoice, spec: Spec) -> None:
        """Show a choice that the model can show; typed text stays if it says the same."""
        kinds = [
            kind
            for kind in KINDS
            if not (kind == "class" and spec.class_condition is None)
            and not (kind == "psi" and not spec.truncation)
            and not (kind == "direction" and choice.direction is None)
        ]
        texts = [choice.name or KINDS[k] if k == "direction" else KINDS[k] for k in kinds]
        if texts != [self.kind.itemText(index) for index in range(self.kind.count())]:
            with QSignalBlocker(self.kind):
                self.kind.clear()
                for kind, text in zip(kinds, texts, strict=True):
                    self.kind.addItem(text, kind)
        with QSignalBlocker(self.kind):
            self.kind.setCurrentIndex(kinds.index(choice.kind))
        with QSignalBlocker(self.dim):
            self.dim.setMaximum(spec.latent.dim - 1)
            self.dim.setValue(choice.dim)
        self.dim.setVisible(choice.kind == "dim")
        self.values.setVisible(choice.kind != "none")
        self.values.setToolTip(TIPS[choice.kind])
        if spec is not self._spec or choice != self._choice:
            if self.values.text() != choice.values:
                self.values.setText(choice.values)
            self.mark("")
        self._choice, self._spec = choice, spec

    def retry(self) -> None:
        """Take typed values that were refused before, should they be right now."""
        if self._wrong:
            self._typed(self.values.text())

    def _choose(self) -> None:
        kind = self.kind.currentData()
        if self._spec is not None and kind != self._choice.kind:
            self._change(kind=kind, values=default_values(kind, self._spec))

    def _typed(self, text: str) -> None:
        choice = msgspec.structs.replace(self._choice, values=text)
        if self._spec is None:
            return
        wrong = problem(choice, self._spec) if text.strip() else "Type a list or a range."
        self.mark(wrong or "")
        if wrong is None:
            self._change(values=text)

    def _change(self, **values: object) -> None:
        self.changed.emit(msgspec.structs.replace(self._choice, **values))

    def mark(self, wrong: str) -> None:
        """Say what is wrong with the values: a moment later, since it may only be half typed."""
        self._wrong = wrong
        self.values.setStyleSheet("color: palette(bright-text);" if wrong else "")
        if wrong:
            self._late.start()
        else:
            self._late.stop()
            self.wrong.emit("")


class AxisRow(OptionsRow[AxisOptions]):
    """Rows and columns side by side; what is wrong with a text is said below it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("axes", AxisOptions(), parent)
        self.rows, self.columns = AxisField("Rows", self), AxisField("Columns", self)
        self._spec: Spec | None = None
        self._edited: tuple[str, ...] = ()
        self._row.setSpacing(12)
        for field, name in ((self.rows, "rows"), (self.columns, "columns")):
            field.changed.connect(lambda choice, name=name: self._choose(name, choice))
            field.finished.connect(self._gesture.end)
            column = QVBoxLayout()
            column.setSpacing(2)
            note = QLabel(self)
            note.setForegroundRole(QPalette.ColorRole.BrightText)
            note.setWordWrap(True)
            note.hide()
            field.wrong.connect(lambda text, note=note: self._note(note, text))
            setattr(self, f"{name}_note", note)
            column.addWidget(field)
            column.addWidget(note)
            column.addStretch(1)
            self._row.addLayout(column, 1)

    def _note(self, note: QLabel, text: str) -> None:
        note.setText(text)
        note.setVisible(bool(text))
        self.updateGeometry()

    def _show(self, options: AxisOptions, spec: Spec) -> None:
        shown = usable(options, spec)
        self.rows.show_choice(shown.rows, spec)
        self.columns.show_choice(shown.columns, spec)
        self._spec = spec

    def _choose(self, name: str, choice: AxisChoice) -> None:
        """An axis is another one; the other gives way where both would change the same."""
        if self._spec is None:
            return
        first, own, others = name == "rows", self.rows, self.columns
        stored, shown = self._options, usable(self._options, self._spec)
        before, other, kept = shown.rows, shown.columns, stored.columns
        if not first:
            own, others = others, own
            before, other, kept = shown.columns, shown.rows, stored.rows
        if choice.kind == other.kind and choice.kind not in ("none", "dim", "direction"):
            kept = before
        wanted = AxisOptions(choice, kept) if first else AxisOptions(kept, choice)
        count = 1
        fitted = usable(wanted, self._spec)
        for axis in (axis_of(fitted.rows, self._spec), axis_of(fitted.columns, self._spec)):
            count *= 1 if axis is None else len(axis.values)
        if count > MAX_CELLS:
            own.mark(f"{count} cells are more than {MAX_CELLS}.")
            return
        changed = [f for f in ("kind", "dim", "values") if getattr(choice, f) != getattr(before, f)]
        if (name, *changed) != self._edited or "kind" in changed:
            self._gesture.end()  # another control is another step to undo
        self._edited = (name, *changed)
        self._edit(rows=wanted.rows, columns=wanted.columns)
        self._show(self._options, self._spec)
        others.retry()
