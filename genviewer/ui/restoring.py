"""Going back to what a file was made from; and what kind of file it is, by its content."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from PySide6.QtWidgets import QFileDialog, QWidget

from genviewer.core.axis_view import options_of
from genviewer.core.keyframes import Timeline
from genviewer.core.scene import Pane
from genviewer.engine.cells import decode_recipe
from genviewer.io.bundle import CONFIG_NAME, WEIGHTS_NAME, BundleError, read_header
from genviewer.io.image_formats import FORMATS
from genviewer.io.images import ImageError, parse_record, read_record
from genviewer.io.library import bundled_paths
from genviewer.io.movie_files import MOVIE_FORMATS
from genviewer.io.provenance import MAX_TEXT_BYTES, SIDECAR_SUFFIX, file_kind
from genviewer.session.fit import check_recipe, fit_scene
from genviewer.session.state import PROJECT_SUFFIX
from genviewer.session.track import Track
from genviewer.ui.dropped_data import is_data_set, is_run
from genviewer.ui.thumbnail_pictures import small_png

if TYPE_CHECKING:
    from collections.abc import Callable

    from genviewer.core.axes import AxisGrid
    from genviewer.core.recipe import ModelRef
    from genviewer.engine.jobs import Progress
    from genviewer.io.images import ImageRecord
    from genviewer.session.session import Session
    from genviewer.ui.background import Background
    from genviewer.ui.file_commands import FileCommands, Host
    from genviewer.ui.models import Loaded, ModelStore

Kind = Literal["model", "project", "record", "latents", "data", "run"]
PICTURES = (*FORMATS, *MOVIE_FORMATS, ".gif")


def kind_of(path: Path) -> Kind:
    """What a file or folder is: by its content, and where that says nothing by its suffix."""
    suffix = path.suffix.lower()
    if path.is_dir() and is_run(path):
        return "run"
    if (path.is_dir() and not is_data_set(path)) or (
        path.name in (CONFIG_NAME, WEIGHTS_NAME) and (path.parent / CONFIG_NAME).is_file()
    ):
        return "model"
    if suffix == PROJECT_SUFFIX:
        return "project"
    start = _start(path)
    if file_kind(start[:16]) is not None or suffix in PICTURES:
        return "record"
    if suffix == SIDECAR_SUFFIX:
        return _kind_of_json(start, path.name)
    if suffix in (".npz", ".safetensors") and _has_latents(path):
        return "latents"
    if is_data_set(path):
        return "data"
    return "latents" if suffix in (".npy", ".csv") else "model"


def _start(path: Path) -> bytes:
    wanted = MAX_TEXT_BYTES + 1 if path.suffix.lower() == SIDECAR_SUFFIX else 16
    try:
        with path.open("rb") as file:
            return file.read(wanted)
    except OSError:
        return b""  # whoever opens it says what is wrong


def _kind_of_json(data: bytes, name: str) -> Kind:
    try:
        parse_record(data.decode(errors="replace"), name)
    except ImageError:
        whole = data.lstrip().startswith(b"{") and b'"recipes"' in data
        return "latents" if whole else "model"
    return "record"


def _has_latents(path: Path) -> bool:
    try:
        if path.suffix.lower() == ".npz":
            with zipfile.ZipFile(path) as archive:
                return "latents.npy" in archive.namelist()
        tensors, _ = read_header(path)
    except (OSError, BundleError, zipfile.BadZipFile):
        return False
    return "latents" in tensors or set(tensors) == {"directions"}


class Restoring:
    """Goes back to what files and texts tell (GUI thread)."""

    def __init__(
        self,
        window: QWidget,
        host: Host,
        session: Session,
        store: ModelStore,
        looks: Background,
        files: FileCommands,
    ) -> None:
        self._window, self._host, self._session = window, host, session
        self._store, self._looks, self._files = store, looks, files

    def ask(self) -> None:
        """Let a person choose a file saved here."""
        pattern = " ".join(f"*{suffix}" for suffix in sorted({*PICTURES, SIDECAR_SUFFIX}))
        name, _ = QFileDialog.getOpenFileName(
            self._window,
            "Restore from a file",
            str(self._files.folder),
            f"Images and animations ({pattern});;All files (*)",
        )
        if name:
            self.open(Path(name))

    def open(self, path: Path) -> None:
        """Go back to the model, latent and classes that a picture or a sidecar carries."""
        self._files.folder = path.parent
        try:
            if path.suffix.lower() == SIDECAR_SUFFIX:
                text = _start(path).decode(errors="replace")
                record = parse_record(text, path.name)
            else:
                record = read_record(path)
        except ImageError as error:
            self._host.tell(str(error), "error")
            return
        self.restore(record, path.name)

    def restore(self, record: ImageRecord, where: str) -> None:
        """Go to a record's Recipe or Scene; with the same model, or, where only one of the same
        name is at hand, with that one, and say so. Keyframes come back too.
        """
        scene = record.scene
        model = scene.model if scene is not None else record.model
        recipe = record.start
        if recipe is None:
            self._host.tell(f"{where} carries no Recipe.", "error")
            return

        def ready(loaded: Loaded) -> None:
            problem = check_recipe(recipe, loaded.bundle.spec)
            if problem:
                self._host.opening_failed(f"{where} does not fit {loaded.ref.name}: {problem}.")
                return
            self._host.show_loaded(loaded, recipe)
            if scene is not None:
                fitted = fit_scene(scene.with_pane(Pane(loaded.ref, recipe)), loaded.bundle.spec)
                self._session.edit(fitted)
            if record.grid is not None:
                self._restore_grid(record.grid)
            if record.animation is not None and isinstance(record.animation.path, Timeline):
                self._restore_keyframes(record.animation.path, loaded)
            if loaded.ref.id == model.id:
                self._host.tell(f"Restored from {where}.")
            else:
                self._host.tell(
                    f"{where} was made with other weights of {model.name}, so it may look "
                    "different here.",
                    "warning",
                )

        self._store.open(model, ready, lambda text: self._by_name(model, ready, text))

    def _restore_grid(self, grid: AxisGrid) -> None:
        options = options_of(grid)
        if options is not None:
            self._session.edit(self._session.scene.with_view("axes").with_options(options))

    def _restore_keyframes(self, timeline: Timeline, loaded: Loaded) -> None:
        recipes = [keyframe.recipe for keyframe in timeline.keyframes]
        if any(check_recipe(recipe, loaded.bundle.spec) for recipe in recipes):
            return  # the first one fits; the others are not of this model
        generator = loaded.generator

        def work(progress: Progress) -> tuple[bytes, ...]:
            pictures = []
            for recipe in recipes:
                progress.check()
                pixels = decode_recipe(generator, recipe)
                pictures.append(small_png(pixels))
            return tuple(pictures)

        def done(pictures: tuple[bytes, ...]) -> None:
            track = Track(loaded.ref, timeline.keyframes, pictures, timeline.loop, timeline.path)
            before = self._session.track
            self._session.set_track(track.checked())
            if before.keyframes and before != track:
                self._host.tell_with_undo(
                    "The keyframes are those of the file.",
                    lambda: self._session.set_track(before),
                )

        def failed(error: Exception) -> None:
            self._host.tell(f"The keyframes cannot be drawn: {error}", "error")

        self._looks.submit(work, "Drawing keyframes", done=done, failed=failed)

    def _by_name(self, model: ModelRef, ready: Callable[[Loaded], None], text: str) -> None:
        # The name comes from a file: it is looked up, and never taken for a place or an address.
        places = {path.name: path for path in bundled_paths()}
        places |= {m.name: Path(m.path) for m in reversed(self._files.recent.models)}
        place = places.get(model.name)
        if place is None:
            self._host.opening_failed(text)
        else:
            self._store.open(place, ready, lambda _: self._host.opening_failed(text))
