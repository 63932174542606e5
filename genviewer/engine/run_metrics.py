"""The losses of a run from its ``metrics.csv``, also while another process adds to it."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

MOST_BYTES = 256 << 20
"""Of a file that is read: a million rows. What is beyond is not looked at."""


class NewRows(NamedTuple):
    """Rows that were not read before; ``again``: they replace all that were."""

    rows: list[dict[str, float]]
    again: bool


class MetricsReader:
    """Reads a growing ``metrics.csv`` bit by bit. One thread at a time may use it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = (0, 0)  # device and number: a file that is written anew is another
        self._read = 0
        self._fields: list[str] = []

    def new_rows(self) -> NewRows:
        """The rows that came since the last call; each has its ``step``.

        A row that is still being written, and what is not a number, is left out. Without a file
        there are none.

        Raises:
            OSError: the file is there and cannot be read.
        """
        try:
            with self._path.open("rb") as file:
                status = self._path.stat()
                now = (status.st_dev, status.st_ino)
                again = now != self._file or status.st_size < self._read
                if again:
                    self._file, self._read, self._fields = now, 0, []
                file.seek(self._read)
                data = file.read(max(MOST_BYTES - self._read, 0))
        except FileNotFoundError:
            return NewRows([], False)
        whole = data.rpartition(b"\n")[0]
        if not whole:
            return NewRows([], again)
        self._read += len(whole) + 1
        lines = csv.reader(whole.decode("utf-8", "replace").splitlines())
        if not self._fields:
            self._fields = next(lines, [])
        try:
            rows = [_numbers(self._fields, line) for line in lines]
        except csv.Error:
            rows = []  # it is no table
        return NewRows([row for row in rows if "step" in row], again)


def _numbers(fields: list[str], line: list[str]) -> dict[str, float]:
    row = {}
    for name, text in zip(fields, line, strict=False):
        try:
            row[name] = float(text)
        except ValueError:
            continue  # empty: it was not measured at this step
    return row
