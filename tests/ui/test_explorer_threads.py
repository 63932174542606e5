"""With how many threads models are drawn while something else needs the cores, and after it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from PySide6.QtCore import QObject

from genviewer.core.resources import models_dir
from genviewer.engine.training_news import News
from genviewer.ui import models
from genviewer.ui.app import find_start
from genviewer.ui.explorer import Explorer
from genviewer.ui.training_driver import TrainingDriver

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
