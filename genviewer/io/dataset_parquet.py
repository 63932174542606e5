"""One Parquet table of encoded images, read row group by row group through pyarrow.

What is read is bounded before it is read, and strings are read as their different values, so that
no repetition in a file becomes memory. pyarrow is imported where it is needed.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import numpy as np

from genviewer.io.cancelling import check_cancelled
from genviewer.io.dataset_csv import MAX_ROWS
from genviewer.io.dataset_items import UNLABELLED
from genviewer.io.dataset_parquet_columns import find_columns
from genviewer.io.dataset_parquet_images import EncodedImages
from genviewer.io.dataset_parquet_pages import LENGTHS_FIRST, read_groups, read_pages
from genviewer.io.dataset_values import (
    MAX_BYTES,
    BadFileError,
    DamagedFileError,
    Labels,
    unpacked_limit,
)
from genviewer.io.foreign.budget import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from genviewer.io.dataset_parquet_columns import Columns
    from genviewer.io.dataset_parquet_pages import Span
    from genviewer.io.dataset_trees import FileTree

MAX_GROUP_BYTES = 1 << 30
"""So many bytes of images may be in a row group, unpacked; the Hub's own have 100 MB or less."""

MAX_COLUMNS = 10_000
_BUFFER_BYTES = 1 << 20  # of a column, which else is all in memory before it is unpacked
NO_CLASS, LEFT_OUT = -1, -2
_SAFE_VERSION = 15  # earlier ones can execute what a file holds
MISSING = "needs pyarrow 15 or newer, which reads Parquet tables: pip install genviewer[parquet]"


def can_read_tables() -> bool:
    """Whether the package is there that reads Parquet tables, and is one that executes nothing."""
    try:
        import pyarrow.parquet
    except ImportError:
        return False
    return int(pyarrow.__version__.partition(".")[0]) >= _SAFE_VERSION


class TableLabels(NamedTuple):
    """The class of each row int64 (N,), and the names of the classes.

    A code is :data:`NO_CLASS` where there is none, :data:`LEFT_OUT` where it is one without a name.
    ``told`` says whether the table itself names its classes, in this order.
    """

    codes: Labels
    names: tuple[str, ...]
    told: bool


@dataclass(frozen=True, eq=False)
class Table:
    """A Parquet table whose schema is known; its files are opened anew for whatever is read.

    Attributes:
        name: in ``tree``.
        columns: which are read.
        rows: of each row group, int64.
    """

    tree: FileTree
    name: str
    columns: Columns
    rows: Labels
    _spans: dict[str, list[Span]]
    _metadata: Any

    def images(self, group: int) -> EncodedImages:
        """The images of a row group.

        Raises:
            DamagedFileError: that part of the file is damaged, or unpacks to too much.
            BadFileError: the file is gone.
        """
        with _sound(self.name, "is in a part of the file that is damaged or packed in an odd way"):
            with self._column(self.columns.image, strings=True) as read:
                found = EncodedImages(read(group))
            if len(found) != self.rows[group]:
                raise ValueError("it has not the rows that it says")
            return found

    def labels(self) -> TableLabels | None:
        """The classes of all rows; None if the table has none.

        Raises:
            DamagedFileError: they cannot be read.
            BadFileError: the file is gone.
        """
        if self.columns.label is None:
            return None
        codes = np.full(int(self.rows.sum()), NO_CLASS, np.int64)
        places: dict[str, int] = {}
        at = 0
        path, text = self.columns.label, self.columns.text
        with (
            _sound(self.name, "has classes that are damaged or packed in an odd way"),
            self._column(path, strings=text) as read,
        ):
            for group, rows in enumerate(self.rows):
                check_cancelled()
                if not rows:
                    continue  # its columns may lie nowhere
                column = read(group)
                codes[at : at + rows] = _texts(column, places) if text else _numbers(column)
                at += rows
        if text:
            return TableLabels(codes, tuple(places), False)
        if self.columns.names is not None:
            names = self.columns.names
            return TableLabels(np.where(codes < len(names), codes, LEFT_OUT), names, True)
        values, found = np.unique(codes, return_inverse=True)
        none = int(values[0] < 0) if len(values) else 0
        return TableLabels(found.reshape(-1) - none, tuple(map(str, values[none:])), False)

    @contextlib.contextmanager
    def _column(self, path: str, *, strings: bool) -> Iterator[Callable[[int], Any]]:
        """What reads a column of a row group; strings and bytes as their different values."""
        import pyarrow.parquet as pq

        with self.tree.open(self.name, MAX_BYTES) as file:

            def reader(*, different: bool) -> Any:
                return pq.ParquetFile(
                    file,
                    metadata=self._metadata,
                    read_dictionary=[path] if different else None,
                    buffer_size=_BUFFER_BYTES,
                    pre_buffer=False,
                )

            usual = reader(different=strings)

            def read(group: int) -> Any:
                concatenated = self._check(file, path, group) and strings
                found = reader(different=False) if concatenated else usual
                column = found.read_row_group(group, columns=[path], use_threads=False).column(0)
                return _different(column) if concatenated else column

            yield read

    def _check(self, file: BinaryIO, path: str, group: int) -> bool:
        """Whether a column has nothing but values one after the other, with their lengths first.

        Only these are read as they are, for which pyarrow has no other way: no value is repeated.

        Raises:
            DamagedFileError: it unpacks to too much, whatever the file says of it.
        """
        span = self._spans[path][group]
        pages = read_pages(file, span)
        if pages.unpacked > unpacked_limit(span.length, MAX_GROUP_BYTES):
            raise DamagedFileError(
                self.name,
                f"is among {pages.unpacked:,} bytes in one row group, which are too many: write it "
                "with fewer rows in each",
            )
        return pages.encodings == {LENGTHS_FIRST}


def open_table(tree: FileTree, name: str) -> Table:
    """A table by its schema; none of its rows is read.

    Raises:
        NoImagesError: it has none.
        DamagedFileError: it is no sound table.
        BadFileError: it is gone or may not be read, or the package that reads tables is missing.
    """
    if not can_read_tables():
        raise BadFileError(name, MISSING)
    import pyarrow.parquet as pq

    with tree.open(name, MAX_BYTES) as file, _sound(name, "is damaged or no Parquet table"):
        groups = read_groups(file)
        file.seek(0)
        metadata = pq.ParquetFile(file, pre_buffer=False).metadata
        if metadata.num_columns > MAX_COLUMNS:
            raise DamagedFileError(name, "has far too many columns")
        if sum(group.rows for group in groups) > MAX_ROWS:
            raise DamagedFileError(name, f"has more than {MAX_ROWS:,} rows")
        paths = [metadata.schema.column(place).path for place in range(metadata.num_columns)]
        if any(len(group.columns) != len(paths) for group in groups):
            raise ValueError("a row group has other columns")
        columns = find_columns(metadata)
    if columns is None:
        raise NoImagesError(name, "has no column of images")
    read = [path for path in (columns.image, columns.label) if path is not None]
    spans = {path: [group.columns[paths.index(path)] for group in groups] for path in read}
    rows = np.array([group.rows for group in groups], np.int64)
    return Table(tree, name, columns, rows, spans, metadata)


class NoImagesError(DamagedFileError):
    """A sound table that holds no images."""


def _different(column: Any) -> Any:
    """A column of strings or bytes, or of structures of such, as its different values."""
    import pyarrow as pa

    parts = [c.flatten()[0] if isinstance(c, pa.StructArray) else c for c in column.chunks]
    return pa.chunked_array([part.dictionary_encode() for part in parts])


def _numbers(column: Any) -> Labels:
    """Labels of a column of integers; NO_CLASS where there is none, or a negative one."""
    import pyarrow as pa

    found = column.cast(pa.int64()).fill_null(NO_CLASS).to_numpy()
    labels: Labels = np.maximum(found, NO_CLASS)
    return labels


def _texts(column: Any, places: dict[str, int]) -> Labels:
    """Labels of a column of strings; ``places`` gets those that are new."""
    parts = [np.empty(0, np.int64)]
    for chunk in column.chunks:
        names = [clean(value, 80) for value in chunk.dictionary.to_pylist()]
        codes = [
            NO_CLASS if name == UNLABELLED else places.setdefault(name, len(places))
            for name in names
        ]
        indices = chunk.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        parts.append(np.array([*codes, NO_CLASS], np.int64)[indices])
    return np.concatenate(parts)


@contextlib.contextmanager
def _sound(name: str, reason: str) -> Iterator[None]:
    """Whatever pyarrow raises inside becomes DamagedFileError with that reason."""
    import pyarrow as pa

    try:
        yield
    except BadFileError:
        raise
    except MemoryError as error:
        raise DamagedFileError(name, "needs more memory than there is") from error
    except (
        pa.ArrowException,
        OSError,
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
    ) as error:
        raise DamagedFileError(name, reason) from error
