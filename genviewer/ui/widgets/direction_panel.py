"""The panel of directions: how to find some, the sliders, and the file that holds them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal, SignalInstance
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QScrollArea,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from genviewer.ui.icons import icon
from genviewer.ui.widgets.direction_list import DirectionList
from genviewer.ui.widgets.elided_label import ElidedLabel
from genviewer.ui.widgets.segments import HEIGHT

if TYPE_CHECKING:
    from collections.abc import Sequence

FINDS = {
    "attribute": ("In How the Pictures Look", "Brighter, wider, more slanted, …"),
    "pca": ("In the Features (GANSpace)", "Principal components of what the first layers make"),
    "sefa": ("In the First Layer (SeFa)", "What the layer that reads the latent responds to most"),
}
FINDS_IN_IMAGES = {
    "class": ("Between Classes of Images", "From the middle of all classes to the mean of each"),
    "pca": ("In Encoded Images (PCA)", "Where encoded images differ most"),
}
EMPTY = (
    "A direction moves the sample along one thing that changes: how bright, how slanted, from one "
    "class to another. Find some to have a slider for each."
)


class DirectionPanel(QWidget):
    """Shows directions and says what is wanted of them.

    Signals:
        find_wanted(method): ``attribute``, ``pca`` or ``sefa``, in the model itself.
        find_in_images_wanted(method, place): ``class`` or ``pca``; the place is ``file``,
            ``folder``, or a data set that was used before.
        apart_wanted(): all of them are to be orthogonal to those before them.
        save_wanted(), open_wanted(), clear_wanted(): of the whole list.
    """

    find_wanted = Signal(str)
    find_in_images_wanted = Signal(str, str)
    apart_wanted = Signal()
    save_wanted = Signal()
    open_wanted = Signal()
    clear_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.list = DirectionList(self)
        self._places: tuple[str, ...] = ()
        self._encodes = ""
        self.finder = QToolButton(self)
        self.finder.setText("Find")
        self.finder.setIcon(icon("search"))
        self.finder.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.finder.setFixedHeight(HEIGHT)
        self.finder.setToolTip("Find directions of this model")
        self.finder.setAccessibleName("Find directions")
        self.finder.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.menu = QMenu(self.finder)
        self.menu.setToolTipsVisible(True)
        self.menu.aboutToShow.connect(self._fill_menu)
        self.finder.setMenu(self.menu)
        self.note = ElidedLabel(parent=self)
        self.note.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self.apart = self._button(
            "layers", "Make each orthogonal to those before it", self.apart_wanted
        )
        self.open = self._button("open", "Open directions from a file…", self.open_wanted)
        self.save = self._button("save", "Save the directions in a file…", self.save_wanted)
        self.clear = self._button("trash", "Remove all directions", self.clear_wanted)
        bar = QHBoxLayout()
        bar.setContentsMargins(8, 6, 8, 0)
        bar.setSpacing(8)
        bar.addWidget(self.finder)
        bar.addWidget(self.note, 1)
        for button in (self.apart, self.open, self.save, self.clear):
            bar.addWidget(button)
        scroll = QScrollArea(self)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidgetResizable(True)
        scroll.setWidget(self.list)
        empty = QLabel(EMPTY, self)
        empty.setWordWrap(True)
        empty.setContentsMargins(8, 4, 8, 8)
        empty.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        empty.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self.stack = QStackedWidget(self)
        self.stack.addWidget(empty)
        self.stack.addWidget(scroll)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(bar)
        column.addWidget(self.stack, 1)
        self.set_directions(())

    def set_directions(self, named: Sequence[tuple[str, str]], note: str = "") -> None:
        """Show directions: name and hint of each, and a note about all of them."""
        self.list.set_directions(named)
        self.stack.setCurrentIndex(int(bool(named)))
        self.note.setText(note)
        for button in (self.save, self.clear):
            button.setEnabled(bool(named))
        self.apart.setEnabled(len(named) > 1)

    def set_ways(self, why_not_images: str, places: Sequence[str]) -> None:
        """Say why there are no directions in images (empty where there are), and offer data sets
        that were used before.
        """
        self._encodes, self._places = why_not_images, tuple(places)

    def set_busy(self, busy: bool) -> None:
        """Directions are being looked for, or no longer."""
        self.finder.setEnabled(not busy)
        self.finder.setText("Finding…" if busy else "Find")

    def _fill_menu(self) -> None:
        self.menu.clear()
        for method, (text, tip) in FINDS.items():
            action = self.menu.addAction(text)
            action.setToolTip(tip)
            action.triggered.connect(lambda _=False, m=method: self.find_wanted.emit(m))
        self.menu.addSeparator()
        for method, (text, tip) in FINDS_IN_IMAGES.items():
            part = self.menu.addMenu(text)
            part.menuAction().setToolTip(self._encodes or tip)
            part.setEnabled(not self._encodes)
            choices = [("From a Folder…", "folder"), ("From a File…", "file")]
            choices += [(place, place) for place in self._places]
            for label, place in choices:
                part.addAction(label).triggered.connect(
                    lambda _=False, m=method, p=place: self.find_in_images_wanted.emit(m, p)
                )

    def _button(self, name: str, tip: str, wish: SignalInstance) -> QToolButton:
        button = QToolButton(self)
        button.setIcon(icon(name))
        button.setToolTip(tip)
        button.setAccessibleName(tip.rstrip("…"))
        button.setFixedHeight(HEIGHT)
        button.clicked.connect(wish)
        return button
