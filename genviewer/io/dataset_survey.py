"""What a data set holds, before anything is trained on it."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from genviewer.io.cancelling import check_cancelled
from genviewer.io.dataset_fit import Fit, fit_image
from genviewer.io.dataset_items import UNLABELLED, ArrayItems, Items
from genviewer.io.dataset_listing import list_items
from genviewer.io.dataset_values import BadFileError, DamagedFileError, DataError, Labels, Pixels
from genviewer.io.foreign.budget import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from genviewer.io.dataset_decode import Look

    Report = Callable[[float, str], None]

__all__ = ["UNLABELLED", "Survey", "survey"]

MAX_SHOWN = 1000
"""So many sizes and files that are left out are listed; all are counted."""

DECODED_PIXELS, DECODED_IMAGES = 1 << 27, 10_000
"""The first images, so many and of so many pixels together, are decoded whole, which takes some
seconds; of others the header and the end are read. Not a time, on which it would depend which
images are used.
"""

HASHED_S = 1.0
"""For so long files are hashed, so that a small data set's split is known at once."""

_REPORT_S = 0.1


@dataclass(frozen=True, eq=False)
class Survey:
    """What was found in a data set. Any thread may read it.

    Attributes:
        source: the path or name that it was asked for.
        kind: what it is, in plain words, such as ``a folder of images, a folder for each class``.
        count: usable images to train on.
        class_counts: (class, images to train on) of each class that has some; images without a
            class have the class :data:`UNLABELLED`, in a flat folder all of them.
        sizes: ((width, height), images), most frequent first.
        modes: (colours in plain words, images), most frequent first.
        bad: (file, reason) of the first of those that are left out.
        bad_count: how many are left out.
        test_count: images of a test split that the data set itself has.
        items: the images themselves.
        looks: what each item's header says; None where it cannot be used.
        rows: which of the items are usable and to train on, int64 (count,).
        test_rows: which of the items are of the test split, int64 (test_count,).
        shares: for each item where in [0, 1) the hash of its content lies, float64; NaN where that
            is not known yet. :func:`fill_share` finds it.
    """

    source: str
    kind: str
    count: int
    class_counts: tuple[tuple[str, int], ...]
    sizes: tuple[tuple[tuple[int, int], int], ...]
    modes: tuple[tuple[str, int], ...]
    bad: tuple[tuple[str, str], ...]
    bad_count: int
    test_count: int
    items: Items = field(repr=False)
    looks: list[Look | None] = field(repr=False)
    rows: NDArray[np.int64] = field(repr=False)
    test_rows: NDArray[np.int64] = field(repr=False)
    shares: NDArray[np.float64] = field(repr=False)

    @property
    def has_classes(self) -> bool:
        """Whether any image has a class."""
        return any(name != UNLABELLED for name, _ in self.class_counts)

    def rows_of(self, name: str, limit: int) -> Labels:
        """At most ``limit`` images of a class to train on, taken evenly: places in ``rows``."""
        if name not in self.items.classes:
            return np.empty(0, np.int64)
        labels = self.items.labels[self.rows]
        found = np.flatnonzero(labels == self.items.classes.index(name))
        places = np.linspace(0, len(found) - 1, min(limit, len(found))).round().astype(np.int64)
        return found[places]

    def thumbnails(self, rows: Sequence[int] | Labels, side: int) -> NDArray[np.uint8]:
        """Images in small, cropped: uint8 (n, side, side, 3); grey where one cannot be decoded.

        Args:
            rows: places in ``rows``.
            side: in pixels.

        Raises:
            BadFileError: a file is gone.
        """
        result = np.full((len(rows), side, side, 3), 128, np.uint8)
        for place, row in enumerate(rows):
            image = self.sample(int(row), side)
            if image is not None:
                result[place] = fit_image(image, side, side, 3)
        return result

    def sample(self, row: int, longest: int = 256) -> Pixels | None:
        """One image, reduced if a side is longer than ``longest``; None if it is damaged.

        Raises:
            BadFileError: its file is gone.
        """
        try:
            pixels = self.items.pixels(int(self.rows[row]), (longest, longest))
        except DamagedFileError:
            return None
        height, width, channels = pixels.shape
        if max(height, width) <= longest:
            return pixels
        scale = longest / max(height, width)
        small = (max(1, round(height * scale)), max(1, round(width * scale)))
        return fit_image(pixels, *small, channels, Fit("stretch"))


def survey(
    source: str | Path, report: Report | None = None, *, seed: int = 0, count: int = 0
) -> Survey:
    """Look at every image of a data set without keeping any; files that cannot be used are listed.

    Any thread; takes about 0.2 ms for a file.

    Args:
        source: as :func:`genviewer.io.datasets.load_images` takes it.
        report: is told how much is done (0..1) and what is going on, some times a second; what it
            raises ends the survey.
        seed: of a source that is generated.
        count: of a source that is generated; 0 is its own default.

    Raises:
        DataError: it cannot be read, or has no image that can be used.
    """
    told = _Told(report)
    told(0.0, "Looking for images")
    result = survey_items(str(source), list_items(str(source), seed=seed, count=count), told)
    until = time.monotonic() + HASHED_S
    for row in result.rows:
        if time.monotonic() > until:
            break
        fill_share(result, int(row))
    told(1.0, f"{result.count:,} images")
    return result


def survey_items(source: str, items: Items, told: Report) -> Survey:
    """As :func:`survey`, of images that are listed already; none is hashed.

    Raises:
        DataError: none can be used.
    """
    looks, bad = _look_at_all(items, told)
    usable = np.array([look is not None for look in looks], bool)
    rows = np.flatnonzero(usable & ~items.held)
    if not len(rows):
        raise _nothing_usable(source, bad)
    found = [look for row in rows if (look := looks[row]) is not None]
    counts = np.bincount(items.labels[rows], minlength=len(items.classes))
    return Survey(
        source,
        items.kind,
        len(rows),
        tuple((name, int(n)) for name, n in zip(items.classes, counts, strict=True) if n),
        tuple(Counter((look.width, look.height) for look in found).most_common(MAX_SHOWN)),
        tuple(Counter(look.colours for look in found).most_common()),
        tuple((clean(name, 200), reason) for name, reason in bad[:MAX_SHOWN]),
        len(bad),
        int((usable & items.held).sum()),
        items,
        looks,
        rows,
        np.flatnonzero(usable & items.held),
        np.full(len(items.labels), np.nan),
    )


def fill_share(found: Survey, row: int) -> float:
    """Where in [0, 1) the content of an item lies, hashed where that is not known yet.

    Raises:
        BadFileError: it cannot be read any more.
    """
    share = float(found.shares[row])
    if share != share:  # not a number: not known
        # 53 bits: what a float holds exactly, so that no share is rounded to 1.
        share = (int.from_bytes(found.items.digest(row)[:8], "big") >> 11) / 2.0**53
        found.shares[row] = share
    return share


class _Told:
    """Tells a report some times a second, and notices that the work is no longer wanted."""

    def __init__(self, report: Report | None) -> None:
        self._report = report
        self._next = 0.0

    def __call__(self, fraction: float, text: str) -> None:
        check_cancelled()
        now = time.monotonic()
        if self._report is not None and (now >= self._next or fraction >= 1.0):
            self._next = now + _REPORT_S
            self._report(fraction, text)


def _look_at_all(items: Items, told: Report) -> tuple[list[Look | None], list[tuple[str, str]]]:
    """What each image's header says, None where it cannot be used; and which those are, and why."""
    count, bad = len(items.labels), list(items.refused)
    if isinstance(items, ArrayItems):  # all alike, and there
        return [items.look(0)] * count, bad
    looks: list[Look | None] = []
    same: dict[Look, Look] = {}  # most images look alike, and each is kept
    decoded = 0
    for row in range(count):
        if row % 16 == 0:
            told(row / count, f"{row:,} of {count:,} images")
        look = None
        try:
            look = items.look(row)
            decoded += look.width * look.height
            if decoded < DECODED_PIXELS and row < DECODED_IMAGES:
                items.pixels(row)
        except BadFileError as error:
            look = None
            bad.append((items.name(row), error.reason))
        looks.append(None if look is None else same.setdefault(look, look))
    return looks, bad


def _nothing_usable(source: str, bad: list[tuple[str, str]]) -> DataError:
    if not bad:
        return DataError(f"{source} has no image files.")
    name, reason = bad[0]
    return DataError(
        f"{source} has no image that can be used: {clean(name, 120)} {reason}"
        + (f", and {len(bad) - 1:,} more." if len(bad) > 1 else ".")
    )
