"""Some images of a data set, to be looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from genviewer.io.dataset_survey import Survey
    from genviewer.io.dataset_values import Pixels

THUMBNAIL = 64  # pixels a side
MAX_CLASSES = 200
"""Of so many classes there are thumbnails; of more, an interface shows the names."""

SAMPLE = 256  # the longest side in pixels


@dataclass(frozen=True, eq=False)
class Gallery:
    """Pictures of a data set, of which a widget may read all.

    Attributes:
        thumbnails: for each class uint8 (n, 64, 64, 3), cropped.
        samples: a few images as they are, uint8 (h, w, C), no side longer than 256; of the most
            different classes and sizes.
    """

    thumbnails: dict[str, NDArray[np.uint8]]
    samples: tuple[Pixels, ...]


def make_gallery(
    survey: Survey,
    each: int = 6,
    samples: int = 8,
    report: Callable[[float, str], None] | None = None,
) -> Gallery:
    """Thumbnails of every class and some larger images; any thread, takes some 10 ms a class.

    Args:
        survey: of the data.
        each: thumbnails of a class.
        samples: larger images.
        report: is told how far it is; what it raises ends it.

    Raises:
        BadFileError: a file is gone.
    """
    names = [name for name, _ in survey.class_counts][:MAX_CLASSES]
    thumbnails = {}
    for place, name in enumerate(names):
        if report is not None:
            report(place / len(names), "Drawing thumbnails")
        thumbnails[name] = survey.thumbnails(survey.rows_of(name, each), THUMBNAIL)
    # Evenly over the classes, so that few images show many of them.
    step = max(1, len(names) // samples)
    shown = names[::step][:samples]
    rows = [survey.rows_of(name, -(-samples // len(shown))) for name in shown]
    chosen = [int(r[i]) for i in range(max(map(len, rows))) for r in rows if i < len(r)]
    images = (survey.sample(row, SAMPLE) for row in chosen[:samples])
    return Gallery(thumbnails, tuple(image for image in images if image is not None))
