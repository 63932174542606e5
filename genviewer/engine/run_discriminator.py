"""The discriminator of a run that trains a generator of another family, on its way into bundles.

It is no part of the network, and drawing does not need it: snapshots are without it. A run stores
it with each step of its timeline, and in its checkpoints.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from genviewer.engine.checkpoint_file import load_checkpoint
from genviewer.engine.discriminator_file import (
    PREFIX,
    check_shapes,
    outline,
    read_discriminator,
)
from genviewer.engine.finetune_state import discriminator_config, spec_of
from genviewer.engine.run_timeline import RunTimeline
from genviewer.engine.train_config import TrainingError
from genviewer.engine.train_gan import DISCRIMINATOR
from genviewer.engine.train_run import RunFolder
from genviewer.io.bundle import BundleError, Config
from genviewer.nets.families import family
from genviewer.nets.growth import class_count

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from genviewer.engine.run_timeline import Snapshot
    from genviewer.engine.train_config import TrainConfig
    from genviewer.engine.train_state import TrainingState

    Arrays = dict[str, NDArray[Any]]


def discriminator_table(config: TrainConfig) -> dict[str, Any]:
    """The network of which a run trains the discriminator beside its generator; empty where there
    is none, or where it is a part of the model.
    """
    if config.gan is None or family(config.network).kind == "gan":
        return {}
    sizes = discriminator_config(spec_of(config), class_count(config.network))
    return {"type": "residual_gan", **msgspec.to_builtins(sizes)}


def discriminator_weights(config: TrainConfig, state: TrainingState) -> Arrays | None:
    """A copy of its weights as they are now; None where there is none beside the model."""
    if not discriminator_table(config):
        return None
    return _arrays(state.companions[DISCRIMINATOR].state_dict())


def discriminator_bytes(table: dict[str, Any]) -> int:
    """The size of its weights."""
    return sum(tensor.nbytes for tensor in outline(table).values()) if table else 0


def with_discriminator(config: Config, table: dict[str, Any], step: int) -> Config:
    """What a bundle says of itself that carries the discriminator ``table`` of a step."""
    return msgspec.structs.replace(
        config,
        spec=msgspec.structs.replace(config.spec, discriminator=True),
        provenance=config.provenance | {"discriminator_steps": step},
        discriminator=table,
    )


def stored_discriminator(
    folder: Path, config: TrainConfig, snapshot: Snapshot
) -> tuple[Config, Arrays | None]:
    """What a bundle of a snapshot says of itself, and the discriminator that it is to carry.

    That of the very step where the run in ``folder`` has it, on the timeline or in a checkpoint;
    else that of the nearest step. Which it is, is in the provenance. None where there is none
    beside the model, or none on the disk.
    """
    table = discriminator_table(config)
    if not table:
        return snapshot.config, None
    timeline, step = RunTimeline(folder), snapshot.step
    size = sum(array.nbytes for array in snapshot.weights.values())
    size = 2 * size + discriminator_bytes(table)  # with the teacher that remembers old classes
    places = [(at, False, timeline.discriminator_path(at)) for at in timeline.discriminators()]
    places += [(at, True, path) for at, path in RunFolder(folder).checkpoints()]
    # A checkpoint is many times as long to read: where the timeline has that of the step, too,
    # that one is taken.
    places.sort(key=lambda place: (abs(place[0] - step), place[1]))
    for at, checkpoint, path in places:
        try:
            arrays = (
                _of_checkpoint(path, table, size) if checkpoint else read_discriminator(path, table)
            )
        except (BundleError, TrainingError):
            continue  # damaged, or dropped meanwhile
        return with_discriminator(snapshot.config, table, at), arrays
    return snapshot.config, None


def _of_checkpoint(path: Path, table: dict[str, Any], size: int) -> Arrays:
    """Of a checkpoint of networks of ``size`` bytes; TrainingError if it cannot be read."""

    def take(saved: dict[str, Any]) -> Arrays:
        arrays = _arrays(saved["companions"][DISCRIMINATOR])
        check_shapes({name: array.shape for name, array in arrays.items()}, table)
        return arrays

    return load_checkpoint(path, size, take)


def _arrays(state: dict[str, Any]) -> Arrays:
    return {
        f"{PREFIX}{name}": value.detach().float().cpu().contiguous().numpy().copy()
        for name, value in state.items()
    }
