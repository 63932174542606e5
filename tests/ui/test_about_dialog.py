import subprocess
import sys

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel

import genviewer
from genviewer.ui.about_dialog import AboutDialog, versions


def test_tells_the_versions_and_the_device(qtbot):
    dialog = AboutDialog("cpu (onnx)")
    qtbot.addWidget(dialog)
    shown = {label.text() for label in dialog.findChildren(QLabel)}
    assert {"NumPy", "ONNX Runtime", "PyTorch", "Qt", "cpu (onnx)"} <= shown
    assert genviewer.__version__ in shown
    assert any("MIT" in text for text in shown)


def test_copies_them_for_a_report(qtbot):
    dialog = AboutDialog("cuda")
    qtbot.addWidget(dialog)
    QTest.mouseClick(dialog.copy_button, Qt.MouseButton.LeftButton)
    assert "Device: cuda" in QGuiApplication.clipboard().text().splitlines()


def test_what_is_not_installed_is_said(monkeypatch):
    monkeypatch.setattr("genviewer.ui.about_dialog.PACKAGES", {"Nothing": "no-such-package-x"})
    assert ("Nothing", "not installed") in versions("cpu")


def test_asks_for_versions_without_importing_torch():
    code = (
        "import sys; from genviewer.ui.about_dialog import versions; versions('cpu');"
        "sys.exit('torch' in sys.modules or 'onnxruntime' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
