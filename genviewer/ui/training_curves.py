"""The curves of the run that is shown: what was measured before, and what comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QUrl
from PySide6.QtGui import QDesktopServices

from genviewer.engine.run_watcher import RunWatcher
from genviewer.ui.widgets.curve_data import columns_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from genviewer.engine.jobs import Progress
    from genviewer.engine.training_news import News
    from genviewer.ui.background import Background
    from genviewer.ui.training import Training
    from genviewer.ui.widgets.curve_data import Columns
    from genviewer.ui.widgets.curves import Curves

MOST_ROWS = 500_000
"""So many of the newest are shown; a file may have any number."""


class TrainingCurves(QObject):
    """Keeps curves in step with the run (GUI thread); its file is read in a job lane.

    Args:
        training: whose run it is.
        curves: what shows them.
        looks: the lane in which the file is read.
        tell: (text, severity) says something.
    """

    def __init__(
        self,
        training: Training,
        curves: Curves,
        looks: Background,
        tell: Callable[[str, str], None],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.curves, self._looks, self._tell = curves, looks, tell
        self._folder: Path | None = None
        self._waiting: list[dict[str, float]] | None = None
        training.run_changed.connect(self._show_run)
        training.news.connect(self._show_news)
        curves.file_wanted.connect(self._show_file)
        self._show_run(training.folder)

    def _show_run(self, folder: Path | None) -> None:
        """Show the curves of the run in a folder from its first step on."""
        self._folder = folder
        self.curves.clear()
        self.curves.set_file(folder is not None)
        self._waiting = None
        if folder is None:
            return
        # What is measured meanwhile is later than what the file has.
        waiting = self._waiting = []

        def work(progress: Progress) -> Columns:
            watcher = RunWatcher(folder)
            rows: list[dict[str, float]] = []
            while (new := watcher.poll()) is not None:  # a piece of the file at a time
                progress.check()
                rows = [*new.rows] if new.restarted else [*rows, *new.rows]
                rows = rows[-MOST_ROWS:]
            return columns_of(rows)

        def show(columns: Columns) -> None:
            if self._waiting is waiting:
                self._waiting = None
                if waiting:
                    until = waiting[0]["step"]
                    columns = {k: (x[x < until], y[x < until]) for k, (x, y) in columns.items()}
                self.curves.extend(columns)
                self.curves.append(waiting)

        def failed(error: Exception) -> None:
            self._tell(f"The curves of {folder.name} cannot be read: {error}", "warning")
            show({})

        what = f"Reading the curves of {folder.name}"
        self._looks.submit(work, what, done=show, failed=failed, quiet=True)

    def _show_news(self, news: News) -> None:
        if self._waiting is not None:
            self._waiting += news.rows
        elif news.rows:
            self.curves.append(news.rows)

    def _show_file(self) -> None:
        folder = self._folder
        if folder is None:
            return
        if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder))):
            self._tell(f"No program shows folders here; the numbers are in {folder}.", "warning")
