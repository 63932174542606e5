"""Train a model from a configuration file into a run folder, and resume it exactly."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import msgspec
import torch

from genviewer.engine.train_config import TrainConfig, TrainingError, read_config
from genviewer.engine.train_groups import GroupBatches
from genviewer.engine.train_run import RunFolder
from genviewer.engine.train_state import Batches, TrainingState, with_layout
from genviewer.engine.train_vae import make_vae_state, train_vae
from genviewer.engine.train_weights import read_base, take_weights
from genviewer.engine.training_events import Ended, Notice, Stepped
from genviewer.nets.families import build

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from genviewer.engine.training_run import TrainingRun
    from genviewer.io.datasets import Images
    from genviewer.nets.residual_gan import ResidualGAN
    from genviewer.nets.residual_vae import ResidualVAE

log = logging.getLogger(__name__)


class Progress(msgspec.Struct, frozen=True):
    """Where a run stands: ``seconds`` trained in this process, ``remaining`` estimated."""

    step: int
    steps: int
    losses: dict[str, float]
    seconds: float
    remaining: float


def train(
    config_path: Path | str,
    *,
    data: Path | str | None = None,
    start_from: Path | str | None = None,
    steps: int | None = None,
    checkpoint_every: int | None = None,
    seed: int | None = None,
    threads: int | None = None,
    out: Path | str | None = None,
    resume: bool = False,
    devices: int = 0,
    progress: Callable[[Progress], None] | None = None,
) -> Path:
    """Train what ``config_path`` describes; the run folder, with ``bundle/`` in it, is returned.

    ``data`` replaces the configured source, ``start_from`` is a MODEL whose weights to begin with;
    ``steps``, ``checkpoint_every``, ``seed`` and ``threads`` replace what the file says. ``out`` is
    the run folder, by default ``runs/NAME-TIME``. With ``resume`` the run in ``out`` goes on from
    its newest checkpoint by its own ``train.toml``, of which nothing that is given here may be
    another (``config_path`` is not read): at the same
    thread count on a CPU the weights end bit-identical to those of a run that was never
    interrupted. ``progress`` is called in this thread at every logged step. Sets torch's thread
    count while it runs.

    With ``devices`` that many train together, the machine's accelerators or processes on its CPU;
    the batch is shared out. Each is a process that runs this same program from its beginning, as
    under ``torchrun``; only the first of them writes.

    Raises:
        TrainingError, DataError, WriteError: one sentence for the user.
        FloatingPointError: the training diverged; the sentence tells where it went back to.
    """
    from genviewer.engine.train_parallel import Parallel, launched
    from genviewer.engine.train_place import Place
    from genviewer.engine.training_run import TrainingRun

    place = Parallel(devices) if devices or launched() else Place()
    if resume:
        if out is None:
            raise TrainingError("Name the folder of the run to resume.")
        recorded = place.from_first(RunFolder(Path(out)).config)
        given = (data, start_from, steps, checkpoint_every, seed, threads)
        if _resolve(recorded, *given) != _resolve(recorded, *[None] * len(given)):
            raise TrainingError(
                "A resumed run goes on by its own train.toml: its data, weights, steps, "
                "checkpoints, seed and threads cannot be changed."
            )
        run = TrainingRun.resume(Path(out), place)
    else:
        config = _resolve(
            read_config(Path(config_path)), data, start_from, steps, checkpoint_every, seed, threads
        )
        folder = Path(out) if out is not None else default_folder(config.name)
        run = TrainingRun.start(config, folder, place)
    before = torch.get_num_threads()
    torch.set_num_threads(run.config.threads)
    try:
        _follow(run, progress if place.first else None)
    finally:
        torch.set_num_threads(before)
    return run.folder.path


def make_state(config: TrainConfig, *, fresh: bool = True) -> TrainingState:
    """The state before the first step: weights and noise follow from the seed alone.

    Without ``fresh`` the model that a fine-tuning starts from is not read: the caller restores a
    checkpoint, and what it began with may be gone.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        if config.finetune is not None:
            from genviewer.engine.finetune_state import make_finetune_state

            return make_finetune_state(config, fresh=fresh)
        network = build(config.network)
        network = with_layout(network, torch.channels_last)  # a quarter faster on a CPU
        if config.start_from and fresh:
            take_weights(network, read_base(config.start_from)[1], config.start_from)
        if config.vae is not None:
            vae = cast("ResidualVAE", network)
            state = make_vae_state(
                vae, config.vae, config.optimizer, config.seed, config.label_classes
            )
            if config.vae.warp_at:
                from genviewer.engine.train_warp import add_warp

                add_warp(state, config.optimizer)
            return state
        from genviewer.engine.train_gan import make_gan_state

        return make_gan_state(cast("ResidualGAN", network), config.optimizer, config.seed)


def training_steps(
    config: TrainConfig, state: TrainingState, images: Images
) -> Iterator[dict[str, float]]:
    """The generator that trains ``state`` on ``images``: one optimizer step per ``next()``."""
    if config.finetune is not None:
        from genviewer.engine.finetune_state import finetune_steps

        return finetune_steps(config, state, images)
    classes = int(config.network.get("classes", 0))
    if config.vae is not None and config.vae.class_weight:
        classes = config.label_classes
    if config.vae is not None and config.vae.views:
        groups = GroupBatches(
            images, config.batch_size, config.vae.views, config.seed, classes, state.noise.share
        )
        return train_vae(state, groups, config.vae, config.optimizer, config.steps)
    batches = Batches(images, config.batch_size, config.seed, classes, state.noise.share)
    if config.vae is not None and config.vae.warp_at:
        from genviewer.engine.train_warp import train_warped_vae

        return train_warped_vae(state, batches, config.vae, config.optimizer, config.steps)
    if config.vae is not None:
        return train_vae(state, batches, config.vae, config.optimizer, config.steps)
    from genviewer.engine.train_gan import train_gan

    assert config.gan is not None  # one of the two, checked when the config was read
    return train_gan(state, batches, config.gan, config.optimizer, config.steps)


def _follow(run: TrainingRun, progress: Callable[[Progress], None] | None) -> None:
    """Drive a run to its end and tell of the steps that are logged."""
    started, first, steps = time.monotonic(), run.step, run.steps
    for event in run.events():
        if isinstance(event, Notice):
            log.warning("%s", event.sentence)
        elif isinstance(event, Ended) and not event.finished:
            raise FloatingPointError(event.sentence)
        elif isinstance(event, Stepped) and progress is not None:
            step = event.step
            if step % run.config.log_every == 0 or step == steps:
                seconds = time.monotonic() - started
                taken = max(1, step - first)  # it may have gone back
                remaining = seconds / taken * (steps - step)
                progress(Progress(step, steps, event.losses, seconds, remaining))


def _resolve(
    config: TrainConfig,
    data: Path | str | None,
    start_from: Path | str | None,
    steps: int | None,
    checkpoint_every: int | None,
    seed: int | None,
    threads: int | None,
) -> TrainConfig:
    changes: dict[str, Any] = {}
    if data is not None:
        path = Path(data)
        source = str(path.resolve()) if path.exists() else str(data)
        changes["data"] = msgspec.structs.replace(config.data, source=source)
    for name, value in {
        "steps": steps,
        "checkpoint_every": checkpoint_every,
        "seed": seed,
        "threads": threads,
        "start_from": str(start_from) if start_from is not None else None,
    }.items():
        if value is not None:
            changes[name] = value
    merged = msgspec.to_builtins(msgspec.structs.replace(config, **changes))
    if not merged["threads"]:
        # Recorded, since resuming is exact at the same thread count only.
        merged["threads"] = torch.get_num_threads()
    try:
        return msgspec.convert(merged, type=TrainConfig)
    except msgspec.ValidationError as error:
        raise TrainingError(f"These options do not fit: {error}.") from error


def default_folder(name: str) -> Path:
    """Where a run goes that is not told: ``runs/NAME-TIME``."""
    return Path("runs") / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}"
