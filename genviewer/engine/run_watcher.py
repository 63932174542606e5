"""What is new in the folder of a run that trains elsewhere. Imports no torch."""

from __future__ import annotations

import contextlib
import csv
import io
from typing import TYPE_CHECKING

import msgspec

from genviewer.engine.run_timeline import RunTimeline

if TYPE_CHECKING:
    from pathlib import Path

METRICS_NAME = "metrics.csv"
MOST_BYTES = 4 << 20  # read in one poll; the rest comes with the next
TAIL_BYTES = 64
MAX_STEP = 10**15


class Watched(msgspec.Struct, frozen=True):
    """What came since the last poll: rows of losses with their ``step``, and all steps there are.

    ``restarted`` tells that rows before these no longer count: the run went back or is another.
    """

    rows: tuple[dict[str, float], ...]
    steps: tuple[int, ...]
    restarted: bool = False


class RunWatcher:
    """Follows a run's metrics and timeline by looking now and then; one thread at a time.

    It only reads. A folder on a slow or broken network share gives nothing new, never an error.
    """

    def __init__(self, folder: Path) -> None:
        self._timeline = RunTimeline(folder)
        self._path = folder / METRICS_NAME
        self._read = 0
        self._header = b""
        self._tail = b""  # of what was read: where it is another, the file was written anew
        self._steps: tuple[int, ...] = ()

    def poll(self) -> Watched | None:
        """What is new since the last call; None if nothing is."""
        # A timeline that begins is never empty again; a folder that went is one that cannot be
        # looked into for now.
        steps = self._timeline.steps() or self._steps
        rows, restarted = self._rows()
        if not rows and not restarted and steps == self._steps:
            return None
        self._steps = steps
        return Watched(rows, steps, restarted)

    def _rows(self) -> tuple[tuple[dict[str, float], ...], bool]:
        try:
            if not self._path.is_file():  # a pipe would be waited for
                return (), False
            with self._path.open("rb") as file:
                header = file.readline(MOST_BYTES)
                if not header.endswith(b"\n"):
                    return (), False
                file.seek(max(0, self._read - len(self._tail)))
                restarted = header != self._header or file.read(len(self._tail)) != self._tail
                if restarted:
                    file.seek(len(header))
                    self._tail = header[-TAIL_BYTES:]
                block = file.read(MOST_BYTES)
                whole = block[: block.rfind(b"\n") + 1]
                self._read = file.tell() - len(block) + len(whole)
        except OSError:
            return (), False
        restarted = restarted and bool(self._header)
        self._header = header
        self._tail = (self._tail + whole)[-TAIL_BYTES:]
        return _parsed(header + whole), restarted


def _parsed(text: bytes) -> tuple[dict[str, float], ...]:
    """The rows whose step can be one; what is no number in them is left out."""
    rows = []
    with contextlib.suppress(csv.Error):  # what follows is no table
        for entry in csv.DictReader(io.StringIO(text.decode("utf-8", "replace"))):
            row = {}
            for name, value in entry.items():
                with contextlib.suppress(TypeError, ValueError):
                    row[name] = float(value)
            if 0 <= row.get("step", -1.0) <= MAX_STEP:
                rows.append(row)
    return tuple(rows)
