"""A run of the benchmark on disk: what decides it, its checkpoints, its metrics, its bundle."""

from __future__ import annotations

import hashlib
import re
import time
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import torch

from genviewer.core.spec import ImageSpec, LatentSpec, Spec
from genviewer.engine.checkpoint_file import load_checkpoint
from genviewer.engine.iwae import (
    STAGES,
    IwaeRunConfig,
    IwaeState,
    epochs_until,
    learning_rate,
    stage_of,
    steps_per_epoch,
    train_iwae,
)
from genviewer.engine.iwae_network import Layers
from genviewer.engine.train_config import TrainingError
from genviewer.engine.train_run import MetricsFile
from genviewer.io.atomic import replacing, write_bytes
from genviewer.io.bundle import Config, write_bundle

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from genviewer.engine.iwae_network import IwaeConfig

CHECKPOINT_EPOCHS = 5
"""What a kill at any moment costs at most."""

_CHECKPOINT = re.compile(r"epoch-(\d+)\.pt")


class IwaeRun(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``iwae.json``: what decides the run, and the sha256 of the training images."""

    config: IwaeRunConfig
    data: str
    images: int


class IwaeProgress(msgspec.Struct, frozen=True):
    """Where a run stands after an epoch; ``bound`` is the training's in nats, ``seconds`` since
    this process began.
    """

    epoch: int
    epochs: int
    bound: float
    seconds: float
    remaining: float


class IwaeFolder:
    """The folder of a run; every file in it is whole at any moment."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.run_path = path / "iwae.json"
        self.checkpoints_path = path / "checkpoints"
        self.metrics_path = path / "metrics.csv"
        self.bundle_path = path / "bundle"

    def read(self) -> IwaeRun:
        """What decides the run.

        Raises:
            TrainingError: there is none here, or its file is damaged.
        """
        try:
            return msgspec.json.decode(self.run_path.read_bytes(), type=IwaeRun)
        except FileNotFoundError:
            raise TrainingError(f"{self.path} holds no run of the benchmark.") from None
        except (OSError, msgspec.DecodeError, RecursionError) as error:
            raise TrainingError(f"{self.run_path} cannot be read: {error}.") from error

    def create(self, run: IwaeRun) -> None:
        """Make the folder and record what decides the run.

        Raises:
            TrainingError: there is a run in it already, or it cannot be written.
        """
        if self.run_path.exists():
            raise TrainingError(f"{self.path} holds a run already: add --resume to go on with it.")
        try:
            write_bytes(self.run_path, msgspec.json.format(msgspec.json.encode(run), indent=1))
        except OSError as error:
            raise TrainingError(f"{self.path} cannot be written: {error.strerror}.") from error

    def epochs(self) -> list[int]:
        """The epochs after which there is a checkpoint, ascending."""
        if not self.checkpoints_path.is_dir():
            return []
        names = (_CHECKPOINT.fullmatch(path.name) for path in self.checkpoints_path.iterdir())
        return sorted(int(match[1]) for match in names if match)

    def save(self, state: IwaeState, epoch: int) -> None:
        """Write a checkpoint, then drop all but the two newest and those at the end of a stage."""
        with replacing(self._checkpoint(epoch)) as temporary:
            torch.save(state.state_dict(), temporary)
        ends = {epochs_until(stage) for stage in range(STAGES)}
        for old in self.epochs()[:-2]:
            if old not in ends:
                self._checkpoint(old).unlink(missing_ok=True)

    def restore(self, state: IwaeState, epoch: int) -> None:
        """Load a checkpoint into ``state``.

        Raises:
            TrainingError: it is of another network or damaged.
        """
        size = state.parameters.numel() * state.parameters.element_size()
        load_checkpoint(self._checkpoint(epoch), size, state.load_state_dict)

    def finished_stages(self) -> int:
        """How many stages of the schedule have been trained to their end."""
        newest = max(self.epochs(), default=0)
        return sum(epochs_until(stage) <= newest for stage in range(STAGES))

    def _checkpoint(self, epoch: int) -> Path:
        return self.checkpoints_path / f"epoch-{epoch:05d}.pt"


def run_iwae(
    path: Path,
    images: NDArray[np.uint8],
    config: IwaeRunConfig,
    *,
    stages: int = STAGES,
    resume: bool = False,
    threads: int | None = None,
    progress: Callable[[IwaeProgress], None] | None = None,
) -> IwaeFolder:
    """Train a run in the folder ``path`` to the end of a stage, and write its bundle.

    Resumed at the same number of threads, the weights end bit-identical to those of a run that
    was never interrupted. Sets torch's thread count, and flushes subnormal numbers to zero in
    this thread: moments of weights that are never used decay into them and cost half the speed.

    Args:
        path: the folder.
        images: grey images uint8 (N, pixels).
        config: what decides a new run; a resumed one goes on by its own.
        stages: how many stages of the schedule to train in all.
        resume: go on from the newest checkpoint.
        threads: go on with so many CPU threads, in place of the run's: sums round differently.
        progress: called in this thread after every epoch.

    Raises:
        TrainingError: one sentence for the user.
        FloatingPointError: the training diverged.
    """
    folder = IwaeFolder(path)
    digest = hashlib.sha256(np.ascontiguousarray(images).data).hexdigest()
    if resume:
        run = folder.read()
        if run.data != digest:
            raise TrainingError(f"{path} was trained on other images than these.")
        config = run.config
    else:
        folder.create(IwaeRun(config, digest, len(images)))
    before = torch.get_num_threads()
    torch.set_num_threads(threads or config.threads)
    torch.set_flush_denormal(True)
    try:
        state = IwaeState(config, images.mean(0) / 255.0)
        if saved := folder.epochs():
            folder.restore(state, saved[-1])
        _train(folder, state, images, stages, progress)
    finally:
        torch.set_flush_denormal(False)
        torch.set_num_threads(before)
    write_iwae_bundle(folder, folder.read(), stages)
    return folder


def state_after(folder: IwaeFolder, stages: int) -> tuple[IwaeState, IwaeRun]:
    """The state at the end of a stage.

    Raises:
        TrainingError: the run has not come so far, or is damaged.
    """
    epoch = epochs_until(stages - 1) if stages > 0 else 0
    if epoch not in folder.epochs():
        folder.read()
        raise TrainingError(f"{folder.path} has not finished stage {stages} of {STAGES}.")
    return state_at(folder, epoch)


def state_at(folder: IwaeFolder, epoch: int) -> tuple[IwaeState, IwaeRun]:
    """The state of a checkpoint, of those in ``folder.epochs()``.

    Raises:
        TrainingError: the run or the checkpoint cannot be read.
    """
    run = folder.read()
    state = IwaeState(run.config, np.full(run.config.network.pixels, 0.5))
    folder.restore(state, epoch)
    return state, run


def write_iwae_bundle(folder: IwaeFolder, run: IwaeRun, stages: int) -> None:
    """The model after a stage as a bundle, which every part of the program opens."""
    state, _ = state_after(folder, stages)
    network = run.config.network
    side = round(network.pixels**0.5)
    name = f"iwae-{run.config.samples}" if run.config.samples > 1 else "vae-1"
    spec = Spec(
        name=name,
        family="vae",
        latent=LatentSpec(network.latent_dim),
        image=ImageSpec(1, side, side, (0.0, 1.0)),
        encoder=True,
        density=True,
    )
    epochs = epochs_until(stages - 1)
    description = {
        "type": "mlp_vae",
        "image_size": side,
        "latent_dim": network.latent_dim,
        "encoder": [network.hidden] * 2,
        "decoder": [network.hidden] * 2,
        "activation": "tanh",
    }
    provenance = {"steps": state.step, "epochs": epochs, "samples": run.config.samples}
    lines = (
        f"# {name}",
        "",
        "A VAE of fully connected layers on binarised digits, trained as in "
        '"Importance Weighted Autoencoders" (Burda et al. 2016).',
        "",
        f"- **Samples of the bound (k):** {run.config.samples}",
        f"- **Epochs:** {epochs}, stage {stages} of {STAGES}",
        f"- **Batch size:** {run.config.batch_size}",
        "- **Images:** 28x28, each pixel a probability of ink",
        "",
    )
    config = Config(spec=spec, network=description, provenance=provenance)
    write_bundle(
        folder.bundle_path, config, mlp_weights(state.parameters, network), "\n".join(lines)
    )


def mlp_weights(parameters: torch.Tensor, network: IwaeConfig) -> dict[str, NDArray[Any]]:
    """The weights under the names that :class:`~genviewer.nets.mlp_vae.MLPVAE` gives them.

    It has the logarithm of the variance where we have that of the deviation, half as large.
    """
    layers = Layers(parameters, network)
    found: dict[str, NDArray[Any]] = {}
    for index, name in enumerate(layers.names):
        part, at = name.split(".")
        place = "first" if at == "0" else f"rest.{2 * int(at) - 1}"
        weight, bias = (
            tensor.numpy().copy() for tensor in (layers.weights[index], layers.biases[index])
        )
        if name == "encoder.2":
            weight[network.latent_dim :] *= 2.0
            bias[network.latent_dim :] *= 2.0
        found[f"{part}.{place}.weight"], found[f"{part}.{place}.bias"] = weight, bias
    return found


def _train(
    folder: IwaeFolder,
    state: IwaeState,
    images: NDArray[np.uint8],
    stages: int,
    progress: Callable[[IwaeProgress], None] | None,
) -> None:
    per_epoch = steps_per_epoch(state.config, len(images))
    if not per_epoch:
        raise TrainingError(f"There are fewer images than a batch of {state.config.batch_size}.")
    first = state.step // per_epoch
    if not folder.epochs():
        folder.save(state, 0)
    metrics = MetricsFile(folder.metrics_path, state.step)
    epochs, started = epochs_until(stages - 1), time.monotonic()
    bounds: list[float] = []
    for losses in train_iwae(state, images, stages):
        if losses:
            bounds.append(losses["bound"])
        epoch, position = divmod(state.step, per_epoch)
        if position:
            continue
        seconds, bound = time.monotonic() - started, float(np.mean(bounds or [np.nan]))
        bounds.clear()
        row = {"epoch": epoch, "bound": bound, "learning_rate": learning_rate(epoch - 1)}
        metrics.write(state.step, seconds, row)
        ends_stage = epoch == epochs_until(stage_of(epoch - 1))
        if ends_stage or not epoch % CHECKPOINT_EPOCHS:
            folder.save(state, epoch)
        if progress is not None:
            remaining = seconds / (epoch - first) * (epochs - epoch)
            progress(IwaeProgress(epoch, epochs, bound, seconds, remaining))
