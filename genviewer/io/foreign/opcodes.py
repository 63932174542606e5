"""The instructions of a pickle, one by one; lengths are checked before anything is read.

The format is described in Python's ``pickletools``; protocols 0 to 5.
"""

from __future__ import annotations

import codecs
import struct
from typing import TYPE_CHECKING, Any

from genviewer.io.foreign.budget import MAX_LONG_BYTES, MAX_STRING_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable

    from genviewer.io.foreign.budget import Budget
    from genviewer.io.foreign.source import ByteSource

BLOCK = 1 << 16
INLINE_BYTES = 4096
"""Byte strings up to this length are read; longer ones stay in the file, as a source."""

MAX_NAME = 1024


class Window:
    """A position in a source that moves forward, with some bytes ahead in memory."""

    def __init__(self, source: ByteSource, budget: Budget, start: int = 0) -> None:
        self.source = source
        self.budget = budget
        self._base = start
        self._buffer = b""
        self._at = 0

    @property
    def position(self) -> int:
        """Offset in the source of the next byte."""
        return self._base + self._at

    def take_byte(self) -> int:
        """The next byte, as a number."""
        at = self._at
        if at < len(self._buffer):
            self._at = at + 1
            return self._buffer[at]
        return self.take(1)[0]

    def need(self, length: int) -> None:
        """Refuse the file if it has fewer than ``length`` bytes left."""
        if length > self.source.size - self.position:
            self.budget.damaged("it ends in the middle")

    def take(self, length: int) -> bytes:
        """The next ``length`` bytes."""
        end = self._at + length
        if end > len(self._buffer):
            position = self._base + self._at
            ahead = min(max(length, BLOCK), self.source.size - position)
            if length > ahead:
                self.budget.damaged("it ends in the middle")
            self._buffer = self.source.read(position, ahead)
            self._base, self._at, end = position, 0, length
        piece = self._buffer[self._at : end]
        self._at = end
        return piece

    def take_source(self, length: int) -> ByteSource:
        """The next ``length`` bytes, left where they are."""
        self.need(length)
        part = self.source.slice(self.position, length)
        if self._at + length <= len(self._buffer):
            self._at += length
            return part
        self._base, self._at, self._buffer = self.position + length, 0, b""
        return part

    def take_line(self, limit: int) -> bytes:
        """What comes before the next newline, which is passed."""
        pieces: list[bytes] = []
        length = 0
        while True:
            if self._at >= len(self._buffer):
                self.take(1)
                self._at -= 1
            end = self._buffer.find(b"\n", self._at)
            piece = self._buffer[self._at : end if end >= 0 else None]
            pieces.append(piece)
            length += len(piece)
            self._at += len(piece) + (end >= 0)
            if length > limit:
                self.budget.damaged("a line in it is too long")
            if end >= 0:
                return b"".join(pieces)


def _number(form: str) -> Callable[[Window], Any]:
    layout = struct.Struct(form)
    size = layout.size

    def read(window: Window) -> Any:
        return layout.unpack(window.take(size))[0]

    return read


u1 = Window.take_byte
u2, u4, u8, i4 = (_number(form) for form in ("<H", "<I", "<Q", "<i"))


def _text(length: Callable[[Window], int]) -> Callable[[Window], str]:
    def read(window: Window) -> str:
        count = length(window)
        window.need(count)
        window.budget.spend_text(count)
        return window.take(count).decode("utf-8", "surrogatepass")

    return read


def _bytes(length: Callable[[Window], int]) -> Callable[[Window], bytes | ByteSource]:
    def read(window: Window) -> bytes | ByteSource:
        count = length(window)
        if count > INLINE_BYTES:
            return window.take_source(count)
        window.budget.spend_inline(count)
        return window.take(count)

    return read


def _old_text(length: Callable[[Window], int]) -> Callable[[Window], str | bytes | ByteSource]:
    """A string of Python 2: text if it is ASCII, else bytes."""
    read_bytes = _bytes(length)

    def read(window: Window) -> str | bytes | ByteSource:
        data = read_bytes(window)
        return data.decode("ascii") if isinstance(data, bytes) and data.isascii() else data

    return read


def _length4(window: Window) -> int:
    length: int = i4(window)
    if length < 0:
        window.budget.damaged("a length in it is negative")
    return length


def _long(length: Callable[[Window], int]) -> Callable[[Window], int]:
    def read(window: Window) -> int:
        count = length(window)
        if count > MAX_LONG_BYTES:
            window.budget.refuse(f"holds a number of {count:,} bytes, which no model does")
        return int.from_bytes(window.take(count), "little", signed=True)

    return read


def _line_int(window: Window) -> int | bool:
    line = window.take_line(2 * MAX_LONG_BYTES + 16)
    if line in (b"00", b"01"):
        return line == b"01"
    return int(line.rstrip(b"L"))


def _line_float(window: Window) -> float:
    return float(window.take_line(64))


def _line_string(window: Window) -> str | bytes:
    line = window.take_line(MAX_STRING_BYTES).strip()
    window.budget.spend_text(len(line))
    if len(line) < 2 or line[:1] not in (b"'", b'"') or line[-1:] != line[:1]:
        window.budget.damaged("a string in it has no quotes")
    data = codecs.escape_decode(line[1:-1])[0]
    return data.decode("ascii") if data.isascii() else data


def _line_unicode(window: Window) -> str:
    line = window.take_line(MAX_STRING_BYTES)
    window.budget.spend_text(len(line))
    return line.decode("raw-unicode-escape")


def _line_text(window: Window) -> str:
    return window.take_line(MAX_NAME).decode("utf-8")


def _two_lines(window: Window) -> tuple[str, str]:
    return _line_text(window), _line_text(window)


def _float8(window: Window) -> float:
    value: float = struct.unpack(">d", window.take(8))[0]
    return value


def _nothing(window: Window) -> None:
    return None


ARGUMENTS: dict[int, tuple[str, Callable[[Window], Any]]] = {
    ord(code): (name, reader)
    for code, name, reader in [
        ("I", "INT", _line_int), ("J", "BININT", i4), ("K", "BININT1", u1), ("M", "BININT2", u2),
        ("L", "LONG", _line_int), ("\x8a", "LONG1", _long(u1)), ("\x8b", "LONG4", _long(_length4)),
        ("S", "STRING", _line_string), ("T", "BINSTRING", _old_text(_length4)),
        ("U", "SHORT_BINSTRING", _old_text(u1)), ("B", "BINBYTES", _bytes(u4)),
        ("C", "SHORT_BINBYTES", _bytes(u1)), ("\x8e", "BINBYTES8", _bytes(u8)),
        ("\x96", "BYTEARRAY8", _bytes(u8)), ("N", "NONE", _nothing), ("\x88", "NEWTRUE", _nothing),
        ("\x89", "NEWFALSE", _nothing), ("V", "UNICODE", _line_unicode),
        ("\x8c", "SHORT_BINUNICODE", _text(u1)), ("X", "BINUNICODE", _text(u4)),
        ("\x8d", "BINUNICODE8", _text(u8)), ("F", "FLOAT", _line_float), ("G", "BINFLOAT", _float8),
        ("]", "EMPTY_LIST", _nothing), ("a", "APPEND", _nothing), ("e", "APPENDS", _nothing),
        ("l", "LIST", _nothing), (")", "EMPTY_TUPLE", _nothing), ("t", "TUPLE", _nothing),
        ("\x85", "TUPLE1", _nothing), ("\x86", "TUPLE2", _nothing), ("\x87", "TUPLE3", _nothing),
        ("}", "EMPTY_DICT", _nothing), ("d", "DICT", _nothing), ("s", "SETITEM", _nothing),
        ("u", "SETITEMS", _nothing), ("\x8f", "EMPTY_SET", _nothing),
        ("\x90", "ADDITEMS", _nothing), ("\x91", "FROZENSET", _nothing), ("0", "POP", _nothing),
        ("2", "DUP", _nothing), ("(", "MARK", _nothing), ("1", "POP_MARK", _nothing),
        ("g", "GET", _line_int), ("h", "BINGET", u1), ("j", "LONG_BINGET", u4),
        ("p", "PUT", _line_int), ("q", "BINPUT", u1), ("r", "LONG_BINPUT", u4),
        ("\x94", "MEMOIZE", _nothing), ("c", "GLOBAL", _two_lines),
        ("\x93", "STACK_GLOBAL", _nothing), ("R", "REDUCE", _nothing), ("b", "BUILD", _nothing),
        ("i", "INST", _two_lines), ("o", "OBJ", _nothing), ("\x81", "NEWOBJ", _nothing),
        ("\x92", "NEWOBJ_EX", _nothing), ("\x80", "PROTO", u1), (".", "STOP", _nothing),
        ("\x95", "FRAME", u8), ("P", "PERSID", _line_text), ("Q", "BINPERSID", _nothing),
        ("\x82", "EXT1", u1), ("\x83", "EXT2", u2), ("\x84", "EXT4", i4),
        ("\x97", "NEXT_BUFFER", _nothing), ("\x98", "READONLY_BUFFER", _nothing),
    ]
}  # fmt: skip
"""Instruction byte -> its name and how its argument is read."""
