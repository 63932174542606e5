"""How much a column of a Parquet row group unpacks to, by the headers of its pages.

The sums in a file's footer are not what is unpacked: that is what stands before each page, in
Thrift's compact protocol (parquet.thrift, ``PageHeader``; thrift-compact-protocol.md).
"""

from __future__ import annotations

from typing import BinaryIO

MAX_PAGES = 200_000
_FIRST_BYTES, _MOST_BYTES = 256, 1 << 20  # of a header; statistics may make it long
_MAX_DEPTH = 8
_UNPACKED, _PACKED = 2, 3  # fields of a PageHeader
_STOP, _TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _LIST, _SET, _STRUCT, _UUID = (
    0, 1, 2, 3, 7, 8, 9, 10, 12, 13,
)  # fmt: skip
_NUMBERS = (4, 5, 6)


def unpacked_size(file: BinaryIO, start: int, length: int) -> int:
    """The bytes of all pages of a column, unpacked.

    Args:
        file: the table.
        start: where the column's first page begins.
        length: bytes of the column in the file.

    Raises:
        ValueError: the headers are damaged, or there are far too many.
    """
    total, end = 0, start + length
    for _ in range(MAX_PAGES):
        if start >= end:
            return total
        packed, unpacked, header = _page(file, start, end)
        total += unpacked
        start += header + packed
    raise ValueError("it has far too many pages")


def _page(file: BinaryIO, start: int, end: int) -> tuple[int, int, int]:
    """A page's bytes in the file and unpacked, and those of its header."""
    wanted = _FIRST_BYTES
    while True:
        file.seek(start)
        header = _Header(file.read(min(wanted, end - start)))
        try:
            fields = header.numbers()
        except IndexError:
            if wanted >= min(_MOST_BYTES, end - start):
                raise ValueError("the header of a page has no end") from None
            wanted *= 8
            continue
        packed, unpacked = fields.get(_PACKED, -1), fields.get(_UNPACKED, -1)
        if packed < 0 or unpacked < 0:
            raise ValueError("a page does not say how large it is")
        return packed, unpacked, header.at


class _Header:
    """A reader of one structure; IndexError where the bytes end before it does."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0

    def numbers(self) -> dict[int, int]:
        """The fields of the structure that are whole numbers."""
        return self._struct(0)

    def _struct(self, depth: int) -> dict[int, int]:
        if depth > _MAX_DEPTH:
            raise ValueError("the header of a page is too deep")
        found: dict[int, int] = {}
        field = 0
        while (byte := self._byte()) != _STOP:
            field = field + (byte >> 4) if byte >> 4 else self._number()
            kind = byte & 15
            if kind in _NUMBERS:
                found[field] = self._number()
            elif kind not in (_TRUE, _FALSE):
                self._skip(kind, depth)
        return found

    def _skip(self, kind: int, depth: int) -> None:
        """Over a value; a truth value in a list takes a byte."""
        if kind in _NUMBERS:
            self._varint()
        elif kind in (_TRUE, _FALSE, _BYTE):
            self._over(1)
        elif kind in (_DOUBLE, _UUID):
            self._over(8 if kind == _DOUBLE else 16)
        elif kind == _BINARY:
            self._over(self._varint())
        elif kind in (_LIST, _SET):
            byte = self._byte()
            count = byte >> 4 if byte >> 4 < 15 else self._varint()
            for _ in range(count):
                self._skip(byte & 15, depth + 1)
        elif kind == _STRUCT:
            self._struct(depth + 1)
        else:
            raise ValueError("the header of a page is of another kind")

    def _byte(self) -> int:
        byte = self._data[self.at]
        self.at += 1
        return byte

    def _over(self, count: int) -> None:
        self.at += count
        if self.at > len(self._data):
            raise IndexError

    def _varint(self) -> int:
        value = 0
        for shift in range(0, 70, 7):
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
        raise ValueError("a number in the header of a page has no end")

    def _number(self) -> int:
        value = self._varint()
        return value >> 1 ^ -(value & 1)
