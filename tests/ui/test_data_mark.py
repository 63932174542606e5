"""The mark of the current sample is that of no other one."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from genviewer.core.latent import Latent
from genviewer.core.recipe import Recipe
from genviewer.core.spec import ImageSpec
from genviewer.ui.data_mark import CurrentMark

BUNDLE = SimpleNamespace(spec=SimpleNamespace(image=ImageSpec(1, 8, 8)), model_id="m")
PIXELS = np.zeros((8, 8, 1), np.uint8)


class Lane:
    """A lane that does nothing by itself: the test says what comes of a job, and when."""

    def __init__(self):
        self.jobs = []

    def submit(self, _work, _name, *, done, failed, cancelled=None, **_):
        self.jobs.append(SimpleNamespace(done=done, failed=failed, cancelled=cancelled))


@pytest.fixture
def marked():
    shown, lane = [], Lane()
    page = SimpleNamespace(set_image=lambda log_px, name="": shown.append(log_px))
    return CurrentMark(page, None, lane, lambda *_: None), lane, shown


def recipe(value: float) -> Recipe:
    return Recipe(Latent(np.full(2, value, np.float32)))


def test_what_is_measured_for_a_sample_that_was_left_is_dropped(marked):
    mark, lane, shown = marked
    first, second = recipe(1.0), recipe(2.0)
    mark.mark(BUNDLE, first, PIXELS)
    lane.jobs[0].done(-10.0)
    mark.mark(BUNDLE, second, PIXELS)
    mark.mark(BUNDLE, second, PIXELS)  # asked once
    mark.mark(BUNDLE, first, PIXELS)  # back to what is marked
    lane.jobs[1].done(-20.0)
    assert shown == [-10.0]
    mark.mark(BUNDLE, second, PIXELS)
    lane.jobs[2].done(-20.0)
    assert shown == [-10.0, -20.0]
    assert len(lane.jobs) == 3


def test_a_mark_that_was_cleared_does_not_come_back(marked):
    mark, lane, shown = marked
    mark.mark(BUNDLE, recipe(1.0), PIXELS)
    mark.clear()
    mark.mark(BUNDLE, recipe(1.0), PIXELS)
    lane.jobs[0].cancelled()  # the second takes its place
    lane.jobs[0].done(-10.0)
    assert shown == [None]
    lane.jobs[1].done(-10.0)
    assert shown == [None, -10.0]


@pytest.mark.parametrize("end", ["failed", "cancelled"])
def test_what_was_not_measured_is_asked_for_again(marked, end):
    mark, lane, shown = marked
    mark.mark(BUNDLE, recipe(1.0), PIXELS)
    if end == "failed":
        lane.jobs[0].failed(RuntimeError("no room"))
    else:
        lane.jobs[0].cancelled()
    mark.mark(BUNDLE, recipe(1.0), PIXELS)
    lane.jobs[1].done(-10.0)
    assert shown == [-10.0]
