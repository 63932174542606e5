"""Small pictures over a run's steps, against the models that were written of those very steps."""

from __future__ import annotations

import numpy as np
import pytest
from safetensors.numpy import load_file

from genviewer.core.pixels import fewer_pixels
from genviewer.core.recipe import seeded_recipe
from genviewer.core.resources import models_dir
from genviewer.engine.cells import decode_recipe
from genviewer.engine.generator import load_generator
from genviewer.engine.live_generator import LiveGenerators
from genviewer.engine.run_timeline import RunTimeline, make_snapshot
from genviewer.engine.timeline_pictures import SIDE, TimelinePictures, draw_step
from genviewer.io.bundle import open_bundle, write_bundle

rng = np.random.default_rng(0)


@pytest.fixture
def timeline(tmp_path):
    """Three steps of a model that changes a little from one to the next."""
    bundle = open_bundle(models_dir() / "digits-cvae")
    arrays = load_file(bundle.path / "model.safetensors")
    timeline = RunTimeline(tmp_path / "run")
    timeline.begin(bundle.config, 0)
    for step in (0, 10, 20):
        weights = {name: value * np.float32(1 + 0.01 * step) for name, value in arrays.items()}
        timeline.write(make_snapshot(step, bundle.config, weights))
    return timeline


def test_tiles_are_drawn_with_the_weights_of_their_step(timeline, tmp_path):
    spec = timeline.config().spec
    recipes = [seeded_recipe(spec, 3), seeded_recipe(spec, 4)]
    drawn = dict(draw_step(timeline, LiveGenerators(), 20, recipes))
    snapshot = timeline.snapshot(20)
    write_bundle(tmp_path / "model", snapshot.config, snapshot.weights, "")
    alone = load_generator(open_bundle(tmp_path / "model"), device="cpu", engine="torch")
    for recipe in recipes:
        whole = decode_recipe(alone, recipe)
        expected = fewer_pixels(whole, -(-max(whole.shape[:2]) // SIDE))
        assert np.abs(drawn[recipe].astype(int) - expected).max() <= 1
        assert max(drawn[recipe].shape[:2]) <= SIDE
    before = dict(draw_step(timeline, LiveGenerators(), 0, recipes))
    assert any((before[recipe] != drawn[recipe]).any() for recipe in recipes)


def test_pictures_are_kept_up_to_a_size(timeline):
    spec = timeline.config().spec
    recipes = [seeded_recipe(spec, seed) for seed in range(5)]
    pixels = np.zeros((28, 28, 1), np.uint8)
    pictures = TimelinePictures(most_bytes=3 * pixels.nbytes)
    pictures.put(10, [(recipe, pixels) for recipe in recipes[:3]])
    assert pictures.get(10, recipes[0]) is pixels
    pictures.put(20, [(recipes[3], pixels)])
    assert pictures.get(10, recipes[1]) is None  # the one that was used least lately
    assert pictures.get(10, recipes[0]) is pixels
    pictures.keep_steps([20])
    assert pictures.get(10, recipes[0]) is None
    assert pictures.get(20, recipes[3]) is pixels
    pictures.put(20, [(recipes[3], pixels), (recipes[4], pixels), (recipes[0], pixels)])
    assert all(pictures.get(20, recipes[k]) is not None for k in (0, 3, 4))
