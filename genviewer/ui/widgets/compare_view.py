"""Two to four panes: their headers, and their samples together."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from genviewer.core.scene import MAX_PANES
from genviewer.ui.widgets.pane_header import PaneHeader
from genviewer.ui.widgets.pane_pictures import PanePictures

if TYPE_CHECKING:
    from genviewer.core.scene import Scene


class CompareView(QWidget):
    """What the canvas shows where a Scene has several panes. GUI thread only.

    Signals:
        focus_wanted(int), close_wanted(int): of a pane.
        link_toggled(int, bool): a pane is to move with the others, or by itself.
    """

    focus_wanted = Signal(int)
    close_wanted = Signal(int)
    link_toggled = Signal(int, bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._scene: Scene | None = None
        self._notes: dict[str, str] = {}
        self.headers = [PaneHeader(index, self) for index in range(MAX_PANES)]
        self.pictures = PanePictures(self)
        self.pictures.focus_wanted.connect(self.focus_wanted)
        line = QHBoxLayout()
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(1)
        for index, header in enumerate(self.headers):
            header.pressed.connect(partial(self.focus_wanted.emit, index))
            header.close_wanted.connect(partial(self.close_wanted.emit, index))
            header.link_toggled.connect(partial(self.link_toggled.emit, index))
            line.addWidget(header, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(line)
        column.addWidget(self.pictures, 1)
        self.setFocusProxy(self.pictures)

    def set_scene(self, scene: Scene) -> None:
        """Show the Scene's panes; their samples come by ``pictures.show_pixels``."""
        self._scene = scene
        focus = min(scene.focus, len(scene.panes) - 1)
        for index, header in enumerate(self.headers):
            header.setVisible(index < len(scene.panes))
            if index < len(scene.panes):
                pane = scene.panes[index]
                note = self._notes.get(pane.model.id)
                name = f"{pane.model.name} · {note}" if note else pane.model.name
                header.show_pane(name, linked=pane.linked, focused=index == focus)
        self.pictures.set_panes(len(scene.panes), focus, scene.options.compare)

    def set_notes(self, notes: dict[str, str]) -> None:
        """Say more than their names about models, by model id, such as a step of a training."""
        if notes != self._notes:
            self._notes = dict(notes)
            if self._scene is not None:
                self.set_scene(self._scene)
