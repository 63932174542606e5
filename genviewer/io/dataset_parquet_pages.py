"""Where a Parquet table keeps its columns, and how much they unpack to.

Read here and not by pyarrow, whose functions for this end the whole program at a footer that is
damaged, and know no more than the footer's sums: what is unpacked is what stands before each page
(parquet.thrift: ``FileMetaData``, ``PageHeader``).
"""

from __future__ import annotations

from typing import Any, BinaryIO, NamedTuple

from genviewer.io.thrift_compact import I32, I64, CompactError, CompactReader, CutShortError

MAX_GROUPS, MAX_PAGES = 200_000, 200_000
_MAX_FOOTER_BYTES = 64 << 20
_FIRST_BYTES, _MOST_BYTES = 256, 1 << 20  # of a page's header; statistics may make it long
_END = 8  # bytes behind the footer: its length, and a mark

_GROUPS, _COLUMNS, _ROWS, _ABOUT = 4, 1, 3, 3
_PACKED, _PAGES, _DICTIONARY = 7, 9, 11
_FOOTER = {
    _GROUPS: [
        {
            _COLUMNS: [{_ABOUT: {_PACKED: I64, _PAGES: I64, _DICTIONARY: I64}}],
            _ROWS: I64,
        }
    ]
}
_PAGE_UNPACKED, _PAGE_PACKED = 2, 3
_DATA, _DATA_V2, _ENCODING, _ENCODING_V2 = 5, 8, 2, 4
_PAGE = {
    _PAGE_UNPACKED: I32,
    _PAGE_PACKED: I32,
    _DATA: {_ENCODING: I32},
    _DATA_V2: {_ENCODING_V2: I32},
}
LENGTHS_FIRST = 6
"""The encoding DELTA_LENGTH_BYTE_ARRAY."""


class Span(NamedTuple):
    """Where a column of a row group lies in the file, in bytes."""

    start: int
    length: int


class Group(NamedTuple):
    """A row group: its rows, and where each of the columns lies."""

    rows: int
    columns: tuple[Span, ...]


class Pages(NamedTuple):
    """The bytes of all pages of a column of a row group, unpacked, and how its values are encoded,
    in the numbers of parquet.thrift.
    """

    unpacked: int
    encodings: frozenset[int | None]


def read_groups(file: BinaryIO) -> list[Group]:
    """The row groups of a table, as its footer says.

    Raises:
        ValueError: it is no Parquet table, is damaged, or has far too many parts.
    """
    size = file.seek(0, 2)
    file.seek(max(0, size - _END))
    length = int.from_bytes(file.read(4), "little")
    if file.read() != b"PAR1" or length > min(size - _END, _MAX_FOOTER_BYTES):
        raise CompactError("it has no footer that can be read")
    file.seek(size - _END - length)
    groups = CompactReader(file.read(length)).read(_FOOTER).get(_GROUPS, [])
    if len(groups) > MAX_GROUPS:
        raise CompactError("it has far too many row groups")
    return [
        Group(
            _not_negative(group.get(_ROWS)),
            tuple(_span(column.get(_ABOUT, {}), size) for column in group.get(_COLUMNS, [])),
        )
        for group in groups
    ]


def _span(about: dict[int, int], size: int) -> Span:
    start, length = _not_negative(about.get(_PAGES)), _not_negative(about.get(_PACKED))
    dictionary = about.get(_DICTIONARY, 0)
    if 0 < dictionary < start:
        start = dictionary
    if start + length > size:
        raise CompactError("a column lies beyond the end")
    return Span(start, length)


def _not_negative(value: int | None) -> int:
    if value is None or value < 0:
        raise CompactError("a size is missing or negative")
    return value


def read_pages(file: BinaryIO, span: Span) -> Pages:
    """What stands before the pages of a column of a row group.

    Raises:
        ValueError: the headers are damaged, or there are far too many.
    """
    total, start, end = 0, span.start, span.start + span.length
    encodings: set[int | None] = set()
    for _ in range(MAX_PAGES):
        if start >= end:
            return Pages(total, frozenset(encodings))
        page, header = _page(file, start, end)
        total += _not_negative(page.get(_PAGE_UNPACKED))
        start += header + _not_negative(page.get(_PAGE_PACKED))
        for kind, encoding in ((_DATA, _ENCODING), (_DATA_V2, _ENCODING_V2)):
            if kind in page:
                encodings.add(page[kind].get(encoding))
    raise CompactError("it has far too many pages")


def _page(file: BinaryIO, start: int, end: int) -> tuple[dict[int, Any], int]:
    """What is wanted of a page's header, and its bytes."""
    wanted = _FIRST_BYTES
    while True:
        file.seek(start)
        reader = CompactReader(file.read(min(wanted, end - start)))
        try:
            page = reader.read(_PAGE)
        except CutShortError:
            if wanted >= min(_MOST_BYTES, end - start):
                raise
            wanted *= 8
            continue
        return page, reader.at
