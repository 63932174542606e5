"""Where an image comes from: drawn, from a file, the clipboard, a data set, the current sample; and
how it is brought to the model's size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction, QPalette
from PySide6.QtWidgets import QHBoxLayout, QMenu, QToolButton, QVBoxLayout, QWidget

from genviewer.io.dataset_fit import Fit
from genviewer.ui.icons import icon
from genviewer.ui.widgets.draw_tools import DrawTools
from genviewer.ui.widgets.elided_label import ElidedLabel

if TYPE_CHECKING:
    from collections.abc import Callable

WIDTH = 206
FITS = {"crop": "Keep the middle", "pad": "Keep all of it", "stretch": "Stretch"}


class ImageColumn(QWidget):
    """The draw pad under a bar of sources.

    Signals:
        file_wanted, paste_wanted, data_wanted: an image is to be chosen there.
        sample_toggled(bool): the current sample is to be looked at, as it changes.
        fit_changed: see :attr:`fit` and :attr:`centre`.
    """

    file_wanted = Signal()
    paste_wanted = Signal()
    data_wanted = Signal()
    sample_toggled = Signal(bool)
    fit_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedWidth(WIDTH)
        self._how = "crop"
        self._invert = False
        self.centre = True
        self.drawing = DrawTools(self)
        self.file = self._tool("open", "Open an image…", self.file_wanted.emit)
        self.paste = self._tool("paste", "Paste an image  (Ctrl+V here)", self.paste_wanted.emit)
        self.data = self._tool("grid", "Choose from a data set…", self.data_wanted.emit)
        self.sample = self._tool("image", "Follow the current sample")
        self.sample.setCheckable(True)
        self.sample.clicked.connect(self.sample_toggled)
        self.source = ElidedLabel("", self)
        self.source.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self.fit_button = self._tool("fit", "How the image is brought to the model's size")
        self.fit_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.fit_button.setMenu(self._fit_menu())
        bar = QHBoxLayout()
        bar.setSpacing(2)
        for button in (self.file, self.paste, self.data, self.sample):
            bar.addWidget(button)
        bar.addWidget(self.source, 1)
        bar.addWidget(self.fit_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(bar)
        column.addWidget(self.drawing, 1)

    @property
    def fit(self) -> Fit:
        """How images are brought to the model's size."""
        return Fit(how=self._how, invert=self._invert)  # type: ignore[arg-type]

    def set_centre(self, centre: bool) -> None:
        """Whether drawings are centred, without a signal."""
        self.centre = centre
        self._centre_action.setChecked(centre)

    def _fit_menu(self) -> QMenu:
        menu = QMenu(self)
        self._fit_actions: dict[str, QAction] = {}
        for key, text in FITS.items():
            action = menu.addAction(text)
            action.setCheckable(True)
            action.triggered.connect(lambda _=False, key=key: self.set_how(key))
            self._fit_actions[key] = action
        menu.addSeparator()
        invert = menu.addAction("Swap light and dark")
        self._centre_action = menu.addAction("Centre what is drawn, as in MNIST")
        for action, then in ((invert, self.set_invert), (self._centre_action, self._choose_centre)):
            action.setCheckable(True)
            action.triggered.connect(then)
        self._fit_actions[self._how].setChecked(True)
        self._centre_action.setChecked(self.centre)
        return menu

    def set_how(self, how: str) -> None:
        """Another way to the model's size: a key of :data:`FITS`."""
        self._how = how
        for key, action in self._fit_actions.items():
            action.setChecked(key == how)
        self.fit_changed.emit()

    def set_invert(self, on: bool) -> None:
        """Whether light and dark are swapped."""
        self._invert = on
        self.fit_changed.emit()

    def _choose_centre(self, on: bool) -> None:
        self.centre = on
        self.fit_changed.emit()

    def _tool(self, name: str, tip: str, then: Callable[[], object] | None = None) -> QToolButton:
        button = QToolButton(self)
        button.setObjectName("tight")
        button.setIcon(icon(name))
        button.setFixedSize(26, 26)
        button.setToolTip(tip)
        button.setAccessibleName(tip.split("  (")[0].rstrip("…"))
        if then is not None:
            button.clicked.connect(lambda _=False: then())
        return button
