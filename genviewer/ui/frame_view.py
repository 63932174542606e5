"""Frames to the canvas, and what a cell of the canvas stands for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QMenu

from genviewer.core.frame import Failure, Frame
from genviewer.session import edits
from genviewer.ui.pins import Shown

if TYPE_CHECKING:
    from PySide6.QtCore import QPoint

    from genviewer.core.sheet import Sheet
    from genviewer.engine.rendered import Rendered
    from genviewer.ui.main_window import MainWindow


class FrameView(QObject):  # so that Qt's signals end with the window
    """Shows what the render thread draws. Belongs to the GUI thread.

    Attributes:
        sheet: the Sheet on the canvas; None before the first.
        newest: the newest Frame of the current sample.
    """

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window, self._session = window, window.session
        self.sheet: Sheet | None = None
        self.newest: Frame | None = None
        self._serial = -1

    def show(self, rendered: Rendered) -> None:
        """Show what the render thread has drawn."""
        update, focus = rendered.sheet, rendered.focus
        for text in rendered.notices:
            self._window.tell(text, "warning")
        if update is not None:
            if update.serial != self._serial:
                self._begin_sheet(update.sheet)
                self._serial = update.serial
            for chunk in update.chunks:
                self._window.canvas.show_tiles(chunk.cells, chunk.pixels)
            if update.failure is not None and focus is None:
                self._window.canvas.show_failure(update.failure.message)
        if isinstance(focus, Frame):
            self._window.explorer.latency.frame_arrived(rendered.stamps)
            self.newest = focus
            self._window.pane_encoder.follow(focus)
            self._window.canvas.show_focus(focus.pixels)
            self.show_in_pane(self._session.scene.focus, focus)
            self._show_in_sheet(focus)
            shown = Shown(focus.model, focus.recipe, focus.weights or focus.model)
            self._window.filmstrip.push(focus.pixels, shown)
        elif isinstance(focus, Failure):
            self._window.canvas.show_failure(focus.message)
            self.show_in_pane(self._session.scene.focus, focus)
        for index, result in rendered.panes.items():
            self.show_in_pane(index, result)
        self._window.status.touch()

    def show_in_pane(self, index: int, result: Frame | Failure) -> None:
        """Show a pane's sample, unless the pane has another model by now."""
        panes, pictures = self._session.scene.panes, self._window.compare.pictures
        if index >= len(panes) or panes[index].model.id != result.model.id:
            return
        if isinstance(result, Frame):
            pictures.show_pixels(index, result.pixels)
        else:
            pictures.show_failure(index, result.message)

    def _show_in_sheet(self, focus: Frame) -> None:
        """Let the current sample's cell follow at once, ahead of the sheet around it.

        Not if the class has changed: the sheet that is shown may have that class elsewhere.
        """
        sheet = self.sheet
        if sheet is None or sheet.focus_cell is None or self._session.scene.view == "focus":
            return
        found = sheet.cell(sheet.focus_cell)
        if found is None or found[0].id != focus.model.id:
            return
        if found[1].condition == focus.recipe.condition:
            self._window.canvas.show_tiles(np.array([sheet.focus_cell]), focus.pixels[None])

    def _begin_sheet(self, sheet: Sheet) -> None:
        self.sheet = sheet
        spec = self._session.specs.get(sheet.packs[0].model.id) if sheet.packs else None
        if spec is not None:
            image = spec.image
            self._window.canvas.begin_sheet(sheet, image.height, image.width, image.channels)

    def go_to_cell(self, cell: int) -> None:
        """Explore the sample in a cell."""
        found = self.sheet.cell(cell) if self.sheet is not None else None
        if found is not None:
            edits.go_to(self._session, *found)

    def cell_text(self, cell: int) -> str:
        """What is said of a cell when the mouse is over it."""
        found = self.sheet.cell(cell) if self.sheet is not None else None
        if found is None or self.sheet is None:
            return ""
        model, recipe = found
        return edits.describe(recipe, self._session.specs.get(model.id), self.sheet.label(cell))

    def show_cell_menu(self, cell: int, where: QPoint) -> None:
        """The menu of a cell, or of the current sample where there is none."""
        scene = self._session.scene
        found = self.sheet.cell(cell) if self.sheet is not None and cell >= 0 else None
        pane = found or (scene.model, scene.recipe)
        pixels = (
            self._window.canvas.cell_pixels(cell) if found else self._window.canvas.focus_pixels()
        )
        if pixels is None:
            return
        menu = QMenu(self._window)
        self._window.commands.fill_sample_menu(menu, pane, pixels, is_current=found is None)
        menu.exec(where)
        menu.deleteLater()
