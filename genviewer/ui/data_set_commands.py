"""Writing data sets of samples in the background."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt

from genviewer.engine.score import Rejection, Scorer
from genviewer.ui.time_left import TimeLeft

if TYPE_CHECKING:
    from PySide6.QtWidgets import QDialog

    from genviewer.core.dataset_plan import DatasetPlan
    from genviewer.core.recipe import Recipe
    from genviewer.engine.export_dataset import Exported
    from genviewer.engine.generator import Generator
    from genviewer.engine.jobs import Job, Progress
    from genviewer.io.bundle import Bundle
    from genviewer.ui.main_window import MainWindow
    from genviewer.ui.models import Loaded


class CancellableScorer(Scorer):
    """A Scorer that stops between two samples: finding the threshold takes many of them."""

    def __init__(self, bundle: Bundle, generator: Generator, progress: Progress) -> None:
        super().__init__(bundle, generator)
        self._progress = progress

    def score(self, recipe: Recipe) -> float:
        self._progress.check()
        return super().score(recipe)


class DataSetCommands:
    """Exports data sets for a window (GUI thread).

    Attributes:
        dialog: the one that was opened last; None once it is gone.
    """

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self.dialog: QDialog | None = None

    def ask(self) -> None:
        """Ask for a data set of the current model."""
        window = self._window
        model = window.session.cite(window.session.scene.model, None)
        loaded = window.explorer.store.loaded(model.id)
        if loaded is None:
            window.tell("There is no model yet to draw a data set.", "warning")
            return
        from genviewer.ui.data_set_dialog import DataSetDialog

        folder = window.files.folder / f"{Path(model.name).name}-samples"
        dialog = DataSetDialog(window, loaded, folder, window.session.controls.seed)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.accepted.connect(lambda: self.export(dialog.folder.path, dialog.plan(), loaded))
        dialog.destroyed.connect(lambda: self._gone(dialog))
        self.dialog = dialog
        dialog.open()

    def _gone(self, dialog: QDialog) -> None:
        if self.dialog is dialog:
            self.dialog = None

    def export(self, folder: Path, plan: DatasetPlan, loaded: Loaded) -> Job:
        """Write a data set, or what is missing of it; what is complete is kept when cancelled."""
        window = self._window
        window.files.folder = folder.parent

        def work(progress: Progress) -> Exported:
            from genviewer.engine.export_dataset import export_dataset

            rejection = None
            if plan.reject:
                progress.report(0.0, f"Scoring samples of {plan.model.name}")
                scorer = CancellableScorer(loaded.bundle, loaded.generator, progress)
                rejection = Rejection(scorer, plan)
            told = TimeLeft(progress, f"Exporting {folder.name}")
            return export_dataset(
                folder, plan, loaded.generator, rejection=rejection, progress=told
            )

        def done(exported: Exported) -> None:
            less = f", less {exported.duplicates} that were twice" if exported.duplicates else ""
            window.tell(f"{plan.count:,} samples{less} are in {folder.name}.")

        return window.explorer.exports.submit(
            work,
            f"Exporting {folder.name}",
            done=done,
            failed=lambda error: window.tell(str(error), "error"),
            cancelled=lambda: window.tell(
                f"What is complete is kept: export into {folder.name} again to go on."
            ),
        )
