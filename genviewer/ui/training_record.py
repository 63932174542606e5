"""Runs on the disk: which was not brought to its end, how one stands, and what was discarded."""

from __future__ import annotations

import os
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from genviewer.core.resources import models_dir
from genviewer.io.atomic import write_bytes
from genviewer.io.bundle import BundleError, open_bundle

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from genviewer.core.recipe import ModelRef
    from genviewer.engine.run_timeline import Snapshot
    from genviewer.engine.train_config import TrainConfig
    from genviewer.session.paths import UserFiles

MAX_BYTES = 1 << 16
TRASH = ".discarded"
LEFT_S = 86_400.0
"""After so many seconds a discarded run is deleted by any window, not only by that which put it
there.
"""


class LeftRun(msgspec.Struct, frozen=True):
    """A run that is neither kept nor discarded: its folder, its name, and what it began as."""

    folder: str
    name: str
    base: str


@dataclass(frozen=True, eq=False)
class RunOnDisk:
    """A run that stands still: what it does, how far it is, and its newest weights."""

    config: TrainConfig
    step: int
    snapshot: Snapshot | None


def write_record(file: Path, left: LeftRun) -> None:
    """Remember a run.

    Raises:
        OSError: if it cannot be written.
    """
    write_bytes(file, msgspec.json.encode(left))


def read_record(file: Path) -> LeftRun | None:
    """The run that was left, if its folder is still there."""
    try:
        if file.stat().st_size > MAX_BYTES:
            return None
        left = msgspec.json.decode(file.read_bytes(), type=LeftRun)
    except (OSError, msgspec.DecodeError):
        return None
    return left if (Path(left.folder) / "train.toml").is_file() else None


def forget_record(file: Path) -> None:
    """No run is left; OSError if that cannot be written."""
    file.unlink(missing_ok=True)


def began_as(run: Path) -> tuple[Path, dict[str, str]] | None:
    """The model on this machine that a run goes on from, and the settings it was opened under;
    None where it names none that is here. Any thread; imports torch.

    Raises:
        TrainingError: the run has no configuration that can be read.
    """
    from genviewer.engine.train_run import RunFolder

    config = RunFolder(run).config()
    name = config.start_from
    if not name:
        return None
    settings = dict(config.finetune.settings) if config.finetune is not None else {}
    try:
        for place in (models_dir() / name, Path(name).absolute()):
            if place.exists():
                return place, settings
    except (OSError, ValueError):  # no name that the system could have
        pass
    return None


def read_run(run: Path) -> RunOnDisk:
    """A run as it is on the disk. Any thread; imports torch.

    Raises:
        TrainingError, TimelineError: it cannot be read.
    """
    from genviewer.engine.run_timeline import RunTimeline
    from genviewer.engine.train_run import RunFolder

    folder, timeline = RunFolder(run), RunTimeline(run)
    config, steps, checkpoints = folder.config(), timeline.steps(), folder.checkpoints()
    snapshot = timeline.snapshot(steps[-1]) if steps else None
    return RunOnDisk(config, checkpoints[-1][0] if checkpoints else 0, snapshot)


def put_aside(run: Path) -> Path:
    """Move a run where it is deleted later, and can be taken back from until then.

    Raises:
        OSError: if it cannot be moved.
    """
    trash = run.parent / TRASH
    trash.mkdir(exist_ok=True)
    place, number = trash / run.name, 1
    while place.exists():
        number += 1
        place = trash / f"{run.name}-{number}"
    os.utime(run)  # when it was put aside: see delete_discarded
    run.rename(place)
    return place


def move_kept(kept: Path, safe: Path) -> dict[Path, Path]:
    """Move every model that was kept of a run out of it, and say where each is now.

    What is in ``safe`` already stays as it is: the same weights are not moved, others get a name of
    their own. Reads the weights; any thread.

    Raises:
        OSError: one cannot be moved; those before are in ``safe``.
    """
    moved: dict[Path, Path] = {}
    for model in sorted(kept.glob("[!.]*/config.json")):
        model = model.parent
        place, number, ref = safe / model.name, 1, _ref_of(model)
        while place.exists() and (ref is None or _ref_of(place) != ref):
            number += 1
            place = safe / f"{model.name}-{number}"
        if not place.exists():
            safe.mkdir(parents=True, exist_ok=True)
            shutil.move(model, place)  # models may be on another disk than runs
        moved[model] = place
    return moved


def _ref_of(model: Path) -> ModelRef | None:
    try:
        return open_bundle(model).ref
    except BundleError:
        return None  # it is kept all the same


def size_of(run: Path) -> int:
    """Bytes of all files of a run; what goes meanwhile is not counted."""
    total = 0
    for path in run.rglob("*"):
        with suppress(OSError):
            total += path.lstat().st_size
    return total


def delete_discarded(runs: Path, own: Iterable[Path]) -> None:
    """Delete what was put aside: ``own`` by the caller, the rest by others, who may take it back
    for :data:`LEFT_S`. What cannot be deleted stays.
    """
    for run in own:
        shutil.rmtree(run, ignore_errors=True)
    with suppress(OSError):
        for run in (runs / TRASH).iterdir():
            if time.time() - run.stat().st_mtime > LEFT_S:
                shutil.rmtree(run, ignore_errors=True)
        (runs / TRASH).rmdir()


def kept_models(files: UserFiles) -> Iterator[Path]:
    """The folders of models that were kept of trainings: those with runs, then the others."""
    for place, pattern in ((files.runs, "*/kept/*"), (files.models, "kept/*/*")):
        yield from sorted(place.glob(pattern))
    yield from sorted(path for path in files.models.glob("*") if path.name != "kept")


def free_folder(runs: Path, name: str, stamp: str) -> Path:
    """A folder for a new run, where nothing is."""
    place, number = runs / f"{name}-{stamp}", 1
    while place.exists():
        number += 1
        place = runs / f"{name}-{stamp}-{number}"
    return place
