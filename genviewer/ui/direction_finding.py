"""Directions of a model, found in the background: in its own layers and samples, or in images."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFileDialog

from genviewer.ui.models import Live

if TYPE_CHECKING:
    from collections.abc import Callable

    from genviewer.core.directions import Directions
    from genviewer.core.recipe import ModelRef
    from genviewer.engine.jobs import Progress
    from genviewer.ui.background import Background
    from genviewer.ui.models import Loaded
    from genviewer.ui.widgets.direction_panel import DirectionPanel

COUNT = 6
"""So many principal components or factors are offered at once."""

MOST_PLACES = 3
DATA_FILTER = "Data sets (*.npz *.zip *.csv *.parquet *-ubyte *.gz);;All files (*)"


class DirectionFinding:
    """Does what the panel's menu asks for (GUI thread).

    Args:
        panel: whose menu it is.
        jobs: the lane.
        current: gives the current model; None, said in words, where there is none.
        join: ((model id, space), directions, text) takes what was found.
        tell: (text, severity) says something.
    """

    def __init__(
        self,
        panel: DirectionPanel,
        jobs: Background,
        current: Callable[[], Loaded | None],
        join: Callable[[tuple[str, str], Directions, str], None],
        tell: Callable[[str, str], None],
    ) -> None:
        self._panel, self._jobs = panel, jobs
        self._current, self._join, self._tell = current, join, tell
        self._places: list[str] = []
        self._place = Path.home()
        panel.find_wanted.connect(self.find)
        panel.find_in_images_wanted.connect(self._find_in_place)

    def offer(self, why_not_images: str) -> None:
        """Say in the menu why there are no directions in images; empty where there are."""
        self._panel.set_ways(why_not_images, self._places)

    def find(self, method: str) -> None:
        """Find directions in the model itself: ``attribute``, ``pca`` or ``sefa``."""
        loaded = self._current()
        if loaded is None:
            return
        bundle = loaded.bundle

        def work(progress: Progress) -> Directions:
            if method == "attribute":
                from genviewer.engine.directions_attributes import found_in_attributes

                return found_in_attributes(bundle, progress=progress.report)
            from genviewer.engine.directions import found_in_model

            found = found_in_model(bundle, "pca" if method == "pca" else "sefa", COUNT)
            return _called(found, {"pca": "PCA", "sefa": "SeFa"}[method])

        self._find(loaded, work)

    def _find_in_place(self, method: str, place: str) -> None:
        if place == "folder":
            source = QFileDialog.getExistingDirectory(
                self._panel, "A folder of images", str(self._place)
            )
        elif place == "file":
            source, _ = QFileDialog.getOpenFileName(
                self._panel, "A data set", str(self._place), DATA_FILTER
            )
        else:
            source = place
        if source:
            self.find_in_images(method, source)

    def find_in_images(self, method: str, source: str) -> None:
        """Find directions in a data set: between its classes, or by PCA of its latents."""
        loaded = self._current()
        if loaded is None:
            return
        self._place = Path(source).parent
        if source not in self._places:
            self._places = [source, *self._places][:MOST_PLACES]
        bundle, way = loaded.bundle, "class" if method == "class" else "pca"
        self.offer("")

        def work(progress: Progress) -> Directions:
            from genviewer.engine.directions_images import found_in_images

            found = found_in_images(bundle, source, way, COUNT, progress)  # type: ignore[arg-type]
            return _called(found, "class" if way == "class" else "latent PCA")

        self._find(loaded, work)

    def _find(self, loaded: Loaded, work: Callable[[Progress], Directions]) -> None:
        model = origin_of(loaded).id
        self._panel.set_busy(True)

        def done(found: Directions) -> None:
            self._panel.set_busy(False)
            self._join((model, found.space), found, "")

        def failed(error: Exception) -> None:
            self._panel.set_busy(False)
            self._tell(f"{str(error) or 'No directions could be found'}", "error")

        self._jobs.submit(
            work,
            f"Finding directions of {loaded.ref.name}",
            key="find directions",
            done=done,
            failed=failed,
            cancelled=lambda: self._panel.set_busy(False),
        )


def origin_of(loaded: Loaded) -> ModelRef:
    """The model that directions belong to: one in training has those of what it began as."""
    return loaded.base.ref if isinstance(loaded, Live) else loaded.ref


def _called(found: Directions, what: str) -> Directions:
    """The directions with names that say how they were found."""
    names = [name.rpartition(" ")[2] if found.method != "class" else name for name in found.names]
    return replace(found, names=tuple(f"{what} {name}" for name in names))
