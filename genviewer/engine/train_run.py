"""A run on disk: its configuration, metrics and checkpoints."""

from __future__ import annotations

import csv
import json
import os
import re
from typing import TYPE_CHECKING, Any

import msgspec
import torch

from genviewer.engine.train_config import TrainConfig, TrainingError, read_config
from genviewer.io.atomic import replacing, write_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from genviewer.engine.train_state import TrainingState

CONFIG_NAME = "train.toml"
METRICS_NAME = "metrics.csv"
CHECKPOINTS_NAME = "checkpoints"
BUNDLE_NAME = "bundle"
_CHECKPOINT = re.compile(r"step-(\d+)\.pt")


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
            write_bytes(self.config_path, to_toml(msgspec.to_builtins(config)).encode())
        except OSError as error:
            raise TrainingError(f"{self.path} cannot be written: {error.strerror}.") from error

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

    def save(self, state: TrainingState, keep: int) -> Path:
        """Write a checkpoint, then drop all but the newest ``keep`` (0 keeps all)."""
        path = self.checkpoints_path / f"step-{state.step:07d}.pt"
        with replacing(path) as temporary:
            torch.save(state.state_dict(), temporary)
        if keep:
            for _, old in self.checkpoints()[:-keep]:
                old.unlink(missing_ok=True)
        return path

    def restore(self, state: TrainingState) -> bool:
        """Load the newest checkpoint into ``state``; False if there is none yet.

        Raises:
            TrainingError: the checkpoint is of another network or damaged.
        """
        checkpoints = self.checkpoints()
        if not checkpoints:
            return False
        path = checkpoints[-1][1]
        try:
            state.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
        except (RuntimeError, KeyError, ValueError, OSError, EOFError) as error:
            raise TrainingError(f"{path} cannot be resumed: {error}.") from error
        return True


class MetricsFile:
    """``metrics.csv``: one row per logged step, flushed as it is written.

    Opened for a resumed run, rows of steps that will be trained again are dropped first.
    """

    def __init__(self, path: Path, step: int) -> None:
        self._path = path
        self._fields: list[str] = []
        if path.is_file():
            # A process that was killed while it wrote may have left half a line.
            whole = path.read_bytes().rpartition(b"\n")[0].decode("utf-8", "replace")
            reader = csv.DictReader(whole.splitlines())
            rows = [row for row in reader if (row.get("step") or "").isdigit()]
            self._fields = list(reader.fieldnames or [])
            kept = [row for row in rows if int(row["step"]) <= step]
            with (
                replacing(path) as temporary,
                temporary.open("w", newline="", encoding="utf-8") as file,
            ):
                writer = csv.DictWriter(file, self._fields, extrasaction="ignore")
                if self._fields:
                    writer.writeheader()
                writer.writerows(kept)

    def write(self, step: int, seconds: float, losses: Mapping[str, float]) -> None:
        """Append a row; ``seconds`` is the time trained in this process."""
        row: dict[str, Any] = {"step": step, "seconds": f"{seconds:.1f}"}
        row |= {key: f"{value:.6g}" for key, value in losses.items()}
        new = not self._fields
        if new:
            self._fields = list(row)
        with self._path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, self._fields, extrasaction="ignore")
            if new:
                writer.writeheader()
            writer.writerow(row)
            file.flush()
            os.fsync(file.fileno())


def to_toml(table: Mapping[str, Any], prefix: str = "") -> str:
    """A TOML document of text, numbers, booleans, lists of them, and tables; None is left out."""
    lines = [
        f"{key} = {json.dumps(value, ensure_ascii=False)}"
        for key, value in table.items()
        if value is not None and not isinstance(value, dict)
    ]
    for key, value in table.items():
        if isinstance(value, dict):
            name = f"{prefix}{key}"
            lines += ["", f"[{name}]", to_toml(value, f"{name}.").rstrip("\n")]
    return "\n".join(lines) + "\n"
