"""The bar above the canvas: which view, and the options of that view."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QRect, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QSizePolicy, QWidget

from genviewer.core.scene import VIEW_NAMES
from genviewer.ui import theme
from genviewer.ui.widgets.axis_options import AxisRow
from genviewer.ui.widgets.compare_options import CompareRow
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
    "axes": "What is chosen along rows and columns",
}


class ViewBar(QWidget):
    """Views side by side, and to their right the options of the one that is shown.

    Where the window is narrow, the options go below the views.

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
        self.compare = CompareRow(self)
        self.axes = AxisRow(self)
        self._rows: dict[str, OptionsRow] = {
            "grid": self.grid,
            "classes": self.classes,
            "traverse": self.traverse,
            "map": self.map,
            "compare": self.compare,
            "axes": self.axes,
        }
        self._shown: OptionsRow | None = None
        self._flow = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._flow.setContentsMargins(8, 5, 8, 6)
        self._flow.setSpacing(8)
        self._flow.setSizeConstraint(QBoxLayout.SizeConstraint.SetNoConstraint)  # it can wrap
        self._flow.addWidget(self.views, 0, Qt.AlignmentFlag.AlignLeft)
        self._flow.addStretch(1)
        for row in self._rows.values():
            row.hide()
            row.edited.connect(self.options_edited)
            self._flow.addWidget(row, 0, Qt.AlignmentFlag.AlignRight)
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
        wanted = "compare" if scene.comparing else scene.view
        for name, row in self._rows.items():
            if name != wanted:
                row.hide()  # before another is shown: two at once would widen the window
        self._shown = self._rows.get(wanted)
        if self._shown is not None:
            self._shown.set_options(getattr(scene.options, wanted), spec)
            self._shown.show()
        self._wrap()
        self.updateGeometry()

    def minimumSizeHint(self) -> QSize:
        """As wide as the wider of views and options, as they can be one below the other."""
        margins = self._flow.contentsMargins()
        widths = [self.views.minimumSizeHint().width()]
        if self._shown is not None:
            widths.append(self._shown.minimumSizeHint().width())
        width = max(widths) + margins.left() + margins.right()
        return QSize(width, self._flow.minimumSize().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._wrap()

    def _wrap(self) -> None:
        """Put the options beside the views, or below where both do not fit side by side."""
        needed = self.views.minimumSizeHint().width()
        if self._shown is not None:
            needed += self._shown.minimumSizeHint().width() + self._flow.spacing()
        margins = self._flow.contentsMargins()
        below = needed + margins.left() + margins.right() > self.width()
        direction = QBoxLayout.Direction
        wanted = direction.TopToBottom if below else direction.LeftToRight
        if wanted != self._flow.direction():
            self._flow.setDirection(wanted)
            side = Qt.AlignmentFlag.AlignLeft if below else Qt.AlignmentFlag.AlignRight
            for row in self._rows.values():
                self._flow.setAlignment(row, side)
            self.updateGeometry()

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
