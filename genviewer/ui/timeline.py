"""The timeline of a training: the Scene with the weights of any step, before beside after, and the
pinned samples over the steps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import QObject, QTimer

from genviewer.engine.run_timeline import RunTimeline
from genviewer.engine.timeline_pictures import TimelinePictures, draw_step
from genviewer.session import edits
from genviewer.session.fit import check_recipe

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from genviewer.core.recipe import Recipe
    from genviewer.core.spec import Spec
    from genviewer.engine.jobs import Progress
    from genviewer.engine.live_generator import LiveGenerators
    from genviewer.engine.training_news import News
    from genviewer.session.session import Session
    from genviewer.ui.background import Background
    from genviewer.ui.training import Training
    from genviewer.ui.widgets.timeline_panel import TimelinePanel

MOST_PINS = 24
REST_MS = 300
"""The current sample's row follows when the hand has rested so long."""
GOING = ("starting", "running", "paused", "stopping")


class _Row(NamedTuple):
    name: str
    recipe: Recipe


class Timeline(QObject):
    """Keeps the panel in step with the run (GUI thread); tiles are drawn in a lane.

    Args:
        session: whose Scene is looked at, and whose pins are shown over time.
        panel: what shows the steps.
        training: whose steps they are, and which draws the Scene with the weights of any.
        looks: the lane in which tiles are drawn.
        tell: (text, severity) says something.
    """

    def __init__(
        self,
        session: Session,
        panel: TimelinePanel,
        training: Training,
        looks: Background,
        tell: Callable[[str, str], None],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._session, self.panel = session, panel
        self._training, self._live = training, training.live
        self._looks, self._tell = looks, tell
        self._pictures = TimelinePictures()
        self._generators: LiveGenerators | None = None  # of the lane alone
        self._folder: Path | None = None
        self._steps: tuple[int, ...] = ()
        self._rows: tuple[_Row, ...] = ()
        self._drawing = self._failed = False
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(REST_MS)
        self._rest.timeout.connect(self._show_rows)
        session.changed.connect(lambda _: self._scene_changed())
        session.pins_changed.connect(lambda: self._rest.start())
        training.run_changed.connect(self.show_run)
        training.news.connect(self._show_news)
        training.step_shown.connect(self._step_shown)
        panel.step_wanted.connect(self.go_to)
        panel.sample_wanted.connect(self._go_to_sample)
        panel.compare_toggled.connect(self.compare)
        panel.strip.tiles_wanted.connect(self._show_tiles)
        panel.seen.connect(self._show_rows)
        self.show_run(training.folder)

    # the run

    @property
    def folder(self) -> Path | None:
        """The run whose steps are shown."""
        return self._folder

    @property
    def steps(self) -> tuple[int, ...]:
        """The steps that can be looked at."""
        return self._steps

    def show_run(self, folder: Path | None) -> None:
        """Show the steps of the run in a folder, or that there is none."""
        if folder != self._folder:
            self._folder, self._failed = folder, False
            self._pictures.clear()
            self._steps = ()
            self.panel.set_steps(())
            self._rest.start()
        if folder is not None:
            self._show_steps(RunTimeline(folder).steps())
        self._show_standing()

    def _show_standing(self) -> None:
        standing = self._training.standing
        self.panel.set_run(self._folder is not None, standing.state in GOING, standing.steps)
        self.panel.set_current(self._live.looking_at)
        self._show_comparing()

    def _show_news(self, news: News) -> None:
        if self._folder is not None:
            if news.checkpoints:
                self._show_steps(news.checkpoints)
            self._show_standing()

    def _show_steps(self, steps: Sequence[int]) -> None:
        if tuple(steps) == self._steps:
            return
        self._steps = tuple(steps)
        self._failed = False
        self._pictures.keep_steps(steps)
        self.panel.set_steps(steps)
        looking = self._live.looking_at
        if looking is not None and looking not in self._steps:
            self.go_to(None)  # the run went back, and that step will come again
        if not self._rows:
            self._rest.start()

    # which step

    def go_to(self, step: int | None) -> None:
        """Draw the Scene with the weights of a step, or follow the training again: None."""
        if self._folder is not None:
            self.panel.set_current(step)
            self._training.show_step(step)

    def _step_shown(self, _step: int) -> None:
        if self._folder is not None:
            if not self._rows:
                self._rest.start()  # now it is known what the model can draw
            self._show_standing()

    def _go_to_sample(self, row: int, step: int) -> None:
        """Look at a tile: its sample, with the weights of its step."""
        self.go_to(step)
        model = self._live.ref
        if model is None or not 0 <= row < len(self._rows):
            return
        recipe, scene = self._rows[row].recipe, self._session.scene
        if scene.model.id == model.id or any(p.model.id == model.id for p in scene.panes):
            if recipe != scene.recipe:
                self._session.edit_recipe(recipe)
        else:
            edits.go_to(self._session, model, recipe)

    # before and after

    def compare(self, on: bool) -> None:
        """Show the model as it was before the training beside it, or that no longer."""
        self._live.compare(on)
        self._show_comparing()

    def _show_comparing(self) -> None:
        possible = self._folder is not None and self._live.snapshot is not None
        why_not = "There is no training to compare with."
        if self._folder is not None:
            why_not = "The first weights of the training are on their way."
        self.panel.set_comparing(self._live.comparing, possible, why_not)

    # the strip

    def tile_pixels(self, row: int, step: int) -> NDArray[np.uint8] | None:
        """What a tile shows: uint8 (h, w, C), or None while it is not drawn."""
        return self._pictures.get(step, self._rows[row].recipe) if row < len(self._rows) else None

    def _scene_changed(self) -> None:
        if self._folder is not None:
            self._show_comparing()
            self._rest.start()

    @property
    def spec(self) -> Spec | None:
        """What the model that is trained can draw."""
        snapshot = self._live.snapshot
        return snapshot.config.spec if snapshot is not None else None

    def _show_rows(self) -> None:
        """The current sample and the pins that the model can draw, one row each."""
        spec, session = self.spec, self._session
        if spec is None or self._folder is None or not self.panel.isVisible():
            if self._folder is None:
                self._rows = ()
                self.panel.strip.set_rows(())
            return
        rows = [_Row("Current sample", session.scene.recipe)]
        rows += [_Row(pin.name, pin.pane.recipe) for pin in session.pins[:MOST_PINS]]
        before = self._rows
        self._rows = tuple(row for row in rows if check_recipe(row.recipe, spec) is None)
        names = [row.name for row in self._rows]
        if names != [row.name for row in before]:
            self.panel.strip.set_rows(names)
        self._failed = False
        self._show_tiles()

    def _show_tiles(self) -> None:
        """Show what was drawn, and draw what is missing."""
        strip = self.panel.strip
        for step in strip.tiled_steps:
            for place, row in enumerate(self._rows):
                pixels = self._pictures.get(step, row.recipe)
                if pixels is not None:
                    strip.set_picture(place, step, pixels)
        self._draw_next()

    def _missing(self) -> tuple[int, list[Recipe]] | None:
        """A step whose tiles are to be drawn next: the one looked at, then from the newest."""
        steps = sorted(self.panel.strip.tiled_steps, reverse=True)
        looking = self._live.looking_at
        if looking in steps:
            steps = [looking, *(step for step in steps if step != looking)]
        for step in steps:
            recipes = [r.recipe for r in self._rows if self._pictures.get(step, r.recipe) is None]
            if recipes:
                return step, list(dict.fromkeys(recipes))
        return None

    def _draw_next(self) -> None:
        folder = self._folder
        if self._drawing or self._failed or folder is None or not self.panel.isVisible():
            return
        if self._live.ref is None:
            return  # it is being put aside
        missing = self._missing()
        if missing is None:
            return
        step, recipes = missing
        self._drawing = True

        def work(progress: Progress) -> list[tuple[Recipe, NDArray[np.uint8]]]:
            from genviewer.engine.live_generator import LiveGenerators

            if self._generators is None:
                self._generators = LiveGenerators()
            return draw_step(RunTimeline(folder), self._generators, step, recipes, progress)

        def show(drawn: list[tuple[Recipe, NDArray[np.uint8]]]) -> None:
            self._drawing = False
            if folder == self._folder:
                if step in self._steps:
                    self._pictures.put(step, drawn)
                    self._show_pictures(step)
                self._draw_next()

        def failed(error: Exception) -> None:
            self._drawing = False
            if folder == self._folder and step in self._steps and self._live.ref is not None:
                # Told once; the next step of the run, or other rows, are a reason to try again.
                self._failed = True
                self._tell(str(error), "warning")

        def cancelled() -> None:
            self._drawing = False

        self._looks.submit(
            work,
            f"Drawing samples of step {step}",
            done=show,
            failed=failed,
            cancelled=cancelled,
            quiet=True,
        )

    def _show_pictures(self, step: int) -> None:
        for place, row in enumerate(self._rows):
            pixels = self._pictures.get(step, row.recipe)
            if pixels is not None:
                self.panel.strip.set_picture(place, step, pixels)
