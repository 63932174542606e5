"""What the actions of the Training menu do; the rest of it is made when it is first asked for."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QFileDialog, QInputDialog, QMessageBox

from genviewer.ui.question_box import question_box
from genviewer.ui.training_record import began_as, read_record

if TYPE_CHECKING:
    from collections.abc import Callable

    from genviewer.ui.main_window import MainWindow
    from genviewer.ui.training import Training
    from genviewer.ui.training_record import LeftRun
    from genviewer.ui.widgets.training_panel import Standing, TrainingPanel

DATA_FILTER = "Images to train on (*.zip *.npz *.csv *.parquet *-ubyte *-ubyte.gz);;All files (*)"
HUB_PREFIX = "hf-data://"
OFFER_AFTER_MS = 3000
"""A run that was left is offered when the first picture has been looked at."""

DOCK = "show_training"


class TrainingCommands:
    """The handlers of the training's actions, and what closing the window means (GUI thread)."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self._box: QMessageBox | None = None
        self._closing = False
        self._offer = QTimer(window)
        self._offer.setSingleShot(True)
        self._offer.setInterval(OFFER_AFTER_MS)
        self._offer.timeout.connect(self.offer_left)
        self._offer.start()

    def handlers(self) -> dict[str, Callable[..., object]]:
        """A handler for every row of the menu."""
        return {
            "train_folder": lambda: self.folder_dialog(),
            "train_file": lambda: self.file_dialog(),
            "train_hub": lambda: self.hub_dialog(),
            "train_go": self.go,
            "train_stop": lambda: self._training.stop(),
            "train_live": lambda: self._training.live.show(),
            "train_compare": lambda: self._training.compare(),
            "train_checkpoint": lambda: self._training.keep_checkpoint(),
            "train_keep": lambda: self.keep_dialog(),
            "train_leave": lambda: self._training.leave(),
            "train_discard": lambda: self._training.discard(),
            "train_open_run": lambda: self.run_dialog(),
        }

    @property
    def _training(self) -> Training:
        return self._window.later.training

    @property
    def made(self) -> Training | None:
        """The training's controller, if it was asked for."""
        return vars(self._window.later).get("training")

    def _panel(self) -> TrainingPanel:
        self._window.docks.show(DOCK, True)
        return self._training.panel

    def standing_changed(self, standing: Standing) -> None:
        """Offer what can be done about the run."""
        actions, going = self._window.actions_by_id, standing.going
        actions["train_stop"].setEnabled(going and standing.state != "stopping")
        for name in ("train_live", "train_compare", "train_checkpoint", "train_keep"):
            actions[name].setEnabled(standing.model)
        actions["train_leave"].setEnabled(standing.state != "none" and not going)
        settled = standing.state not in ("none", "stopping")
        actions["train_discard"].setEnabled(settled and not standing.watched)

    def go(self) -> None:
        """What the panel's large button does. The panel comes to the front to begin; who pauses
        may be looking at the timeline. What becomes of the result is asked in the panel only.
        """
        panel = self._training.panel if self._training.going else self._panel()
        if self._training.standing.state != "finished":
            panel.main.click()

    def nothing_yet(self) -> None:
        """Before there is a training, nothing can be done with it."""
        for name in ("stop", "live", "compare", "checkpoint", "keep", "leave", "discard"):
            self._window.actions_by_id[f"train_{name}"].setEnabled(False)

    # data

    def folder_dialog(self) -> None:
        """Let a person choose a folder of images to train on."""
        files = self._window.files
        name = QFileDialog.getExistingDirectory(
            self._window, "Open a folder of images to train on", str(files.folder)
        )
        if name:
            files.folder = Path(name).parent
            self.survey(name)

    def file_dialog(self) -> None:
        """Let a person choose a file of images to train on."""
        files = self._window.files
        name, _ = QFileDialog.getOpenFileName(
            self._window, "Open a file of images to train on", str(files.folder), DATA_FILTER
        )
        if name:
            files.folder = Path(name).parent
            self.survey(name)

    def hub_dialog(self) -> None:
        """Ask for the name of a data set of the Hub."""
        name, wanted = QInputDialog.getText(
            self._window,
            "Images from the Hub",
            "Name of the data set, such as owner/name or owner/name@revision:",
        )
        name = name.strip().removeprefix(HUB_PREFIX)
        if wanted and name:
            self.survey(HUB_PREFIX + name)

    def survey(self, source: str) -> None:
        """Look at a data set in the panel."""
        panel = self._panel()
        panel.show_page("data")
        self._window.later.training_setup.survey(source)

    # what becomes of it

    def keep_dialog(self) -> None:
        """Let a person choose where the new model goes, and keep it there."""
        training = self._training
        proposed = training.proposed_place
        with suppress(OSError):  # or the dialog would be in a folder that is none of the models'
            proposed.parent.mkdir(parents=True, exist_ok=True)
        name, _ = QFileDialog.getSaveFileName(
            self._window,
            "Keep as a new model (a folder)",
            str(proposed),
            options=QFileDialog.Option.DontConfirmOverwrite,
        )
        if name:
            training.keep(Path(name))

    def run_dialog(self) -> None:
        """Let a person choose the folder of a run that stands still."""
        name = QFileDialog.getExistingDirectory(
            self._window, "Open the folder of a training", str(self._window.user_files.runs)
        )
        if name:
            self.open_run(Path(name))

    def open_run(self, folder: Path) -> None:
        """Show a run that is on the disk, as going on from the model that it began as, or from the
        current one where that is not at hand.
        """
        window, training = self._window, self._training
        if not training.may_open():
            return
        self._panel().show_page("run")
        store = window.explorer.store

        def from_current(why: str = "") -> None:
            current = store.loaded(window.session.scene.model.id)
            if current is None:
                text = why or f"{folder.name} does not say what it began as."
                window.tell(f"{text} Open a model, then the run again.", "warning")
                return
            if why:
                window.tell(f"{why} {current.ref.name} stands for it.", "warning")
            training.open_run(folder, current)

        def found(start: tuple[Path, dict[str, str]] | None) -> None:
            if start is None:
                from_current()
                return
            place, settings = start
            for loaded in store.at_hand:
                bundle = loaded.bundle
                if bundle.path == place and (not settings or dict(bundle.settings) == settings):
                    training.open_run(folder, loaded)
                    return
            store.open(
                place,
                lambda base: training.open_run(folder, base),
                from_current,
                key="open run",
                settings=settings or None,
            )

        window.explorer.jobs.submit(
            lambda _: began_as(folder),
            f"Opening the run {folder.name}",
            key="open run",
            done=found,
            failed=lambda error: window.tell(str(error), "error"),
        )

    def offer_left(self) -> None:
        """Offer the run that was neither kept nor discarded when the window was closed."""
        left = read_record(self._window.user_files.training)
        idle = self.made is None or self.made.standing.state == "none"
        if left is not None and idle:
            self._window.notices.show_notice(
                f"The training of {left.name} was neither kept nor discarded.",
                "warning",
                ("Open", lambda: self._open_left(left)),
            )

    def _open_left(self, left: LeftRun) -> None:
        self._panel().show_page("run")
        self._training.open_left(left)

    # closing

    def may_close(self) -> bool:
        """Whether the window may close now. A training that goes on is asked about, once; the
        answer closes the window when the run has ended.
        """
        training = self.made
        if training is None or not training.going:
            return True
        if self._box is None and not self._closing:
            self._ask(training)
        return False

    def _ask(self, training: Training) -> None:
        standing = training.standing
        box = question_box(
            self._window,
            "A training goes on",
            f"The training stands at step {standing.step:,} of {standing.steps:,}.",
            "If the run is kept, it can go on at the next start.",
        )
        stop = box.addButton("Stop and Keep the Run", QMessageBox.ButtonRole.AcceptRole)
        discard = box.addButton("Discard the Run", QMessageBox.ButtonRole.DestructiveRole)
        box.setDefaultButton(stop)
        self._box = box

        def answered() -> None:
            self._box = None
            chosen = box.clickedButton()
            box.deleteLater()
            if chosen in (stop, discard):
                self._closing = True
                self._window.tell("Ending the training…")
                training.end_for_good(chosen is discard, self._window.close)

        box.finished.connect(answered)
        box.open()
