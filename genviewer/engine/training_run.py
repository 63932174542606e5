"""One run, step by step: what the command line and the training thread drive alike."""

from __future__ import annotations

import gc
import time
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from genviewer.engine.memory_errors import is_out_of_memory
from genviewer.engine.run_discriminator import (
    discriminator_bytes,
    discriminator_table,
    discriminator_weights,
)
from genviewer.engine.run_lock import RunLock, check_free
from genviewer.engine.run_timeline import (
    RunTimeline,
    Snapshot,
    judged_steps,
    make_snapshot,
    timeline_steps,
)
from genviewer.engine.train_bundle import run_config, write_trained_bundle
from genviewer.engine.train_config import TrainingError
from genviewer.engine.train_events import RunLog, check_tensorboard
from genviewer.engine.train_measures import Measures
from genviewer.engine.train_place import Place
from genviewer.engine.train_run import RunFolder
from genviewer.engine.training import make_state, training_steps
from genviewer.engine.training_data import load_training_images
from genviewer.engine.training_events import Ended, Event, Notice, OnTimeline, Saved, Stepped
from genviewer.io.write_errors import WriteError, write_error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from genviewer.engine.train_config import TrainConfig
    from genviewer.engine.train_state import TrainingState
    from genviewer.io.dataset_survey import Survey
    from genviewer.io.datasets import Images

T = TypeVar("T")


class TrainingRun:
    """A run in its folder; made by :meth:`start` or :meth:`resume`.

    Not thread-safe: one thread owns it, and its steps run with that thread's torch settings. Only
    snapshots may leave the thread.
    """

    def __init__(
        self,
        folder: RunFolder,
        config: TrainConfig,
        images: Images,
        held_out: Images | None,
        place: Place | None = None,
    ) -> None:
        self.folder = folder
        self.config = config
        self.images = images
        self.held_out = held_out
        self.place = place or Place()
        self.timeline = RunTimeline(folder.path)
        self.batch_size = config.batch_size
        self._model = run_config(config, images)
        self._measures = Measures(config, images, held_out, self._model.spec)
        self._trained = 0.0  # seconds in this process
        self._saved = -1
        self._write_again = False
        self._passed_over = ""  # the damaged checkpoints before the one gone back to, until told
        self._log: RunLog | None = None
        self._lock = RunLock(folder.path)
        self._state: TrainingState | None = None
        self._begun: TrainingState | None = None  # before its first step, until that is asked for
        self._on_timeline: frozenset[int] = frozenset()
        self._judged: frozenset[int] = frozenset()  # those stored with their discriminator

    @classmethod
    def start(
        cls,
        config: TrainConfig,
        folder: Path,
        place: Place | None = None,
        found: Survey | None = None,
    ) -> TrainingRun:
        """A new run in ``folder``; data and the model to begin with are read first, so that bad
        ones leave none behind.

        It trains at ``place``, by default on the CPU; of several processes every one starts the
        same run, and the first writes it. ``found`` is a survey of the data made already, for a run
        that takes any data.

        Raises:
            TrainingError, DataError: with one sentence for the user.
        """
        place = place or Place()
        place.check(config)
        if config.tensorboard:
            check_tensorboard()
        images, held_out = load_training_images(config, found)
        run = cls(RunFolder(folder), config, images, held_out, place)
        if config.start_from:
            run._begun = make_state(config)
        run._once(lambda: run.folder.create(config))
        return run

    @classmethod
    def resume(cls, folder: Path, place: Place | None = None) -> TrainingRun:
        """The run in ``folder``, from its newest checkpoint that can be read, by its own
        ``train.toml``.

        Raises:
            TrainingError, DataError: with one sentence for the user.
        """
        files, place = RunFolder(folder), place or Place()

        def read() -> TrainConfig:
            files.check_inside()
            config = files.config()
            check_free(folder)
            return config

        config = place.from_first(read)
        place.check(config)
        return cls(files, config, *load_training_images(config, downloads=False), place)

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
        trained since the last checkpoint. Until the iterator is left, or this run is dropped where
        there was an error, no other program can train the folder.

        Raises:
            DataError: images cannot be read any more.
            WriteError: the folder cannot be written.
            TrainingError: another program trains it, the checkpoint cannot be read, or one image
                needs too much memory.
        """
        self._once(self._lock.take)
        failed = False
        try:
            yield from self._events()
        except Exception:
            failed = True
            raise
        finally:
            self._close_log()
            if not failed:
                self._lock.release()

    def _events(self) -> Iterator[Event]:
        step = self.state.step
        yield from self._notices()
        if self._write_again or (step == 0 and self._saved < 0):
            yield from self._keep_pace(checkpoint=True)
            self._write_again = False
        while self.state.step < self.steps:
            diverged: str | None = None
            short = False
            try:
                yield from self._train()
            except FloatingPointError as error:
                diverged = str(error)
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
                short = True
            except WriteError:
                self._write_again = True
                raise
            except (ValueError, OSError):
                self._state = None  # a step may have been half taken
                raise
            # Not in the clauses above: an error holds on to the networks and to all tensors of its
            # step, and others are made now.
            if diverged is not None:
                back = self._gone_back().step
                yield from self._notices()
                told = f"{diverged} The run went back to its checkpoint of step {back}."
                yield Ended(told, finished=False, diverged=True)
                return
            if short:
                self._halve_batch()
                yield from self._notices()
                yield Notice(
                    "There was not enough memory; the batch is now "
                    f"{self.batch_size} {'image' if self.batch_size == 1 else 'images'}."
                )
        if self._saved != self.state.step:
            self.save()
            yield Saved(self.state.step)
        self.write_bundle()
        yield Ended(f"The training is done: {self.steps} steps.", finished=True)

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
            keep = self.config.keep_checkpoints
            self._once(lambda: self.folder.save(self.state, keep, self.batch_size))
            self._saved = step
        return step

    def snapshot(self) -> Snapshot:
        """A copy of the averaged weights as they are now."""
        return make_snapshot(self.state.step, self._model, self.state.ema_weights())

    def write_bundle(self) -> None:
        """Write ``bundle/`` of the averaged weights; WriteError if that fails."""
        path, state = self.folder.bundle_path, self.state
        state.ema.to("cpu")
        try:
            self._once(
                lambda: write_trained_bundle(path, self.config, state, self.images, self.held_out)
            )
        except OSError as error:
            raise write_error(error, path) from error

    def _train(self) -> Iterator[Event]:
        config = msgspec.structs.replace(self.config, batch_size=self.batch_size)
        state = self.state
        self._once(self._open_log)
        since = time.monotonic()
        for losses in training_steps(config, state, self.images):
            self._trained += time.monotonic() - since
            step = state.step
            logged = step % config.log_every == 0 or step == config.steps
            row = dict(losses)
            if logged:
                row = self.place.mean(losses)
            checkpoint = step % config.checkpoint_every == 0 or step == config.steps
            row |= self._measure(step, checkpoint)
            if logged or len(row) > len(losses):
                self._write_row(step, row)
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
            self._once(self._write_timeline)
            yield OnTimeline(step)

    def _write_timeline(self) -> None:
        judged = self.state.step in self._judged
        discriminator = discriminator_weights(self.config, self.state) if judged else None
        self.timeline.write(self.snapshot(), discriminator)

    def _measure(self, step: int, checkpoint: bool) -> dict[str, float]:
        due = self._measures.due(step, checkpoint or step in self._on_timeline)
        return self._once(lambda: self._measures.take(self.state, due)) if due else {}

    def _open_log(self) -> None:
        self._close_log()
        self._log = RunLog(self.folder, self.state.step, self.config.tensorboard)

    def _write_row(self, step: int, row: dict[str, float]) -> None:
        def write() -> None:
            if self._log is not None:
                self._log.write(step, self._trained, row)

        self._once(write)

    def _close_log(self) -> None:
        if self._log is not None:
            self._log.close()
            self._log = None

    def _restored(self) -> TrainingState:
        fresh = self._once(lambda: not self.folder.checkpoints())
        begun, self._begun = self._begun, None
        state = begun or make_state(self.config, fresh=fresh)
        try:
            self.place.place(state)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            raise TrainingError(
                f"There is not enough memory on {self.place.share.device} for the networks; close "
                "other programs that draw or compute there, or train on another device."
            ) from error
        if not fresh:
            batch_size, saved = self._once(lambda: self._read_checkpoint(state))
            if saved is not None:
                state.load_state_dict(saved)
            self.batch_size = batch_size or self.config.batch_size
        self._saved = -1 if fresh else state.step
        self.place.distribute(state)
        size = sum(v.numel() * v.element_size() for v in state.ema.state_dict().values())
        discriminator = discriminator_bytes(discriminator_table(self.config))
        self._on_timeline = timeline_steps(self.steps, size + discriminator)
        self._judged = judged_steps(self._on_timeline, size, discriminator)
        self._once(lambda: self.timeline.begin(self._model, state.step))
        return state

    def _read_checkpoint(self, state: TrainingState) -> tuple[int | None, dict[str, Any] | None]:
        """Read the newest one into ``state``: its batch size, and what other processes need."""
        damaged: list[str] = []
        batch_size = self.folder.restore(state, damaged)
        if damaged:
            self._passed_over = (
                f"{' and '.join(damaged)} cannot be read; the run goes on from its checkpoint of "
                f"step {state.step}."
            )
        return batch_size, state.state_dict() if self.place.share.world > 1 else None

    def _notices(self) -> Iterator[Event]:
        """What is to be told of the checkpoint that was gone back to, once."""
        told, self._passed_over = self._passed_over, ""
        if told:
            yield Notice(told)

    def _once(self, work: Callable[[], T]) -> T:
        """What ``work`` gives, which only the first of several processes does."""
        return self.place.from_first(work)

    def _halve_batch(self) -> None:
        """Back to the last checkpoint with half the batch, and that on the disk too."""
        if self.place.share.world > 1:
            raise TrainingError(
                f"There is not enough memory on a device for its share of a batch of "
                f"{self.batch_size}: take a smaller batch_size."
            )
        half = min(self.batch_size, len(self.images.images)) // 2
        smallest = self.config.vae.views if self.config.vae is not None else 0
        if half < max(1, smallest):
            raise TrainingError(
                f"There is not enough memory for a batch of {self.batch_size}; close other "
                "programs or take a smaller model."
            )
        state = self._gone_back()
        self.batch_size, self._saved = half, -1
        self.folder.save(state, self.config.keep_checkpoints, half)
        self._saved = state.step

    def _gone_back(self) -> TrainingState:
        """The state of the last checkpoint; the one that there was is given up before."""
        self._state = None
        gc.collect()
        return self.state
