"""What a person likes: one table of settings, kept in a file of their own."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import msgspec
from platformdirs import user_config_path

from genviewer.io.atomic import write_bytes
from genviewer.session.state import keep_aside

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_log = logging.getLogger(__name__)

Value = bool | int | float | str
Kind = Literal["bool", "choice", "int", "float"]
MAX_BYTES = 1 << 20


@dataclass(frozen=True)
class Row:
    """One setting.

    Attributes:
        key: its name in the file.
        label, group, help: what the dialog says.
        kind: ``bool``, ``choice``, ``int`` or ``float``.
        default: its value where nothing else was said.
        choices: (value, label) pairs of a choice.
        low, high: the range of a number, both included.
        suffix: the unit that the dialog shows behind a number.
    """

    key: str
    label: str
    group: str
    kind: Kind
    default: Value
    help: str
    choices: tuple[tuple[str, str], ...] = ()
    low: float = 0.0
    high: float = 1.0
    suffix: str = ""

    def valid(self, value: object) -> Value | None:
        """The value as this setting takes it, or None where it cannot."""
        if self.kind == "bool":
            return value if isinstance(value, bool) else None
        if self.kind == "choice":
            return value if isinstance(value, str) and value in dict(self.choices) else None
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        if not math.isfinite(value) or not self.low <= value <= self.high:
            return None
        if self.kind == "float":
            return float(value)
        return int(value) if value == int(value) else None


PREFERENCES: tuple[Row, ...] = (
    Row(
        "theme", "Appearance", "Window", "choice", "system",
        "Light, dark, or as the desktop is.",
        choices=(("system", "As the desktop"), ("light", "Light"), ("dark", "Dark")),
    ),
    Row(
        "filmstrip", "Strip of recent frames", "Window", "bool", True,
        "Frames that flew by, below the canvas; any of them can be pinned.",
    ),
    Row(
        "focus_beside", "Sample beside the sheet", "Canvas", "bool", True,
        "Show the current sample large, beside grids and maps.",
    ),
    Row(
        "smooth_zoom", "Smooth zoom", "Canvas", "bool", False,
        "Interpolate when a picture is enlarged; otherwise pixels stay squares.",
    ),
    Row(
        "device", "Device", "Drawing", "choice", "auto",
        "Where samples are drawn and models learn; a seed is the same picture on each.",
        choices=(
            ("auto", "Automatic"), ("cpu", "CPU"), ("cuda", "NVIDIA GPU (CUDA)"),
            ("mps", "Apple GPU (MPS)"),
        ),
    ),
    Row(
        "engine", "Engine", "Drawing", "choice", "auto",
        "What runs the decoder; automatic takes the faster one that agrees with PyTorch.",
        choices=(("auto", "Automatic"), ("onnx", "ONNX Runtime"), ("torch", "PyTorch")),
    ),
    Row(
        "restore_session", "Go on where I left off", "Session", "bool", True,
        "Start with the scene, pins and controls of the last time.",
    ),
    Row(
        "history_length", "Undo steps", "Session", "int", 500,
        "How many steps back are kept.", low=10, high=10_000,
    ),
)  # fmt: skip

ROWS: dict[str, Row] = {row.key: row for row in PREFERENCES}


def defaults() -> dict[str, Value]:
    """The value of every setting where nothing else was said."""
    return {row.key: row.default for row in PREFERENCES}


def preferences_file() -> Path:
    """Where the settings are kept, by the platform's conventions; it may not exist yet."""
    return user_config_path("genviewer", appauthor=False) / "preferences.json"


@dataclass
class Preferences:
    """The settings in force: a value for every row of :data:`PREFERENCES`.

    Belongs to one thread. What the file says about settings that this version does not know is
    left alone on saving, so that another version finds it again.
    """

    values: dict[str, Value] = field(default_factory=defaults)
    path: Path = field(default_factory=preferences_file)
    _unknown: dict[str, object] = field(default_factory=dict, repr=False)

    @classmethod
    def load(cls, path: Path | None = None) -> Preferences:
        """Read the file; defaults where there is none or a value does not fit.

        A damaged file is kept aside, with ``.damaged`` in its name, and said in the log.
        """
        path = preferences_file() if path is None else path
        preferences = cls(path=path)
        stored = _read(path)
        for key, value in stored.items():
            row = ROWS.get(key)
            if row is None:
                preferences._unknown[key] = value
            elif (valid := row.valid(value)) is not None:
                preferences.values[key] = valid
        return preferences

    def set(self, key: str, value: object) -> None:
        """Change one setting.

        Raises:
            KeyError: if there is no such setting.
            ValueError: if it cannot have that value.
        """
        valid = ROWS[key].valid(value)
        if valid is None:
            raise ValueError(f"{key} cannot be {value!r}")
        self.values[key] = valid

    def changed(self) -> Mapping[str, Value]:
        """The settings that are not at their default."""
        return {key: v for key, v in self.values.items() if v != ROWS[key].default}

    def save(self) -> None:
        """Write the file atomically: what is not at its default.

        Raises:
            OSError: if it cannot be written.
        """
        data = msgspec.json.encode({**self._unknown, **self.changed()})
        write_bytes(self.path, msgspec.json.format(data, indent=2))


def _read(path: Path) -> dict[str, object]:
    try:
        if not path.is_file():
            return {}
        if path.stat().st_size > MAX_BYTES:
            raise ValueError("too large")
        return msgspec.json.decode(path.read_bytes(), type=dict[str, object])
    except OSError as error:
        _log.warning("%s cannot be read (%s); defaults are used.", path, error.strerror)
    except (ValueError, RecursionError):
        try:
            aside = keep_aside(path)
        except OSError as error:
            _log.warning("%s is damaged and cannot be moved (%s).", path, error.strerror)
        else:
            _log.warning("%s is damaged; it is kept as %s, defaults are used.", path, aside.name)
    return {}
