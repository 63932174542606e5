"""Bytes that are too many for the memory, in a file without a name.

It lies in the user's cache folder and not in that for temporary files, which is memory on some
machines. Whatever ends the program, the system gives its room back.
"""

from __future__ import annotations

import contextlib
import io
import shutil
import tempfile
import threading
import weakref
from typing import IO, TYPE_CHECKING, Any, BinaryIO

import numpy as np
from platformdirs import user_cache_path

from genviewer.io.dataset_trees import MAX_PICTURE_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

    from genviewer.io.dataset_trees import FileTree

MAX_SPILL_BYTES = 64 << 30
"""So much is put on the disk at most, and never more than half of what is free there at first."""

_PIECE = 1 << 20


class Spill:
    """The file, made when something is first put there; any thread.

    Args:
        folder: where it lies; by default in the user's cache folder.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._file: IO[bytes] | None = None
        self._end, self._limit = 0, MAX_SPILL_BYTES
        self._lock = threading.Lock()

    def add(self, pieces: Iterable[memoryview]) -> NDArray[np.int64] | None:
        """Put pieces at the end.

        Returns:
            Where each begins, and where the last ends, int64 (n + 1,); None if there is no room,
            after which nothing is added any more.
        """
        with self._lock:
            places = [self._end]
            try:
                file = self._opened()
                file.seek(self._end)
                for piece in pieces:
                    places.append(places[-1] + len(piece))
                    if places[-1] > self._limit:
                        raise OSError("it would take too much room")
                    while piece:
                        piece = piece[file.write(piece) :]
            except OSError:
                self._limit = self._end
                if self._file is not None:
                    with contextlib.suppress(OSError):
                        self._file.truncate(self._end)
                return None
            self._end = places[-1]
        return np.array(places, np.int64)

    def read(self, start: int, end: int) -> bytes:
        """What lies there.

        Raises:
            OSError: it cannot be read.
        """
        parts = []
        with self._lock:
            file = self._opened()
            file.seek(start)
            while start < end:
                part = file.read(end - start)
                if not part:
                    raise OSError("it is shorter than it was")
                parts.append(part)
                start += len(part)
        return b"".join(parts)

    def open(self, start: int, end: int) -> BinaryIO:
        """What lies there as a file of its own."""
        return io.BufferedReader(_Part(self, start, end))

    def _opened(self) -> IO[bytes]:
        if self._file is None:
            folder = self._folder or user_cache_path("genviewer", appauthor=False) / "images"
            folder.mkdir(parents=True, exist_ok=True)
            self._limit = min(self._limit, shutil.disk_usage(folder).free // 2)
            # Not buffered: what could not be written shall not be tried again when it is read.
            self._file = tempfile.TemporaryFile(dir=folder, buffering=0)
            weakref.finalize(self, self._file.close)
        return self._file


class _Part(io.RawIOBase):
    """A part of a spill as a file."""

    def __init__(self, spill: Spill, start: int, end: int) -> None:
        super().__init__()
        self._spill, self._start, self._end, self._at = spill, start, end, start

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        base = (self._start, self._at, self._end)[whence]
        self._at = max(self._start, base + offset)
        return self._at - self._start

    def readinto(self, buffer: Any) -> int:
        data = self._spill.read(self._at, max(self._at, min(self._at + len(buffer), self._end)))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


class UnpackedTree:
    """Files of another tree, each unpacked once and put on the disk; one thread at a time.

    A zip file unpacks the whole of a file whenever it is opened. Where the disk has no room that is
    still so.

    Args:
        tree: the other one.
        spill: where they are put.
    """

    def __init__(self, tree: FileTree, spill: Spill) -> None:
        self.source, self.kind, self.refused = tree.source, tree.kind, tree.refused
        self._tree, self._spill = tree, spill
        self._places: dict[str, tuple[int, int]] = {}

    def names(self) -> list[str]:
        """All files of the tree."""
        return self._tree.names()

    def open(self, name: str, limit: int = MAX_PICTURE_BYTES) -> BinaryIO:
        """As :meth:`genviewer.io.dataset_trees.FileTree.open`."""
        if name not in self._places:
            file = self._tree.open(name, limit)
            starts = self._spill.add(map(memoryview, iter(lambda: file.read(_PIECE), b"")))
            if starts is None:
                file.seek(0)
                return file
            file.close()
            self._places[name] = int(starts[0]), int(starts[-1])
        return self._spill.open(*self._places[name])
