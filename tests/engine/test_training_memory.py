"""Drags beside a training: memory stays what it is after a while."""

import gc
import os
import sys
import threading

import pytest

from genviewer.core.recipe import seeded_recipe
from genviewer.core.scene import Pane, Scene
from genviewer.core.views import ViewInputs
from genviewer.engine.live_generator import LiveGenerators, bundle_of, template_for
from genviewer.engine.render import RenderThread, Request
from genviewer.engine.training_run import TrainingRun
from genviewer.engine.training_thread import TrainingThread
from tests.tiny_runs import config_of

COUNT = int(os.environ.get("GENVIEWER_SOAK_COUNT", "20000"))
GROWTH = 1.05


def resident_mb():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


@pytest.mark.soak
@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
@pytest.mark.timeout(3600)
def test_drags_beside_a_training_take_no_more_and_more_memory(tmp_path):
    config = config_of(tmp_path, steps=COUNT, every=max(1, COUNT // 40))
    told, drawn, live = threading.Event(), threading.Event(), LiveGenerators()
    training = TrainingThread(lambda: TrainingRun.start(config, tmp_path / "run"), told.set)
    renderer = RenderThread(drawn.set)
    renderer.start()
    training.start()
    scene, ref, template, step, drags, sizes = None, None, None, 0, 0, []
    try:
        while drags < COUNT or step < COUNT:
            if (news := training.take()) is not None:
                assert news.state in ("starting", "running", "finished"), news.sentence
                step = news.step
                if news.snapshot is not None:
                    if template is None:
                        base = bundle_of(news.snapshot, tmp_path)
                        template = template_for(news.snapshot, base)
                        assert template is not None
                    generator = live.generator_of(news.snapshot, "cpu", 1, template)
                    assert generator.engine == "onnx"
                    if scene is None:
                        ref = generator.ref
                        scene = Scene((Pane(ref, seeded_recipe(generator.spec, 0)),))
                    renderer.use(ref, generator)
            if scene is None or (drags > step + COUNT // 20 and step < COUNT):
                told.wait(0.05)  # the training gives way, so the hand waits for it
                told.clear()
                continue
            latent = scene.recipe.latent.with_value(0, 1e-4 * drags)
            recipe = type(scene.recipe)(latent, scene.recipe.condition)
            renderer.request(Request(scene.with_recipe(recipe), ViewInputs()))
            assert drawn.wait(60)
            drawn.clear()
            rendered = renderer.take()
            drags += rendered is not None
            if drags % max(1, COUNT // 40) == 0:
                gc.collect()
                sizes.append((drags, step, resident_mb()))
    finally:
        training.stop()
        renderer.stop()
        assert training.join(120)
    warm = [mb for drags, step, mb in sizes if min(drags, step) >= COUNT // 4]
    assert len(warm) > 3
    assert max(warm) <= GROWTH * warm[0], sizes
