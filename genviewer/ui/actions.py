"""Everything a person can do, in one table: menus, shortcuts, tooltips and the command palette
are made from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtGui import QAction, QKeySequence

from genviewer.ui.icons import icon

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from PySide6.QtWidgets import QMainWindow


@dataclass(frozen=True)
class Row:
    """One action: its id, label, menu (with ``|`` for a separator above), shortcuts, icon."""

    id: str
    label: str
    menu: str
    keys: tuple[str, ...] = ()
    icon: str = ""
    tip: str = ""
    checkable: bool = False


TABLE: tuple[Row, ...] = (
    Row("open_model", "Open Model…", "File", ("Ctrl+O",), "model",
        "Open the weights of a model, whoever made them"),
    Row("open_folder", "Open Model Folder…", "File", ("Ctrl+Alt+O",), "folder",
        "Open a model that is a folder"),
    Row("open_hub", "Open from the Hub…", "File", (), "search",
        "Download a model of the Hugging Face Hub by its name"),
    Row("open_project", "Open Project…", "File", ("Ctrl+Shift+O",), "open", "Open a saved project"),
    Row("save_project", "Save Project", "|File", ("Ctrl+S",), "save", "Save scene, pins, controls"),
    Row("save_project_as", "Save Project As…", "File", ("Ctrl+Shift+S",), "save-as"),
    Row("save_sample", "Save Sample…", "|File", ("Ctrl+E",), "image",
        "Save the current sample, with its Recipe inside"),
    Row("save_sheet", "Save Sheet…", "File", ("Ctrl+Shift+E",), "grid",
        "Save the whole sheet, with the Scene inside"),
    Row("save_pins", "Save All Pins…", "File", ("Ctrl+Alt+P",), "pin",
        "Save every pin as an image of its own"),
    Row("save_animation", "Save Animation…", "File", ("Ctrl+Alt+E",), "play",
        "Save the keyframes, a walk or one dimension as a video"),
    Row("export_data_set", "Export Data Set…", "File", ("Ctrl+Alt+D",), "classes",
        "Write many samples into folders, or one archive"),
    Row("export_latents", "Export Pins' Latents…", "File", ("Ctrl+Alt+L",), "sliders",
        "Write the latents and classes of the pins as numbers"),
    Row("import_latents", "Pins from Latents…", "File", (), "pin",
        "Make pins of a file of latents"),
    Row("restore_image", "Restore from File…", "File", ("Ctrl+I",), "history",
        "Open what was saved here and go back to what made it"),
    Row("preferences", "Preferences…", "|File", ("Ctrl+,",), "settings"),
    Row("quit", "Quit", "|File", ("Ctrl+Q",), "close"),
    Row("undo", "Undo", "Edit", ("Ctrl+Z",), "undo", "One step back; a drag is one step"),
    Row("redo", "Redo", "Edit", ("Ctrl+Shift+Z", "Ctrl+Y"), "redo", "Take back one undo"),
    Row("copy_image", "Copy Image", "|Edit", ("Ctrl+C",), "copy", "Copy the sample as a picture"),
    Row("copy_recipe", "Copy Recipe", "Edit", ("Ctrl+Shift+C",), "copy", "Copy the Recipe as text"),
    Row("paste_recipe", "Paste", "Edit", ("Ctrl+V",), "paste",
        "Go to a Recipe on the clipboard, or inspect an image that is there"),
    Row("palette", "Command Palette…", "|Edit", ("Ctrl+K", "Ctrl+Shift+P"), "palette",
        "Find and run any command"),
    Row("dice", "New Random Sample", "Sample", ("R",), "dice", "A fresh draw of what is unlocked"),
    Row("vary", "Vary around Here", "Sample", ("V",), "refresh", "A neighbour of this sample"),
    Row("walk", "Walk", "Sample", ("Space",), "walk", "Play or pause a smooth walk", True),
    Row("next_seed", "Next Seed", "|Sample", ("]",), "chevron-right",
        "The sample of the next seed"),
    Row("previous_seed", "Previous Seed", "Sample", ("[",), "", "The sample of the seed before"),
    Row("reset_latent", "Centre of the Prior", "Sample", ("Ctrl+0",), "reset",
        "Every unlocked dimension to 0"),
    Row("pin", "Pin Sample", "|Sample", ("P",), "pin", "Keep the current sample on the shelf"),
    Row("add_keyframe", "Add Keyframe", "Sample", ("K",), "plus",
        "Make the current sample a keyframe"),
    Row("play_keyframes", "Play Keyframes", "Sample", ("Ctrl+Space",), "play",
        "Play or pause the keyframes"),
    Row("unlock_all", "Unlock All Dimensions", "|Sample", (), "unlock"),
    Row("any_class", "Any Class", "Sample", ("A",), "",
        "Leave the class empty, where the model can"),
    Row("view_focus", "Focus", "View", ("F",), "focus", "One sample, large", True),
    Row("view_grid", "Grid", "View", ("G",), "grid", "Neighbours, or fresh seeds", True),
    Row("view_classes", "Classes", "View", ("C",), "classes",
        "The same latents under every class", True),
    Row("view_traverse", "Traverse", "View", ("T",), "traverse", "What each dimension does", True),
    Row("view_map", "Map", "View", ("M",), "map", "A plane through latent space", True),
    Row("view_axes", "Axes", "View", ("X",), "grid",
        "What is chosen along rows and columns", True),
    Row("focus_beside", "Sample beside the Sheet", "|View", ("B",), "",
        "Show the current sample large, beside the sheet", True),
    Row("smooth", "Smooth Zoom", "View", ("S",), "smooth", "Interpolate between pixels", True),
    Row("fit", "Fit", "|View", ("Home",), "fit", "Show all of it"),
    Row("actual_pixels", "Actual Pixels", "View", ("Ctrl+1",), "pixel", "One pixel for one pixel"),
    Row("zoom_in", "Zoom In", "View", ("Ctrl++", "Ctrl+="), "zoom-in"),
    Row("zoom_out", "Zoom Out", "View", ("Ctrl+-",), "zoom-out"),
    Row("show_models", "Models", "|View", ("Ctrl+Alt+1",), "model",
        "Show or hide the models", True),
    Row("show_pins", "Pins", "View", ("Ctrl+Alt+2",), "pin", "Show or hide the pins", True),
    Row("show_latent", "Latent", "View", ("Ctrl+Alt+3",), "sliders",
        "Show or hide the latent", True),
    Row("show_conditions", "Conditions", "View", ("Ctrl+Alt+4",), "classes",
        "Show or hide the conditions", True),
    Row("show_seed", "Seed and Walk", "View", ("Ctrl+Alt+5",), "dice",
        "Show or hide seed and walk", True),
    Row("show_filmstrip", "Recent Frames", "View", ("Ctrl+Alt+6",), "history",
        "Show or hide the frames that flew by", True),
    Row("show_keyframes", "Keyframes", "View", ("Ctrl+Alt+7",), "play",
        "Show or hide the keyframes", True),
    Row("show_inspect", "Inspect", "View", ("Ctrl+Alt+I",), "search",
        "Ask the model about an image: p(x), p(y | x)", True),
    Row("show_mix", "Mix Pins", "View", ("Ctrl+Alt+8",), "layers",
        "Show or hide the mixing of pins", True),
    Row("show_directions", "Directions", "View", ("Ctrl+Alt+9",), "sliders",
        "Sliders along which one thing changes: found, named, kept", True),
    Row("show_training", "Training", "View", ("Ctrl+Alt+0",), "layers",
        "Show or hide the training", True),
    Row("show_timeline", "Timeline", "View", ("Ctrl+Alt+H",), "history",
        "Show or hide the steps of the training", True),
    Row("canvas_only", "Canvas Only", "View", ("Ctrl+\\",), "image",
        "Hide every panel, or bring them back", True),
    Row("reset_layout", "Reset Layout", "View", (), "reset",
        "Panels back where they were at first"),
    Row("toggle_theme", "Light or Dark", "|View", ("Ctrl+Shift+L",), "sun-moon"),
    Row("full_screen", "Full Screen", "View", ("F11",), "", "", True),
    Row("model_card", "Model Card", "Model", ("Ctrl+Shift+I",), "info",
        "What the model is, and how good"),
    Row("assumptions", "What Was Assumed…", "Model", ("Ctrl+Shift+A",), "layers",
        "What the weights do not say, and how it is taken"),
    Row("save_bundle", "Save as Bundle…", "Model", ("Ctrl+Shift+B",), "save",
        "Write the model as a folder that opens anywhere"),
    Row("data_view", "Data Set through the Model…", "|Model", ("Ctrl+Alt+B",), "grid",
        "Outliers, Bayes' rule, latents and nearest images of a whole data set"),
    Row("compare_again", "Compare with Itself", "|Model", ("D",), "compare",
        "The same model in a second pane, such as under another class or truncation"),
    Row("next_pane", "Next Pane", "Model", ("Ctrl+Tab",), "chevron-right",
        "Let controls and views belong to the next pane"),
    Row("link_pane", "Pane Moves with the Others", "Model", ("L",), "link",
        "Link the pane in focus with the others, or let it go", True),
    Row("close_pane", "Close Pane", "Model", ("Ctrl+W",), "close", "Close the pane in focus"),
    Row("cancel_work", "Cancel Background Work", "Model", ("Ctrl+.",), "stop",
        "Stop opening or measuring"),
    Row("train_folder", "Train on a Folder of Images…", "Training", ("Ctrl+T",), "folder",
        "Look at a folder of images that the model could learn"),
    Row("train_file", "Train on a File of Images…", "Training", ("Ctrl+Shift+T",), "open",
        "A zip, npz, CSV, Parquet or idx file"),
    Row("train_hub", "Train on Images from the Hub…", "Training", (), "search",
        "A data set of the Hugging Face Hub by its name"),
    Row("train_go", "Start, Pause or Resume", "|Training", ("Ctrl+Return",), "play",
        "What comes next for the training"),
    Row("train_stop", "Stop", "Training", (), "stop", "End here; the run can be resumed"),
    Row("train_live", "Show What Is Learned", "|Training", (), "focus",
        "Make the model that learns the current one"),
    Row("train_compare", "Before and After", "Training", ("Ctrl+Shift+D",), "compare",
        "The model as it was beside the one that learns"),
    Row("train_checkpoint", "Keep Checkpoint", "|Training", (), "pin",
        "Keep the weights of this moment with the run"),
    Row("train_keep", "Keep as New Model…", "Training", (), "save",
        "Write what was learned as a model of its own, and end the training"),
    Row("train_leave", "Leave for Later", "Training", (), "close",
        "Close the run; it stays on the disk and can be opened again"),
    Row("train_discard", "Discard Training", "Training", (), "trash",
        "Go back to the model as it was; the run is deleted if the window made it"),
    Row("train_open_run", "Open Run…", "|Training", (), "history",
        "Show a training that is on the disk, to look at it or to go on"),
    Row("about", "About genviewer", "Help", (), "info", "Versions, device, licence"),
)  # fmt: skip

MENUS = ("File", "Edit", "Sample", "View", "Model", "Training", "Help")


def build_actions(
    window: QMainWindow, handlers: Mapping[str, Callable[..., object]]
) -> dict[str, QAction]:
    """A QAction for every row, connected to the handler of the same id.

    Raises:
        KeyError: if a row has no handler, so that no action can be without effect.
    """
    actions = {}
    for row in TABLE:
        action = QAction(row.label, window)
        action.setObjectName(row.id)
        action.setShortcuts([QKeySequence(key) for key in row.keys])
        action.setCheckable(row.checkable)
        if row.icon:
            action.setIcon(icon(row.icon))
            action.setIconVisibleInMenu(not row.checkable)  # its place is the check mark's
        hint = row.tip or row.label.rstrip("…")
        keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        action.setToolTip(f"{hint}  ({keys})" if keys else hint)
        action.setStatusTip(hint)
        action.triggered.connect(handlers[row.id])
        window.addAction(action)
        actions[row.id] = action
    return actions


def build_menus(
    window: QMainWindow,
    actions: Mapping[str, QAction],
    extra: Mapping[str, Iterable[QAction]],
) -> None:
    """The menu bar; ``extra`` are actions (such as submenus) that follow a menu's own."""
    for name in MENUS:
        menu = window.menuBar().addMenu(f"&{name}")
        menu.setToolTipsVisible(True)
        for row in TABLE:
            if row.menu.lstrip("|") == name:
                if row.menu.startswith("|"):
                    menu.addSeparator()
                menu.addAction(actions[row.id])
        following = list(extra.get(name, ()))
        if following:
            menu.addSeparator()
            menu.addActions(following)
