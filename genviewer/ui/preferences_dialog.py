"""The preferences, one row for each setting of the table; a change is in force at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QIcon, QPalette
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QFrame,
    QGridLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from genviewer.session.preferences import PREFERENCES, Row, Value
from genviewer.ui import theme
from genviewer.ui.widgets.passing_wheel import PassingWheel
from genviewer.ui.widgets.switch import Switch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

CONTROL_WIDTH = 168
WIDTH = 540


class PreferencesDialog(QDialog):
    """Non-modal; shows the given values and says what is changed.

    Signals:
        changed(key, value): a setting of :data:`PREFERENCES` and a value that it can have.
    """

    changed = Signal(str, object)

    def __init__(self, values: Mapping[str, Value], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Preferences")
        self._shows: dict[str, Callable[[Value], None]] = {}
        self.controls: dict[str, QWidget] = {}
        inside = QWidget()
        grid = QGridLayout(inside)
        grid.setContentsMargins(20, 12, 20, 12)
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(2)
        grid.setColumnStretch(0, 1)
        group = ""
        for row in PREFERENCES:
            if row.group != group:
                self._add_heading(grid, row.group, first=not group)
                group = row.group
            self._add_row(grid, row)
        grid.setRowStretch(grid.rowCount(), 1)
        area = QScrollArea()
        area.setWidget(inside)
        PassingWheel(area)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self.reset_button = buttons.addButton("Reset All", QDialogButtonBox.ButtonRole.ResetRole)
        self.reset_button.setToolTip("Every setting back to its default")
        self.reset_button.clicked.connect(self.reset)
        buttons.rejected.connect(self.close)
        for button in buttons.buttons():
            button.setIcon(QIcon())
            if isinstance(button, QPushButton):
                button.setAutoDefault(False)  # Enter in a number box is not "reset"
        foot = QVBoxLayout()
        foot.setContentsMargins(20, 8, 20, 12)
        foot.addWidget(buttons)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(area, 1)
        layout.addLayout(foot)
        self._height = grid.totalHeightForWidth(WIDTH) + 80
        self.set_values(values)
        self.resize(self.sizeHint())

    def sizeHint(self) -> QSize:
        return QSize(WIDTH, min(self._height, 680))

    def set_values(self, values: Mapping[str, Value]) -> None:
        """Show other values, without saying that the user changed them."""
        for key, show in self._shows.items():
            if key in values:
                control = self.controls[key]
                blocked = control.blockSignals(True)
                show(values[key])
                control.blockSignals(blocked)

    def reset(self) -> None:
        """Every setting back to its default, as the user's change."""
        for row in PREFERENCES:
            self._shows[row.key](row.default)

    def _add_heading(self, grid: QGridLayout, text: str, *, first: bool) -> None:
        heading = QLabel(text)
        heading.setFont(theme.strong(heading.font()))
        heading.setContentsMargins(0, 4 if first else 20, 0, 4)
        grid.addWidget(heading, grid.rowCount(), 0, 1, 2)

    def _add_row(self, grid: QGridLayout, row: Row) -> None:
        label = QLabel(row.label)
        label.setContentsMargins(0, 8, 0, 0)
        help_text = QLabel(row.help)
        help_text.setWordWrap(True)
        help_text.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        control = self._make_control(row)
        control.setAccessibleName(row.label)
        control.setAccessibleDescription(row.help)
        label.setBuddy(control)
        self.controls[row.key] = control
        line = grid.rowCount()
        grid.addWidget(label, line, 0)
        grid.addWidget(help_text, line + 1, 0)
        grid.addWidget(
            control, line, 1, 2, 1, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        )

    def _make_control(self, row: Row) -> QWidget:
        if row.kind == "bool":
            check = Switch()
            check.toggled.connect(lambda on: self.changed.emit(row.key, on))
            self._shows[row.key] = lambda value: check.setChecked(bool(value))
            return check
        if row.kind == "choice":
            combo = QComboBox()
            for value, text in row.choices:
                combo.addItem(text, value)
            combo.setFixedWidth(CONTROL_WIDTH)
            combo.currentIndexChanged.connect(
                lambda i: self.changed.emit(row.key, combo.itemData(i))
            )
            self._shows[row.key] = lambda value: combo.setCurrentIndex(combo.findData(value))
            return combo
        box: QSpinBox | QDoubleSpinBox
        if row.kind == "int":
            box = QSpinBox()
            box.setRange(int(row.low), int(row.high))
            self._shows[row.key] = lambda value: box.setValue(int(value))
        else:
            box = QDoubleSpinBox()
            box.setRange(row.low, row.high)
            self._shows[row.key] = lambda value: box.setValue(float(value))
        box.setKeyboardTracking(False)
        box.setSuffix(row.suffix)
        box.setFixedWidth(CONTROL_WIDTH // 2)
        box.lineEdit().setTextMargins(4, 0, 4, 0)
        box.valueChanged.connect(lambda value: self.changed.emit(row.key, value))
        return box
