"""Which data set is looked at, which of its images, and what it is called."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from genviewer.engine.data_figures import Split
    from genviewer.engine.viewed_data import ViewedData
    from genviewer.ui.data_shows import Look

COUNTS = {"outliers": 500, "bayes": 500, "posterior": 5000, "scatter": 5000, "nearest": 60_000}
"""Images that a page looks at at first: log p(x) takes samples, encoding is one look."""

TOGETHER = (("outliers", "bayes"), ("posterior", "scatter"), ("nearest",))
"""Pages that look at the same images, and share their figures."""


class DataChoice:
    """What a person has chosen; each group of pages has its own split and number of images.

    Attributes:
        source: a path, or a name as the command line takes it; empty where none is chosen yet.
        counts, splits: of each page. What is memorised, is asked of training images.
    """

    def __init__(self) -> None:
        self.source = ""
        self.counts = dict(COUNTS)
        self.splits: dict[str, Split] = {**dict.fromkeys(COUNTS, "test"), "nearest": "train"}

    def choose_split(self, page: str, split: str) -> None:
        """Look at ``train`` or ``test`` images on a page and those that go with it."""
        for key in _together(page):
            self.splits[key] = "train" if split == "train" else "test"

    def choose_count(self, page: str, count: int) -> None:
        """Look at so many images on a page and those that go with it."""
        self.counts.update(dict.fromkeys(_together(page), count))


def _together(page: str) -> tuple[str, ...]:
    return next(pages for pages in TOGETHER if page in pages)


def facts_of(look: Look, view: ViewedData) -> str:
    """Which images are looked at, in a line."""
    height, width = view.images.shape[1:3]
    part = "images"
    if view.has_test:
        part = "test images" if look.split == "test" else "training images"
    # In training the model goes by the name of its run, and what it began as is looked at.
    before = "" if look.model.id == look.bundle.model_id else ", as it was before its training"
    return (
        f"{len(view.images):,} of {view.total:,} {part}, at {width} × {height}, through "
        f"{look.bundle.spec.name}{before}"
    )
