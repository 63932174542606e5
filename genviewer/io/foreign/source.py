"""Bytes of a file, read piece by piece; nothing here blocks on what is no regular file.

No file is mapped into memory or held open: a training that rewrites its checkpoint while it is
shown here would take the program down with the mapping. Each read opens the file again and
makes sure that it is still the same one.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Protocol

from genviewer.io.foreign.budget import (
    MAX_FILE_BYTES,
    MAX_FOLDER_ENTRIES,
    UnreadableFileError,
    clean,
)

_KINDS = (
    (stat.S_ISDIR, "is a folder, not a file"),
    (stat.S_ISFIFO, "is a named pipe, not a file"),
    (stat.S_ISCHR, "is a device, not a file"),
    (stat.S_ISBLK, "is a device, not a file"),
    (stat.S_ISSOCK, "is a socket, not a file"),
)


class ByteSource(Protocol):
    """Bytes at known places: a file, a part of one, or bytes in memory."""

    @property
    def size(self) -> int:
        """Number of bytes."""

    def read(self, offset: int, length: int) -> bytes:
        """Exactly ``length`` bytes; UnreadableFileError if they are not there."""

    def read_into(self, offset: int, out: memoryview) -> None:
        """Fill a writable buffer; UnreadableFileError if there are not as many bytes."""

    def slice(self, offset: int, length: int) -> ByteSource:
        """A part of it, without reading it."""


@dataclass(frozen=True, slots=True)
class FileSource:
    """A regular file, or the part ``[start, start + size)`` of one."""

    path: Path
    identity: tuple[int, int, int, int]
    start: int
    size: int

    def read(self, offset: int, length: int) -> bytes:
        """Exactly ``length`` bytes from ``offset``."""
        self._check(offset, length)
        out = bytearray(length)
        self._fill(offset, memoryview(out))
        return bytes(out)

    def read_into(self, offset: int, out: memoryview) -> None:
        """Fill ``out`` with the bytes from ``offset``."""
        self._check(offset, out.nbytes)
        self._fill(offset, out)

    def slice(self, offset: int, length: int) -> FileSource:
        """The part ``[offset, offset + length)``."""
        self._check(offset, length)
        return FileSource(self.path, self.identity, self.start + offset, length)

    def _check(self, offset: int, length: int) -> None:
        if offset < 0 or length < 0 or offset + length > self.size:
            raise UnreadableFileError(f"{clean(self.path.name, 80)} ends too early.")

    def _fill(self, offset: int, out: memoryview) -> None:
        descriptor, status = _open(self.path)
        with os.fdopen(descriptor, "rb", buffering=0) as file:
            if _identity(status) != self.identity:
                raise UnreadableFileError(
                    f"{clean(self.path.name, 80)} changed while it was being read; open it again."
                )
            file.seek(self.start + offset)
            done = 0
            while done < out.nbytes:
                got = file.readinto(out[done:])
                if not got:
                    raise UnreadableFileError(f"{clean(self.path.name, 80)} ends too early.")
                done += got


@dataclass(frozen=True, slots=True)
class MemorySource:
    """Bytes in memory; ``name`` is that of the file they are from."""

    data: memoryview
    name: str

    @property
    def size(self) -> int:
        """Number of bytes."""
        return self.data.nbytes

    def read(self, offset: int, length: int) -> bytes:
        """Exactly ``length`` bytes from ``offset``."""
        return bytes(self._part(offset, length))

    def read_into(self, offset: int, out: memoryview) -> None:
        """Fill ``out`` with the bytes from ``offset``."""
        out[:] = self._part(offset, out.nbytes)

    def slice(self, offset: int, length: int) -> MemorySource:
        """The part ``[offset, offset + length)``."""
        return MemorySource(self._part(offset, length), self.name)

    def _part(self, offset: int, length: int) -> memoryview:
        if offset < 0 or length < 0 or offset + length > self.data.nbytes:
            raise UnreadableFileError(f"{clean(self.name, 80)} ends too early.")
        return self.data[offset : offset + length]


def memory_source(data: bytes | memoryview, name: str) -> MemorySource:
    """Bytes in memory as a source."""
    return MemorySource(memoryview(data).cast("B"), name)


def open_source(path: Path | str) -> FileSource:
    """A regular file as a source; any thread, never blocks.

    Raises:
        UnreadableFileError: nothing is there, it is no regular file, it is empty or it may not be
            read.
    """
    path = Path(path)
    descriptor, status = _open(path)
    os.close(descriptor)
    if not status.st_size:
        raise UnreadableFileError(f"{clean(path.name, 80)} is empty.")
    if status.st_size > MAX_FILE_BYTES:
        raise UnreadableFileError(
            f"{clean(path.name, 80)} is larger than {MAX_FILE_BYTES >> 30} GiB."
        )
    return FileSource(path, _identity(status), 0, status.st_size)


def open_regular(path: Path | str) -> BinaryIO:
    """A regular file, open for reading and seeking; any thread, never blocks.

    Raises:
        UnreadableFileError: nothing is there, it is no regular file or it may not be read.
    """
    descriptor, _ = _open(Path(path))
    return os.fdopen(descriptor, "rb")


def read_bytes(path: Path | str, limit: int) -> bytes:
    """A whole small file, such as a configuration; any thread, never blocks.

    Raises:
        UnreadableFileError: as :func:`open_source`, or it is larger than ``limit`` bytes.
    """
    source = open_source(path)
    if source.size > limit:
        raise UnreadableFileError(
            f"{clean(source.path.name, 80)} has {source.size:,} bytes, far more than it should."
        )
    return source.read(0, source.size)


def list_folder(path: Path | str, limit: int = MAX_FOLDER_ENTRIES) -> list[str]:
    """Names in a folder, sorted, hidden ones too; at most ``limit`` are looked at.

    Raises:
        UnreadableFileError: it cannot be listed, or holds more than ``limit`` entries.
    """
    path = Path(path)
    try:
        with os.scandir(path) as entries:
            names = [entry.name for entry in islice(entries, limit + 1)]
    except (OSError, ValueError) as error:
        raise _told(path, error) from None
    if len(names) > limit:
        raise UnreadableFileError(
            f"{clean(path.name, 80)} is a folder of more than {limit:,} entries; "
            "choose the model's file in it."
        )
    return sorted(names)


def _identity(status: os.stat_result) -> tuple[int, int, int, int]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _open(path: Path) -> tuple[int, os.stat_result]:
    """A descriptor of a regular file and its status; what is no file is not even opened."""
    flags = os.O_RDONLY
    for name in ("O_NONBLOCK", "O_CLOEXEC", "O_NOCTTY", "O_BINARY"):
        flags |= getattr(os, name, 0)
    try:
        _check_kind(path, path.stat())
        descriptor = os.open(path, flags)
    except (OSError, ValueError) as error:
        raise _told(path, error) from None
    try:
        status = os.fstat(descriptor)
        _check_kind(path, status)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor, status


def _check_kind(path: Path, status: os.stat_result) -> None:
    for is_kind, what in _KINDS:
        if is_kind(status.st_mode):
            raise UnreadableFileError(f"{clean(path.name, 80)} {what}.")
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableFileError(f"{clean(path.name, 80)} is not a regular file.")


def _told(path: Path, error: Exception) -> UnreadableFileError:
    if isinstance(error, UnreadableFileError):
        return error
    name = clean(path.name or str(path), 80)
    if isinstance(error, FileNotFoundError):
        return UnreadableFileError(f"{name} does not exist.")
    if isinstance(error, PermissionError):
        return UnreadableFileError(f"{name} may not be read: you lack the permission.")
    reason = (
        error.strerror if isinstance(error, OSError) and error.strerror else "not a usable path"
    )
    return UnreadableFileError(f"{name} cannot be read: {reason}.")
