"""What the dialogs of exporting have in common: the form, and its rows for size and place."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QPalette, QShowEvent
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from genviewer.core.picture import MAX_SCALE, Picture
from genviewer.ui.widgets.switch import Switch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from genviewer.core.picture import UpscaleMethod

MAX_SIDE = 16_384
WIDTH = 560
METHODS: dict[UpscaleMethod, tuple[str, str]] = {
    "nearest": ("Repeat pixels", "Each pixel becomes a square; nothing is invented"),
    "lanczos": ("Smooth", "Interpolated to a size by Lanczos' method"),
}


class ExportDialog(QDialog):
    """A form above a sentence and two buttons.

    Subclasses add rows, and say in :meth:`refresh` what will happen.
    """

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setMinimumWidth(WIDTH)
        self.form = QFormLayout()
        self.form.setLabelAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        self.form.setHorizontalSpacing(16)
        self.form.setVerticalSpacing(12)
        self.hint = QLabel(" ", self)
        self.hint.setWordWrap(True)
        self.hint.setMinimumHeight(2 * self.fontMetrics().lineSpacing())
        self.hint.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Save | QDialogButtonBox.StandardButton.Cancel, self
        )
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self.save = self.buttons.button(QDialogButtonBox.StandardButton.Save)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 24, 24, 16)
        layout.setSpacing(16)
        layout.addLayout(self.form)
        layout.addStretch(1)
        layout.addWidget(self.hint)
        layout.addWidget(self.buttons)

    def add_row(self, label: str, *widgets: QWidget, stretch: bool = True) -> QWidget:
        """Widgets side by side behind a label; returns what holds them, to show or hide it."""
        holder = QWidget(self)
        row = QHBoxLayout(holder)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(12)
        for widget in widgets:
            row.addWidget(widget)
        if stretch:
            row.addStretch(1)
        self.form.addRow(label, holder)
        return holder

    def add_switch(self, label: str, text: str, on: bool) -> Switch:
        """A row with a switch and what it means."""
        switch = Switch(self)
        switch.setChecked(on)
        switch.setAccessibleName(label)
        meaning = QLabel(text, self)
        meaning.setBuddy(switch)
        self.add_row(label, switch, meaning)
        switch.toggled.connect(self.refresh)
        return switch

    def refresh(self) -> None:
        """Say what will happen."""

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        for box in self.findChildren(QAbstractSpinBox):
            for edit in box.findChildren(QLineEdit):
                edit.setTextMargins(4, 0, 4, 0)

    def tell(self, text: str, usable: bool, verb: str = "Save") -> None:
        """Show the sentence, and whether and how it can be saved."""
        role = QPalette.ColorRole.WindowText if usable else QPalette.ColorRole.BrightText
        self.hint.setForegroundRole(role)
        self.hint.setText(text)
        self.save.setEnabled(usable)
        self.save.setText(verb)


class SizeRow(QWidget):
    """How large: pixels repeated by a whole factor, or interpolated to a size.

    Args:
        keep_shape: whether width and height keep the sample's proportions.

    Signals:
        changed(): another size.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None, *, keep_shape: bool = True) -> None:
        super().__init__(parent)
        self._keep_shape = keep_shape
        self._native = (1, 1)
        self.method = QComboBox(self)
        for index, (method, (text, tip)) in enumerate(METHODS.items()):
            self.method.addItem(text, method)
            self.method.setItemData(index, tip, Qt.ItemDataRole.ToolTipRole)
        self.method.setAccessibleName("How to enlarge")
        self.factor = QSpinBox(self)
        self.factor.setSuffix(" ×")
        self.factor.setAccessibleName("Factor")
        self.factor.setToolTip("Each pixel is repeated this often in both directions; 1 is native")
        self.wide, self.high = QSpinBox(self), QSpinBox(self)
        self.by = QLabel("×", self)
        for box, name in ((self.wide, "Width in pixels"), (self.high, "Height in pixels")):
            box.setRange(1, MAX_SIDE)
            box.setAccessibleName(name)
            box.setToolTip(name)
        self.told = QLabel(self)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        for widget in (self.method, self.factor, self.wide, self.by, self.high, self.told):
            row.addWidget(widget)
        row.addStretch(1)
        self.method.currentIndexChanged.connect(self._show)
        self.factor.valueChanged.connect(self._show)
        self.wide.valueChanged.connect(self._widened)
        self.high.valueChanged.connect(self._heightened)
        self._show()

    def set_native(self, width: int, height: int, factor: int | None = None) -> None:
        """The size in pixels at factor 1, and a factor to propose."""
        before, self._native = self._native, (width, height)
        with QSignalBlocker(self.factor):
            largest = max(1, MAX_SIDE // max(width, height))
            self.factor.setRange(1, min(MAX_SCALE, largest))
            if factor is not None:
                self.factor.setValue(factor)
        if before != self._native:
            for box, side in ((self.wide, width), (self.high, height)):
                with QSignalBlocker(box):
                    box.setValue(side * self.factor.value())
        self._show()

    @property
    def smooth(self) -> bool:
        """Whether it is interpolated."""
        return self.method.currentData() == "lanczos"

    def picture(
        self, *, bits: Literal[8, 16] = 8, headers: bool = False, quality: int | None = None
    ) -> Picture:
        """The Picture of the chosen size."""
        if self.smooth:
            canvas = (self.wide.value(), self.high.value())
            return Picture(1, "lanczos", bits, False, quality, canvas)
        return Picture(self.factor.value(), "nearest", bits, headers, quality)

    def _widened(self, wide: int) -> None:
        if self._keep_shape:
            width, height = self._native
            with QSignalBlocker(self.high):
                self.high.setValue(max(1, round(wide * height / width)))
        self._show()

    def _heightened(self, high: int) -> None:
        if self._keep_shape:
            width, height = self._native
            with QSignalBlocker(self.wide):
                self.wide.setValue(max(1, round(high * width / height)))
        self._show()

    def _show(self) -> None:
        smooth = self.smooth
        self.factor.setVisible(not smooth)
        for widget in (self.wide, self.by, self.high):
            widget.setVisible(smooth)
        width, height = self._native
        factor = self.factor.value()
        self.told.setText("pixels" if smooth else f"{width * factor} × {height * factor} pixels")
        self.changed.emit()


class PlaceRow(QWidget):
    """Where to: a file with one of several suffixes, or a folder.

    Args:
        title: of the file dialog.
        suffixes: suffix by format, the first of each being the one that is added; empty for a
            folder.

    Signals:
        changed(): another place.
        format_typed(str): a suffix of another format was typed.
    """

    changed = Signal()
    format_typed = Signal(str)

    def __init__(
        self, title: str, suffixes: Mapping[str, str], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._title, self._suffixes, self._format = title, suffixes, ""
        self.folder = not suffixes
        self.edit = QLineEdit(self)
        self.edit.setMinimumWidth(300)
        self.edit.setAccessibleName("Folder" if self.folder else "File")
        browse = QPushButton("Browse…", self)
        browse.clicked.connect(self._browse)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self.edit, 1)
        row.addWidget(browse)
        self.edit.textChanged.connect(self._typed)

    @property
    def given(self) -> bool:
        """Whether anything is named."""
        return bool(self.edit.text().strip())

    @property
    def path(self) -> Path:
        """The place; a file has the format's suffix."""
        path = Path(self.edit.text().strip()).expanduser()
        if self.folder or self._suffixes.get(path.suffix.lower()) == self._format:
            return path
        return path.with_name(path.name + self._suffix()) if path.name else path

    def set_path(self, path: Path) -> None:
        """Propose a place."""
        self.edit.setText(str(path))

    def set_format(self, form: str) -> None:
        """Let the file have a format's suffix in the place of another's."""
        self._format = form
        path = Path(self.edit.text().strip())
        known = path.suffix.lower() in self._suffixes
        if known and self._suffixes[path.suffix.lower()] != form:
            self.edit.setText(str(path.with_suffix(self._suffix())))
        self.changed.emit()

    def _suffix(self) -> str:
        return next((s for s, form in self._suffixes.items() if form == self._format), "")

    def _typed(self, text: str) -> None:
        form = self._suffixes.get(Path(text.strip()).suffix.lower())
        if form is not None and form != self._format:
            self._format = form
            self.format_typed.emit(form)
        self.changed.emit()

    def _browse(self) -> None:
        options = QFileDialog.Option.DontConfirmOverwrite
        if self.folder:
            name = QFileDialog.getExistingDirectory(self, self._title, self.edit.text())
        else:
            pattern = " ".join(f"*{s}" for s in self._suffixes)
            name, _ = QFileDialog.getSaveFileName(
                self, self._title, self.edit.text(), f"Files ({pattern})", options=options
            )
        if name:
            self.edit.setText(name)
