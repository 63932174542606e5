"""The bar above the canvas: which view, and the options of that view."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QRect, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from genviewer.core.scene import VIEW_NAMES
from genviewer.ui import theme
from genviewer.ui.widgets.segments import Segments
from genviewer.ui.widgets.view_options import (
    ClassesRow,
    GridRow,
    MapRow,
    OptionsRow,
    TraverseRow,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from genviewer.core.scene import Scene
    from genviewer.core.spec import Spec

TIPS = {
    "focus": "One sample, large",
    "grid": "Neighbours of the current sample, or fresh ones",
    "classes": "The same latents in every class",
    "traverse": "What each dimension does",
    "map": "A plane through latent space",
}


class ViewBar(QWidget):
    """Views side by side, and to their right the options of the one that is shown.

    Signals:
        view_chosen(name): the user wants another view.
        options_edited(options, key): a new Options struct of the current view; the edits of one
            gesture have one key.
    """

    view_chosen = Signal(str)
    options_edited = Signal(object, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.views = Segments([(name, name.capitalize()) for name in VIEW_NAMES], "View", self)
        self.views.chosen.connect(self.view_chosen)
        self.grid = GridRow(self)
        self.classes = ClassesRow(self)
        self.traverse = TraverseRow(self)
        self.map = MapRow(self)
        self._rows: dict[str, OptionsRow] = {
            "grid": self.grid,
            "classes": self.classes,
            "traverse": self.traverse,
            "map": self.map,
        }
        layout = QHBoxLayout(self)
        layout.setContentsMargins(8, 5, 8, 6)
        layout.setSpacing(8)
        layout.addWidget(self.views)
        layout.addStretch(1)
        for row in self._rows.values():
            row.hide()
            row.edited.connect(self.options_edited)
            layout.addWidget(row)
        self.set_shortcuts({})
        self.setEnabled(False)

    def set_shortcuts(self, shortcuts: Mapping[str, str]) -> None:
        """Name the shortcut of each view in its tooltip."""
        for name in VIEW_NAMES:
            keys = shortcuts.get(name, "")
            self.views.set_tip(name, f"{TIPS[name]} ({keys})" if keys else TIPS[name])

    def set_scene(self, scene: Scene, spec: Spec) -> None:
        """Show the Scene's view and its options; views that the model has no use for are hidden."""
        self.setEnabled(True)
        self.views.set_available("classes", spec.class_condition is not None)
        self.views.set_available("map", spec.latent.dim > 1)
        self.views.set_current(scene.view)
        for name, row in self._rows.items():
            if name != scene.view:
                row.hide()  # before another is shown: two at once would widen the window
        shown = self._rows.get(scene.view)
        if shown is not None:
            shown.set_options(getattr(scene.options, scene.view), spec)
            shown.show()

    def paintEvent(self, event: QPaintEvent) -> None:
        colors = theme.colors()
        painter = QPainter(self)
        painter.fillRect(self.rect(), colors.panel)
        painter.fillRect(QRect(0, self.height() - 1, self.width(), 1), colors.line)
        painter.end()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.update()
