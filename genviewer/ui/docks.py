"""The panels around the canvas: made once, remembered between starts."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from PySide6.QtCore import QSettings, Qt
from PySide6.QtWidgets import QDockWidget, QMainWindow, QVBoxLayout, QWidget

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from PySide6.QtCore import QByteArray
    from PySide6.QtGui import QAction

LEFT = Qt.DockWidgetArea.LeftDockWidgetArea
RIGHT = Qt.DockWidgetArea.RightDockWidgetArea
BOTTOM = Qt.DockWidgetArea.BottomDockWidgetArea
LAYOUT_VERSION = 1
LEFT_WIDTH = 264
RIGHT_WIDTH = 312
LATER_HEIGHT = 150
CHROME = 160  # menu bar, status line and titles


class Docks:
    """The dock widgets of a window, by the id of the action that shows or hides each."""

    def __init__(self, window: QMainWindow) -> None:
        self._window = window
        self._docks: dict[str, QDockWidget] = {}
        self._heights: dict[str, int] = {}
        self._areas: dict[str, Qt.DockWidgetArea] = {}
        self._actions: dict[str, QAction] = {}
        self._hidden: list[str] = []
        self._sizes: QByteArray | None = None
        window.setDockNestingEnabled(True)
        window.setCorner(Qt.Corner.BottomLeftCorner, LEFT)
        window.setCorner(Qt.Corner.BottomRightCorner, RIGHT)

    def add(
        self, name: str, title: str, widget: QWidget, area: Qt.DockWidgetArea, height: int
    ) -> None:
        """Add a panel below the others of its side; the topmost gets the height that is left.

        Those at the bottom lie behind one another and are hidden until they are wanted.
        """
        self._heights[name], self._areas[name] = height, area
        dock = QDockWidget(title, self._window)
        dock.setObjectName(name)
        dock.setWidget(widget)
        dock.setFeatures(
            QDockWidget.DockWidgetFeature.DockWidgetMovable
            | QDockWidget.DockWidgetFeature.DockWidgetFloatable
            | QDockWidget.DockWidgetFeature.DockWidgetClosable
        )
        self._window.addDockWidget(area, dock)
        self._docks[name] = dock
        if area == BOTTOM:
            self._stack()

    def add_later(
        self,
        name: str,
        title: str,
        build: Callable[[], QWidget],
        area: Qt.DockWidgetArea,
        height: int = LATER_HEIGHT,
    ) -> None:
        """Add a panel that is made when it is first seen, long after the first picture.

        It is given ``height`` then, where the window has it and the panel less.
        """
        place = QWidget(self._window)
        layout = QVBoxLayout(place)
        layout.setContentsMargins(0, 0, 0, 0)
        self.add(name, title, place, area, height)

        def fill(visible: bool) -> None:
            if visible and not layout.count():
                layout.addWidget(build())
                dock = self._docks[name]
                if not dock.isFloating() and dock.height() < height:
                    self._window.resizeDocks([dock], [height], Qt.Orientation.Vertical)

        self._docks[name].visibilityChanged.connect(fill)

    def _stack(self) -> None:
        lower = [self._docks[n] for n, area in self._areas.items() if area == BOTTOM]
        for before, after in pairwise(lower):
            self._window.tabifyDockWidget(before, after)
        for dock in lower:
            dock.hide()

    def bind(self, actions: dict[str, QAction]) -> None:
        """Let the action of the same id follow a panel's visibility."""
        self._actions = actions
        for name, dock in self._docks.items():
            action = actions[name]
            action.setChecked(self._areas[name] != BOTTOM)
            dock.visibilityChanged.connect(
                lambda visible, a=action, d=dock: a.setChecked(visible or not d.isHidden())
            )

    def show(self, name: str, visible: bool) -> None:
        """Show or hide one panel."""
        dock = self._docks[name]
        dock.setVisible(visible)
        if visible:
            dock.raise_()

    def toggle(self, name: str, visible: bool) -> None:
        """Show or hide a panel by its action; one that lies behind others comes to the front."""
        dock = self._docks[name]
        behind = not visible and not dock.isHidden() and dock.visibleRegion().isEmpty()
        self.show(name, visible or behind)
        if behind:
            self._actions[name].setChecked(True)

    def show_only_canvas(self, alone: bool) -> None:
        """Hide every panel, or bring back those that were hidden so."""
        if alone:
            self._sizes = self._window.saveState(LAYOUT_VERSION)
            self._hidden = [name for name, dock in self._docks.items() if not dock.isHidden()]
            for name in self._hidden:
                self._docks[name].hide()
        else:
            for name in self._hidden:
                self._docks[name].show()
            if self._hidden and self._sizes is not None:  # or the heights are shared out anew
                self._window.restoreState(self._sizes, LAYOUT_VERSION)
            self._hidden, self._sizes = [], None

    def arrange(self) -> None:
        """The layout of the first start."""
        left = [n for n, area in self._areas.items() if area == LEFT]
        right = [n for n, area in self._areas.items() if area == RIGHT]
        for area, names in ((LEFT, left), (RIGHT, right)):
            for name in names:
                dock = self._docks[name]
                dock.setFloating(False)
                self._window.addDockWidget(area, dock)
                dock.show()
        for name in (n for n, area in self._areas.items() if area == BOTTOM):
            self._docks[name].setFloating(False)
            self._window.addDockWidget(BOTTOM, self._docks[name])
        self._stack()
        horizontal, vertical = Qt.Orientation.Horizontal, Qt.Orientation.Vertical
        docks = self._docks
        self._window.resizeDocks(
            [docks[left[0]], docks[right[0]]], [LEFT_WIDTH, RIGHT_WIDTH], horizontal
        )
        for names in (left, right):
            heights = [self._heights[n] for n in names]
            heights[0] = max(heights[0], self._window.height() - sum(heights[1:]) - CHROME)
            self._window.resizeDocks([docks[n] for n in names], heights, vertical)
        self._hidden, self._sizes = [], None

    def restore(self, file: Path) -> bool:
        """Bring back sizes and places; False where there are none or they do not fit."""
        settings = QSettings(str(file), QSettings.Format.IniFormat)
        geometry, state = settings.value("geometry"), settings.value("state")
        if geometry is None or state is None:
            return False
        return self._window.restoreGeometry(geometry) and self._window.restoreState(
            state, LAYOUT_VERSION
        )

    def save(self, file: Path) -> None:
        """Remember sizes and places; panels that only the canvas hides will be back."""
        file.parent.mkdir(parents=True, exist_ok=True)
        settings = QSettings(str(file), QSettings.Format.IniFormat)
        settings.setValue("geometry", self._window.saveGeometry())
        state = self._sizes
        settings.setValue("state", state or self._window.saveState(LAYOUT_VERSION))
        settings.sync()
