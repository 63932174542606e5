"""Runs a training for the window: start, pause, stop, keep, discard, and what closing means.

The run itself is in a thread of its own, which :mod:`genviewer.ui.training_driver` drives.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from PySide6.QtCore import QObject, Signal

from genviewer.io.bundle import in_another
from genviewer.ui.training_driver import TrainingDriver
from genviewer.ui.training_live import LiveView
from genviewer.ui.training_outcome import Outcome
from genviewer.ui.training_record import (
    LeftRun,
    RunOnDisk,
    forget_record,
    free_folder,
    read_run,
    write_record,
)
from genviewer.ui.training_standing import (
    DISCARDING,
    KEEPING,
    STOPPING,
    standing_of,
    standing_on_disk,
)
from genviewer.ui.widgets.training_panel import Standing, TrainingPanel

if TYPE_CHECKING:
    from collections.abc import Callable

    from genviewer.engine.train_config import TrainConfig
    from genviewer.engine.training_news import News
    from genviewer.io.dataset_survey import Survey
    from genviewer.session.paths import UserFiles
    from genviewer.ui.explorer import Explorer
    from genviewer.ui.models import Loaded
    from genviewer.ui.training_outcome import Host


class Training(QObject):
    """One run at a time. All methods belong to the GUI thread.

    Signals:
        news(object): a News of the run, a few times a second.
        run_changed(object): the folder of the run that is shown now, or None.
        step_shown(int): the picture is drawn with the weights of this step.
        stood(object): the Standing of the run is another one.
    """

    news = Signal(object)
    run_changed = Signal(object)
    step_shown = Signal(int)
    stood = Signal(object)

    def __init__(
        self,
        explorer: Explorer,
        panel: TrainingPanel,
        files: UserFiles,
        host: Host,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._explorer, self._files, self._host = explorer, files, host
        self.panel = panel
        self.live = LiveView(explorer, host.tell, self)
        self.live.step_shown.connect(self.step_shown)
        self._driver = TrainingDriver(explorer, self.live, self)
        self._driver.told.connect(self._told)
        self._driver.ended.connect(self._ended)
        self._folder: Path | None = None
        self._config: TrainConfig | None = None
        self._standing = Standing()
        self._blocked = ""
        self._outcome = Outcome(explorer, self.live, files, host, self)
        self._paused = self._diverged = False
        self._keeping = False  # whether it is being written as a model
        panel.pause_wanted.connect(self.pause)
        panel.resume_wanted.connect(self.resume)
        panel.stop_wanted.connect(self.stop)
        panel.run.keep_checkpoint_wanted.connect(self.keep_checkpoint)
        panel.run.compare_wanted.connect(self.compare)
        explorer.session.changed.connect(lambda _: self._show_comparing())
        panel.run.leave_wanted.connect(self.leave)
        panel.run.discard_wanted.connect(self.discard)

    @property
    def standing(self) -> Standing:
        """How the run stands."""
        return self._standing

    @property
    def folder(self) -> Path | None:
        """The folder of the run that is shown; None where there is none."""
        return self._folder

    @property
    def proposed_place(self) -> Path:
        """A folder for the new model, where nothing is."""
        ref = self.live.ref
        name, number = ref.name if ref is not None else "model", 1
        place = self._files.models / name
        while place.exists():
            number += 1
            place = self._files.models / f"{name}-{number}"
        return place

    # going

    def start(self, config: TrainConfig, base: Loaded, found: Survey | None = None) -> None:
        """Train as ``config`` says, which goes on from the model ``base``; ``found`` is a survey of
        its data, which are looked at anew without one.
        """
        if self._standing.state != "none":
            return
        stamp = time.strftime("%Y%m%d-%H%M%S")
        folder = free_folder(self._files.runs, config.name, stamp)
        self._turn_to(folder, config, base)
        self._driver.start(config, folder, found)
        self._begins(config.steps)

    def pause(self) -> None:
        """Wait before the next step."""
        if self._driver.going:
            self._paused = True
            self._driver.pause()

    def resume(self) -> None:
        """Go on: after a pause, after trouble, or from the checkpoint of a run that had stopped;
        one that diverged does so with a lower learning rate.
        """
        self._paused = False
        if self._driver.going:
            self._driver.resume()
        elif self._folder is not None and not self._keeping:
            self._driver.go_on(self._folder, self._slowed if self._diverged else None)
            self._begins(self._standing.steps)

    def _slowed(self, rate: float) -> None:
        self._host.tell(f"It goes on with a learning rate of {rate:g}.")

    def stop(self) -> None:
        """End after the current step, with a checkpoint."""
        self._when_ended(None)

    def show_step(self, step: int | None) -> None:
        """Draw with the weights of a checkpoint while the training goes on; None follows it."""
        self.live.look_at(step)

    def compare(self) -> None:
        """Show the model as it was beside the one that learns, or that no longer."""
        self.live.compare(not self.live.comparing)
        self._show_comparing()

    def _show_comparing(self) -> None:
        self.panel.run.compare.setChecked(self.live.comparing)

    def set_blocked(self, why: str) -> None:
        """Say why a run cannot be started, or that it can, with an empty text."""
        self._blocked = why
        self._stand(self._standing)

    # what becomes of it

    def keep_checkpoint(self) -> None:
        """Keep the weights that draw the picture now with the run."""
        self.live.keep_newest(lambda at: self._host.tell(f"Step {at:,} is kept with the run."))

    def keep(self, place: Path) -> None:
        """Write what was learned as a model of its own, which then stands wherever the one that
        learned stood. A training that goes on is ended. Where something is, nothing is written.
        """
        try:
            taken = place.exists() and (not place.is_dir() or any(place.iterdir()))
            inside = in_another(place)
        except OSError as error:
            self._host.tell(f"{place.name:.40} cannot be written: {error.strerror}.", "error")
            return
        if taken:
            self._host.tell(f"{place.name} exists already; choose another name.", "error")
            return
        if inside:
            self._host.tell(inside, "error")
            return
        self._when_ended(lambda: self._write_model(place))

    def _write_model(self, place: Path) -> None:
        folder, live = self._folder, self.live
        snapshot = live.newest if live.looking_at is None else live.snapshot
        if folder is None or snapshot is None:
            self._host.tell("Nothing was learned that could be kept.", "warning")
            return
        if self._keeping:
            self._host.tell("It is being written as a model already.", "warning")
            return
        before, self._keeping = self._standing, True
        self._stand_until(KEEPING)

        def failed() -> None:
            self._keeping = False
            self._stand(before)

        self._outcome.keep(folder, self._config, snapshot, place, failed)

    def leave(self) -> None:
        """Go back to the model as it was; the run stays on the disk. Not while it goes on."""
        folder, base = self._folder, self.live.base
        busy = self._driver.going or self._keeping
        if not busy and folder is not None and base is not None:
            self.live.become(base)
            self.no_run()
            self._host.tell(f"The run stays in {folder}.")

    def discard(self) -> None:
        """Go back to the model as it was; the run can be taken back for a while. One that was
        made elsewhere is only closed.
        """
        if self._folder is None or self._keeping:
            return
        own = self._folder.parent == self._files.runs
        self._when_ended(self._discard if own else self.leave)

    def _discard(self, then: Callable[[], object] | None = None) -> None:
        folder, base, ref = self._folder, self.live.base, self.live.ref
        if folder is not None and base is not None and ref is not None:
            self._stand_until(DISCARDING)
            self._outcome.discard(folder, base, ref.name, then)
        elif then is not None:  # it had not begun
            then()

    def remove(self, folder: Path) -> None:
        """Discard a run that is shown no more; it can be taken back for a while."""
        if folder == self._folder:
            self.discard()
        else:
            self._outcome.remove(folder)

    # runs of before

    def open_run(self, folder: Path, base: Loaded) -> None:
        """Show a run that is on the disk and stands still; it can be resumed."""
        if not self.may_open():
            return

        def done(left: RunOnDisk) -> None:
            if not self.may_open():  # one may have been started while this one was read
                return
            self._turn_to(folder, left.config, base)
            self.live.show_first = True
            if left.snapshot is not None:
                self.live.follow(left.snapshot)
            model = left.snapshot is not None
            self._stand(standing_on_disk(left.step, left.config.steps, model=model))

        self._explorer.jobs.submit(
            lambda _: read_run(folder),
            f"Opening the run {folder.name}",
            key="open run",
            done=done,
            failed=lambda error: self._failed(str(error)),
        )

    def may_open(self) -> bool:
        """Whether no run is shown, so that another can be; if one is, it is told."""
        if self._standing.state != "none":
            self._host.tell("Another training is open; keep or discard it first.", "warning")
            return False
        return True

    def show_watched(self, news: News) -> None:
        """Show how the run goes that was opened here and is trained by another process."""
        if self._driver.going or self._keeping or news.folder != self._folder:
            return
        if news.snapshot is not None:
            self.live.follow(news.snapshot)
        self._stand(
            Standing(
                news.state,
                news.step,
                news.steps,
                sentence=news.sentence,
                model=self._standing.model or news.snapshot is not None,
                watched=news.state == "running",
            )
        )
        self.news.emit(news)

    def open_left(self, left: LeftRun) -> None:
        """Show the run that was left when the window was closed."""
        self._explorer.store.open(
            Path(left.base), lambda base: self.open_run(Path(left.folder), base), self._failed
        )

    # closing

    @property
    def going(self) -> bool:
        """Whether a training would be interrupted by the window's end."""
        return self._driver.going

    def end_for_good(self, discard: bool, then: Callable[[], object]) -> None:
        """End the training, to be resumed later or discarded; ``then`` is called afterwards."""
        self._when_ended((lambda: self._discard(then)) if discard else then)

    def close(self) -> None:
        """Nothing comes after this; what is cited is on the disk."""
        self._driver.close()
        self.live.close()
        self._outcome.close()

    # how it goes

    def _begins(self, steps: int) -> None:
        self.panel.show_page("run")
        before = self._standing
        self._stand(
            Standing("starting", before.step, steps, sentence="Starting.", model=before.model)
        )

    def _told(self, news: News) -> None:
        for text in news.notices:
            self._host.tell(text, "warning")
        if news.snapshot is not None:
            self.live.follow(news.snapshot)
        before, now = self._standing, standing_of(news, self._standing, asked=self._paused)
        if now.state == "paused" and now.advice and before.state != "paused":
            self._host.tell(now.sentence, "warning")
        self._stand(now)
        self.news.emit(news)

    def _ended(self, news: News) -> None:
        self._diverged = news.diverged
        folder = self._folder
        if news.state == "failed":
            self._host.tell(news.sentence, "error")
        # Where there are weights, it was deleted meanwhile, and they can still be kept.
        begun = self.live.newest is not None
        if folder is not None and not begun and not (folder / "train.toml").is_file():
            self._never_begun()

    def _never_begun(self) -> None:
        """There is no run: the data, or the configuration, did not let it begin, or it was stopped
        before they were read.
        """
        base = self.live.base
        if base is not None:
            self.live.become(base)
        self.no_run()

    def _when_ended(self, then: Callable[[], object] | None) -> None:
        if not self._driver.going:
            if then is not None:
                then()
            return
        self._stand_until(STOPPING)
        self._driver.end(then)

    def _turn_to(self, folder: Path, config: TrainConfig, base: Loaded) -> None:
        self._folder, self._config, name = folder, config, config.name
        self._paused = self._diverged = False
        self.live.begin(folder, base, name)
        try:
            write_record(
                self._files.training, LeftRun(str(folder), name, str(base.bundle.path.absolute()))
            )
        except OSError as error:
            self._host.tell(f"The run cannot be remembered: {error.strerror}.", "warning")
        self.run_changed.emit(folder)

    def no_run(self) -> None:
        """No run is shown any more."""
        self._folder, self._config, self._keeping = None, None, False
        self._stand(Standing())
        try:
            forget_record(self._files.training)
        except OSError as error:
            self._host.tell(f"The run cannot be forgotten: {error.strerror}.", "warning")
        self.run_changed.emit(None)

    def _stand(self, standing: Standing) -> None:
        self._standing = msgspec.structs.replace(standing, blocked=self._blocked)
        self.panel.set_standing(self._standing)
        self.stood.emit(self._standing)

    def _stand_until(self, sentence: str) -> None:
        """Nothing can be done about the run until what the sentence says is done."""
        self._stand(
            msgspec.structs.replace(
                self._standing, state="stopping", sentence=sentence, advice="", watched=False
            )
        )

    def _failed(self, text: str) -> None:
        self._host.tell(text, "error")
