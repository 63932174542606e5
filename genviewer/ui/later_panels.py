"""Panels that are made when they are first asked for, long after the first picture."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from genviewer.ui.directions import DirectionSliders
    from genviewer.ui.keyframes import Keyframes
    from genviewer.ui.main_window import MainWindow
    from genviewer.ui.mixing import Mixing


class LaterPanels:
    """What works the panels that are hidden at first. Each is made, and its code imported, once."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window

    @cached_property
    def keyframes(self) -> Keyframes:
        """Plays and edits the keyframes."""
        from genviewer.ui.keyframes import Keyframes
        from genviewer.ui.widgets.keyframe_panel import KeyframePanel

        window = self._window
        panel = KeyframePanel(window)
        panel.export_wanted.connect(window.exports.animation_dialog)
        return Keyframes(
            window.session,
            panel,
            window.tell,
            window.tell_with_undo,
            window.canvas.focus_pixels,
            window,
        )

    @cached_property
    def directions(self) -> DirectionSliders:
        """Directions as sliders."""
        from genviewer.ui.directions import DirectionSliders
        from genviewer.ui.widgets.direction_panel import DirectionPanel

        window, explorer = self._window, self._window.explorer
        return DirectionSliders(
            window.session,
            DirectionPanel(window),
            explorer.store,
            explorer.jobs,
            explorer.looks,
            window.user_files.directions,
            window.tell,
            window.tell_with_undo,
        )

    @cached_property
    def mixing(self) -> Mixing:
        """Mixes pins."""
        from genviewer.ui.mixing import Mixing
        from genviewer.ui.widgets.mix_panel import MixPanel

        window, explorer = self._window, self._window.explorer
        panel = MixPanel(window)
        return Mixing(window.session, panel, explorer.store, explorer.looks, window.tell)
