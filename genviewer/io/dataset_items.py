"""The images of a data set one by one, whether they are files or rows of an array."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Protocol

import numpy as np

from genviewer.io.dataset_decode import Damaged, Look, decode, look_at
from genviewer.io.dataset_values import (
    BadFileError,
    DamagedFileError,
    DataError,
    Images,
    Labels,
    Pixels,
    Splits,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from genviewer.io.dataset_trees import FileTree

UNLABELLED = ""
"""The class of images that have none, in surveys and mappings; no folder is called so."""

MAX_CLASSES = 10_000
_MAX_DIGITS = 15  # of a class that is a label itself
_PIECE = 1 << 20  # bytes that are hashed at a time
_COLOURS = {1: "grey", 3: "colour", 4: "colour, transparent"}


class Items(Protocol):
    """Images by row: 0 .. ``len(labels) - 1``.

    Attributes:
        kind: what the source is, in plain words.
        classes: their names; UNLABELLED for images without a class.
        labels: the class of each image, int64 (N,).
        held: which images the source keeps for testing, bool (N,).
        refused: (name, reason) of what is no row at all.
    """

    kind: str
    classes: tuple[str, ...]
    labels: Labels
    held: NDArray[np.bool_]
    refused: list[tuple[str, str]]

    def name(self, row: int) -> str:
        """What to call an image: its file, or its place."""
        ...

    def look(self, row: int) -> Look:
        """Its size and colours, as :meth:`pixels`."""
        ...

    def pixels(self, row: int, near: tuple[int, int] | None = None) -> Pixels:
        """uint8 (h, w, C); ``near`` is the (height, width) it will be reduced to.

        Raises:
            DamagedFileError: it is no sound image.
            BadFileError: it is gone or may not be read.
        """
        ...

    def digest(self, row: int) -> bytes:
        """A hash of its content, 16 bytes; BadFileError if it cannot be read."""
        ...

    def own_labels(self) -> tuple[Labels | None, tuple[str, ...] | None]:
        """The labels int64 (N,) that the source itself gives, if to all, and its names for them."""
        ...


class FileItems:
    """Images that are files of a tree.

    Args:
        tree: where they are.
        names: their files.
        given: the class of each, or UNLABELLED.
        held: which of them are for testing.
        kind: what the source is, in plain words.
        numbers: whether classes that are numbers are the labels themselves.
    """

    def __init__(
        self,
        tree: FileTree,
        names: Sequence[str],
        given: Sequence[str],
        held: Sequence[bool],
        kind: str,
        *,
        numbers: bool = False,
    ) -> None:
        self.kind = kind
        self.refused = list(tree.refused)
        self.classes = in_order(given)
        places = {name: place for place, name in enumerate(self.classes)}
        self.labels: Labels = np.array([places[name] for name in given], np.int64)
        self.held = np.array(held, bool)
        self._tree = tree
        self._names = names
        self._numbers = numbers and are_numbers(self.classes)

    def name(self, row: int) -> str:
        """Its file."""
        return self._names[row]

    def look(self, row: int) -> Look:
        """Its size and colours."""
        name = self._names[row]
        with self._tree.open(name) as file:
            try:
                return look_at(file)
            except Damaged as error:
                raise DamagedFileError(name, str(error)) from error

    def pixels(self, row: int, near: tuple[int, int] | None = None) -> Pixels:
        """Its pixels, decoded anew."""
        name = self._names[row]
        with self._tree.open(name) as file:
            try:
                return decode(file, near)
            except Damaged as error:
                raise DamagedFileError(name, str(error)) from error

    def digest(self, row: int) -> bytes:
        """A hash of the file's bytes, read piece by piece."""
        found = hashlib.blake2b(digest_size=16)
        try:
            with self._tree.open(self._names[row]) as file:
                while piece := file.read(_PIECE):
                    found.update(piece)
        except OSError as error:
            raise BadFileError(self._names[row], f"cannot be read: {error.strerror}") from error
        return found.digest()

    def own_labels(self) -> tuple[Labels | None, tuple[str, ...] | None]:
        """The labels that the source itself gives, if to all, and its names for them."""
        return labels_given(self.labels, self.classes, numbers=self._numbers)


class ArrayItems:
    """Images that are rows of arrays: those to train on, then those to test on.

    Images to test on without labels are no rows where those to train on have some.

    Attributes:
        splits: the arrays as they came.

    Raises:
        DataError: at construction, if they are no images, have not one label for each, or have too
            many classes.
    """

    def __init__(self, kind: str, train: Images, test: Images | None = None) -> None:
        self.kind = kind
        self.refused: list[tuple[str, str]] = []
        _check(train)
        if test is not None and not len(test.images):
            test = None
        self.splits: Splits = train, test
        if test is not None:
            _check(test)
            if train.labels is not None and test.labels is None:
                reason = "are left out, since they have no labels as those to train on have"
                self.refused.append(("the images to test on", reason))
                test = None
        self.train, self.test = train, test
        self._parts = [train] if test is None else [train, test]
        counts = [len(part.images) for part in self._parts]
        self.held: NDArray[np.bool_] = np.arange(sum(counts)) >= counts[0]
        self.classes, self.labels = _array_classes(self._parts)

    def name(self, row: int) -> str:
        """Its place."""
        part, place = self._place(row)
        return f"{'test image' if part is self.test else 'image'} {place}"

    def look(self, row: int) -> Look:
        """Its size and colours."""
        part, _ = self._place(row)
        height, width, channels = part.images.shape[1:]
        return Look(width, height, _COLOURS[channels])

    def pixels(self, row: int, near: tuple[int, int] | None = None) -> Pixels:
        """Its pixels, not copied; ``near`` changes nothing."""
        part, place = self._place(row)
        found: Pixels = part.images[place]
        return found

    def digest(self, row: int) -> bytes:
        """A hash of its pixels."""
        return hashlib.blake2b(self.pixels(row).tobytes(), digest_size=16).digest()

    def own_labels(self) -> tuple[Labels | None, tuple[str, ...] | None]:
        """The labels that the source itself gives, if to all, and its names for them."""
        labels = [part.labels for part in self._parts if part.labels is not None]
        if len(labels) < len(self._parts):
            return None, None
        return np.concatenate(labels), self.train.names

    def _place(self, row: int) -> tuple[Images, int]:
        first = len(self.train.images)
        if row < first or self.test is None:
            return self.train, row
        return self.test, row - first


def _check(part: Images) -> None:
    """DataError unless a part's arrays are images, and a label for each if there are labels."""
    shape = part.images.shape
    if len(shape) != 4 or shape[0] == 0:
        raise DataError(f"{part.source} has no images.")
    if shape[3] not in _COLOURS:
        raise DataError(f"{part.source} has images of {shape[3]} channels; 1, 3 or 4 are wanted.")
    if 0 in shape:
        raise DataError(f"{part.source} has images of {shape[2]}x{shape[1]} pixels.")
    if part.labels is not None and part.labels.shape != shape[:1]:
        raise DataError(
            f"{part.source} has not one label for every image, but {len(part.labels):,} for "
            f"{shape[0]:,}."
        )


def in_order(names: Sequence[str]) -> tuple[str, ...]:
    """The different names, numbers by their value and others by the alphabet."""
    found = set(names)
    if len(found) > MAX_CLASSES:
        raise DataError(f"There are {len(found):,} different classes, more than {MAX_CLASSES:,}.")
    if all(name.isdecimal() for name in found):
        return tuple(sorted(found, key=lambda name: (int(name), name)))
    return tuple(sorted(found))


def _array_classes(parts: Sequence[Images]) -> tuple[tuple[str, ...], Labels]:
    """The names of the classes that occur, and each image's place among them."""
    count = sum(len(part.images) for part in parts)
    names = parts[0].names
    if any(part.labels is None for part in parts):
        return (UNLABELLED,), np.zeros(count, np.int64)
    labels = np.concatenate([part.labels for part in parts if part.labels is not None])
    if names is not None:
        return names, labels
    values, places = np.unique(labels, return_inverse=True)
    if len(values) > MAX_CLASSES:
        raise DataError(f"{parts[0].source} has {len(values):,} different labels, too many.")
    return tuple(str(value) for value in values), places.reshape(-1).astype(np.int64)


def are_numbers(classes: Sequence[str]) -> bool:
    """Whether all names of classes are whole numbers, which may be the labels themselves."""
    return all(name.isdecimal() and len(name) <= _MAX_DIGITS for name in classes)


def labels_given(
    labels: Labels, classes: tuple[str, ...], *, numbers: bool
) -> tuple[Labels | None, tuple[str, ...] | None]:
    """What :meth:`Items.own_labels` gives of places among the names of classes, which with
    ``numbers`` are the labels themselves.
    """
    if UNLABELLED in classes:
        return None, None
    if numbers:
        return np.array([int(name) for name in classes], np.int64)[labels], None
    return labels, classes
