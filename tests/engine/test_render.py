"""The render thread: newest wins, focus first, every failure a value, nothing lost."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from genviewer.core.condition import Condition, one_class
from genviewer.core.frame import Failure, Frame
from genviewer.core.pixels import fewer_pixels
from genviewer.core.recipe import ModelRef, Recipe
from genviewer.core.scene import GridOptions, MapOptions
from genviewer.core.views import ViewInputs
from genviewer.engine.cells import decode_recipe, render_sheet
from genviewer.engine.generator import DecodeError
from genviewer.engine.render import RenderThread, Request
from tests.engine.linear import LinearGenerator, make_scene, make_spec, moved
from tests.engine.screen import Screen


@pytest.fixture
def screen(linear):
    screen = Screen()
    screen.thread.use(linear.ref, linear)
    screen.thread.start()
    yield screen
    screen.thread.stop()


def test_the_current_sample_is_drawn(screen, linear):
    scene = make_scene(linear)
    screen.request(scene, stamp=12.5)
    frame = screen.settle().focus
    assert isinstance(frame, Frame)
    assert (frame.pixels == decode_recipe(linear, scene.recipe)).all()
    assert (frame.model, frame.recipe) == (linear.ref, scene.recipe)
    assert frame.decode_ms > 0
    assert screen.stamps == [12.5]


def test_a_sheet_is_what_a_fresh_render_gives(screen, linear):
    for view in ("grid", "classes", "traverse", "map", "grid"):
        scene = make_scene(linear, view)
        screen.request(scene)
        screen.settle()
        fresh = render_sheet(scene, linear)
        assert screen.update.complete
        assert (screen.mosaic[fresh.filled] == fresh.pixels[fresh.filled]).all()


def test_an_equal_request_is_no_work(screen, linear):
    scene = make_scene(linear, "grid")
    inputs = ViewInputs()
    screen.request(scene, inputs)
    screen.settle()
    calls, takes = len(linear.calls), screen.takes
    screen.request(scene, inputs)
    screen.request(scene, ViewInputs())
    screen.settle()
    assert (len(linear.calls), screen.takes) == (calls, takes)


def test_what_waits_is_overwritten_and_all_its_stamps_are_answered(screen, linear):
    linear.gate = threading.Event()
    scene = make_scene(linear)
    screen.request(scene, stamp=1.0)
    screen.wait_for_call()
    for k in range(2, 30):
        screen.request(moved(scene, 0, 0.1 * k), stamp=float(k))
    linear.gate.set()
    screen.settle()
    assert linear.calls == [1, 1]
    assert screen.focus.recipe.latent.array[0] == np.float32(2.9)
    assert sorted(screen.stamps) == [float(k) for k in range(1, 30)]
    assert screen.thread.counters.dropped == 27


def test_the_focus_is_drawn_between_the_chunks_of_a_sheet(linear):
    linear.delay = 0.003
    screen = Screen()
    screen.thread.use(linear.ref, linear)
    screen.thread.start()
    try:
        scene = make_scene(linear, "grid", GridOptions(cells=64))
        screen.request(scene)
        screen.until(lambda: screen.update is not None and screen.update.chunks)
        first = screen.update.serial
        newer = moved(scene, 1, 2.0)
        screen.request(newer)
        screen.until(lambda: screen.focus.recipe == newer.recipe)
        # The first Sheet went on after it, and the newest followed.
        assert not screen.update.complete
        screen.until(lambda: screen.update.serial > first)
        assert screen.thread.counters.sheets == 1
        screen.settle()
        assert (screen.mosaic == render_sheet(newer, linear).pixels[: len(screen.mosaic)]).all()
    finally:
        screen.thread.stop()


def test_a_sheet_is_not_starved_by_a_drag(linear):
    linear.delay = 0.0005
    screen = Screen()
    screen.thread.use(linear.ref, linear)
    screen.thread.start()
    try:
        scene = make_scene(linear, "grid", GridOptions(cells=64))
        for k in range(80):
            screen.request(moved(scene, 0, 0.01 * k))
            time.sleep(0.004)
            screen.collect()
        assert screen.thread.counters.sheets >= 2
    finally:
        screen.thread.stop()


def test_while_others_need_the_cores_the_sheet_follows_a_moving_hand_less_often(
    screen, linear, monkeypatch
):
    monkeypatch.setattr("genviewer.engine.render.SPARING_S", 1.0)
    screen.thread.sparing = True
    scene = make_scene(linear, "grid")
    began = time.perf_counter()
    for k in range(20):
        latest = moved(scene, 0, 0.1 * k)
        screen.focus = None
        screen.request(latest, stamp=time.perf_counter())
        screen.until(lambda: screen.focus is not None)
    assert screen.focus.recipe == latest.recipe
    assert screen.thread.counters.sheets <= 1 + (time.perf_counter() - began)
    screen.settle()  # what was put off is drawn without another request
    fresh = render_sheet(latest, linear)
    assert (screen.mosaic[fresh.filled] == fresh.pixels[fresh.filled]).all()
    assert 2 <= screen.thread.counters.sheets <= 3 + (time.perf_counter() - began)


def test_another_view_does_not_wait_for_the_old_one(screen, linear):
    linear.delay = 0.005
    screen.request(make_scene(linear, "grid", GridOptions(cells=1000)))
    screen.until(lambda: screen.update is not None and screen.update.chunks)
    screen.request(make_scene(linear, "classes"))
    screen.settle()
    assert sum(linear.calls) < 200
    assert screen.resets == 2


def test_only_cells_that_changed_are_drawn_again(screen, linear):
    scene = make_scene(linear, "classes")
    screen.request(scene)
    screen.settle()
    linear.calls.clear()
    # Rows below the first do not depend on the current latent.
    screen.request(moved(scene, 0, 1.0))
    screen.settle()
    assert sum(linear.calls) <= 1 + 3
    assert (screen.mosaic == render_sheet(moved(scene, 0, 1.0), linear).pixels).all()
    linear.calls.clear()
    screen.request(scene)
    screen.settle()
    assert sum(linear.calls) <= 1


def test_panning_a_map_draws_only_what_comes_into_view(screen, linear):
    scene = make_scene(linear, "map", MapOptions(extent=2.0, tiles=16))
    screen.request(scene)
    screen.settle()
    count = screen.update.sheet.count
    linear.calls.clear()
    panned = scene.with_options(MapOptions(center=(0.25, 0.0), extent=2.0, tiles=16))
    screen.request(panned)
    screen.settle()
    assert 0 < sum(linear.calls) < 0.1 * count
    assert screen.resets == 2
    assert (screen.mosaic == render_sheet(panned, linear).pixels).all()


def test_moving_the_cursor_of_a_map_keeps_its_tiles(screen, linear):
    scene = make_scene(linear, "map")
    screen.request(scene)
    screen.settle()
    linear.calls.clear()
    there = moved(scene, 1, 0.5)
    screen.request(there)
    screen.settle()
    assert linear.calls == [1]
    assert screen.update.sheet.map_frame.cursor[1] == 0.5
    assert screen.resets == 1


def test_nobody_pays_for_a_sheet_that_is_not_looked_at(screen, linear):
    scene = make_scene(linear, "grid")
    screen.request(scene, want_sheet=False)
    screen.settle()
    assert linear.calls == [1]
    screen.request(scene)
    screen.settle()
    assert screen.update.complete
    screen.request(scene.with_view("focus"))
    screen.request(scene.with_view("focus"))
    screen.settle()
    calls = sum(linear.calls)
    screen.request(scene)
    screen.settle()
    assert sum(linear.calls) == calls
    assert screen.resets == 2


def test_a_new_generator_redraws_the_very_same_request(screen, linear):
    scene = make_scene(linear, "grid")
    screen.request(scene)
    screen.settle()
    better = LinearGenerator(seed=7)
    better.ref = linear.ref
    screen.thread.use(linear.ref, better)
    screen.settle()
    assert (screen.focus.pixels == decode_recipe(better, scene.recipe)).all()
    assert (screen.mosaic == render_sheet(scene, better).pixels[: len(screen.mosaic)]).all()
    assert screen.resets == 1


def test_a_model_that_is_not_there_is_a_failure_and_its_arrival_the_remedy(screen, linear):
    other = LinearGenerator(name="other", seed=3)
    scene = make_scene(other, "grid")
    screen.request(scene)
    assert screen.settle().focus == Failure(
        "The model other is not loaded.", other.ref, scene.recipe
    )
    screen.thread.use(other.ref, other)
    screen.settle()
    assert isinstance(screen.focus, Frame)
    assert screen.update.complete
    screen.thread.forget(other.ref)
    screen.settle()
    assert isinstance(screen.focus, Failure)


def test_a_decode_error_is_a_failure_and_the_next_edit_works(screen, linear):
    scene = make_scene(linear, "grid")
    linear.fail = DecodeError("It broke.")
    screen.request(scene, stamp=4.0)
    screen.settle()
    assert screen.focus == Failure("It broke.", linear.ref, scene.recipe)
    assert screen.stamps == [4.0]
    linear.fail = None
    screen.request(scene)
    screen.settle()
    assert isinstance(screen.focus, Frame)
    assert screen.update.complete
    assert screen.thread.counters.failures == 1


@pytest.mark.allow_log("ERROR")
def test_an_error_of_any_kind_is_a_failure(screen, linear):
    linear.fail = ZeroDivisionError("odd")
    screen.request(make_scene(linear))
    assert screen.settle().focus.message == "The model failed: ZeroDivisionError: odd"


def test_nan_is_a_failure(screen, linear):
    linear.nan = True
    screen.request(make_scene(linear))
    assert "NaN" in screen.settle().focus.message


def test_a_sheet_that_fails_half_way_is_completed_by_the_next_request(screen, linear):
    linear.delay = 0.002
    scene = make_scene(linear, "grid", GridOptions(cells=100))
    screen.request(scene)
    screen.until(lambda: screen.update is not None and screen.update.chunks)
    linear.fail = DecodeError("It broke.")
    screen.settle()
    assert screen.update.failure.message == "It broke."
    assert not screen.update.complete
    assert isinstance(screen.focus, Frame)
    linear.fail = None
    screen.request(scene)
    screen.settle()
    assert screen.update.complete
    assert screen.update.failure is None
    assert (screen.mosaic == render_sheet(scene, linear).pixels[: len(screen.mosaic)]).all()


def test_a_recipe_that_does_not_fit_is_a_failure(screen, linear):
    scene = make_scene(linear, "grid")
    wrong = Condition((one_class("class", 9),))
    screen.request(scene.with_recipe(Recipe(scene.recipe.latent, wrong)))
    assert "has no class 9" in screen.settle().focus.message
    other = LinearGenerator(make_spec(dim=7))
    screen.request(scene.with_recipe(make_scene(other).recipe))
    assert "7 values, and linear takes 4" in screen.settle().focus.message


@pytest.mark.allow_log("ERROR")
def test_the_thread_outlives_its_listeners_mistakes(linear):
    screen = Screen()

    def broken():
        raise ValueError

    thread = RenderThread(broken)
    thread.use(linear.ref, linear)
    thread.start()
    try:
        thread.request(Request(make_scene(linear)))
        screen.thread = thread
        screen.until(lambda: screen.focus is not None)
        thread.request(Request(moved(make_scene(linear), 0, 3.0)))
        screen.until(lambda: screen.focus.recipe.latent.array[0] == 3.0)
    finally:
        thread.stop()


def test_a_slow_window_finds_at_most_one_sheet_of_tiles(linear):
    screen = Screen()
    screen.thread.use(linear.ref, linear)
    screen.thread.start()
    try:
        scene = make_scene(linear, "grid", GridOptions(cells=64))
        for k in range(30):
            screen.request(moved(scene, 0, 0.1 * k))
            time.sleep(0.01)
        screen.wait_idle()
        assert screen.ready_calls == 1
        rendered = screen.thread.take()
        cells = np.concatenate([tiles.cells for tiles in rendered.sheet.chunks])
        assert sorted(cells.tolist()) == list(range(64))
        assert rendered.sheet.complete
        assert rendered.sheet.reset
    finally:
        screen.thread.stop()


def test_notices_of_a_generator_arrive_once(screen, linear):
    linear.notices.append("Drawing on the CPU.")
    screen.request(make_scene(linear))
    assert screen.settle().notices == ["Drawing on the CPU."]
    screen.request(moved(make_scene(linear), 0, 2.0))
    assert screen.settle().notices == ["Drawing on the CPU."]


def test_it_rests_when_nothing_is_asked_for(screen, linear, monkeypatch):
    condition = screen.thread._condition
    wait, waits = condition.wait, []

    def counted(timeout=None):
        waits.append(timeout)
        return wait(timeout)

    monkeypatch.setattr(condition, "wait", counted)
    screen.request(make_scene(linear, "grid"))
    screen.settle()
    before = len(waits)
    time.sleep(0.2)
    assert len(waits) == before  # it has not woken up to look
    assert set(waits) == {None}


def test_stop_ends_it_in_the_middle_of_a_sheet(linear):
    linear.delay = 0.001
    thread = RenderThread(lambda: None)
    thread.use(linear.ref, linear)
    thread.start()
    thread.request(Request(make_scene(linear, "grid", GridOptions(cells=1000))))
    time.sleep(0.03)
    thread.stop()
    assert sum(linear.calls) < 900
    RenderThread(lambda: None).stop()


def test_a_generator_that_is_replaced_is_let_go(screen, linear):
    import gc
    import weakref

    first = LinearGenerator(name="first", seed=1)
    reference = weakref.ref(first)
    screen.thread.use(first.ref, first)
    screen.request(make_scene(first, "grid"))
    screen.settle()
    screen.thread.forget(ModelRef("first", first.ref.id))
    screen.request(make_scene(linear, "grid"))
    screen.settle()
    del first
    gc.collect()
    assert reference() is None


def test_a_sheet_too_large_for_any_screen_is_handed_over_smaller(monkeypatch, screen, linear):
    monkeypatch.setattr("genviewer.core.pixels.MAX_SHEET_PIXELS", 16 * 3 * 3)
    scene = make_scene(linear, "grid", GridOptions(cells=16))
    screen.request(scene)
    screen.settle()
    assert screen.mosaic.shape == (16, 3, 3, 1)
    fresh = render_sheet(scene, linear)
    assert (screen.mosaic == fewer_pixels(fresh.pixels, 2)).all()
    assert screen.focus.pixels.shape == (6, 6, 1)
    small = make_scene(linear, "grid", GridOptions(cells=4))
    screen.request(small)
    screen.settle()
    assert screen.mosaic.shape == (4, 6, 6, 1)
