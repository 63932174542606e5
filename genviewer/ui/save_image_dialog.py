"""Where to save the sample or the sheet, and how large."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QButtonGroup,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QRadioButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

MAX_SIDE = 16384


@dataclass(frozen=True)
class SaveChoice:
    """What to save, where, and the whole factor by which pixels are repeated."""

    path: Path
    sheet: bool
    factor: int


class SaveImageDialog(QDialog):
    """Asks for a PNG's path, content and scale; says beforehand what will be replaced.

    Args:
        sample_size, sheet_size: (width, height) in pixels at scale 1; ``sheet_size`` is None
            where the view has no sheet.
        sample_path, sheet_path: proposed paths.
        factor: proposed scale.
    """

    def __init__(
        self,
        parent: QWidget | None,
        sample_size: tuple[int, int],
        sheet_size: tuple[int, int] | None,
        sample_path: Path,
        sheet_path: Path,
        sheet: bool,
        factor: int,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Save as PNG")
        self._sizes = (sample_size, sheet_size or sample_size)
        self._paths = [sample_path, sheet_path]
        self._what = QButtonGroup(self)
        sample_button, sheet_button = QRadioButton("Sample"), QRadioButton("Whole sheet")
        self._what.addButton(sample_button, 0)
        self._what.addButton(sheet_button, 1)
        sheet_button.setEnabled(sheet_size is not None)
        chosen = 1 if sheet and sheet_size is not None else 0
        self._what.button(chosen).setChecked(True)
        self._shown = chosen
        what = QHBoxLayout()
        what.setSpacing(16)
        what.addWidget(sample_button)
        what.addWidget(sheet_button)
        what.addStretch(1)

        self._factor = QSpinBox(self)
        self._factor.setSuffix(" ×")
        self._factor.setToolTip("Each pixel is repeated this often in both directions")
        self._size = QLabel(self)
        scale = QHBoxLayout()
        scale.setSpacing(12)
        scale.addWidget(self._factor)
        scale.addWidget(self._size)
        scale.addStretch(1)

        self._path = QLineEdit(str(self._paths[chosen]), self)
        self._path.setMinimumWidth(360)
        browse = QPushButton("Browse…", self)
        browse.clicked.connect(self._browse)
        where = QHBoxLayout()
        where.setSpacing(8)
        where.addWidget(self._path, 1)
        where.addWidget(browse)

        form = QFormLayout()
        form.setLabelAlignment(Qt.AlignmentFlag.AlignRight)
        form.setHorizontalSpacing(16)
        form.setVerticalSpacing(12)
        form.addRow("What", what)
        form.addRow("Scale", scale)
        form.addRow("File", where)
        self._hint = QLabel(" ", self)
        self._hint.setWordWrap(True)
        self._buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Save | QDialogButtonBox.StandardButton.Cancel, self
        )
        self._buttons.accepted.connect(self.accept)
        self._buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 24, 24, 16)
        layout.setSpacing(16)
        layout.addLayout(form)
        layout.addWidget(self._hint)
        layout.addWidget(self._buttons)

        self._factor.valueChanged.connect(self._refresh)
        self._path.textChanged.connect(self._refresh)
        self._what.idToggled.connect(self._switch)
        self._bound_factor()
        self._factor.setValue(factor)
        self._refresh()

    def choice(self) -> SaveChoice:
        """What was chosen; ``.png`` is added where the path has another ending or none."""
        path = Path(self._path.text().strip()).expanduser()
        if path.suffix.lower() != ".png":
            path = path.with_name(path.name + ".png")
        return SaveChoice(path, self._what.checkedId() == 1, self._factor.value())

    def _bound_factor(self) -> None:
        largest = max(1, MAX_SIDE // max(self._sizes[self._what.checkedId()]))
        self._factor.setRange(1, min(64, largest))

    def _switch(self, what: int, on: bool) -> None:
        if on:
            self._paths[self._shown] = Path(self._path.text())
            self._shown = what
            self._bound_factor()
            self._path.setText(str(self._paths[what]))
            self._refresh()

    def _refresh(self) -> None:
        width, height = self._sizes[self._what.checkedId()]
        factor = self._factor.value()
        self._size.setText(f"{width * factor} × {height * factor} pixels")
        button = self._buttons.button(QDialogButtonBox.StandardButton.Save)
        usable = bool(self._path.text().strip())
        button.setEnabled(usable)
        exists = usable and self.choice().path.exists()
        button.setText("Replace" if exists else "Save")
        self._hint.setText(
            f"{self.choice().path.name} exists already and will be replaced."
            if exists
            else "The file carries its Recipe: drop it on the window to come back to it."
        )

    def _browse(self) -> None:
        name, _ = QFileDialog.getSaveFileName(
            self,
            "Save as PNG",
            self._path.text(),
            "PNG images (*.png)",
            options=QFileDialog.Option.DontConfirmOverwrite,
        )
        if name:
            self._path.setText(name)
