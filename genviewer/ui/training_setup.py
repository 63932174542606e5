"""What the next training is to be: images, what of the model learns, and how."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import QObject, Signal

from genviewer.engine.finetune import (
    PRESETS,
    class_names,
    finetune_config,
    replay_share,
    what_can_train,
)
from genviewer.engine.jobs import JobLane
from genviewer.io.cancelling import cancelled_by
from genviewer.io.downloading import Downloads, downloading
from genviewer.io.hub import refused_download
from genviewer.ui.background import Background
from genviewer.ui.download_question import ask_download
from genviewer.ui.models import Live
from genviewer.ui.widgets.data_panel import DataPanel
from genviewer.ui.widgets.training_choices import Choices, TrainingChoices

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from genviewer.engine.finetune import Trainable
    from genviewer.engine.jobs import Job, Progress
    from genviewer.engine.train_config import TrainConfig
    from genviewer.io.dataset_gallery import Gallery
    from genviewer.io.dataset_mapping import DataChoices
    from genviewer.io.dataset_survey import Survey
    from genviewer.ui.explorer import Explorer
    from genviewer.ui.models import Loaded
    from genviewer.ui.training import Training

THREADS = 1
"""Threads of a training beside the window: with more it takes what drawing needs."""

NEXT = "This is for the next training: keep, leave or discard the one that is open first."


class Host(Protocol):
    """Who lets a person choose data."""

    def folder_dialog(self) -> None: ...
    def file_dialog(self) -> None: ...
    def hub_dialog(self) -> None: ...


@dataclass(frozen=True, eq=False)
class _Found:
    """A data set, and pictures of it."""

    survey: Survey
    gallery: Gallery


class TrainingSetup(QObject):
    """Keeps the pages of data and choices in step with the model, and makes configurations (GUI
    thread). Data are looked at in a job lane.

    Signals:
        changed(): whether a training could start may be another now.
        surveyed(str): a data set, a path or a name, was looked at and can be used.
    """

    changed = Signal()
    surveyed = Signal(str)

    def __init__(
        self,
        explorer: Explorer,
        host: Host,
        tell: Callable[[str, str], None],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._explorer, self._tell = explorer, tell
        self.data = DataPanel()
        self.how = TrainingChoices([(key, t.label, t.hint) for key, t in PRESETS.items()])
        self._base: Loaded | None = None
        self._possible: Trainable | None = None
        # A lane of its own: opening a model or a look must not wait for a hundred thousand files.
        self._lane = JobLane("data", low_priority=False)
        self._lane.start()
        self._reading = Background(self._lane, explorer.bridge, self)
        self._reading.work_changed.connect(explorer.work_changed)
        explorer.closing.connect(self._close)
        self._job: Job | None = None
        self._proposal: object | None = None  # that is being made
        self._own_choices = False  # whether the person chose more than a preset
        data = self.data
        data.folder_wanted.connect(host.folder_dialog)
        data.file_wanted.connect(host.file_dialog)
        data.hub_wanted.connect(host.hub_dialog)
        data.dropped.connect(self.survey)
        data.cancel_wanted.connect(self.cancel)
        data.changed.connect(self._data_chosen)
        self.how.preset_chosen.connect(lambda _: self._propose(anew=True))
        self.how.edited.connect(self._edited)
        self.how.set_choices(Choices())
        explorer.model_shown.connect(self.show_model)
        loaded = explorer.store.loaded(explorer.session.scene.model.id)
        if loaded is not None:
            self.show_model(loaded)

    @property
    def blocked(self) -> str:
        """Why no training can start; empty if one can."""
        if self._base is None or self._possible is None:
            return "It takes a moment to see what this model can learn."
        if self._possible.why_not:
            return self._possible.why_not
        if self._job is not None:
            return "The images are still being looked at."
        if self._proposal is not None:
            return "It takes a moment to see how these images are learned best."
        if self.data.survey is None:
            return "Drop a folder of images here, or choose one under Data."
        if not self.data.counts[0]:
            return "No image is left to train on: give its class a place under Data."
        return ""

    def drive(self, training: Training) -> None:
        """Let what is set up here be what the training starts with."""

        def follow() -> None:
            training.set_blocked(self.blocked)

        self.changed.connect(follow)
        training.panel.start_wanted.connect(lambda: self.make(training.start))
        training.stood.connect(lambda now: self.how.set_locked("" if now.state == "none" else NEXT))
        follow()

    # the model

    def show_model(self, loaded: Loaded) -> None:
        """Another model is explored: offer what of it can learn."""
        if isinstance(loaded, Live):
            loaded = loaded.base
        if self._is_base(loaded):
            self._base = loaded
            return
        self._base, self._possible = loaded, None
        self.changed.emit()

        def known(possible: Trainable) -> None:
            if self._base is not None and self._is_base(loaded):
                self._offer(self._base, possible)

        self._explorer.looks.submit(
            lambda _: what_can_train(loaded.bundle),
            f"Looking at what {loaded.ref.name} can learn",
            key="what can train",
            done=known,
            failed=self._failed,
            quiet=True,
        )

    def _is_base(self, loaded: Loaded) -> bool:
        """Whether it is the model that is explored, which may have been opened again since."""
        return self._base is not None and self._base.ref.id == loaded.ref.id

    def _offer(self, loaded: Loaded, possible: Trainable) -> None:
        self._possible = possible
        spec = loaded.bundle.spec
        self.data.set_model(
            class_names(spec),
            (spec.image.height, spec.image.width, spec.image.channels),
            can_grow=possible.new_classes,
        )
        notes = (possible.why_not,) if possible.why_not else possible.notes
        self.how.set_offer(possible.layers, notes, discriminator=possible.discriminator)
        self._data_shown()
        self._propose(anew=True)

    # the data

    def survey(self, source: str | Path, *, agreed: bool = False) -> None:
        """Look at a data set: a path, or a name on the Hub. One that is looked at is left.

        ``agreed`` is whether it may be downloaded where it is large; otherwise that is asked.
        """
        name = str(source)
        self.cancel()
        self.data.show_working(0.0, "Looking for images")

        def work(progress: Progress) -> _Found:
            from genviewer.io.dataset_gallery import make_gallery
            from genviewer.io.dataset_survey import survey

            def report(done: float, text: str) -> None:
                progress.report(done, text)
                self._explorer.bridge.post(lambda: self._show_progress(job, done, text))

            with cancelled_by(progress), downloading(Downloads(agreed, report=report)):
                found = survey(name, report)
            return _Found(found, make_gallery(found, report=report))

        def ended() -> None:
            if self._job is job:
                self._job = None

        def done(found: _Found) -> None:
            if self._job is job:
                self._job = None
                self.data.show_survey(found.survey, found.gallery)
                self.surveyed.emit(name)
                self._data_shown()
                self._propose(anew=not self._own_choices)

        def failed(error: Exception) -> None:
            if self._job is job:
                self._job = None
                refused = refused_download(error)
                if refused is None:
                    self.data.show_failure(_sentence(error))
                else:
                    self.data.show_empty()
                    window = self.data.window()
                    ask_download(window, refused, lambda: self.survey(name, agreed=True))
                self.changed.emit()

        job = self._reading.submit(
            work, f"Looking at {name}", key="survey", done=done, failed=failed, cancelled=ended
        )
        self._job = job
        self.changed.emit()

    def cancel(self) -> None:
        """Leave the data set that is being looked at."""
        job, self._job = self._job, None
        if job is not None:
            job.cancel()
            self.data.show_empty()
            self.changed.emit()

    def _show_progress(self, job: Job, done: float, text: str) -> None:
        if job is self._job:
            self.data.show_working(done, text)

    def _data_chosen(self, _: DataChoices) -> None:
        self._data_shown()

    def _data_shown(self) -> None:
        self._show_images()
        self.changed.emit()

    def _show_images(self) -> None:
        """Tell the choices of what images and pictures of old classes a batch is made."""
        replay = 0.0
        if self._base is not None:
            preset, mapping = self.how.choices.preset, self.data.choices.mapping
            replay = replay_share(self._base.bundle.spec, mapping, preset)  # type: ignore[arg-type]
        self.how.set_images(self.data.counts[0], replay)

    # how

    def _edited(self) -> None:
        self._own_choices = True

    def _propose(self, *, anew: bool) -> None:
        """Show what the preset proposes for this model and these images."""
        base, survey = self._base, self.data.survey
        possible = self._possible
        if base is None or survey is None or possible is None or possible.why_not or not anew:
            return
        self._show_images()
        preset = self.how.choices.preset
        proposal = self._proposal = object()

        def ended() -> None:
            if self._proposal is proposal:
                self._proposal = None
                self.changed.emit()

        def shown(config: TrainConfig) -> None:
            if self._is_base(base) and self.data.survey is survey:
                self._own_choices = False
                self.how.set_choices(choices_of(config, preset))
            ended()

        def failed(error: Exception) -> None:
            self._failed(error)
            ended()

        self.changed.emit()
        self._explorer.looks.submit(
            lambda _: finetune_config(base.bundle, survey, preset=preset),  # type: ignore[arg-type]
            "Proposing a training",
            key="propose training",
            done=shown,
            failed=failed,
            cancelled=ended,
            quiet=True,
        )

    def make(self, start: Callable[[TrainConfig, Loaded, Survey], object]) -> None:
        """Make the configuration of what is chosen, and start with it."""
        base, survey = self._base, self.data.survey
        if self.blocked or base is None or survey is None:
            self._tell(self.blocked, "warning")
            return
        chosen, data = self.how.choices, self.data.choices
        adversarial = self._possible is not None and self._possible.discriminator != "none"

        def work(_: Progress) -> TrainConfig:
            return finetune_config(
                base.bundle,
                survey,
                preset=chosen.preset,  # type: ignore[arg-type]
                layers=chosen.layers,  # type: ignore[arg-type]
                learning_rate=chosen.learning_rate,
                batch_size=chosen.batch_size,
                steps=chosen.steps,
                seed=chosen.seed,
                threads=THREADS,
                mapping=data.mapping,
                new_classes=data.new_classes,
                fit=data.fit,
                validation=data.validation,
                freeze_d=chosen.freeze_d,
                augment=chosen.augment if adversarial else None,
            )

        self._explorer.looks.submit(
            work,
            "Preparing the training",
            key="prepare training",
            done=lambda config: start(config, base, survey),
            failed=self._failed,
        )

    def _failed(self, error: Exception) -> None:
        self._tell(_sentence(error), "error")

    def _close(self) -> None:
        self._reading.close()
        self._lane.stop()


def choices_of(config: TrainConfig, preset: str) -> Choices:
    """What a proposed configuration is in terms of the choices."""
    finetune, gan = config.finetune, config.gan
    return Choices(
        preset,
        finetune.layers if finetune is not None else "all",
        config.optimizer.learning_rate,
        config.batch_size,
        config.steps,
        config.seed,
        finetune.freeze_d if finetune is not None else 0,
        gan.augment if gan is not None else "",
    )


def _sentence(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
