"""A run on disk: its configuration, metrics and checkpoints."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from typing import TYPE_CHECKING, Any

from genviewer.engine.checkpoint_file import DamagedCheckpointError, load_checkpoint
from genviewer.engine.run_lock import LOCK_NAME
from genviewer.engine.run_timeline import KEPT_NAME, TIMELINE_NAME
from genviewer.engine.train_config import (
    TrainConfig,
    TrainingError,
    config_table,
    read_config,
)
from genviewer.io.atomic import replacing, write_bytes
from genviewer.io.write_errors import write_error

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from genviewer.engine.train_state import TrainingState

CONFIG_NAME = "train.toml"
METRICS_NAME = "metrics.csv"
CHECKPOINTS_NAME = "checkpoints"
BUNDLE_NAME = "bundle"
EVENTS_NAME = "tensorboard"
MAX_METRICS_BYTES = 256 << 20
DAMAGED_SUFFIX = ".damaged"
_MAX_STEP_DIGITS = 15
_CHECKPOINT = re.compile(r"step-(\d+)\.pt")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


class RunFolder:
    """The folder of one run; every file in it is whole at any moment."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config_path = path / CONFIG_NAME
        self.metrics_path = path / METRICS_NAME
        self.checkpoints_path = path / CHECKPOINTS_NAME
        self.bundle_path = path / BUNDLE_NAME

    def create(self, config: TrainConfig) -> None:
        """Make the folder and record the resolved configuration.

        Raises:
            TrainingError: there is a run in it already, or it cannot be written.
        """
        if self.config_path.exists():
            raise TrainingError(
                f"{self.path} holds a run already: resume it or name another folder."
            )
        try:
            self.checkpoints_path.mkdir(parents=True, exist_ok=True)
            write_bytes(self.config_path, to_toml(config_table(config)).encode())
        except OSError as error:
            raise TrainingError(str(write_error(error, self.path))) from error

    def check_inside(self) -> None:
        """Refuse a run of which a part lies elsewhere: going on would write and delete there.

        Raises:
            TrainingError: naming the link.
        """
        parts = (CHECKPOINTS_NAME, TIMELINE_NAME, BUNDLE_NAME, KEPT_NAME, EVENTS_NAME, LOCK_NAME)
        for name in parts:
            if (self.path / name).is_symlink():
                raise TrainingError(
                    f"{self.path / name} is a link, and nothing is written outside of a run's "
                    "folder: put in its place what it leads to."
                )

    def config(self) -> TrainConfig:
        """The recorded configuration; TrainingError if there is none."""
        if not self.config_path.is_file():
            raise TrainingError(f"{self.path} holds no run to resume.")
        return read_config(self.config_path)

    def checkpoints(self) -> list[tuple[int, Path]]:
        """Steps and files of the checkpoints, oldest first."""
        if not self.checkpoints_path.is_dir():
            return []
        found = [
            (int(match[1]), path)
            for path in self.checkpoints_path.iterdir()
            if (match := _CHECKPOINT.fullmatch(path.name))
        ]
        return sorted(found)

    def save(self, state: TrainingState, keep: int, batch_size: int = 0) -> Path:
        """Write a checkpoint, then drop all but the newest ``keep`` (0 keeps all).

        ``batch_size`` is the one that the run now has, where memory was too small for its own.

        Raises:
            WriteError: it cannot be written; the older ones are as they were.
        """
        import torch

        path = self.checkpoints_path / f"step-{state.step:07d}.pt"
        try:
            with replacing(path) as temporary, _ErrorKeeper(temporary) as file:
                torch.save(state.state_dict() | {"batch_size": batch_size}, file)
        except OSError as error:
            raise write_error(error, path) from error
        if keep:
            for _, old in self.checkpoints()[:-keep]:
                old.unlink(missing_ok=True)
        return path

    def restore(self, state: TrainingState, damaged: list[str] | None = None) -> int | None:
        """Load the newest checkpoint that can be read into ``state``; None if there is none yet.

        Newer ones that are damaged get a name by which they are checkpoints no more, and those that
        they had are added to ``damaged``.

        Returns:
            The batch size that was saved with it; 0 for the configured one.

        Raises:
            TrainingError: every checkpoint is of another network or damaged, or the system does not
                let one be read; all are as they were.
            WriteError: a damaged one cannot be renamed.
        """
        checkpoints = self.checkpoints()
        if not checkpoints:
            return None
        networks = (state.network, *state.companions.values())
        weights = [value for network in networks for value in network.state_dict().values()]

        def take(saved: dict[str, Any]) -> int:
            state.load_state_dict(saved)
            return int(saved.get("batch_size", 0))

        size = sum(value.numel() * value.element_size() for value in weights)
        passed: list[Path] = []
        why = ""  # not the error, which would hold on to the networks
        for _, path in reversed(checkpoints):
            try:
                batch_size = load_checkpoint(path, size, take)
            except DamagedCheckpointError as error:
                passed.append(path)
                why = why or str(error)
                continue
            for newer in passed:
                _put_aside(newer)
            if damaged is not None:
                damaged += [newer.name for newer in passed]
            return batch_size
        raise TrainingError(why)


def _put_aside(path: Path) -> None:
    """Keep a damaged checkpoint as a file that takes no checkpoint's place."""
    try:
        path.replace(path.with_name(path.name + DAMAGED_SUFFIX))
    except OSError as error:
        raise write_error(error, path) from error


class _ErrorKeeper(io.FileIO):
    """A file that raises at its end what went wrong in it; torch's writer tells only that."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "wb")
        self._error: OSError | None = None

    def write(self, data: Any, /) -> int:
        """Write all of ``data``, also where the system takes a part of it."""
        view, done = memoryview(data).cast("B"), 0
        try:
            while done < len(view):
                done += super().write(view[done:]) or 0
        except OSError as error:
            self._error = error
            raise
        return done

    def __exit__(self, *details: object) -> None:
        super().__exit__(*details)  # type: ignore[arg-type]
        if self._error is not None:
            raise self._error


class MetricsFile:
    """``metrics.csv``: one row per logged step, flushed as it is written.

    Opened for a resumed run, rows of steps that will be trained again are dropped first. A loss
    that comes later adds a column, and the file is then written anew.
    """

    def __init__(self, path: Path, step: int) -> None:
        self._path = path
        self._fields: list[str] = []
        if path.is_file():
            self._fields, rows = _read(path)
            self._rewrite([row for row in rows if int(row["step"]) <= step])

    def write(self, step: int, seconds: float, losses: Mapping[str, float]) -> None:
        """Append a row; ``seconds`` is the time trained in this process."""
        row: dict[str, Any] = {"step": step, "seconds": f"{seconds:.1f}"}
        row |= {key: f"{value:.6g}" for key, value in losses.items()}
        if not set(row) <= set(self._fields):
            rows = _read(self._path)[1] if self._fields else []
            self._fields = list(dict.fromkeys([*self._fields, *row]))
            self._rewrite([*rows, row])
            return
        with self._path.open("a", newline="", encoding="utf-8") as file:
            csv.DictWriter(file, self._fields).writerow(row)
            file.flush()
            os.fsync(file.fileno())

    def _rewrite(self, rows: list[dict[str, Any]]) -> None:
        with (
            replacing(self._path) as temporary,
            temporary.open("w", newline="", encoding="utf-8") as file,
        ):
            writer = csv.DictWriter(file, self._fields, extrasaction="ignore")
            if self._fields:
                writer.writeheader()
            writer.writerows(rows)


def _read(path: Path) -> tuple[list[str], list[dict[str, Any]]]:
    with path.open("rb") as file:
        data = file.read(MAX_METRICS_BYTES + 1)
    if len(data) > MAX_METRICS_BYTES:
        raise TrainingError(f"{path} is larger than {MAX_METRICS_BYTES >> 20} MiB: move it away.")
    # A process that was killed while it wrote may have left half a line.
    whole = data.rpartition(b"\n")[0].decode("utf-8", "replace")
    reader = csv.DictReader(whole.splitlines())
    try:
        rows = [row for row in reader if _is_step(row.get("step") or "")]
    except csv.Error as error:
        raise TrainingError(f"{path} is damaged: {error}; move it away.") from error
    return list(reader.fieldnames or []), rows


def _is_step(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= _MAX_STEP_DIGITS


def to_toml(table: Mapping[str, Any], prefix: str = "") -> str:
    """A TOML document of text, numbers, booleans, lists and tables; None is left out."""
    lines = [
        f"{_toml_key(key)} = {_toml_value(value)}"
        for key, value in table.items()
        if value is not None and not isinstance(value, dict)
    ]
    for key, value in table.items():
        if isinstance(value, dict):
            name = f"{prefix}{_toml_key(key)}"
            lines += ["", f"[{name}]", to_toml(value, f"{name}.").rstrip("\n")]
    return "\n".join(lines) + "\n"


def _toml_key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else _toml_value(key)


def _toml_value(value: Any) -> str:
    """A value on one line; tables within lists are inline ones."""
    if isinstance(value, dict):
        pairs = (f"{_toml_key(k)} = {_toml_value(v)}" for k, v in value.items() if v is not None)
        return f"{{{', '.join(pairs)}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml_value, value))}]"
    # As JSON writes it; only this one character is a letter there and none in TOML.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
