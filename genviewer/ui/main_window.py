"""The window: it hands the Scene to the widgets and to the render thread, and what the widgets
want to the Session. It is the Session's only subscriber.
"""

from __future__ import annotations

import time
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QMainWindow, QMenu, QStackedWidget, QVBoxLayout, QWidget

from genviewer.core.frame import Failure, Frame
from genviewer.core.views import ViewInputs, plane_axes
from genviewer.session import edits
from genviewer.ui.actions import build_actions
from genviewer.ui.commands import Commands
from genviewer.ui.data_set_commands import DataSetCommands
from genviewer.ui.docks import BOTTOM, LEFT, RIGHT, Docks
from genviewer.ui.export_commands import ExportCommands
from genviewer.ui.file_commands import FileCommands
from genviewer.ui.latents_commands import LatentsCommands
from genviewer.ui.model_list import ModelList
from genviewer.ui.pane_encoder import PaneEncoder
from genviewer.ui.pins import Pins
from genviewer.ui.status_line import StatusLine
from genviewer.ui.synthesis import SynthesisControls
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
    from PySide6.QtCore import QPoint
    from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent

    from genviewer.core.condition import Condition
    from genviewer.core.recipe import ModelRef, Recipe
    from genviewer.core.scene import Scene
    from genviewer.core.sheet import Sheet
    from genviewer.core.spec import Spec
    from genviewer.engine.rendered import Rendered
    from genviewer.session.paths import UserFiles
    from genviewer.session.preferences import Preferences
    from genviewer.session.recent import Recent
    from genviewer.ui.analysis import Facts
    from genviewer.ui.explorer import Explorer
    from genviewer.ui.keyframes import Keyframes
    from genviewer.ui.mixing import Mixing
    from genviewer.ui.models import Loaded
    from genviewer.ui.widgets.keyframe_panel import KeyframePanel
    from genviewer.ui.widgets.mix_panel import MixPanel

TITLE = "genviewer"
FOLLOW_MS = 40
"""The panels wait at most this long for the picture that they belong to."""


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
        self.commands = Commands(self)
        self.actions_by_id = build_actions(self, self.commands.handlers())
        self.docks.bind(self.actions_by_id)
        self.commands.build_menus()
        self._sheet: Sheet | None = None
        self._serial = -1
        self._frame: Frame | None = None
        self._shown: tuple[Spec | None, Scene] | None = None
        self._late = QTimer(self)
        self._late.setSingleShot(True)
        self._late.timeout.connect(lambda: self._show_scene(self.session.scene))
        self._plane: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None
        self._connect()
        if self.session.spec is not None:
            self.condition_panel.set_spec(self.session.spec)
        if not self.docks.restore(files.window):
            self.docks.arrange()
        self.commands.apply_preferences()
        self._show_scene(self.session.scene)
        self._show_controls()
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
        self.docks.add("show_models", "Models", self.browser, LEFT, 270)
        self.docks.add("show_pins", "Pins", self.shelf, LEFT, 150)
        self.docks.add("show_seed", "Seed and walk", self.seed_panel, LEFT, 266)
        self.docks.add_later("show_keyframes", "Keyframes", self._built_keyframes, BOTTOM)
        self.docks.add_later("show_mix", "Mix pins", self._built_mixing, BOTTOM)
        self.docks.add("show_latent", "Latent", self.latent_panel, RIGHT, 300)
        self.docks.add("show_conditions", "Conditions", self.condition_panel, RIGHT, 164)

    # panels that are made when they are first asked for

    @cached_property
    def keyframes(self) -> Keyframes:
        """Plays and edits the keyframes."""
        from genviewer.ui.keyframes import Keyframes

        return Keyframes(
            self.session,
            self.keyframe_panel,
            self.tell,
            self.tell_with_undo,
            self.canvas.focus_pixels,
            self,
        )

    @cached_property
    def keyframe_panel(self) -> KeyframePanel:
        """The panel of the keyframes."""
        from genviewer.ui.widgets.keyframe_panel import KeyframePanel

        panel = KeyframePanel(self)
        panel.export_wanted.connect(self.exports.animation_dialog)
        return panel

    @cached_property
    def mixing(self) -> Mixing:
        """Mixes pins."""
        from genviewer.ui.mixing import Mixing

        explorer = self.explorer
        return Mixing(self.session, self.mix_panel, explorer.store, explorer.looks, self.tell)

    @cached_property
    def mix_panel(self) -> MixPanel:
        """The panel of the mixtures."""
        from genviewer.ui.widgets.mix_panel import MixPanel

        return MixPanel(self)

    def _built_keyframes(self) -> QWidget:
        return self.keyframes.panel

    def _built_mixing(self) -> QWidget:
        return self.mixing.panel

    def _connect(self) -> None:
        session, explorer = self.session, self.explorer
        session.changed.connect(self._scene_changed)
        session.controls_changed.connect(self._show_controls)
        session.pins_changed.connect(explorer.keep_soon)
        session.track_changed.connect(lambda _: explorer.keep_soon())
        explorer.rendered.connect(self._show_rendered)
        explorer.model_shown.connect(self._show_model)
        explorer.facts_changed.connect(self._show_facts)
        explorer.strip_drawn.connect(self.latent_panel.set_strip)
        explorer.told.connect(self.tell)
        explorer.work_changed.connect(self.status.set_work)
        explorer.walker.stepped.connect(self._latent_edited)
        explorer.walker.toggled.connect(self.commands.walk_toggled)

        latent = self.latent_panel
        latent.edited.connect(self._latent_edited)
        latent.locks_changed.connect(self._locks_changed)
        latent.strip_wanted.connect(self._strip_wanted)
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
        canvas.cell_clicked.connect(self._cell_clicked)
        canvas.context_menu_wanted.connect(self._show_cell_menu)
        canvas.dragged_on_image.connect(self._image_dragged)
        canvas.map_panned.connect(lambda x, y, key: self._edit_map(key, center=(x, y)))
        canvas.map_zoomed.connect(
            lambda extent, x, y, key: self._edit_map(key, extent=extent, center=(x, y))
        )
        canvas.map_cursor_dragged.connect(self._map_cursor_dragged)
        canvas.view_aspect_changed.connect(self._aspect_changed)
        canvas.set_hover_text_source(self._cell_text)

        compare = self.compare
        compare.focus_wanted.connect(session.focus_pane)
        compare.close_wanted.connect(session.close_pane)
        compare.link_toggled.connect(session.link_pane)
        compare.pictures.painted.connect(self._painted)
        compare.pictures.dragged_on_image.connect(self._image_dragged)
        compare.pictures.divider_moved.connect(self._divider_moved)

        self.filmstrip.chosen.connect(self._pane_chosen)
        self.filmstrip.pin_wanted.connect(self.pins.add)
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

    # the Scene to the widgets

    def _scene_changed(self, scene: Scene) -> None:
        self.explorer.draw(scene, time.perf_counter())
        if scene.recipe.latent.space == "z":
            self.explorer.walker.follow(scene.recipe.latent.array)
        else:
            self.explorer.walker.stop()
        shown = self._shown[1] if self._shown is not None else None
        same_view = shown is not None and (
            (shown.view, shown.options, shown.model, shown.focus, len(shown.panes))
            == (scene.view, scene.options, scene.model, scene.focus, len(scene.panes))
        )
        if same_view and self.stage.isVisible():
            # The picture comes first; the other widgets follow when it is on the screen.
            self._late.start(FOLLOW_MS)
        else:
            self._show_scene(scene)
        self.explorer.keep_soon()

    def _show_scene(self, scene: Scene) -> None:
        """Tell every widget what is new to it; in a drag that is next to nothing."""
        self._late.stop()
        self.commands.history_changed()
        spec = self.session.spec
        before, self._shown = self._shown, (spec, scene)
        if spec is None:
            return
        recipe, old = scene.recipe, before[1] if before and before[0] is spec else None
        if old is None or old.recipe.latent is not recipe.latent:
            self.latent_panel.set_latent(recipe.latent.array, spec.latent)
        if old is None:
            # Another latent space opens the panel's locks, so the session's are said again.
            self.latent_panel.set_locks(edits.lock_mask(self.session, spec.latent.dim))
        if old is None or old.recipe.condition != recipe.condition:
            self.condition_panel.set_condition(recipe.condition)
            self._strip_wanted(self.latent_panel.sliders.shown_dim)
        if old is None or old.recipe.truncation != recipe.truncation:
            self.seed_panel.set_truncation(recipe.truncation, spec.truncation)
        if old is None or old.recipe != recipe:
            self.synthesis.show(spec, recipe)
        if before is not None and old is None and before[1].model == scene.model:
            self._show_order(self.explorer.analysis.facts)  # of the space that it is in now
            self._show_plane()
        links = tuple(pane.linked for pane in scene.panes)
        if old is None or (old.view, old.options, tuple(p.linked for p in old.panes)) != (
            scene.view,
            scene.options,
            links,
        ):
            self.commands.scene_changed(scene)
            self.view_bar.set_scene(scene, spec)
            self.canvas.set_view(scene.view)
        self._show_panes(scene)

    def _show_panes(self, scene: Scene) -> None:
        wanted: QWidget = self.compare if scene.comparing else self.canvas
        if scene.comparing:
            self.compare.set_scene(scene)
            frame, pictures = self._frame, self.compare.pictures
            if frame is not None and pictures.pixels(scene.focus) is None:
                self._show_in_pane(scene.focus, frame)  # it was drawn before there were panes
        if self.stage.currentWidget() is not wanted:
            self.stage.setCurrentWidget(wanted)
            self.notices.raise_()

    def _show_controls(self) -> None:
        controls = self.session.controls
        if self.session.spec is not None:  # before, the panel has no dimensions to lock
            size = self.session.scene.recipe.latent.array.size
            self.latent_panel.set_locks(edits.lock_mask(self.session, size))
        self.latent_panel.set_step(controls.step)
        self.seed_panel.set_seed(controls.seed)
        self.seed_panel.set_locked(len(controls.locks))
        self.seed_panel.set_vary_strength(controls.vary_strength)
        self.seed_panel.set_walk_options(
            controls.walk_mode, controls.walk_speed, controls.walk_seconds
        )
        self.explorer.keep_soon()

    def _show_model(self, loaded: Loaded) -> None:
        spec, generator = loaded.bundle.spec, loaded.generator
        self.canvas.set_hint(None)
        self.condition_panel.set_spec(spec)
        self._show_scene(self.session.scene)
        self.browser.set_current(str(loaded.bundle.path))
        self.status.set_model(spec.name, generator.device, generator.engine)
        self.commands.show_device()
        self.filmstrip.clear()
        self._show_title()
        self.status.touch()

    def _show_title(self) -> None:
        project = self.files.project
        names = [project.stem] if project is not None else []
        self.setWindowTitle(" – ".join([*names, self.session.scene.model.name, TITLE]))

    def _show_facts(self, facts: Facts) -> None:
        self._show_order(facts)
        self._show_plane()
        self.explorer.draw(self.session.scene)

    def _show_order(self, facts: Facts) -> None:
        if self._late.isActive():
            self._show_scene(self.session.scene)  # the panel may still be in another space
        spec, order = self.session.spec, self.session.controls.order
        if spec is None:
            return
        effect, kl = facts.effect, facts.kl
        if self.session.scene.recipe.latent.space != "z":
            effect = kl = None  # measured in the space of the prior
        dead = effect.dead if effect is not None else None
        dims, scores = np.arange(spec.latent.dim), effect.effect if effect is not None else None
        if order == "effect" and effect is not None:
            dims = effect.order
        elif order == "kl" and kl is not None:
            dims, scores = np.argsort(-kl, kind="stable"), kl
        self.latent_panel.set_order(order, dims, scores, dead)
        self.latent_panel.set_order_available(
            "kl", spec.encoder or kl is not None, "KL needs an encoder, which this model lacks."
        )

    def _show_plane(self) -> None:
        """The two axes of the pad, which a drag on the picture moves along too."""
        spec = self.session.spec
        if spec is None or spec.latent.dim < 2:
            self._plane = None
            return
        axes = self.session.controls.pad
        if axes is not None and max(axes) >= spec.latent.dim:
            axes = None
        options = msgspec.structs.replace(self.session.scene.options.map, axes=axes)
        scene = self.session.scene.with_options(options)
        u, v, x_label, y_label = plane_axes(scene, spec, self.view_inputs())
        self._plane = (u, v)
        self.latent_panel.set_axes(u, v, x_label, y_label)

    # frames to the canvas

    def _show_rendered(self, rendered: Rendered) -> None:
        update, focus = rendered.sheet, rendered.focus
        for text in rendered.notices:
            self.tell(text, "warning")
        if update is not None:
            if update.serial != self._serial:
                self._begin_sheet(update.sheet)
                self._serial = update.serial
            for chunk in update.chunks:
                self.canvas.show_tiles(chunk.cells, chunk.pixels)
            if update.failure is not None and focus is None:
                self.canvas.show_failure(update.failure.message)
        if isinstance(focus, Frame):
            self.explorer.latency.frame_arrived(rendered.stamps)
            self._frame = focus
            self.pane_encoder.follow(focus)
            self.canvas.show_focus(focus.pixels)
            self._show_in_pane(self.session.scene.focus, focus)
            self._show_in_sheet(focus)
            self.filmstrip.push(focus.pixels, (focus.model, focus.recipe))
        elif isinstance(focus, Failure):
            self.canvas.show_failure(focus.message)
            self._show_in_pane(self.session.scene.focus, focus)
        for index, result in rendered.panes.items():
            self._show_in_pane(index, result)
        self.status.touch()

    def _show_in_pane(self, index: int, result: Frame | Failure) -> None:
        """Show a pane's sample, unless the pane has another model by now."""
        panes, pictures = self.session.scene.panes, self.compare.pictures
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
        sheet = self._sheet
        if sheet is None or sheet.focus_cell is None or self.session.scene.view == "focus":
            return
        found = sheet.cell(sheet.focus_cell)
        if found is None or found[0].id != focus.model.id:
            return
        if found[1].condition == focus.recipe.condition:
            self.canvas.show_tiles(np.array([sheet.focus_cell]), focus.pixels[None])

    def _begin_sheet(self, sheet: Sheet) -> None:
        self._sheet = sheet
        spec = self.session.specs.get(sheet.packs[0].model.id) if sheet.packs else None
        if spec is not None:
            image = spec.image
            self.canvas.begin_sheet(sheet, image.height, image.width, image.channels)

    def _painted(self) -> None:
        self.explorer.latency.painted()
        if self._late.isActive():
            self._late.start(0)  # after this paint has been flushed

    def _refresh_figures(self) -> None:
        latency = self.explorer.latency
        dropped = self.explorer.renderer.counters.dropped
        self.status.set_figures(latency.milliseconds, latency.frames_per_second, dropped)
        if latency.frames_per_second:
            self.status.touch()

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
        self._show_order(self.explorer.analysis.facts)

    def _axes_chosen(self, axes: tuple[int, int] | None) -> None:
        self._set_controls(pad=axes)
        self._show_plane()

    def _strip_wanted(self, dim: int) -> None:
        scene = self.session.scene
        self.explorer.analysis.want_strip(scene.model, scene.recipe, dim)

    def _image_dragged(self, across: float, up: float, fine: bool, key: str) -> None:
        if self._plane is not None:
            scale = 0.1 if fine else 1.0
            u, v = self._plane
            edits.drag_in_plane(self.session, u, v, scale * across, scale * up, key)

    def _pin_as_keyframe(self, number: int) -> None:
        pin = self.session.pin(number)
        if pin is not None:
            self.docks.show("show_keyframes", True)
            self.keyframes.add_thumbnail(pin.pane, pin.thumbnail)

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

    def _cell_clicked(self, cell: int) -> None:
        found = self._sheet.cell(cell) if self._sheet is not None else None
        if found is not None:
            self._pane_chosen(found)

    def _pane_chosen(self, pane: tuple[ModelRef, Recipe]) -> None:
        edits.go_to(self.session, *pane)

    def _cell_text(self, cell: int) -> str:
        found = self._sheet.cell(cell) if self._sheet is not None else None
        if found is None or self._sheet is None:
            return ""
        model, recipe = found
        return edits.describe(recipe, self.session.specs.get(model.id), self._sheet.label(cell))

    def _show_cell_menu(self, cell: int, where: QPoint) -> None:
        scene = self.session.scene
        found = self._sheet.cell(cell) if self._sheet is not None and cell >= 0 else None
        pane = found or (scene.model, scene.recipe)
        pixels = self.canvas.cell_pixels(cell) if found else self.canvas.focus_pixels()
        if pixels is None:
            return
        menu = QMenu(self)
        self.commands.fill_sample_menu(menu, pane, pixels, is_current=found is None)
        menu.exec(where)
        menu.deleteLater()

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

    def latents_dropped(self, path: Path) -> None:
        """A file of latents is to become pins."""
        self.docks.show("show_pins", True)
        self.latents.read(path)

    def opening_failed(self, text: str) -> None:
        """What was to be opened could not be; if nothing is explored yet, begin as usual."""
        self.tell(text, "error")
        self.explorer.ensure_model()

    def project_changed(self, path: Path | None) -> None:
        """The project has another file."""
        self._show_title()
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
        self.docks.save(self._window_file)
        self.hide()  # threads may take a moment to end
        try:
            self.explorer.close()
        except OSError as error:
            self.tell(f"The session cannot be kept: {error.strerror}.", "error")
        super().closeEvent(event)
