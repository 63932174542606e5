"""What was found in a data set, and how many images of it are trained on and checked on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QTextOption
from PySide6.QtWidgets import (
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from genviewer.ui import theme
from genviewer.ui.widgets.elided_label import ElidedLabel
from genviewer.ui.widgets.fold_section import FoldHeader
from genviewer.ui.widgets.segments import HEIGHT
from genviewer.ui.widgets.step_box import StepBox

if TYPE_CHECKING:
    from genviewer.io.dataset_survey import Survey

SIZES_SHOWN = 3
BAD_HEIGHT = 112
MAX_SHARE = 50  # per cent


class DataFound(QWidget):
    """Name, kind, numbers, and the files that are left out, folded away.

    Signals:
        validation_edited(float): another share to check on, in 0..0.5.
        folder_wanted(), file_wanted(), hub_wanted(): another data set.
    """

    validation_edited = Signal(float)
    folder_wanted = Signal()
    file_wanted = Signal()
    hub_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMinimumWidth(220)
        self.name = ElidedLabel("", self)
        self.name.setFont(theme.strong(self.font()))
        self.name.setAccessibleName("Data set")
        self.kind = _line(self)
        self.other = QPushButton("Other…", self)
        self.other.setFixedHeight(HEIGHT)
        self.other.setToolTip("Choose other data")
        menu = QMenu(self.other)
        menu.addAction("Folder…", self.folder_wanted.emit)
        menu.addAction("File…", self.file_wanted.emit)
        menu.addAction("From the Hub…", self.hub_wanted.emit)
        self.other.setMenu(menu)
        self.images, self.sizes, self.colours = _line(self), _line(self), _line(self)
        self.train, self.held = _line(self), _line(self)
        self.share = StepBox(self)
        self.share.setRange(0, MAX_SHARE)
        self.share.setSuffix(" %")
        self.share.setFixedHeight(HEIGHT)
        self.share.setAccessibleName("Share of the images to check on")
        self.share.valueChanged.connect(lambda value: self.validation_edited.emit(value / 100))
        self.fold = FoldHeader("", self)
        self.fold.setChecked(False)
        self.bad = QPlainTextEdit(self)
        self.bad.setReadOnly(True)
        self.bad.setFixedHeight(BAD_HEIGHT)
        self.bad.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.bad.setTabChangesFocus(True)
        self.bad.setAccessibleName("Files that are left out, and why")
        self.bad.setVisible(False)
        self.fold.toggled.connect(self.bad.setVisible)
        self._lay_out()

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.setSpacing(8)
        names = QVBoxLayout()
        names.setSpacing(2)
        names.addWidget(self.name)
        names.addWidget(self.kind)
        self.kind.setForegroundRole(self.kind.palette().ColorRole.PlaceholderText)
        top.addLayout(names, 1)
        top.addWidget(self.other, 0, Qt.AlignmentFlag.AlignTop)
        form = QFormLayout()
        form.setHorizontalSpacing(12)
        form.setVerticalSpacing(4)
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
        for title, label in (
            ("Images", self.images),
            ("Size", self.sizes),
            ("Colours", self.colours),
        ):
            form.addRow(_title(title, self), label)
        form.addRow(_title("Learn from", self), self.train)
        held = QHBoxLayout()
        held.setSpacing(8)
        held.addWidget(self.share)
        held.addWidget(self.held, 1)
        self._held = _title("Check on", self)
        self._held.setBuddy(self.share)
        form.addRow(self._held, held)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(top)
        column.addLayout(form)
        column.addWidget(self.fold)
        column.addWidget(self.bad)
        column.addStretch(1)

    def sizeHint(self) -> QSize:
        return QSize(260, super().sizeHint().height())

    def set_survey(self, survey: Survey) -> None:
        """Show what was found."""
        self.name.setText(Path(survey.source).name or survey.source)
        self.name.setToolTip(survey.source)
        self.kind.setText(survey.kind[:1].upper() + survey.kind[1:])
        classes = sum(1 for name, count in survey.class_counts if name and count)
        of = f" of {classes:,} class{'' if classes == 1 else 'es'}" if classes else ""
        self.images.setText(f"{survey.count:,}{of}")
        sizes = [f"{width}×{height}" for (width, height), _ in survey.sizes[:SIZES_SHOWN]]
        more = len(survey.sizes) - len(sizes)
        self.sizes.setText(", ".join(sizes) + (f" and {more:,} more" if more else ""))
        self.colours.setText(", ".join(words for words, _ in survey.modes))
        self.fold.setVisible(bool(survey.bad_count))
        self.fold.setText(
            f"{survey.bad_count:,} file{'' if survey.bad_count == 1 else 's'} left out"
        )
        self.fold.setAccessibleName(f"{self.fold.text()}: which, and why")
        lines = [f"{name} {reason}" for name, reason in survey.bad]
        if survey.bad_count > len(lines):
            lines.append(f"… and {survey.bad_count - len(lines):,} more")
        self.bad.setPlainText("\n".join(lines))
        self.bad.setVisible(bool(survey.bad_count) and self.fold.isChecked())
        own = bool(survey.test_count)
        self.share.setVisible(not own)
        self.share.setToolTip("So many images are kept from training, to see how it goes")

    def show_counts(self, train: int, held: int, exact: bool, share: float) -> None:
        """Show how many images are trained on and checked on."""
        self.share.blockSignals(True)
        self.share.setValue(round(share * 100))
        self.share.blockSignals(False)
        about = "" if exact else "about "
        self.train.setText(f"{about}{train:,}")
        self.held.setText(f"{about}{held:,}")
        self.held.setToolTip(
            "Always the same images: their content decides, and equal ones stay together."
        )


def _line(parent: QWidget) -> ElidedLabel:
    return ElidedLabel("", parent)


def _title(text: str, parent: QWidget) -> QLabel:
    label = QLabel(text, parent)
    label.setForegroundRole(label.palette().ColorRole.PlaceholderText)
    return label
