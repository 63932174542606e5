"""Films over the steps of a run, read back by Pillow."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file

from genviewer.core.picture import Picture
from genviewer.core.recipe import seeded_recipe
from genviewer.core.resources import models_dir
from genviewer.engine.cells import decode_recipe
from genviewer.engine.jobs import Cancelled
from genviewer.engine.live_generator import LiveGenerators
from genviewer.engine.run_timeline import RunTimeline, TimelineError, make_snapshot
from genviewer.engine.timeline_film import frame_counts, save_film
from genviewer.io.bundle import open_bundle
from genviewer.io.write_errors import WriteError

STEPS = (0, 10, 30)


@pytest.fixture
def timeline(tmp_path):
    bundle = open_bundle(models_dir() / "digits-cvae")
    arrays = load_file(bundle.path / "model.safetensors")
    timeline = RunTimeline(tmp_path / "run")
    timeline.begin(bundle.config, 0)
    for step in STEPS:
        weights = {name: value * np.float32(1 + 0.02 * step) for name, value in arrays.items()}
        timeline.write(make_snapshot(step, bundle.config, weights))
    return timeline


@pytest.fixture
def recipe(timeline):
    return seeded_recipe(timeline.config().spec, 3)


@pytest.mark.parametrize(
    ("steps", "seconds", "fps", "total"),
    [(3, 1.0, 10.0, 10), (60, 1.0, 10.0, 60), (7, 2.0, 30.0, 60)],
)
def test_every_step_is_seen_about_as_long(steps, seconds, fps, total):
    counts = frame_counts(steps, seconds, fps)
    assert len(counts) == steps
    assert sum(counts) == total
    assert min(counts) >= 1
    assert max(counts) - min(counts) <= 1


def test_the_frames_are_the_sample_at_the_steps(timeline, recipe, tmp_path):
    path = tmp_path / "film.apng"
    save_film(path, timeline, STEPS, recipe, seconds=0.6, fps=10.0, picture=Picture(2))
    with Image.open(path, formats=["PNG"]) as film:
        assert film.n_frames == 6
        frames = []
        for index in range(film.n_frames):
            film.seek(index)
            frames.append(np.asarray(film.convert("L")).astype(int))
    for place, step in enumerate(STEPS):
        generator = LiveGenerators().generator_of(timeline.snapshot(step))
        expected = decode_recipe(generator, recipe)[..., 0].repeat(2, 0).repeat(2, 1)
        for frame in frames[2 * place : 2 * place + 2]:
            assert np.abs(frame - expected).max() <= 1
    assert np.abs(frames[0] - frames[-1]).max() > 30


def test_nothing_is_overwritten_silently_and_nothing_half_is_left(timeline, recipe, tmp_path):
    class Stopping:
        def check(self):
            raise Cancelled

        def report(self, fraction, text=""):
            pass

    how = {"seconds": 0.3, "fps": 10.0, "picture": Picture(1)}
    path = tmp_path / "film.gif"
    with pytest.raises(Cancelled):
        save_film(path, timeline, STEPS, recipe, progress=Stopping(), **how)
    with pytest.raises(TimelineError, match="20"):
        save_film(path, timeline, (0, 20), recipe, **how)
    with pytest.raises(TimelineError, match="no steps"):
        save_film(path, timeline, (), recipe, **how)
    assert [p.name for p in tmp_path.iterdir()] == ["run"]
    path.write_text("mine")
    with pytest.raises(WriteError):
        save_film(path, timeline, STEPS, recipe, **how)
    assert path.read_text() == "mine"
    save_film(path, timeline, STEPS, recipe, overwrite=True, **how)
    assert path.read_bytes()[:4] == b"GIF8"
