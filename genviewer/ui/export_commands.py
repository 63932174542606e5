"""Taking out pictures: samples, sheets, all pins, animations. Drawn and written in the background.

Dialogs are imported when they are asked for, so that the first window is there sooner.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt

from genviewer.core.name_template import make_name
from genviewer.core.views import make_sheet
from genviewer.engine.export import sample_record, save_image, scene_record
from genviewer.io.write_errors import WriteError
from genviewer.ui.time_left import TimeLeft

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from PySide6.QtWidgets import QDialog

    from genviewer.core.recipe import ModelRef, Recipe
    from genviewer.core.scene import Pane, Scene
    from genviewer.core.spec import Spec
    from genviewer.core.views import ViewInputs
    from genviewer.engine.jobs import Job, Progress
    from genviewer.session.state import Pin
    from genviewer.ui.animation_dialog import AnimationChoice, Source
    from genviewer.ui.main_window import MainWindow
    from genviewer.ui.models import Loaded
    from genviewer.ui.save_image_dialog import SaveChoice, What

SCREEN_SIDE = 512
"""Small samples are proposed at about this size."""


class ExportCommands:
    """Saves what is explored, for a window (GUI thread).

    Attributes:
        dialog: the one that was opened last; it is gone once it is closed.
    """

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self._session, self._store = window.session, window.explorer.store
        self._lane = window.explorer.exports
        self.dialog: QDialog | None = None

    # still images

    def save_image_dialog(self, what: What = "sample", pane: Pane | None = None) -> None:
        """Ask what to save and how; ``pane`` is the sample, by default the current one."""
        scene = self._session.scene
        if pane is not None:
            scene = scene.with_pane(pane).with_view("focus")
        scene = self._session.cited(scene)
        spec, loaded = self._session.specs.get(scene.model.id), self._store.loaded(scene.model.id)
        if spec is None or loaded is None:
            self._window.tell("There is no sample to save yet.", "warning")
            return
        inputs, folder = self._window.view_inputs(), self._window.files.folder
        width, height = spec.image.width, spec.image.height
        sizes: dict[What, tuple[int, int]] = {"sample": (width, height)}
        places: dict[What, Path] = {"sample": folder / f"{self.proposed_name(scene)}.png"}
        if scene.view != "focus":
            sheet = make_sheet(scene, spec, inputs)
            sizes["sheet"] = (width * sheet.columns, height * sheet.rows)
            places["sheet"] = folder / f"{safe(scene.model.name)}-{scene.view}.png"
        pins = self._session.pins if pane is None else ()
        if pins:
            sizes["pins"] = (width, height)
            places["pins"] = folder / "pins"
        elif what == "pins":
            self._window.tell("There are no pins to save yet.", "warning")
            return
        from genviewer.ui.save_image_dialog import SaveImageDialog

        factor = max(1, SCREEN_SIDE // max(width, height))
        dialog = SaveImageDialog(self._window, sizes, places, what, factor, len(pins))

        def accepted() -> None:
            choice = dialog.choice()
            if choice.what == "pins":
                self.save_pins(choice, pins)
            else:
                self.save_image(choice, scene, loaded, inputs)

        self.ask(dialog, accepted)

    def save_image(
        self, choice: SaveChoice, scene: Scene, loaded: Loaded, inputs: ViewInputs
    ) -> None:
        """Draw the sample or the sheet afresh and write it, in the background."""
        generator, weights = loaded.generator, loaded.bundle.weights_sha256
        if choice.what == "sheet":
            record = scene_record(generator, scene, inputs, choice.picture, weights)
        else:
            record = sample_record(generator, scene.recipe, choice.picture, weights)

        def work(progress: Progress) -> None:
            save_image(
                choice.path,
                record,
                {loaded.ref.id: generator},
                embed=choice.embed,
                overwrite=choice.replace,
                progress=progress,
            )

        self.submit(work, choice.path)

    def save_pins(self, choice: SaveChoice, pins: Sequence[Pin]) -> None:
        """Write every pin into a folder; files that are there already are left alone."""
        models = {pin.pane.model.id: pin.pane.model for pin in pins}
        self.with_models(list(models.values()), lambda opened: self._pins(choice, pins, opened))

    def _pins(self, choice: SaveChoice, pins: Sequence[Pin], opened: dict[str, Loaded]) -> None:
        folder, suffix = choice.path, {"jpeg": "jpg", "tiff": "tif"}.get(choice.format)

        def work(progress: Progress) -> tuple[int, int]:
            progress = TimeLeft(progress, "Saving pins")
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise WriteError(f"{folder.name} cannot be made: {error.strerror}.") from error
            written = left = 0
            for number, pin in enumerate(pins, 1):
                loaded = opened[pin.pane.model.id]
                fields = {
                    "model": pin.pane.model.name,
                    "class": class_text(pin.pane.recipe, loaded.bundle.spec),
                    "seed": None,
                    "n": number,
                }
                name = make_name(choice.template, fields)
                path = folder / f"{name}.{suffix or choice.format}"
                progress.report((number - 1) / len(pins), f"{number} of {len(pins)}")
                if path.exists():
                    left += 1
                    continue
                record = sample_record(
                    loaded.generator,
                    pin.pane.recipe,
                    choice.picture,
                    loaded.bundle.weights_sha256,
                )
                save_image(path, record, {loaded.ref.id: loaded.generator}, embed=choice.embed)
                written += 1
            return written, left

        def done(counts: tuple[int, int]) -> None:
            written, left = counts
            there = f"; {left} were there already" if left else ""
            self._window.tell(f"Saved {written} pins in {folder.name}{there}.")

        self.submit(work, folder, done)

    # animations

    def animation_dialog(self, source: Source = "keyframes") -> None:
        """Ask for an animation of the keyframes, of a walk or of a dimension."""
        scene, controls = self._session.cited(self._session.scene), self._session.controls
        spec = self._session.specs.get(scene.model.id)
        if spec is None or self._store.loaded(scene.model.id) is None:
            self._window.tell("There is nothing to animate yet.", "warning")
            return
        from genviewer.ui.animation_dialog import Animated, AnimationDialog

        size = (spec.image.width, spec.image.height)
        sources: dict[Source, Animated] = {}
        track = self._session.track
        of_track = self._session.specs.get(track.model.id) if track.model is not None else None
        if track.seconds and track.model is not None and of_track is not None:
            image = of_track.image
            sources["keyframes"] = Animated(track.model, (image.width, image.height), track.seconds)
        if scene.recipe.latent.space == "z":
            sources["walk"] = Animated(scene.model, size, controls.walk_seconds)
        sources["traverse"] = Animated(scene.model, size, 4.0)
        name = self.proposed_name(scene)
        dialog = AnimationDialog(
            self._window,
            sources,
            source,
            track.timeline,
            scene.recipe,
            self._window.files.folder / f"{name}.mp4",
            seed=controls.seed,
            speed=controls.walk_speed,
            factor=max(1, SCREEN_SIDE // max(size)),
        )
        self.ask(dialog, lambda: self.save_animation(dialog.choice()))

    def save_animation(self, choice: AnimationChoice) -> None:
        """Draw an animation and write it frame by frame, in the background."""

        def ready(opened: dict[str, Loaded]) -> None:
            from genviewer.engine.animate import animation_record, save_animation

            loaded = opened[choice.model.id]
            record = animation_record(
                loaded.generator, choice.animation, choice.picture, loaded.bundle.weights_sha256
            )

            def work(progress: Progress) -> None:
                save_animation(
                    choice.path,
                    record,
                    loaded.generator,
                    embed=choice.embed,
                    overwrite=choice.replace,
                    progress=TimeLeft(progress, f"Saving {choice.path.name}"),
                )

            self.submit(work, choice.path)

        self.with_models([choice.model], ready)

    # what they share

    def with_models(
        self,
        models: Sequence[ModelRef],
        then: Callable[[dict[str, Loaded]], object],
        opened: dict[str, Loaded] | None = None,
    ) -> None:
        """Go on when all models are in memory; those that are not are opened one by one."""
        opened = {} if opened is None else opened
        if not models:
            then(opened)
            return
        model, rest = models[0], models[1:]

        def ready(loaded: Loaded) -> None:
            opened[model.id] = loaded
            self.with_models(rest, then, opened)

        # Two exports may wait for their models; neither takes the place of the other.
        key = f"open for export {id(opened)}"
        self._store.open(model, ready, lambda text: self._window.tell(text, "error"), key=key)

    def ask(self, dialog: QDialog, accepted: Callable[[], object]) -> None:
        """Show a dialog; ``accepted`` is called when it is."""
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.accepted.connect(accepted)
        self.dialog = dialog
        dialog.destroyed.connect(lambda: self._gone(dialog))
        dialog.open()

    def _gone(self, dialog: QDialog) -> None:
        if self.dialog is dialog:
            self.dialog = None

    def submit(
        self,
        work: Callable[[Progress], object],
        path: Path,
        done: Callable[..., object] | None = None,
    ) -> Job:
        """Write a file in the background, and say what came of it."""
        window, name = self._window, path.name
        window.files.folder = path.parent

        def failed(error: Exception) -> None:
            window.tell(str(error) or f"{name} cannot be saved.", "error")

        return self._lane.submit(
            work,
            f"Saving {name}",
            done=done or (lambda _: window.tell(f"Saved {name}.")),
            failed=failed,
            cancelled=lambda: window.tell(f"Saving {name} was cancelled."),
        )

    def proposed_name(self, scene: Scene) -> str:
        """A file name for a sample: model, class, seed."""
        classes = class_text(scene.recipe, self._session.specs.get(scene.model.id))
        parts = [scene.model.name, classes, str(self._session.controls.seed)]
        return safe("-".join(part for part in parts if part))


def class_text(recipe: Recipe, spec: Spec | None) -> str | None:
    """The classes of a sample as part of a name; None where the model has none."""
    wanted = spec.class_condition if spec else None
    if wanted is None:
        return None
    weights = recipe.condition.class_weights(wanted.name)
    return "+".join(wanted.label(index) for index in weights) if weights else "any"


def safe(name: str) -> str:
    """A text as a file name."""
    return re.sub(r"[^\w.+-]", "_", name)[:120]
