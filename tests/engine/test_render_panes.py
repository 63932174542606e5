"""The render thread draws the focused pane first and the other panes' samples after it."""

import numpy as np
import pytest

from genviewer.core.frame import Failure, Frame
from genviewer.core.recipe import seeded_recipe
from genviewer.core.scene import Pane
from genviewer.engine.cells import decode_recipe
from genviewer.engine.generator import DecodeError
from tests.engine.linear import LinearGenerator, make_scene, make_spec, moved
from tests.engine.screen import Screen


@pytest.fixture
def other():
    return LinearGenerator(make_spec(dim=3, size=9, channels=3), "other", 5)


@pytest.fixture
def screen(linear, other):
    class Panes(Screen):
        def __init__(self):
            super().__init__()
            self.panes = {}
            self.order = []

        def collect(self):
            take = self.thread.take

            def noting():
                rendered = take()
                if rendered is not None:
                    self.order += ["focus"] if rendered.focus is not None else []
                    self.order += [*rendered.panes]
                    self.panes.update(rendered.panes)
                return rendered

            self.thread.take = noting
            try:
                super().collect()
            finally:
                self.thread.take = take

    screen = Panes()
    screen.thread.use(linear.ref, linear)
    screen.thread.use(other.ref, other)
    screen.thread.start()
    yield screen
    screen.thread.stop()


def scene_of(linear, other):
    scene = make_scene(linear)
    return scene.with_pane_added(Pane(other.ref, seeded_recipe(other.spec, 2)))


def test_every_pane_is_drawn_by_its_own_model(screen, linear, other):
    scene = scene_of(linear, other)
    screen.request(scene)
    screen.settle()
    assert screen.focus.model == linear.ref
    frame = screen.panes[1]
    assert isinstance(frame, Frame)
    assert np.array_equal(frame.pixels, decode_recipe(other, scene.panes[1].recipe))
    assert screen.order == ["focus", 1]


def test_what_is_shown_already_is_not_drawn_again(screen, linear, other):
    scene = scene_of(linear, other)
    screen.request(scene)
    screen.settle()
    drawn = len(other.calls)
    screen.request(moved(scene, 0, 1.5))
    screen.settle()
    assert len(other.calls) == drawn
    screen.thread.use(other.ref, LinearGenerator(other.spec, "other", 5))
    screen.panes.clear()
    screen.settle()
    assert list(screen.panes) == [1]


def test_a_pane_that_fails_leaves_the_others_as_they_are(screen, linear, other):
    other.fail = DecodeError("No.")
    screen.request(scene_of(linear, other))
    screen.settle()
    assert isinstance(screen.focus, Frame)
    assert isinstance(screen.panes[1], Failure)
    assert screen.panes[1].message == "No."


def test_a_pane_whose_model_is_not_there_yet_waits_for_it(screen, linear, other):
    screen.thread.forget(other.ref)
    screen.request(scene_of(linear, other))
    screen.settle()
    assert 1 not in screen.panes
    screen.thread.use(other.ref, other)
    screen.settle()
    assert isinstance(screen.panes[1], Frame)
