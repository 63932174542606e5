"""The table of contents of a zip file, read strictly: one meaning for every reader, or none.

A file that shows different contents to different readers is how checks are passed and loaders
fooled. Duplicate names, overlapping entries, names that differ between the directory and the
entry, encrypted entries and data before the first or after the last part are therefore refused.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from genviewer.io.foreign.budget import MAX_ZIP_DIRECTORY_BYTES, MAX_ZIP_ENTRIES, clean

if TYPE_CHECKING:
    from genviewer.io.foreign.budget import Budget
    from genviewer.io.foreign.source import ByteSource

_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR64 = struct.Struct("<4sLQL")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_STORED, _DEFLATED = 0, 8
_FULL_16, _FULL_32 = 0xFFFF, 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Entry:
    """One file in a zip file; ``start`` is where its bytes begin, once that was looked up."""

    name: str
    compressed: bool
    packed_size: int
    size: int
    header: int


class ZipIndex:
    """The entries of a zip file by name, in the order of the file's directory.

    Args:
        source: the file's bytes.
        budget: whose name the refusals begin with.
        max_entries: more are refused; a model has few, a data set many.

    Raises:
        UnreadableFileError: at construction, if it is damaged or ambiguous.
    """

    def __init__(
        self, source: ByteSource, budget: Budget, max_entries: int = MAX_ZIP_ENTRIES
    ) -> None:
        self.source = source
        self._max_entries = max_entries
        self.budget = budget
        directory, count, self.directory_start = self._find_directory()
        self.entries: dict[str, Entry] = {}
        self._read_directory(directory, count)
        self._refuse_overlaps()

    def read(self, name: str, limit: int) -> bytes:
        """The bytes of an entry, unpacked if it is compressed.

        Raises:
            UnreadableFileError: it is not there, larger than ``limit``, or damaged.
        """
        entry = self._entry(name)
        if max(entry.size, entry.packed_size) > limit:
            self.budget.refuse(f"has an entry {clean(name)} of {entry.size:,} bytes, far too many")
        packed = self._packed(entry).read(0, entry.packed_size)
        if not entry.compressed:
            return packed
        unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            data = unpacker.decompress(packed, entry.size + 1)
        except zlib.error:
            self.budget.damaged(f"its entry {clean(name)}")
        if len(data) != entry.size:
            self.budget.damaged(f"its entry {clean(name)}")
        return data

    def source_of(self, name: str) -> ByteSource:
        """The bytes of an uncompressed entry, without reading them.

        Raises:
            UnreadableFileError: it is not there, compressed, or damaged.
        """
        entry = self._entry(name)
        if entry.compressed:
            self.budget.refuse(
                f"has the compressed entry {clean(name)}, where PyTorch never compresses"
            )
        return self._packed(entry)

    def _entry(self, name: str) -> Entry:
        if name not in self.entries:
            self.budget.damaged(f"it has no {clean(name)}")
        return self.entries[name]

    def _packed(self, entry: Entry) -> ByteSource:
        header = self.source.read(entry.header, _LOCAL.size)
        mark, _, flags, method, _, _, _, packed, size, name_length, extra_length = _LOCAL.unpack(
            header
        )
        name = self.source.read(entry.header + _LOCAL.size, name_length)
        start = entry.header + _LOCAL.size + name_length + extra_length
        agrees = (
            mark == b"PK\3\4"
            and (method == _DEFLATED) == entry.compressed
            and _decoded(name, flags) == entry.name
            and (flags & 8 or packed in (_FULL_32, entry.packed_size))
            and (flags & 8 or size in (_FULL_32, entry.size))
            and start + entry.packed_size <= self.directory_start
        )
        if not agrees:
            self.budget.damaged(f"its entry {clean(entry.name)}")
        return self.source.slice(start, entry.packed_size)

    def _find_directory(self) -> tuple[bytes, int, int]:
        size = self.source.size
        if size < _END.size:
            self.budget.damaged("its zip directory is missing")
        tail_start = max(0, size - _END.size - _FULL_16)
        tail = self.source.read(tail_start, size - tail_start)
        at = tail.rfind(b"PK\5\6")
        while at >= 0:
            if len(tail) - at >= _END.size:
                end = _END.unpack_from(tail, at)
                if at + _END.size + end[7] == len(tail):
                    break
            at = tail.rfind(b"PK\5\6", 0, at)
        else:
            self.budget.damaged("its zip directory is missing")
        limit = tail_start + at
        disk, first_disk, here, count, length, start, limit = self._find_directory64(limit, end)
        if disk or first_disk or here != count or start + length != limit:
            self.budget.damaged("its zip directory")
        too_long = MAX_ZIP_DIRECTORY_BYTES * max(1, self._max_entries // MAX_ZIP_ENTRIES)
        if count > self._max_entries or length > too_long:
            self.budget.refuse(f"is a zip file of {count:,} entries, far too many")
        return self.source.read(start, length), count, start

    def _find_directory64(
        self, end_start: int, end: tuple[Any, ...]
    ) -> tuple[int, int, int, int, int, int, int]:
        """Disk, first disk, entries here and in all, length, start, and where that must end.

        PyTorch writes the 64-bit record always, others where 32 bits do not suffice.
        """
        locator_start = end_start - _LOCATOR64.size
        if locator_start < _END64.size:
            return end[1], end[2], end[3], end[4], end[5], end[6], end_start
        mark, _, record_start, _ = _LOCATOR64.unpack(
            self.source.read(locator_start, _LOCATOR64.size)
        )
        if mark != b"PK\6\7" or record_start + _END64.size > locator_start:
            return end[1], end[2], end[3], end[4], end[5], end[6], end_start
        record = _END64.unpack(self.source.read(record_start, _END64.size))
        if record[0] != b"PK\6\6" or record_start + 12 + record[1] != locator_start:
            self.budget.damaged("its zip directory")
        for short, long in zip(end[1:7], record[4:], strict=True):
            if short not in (_FULL_16, _FULL_32, long):
                self.budget.damaged("its zip directory")
        _, _, _, _, disk, first_disk, here, count, length, start = record
        return disk, first_disk, here, count, length, start, record_start

    def _read_directory(self, directory: bytes, count: int) -> None:
        at = 0
        for _ in range(count):
            if at + _CENTRAL.size > len(directory):
                self.budget.damaged("its zip directory")
            (
                mark, _, _, flags, method, _, _, _, packed, size,
                name_length, extra_length, comment_length, disk, _, _, header,
            ) = _CENTRAL.unpack_from(directory, at)  # fmt: skip
            at += _CENTRAL.size
            name = _decoded(directory[at : at + name_length], flags)
            extra = directory[at + name_length : at + name_length + extra_length]
            at += name_length + extra_length + comment_length
            if mark != b"PK\1\2" or at > len(directory) or disk or "\0" in name:
                self.budget.damaged("its zip directory")
            if flags & 1:
                self.budget.refuse("is an encrypted zip file")
            if method not in (_STORED, _DEFLATED):
                self.budget.refuse(f"is a zip file of the unusual kind {method}")
            size, packed, header = self._sizes64(extra, size, packed, header)
            if method == _STORED and size != packed:
                self.budget.damaged(f"its entry {clean(name)}")
            if name in self.entries:
                self.budget.refuse(f"has two entries called {clean(name)}, so it means two things")
            self.entries[name] = Entry(name, method == _DEFLATED, packed, size, header)
        if at != len(directory):
            self.budget.damaged("its zip directory")

    def _sizes64(self, extra: bytes, *sizes: int) -> tuple[int, int, int]:
        """Put the 64-bit sizes of an extra field in the place of those that are all ones."""
        wanted = [i for i, size in enumerate(sizes) if size == _FULL_32]
        result = list(sizes)
        at = 0
        while wanted and at + 4 <= len(extra):
            kind, length = struct.unpack_from("<2H", extra, at)
            if kind == 1:
                for k, i in enumerate(wanted):
                    if 8 * (k + 1) > length or at + 4 + 8 * (k + 1) > len(extra):
                        self.budget.damaged("its zip directory")
                    (result[i],) = struct.unpack_from("<Q", extra, at + 4 + 8 * k)
                break
            at += 4 + length
        return result[0], result[1], result[2]

    def _refuse_overlaps(self) -> None:
        previous_end = 0
        for entry in sorted(self.entries.values(), key=lambda e: e.header):
            if entry.header < previous_end:
                self.budget.refuse("is a zip file whose entries overlap")
            previous_end = entry.header + _LOCAL.size + entry.packed_size
        if previous_end > self.directory_start:
            self.budget.damaged("its zip directory")


def _decoded(name: bytes, flags: int) -> str:
    return name.decode("utf-8" if flags & 0x800 else "cp437", errors="replace")
