"""Opening and saving models and projects; also what is dropped on the window."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from PySide6.QtWidgets import QFileDialog, QInputDialog, QWidget

from genviewer.io.bundle import CONFIG_NAME, WEIGHTS_NAME, in_another
from genviewer.session.fit import check_recipe
from genviewer.session.recent import Recent, RecentModel, load_recent, save_recent
from genviewer.session.state import PROJECT_SUFFIX, StateError, load_state, save_state
from genviewer.ui.download_question import ask_download
from genviewer.ui.opening_questions import OpeningQuestions
from genviewer.ui.restoring import Restoring, kind_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from genviewer.core.recipe import Recipe
    from genviewer.engine.jobs import Progress
    from genviewer.io.bundle import Bundle
    from genviewer.session.session import Session
    from genviewer.ui.background import Background
    from genviewer.ui.models import Loaded, ModelStore

MODEL_FILTER = (
    "Models (*.pt *.pth *.ckpt *.bin *.pkl *.safetensors *.onnx *.pt2 *.json *.th *.tar);;"
    "All files (*)"
)
SHOWN_WARNINGS = 2


class Host(Protocol):
    """What the window offers to these commands."""

    def show_loaded(self, loaded: Loaded, recipe: Recipe | None = None) -> None: ...
    def compare_loaded(self, loaded: Loaded) -> None: ...
    def tell(self, text: str, severity: str = "info") -> None: ...
    def tell_with_undo(self, text: str, undo: Callable[[], object] | None) -> None: ...
    def latents_dropped(self, path: Path) -> None: ...
    def data_dropped(self, path: Path) -> None: ...
    def run_dropped(self, path: Path) -> None: ...
    def opening_failed(self, text: str) -> None: ...
    def nothing_opened(self) -> None: ...
    def project_changed(self, path: Path | None) -> None: ...
    def recent_changed(self, recent: Recent) -> None: ...


class FileCommands:
    """Opens and saves for a window. All methods belong to the GUI thread; reading models,
    drawing and writing happen in job lanes.
    """

    def __init__(
        self,
        window: QWidget,
        host: Host,
        session: Session,
        store: ModelStore,
        background: Background,
        looks: Background,
        recent_file: Path,
    ) -> None:
        self._window = window
        self._host = host
        self._session = session
        self._store = store
        self._background = background
        self._recent_file = recent_file
        self.questions = OpeningQuestions(window, host, store, looks)
        self.restoring = Restoring(window, host, session, store, looks, self)
        self.recent = load_recent(recent_file)
        self.project: Path | None = None
        self.folder = Path.home()
        self._wish: object = None
        for model in self.recent.models:
            store.paths.setdefault(model.id, model.path)

    # opening

    def open_model_dialog(self) -> None:
        """Let a person choose a model's file: weights of any kind, or a bundle's."""
        name, _ = QFileDialog.getOpenFileName(
            self._window, "Open a model", str(self.folder), MODEL_FILTER
        )
        if name:
            self.folder = Path(name).parent
            self.open_path(Path(name))

    def open_hub_dialog(self) -> None:
        """Ask for the name of a model of the Hub, and open it."""
        name, wanted = QInputDialog.getText(
            self._window,
            "Open from the Hub",
            "Name of the model, such as owner/name or owner/name@revision:",
        )
        name = name.strip().removeprefix("hf://")
        if wanted and name:
            self.open_model(f"hf://{name}")

    def open_folder_dialog(self) -> None:
        """Let a person choose a model's folder."""
        name = QFileDialog.getExistingDirectory(
            self._window, "Open a model's folder", str(self.folder)
        )
        if name:
            self.folder = Path(name).parent
            self.open_model(Path(name))

    def open_model(self, target: str | Path, *, agreed: bool = False) -> None:
        """Explore a model; the one on screen stays until the other has drawn a frame.

        ``agreed`` is whether it may be downloaded where it is large; otherwise that is asked.
        """
        wish = self._wish = object()

        def not_wanted() -> None:
            if self._wish is wish:  # rather than that another is wanted instead
                self._host.nothing_opened()

        self._store.open(
            target,
            self._opened,
            self._host.opening_failed,
            not_wanted,
            untrusted=lambda question: self.questions.ask_trust(
                question, lambda: self.open_model(target)
            ),
            agreed=agreed,
            large=lambda refused: ask_download(
                self._window, refused, lambda: self.open_model(target, agreed=True), not_wanted
            ),
        )

    def ask_again(self) -> None:
        """Show what was assumed of the current model, and let it be changed."""
        loaded = self._store.loaded(self._session.scene.model.id)
        if loaded is not None:
            self.questions.ask_again(loaded, self._answered)

    def _answered(self, loaded: Loaded) -> None:
        self.remember(loaded)
        self._host.show_loaded(loaded)

    def save_bundle_dialog(self) -> None:
        """Let a person choose where the current model goes as a bundle."""
        cited = self._session.cite(self._session.scene.model, None)
        loaded = self._store.loaded(cited.id)
        if loaded is None:
            return
        proposal = self.folder / f"{loaded.ref.name}-bundle"
        name, _ = QFileDialog.getSaveFileName(
            self._window,
            "Save as a bundle (a folder)",
            str(proposal),
            options=QFileDialog.Option.DontConfirmOverwrite,
        )
        if name:
            self.save_bundle(Path(name), loaded)

    def save_bundle(self, path: Path, loaded: Loaded) -> None:
        """Write the model as a folder that opens anywhere; one that is there is left alone."""
        try:
            inside = in_another(path)
        except OSError as error:
            self._host.tell(f"{path.name} cannot be saved: {error.strerror}.", "error")
            return
        if inside:
            self._host.tell(inside, "error")
            return
        self.folder = path.parent

        def work(progress: Progress) -> Bundle:
            from genviewer.engine.convert import convert

            return convert(loaded.bundle, path, progress=progress)

        def failed(error: Exception) -> None:
            reason = getattr(error, "strerror", None) or str(error)
            self._host.tell(f"{path.name} cannot be saved: {reason.rstrip('.')}.", "error")

        def done(bundle: Bundle) -> None:
            name = bundle.spec.name
            self._set_recent(self.recent.with_model(RecentModel(str(path), name, bundle.model_id)))
            self._host.tell(f"Saved {name} as the bundle {path.name}.")

        self._background.submit(work, f"Saving the bundle {path.name}", done=done, failed=failed)

    def compare_with(self, target: str | Path) -> None:
        """Open a model in a pane of its own, beside the current sample."""

        def ready(loaded: Loaded) -> None:
            self.remember(loaded)
            self._host.compare_loaded(loaded)

        self._store.open(target, ready, lambda text: self._host.tell(text, "error"))

    def _opened(self, loaded: Loaded) -> None:
        self.remember(loaded)
        self._host.show_loaded(loaded)
        for text in loaded.bundle.config.warnings[:SHOWN_WARNINGS]:
            self._host.tell(text, "warning")
        self.questions.ask_if_uncertain(loaded, self._answered)

    def remember(self, loaded: Loaded) -> None:
        """Note where a model is, for the session and among the recent ones."""
        path = str(loaded.bundle.path)
        self._session.model_paths[loaded.ref.id] = path
        self._set_recent(self.recent.with_model(RecentModel(path, loaded.ref.name, loaded.ref.id)))

    def open_path(self, path: Path) -> None:
        """Open whatever was dropped or named, by what it holds: a model, a project, what was
        exported, latents, images to train on, or a training's folder.
        """
        kind = kind_of(path)
        if kind == "project":
            self.open_project(path)
        elif kind == "record":
            self.restoring.open(path)
        elif kind == "latents":
            self._host.latents_dropped(path)
        elif kind == "data":
            self._host.data_dropped(path)
        elif kind == "run":
            self._host.run_dropped(path)
        elif path.name in (CONFIG_NAME, WEIGHTS_NAME) and (path.parent / CONFIG_NAME).is_file():
            self.open_model(path.parent)
        else:
            self.open_model(path)

    def open_project_dialog(self) -> None:
        """Let a person choose a project file."""
        name, _ = QFileDialog.getOpenFileName(
            self._window,
            "Open a project",
            str(self.folder),
            f"genviewer projects (*{PROJECT_SUFFIX});;All files (*)",
        )
        if name:
            self.open_project(Path(name))

    def open_project(self, path: Path) -> None:
        """Go to what a project file holds; a bad file changes nothing."""
        self.folder = path.parent
        try:
            state = load_state(path)
        except StateError as error:
            self._set_recent(self.recent.without_project(str(path)))
            self._host.tell(str(error), "error")
            return
        paths = {k: v for k, v in state.model_paths.items() if k not in self._store.paths}
        self._store.paths.update(paths)

        def ready(loaded: Loaded) -> None:
            self._session.specs[loaded.ref.id] = loaded.bundle.spec
            problem = check_recipe(state.scene.recipe, loaded.bundle.spec)
            if problem:
                self._host.opening_failed(f"{path.name} does not fit {loaded.ref.name}: {problem}.")
                return
            self._host.show_loaded(loaded, state.scene.recipe)
            self._session.restore(state)
            self._set_project(path)

        self._store.open(state.scene.model, ready, self._host.opening_failed)

    # saving

    def save_project(self) -> None:
        """Save to the project's file; ask where if it has none."""
        if self.project is None:
            self.save_project_dialog()
        else:
            self._save_project(self.project)

    def save_project_dialog(self) -> None:
        """Let a person choose where to save the project."""
        proposal = self.project or self.folder / f"{self._session.scene.model.name}{PROJECT_SUFFIX}"
        name, _ = QFileDialog.getSaveFileName(
            self._window,
            "Save the project",
            str(proposal),
            f"genviewer projects (*{PROJECT_SUFFIX})",
        )
        if name:
            path = Path(name)
            if path.suffix.lower() != PROJECT_SUFFIX:
                path = path.with_name(path.name + PROJECT_SUFFIX)
            self._save_project(path)

    def _save_project(self, path: Path) -> None:
        try:
            save_state(path, self._session.state())
        except OSError as error:
            self._host.tell(f"{path.name} cannot be saved: {error.strerror}.", "error")
            return
        self.folder = path.parent
        self._set_project(path)
        self._host.tell(f"Saved {path.name}.")

    # recent

    def forget_model(self, path: str) -> None:
        """Take a model off the recent ones."""
        self._set_recent(self.recent.without_model(path))

    def remember_data(self, source: str) -> None:
        """A data set, a path or a name, was looked at."""
        self._set_recent(self.recent.with_data(source))

    def _set_project(self, path: Path) -> None:
        self.project = path
        self._set_recent(self.recent.with_project(str(path)))
        self._host.project_changed(path)

    def _set_recent(self, recent: Recent) -> None:
        if recent == self.recent:
            return
        self.recent = recent
        self._host.recent_changed(recent)
        try:
            save_recent(self._recent_file, recent)
        except OSError as error:
            text = f"The list of recent files cannot be kept: {error.strerror}."
            self._host.tell(text, "warning")
