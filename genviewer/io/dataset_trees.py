"""The files of a data set by name, whether they lie in a folder or in a zip file.

Names come from outside: none leads out of the folder, and only regular files are opened.
"""

from __future__ import annotations

import io
import os
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO, Protocol

from genviewer.io.cancelling import check_cancelled
from genviewer.io.dataset_values import (
    MAX_BYTES,
    BadFileError,
    DataError,
    MissingFileError,
    unpacked_limit,
)
from genviewer.io.foreign.budget import Budget, UnreadableFileError, clean
from genviewer.io.foreign.source import memory_source, open_regular, open_source
from genviewer.io.foreign.zip_index import ZipIndex

if TYPE_CHECKING:
    from genviewer.io.foreign.source import ByteSource

MAX_FILES = 1_000_000
MAX_PICTURE_BYTES = 256 << 20
_SHOWN = 120  # characters of a file's name in a sentence


class FileTree(Protocol):
    """Files by their names, which are relative paths with ``/``."""

    source: str
    kind: str
    refused: list[tuple[str, str]]
    """(name, reason) of what is not even listed."""

    def names(self) -> list[str]:
        """All files in order, without hidden ones."""
        ...

    def open(self, name: str, limit: int = MAX_PICTURE_BYTES) -> BinaryIO:
        """A file to read from and to seek in; whoever opens it closes it.

        Raises:
            MissingFileError: it is not there any more.
            BadFileError: it may not be read or is larger than ``limit`` bytes.
        """
        ...


class FolderTree:
    """The files in a folder and in the folders inside it.

    Args:
        folder: the folder.
        root: where links may lead to; by default the folder itself.
    """

    def __init__(self, folder: Path, root: Path | None = None) -> None:
        self.source = str(folder)
        self.kind = "a folder"
        self.refused: list[tuple[str, str]] = []
        self._folder = folder
        self._root = os.path.realpath(root or _root_of(folder))
        self._parents: dict[str, str] = {}

    def names(self) -> list[str]:
        """All files in order, without hidden ones.

        Raises:
            DataError: the folder cannot be listed, or holds too many files.
        """
        found: list[str] = []
        self.refused.clear()
        try:
            os.scandir(self._folder).close()
        except OSError as error:
            raise DataError(f"{self.source} cannot be listed: {error.strerror}.") from error
        for folder, folders, files in os.walk(self._folder):
            check_cancelled()
            inside = PurePosixPath(Path(folder).relative_to(self._folder).as_posix())
            folders[:] = sorted(name for name in folders if not _is_hidden(name))
            for name in folders:
                if os.path.islink(os.path.join(folder, name)):
                    reason = "is a link to a folder, which is not followed"
                    self.refused.append((str(inside / name), reason))
            found += [str(inside / name) for name in files if not _is_hidden(name)]
            if len(found) > MAX_FILES:
                raise DataError(f"{self.source} holds more than {MAX_FILES:,} files.")
        return sorted(found, key=_place)

    def open(self, name: str, limit: int = MAX_PICTURE_BYTES) -> BinaryIO:
        """A file to read from and to seek in."""
        path = self._locate(name)
        try:
            file = open_regular(path)
        except UnreadableFileError as error:
            reason = _reason(error, path.name)
            if isinstance(error.__context__, FileNotFoundError):
                raise MissingFileError(name, "does not exist") from error
            raise BadFileError(name, reason) from error
        if os.fstat(file.fileno()).st_size > limit:
            file.close()
            raise BadFileError(name, f"is larger than {limit >> 20:,} MiB")
        return file

    def _locate(self, name: str) -> Path:
        """Where a file lies; strings and not paths, since there may be a million files."""
        plain = name.replace("\\", "/") if os.sep == "\\" else name
        if "\0" in plain or os.path.isabs(plain) or os.path.splitdrive(plain)[0]:
            raise BadFileError(name, "is not a path inside the folder")
        if ".." in plain.split("/"):
            raise BadFileError(name, "leads out of the folder")
        parent, _, last = plain.rpartition("/")
        real = self._parents.get(parent)
        if real is None:
            real = self._parents[parent] = os.path.realpath(os.path.join(self._folder, parent))
        whole = os.path.join(real, last)
        if os.path.islink(whole):
            whole = os.path.realpath(whole)
        if not whole.startswith(self._root.rstrip(os.sep) + os.sep):
            raise BadFileError(name, "is a link that leads out of the folder")
        return Path(whole)


class ZipTree:
    """The files in a zip file, which is read strictly: see :mod:`~genviewer.io.foreign.zip_index`.

    Raises:
        DataError: at construction, if it cannot be read.
    """

    def __init__(self, path: Path | None, source: ByteSource | None = None, name: str = "") -> None:
        self.source = name or str(path)
        self.kind = "a zip file"
        self.refused: list[tuple[str, str]] = []
        try:
            bytes_ = source if source is not None else open_source(path or Path())
            budget = Budget(clean(Path(self.source).name, _SHOWN), bytes_.size)
            self._index = ZipIndex(bytes_, budget, MAX_FILES)
        except UnreadableFileError as error:
            raise DataError(str(error)) from error

    def names(self) -> list[str]:
        """All files in order, without hidden ones."""
        found = []
        for name in self._index.entries:
            parts = PurePosixPath(name).parts
            if name.endswith("/") or not parts or any(_is_hidden(part) for part in parts):
                continue
            found.append(name)
        return sorted(found, key=_place)

    def open(self, name: str, limit: int = MAX_PICTURE_BYTES) -> BinaryIO:
        """A file to read from and to seek in, unpacked in memory."""
        if name not in self._index.entries:
            raise MissingFileError(name, "is not in the zip file")
        try:
            packed = self._index.entries[name].packed_size
            return io.BytesIO(self._index.read(name, unpacked_limit(packed, limit)))
        except UnreadableFileError as error:
            if not Path(self.source).exists():
                raise MissingFileError(name, f"is gone with {self.source}") from error
            raise BadFileError(name, _reason(error, self.source)) from error


def zip_inside(tree: FileTree, name: str) -> ZipTree:
    """A zip file among the files of a tree.

    Raises:
        DataError: it cannot be read.
    """
    with tree.open(name, MAX_BYTES) as file:
        data = file.read()
    return ZipTree(None, memory_source(data, name), f"{tree.source}/{name}")


def _root_of(folder: Path) -> Path:
    """The Hub's cache keeps a snapshot's files beside it, behind links; else the folder itself."""
    for inside in (folder, *folder.parents):
        place = inside.parent.parent
        if inside.parent.name == "snapshots" and (place / "blobs").is_dir():
            return place
    return folder


def _is_hidden(name: str) -> bool:
    return name.startswith((".", "__MACOSX"))


def _place(name: str) -> list[str]:
    """By which names are put in order: folder by folder."""
    return name.split("/")


def _reason(error: Exception, name: str) -> str:
    """What a sentence says about a file, without its name."""
    text = str(error).removesuffix(".")
    for start in (clean(name, 80), clean(Path(name).name, 80), clean(Path(name).name, _SHOWN)):
        text = text.removeprefix(f"{start} ")
    return text
