"""The weights of a run over time, light enough to be looked at while it goes on.

A run's folder holds, beside the checkpoints that it is resumed from, ``timeline/``: the averaged
weights alone at a few dozen steps, close together early, when the pictures change quickly. What a
pin, an export or a person wants to have for good is a bundle in ``kept/``. Imports no torch.
"""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from genviewer.core.recipe import ModelRef
from genviewer.io.atomic import write_bytes
from genviewer.io.bundle import (
    CONFIG_NAME,
    MAX_CONFIG_BYTES,
    Bundle,
    BundleError,
    Config,
    check_spec,
    hash_arrays,
    make_model_id,
    read_header,
    write_bundle,
)
from genviewer.io.tensors_file import save_tensors
from genviewer.io.write_errors import write_error

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from genviewer.engine.train_config import TrainConfig

TIMELINE_NAME = "timeline"
KEPT_NAME = "kept"
MOST_STEPS = 60
MOST_BYTES = 2 << 30  # of one timeline: large networks get fewer steps
FEWEST_STEPS = 12
LITTLE_BYTES = 64 << 20  # of a timeline's discriminators: so much they may take in any case
_WEIGHTS = re.compile(r"step-(\d{1,15})\.safetensors")
_DISCRIMINATOR = re.compile(r"discriminator-(\d{1,15})\.safetensors")


class TimelineError(ValueError):
    """A step of a run cannot be read; the message is one sentence for the user."""


class Snapshot(msgspec.Struct, frozen=True, eq=False):
    """The averaged weights of a run at one step; ``weights`` are never written to again.

    ``ref`` cites exactly these weights: a bundle written of them has the same model id, the same
    ``weights_sha256``, and as many ``parameters``.
    """

    step: int
    ref: ModelRef
    config: Config
    weights: dict[str, NDArray[Any]]
    weights_sha256: str
    parameters: int

    def named(self, name: str) -> Snapshot:
        """The same weights under another name; the model id stays."""
        spec = msgspec.structs.replace(self.config.spec, name=name)
        config = msgspec.structs.replace(self.config, spec=spec)
        return msgspec.structs.replace(self, ref=ModelRef(name, self.ref.id), config=config)


def make_snapshot(step: int, config: Config, weights: Mapping[str, NDArray[Any]]) -> Snapshot:
    """Take over arrays as the weights of a step, and make them read-only."""
    arrays = {name: np.asarray(value, order="C") for name, value in weights.items()}
    for array in arrays.values():
        array.flags.writeable = False
    config = msgspec.structs.replace(config, provenance=config.provenance | {"steps": step})
    weights_sha256, parameters = hash_arrays(arrays)
    ref = ModelRef(config.spec.name, make_model_id(weights_sha256, config))
    return Snapshot(step, ref, config, arrays, weights_sha256, parameters)


def timeline_steps(steps: int, bytes_each: int = 0) -> frozenset[int]:
    """At which steps of a run of ``steps`` its weights are put on the timeline.

    Half of them grow geometrically, half are spread evenly; the first and the last are among them.
    It follows from the length of the run alone, so that a resumed run puts the same ones there.
    """
    most = MOST_STEPS
    if bytes_each:
        most = max(FEWEST_STEPS, min(most, MOST_BYTES // bytes_each))
    even = np.linspace(0, steps, most // 2)
    early = np.geomspace(1, max(steps, 1), most - most // 2)
    return frozenset(min(steps, round(float(step))) for step in (*even, *early))


def judged_steps(steps: Iterable[int], bytes_each: int, discriminator: int) -> frozenset[int]:
    """At which of the ``steps`` of a timeline a discriminator of so many bytes is stored, too.

    At all of them, or, where those of a small generator would take more room than its weights, at
    every second, third and so on, the last among them.
    """
    ordered = sorted(steps, reverse=True)
    room = max(len(ordered) * bytes_each, LITTLE_BYTES)
    return frozenset(ordered[:: max(1, -(-len(ordered) * discriminator // room))])


class RunTimeline:
    """The timeline of the run in a folder, for whoever trains it and for whoever looks at it.

    Several threads or processes may read while one writes: every file is whole at any moment.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / TIMELINE_NAME
        self.kept_path = folder / KEPT_NAME

    def begin(self, config: Config, step: int) -> None:
        """Record what the weights belong to, and drop those after ``step``, which come again.

        Raises:
            WriteError: the folder cannot be written.
        """
        path = self.path / CONFIG_NAME
        try:
            write_bytes(path, msgspec.json.format(msgspec.json.encode(config)) + b"\n")
            for later in self.steps():
                if later > step:
                    self._weights_path(later).unlink(missing_ok=True)
            for later in self.discriminators():
                if later > step:
                    self.discriminator_path(later).unlink(missing_ok=True)
        except OSError as error:
            raise write_error(error, path) from error

    def steps(self) -> tuple[int, ...]:
        """The steps that can be looked at, in order; any thread."""
        return self._steps(_WEIGHTS)

    def discriminators(self) -> tuple[int, ...]:
        """The steps of which a discriminator is beside the weights, in order; any thread."""
        return self._steps(_DISCRIMINATOR)

    def write(
        self, snapshot: Snapshot, discriminator: Mapping[str, NDArray[Any]] | None = None
    ) -> None:
        """Put the weights of a step on the disk, and first those of the discriminator, which is in
        a file of its own where it is no part of the model; WriteError if that fails.
        """
        path = self._weights_path(snapshot.step)
        beside = self.discriminator_path(snapshot.step)
        try:
            if discriminator is not None:
                save_tensors(beside, discriminator)
            save_tensors(path, snapshot.weights)
        except OSError as error:
            raise write_error(error, path) from error

    def snapshot(self, step: int) -> Snapshot:
        """Read the weights of a step; any thread.

        Raises:
            TimelineError: they are not there, or damaged.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        path = self._weights_path(step)
        try:
            read_header(path)
            weights = load_file(path)
            return make_snapshot(step, self.config(), weights)
        except FileNotFoundError as error:
            raise TimelineError(f"{self.folder.name} has no weights of step {step}.") from error
        except (OSError, ValueError, SafetensorError) as error:
            raise TimelineError(f"{path.name} cannot be read: {error}.") from error

    def config(self) -> Config:
        """What the weights belong to.

        Raises:
            TimelineError: it is not there, or damaged.
        """
        path = self.path / CONFIG_NAME
        try:
            if path.exists() and not path.is_file():  # a pipe would be waited for
                raise BundleError(f"{path.name} is no regular file")
            with path.open("rb") as file:
                data = file.read(MAX_CONFIG_BYTES + 1)
            if len(data) > MAX_CONFIG_BYTES:
                raise BundleError(f"{path.name} is too large.")
            config = msgspec.json.decode(data, type=Config)
            check_spec(config.spec, self.folder.name)
        except (OSError, ValueError, RecursionError) as error:
            raise TimelineError(
                f"The timeline of {self.folder.name} cannot be read: {error}."
            ) from error
        return config

    def kept(self) -> tuple[Path, ...]:
        """The bundles that were kept of this run, by name."""
        try:
            return tuple(sorted(p for p in self.kept_path.iterdir() if (p / CONFIG_NAME).is_file()))
        except OSError:
            return ()

    def discriminator_path(self, step: int) -> Path:
        """Where the discriminator of a step is, if it is beside the weights."""
        return self.path / f"discriminator-{step:07d}.safetensors"

    def _steps(self, kind: re.Pattern[str]) -> tuple[int, ...]:
        try:
            names = [path.name for path in self.path.iterdir()]
        except OSError:
            return ()
        return tuple(sorted(int(m[1]) for name in names if (m := kind.fullmatch(name))))

    def _weights_path(self, step: int) -> Path:
        return self.path / f"step-{step:07d}.safetensors"


def keep(
    folder: Path, snapshot: Snapshot, out: Path | None = None, known: TrainConfig | None = None
) -> Bundle:
    """Write a snapshot of the run in ``folder`` as a bundle, with its card and ``train.toml``, and
    with the discriminator that was trained with it, if it is no part of the model, of that step or
    of the nearest that the run has stored.

    ``out`` is the bundle's folder, by default ``kept/NAME`` in the run's, NAME being the
    snapshot's. It appears when it is whole. Where these very weights were kept before, that bundle
    is returned. Where the run is gone, its configuration is the one that is ``known``. Any thread;
    imports torch.

    Raises:
        BundleError: something else is in that place.
        WriteError: it cannot be written.
        TrainingError: the run has no configuration that can be read, and none is known.
    """
    from genviewer.engine.bundle_writer import bundle_folder
    from genviewer.engine.run_discriminator import stored_discriminator
    from genviewer.engine.train_bundle import card
    from genviewer.engine.train_config import config_table
    from genviewer.engine.train_run import CONFIG_NAME as TRAIN_NAME
    from genviewer.engine.train_run import RunFolder, to_toml
    from genviewer.io.bundle import open_bundle

    out = folder / KEPT_NAME / snapshot.config.spec.name if out is None else out
    if (out / CONFIG_NAME).is_file():
        there = open_bundle(out)
        if there.ref == snapshot.ref:
            return there
    run = RunFolder(folder)
    gone = known is not None and not run.config_path.exists()
    trained = known if gone and known is not None else run.config()
    config, discriminator = stored_discriminator(folder, trained, snapshot)
    text = card(
        msgspec.structs.replace(trained, name=config.spec.name, steps=snapshot.step),
        config.spec,
        config.statistics,
    )
    try:
        with bundle_folder(out) as work:
            write_bundle(work, config, snapshot.weights, text, discriminator)
            if gone:
                write_bytes(work / TRAIN_NAME, to_toml(config_table(trained)).encode())
            else:
                shutil.copyfile(run.config_path, work / TRAIN_NAME)
    except OSError as error:
        raise write_error(error, out) from error
    return open_bundle(out)
