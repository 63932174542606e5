"""Latents of pins to files, and pins from files of latents."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFileDialog

from genviewer.core.scene import Pane
from genviewer.engine.cells import decode_recipe
from genviewer.io.latents_file import SUFFIXES, read_latents, write_recipes
from genviewer.io.write_errors import refuse_existing, write_error
from genviewer.session.fit import check_recipe
from genviewer.ui.pins import pin_name
from genviewer.ui.thumbnail_pictures import small_png

if TYPE_CHECKING:
    from genviewer.core.recipe import Recipe
    from genviewer.engine.jobs import Progress
    from genviewer.ui.main_window import MainWindow

MOST_PINS = 200
"""No more pins are made of one file: the shelf is for choosing by eye."""

PATTERN = " ".join(f"*{suffix}" for suffix in SUFFIXES)
FILTER = (
    "NumPy archive (*.npz);;NumPy array, latents only (*.npy);;safetensors (*.safetensors);;"
    "Table (*.csv);;Whole Recipes (*.json)"
)


class LatentsCommands:
    """Writes and reads files of latents for a window (GUI thread)."""

    def __init__(self, window: MainWindow) -> None:
        self._window, self._session = window, window.session

    def export_dialog(self) -> None:
        """Let a person choose where the pins' latents go."""
        files, model = self._window.files, self._session.scene.model
        if not self._recipes():
            self._window.tell(f"There are no pins of {model.name} to export.", "warning")
            return
        name, chosen = QFileDialog.getSaveFileName(
            self._window,
            "Export the pins' latents",
            str(files.folder / f"{model.name}-pins.npz"),
            FILTER,
        )
        if name:
            path = Path(name)
            if path.suffix.lower() not in SUFFIXES:
                path = path.with_name(path.name + chosen.rpartition("*")[2].rstrip(")"))
                self.export(path)
            else:
                self.export(path, replace=True)  # the file dialog has asked

    def export(self, path: Path, *, replace: bool = False) -> None:
        """Write latents, classes and truncations of all pins of the current model."""
        window, model = self._window, self._session.scene.model
        recipes, spec = self._recipes(), self._session.specs.get(model.id)
        if spec is None or not recipes:
            window.tell(f"There are no pins of {model.name} to export.", "warning")
            return
        spaces = {recipe.latent.space for recipe in recipes}
        if path.suffix.lower() != ".json" and spaces != {"z"}:
            window.tell(
                f"{path.name} would not tell latents in {' and '.join(sorted(spaces))} apart; "
                "a .json file keeps all of them.",
                "error",
            )
            return
        others = len(self._session.pins) - len(recipes)
        window.files.folder = path.parent

        def work(_: Progress) -> None:
            try:
                if not replace:
                    refuse_existing(path)
                write_recipes(path, recipes, spec, model)
            except OSError as error:
                raise write_error(error, path) from error

        def done(_: object) -> None:
            less = f"; {others} of other models were left out" if others else ""
            window.tell(f"Saved the latents of {len(recipes)} pins in {path.name}{less}.")

        window.explorer.exports.submit(
            work,
            f"Saving {path.name}",
            done=done,
            failed=lambda error: window.tell(str(error), "error"),
        )

    def import_dialog(self) -> None:
        """Let a person choose a file of latents."""
        name, _ = QFileDialog.getOpenFileName(
            self._window,
            "Pins from a file of latents",
            str(self._window.files.folder),
            f"Latents ({PATTERN});;All files (*)",
        )
        if name:
            self.read(Path(name))

    def read(self, path: Path) -> None:
        """Make a pin of every latent in a file, for the current model."""
        window, model = self._window, self._session.scene.model
        loaded = window.explorer.store.loaded(model.id)
        if loaded is None:
            window.tell("There is no model yet that the latents could be for.", "warning")
            return
        window.files.folder = path.parent
        generator, spec = loaded.generator, loaded.bundle.spec

        def work(progress: Progress) -> tuple[list[tuple[Recipe, bytes]], int]:
            recipes = read_latents(path, spec.latent.dim).to_recipes(spec)
            for recipe in recipes[:MOST_PINS]:
                problem = check_recipe(recipe, spec)
                if problem:
                    raise ValueError(f"{path.name} does not fit {spec.name}: {problem}.")
            made = []
            for number, recipe in enumerate(recipes[:MOST_PINS]):
                progress.report(number / min(len(recipes), MOST_PINS), f"Reading {path.name}")
                pixels = decode_recipe(generator, recipe)
                made.append((recipe, small_png(pixels)))
            return made, len(recipes)

        def done(result: tuple[list[tuple[Recipe, bytes]], int]) -> None:
            made, count = result
            for recipe, picture in reversed(made):  # the newest pin comes first
                self._session.add_pin(Pane(model, recipe), pin_name(recipe, spec), picture)
            of = f"the first {len(made)} of {count}" if count > len(made) else str(count)
            window.tell(f"Pinned {of} latents of {path.name}.")

        window.explorer.exports.submit(
            work,
            f"Reading {path.name}",
            done=done,
            failed=lambda error: window.tell(str(error), "error"),
        )

    def _recipes(self) -> list[Recipe]:
        model = self._session.scene.model
        return [p.pane.recipe for p in self._session.pins if p.pane.model.id == model.id]
