"""Saves the current sample over the steps of a training."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genviewer.session.fit import check_recipe
from genviewer.ui.time_left import TimeLeft

if TYPE_CHECKING:
    from pathlib import Path

    from genviewer.core.recipe import Recipe
    from genviewer.engine.jobs import Progress
    from genviewer.ui.film_dialog import FilmChoice
    from genviewer.ui.main_window import MainWindow
    from genviewer.ui.timeline import Timeline

SIDE = 512
"""The film is proposed about so large."""


class TimelineFilm:
    """Asks for a film and writes it in the lane of the exports (GUI thread)."""

    def __init__(self, window: MainWindow, timeline: Timeline) -> None:
        self._window, self._timeline = window, timeline

    def ask(self) -> None:
        """Ask how the current sample is to be saved over the steps there are now."""
        window, folder, steps = self._window, self._timeline.folder, self._timeline.steps
        spec, scene = self._timeline.spec, window.session.scene
        if folder is None or spec is None or not steps:
            window.tell("There are no steps to make a film of yet.", "warning")
            return
        why_not = check_recipe(scene.recipe, spec)
        if why_not is not None:
            window.tell(f"The trained model cannot draw the current sample: {why_not}.", "warning")
            return
        from genviewer.ui.film_dialog import FilmDialog

        size = (spec.image.width, spec.image.height)
        path = window.files.folder / f"{window.exports.proposed_name(scene)}-training.mp4"
        dialog = FilmDialog(window, len(steps), size, max(1, SIDE // max(size)), path)
        window.exports.ask(dialog, lambda: self._save(dialog.choice(), folder, steps, scene.recipe))

    def _save(
        self, choice: FilmChoice, folder: Path, steps: tuple[int, ...], recipe: Recipe
    ) -> None:
        def work(progress: Progress) -> None:
            from genviewer.engine.run_timeline import RunTimeline
            from genviewer.engine.timeline_film import save_film

            save_film(
                choice.path,
                RunTimeline(folder),
                steps,
                recipe,
                seconds=choice.seconds,
                fps=choice.fps,
                picture=choice.picture,
                overwrite=choice.replace,
                progress=TimeLeft(progress, f"Saving {choice.path.name}"),
            )

        self._window.exports.submit(work, choice.path)
