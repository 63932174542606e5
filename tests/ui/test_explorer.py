"""The models of an explorer while one learns: threads, engine, and what the session cites."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from PySide6.QtCore import QObject

from genviewer.core.resources import models_dir
from genviewer.engine.run_timeline import make_snapshot
from genviewer.engine.training_news import News
from genviewer.io.bundle import open_bundle
from genviewer.ui import models
from genviewer.ui.app import find_start
from genviewer.ui.explorer import Explorer
from genviewer.ui.training_driver import TrainingDriver
from genviewer.ui.training_live import LiveView

BEST = 4


@pytest.fixture
def explorer(qapp, user_files, monkeypatch):
    def load(bundle, device, engine, threads):
        return SimpleNamespace(device="cpu", threads=threads or BEST, ref=bundle.ref)

    monkeypatch.setattr(models, "load_generator", load)
    monkeypatch.setattr(models, "decode_recipe", lambda *_: None)
    explorer = Explorer(find_start(user_files.session, False).state, user_files)
    yield explorer
    explorer.close()


def _opened(qtbot, explorer, name):
    came = []
    explorer.store.open(models_dir() / name, came.append, came.append)
    qtbot.waitUntil(lambda: bool(came))
    return came[0].ref.id


def test_what_is_opened_while_others_need_the_cores_gets_its_threads_back(qtbot, explorer):
    def threads(model):
        return explorer.store.loaded(model).generator.threads

    before = _opened(qtbot, explorer, "digits-vae")
    explorer.use_threads(1)
    meanwhile = _opened(qtbot, explorer, "letters-cvae")
    qtbot.waitUntil(lambda: threads(before) == 1)
    assert threads(meanwhile) == 1
    explorer.use_threads(None)
    qtbot.waitUntil(lambda: threads(before) == threads(meanwhile) == BEST)
    assert not explorer.store.limited
    # Over before the first is opened again with fewer.
    explorer.use_threads(1)
    explorer.use_threads(None)
    last = _opened(qtbot, explorer, "digits-gan")
    assert threads(before) == threads(meanwhile) == threads(last) == BEST
    # A run that ends and goes on before the first is opened again with all of them.
    explorer.use_threads(1)
    qtbot.waitUntil(lambda: threads(before) == threads(meanwhile) == threads(last) == 1)
    explorer.use_threads(None)
    explorer.use_threads(1)
    _opened(qtbot, explorer, "digits-cgan")
    assert threads(before) == threads(meanwhile) == threads(last) == 1
    explorer.use_threads(None)
    qtbot.waitUntil(lambda: threads(before) == threads(meanwhile) == threads(last) == BEST)


def test_the_last_weights_of_a_training_are_drawn_with_all_threads(qapp):
    live, parent, seen = SimpleNamespace(threads=1), QObject(), []
    explorer = SimpleNamespace(renderer=SimpleNamespace(sparing=True), use_threads=seen.append)
    driver = TrainingDriver(explorer, live, parent)
    driver.told.connect(lambda news: seen.append((news.state, live.threads)))
    waiting = [News("running"), News("finished")]
    thread = driver._thread = SimpleNamespace(take=lambda: waiting.pop(0))
    driver._take(thread)
    driver._take(thread)
    assert seen == [("running", 1), ("finished", None), None]
    assert not driver.going


@pytest.fixture
def live(qtbot, explorer, tmp_path, monkeypatch):
    """A model that learns, of a run without a folder; its decoder is there."""

    def generator_of(_, snapshot, device, threads, template):
        live.drawn_by.append(template)
        return SimpleNamespace(device="cpu", threads=1, engine="any", ref=snapshot.ref)

    monkeypatch.setattr("genviewer.engine.live_generator.LiveGenerators.generator_of", generator_of)
    monkeypatch.setattr(explorer, "draw", lambda *_: None)
    live = LiveView(explorer, lambda *_: None)
    live.drawn_by = []
    bundle = open_bundle(models_dir() / "digits-cvae")
    live.begin(tmp_path / "gone", models.Loaded(bundle, SimpleNamespace()), "mine")
    live._decoder.template, live._decoder._wish = object(), object()
    live.follow(make_snapshot(3, bundle.config, {}))
    qtbot.waitUntil(lambda: live.snapshot is not None)
    yield live
    live.close()


def test_what_learns_is_drawn_by_the_engine_that_is_chosen_also_when_it_pauses(
    qtbot, explorer, live
):
    template = live._decoder.template
    assert live.drawn_by == [template]
    explorer.use_device("cpu", "torch")
    qtbot.waitUntil(lambda: len(live.drawn_by) == 2)
    explorer.use_device("cpu", "auto")
    qtbot.waitUntil(lambda: len(live.drawn_by) == 3)
    assert live.drawn_by == [template, None, template]


def test_the_session_is_kept_where_the_run_that_it_shows_is_gone(explorer, live):
    assert explorer.session.scene.model == live.ref
    base = live.base.ref
    live.close()
    state = explorer.session.state()
    assert state.scene.model == base
