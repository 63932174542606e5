"""The buttons at the right end of the menu bar: undo, redo, device, commands, light or dark."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QHBoxLayout, QMenu, QToolButton, QWidget

from genviewer.ui.icons import icon

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from PySide6.QtGui import QAction

ENGINES = {"auto": "Automatic engine", "onnx": "ONNX Runtime", "torch": "PyTorch"}


class CornerBar(QWidget):
    """Frequent commands, always in reach.

    Args:
        actions: the window's actions by id.
        devices: gives (name, label) of the devices there are; asked when the menu opens, since
            looking for them may take a moment.

    Signals:
        device_chosen(str), engine_chosen(str): run the models there, or by that.
    """

    device_chosen = Signal(str)
    engine_chosen = Signal(str)

    def __init__(
        self,
        actions: Mapping[str, QAction],
        devices: Callable[[], list[tuple[str, str]]],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._devices = devices
        self._device, self._engine = "auto", "auto"
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 2, 8, 2)
        layout.setSpacing(2)
        for name in ("undo", "redo"):
            layout.addWidget(self._button(actions[name]))
        self._menu = QMenu(self)
        self._menu.aboutToShow.connect(self._fill)
        self._device_button = QToolButton(self)
        self._device_button.setIcon(icon("device"))
        self._device_button.setIconSize(QSize(18, 18))
        self._device_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._device_button.setMenu(self._menu)
        self._device_button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._device_button.setMinimumWidth(84)  # the menu bar does not follow a longer text
        self._device_button.setAccessibleName("Device and engine")
        self._device_button.setToolTip("Where models run, and by what")
        layout.addWidget(self._device_button)
        for name in ("palette", "toggle_theme"):
            layout.addWidget(self._button(actions[name]))

    def set_shown(self, device: str, engine: str, running: str) -> None:
        """The choices in force, and the device that the model really runs on."""
        self._device, self._engine = device, engine
        self._device_button.setText(running.upper() if running else "")

    def _button(self, action: QAction) -> QToolButton:
        button = QToolButton(self)
        button.setDefaultAction(action)
        button.setIconSize(QSize(18, 18))
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        return button

    def _fill(self) -> None:
        self._menu.clear()
        devices = [("auto", "Automatic device"), *self._devices()]
        for choices, current, chosen in (
            (devices, self._device, self.device_chosen),
            (list(ENGINES.items()), self._engine, self.engine_chosen),
        ):
            group = QActionGroup(self._menu)
            for name, label in choices:
                action = self._menu.addAction(label)
                action.setCheckable(True)
                action.setChecked(name == current)
                action.triggered.connect(lambda _=False, n=name, s=chosen: s.emit(n))
                group.addAction(action)
            self._menu.addSeparator()
