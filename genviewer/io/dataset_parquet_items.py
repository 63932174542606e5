"""The images of Parquet tables by row, and their classes."""

from __future__ import annotations

import hashlib
import io
import logging
import threading
from typing import TYPE_CHECKING

import numpy as np

from genviewer.io.cancelling import check_cancelled
from genviewer.io.dataset_csv import MAX_ROWS, are_captions
from genviewer.io.dataset_decode import Damaged, decode, look_at
from genviewer.io.dataset_items import UNLABELLED, are_numbers, in_order, labels_given
from genviewer.io.dataset_parquet import LEFT_OUT, NO_CLASS, open_table
from genviewer.io.dataset_spill import Spill, UnpackedTree
from genviewer.io.dataset_trees import MAX_PICTURE_BYTES, ZipTree
from genviewer.io.dataset_values import BadFileError, DamagedFileError, DataError, Labels, Pixels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from genviewer.io.dataset_decode import Look
    from genviewer.io.dataset_parquet import Table, TableLabels
    from genviewer.io.dataset_parquet_images import EncodedImages, SpilledImages
    from genviewer.io.dataset_trees import FileTree

_log = logging.getLogger(__name__)
KEPT_BYTES = 512 << 20
"""So much of the encoded images is kept in memory; the others are put on the disk, one by one, when
their row group is first read: to read it again for each of its images would take a thousand times
as long as the image does. It is done only where the disk has no room.
"""


class ParquetItems:
    """Images that are rows of tables; see :class:`genviewer.io.dataset_items.Items`.

    Tables that cannot be read are ``refused``, rows whose class has no name too, and images to test
    on without classes where those to train on have some.

    Args:
        tree: where the tables are.
        names: the tables.
        held: which of them are for testing.
        kind: what the source is, in plain words.

    Raises:
        DataError: no table can be read, they have too many rows or classes, or pyarrow is missing.
    """

    def __init__(
        self, tree: FileTree, names: Sequence[str], held: Sequence[bool], kind: str
    ) -> None:
        self.kind = kind
        self.refused = list(tree.refused)
        self._source = tree.source
        self._tables: list[Table] = []
        self._spill = Spill()
        if isinstance(tree, ZipTree):
            tree = UnpackedTree(tree, self._spill)
        labels, held_back = self._open_all(tree, names, held)
        rows = [int(table.rows.sum()) for table in self._tables]
        self._table_starts = np.concatenate([[0], np.cumsum(rows)]).astype(np.int64)
        groups = np.concatenate([table.rows for table in self._tables])
        self._group_starts = np.concatenate([[0], np.cumsum(groups)]).astype(np.int64)
        counts = [len(table.rows) for table in self._tables]
        self._first_groups = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        every_held = np.repeat(np.array(held_back, bool), rows)
        codes, self.classes, self._numbers = _joined(labels, rows)
        self._rows = np.flatnonzero(self._usable(codes, every_held))
        self.held: NDArray[np.bool_] = every_held[self._rows]
        codes = codes[self._rows]
        if (codes == NO_CLASS).any():
            self.classes, codes = (UNLABELLED, *self.classes), codes + 1
        self.labels: Labels = codes
        self._kept: dict[int, EncodedImages | SpilledImages | DamagedFileError] = {}
        self._last: tuple[int, EncodedImages] | None = None
        self._bytes = 0
        self._is_slow = False
        self._lock = threading.Lock()

    def _open_all(
        self, tree: FileTree, names: Sequence[str], held: Sequence[bool]
    ) -> tuple[list[TableLabels | None], list[bool]]:
        labels, held_back, bad, total = [], [], [], 0
        for name, is_held in zip(names, held, strict=True):
            check_cancelled()
            try:
                table = open_table(tree, name)
                total += int(table.rows.sum())
                if total > MAX_ROWS:
                    raise DataError(f"{tree.source} has more than {MAX_ROWS:,} rows.")
                found = table.labels()
            except BadFileError as error:
                bad.append(error)
                continue
            self._tables.append(table)
            labels.append(found)
            held_back.append(is_held)
        if not self._tables:
            raise bad[0]
        self.refused += [(error.name, error.reason) for error in bad]
        return labels, held_back

    def _usable(self, codes: Labels, held: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Which rows are images of the data; tells of the others."""
        usable: NDArray[np.bool_] = codes != LEFT_OUT
        for row in np.flatnonzero(~usable):
            self.refused.append((self._place_name(int(row)), "is of a class without a name"))
        blank = held & (codes == NO_CLASS)
        if blank.any() and (codes[~held] >= 0).any():
            reason = "are left out, since they have no class as those to train on have"
            self.refused.append((f"{int(blank.sum()):,} images to test on", reason))
            usable &= ~blank
        return usable

    def name(self, row: int) -> str:
        """Its table, and its row in that, counted from 0."""
        return self._place_name(int(self._rows[row]))

    def look(self, row: int) -> Look:
        """Its size and colours."""
        try:
            return look_at(io.BytesIO(self._encoded(row)))
        except Damaged as error:
            raise DamagedFileError(self.name(row), str(error)) from error

    def pixels(self, row: int, near: tuple[int, int] | None = None) -> Pixels:
        """Its pixels, decoded anew."""
        try:
            return decode(io.BytesIO(self._encoded(row)), near)
        except Damaged as error:
            raise DamagedFileError(self.name(row), str(error)) from error

    def digest(self, row: int) -> bytes:
        """A hash of the image's file, that of a file of its own with the same bytes."""
        return hashlib.blake2b(self._encoded(row), digest_size=16).digest()

    def own_labels(self) -> tuple[Labels | None, tuple[str, ...] | None]:
        """The labels that the source itself gives, if to all, and its names for them."""
        return labels_given(self.labels, self.classes, numbers=self._numbers)

    def _place_name(self, row: int) -> str:
        table = int(np.searchsorted(self._table_starts, row, "right")) - 1
        return f"{self._tables[table].name}, row {row - int(self._table_starts[table])}"

    def _encoded(self, row: int) -> bytes:
        """An image's file.

        Raises:
            DamagedFileError: there is none, it is too large, or its row group is damaged.
            BadFileError: the table is gone.
        """
        place = int(self._rows[row])
        group = int(np.searchsorted(self._group_starts, place, "right")) - 1
        images = self._group(group)
        if isinstance(images, DamagedFileError):
            raise DamagedFileError(self.name(row), images.reason) from images
        inside = place - int(self._group_starts[group])
        size = images.size(inside)
        if size is None:
            reason = "holds no image, and a path to one elsewhere is not followed"
            raise DamagedFileError(self.name(row), reason)
        if size > MAX_PICTURE_BYTES:
            reason = f"is larger than {MAX_PICTURE_BYTES >> 20:,} MiB"
            raise DamagedFileError(self.name(row), reason)
        try:
            return images.read(inside)
        except OSError as error:
            reason = f"cannot be read: {error.strerror or error}"
            raise BadFileError(self.name(row), reason) from error

    def _group(self, number: int) -> EncodedImages | SpilledImages | DamagedFileError:
        """The images of a row group, or why they cannot be read."""
        with self._lock:
            if self._last is not None and self._last[0] == number:
                return self._last[1]
            kept = self._kept.get(number)
            if kept is not None:
                return kept
            self._last = None  # two large ones at once would be too much
            found = self._read(number)
            if isinstance(found, DamagedFileError):
                self._kept[number] = found
            elif self._bytes + found.nbytes <= KEPT_BYTES:
                self._kept[number] = found
                self._bytes += found.nbytes
            elif (spilled := found.spilled(self._spill)) is not None:
                self._kept[number] = spilled
            else:
                self._last = number, found  # for those who read row by row
                if not self._is_slow:
                    self._is_slow = True
                    _log.warning(
                        "The disk has no room for the images of %s: each is read again with all "
                        "others of its row group, so learning will be slow.",
                        self._source,
                    )
            return found

    def _read(self, number: int) -> EncodedImages | DamagedFileError:
        table = int(np.searchsorted(self._first_groups, number, "right")) - 1
        try:
            return self._tables[table].images(number - int(self._first_groups[table]))
        except DamagedFileError as error:
            return error


def _joined(
    labels: Sequence[TableLabels | None], rows: Sequence[int]
) -> tuple[Labels, tuple[str, ...], bool]:
    """The class of each row of all tables, the classes' names, and whether these are no names but
    the labels themselves.
    """
    known = [found for found in labels if found is not None]
    told = bool(known) and known[0].told and len({(f.names, f.told) for f in known}) == 1
    used = {name for found in known for name in found.names}
    if not told and are_captions(len(used), sum(rows)):
        used = set()
    names = known[0].names if told else in_order(list(used))
    places = {name: place for place, name in enumerate(names)}
    codes = [np.full(count, NO_CLASS, np.int64) for count in rows]
    for place, found in enumerate(labels):
        if found is not None:
            to = [places.get(name, NO_CLASS) for name in found.names]
            codes[place] = np.array([*to, LEFT_OUT, NO_CLASS], np.int64)[found.codes]
    return np.concatenate(codes), names, not told and are_numbers(names)
