"""One run, step by step: what the command line and the training thread drive alike."""

from __future__ import annotations

import gc
import time
from typing import TYPE_CHECKING, cast

import msgspec
import torch

from genviewer.engine.run_timeline import (
    RunTimeline,
    Snapshot,
    make_snapshot,
    timeline_steps,
)
from genviewer.engine.train_bundle import run_config, write_trained_bundle
from genviewer.engine.train_config import TrainingError
from genviewer.engine.train_run import MetricsFile, RunFolder
from genviewer.engine.train_vae import measure_elbo
from genviewer.engine.training import make_state, training_steps
from genviewer.engine.training_data import load_training_images
from genviewer.engine.training_events import Ended, Event, Notice, OnTimeline, Saved, Stepped
from genviewer.io.write_errors import WriteError, write_error

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from genviewer.engine.train_config import TrainConfig
    from genviewer.engine.train_state import TrainingState
    from genviewer.io.datasets import Images
    from genviewer.nets.residual_vae import ResidualVAE

VALIDATION_IMAGES = 500
_MEMORY_WORDS = ("out of memory", "allocate memory", "not enough memory")


class TrainingRun:
    """A run in its folder; made by :meth:`start` or :meth:`resume`.

    Not thread-safe: one thread owns it, and its steps run with that thread's torch settings. Only
    snapshots may leave the thread.
    """

    def __init__(
        self, folder: RunFolder, config: TrainConfig, images: Images, held_out: Images | None
    ) -> None:
        self.folder = folder
        self.config = config
        self.images = images
        self.held_out = held_out
        self.timeline = RunTimeline(folder.path)
        self.batch_size = config.batch_size
        self._model = run_config(config, images)
        self._trained = 0.0  # seconds in this process
        self._saved = -1
        self._write_again = False
        self._state: TrainingState | None = None
        self._on_timeline: frozenset[int] = frozenset()

    @classmethod
    def start(cls, config: TrainConfig, folder: Path) -> TrainingRun:
        """A new run in ``folder``; the data are read first, so that bad ones leave none behind.

        Raises:
            TrainingError, DataError: with one sentence for the user.
        """
        images, held_out = load_training_images(config)
        place = RunFolder(folder)
        place.create(config)
        return cls(place, config, images, held_out)

    @classmethod
    def resume(cls, folder: Path) -> TrainingRun:
        """The run in ``folder``, from its newest checkpoint, by its own ``train.toml``.

        Raises:
            TrainingError, DataError: with one sentence for the user.
        """
        place = RunFolder(folder)
        config = place.config()
        return cls(place, config, *load_training_images(config))

    @property
    def step(self) -> int:
        """How many steps were taken; before the first event, how many there are on the disk."""
        if self._state is not None:
            return self._state.step
        checkpoints = self.folder.checkpoints()
        return checkpoints[-1][0] if checkpoints else 0

    @property
    def steps(self) -> int:
        """How many there will have been at the end."""
        return self.config.steps

    @property
    def state(self) -> TrainingState:
        """Networks, averages and optimizers; made when it is first asked for."""
        if self._state is None:
            self._state = self._restored()
        return self._state

    def events(self) -> Iterator[Event]:
        """Train, one event after the other, until :class:`Ended`.

        An iterator may be left between two events; another then goes on from there. After an error
        too: with its cause put right nothing is lost, or after a :class:`DataError` what was
        trained since the last checkpoint.

        Raises:
            DataError: images cannot be read any more.
            WriteError: the folder cannot be written.
            TrainingError: the checkpoint cannot be read, or one image needs too much memory.
        """
        if self._write_again or (self.state.step == 0 and self._saved < 0):
            yield from self._keep_pace(checkpoint=True)
            self._write_again = False
        while self.state.step < self.steps:
            try:
                yield from self._train()
            except FloatingPointError as error:
                self._state = None
                back = self.state.step
                yield Ended(f"{error} The run went back to its checkpoint of step {back}.", False)
                return
            except (MemoryError, RuntimeError) as error:
                if not _is_out_of_memory(error):
                    raise
                self._halve_batch()
                yield Notice(
                    f"There was not enough memory; the batch is now {self.batch_size} images."
                )
            except WriteError:
                self._write_again = True
                raise
            except (ValueError, OSError):
                self._state = None  # a step may have been half taken
                raise
        if self._saved != self.state.step:
            self.save()
            yield Saved(self.state.step)
        self.write_bundle()
        yield Ended(f"The training is done: {self.steps} steps.", True)

    def save(self) -> int:
        """Write a checkpoint now, if there is none of this step; its step.

        Raises:
            WriteError: it cannot be written; the older ones are as they were.
            FloatingPointError: the weights are not finite.
        """
        step = self.state.step
        if self._saved != step:
            if not self.state.finite():
                raise FloatingPointError(
                    f"The weights are not finite at step {step}: lower the learning rate."
                )
            self.folder.save(self.state, self.config.keep_checkpoints, self.batch_size)
            self._saved = step
        return step

    def snapshot(self) -> Snapshot:
        """A copy of the averaged weights as they are now."""
        return make_snapshot(self.state.step, self._model, self.state.ema_weights())

    def write_bundle(self) -> None:
        """Write ``bundle/`` of the averaged weights; WriteError if that fails."""
        path = self.folder.bundle_path
        try:
            write_trained_bundle(path, self.config, self.state, self.images, self.held_out)
        except OSError as error:
            raise write_error(error, path) from error

    def _train(self) -> Iterator[Event]:
        config = msgspec.structs.replace(self.config, batch_size=self.batch_size)
        state = self.state
        metrics = MetricsFile(self.folder.metrics_path, state.step)
        since = time.monotonic()
        for losses in training_steps(config, state, self.images):
            self._trained += time.monotonic() - since
            step = state.step
            row = dict(losses)
            checkpoint = step % config.checkpoint_every == 0 or step == config.steps
            if self.held_out is not None and (checkpoint or step in self._on_timeline):
                row |= self._validate(self.held_out)
            if step % config.log_every == 0 or step == config.steps or len(row) > len(losses):
                try:
                    metrics.write(step, self._trained, row)
                except OSError as error:
                    raise write_error(error, self.folder.metrics_path) from error
            yield Stepped(step, row, min(self.batch_size, len(self.images.images)))
            yield from self._keep_pace(checkpoint)
            since = time.monotonic()

    def _keep_pace(self, checkpoint: bool) -> Iterator[Event]:
        """Write what is due at this step."""
        step = self.state.step
        if checkpoint:
            self.save()
            yield Saved(step)
        if step in self._on_timeline and self.state.finite():
            self.timeline.write(self.snapshot())
            yield OnTimeline(step)

    def _validate(self, images: Images) -> dict[str, float]:
        if self.config.vae is None:
            return {}
        network = cast("ResidualVAE", self.state.ema)
        return {"validation_elbo": measure_elbo(network, images, limit=VALIDATION_IMAGES)[0]}

    def _restored(self) -> TrainingState:
        state = make_state(self.config)
        self.batch_size = self.folder.restore(state) or self.config.batch_size
        checkpoints = self.folder.checkpoints()
        self._saved = checkpoints[-1][0] if checkpoints else -1
        size = sum(v.numel() * v.element_size() for v in state.ema.state_dict().values())
        self._on_timeline = timeline_steps(self.steps, size)
        self.timeline.begin(self._model, state.step)
        return state

    def _halve_batch(self) -> None:
        """Back to the last checkpoint with half the batch, and that on the disk too."""
        half = min(self.batch_size, len(self.images.images)) // 2
        smallest = self.config.vae.views if self.config.vae is not None else 0
        if half < max(1, smallest):
            raise TrainingError(
                f"There is not enough memory for a batch of {self.batch_size}; close other "
                "programs or take a smaller model."
            )
        self._state = None
        gc.collect()
        state = self.state
        self.batch_size, self._saved = half, -1
        self.folder.save(state, self.config.keep_checkpoints, half)
        self._saved = state.step


def _is_out_of_memory(error: Exception) -> bool:
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return any(words in str(error).lower() for words in _MEMORY_WORDS)
