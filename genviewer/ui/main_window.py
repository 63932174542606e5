"""The window: it hands the Scene to the widgets and to the render thread, and what the widgets
want to the Session. It is the Session's only subscriber.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from PySide6.QtWidgets import QMainWindow, QStackedWidget, QVBoxLayout, QWidget

from genviewer.session import edits
from genviewer.ui.actions import build_actions
from genviewer.ui.commands import Commands
from genviewer.ui.data_set_commands import DataSetCommands
from genviewer.ui.docks import BOTTOM, LEFT, RIGHT, Docks
from genviewer.ui.export_commands import ExportCommands
from genviewer.ui.file_commands import FileCommands
from genviewer.ui.frame_view import FrameView
from genviewer.ui.latents_commands import LatentsCommands
from genviewer.ui.later_panels import LaterPanels
from genviewer.ui.model_list import ModelList
from genviewer.ui.pane_encoder import PaneEncoder
from genviewer.ui.pins import Pins, Shown
from genviewer.ui.scene_view import SceneView
from genviewer.ui.status_line import StatusLine
from genviewer.ui.synthesis import SynthesisControls
from genviewer.ui.training_commands import TrainingCommands
from genviewer.ui.widgets.canvas import Canvas
from genviewer.ui.widgets.compare_view import CompareView
from genviewer.ui.widgets.condition_panel import ConditionPanel
from genviewer.ui.widgets.filmstrip import Filmstrip
from genviewer.ui.widgets.latent_panel import LatentPanel
from genviewer.ui.widgets.model_browser import ModelBrowser
from genviewer.ui.widgets.notice import NoticeStack
from genviewer.ui.widgets.pin_shelf import PinShelf
from genviewer.ui.widgets.seed_panel import SeedPanel
from genviewer.ui.widgets.view_bar import ViewBar

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent

    from genviewer.core.condition import Condition
    from genviewer.core.recipe import Recipe
    from genviewer.core.views import ViewInputs
    from genviewer.session.paths import UserFiles
    from genviewer.session.preferences import Preferences
    from genviewer.session.recent import Recent
    from genviewer.ui.explorer import Explorer
    from genviewer.ui.models import Loaded

TITLE = "genviewer"
INSPECT_HEIGHT = TRAINING_HEIGHT = 300


class MainWindow(QMainWindow):
    """The explorer's window.

    Args:
        explorer: session, threads and models.
        preferences: the settings in force; ``values`` are read, changes come by
            :meth:`apply_preference`.
        files: where recent files and the layout are remembered.
    """

    def __init__(self, explorer: Explorer, preferences: Preferences, files: UserFiles) -> None:
        super().__init__()
        self.explorer = explorer
        self.session = explorer.session
        self.preferences = preferences
        self._window_file = files.window
        self.user_files = files
        self.setWindowTitle(TITLE)
        self.setAcceptDrops(True)
        self.resize(1280, 800)

        self.canvas = Canvas(self)
        self.view_bar = ViewBar(self)
        self.filmstrip = Filmstrip(self)
        self.latent_panel = LatentPanel(self)
        self.condition_panel = ConditionPanel(self)
        self.seed_panel = SeedPanel(self)
        self.browser = ModelBrowser(self)
        self.shelf = PinShelf(self)
        self.status = StatusLine(self)
        self.compare = CompareView(self)
        self.stage = QStackedWidget(self)
        self.notices = NoticeStack(self.stage)
        self._lay_out()

        self.files = FileCommands(
            self,
            self,
            self.session,
            explorer.store,
            explorer.jobs,
            explorer.looks,
            files.recent,
        )
        self.models = ModelList(self.browser, explorer.looks, explorer.store, self.tell)
        self.pins = Pins(self.session, self.shelf, self.tell_with_undo)
        self.synthesis = SynthesisControls(self.session, self.seed_panel.synthesis, self.tell)
        self.pane_encoder = PaneEncoder(self.session, explorer.store, explorer.looks, self.tell)
        self.exports = ExportCommands(self)
        self.latents = LatentsCommands(self)
        self.data_sets = DataSetCommands(self)
        self.trainings = TrainingCommands(self)
        self.commands = Commands(self)
        self.actions_by_id = build_actions(self, self.commands.handlers())
        self.docks.bind(self.actions_by_id)
        self.commands.build_menus()
        self.trainings.nothing_yet()
        self.scenes = SceneView(self)
        self.frames = FrameView(self)
        self._connect()
        if self.session.spec is not None:
            self.condition_panel.set_spec(self.session.spec)
        if not self.docks.restore(files.window):
            self.docks.arrange()
        self.commands.apply_preferences()
        self.scenes.show(self.session.scene)
        self.scenes.show_controls()
        self.pins.refresh()
        self.models.refresh(self.files.recent)
        self.canvas.set_hint("Opening the model…")

    def _lay_out(self) -> None:
        center = QWidget(self)
        column = QVBoxLayout(center)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.view_bar)
        self.stage.addWidget(self.canvas)
        self.stage.addWidget(self.compare)
        column.addWidget(self.stage, 1)
        column.addWidget(self.filmstrip)
        self.setCentralWidget(center)
        self.setStatusBar(self.status)
        for panel, width in ((self.seed_panel, 248), (self.latent_panel, 280)):
            panel.setMinimumWidth(width)
        self.docks = Docks(self)
        self.later = LaterPanels(self)
        self.docks.add("show_models", "Models", self.browser, LEFT, 270)
        self.docks.add("show_pins", "Pins", self.shelf, LEFT, 150)
        self.docks.add("show_seed", "Seed and walk", self.seed_panel, LEFT, 266)
        self.docks.add_later(
            "show_keyframes", "Keyframes", lambda: self.later.keyframes.panel, BOTTOM
        )
        self.docks.add_later("show_mix", "Mix pins", lambda: self.later.mixing.panel, BOTTOM)
        self.docks.add_later(
            "show_inspect", "Inspect", lambda: self.later.inspect.panel, BOTTOM, INSPECT_HEIGHT
        )
        self.docks.add_later(
            "show_directions", "Directions", lambda: self.later.directions.panel, BOTTOM, 200
        )
        self.docks.add_later(
            "show_training",
            "Training",
            lambda: self.later.training.panel,
            BOTTOM,
            TRAINING_HEIGHT,
        )
        self.docks.add_later(
            "show_timeline",
            "Timeline",
            lambda: self.later.timeline.panel,
            BOTTOM,
            TRAINING_HEIGHT,
        )
        self.docks.add("show_latent", "Latent", self.latent_panel, RIGHT, 300)
        self.docks.add("show_conditions", "Conditions", self.condition_panel, RIGHT, 164)

    def _connect(self) -> None:
        session, explorer = self.session, self.explorer
        session.changed.connect(self.scenes.follow)
        session.controls_changed.connect(self.scenes.show_controls)
        session.pins_changed.connect(explorer.keep_soon)
        session.track_changed.connect(lambda _: explorer.keep_soon())
        explorer.rendered.connect(self.frames.show)
        explorer.model_shown.connect(self.scenes.show_model)
        explorer.weights_changed.connect(self.scenes.show_engine)
        explorer.facts_changed.connect(self.scenes.show_facts)
        explorer.strip_drawn.connect(self.latent_panel.set_strip)
        explorer.told.connect(self.tell)
        explorer.work_changed.connect(self.status.set_work)
        explorer.walker.stepped.connect(self._latent_edited)
        explorer.walker.toggled.connect(self.commands.walk_toggled)

        latent = self.latent_panel
        latent.edited.connect(self._latent_edited)
        latent.locks_changed.connect(self._locks_changed)
        latent.strip_wanted.connect(self.want_strip)
        latent.order_chosen.connect(self._order_chosen)
        latent.axes_chosen.connect(self._axes_chosen)
        latent.step_changed.connect(lambda step: self._set_controls(step=step))
        self.condition_panel.edited.connect(self._condition_edited)

        seed = self.seed_panel
        seed.seed_chosen.connect(lambda number: edits.set_seed(session, number))
        seed.dice_wanted.connect(lambda: edits.roll(session))
        seed.truncation_edited.connect(lambda psi, key: edits.set_truncation(session, psi, key))
        seed.vary_wanted.connect(lambda strength: edits.vary_here(session, strength))
        seed.vary_strength_changed.connect(
            lambda strength: self._set_controls(vary_strength=strength)
        )
        seed.walk_toggled.connect(self.commands.walk)
        seed.walk_options_changed.connect(self.commands.walk_options_changed)

        self.view_bar.view_chosen.connect(
            lambda view: edits.set_view(session, view, self.view_inputs())
        )
        self.view_bar.options_edited.connect(
            lambda options, key: session.edit(session.scene.with_options(options), key)
        )
        canvas = self.canvas
        canvas.painted.connect(self._painted)
        canvas.cell_clicked.connect(self.frames.go_to_cell)
        canvas.context_menu_wanted.connect(self.frames.show_cell_menu)
        canvas.dragged_on_image.connect(self._image_dragged)
        canvas.map_panned.connect(lambda x, y, key: self._edit_map(key, center=(x, y)))
        canvas.map_zoomed.connect(
            lambda extent, x, y, key: self._edit_map(key, extent=extent, center=(x, y))
        )
        canvas.map_cursor_dragged.connect(self._map_cursor_dragged)
        canvas.view_aspect_changed.connect(self._aspect_changed)
        canvas.set_hover_text_source(self.frames.cell_text)

        compare = self.compare
        compare.focus_wanted.connect(session.focus_pane)
        compare.close_wanted.connect(session.close_pane)
        compare.link_toggled.connect(session.link_pane)
        compare.pictures.painted.connect(self._painted)
        compare.pictures.dragged_on_image.connect(self._image_dragged)
        compare.pictures.divider_moved.connect(self._divider_moved)

        self.filmstrip.chosen.connect(self._shown_chosen)
        self.filmstrip.pin_wanted.connect(self.pins.add_shown)
        self.shelf.keyframe_wanted.connect(self._pin_as_keyframe)
        self.shelf.copy_wanted.connect(self.commands.copy_pin)
        self.shelf.save_wanted.connect(self.commands.save_pin)
        self.browser.chosen.connect(lambda path: self.files.open_model(Path(path)))
        self.browser.compare_wanted.connect(lambda path: self.files.compare_with(Path(path)))
        self.browser.card_wanted.connect(lambda path: self.models.show_card(path, self))
        self.browser.removed.connect(self.files.forget_model)
        self.browser.open_wanted.connect(self.files.open_model_dialog)
        self.status.cancel_wanted.connect(self.commands.cancel_work)
        self.status.refresh_wanted.connect(self._refresh_figures)

    def _painted(self) -> None:
        self.explorer.latency.painted()
        self.scenes.painted()

    def _refresh_figures(self) -> None:
        latency = self.explorer.latency
        dropped = self.explorer.renderer.counters.dropped
        self.status.set_figures(latency.milliseconds, latency.frames_per_second, dropped)
        if latency.frames_per_second:
            self.status.touch()

    def show_title(self) -> None:
        """Name the project and the model in the title bar."""
        project = self.files.project
        names = [project.stem] if project is not None else []
        self.setWindowTitle(" – ".join([*names, self.session.scene.model.name, TITLE]))

    # the widgets to the Session

    def _latent_edited(self, values: NDArray[np.float32], key: str) -> None:
        edits.set_latent(self.session, values, key)

    def _condition_edited(self, condition: Condition, key: str) -> None:
        edits.set_condition(self.session, condition, key)

    def _locks_changed(self, mask: NDArray[np.bool_]) -> None:
        self._set_controls(locks=tuple(int(d) for d in np.flatnonzero(mask)))

    def _set_controls(self, **values: object) -> None:
        controls = msgspec.structs.replace(self.session.controls, **values)
        self.session.set_controls(controls)

    def _order_chosen(self, order: str) -> None:
        self._set_controls(order=order)
        if order == "kl":
            self.explorer.analysis.measure_kl(lambda text: self.tell(text, "error"))
        self.scenes.show_order(self.explorer.analysis.facts)

    def _axes_chosen(self, axes: tuple[int, int] | None) -> None:
        self._set_controls(pad=axes)
        self.scenes.show_plane()

    def want_strip(self, dim: int) -> None:
        """Have what a dimension does drawn."""
        scene = self.session.scene
        self.explorer.analysis.want_strip(scene.model, scene.recipe, dim)

    def _image_dragged(self, across: float, up: float, fine: bool, key: str) -> None:
        if self.scenes.plane is not None:
            scale = 0.1 if fine else 1.0
            u, v = self.scenes.plane
            edits.drag_in_plane(self.session, u, v, scale * across, scale * up, key)

    def _pin_as_keyframe(self, number: int) -> None:
        pin = self.session.pin(number)
        if pin is not None:
            self.docks.show("show_keyframes", True)
            self.later.keyframes.add_thumbnail(pin.pane, pin.thumbnail)

    def _divider_moved(self, at: float, key: str) -> None:
        scene = self.session.scene
        options = msgspec.structs.replace(scene.options.compare, divider=at)
        self.session.edit(scene.with_options(options), key)

    def _edit_map(self, key: str, **changes: object) -> None:
        scene = self.session.scene
        options = msgspec.structs.replace(scene.options.map, **changes)
        self.session.edit(scene.with_options(options), key)

    def _map_cursor_dragged(self, x: float, y: float, key: str) -> None:
        edits.move_on_map(self.session, self.view_inputs(), x, y, key)

    def _aspect_changed(self, aspect: float) -> None:
        self.explorer.view_aspect = aspect
        self.explorer.draw(self.session.scene)

    def _shown_chosen(self, shown: Shown) -> None:
        edits.go_to(self.session, shown.model, shown.recipe)

    # what files, commands and pins ask of the window

    def show_loaded(self, loaded: Loaded, recipe: Recipe | None = None) -> None:
        """Explore a model that has been opened."""
        self.explorer.show_loaded(loaded, recipe)

    def compare_loaded(self, loaded: Loaded) -> None:
        """Hold a model that has been opened against the current sample."""
        self.explorer.add_pane(loaded)

    def view_inputs(self) -> ViewInputs:
        """What the views need that the Scene does not hold."""
        return self.explorer.view_inputs()

    def tell(self, text: str, severity: str = "info") -> None:
        """Say something in a notice that goes away by itself if it is only information."""
        self.notices.show_notice(text, severity)

    def tell_with_undo(self, text: str, undo: Callable[[], object] | None) -> None:
        """The same with a button that takes it back."""
        self.notices.show_notice(text, "info", ("Undo", undo) if undo else None)

    def offer(self, text: str, label: str, do: Callable[[], object]) -> None:
        """The same with a button that does something more."""
        self.notices.show_notice(text, "info", (label, do))

    def latents_dropped(self, path: Path) -> None:
        """A file of latents is to become pins."""
        self.docks.show("show_pins", True)
        self.latents.read(path)

    def data_dropped(self, path: Path) -> None:
        """Images are there that could be trained on."""
        self.trainings.survey(str(path))

    def run_dropped(self, path: Path) -> None:
        """The folder of a training is to be shown."""
        self.trainings.open_run(path)

    def model_kept(self, loaded: Loaded) -> None:
        """What a training learned is a model now."""
        self.files.remember(loaded)

    def opening_failed(self, text: str) -> None:
        """What was to be opened could not be; if nothing is explored yet, begin as usual."""
        self.tell(text, "error")
        self.nothing_opened()

    def nothing_opened(self) -> None:
        """What was to be opened is not wanted after all; as above."""
        self.explorer.ensure_model()

    def project_changed(self, path: Path | None) -> None:
        """The project has another file."""
        self.show_title()
        self.commands.refresh_recent()

    def recent_changed(self, recent: Recent) -> None:
        """Other models or projects were opened lately."""
        self.commands.refresh_recent()
        self.models.refresh(recent)

    def is_settled(self) -> bool:
        """Whether the canvas shows the newest Scene, whole."""
        scene = self.session.scene
        loaded = self.explorer.store.loaded(scene.model.id)
        shown = self.canvas.focus_pixels() is not None
        return loaded is not None and shown and self.explorer.renderer.idle

    # Qt events

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        files = [Path(u.toLocalFile()) for u in event.mimeData().urls() if u.isLocalFile()]
        if files:
            event.acceptProposedAction()
            self.files.open_path(files[0])

    def closeEvent(self, event: QCloseEvent) -> None:
        if not self.trainings.may_close():
            event.ignore()
            return
        self.docks.save(self._window_file)
        self.hide()  # threads may take a moment to end
        try:
            self.explorer.close()
        except OSError as error:
            self.tell(f"The session cannot be kept: {error.strerror}.", "error")
        super().closeEvent(event)
