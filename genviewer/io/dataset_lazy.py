"""Images of a surveyed data set as a model takes them, decoded when they are asked for."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from msgspec.structs import replace

from genviewer.io.cancelling import check_cancelled
from genviewer.io.dataset_fit import DEFAULT_FIT, Fit, fit_image
from genviewer.io.dataset_items import ArrayItems, Items
from genviewer.io.dataset_survey import fill_share
from genviewer.io.dataset_values import (
    MAX_BYTES,
    BadFileError,
    DamagedFileError,
    DataError,
    Images,
    Pixels,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from genviewer.io.dataset_survey import Survey

_log = logging.getLogger(__name__)
CACHE_BYTES = 512 << 20
"""So much of a data set's decoded images is kept; the rest is decoded in every epoch."""


class LazyPixels:
    """Images like an array uint8 (N, H, W, C) that is read by rows; any thread.

    Decoded images are kept until :data:`CACHE_BYTES` are used, and never thrown out: in random
    order no other choice meets more. An image that turns out to be damaged is replaced by the
    next one of its class, always the same.

    Args:
        items: where the images come from.
        rows: which of them, int64 (N,).
        shape: (height, width, channels) of each.
        fit: how they get there.
    """

    dtype = np.dtype(np.uint8)
    ndim = 4

    def __init__(
        self, items: Items, rows: NDArray[np.int64], shape: tuple[int, int, int], fit: Fit
    ) -> None:
        self.shape = (len(rows), *shape)
        self.replaced: dict[str, str] = {}
        """Images that turned out to be damaged, and why."""
        self._items, self._rows, self._fit = items, rows, fit
        in_memory = isinstance(items, ArrayItems) and shape == items.train.images.shape[1:]
        kept = 0 if in_memory else min(len(rows), CACHE_BYTES // max(1, int(np.prod(shape))))
        # Memory is taken when it is first written to, not here.
        self._kept: Pixels = np.empty((kept, *shape), np.uint8)
        self._slots = np.full(len(rows), -1, np.int64)
        self._used = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def nbytes(self) -> int:
        """The size of the whole as an array."""
        return int(np.prod(self.shape))

    def __getitem__(self, rows: Any) -> Pixels:
        """The images of a row, of several, or of a slice or mask, as NumPy would give them.

        Raises:
            DataError: a file is gone or cannot be read any more; names it.
        """
        chosen = np.arange(len(self))[rows]
        result = np.empty((*np.shape(chosen), *self.shape[1:]), np.uint8)
        flat = result.reshape(-1, *self.shape[1:])
        for place, row in enumerate(np.ravel(chosen)):
            flat[place] = self._image(int(row))
        return result

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        if self.nbytes > MAX_BYTES:
            raise DataError(f"These images take more than {MAX_BYTES >> 30} GiB of memory.")
        whole = self[:]
        return whole if dtype is None else whole.astype(dtype)

    def _image(self, row: int) -> Pixels:
        with self._lock:
            slot = self._slots[row]
            if slot >= 0:
                kept: Pixels = self._kept[slot]
                return kept
        image = self._decoded(row)
        with self._lock:
            if self._slots[row] < 0 and self._used < len(self._kept):
                self._kept[self._used] = image
                self._slots[row] = self._used
                self._used += 1
        return image

    def _decoded(self, row: int) -> Pixels:
        """The image of a row, or the next of its class that is sound."""
        label = self._items.labels[self._rows[row]]
        for step in range(len(self)):
            place = int(self._rows[(row + step) % len(self)])
            if self._items.labels[place] != label:
                continue
            try:
                pixels = self._items.pixels(place, self._near)
            except DamagedFileError as error:
                self._tell(error)
                continue
            except BadFileError as error:
                raise DataError(f"The data can no longer be read: {error}") from error
            return fit_image(pixels, *self.shape[1:], self._fit)
        raise DataError("None of the images of a class can be read any more.")

    def _tell(self, error: DamagedFileError) -> None:
        if error.name not in self.replaced:
            self.replaced[error.name] = error.reason
            _log.warning("%s The next image of its class stands in.", error)

    @property
    def _near(self) -> tuple[int, int]:
        return self.shape[1], self.shape[2]


def prepare(
    survey: Survey,
    height: int,
    width: int,
    channels: int,
    fit: Fit,
    classes: Mapping[str, int] | None,
    validation: float,
    report: Callable[[float, str], None] | None = None,
) -> tuple[Images, Images | None]:
    """The images to train on and those to check on, as a model takes them; any thread.

    An image is on the side that the hash of its content says: always the same one, whatever else
    is in the data, and two equal ones never on different sides. A larger share adds to the
    smaller one's images. Where the data has a test split of its own, that is checked on instead.

    Args:
        survey: of the data.
        height: of the model's images.
        width: of the model's images.
        channels: of the model's images: 1, 3 or 4.
        fit: how the images get there.
        classes: the model's class for each class of the data; other images are left out. None
            takes all with the data's own labels.
        validation: the share to check on, in 0..1; 0 for none.
        report: is told how far the hashing is; what it raises ends it.

    Returns:
        Two :class:`~genviewer.io.dataset_values.Images` whose ``images`` can be indexed by rows and
        has ``shape``, ``dtype`` and a length; ``np.asarray`` makes an array of all. The second is
        None where no image is on that side.

    Raises:
        DataError: no image is left to train on, or a file is gone.
    """
    items = survey.items
    rows = _mapped(items, survey.rows, classes)
    held = _mapped(items, survey.test_rows, classes)
    if not len(rows):
        raise DataError(f"{survey.source} has no image of a class that is trained on.")
    if not validation:
        held = held[:0]
    elif not len(held):
        rows, held = _split(survey, rows, validation, report)
    shape = (height, width, channels)
    train = _images(survey.source, items, rows, shape, fit, classes)
    return train, _images(survey.source, items, held, shape, fit, classes) if len(held) else None


def split_counts(
    survey: Survey, classes: Mapping[str, Any] | None, validation: float
) -> tuple[int, int, bool]:
    """How many images :func:`prepare` would give, reading none.

    Returns:
        To train on, to check on, and whether that is exact: not every image is hashed by a survey.
    """
    items = survey.items
    rows, held = (_mapped(items, rows, classes) for rows in (survey.rows, survey.test_rows))
    if not validation:
        return len(rows), 0, True
    if len(held):
        return len(rows), len(held), True
    shares = survey.shares[rows]
    known = shares[~np.isnan(shares)]
    if len(known) == len(rows):
        checked = int((known < validation).sum())
        return len(rows) - checked, checked, True
    checked = round(len(rows) * validation)
    return len(rows) - checked, checked, False


def _mapped(
    items: Items, rows: NDArray[np.int64], classes: Mapping[str, Any] | None
) -> NDArray[np.int64]:
    """Those of the rows whose class is mapped."""
    if classes is None:
        return rows
    wanted = np.array([name in classes for name in items.classes], bool)
    found: NDArray[np.int64] = rows[wanted[items.labels[rows]]]
    return found


def _split(
    survey: Survey,
    rows: NDArray[np.int64],
    validation: float,
    report: Callable[[float, str], None] | None,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    shares = np.empty(len(rows))
    for place, row in enumerate(rows):
        if place % 256 == 0:
            check_cancelled()
            if report is not None:
                report(place / len(rows), f"Reading {place:,} of {len(rows):,} images")
        shares[place] = fill_share(survey, int(row))
    checked = shares < validation
    if checked.all():
        raise DataError(
            f"Every image of {survey.source} falls to those that are checked on: choose a smaller "
            "share."
        )
    return rows[~checked], rows[checked]


def _images(
    source: str,
    items: Items,
    rows: NDArray[np.int64],
    shape: tuple[int, int, int],
    fit: Fit,
    classes: Mapping[str, int] | None,
) -> Images:
    if classes is None:
        labels, names = items.own_labels()
    else:
        numbers = np.array([classes.get(name, -1) for name in items.classes], np.int64)
        labels, names = numbers[items.labels], None
    # LazyPixels is what training asks of an array: shape, length and rows.
    pixels = cast("Pixels", LazyPixels(items, rows, shape, fit))
    images = Images(source, pixels, None if labels is None else labels[rows], names)
    if not isinstance(items, ArrayItems):
        return images
    # All of them are of one part: those to train on, or those to test on.
    first = len(items.train.images)
    part, places = items.train, rows
    if items.test is not None and rows[0] >= first:
        part, places = items.test, rows - first
    if fit == DEFAULT_FIT and part.images.shape == (len(rows), *shape):
        images = replace(images, images=part.images)
    if part.groups is None:
        return images
    return replace(images, groups=part.groups[places], group_names=part.group_names)
