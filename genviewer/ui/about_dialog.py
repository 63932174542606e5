"""What this program is, and the versions of what it stands on."""

from __future__ import annotations

import platform
from importlib import metadata

from PySide6.QtCore import QSize, Qt, qVersion
from PySide6.QtGui import QGuiApplication, QIcon, QPalette
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QVBoxLayout,
    QWidget,
)

import genviewer
from genviewer.core.resources import assets_dir
from genviewer.ui import theme

PACKAGES = {
    "PySide6": "PySide6-Essentials",
    "NumPy": "numpy",
    "ONNX Runtime": "onnxruntime",
    "PyTorch": "torch",
}
SUMMARY = "A desktop laboratory for trained image generators."
LICENCE = (
    "MIT licence. Copyright the genviewer developers.\nTypeface Inter: SIL Open Font License 1.1."
)


def versions(device: str) -> list[tuple[str, str]]:
    """(name, version) of the program and what it stands on; nothing is imported for it."""
    found = [
        ("genviewer", genviewer.__version__),
        ("Python", platform.python_version()),
        ("Qt", qVersion()),
    ]
    for name, package in PACKAGES.items():
        try:
            found.append((name, metadata.version(package)))
        except metadata.PackageNotFoundError:
            found.append((name, "not installed"))
    system = f"{platform.system()} {platform.release()} ({platform.machine()})"
    return [*found, ("System", system), ("Device", device)]


class AboutDialog(QDialog):
    """Non-modal.

    Args:
        device: where and by what samples are drawn, such as ``cpu (onnx)``.
    """

    def __init__(self, device: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("About genviewer")
        rows = versions(device)
        self.text = "\n".join(f"{name}: {version}" for name, version in rows)
        title = QLabel(f"genviewer {genviewer.__version__}")
        font = theme.strong(title.font())
        font.setPixelSize(20)
        title.setFont(font)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(title)
        words.addWidget(QLabel(SUMMARY))
        words.addWidget(_dim(LICENCE))
        head = QHBoxLayout()
        head.setSpacing(16)
        head.addWidget(_logo(), 0, Qt.AlignmentFlag.AlignTop)
        head.addLayout(words, 1)
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(1, 1)
        for line, (name, version) in enumerate(rows):
            value = QLabel(version)
            value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            grid.addWidget(_dim(name), line, 0)
            grid.addWidget(value, line, 1)
        buttons = QDialogButtonBox()
        self.copy_button = buttons.addButton("Copy", QDialogButtonBox.ButtonRole.ActionRole)
        self.copy_button.setToolTip("Copy the versions, for a bug report")
        self.copy_button.clicked.connect(self._copy)
        close = buttons.addButton("Close", QDialogButtonBox.ButtonRole.RejectRole)
        close.setDefault(True)
        buttons.rejected.connect(self.close)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 24, 24, 16)
        layout.setSpacing(20)
        layout.addLayout(head)
        layout.addLayout(grid)
        layout.addWidget(buttons)

    def sizeHint(self) -> QSize:
        return super().sizeHint().expandedTo(QSize(440, 0))

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.text)
        self.copy_button.setText("Copied")


def _dim(text: str) -> QLabel:
    label = QLabel(text)
    label.setForegroundRole(QPalette.ColorRole.PlaceholderText)
    return label


def _logo() -> QLabel:
    label = QLabel()
    picture = QIcon(str(assets_dir() / "genviewer.svg"))
    label.setPixmap(picture.pixmap(QSize(56, 56), label.devicePixelRatioF()))
    return label
