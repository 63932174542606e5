"""Panels that are made when they are first asked for, long after the first picture."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from genviewer.ui.data_sources import DataSources
    from genviewer.ui.data_view import DataView
    from genviewer.ui.directions import DirectionSliders
    from genviewer.ui.inspect import Inspect
    from genviewer.ui.keyframes import Keyframes
    from genviewer.ui.main_window import MainWindow
    from genviewer.ui.mixing import Mixing
    from genviewer.ui.timeline import Timeline
    from genviewer.ui.timeline_film import TimelineFilm
    from genviewer.ui.training import Training
    from genviewer.ui.training_setup import TrainingSetup


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
        directions = DirectionSliders(
            window.session,
            DirectionPanel(window),
            explorer.store,
            explorer.jobs,
            explorer.looks,
            window.user_files.directions,
            window.tell,
            window.tell_with_undo,
        )
        # A panel that is there from the start is there before the model.
        explorer.model_shown.connect(lambda _: directions.follow(window.session.scene))
        return directions

    @cached_property
    def data_sources(self) -> DataSources:
        """The data sets that are offered wherever one is chosen."""
        from genviewer.ui.data_sources import DataSources

        files = self._window.files
        return DataSources(lambda: files.recent.data, files.remember_data)

    @cached_property
    def data_view(self) -> DataView:
        """Looks at whole data sets; images of them go to the Inspect panel."""
        from genviewer.ui.data_view import DataView

        window, explorer = self._window, self._window.explorer
        view = DataView(
            window.session,
            explorer.store,
            explorer.data,
            explorer.bridge,
            lambda: window.frames.newest,
            window.tell,
            self.data_sources,
            window,
        )
        explorer.model_shown.connect(lambda _: view.follow())
        explorer.rendered.connect(view.take_rendered)
        view.image_chosen.connect(self.inspect_image)
        view.rejected.connect(lambda share: self.inspect.set_rejected(share))
        return view

    @cached_property
    def inspect(self) -> Inspect:
        """Asks the model about an image."""
        from genviewer.ui.inspect import Inspect
        from genviewer.ui.widgets.inspect_panel import InspectPanel

        window = self._window
        panel = InspectPanel(window)
        panel.data_view_wanted.connect(lambda: self.data_view.show())
        return Inspect(
            window.explorer,
            panel,
            window.user_files.references,
            self.data_sources,
            window.tell,
            window.latent_panel.set_posterior,
            window.canvas.focus_pixels,
        )

    def inspect_image(self, pixels: NDArray[np.uint8], name: str) -> None:
        """Show the Inspect panel with an image uint8 (H, W, C)."""
        self._window.docks.show("show_inspect", True)
        self.inspect.show_image(pixels, name)

    @cached_property
    def training(self) -> Training:
        """Runs a training."""
        from genviewer.ui.training import Training
        from genviewer.ui.training_curves import TrainingCurves
        from genviewer.ui.training_notes import TrainingNotes
        from genviewer.ui.training_watch import TrainingWatch
        from genviewer.ui.widgets.curves import Curves
        from genviewer.ui.widgets.training_panel import TrainingPanel

        window = self._window
        setup = self.training_setup
        panel = TrainingPanel(setup.data, setup.how, window)
        training = Training(window.explorer, panel, window.user_files, window, window)
        curves = Curves(panel)
        panel.run.set_curves(curves)
        TrainingCurves(training, curves, window.explorer.looks, window.tell, training)
        TrainingWatch(training, window.explorer.looks, training)
        TrainingNotes(training, window.compare.set_notes, training)
        setup.drive(training)
        panel.run.keep_wanted.connect(window.trainings.keep_dialog)
        panel.run.timeline_wanted.connect(lambda: window.docks.show("show_timeline", True))
        training.stood.connect(window.trainings.standing_changed)
        window.explorer.closing.connect(training.close)
        return training

    @cached_property
    def timeline(self) -> Timeline:
        """Looks at the steps of the training."""
        from genviewer.ui.timeline import Timeline
        from genviewer.ui.widgets.timeline_panel import TimelinePanel

        window = self._window
        panel = TimelinePanel(window)
        panel.export_wanted.connect(lambda: self.timeline_film.ask())
        looks = window.explorer.looks
        return Timeline(window.session, panel, self.training, looks, window.tell, window)

    @cached_property
    def timeline_film(self) -> TimelineFilm:
        """Saves the current sample over the steps of the training."""
        from genviewer.ui.timeline_film import TimelineFilm

        return TimelineFilm(self._window, self.timeline)

    @cached_property
    def training_setup(self) -> TrainingSetup:
        """What the next training is to be."""
        from genviewer.ui.training_setup import TrainingSetup

        window = self._window
        setup = TrainingSetup(window.explorer, window.trainings, window.tell, window)
        setup.surveyed.connect(self.data_sources.remember)
        return setup

    @cached_property
    def mixing(self) -> Mixing:
        """Mixes pins."""
        from genviewer.ui.mixing import Mixing
        from genviewer.ui.widgets.mix_panel import MixPanel

        window, explorer = self._window, self._window.explorer
        panel = MixPanel(window)
        return Mixing(window.session, panel, explorer.store, explorer.looks, window.tell)
