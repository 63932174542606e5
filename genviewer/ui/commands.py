"""What each action does; the table of actions is in :mod:`genviewer.ui.actions`.

Dialogs are imported when they are asked for, so that the first window is there sooner.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QGuiApplication, QKeySequence
from PySide6.QtWidgets import QApplication, QMenu

from genviewer.core.recipe import ModelRef, Recipe, from_json, to_json
from genviewer.core.scene import MAX_PANES, VIEW_NAMES, Pane, Scene, ViewName
from genviewer.engine.device import devices
from genviewer.io.images import ImageRecord
from genviewer.session import edits
from genviewer.ui import theme
from genviewer.ui.actions import TABLE, build_menus
from genviewer.ui.corner_bar import CornerBar
from genviewer.ui.icons import icon, recolor
from genviewer.ui.widgets.class_chips import digit_keys
from genviewer.ui.widgets.image_import import image_from
from genviewer.ui.widgets.pixels_to_image import image_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from genviewer.ui.main_window import MainWindow
    from genviewer.ui.widgets.command_palette import CommandPalette

DOCKS = (
    "show_directions",
    "show_inspect",
    "show_mix",
    "show_models",
    "show_pins",
    "show_latent",
    "show_conditions",
    "show_seed",
    "show_keyframes",
    "show_training",
    "show_timeline",
)
DIGITS = "1234567890"
MAX_CLIPBOARD = 1 << 20


class Commands:
    """The handlers of a window's actions (GUI thread)."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self._session = window.session
        self._palette: CommandPalette | None = None
        self._classes: dict[str, int] = {}
        self._recent_menu = QMenu("Recent Projects", window)

    def handlers(self) -> dict[str, Callable[..., object]]:
        """A handler for every row of the table of actions."""
        window, session = self._window, self._session
        canvas, files = window.canvas, window.files
        found: dict[str, Callable[..., object]] = {
            "open_model": lambda: files.open_model_dialog(),
            "open_hub": lambda: files.open_hub_dialog(),
            "open_folder": lambda: files.open_folder_dialog(),
            "assumptions": lambda: files.ask_again(),
            "save_bundle": lambda: files.save_bundle_dialog(),
            "open_project": lambda: files.open_project_dialog(),
            "save_project": lambda: files.save_project(),
            "save_project_as": lambda: files.save_project_dialog(),
            "save_sample": lambda: window.exports.save_image_dialog(),
            "save_sheet": lambda: window.exports.save_image_dialog("sheet"),
            "save_pins": lambda: window.exports.save_image_dialog("pins"),
            "save_animation": lambda: window.exports.animation_dialog(),
            "export_data_set": lambda: window.data_sets.ask(),
            "export_latents": lambda: window.latents.export_dialog(),
            "import_latents": lambda: window.latents.import_dialog(),
            "restore_image": lambda: files.restoring.ask(),
            "preferences": lambda: self.show_preferences(),
            "quit": lambda: window.close(),
            "undo": lambda: session.undo(),
            "redo": lambda: session.redo(),
            "copy_image": lambda: self.copy_image(canvas.focus_pixels()),
            "copy_recipe": lambda: self.copy_recipe(session.scene.model, session.scene.recipe),
            "paste_recipe": lambda: self.paste_recipe(),
            "palette": lambda: self.show_palette(),
            "dice": lambda: edits.roll(session),
            "vary": lambda: edits.vary_here(session, session.controls.vary_strength),
            "walk": lambda on: self.walk(on),
            "next_seed": lambda: edits.step_seed(session, 1),
            "previous_seed": lambda: edits.step_seed(session, -1),
            "reset_latent": lambda: edits.reset_latent(session),
            "pin": lambda: self.pin_current(),
            "add_keyframe": lambda: self._add_keyframe(),
            "play_keyframes": lambda: self._play_keyframes(),
            "unlock_all": lambda: self._unlock_all(),
            "any_class": lambda: self._any_class(),
            "focus_beside": lambda on: self._prefer("focus_beside", on),
            "smooth": lambda on: self._prefer("smooth_zoom", on),
            "fit": lambda: canvas.fit(),
            "actual_pixels": lambda: canvas.actual_pixels(),
            "zoom_in": lambda: canvas.zoom_by(1.25),
            "zoom_out": lambda: canvas.zoom_by(0.8),
            "show_filmstrip": lambda on: self._prefer("filmstrip", on),
            "canvas_only": lambda on: self._canvas_only(on),
            "reset_layout": lambda: window.docks.arrange(),
            "toggle_theme": lambda: self._toggle_theme(),
            "full_screen": lambda on: window.setWindowState(
                window.windowState() ^ Qt.WindowState.WindowFullScreen
            ),
            "model_card": lambda: self._show_card(),
            "data_view": lambda: window.later.data_view.show(),
            "compare_again": lambda: self.compare_again(),
            "next_pane": lambda: session.focus_pane(
                (session.scene.focus + 1) % len(session.scene.panes)
            ),
            "link_pane": lambda on: session.link_pane(session.scene.focus, on),
            "close_pane": lambda: session.close_pane(session.scene.focus),
            "cancel_work": lambda: self.cancel_work(),
            "about": lambda: self._show_about(),
        }
        found |= window.trainings.handlers()
        for view in VIEW_NAMES:
            found[f"view_{view}"] = partial(self._choose_view, view)
        for name in DOCKS:
            found[name] = self._shower(name)
        return found

    def _shower(self, name: str) -> Callable[[bool], None]:
        return lambda on: self._window.docks.toggle(name, on)

    def build_menus(self) -> None:
        """Menus, the actions of the ten digit keys, and the view bar's hints."""
        window, actions = self._window, self._window.actions_by_id
        build_menus(window, actions, {"File": [self._recent_menu.menuAction()]})
        for key in DIGITS:
            action = QAction(f"Class {key}", window)
            action.setObjectName(f"class_{key}")
            action.setShortcut(QKeySequence(key))
            action.triggered.connect(partial(self._choose_class, key))
            window.addAction(action)
            actions[action.objectName()] = action
        window.view_bar.set_shortcuts(
            {view: actions[f"view_{view}"].shortcut().toString() for view in VIEW_NAMES}
        )
        self.corner = CornerBar(actions, _devices, window)
        self.corner.device_chosen.connect(lambda name: self._prefer("device", name))
        self.corner.engine_chosen.connect(lambda name: self._prefer("engine", name))
        window.menuBar().setCornerWidget(self.corner)
        self.refresh_recent()

    # keeping actions in step

    def history_changed(self) -> None:
        """Enable undo and redo where there is something to go to."""
        history = self._session.history
        self._window.actions_by_id["undo"].setEnabled(history.can_undo)
        self._window.actions_by_id["redo"].setEnabled(history.can_redo)

    def scene_changed(self, scene: Scene) -> None:
        """Check and enable what view and model allow."""
        actions = self._window.actions_by_id
        spec = self._session.spec
        wanted = spec.class_condition if spec else None
        actions["save_sheet"].setEnabled(scene.view != "focus")
        actions["view_classes"].setEnabled(wanted is not None)
        actions["view_map"].setEnabled(spec is not None and spec.latent.dim > 1)
        actions["any_class"].setEnabled(wanted is not None and wanted.optional)
        several = len(scene.panes) > 1
        for name in ("next_pane", "link_pane", "close_pane"):
            actions[name].setEnabled(several)
        actions["link_pane"].setChecked(several and scene.pane.linked)
        actions["compare_again"].setEnabled(spec is not None and len(scene.panes) < MAX_PANES)
        for view in VIEW_NAMES:
            actions[f"view_{view}"].setChecked(view == scene.view)
        names = [wanted.label(i) for i in range(min(wanted.size, 10))] if wanted else []
        self._classes = digit_keys(names)
        for key in DIGITS:
            action, index = actions[f"class_{key}"], self._classes.get(key)
            action.setEnabled(index is not None)
            if index is not None:
                action.setText(f"Class {names[index]}")

    def refresh_recent(self) -> None:
        """Fill the menu of recent projects."""
        self._recent_menu.clear()
        projects = [Path(p) for p in self._window.files.recent.projects]
        for path in projects:
            action = self._recent_menu.addAction(path.stem)
            action.setToolTip(str(path))
            action.triggered.connect(partial(self._open_project, path))
        self._recent_menu.setEnabled(bool(projects))

    def _open_project(self, path: Path, _checked: bool = False) -> None:
        self._window.files.open_project(path)

    def _choose_view(self, view: ViewName, _checked: bool = False) -> None:
        edits.set_view(self._session, view, self._window.view_inputs())
        self.scene_changed(self._session.scene)

    def _choose_class(self, key: str, _checked: bool = False) -> None:
        if key in self._classes:
            edits.choose_class(self._session, self._classes[key])

    # preferences

    def apply_preferences(self) -> None:
        """Put every preference in force."""
        for key, value in self._window.preferences.values.items():
            self._apply(key, value)

    def show_preferences(self) -> None:
        """The preferences; each change is in force at once."""
        from genviewer.ui.preferences_dialog import PreferencesDialog

        dialog = PreferencesDialog(self._window.preferences.values, self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.changed.connect(self._prefer)
        dialog.show()

    def _prefer(self, key: str, value: object) -> None:
        self._window.preferences.set(key, value)
        try:
            self._window.preferences.save()
        except OSError as error:
            self._window.tell(f"Preferences cannot be kept: {error.strerror}.", "warning")
        self._apply(key, value)

    def _apply(self, key: str, value: object) -> None:
        window, actions = self._window, self._window.actions_by_id
        if key == "theme":
            app = QApplication.instance()
            if isinstance(app, QApplication):
                theme.apply(app, str(value))  # type: ignore[arg-type]
                recolor(app)
        elif key in ("device", "engine"):
            values = window.preferences.values
            window.explorer.use_device(str(values["device"]), str(values["engine"]))  # type: ignore[arg-type]
            self.show_device()
        elif key == "smooth_zoom":
            window.canvas.set_smooth(bool(value))
            window.compare.pictures.set_smooth(bool(value))
            actions["smooth"].setChecked(bool(value))
        elif key == "focus_beside":
            window.canvas.set_focus_beside(bool(value))
            actions["focus_beside"].setChecked(bool(value))
        elif key == "filmstrip":
            window.filmstrip.setVisible(bool(value))
            actions["show_filmstrip"].setChecked(bool(value))
        elif key == "history_length":
            self._session.history.limit_to(int(str(value)))

    def show_device(self) -> None:
        """Let the corner show what is chosen and what the model runs on."""
        values, model = self._window.preferences.values, self._session.scene.model
        loaded = self._window.explorer.store.loaded(model.id)
        running = loaded.generator.device if loaded is not None else ""
        self.corner.set_shown(str(values["device"]), str(values["engine"]), running)

    def _toggle_theme(self) -> None:
        self._prefer("theme", "light" if theme.colors().dark else "dark")

    def _canvas_only(self, alone: bool) -> None:
        self._window.docks.show_only_canvas(alone)
        shown = bool(self._window.preferences.values["filmstrip"])
        self._window.filmstrip.setVisible(shown and not alone)

    # panes

    def compare_again(self) -> None:
        """Hold the current model against itself."""
        explorer = self._window.explorer
        loaded = explorer.store.loaded(self._session.scene.model.id)
        if loaded is not None:
            explorer.add_pane(loaded)

    # samples

    def walk(self, on: bool) -> None:
        """Play or pause the walk."""
        spec, walker = self._session.spec, self._window.explorer.walker
        if not on or spec is None:
            walker.stop()
            self.walk_toggled(walker.walking)
            return
        if self._session.scene.recipe.latent.space != "z":
            self._window.tell("A walk goes through z; choose that space for it.", "info")
            self.walk_toggled(False)
            return
        controls = self._session.controls
        walker.start(
            spec.latent,
            self._session.scene.recipe.latent.array,
            controls.walk_mode,
            controls.walk_speed,
            controls.walk_seconds,
            edits.lock_mask(self._session, spec.latent.dim),
        )

    def walk_toggled(self, on: bool) -> None:
        """The walk began or ended: let button and menu show it."""
        self._window.actions_by_id["walk"].setChecked(on)
        self._window.seed_panel.set_walking(on)

    def walk_options_changed(self, mode: str, speed: float, seconds: float) -> None:
        """Another kind of walk; one under way goes on in the new way from where it is."""
        self._session.set_controls(
            msgspec.structs.replace(
                self._session.controls, walk_mode=mode, walk_speed=speed, walk_seconds=seconds
            )
        )
        walker = self._window.explorer.walker
        if walker.mode == mode:
            walker.set_pace(speed, seconds)
        elif walker.walking:
            self.walk(True)

    def pin_current(self) -> None:
        """Keep the current sample on the shelf."""
        pixels = self._window.canvas.focus_pixels()
        if pixels is not None:
            self._window.pins.add(self._session.scene.pane, pixels)

    def _play_keyframes(self) -> None:
        keyframes = self._window.later.keyframes
        keyframes.play(not keyframes.playing)

    def _add_keyframe(self) -> None:
        self._window.docks.show("show_keyframes", True)
        self._window.later.keyframes.add_current()

    def _unlock_all(self) -> None:
        self._session.set_controls(msgspec.structs.replace(self._session.controls, locks=()))

    def _any_class(self) -> None:
        if not edits.leave_class_empty(self._session):
            self._window.tell("This model was not trained with an empty class.", "warning")

    def fill_sample_menu(
        self,
        menu: QMenu,
        pane: tuple[ModelRef, Recipe],
        pixels: NDArray[np.uint8],
        is_current: bool,
    ) -> None:
        """The context menu of a sample."""
        model, recipe = pane
        if not is_current:
            menu.addAction(
                icon("focus"), "Go Here", lambda: edits.go_to(self._session, model, recipe)
            )
        menu.addAction(
            icon("pin"), "Pin", lambda: self._window.pins.add(Pane(model, recipe), pixels)
        )
        menu.addAction(
            icon("plus"),
            "Add as Keyframe",
            lambda: self._window.later.keyframes.add(Pane(model, recipe), pixels),
        )
        menu.addSeparator()
        menu.addAction(icon("copy"), "Copy Image", lambda: self.copy_image(pixels))
        menu.addAction(icon("copy"), "Copy Recipe", lambda: self.copy_recipe(model, recipe))
        menu.addAction(icon("save"), "Save Image…", lambda: self._save(Pane(model, recipe)))

    # clipboard

    def copy_image(self, pixels: NDArray[np.uint8] | None) -> None:
        """Put a picture on the clipboard: uint8 (H, W, C)."""
        if pixels is not None:
            QGuiApplication.clipboard().setImage(image_of(pixels))
            self._window.tell("Copied the image.")

    def copy_recipe(self, model: ModelRef, recipe: Recipe) -> None:
        """Put a Recipe on the clipboard as JSON."""
        cited = self._session.cite(model, None)
        QGuiApplication.clipboard().setText(to_json(ImageRecord(cited, recipe)).decode())
        self._window.tell("Copied the Recipe.")

    def paste_recipe(self) -> None:
        """Go to the Recipe, open the file or inspect the image that is on the clipboard."""
        data = QGuiApplication.clipboard().mimeData()
        copied = data.urls()
        if copied and copied[0].isLocalFile():
            self._window.files.open_path(Path(copied[0].toLocalFile()))
            return
        text = QGuiApplication.clipboard().text()
        try:
            if len(text) > MAX_CLIPBOARD:
                raise ValueError("too long")
            record = from_json(text.encode(), ImageRecord)
        except (ValueError, RecursionError):
            pixels = image_from(data)
            if pixels is not None and not isinstance(pixels, Path):
                self._window.later.inspect_image(pixels, "the clipboard")
            else:
                self._window.tell("There is no Recipe and no image on the clipboard.", "warning")
            return
        self._window.files.restoring.restore(record, "the clipboard")

    def copy_pin(self, number: int) -> None:
        """Put a pin's Recipe on the clipboard."""
        pin = self._session.pin(number)
        if pin is not None:
            self.copy_recipe(pin.pane.model, pin.pane.recipe)

    def save_pin(self, number: int) -> None:
        """Save a pin as an image."""
        pin = self._session.pin(number)
        if pin is not None:
            self._save(pin.pane)

    def _save(self, pane: Pane) -> None:
        self._window.exports.save_image_dialog(pane=pane)

    # windows

    def show_palette(self) -> None:
        """Find and run any action."""
        if self._palette is None:
            from genviewer.ui.widgets.command_palette import CommandPalette

            self._palette = CommandPalette(self._window)
        actions = self._window.actions_by_id
        groups = {row.id: row.menu.lstrip("|") for row in TABLE}
        self._palette.open_with(
            [(actions[name], groups.get(name, "Conditions")) for name in actions]
        )

    def cancel_work(self) -> None:
        """Stop opening models, measuring, saving and looking for images."""
        self._window.explorer.opening.cancel()
        self._window.explorer.jobs.cancel()
        self._window.explorer.exports.cancel()
        setup = vars(self._window.later).get("training_setup")
        if setup is not None:
            setup.cancel()

    def _show_card(self) -> None:
        loaded = self._window.explorer.store.loaded(self._session.scene.model.id)
        if loaded is not None:
            self._window.models.show_card(str(loaded.bundle.path), self._window)

    def _show_about(self) -> None:
        loaded = self._window.explorer.store.loaded(self._session.scene.model.id)
        device = f"{loaded.generator.device} ({loaded.generator.engine})" if loaded else "–"
        from genviewer.ui.about_dialog import AboutDialog

        dialog = AboutDialog(device, self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.show()


def _devices() -> list[tuple[str, str]]:
    return [(device.name, device.label) for device in devices()]
