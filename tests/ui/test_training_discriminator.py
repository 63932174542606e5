"""A generator that came alone, trained in the window: it is kept with its discriminator."""

import msgspec
import numpy as np
import pytest
import torch
from PySide6.QtWidgets import QWidget
from safetensors.numpy import load_file

from genviewer.core.spec import ImageSpec, LatentSpec, Spec
from genviewer.engine.finetune import finetune_config, what_can_train
from genviewer.engine.run_timeline import RunTimeline
from genviewer.engine.torch_decoder import load_torch
from genviewer.engine.train_run import RunFolder
from genviewer.io.bundle import Config, open_bundle, write_bundle
from genviewer.io.dataset_survey import survey
from genviewer.nets.families import build
from genviewer.ui.models import Loaded
from genviewer.ui.training import Training
from genviewer.ui.widgets.training_panel import TrainingPanel
from tests.tiny_runs import bars
from tests.ui.conftest import PATIENCE_MS

TABLE = {
    "type": "chain",
    "latent": 4,
    "image": [1, 8, 8],
    "decoder": [
        {"type": "linear", "name": "net.0", "inputs": 4, "outputs": 64},
        {"type": "activation", "kind": "sigmoid"},
        {"type": "reshape", "shape": [1, 8, 8]},
    ],
}


@pytest.fixture
def base(tmp_path):
    network = build(TABLE)
    tensors = {name: value.numpy() for name, value in network.state_dict().items()}
    spec = Spec("alone", "gan", LatentSpec(4), ImageSpec(1, 8, 8))
    return write_bundle(tmp_path / "alone", Config(spec, TABLE), tensors, "")


@pytest.fixture
def training(qtbot, window, user_files, monkeypatch):
    monkeypatch.setattr("genviewer.engine.training_thread.NICENESS", 0)
    window.explorer.store.engine = "torch"  # an export would take seconds, for nothing here
    panel = TrainingPanel(QWidget(), QWidget())
    qtbot.addWidget(panel)
    made = Training(window.explorer, panel, user_files, window, window)
    yield made
    made.close()


def test_a_generator_that_came_alone_is_kept_with_its_discriminator(
    qtbot, window, training, base, tmp_path
):
    def until(what):
        qtbot.waitUntil(what, timeout=4 * PATIENCE_MS)

    models, store = [], window.explorer.store
    window.model_kept = models.append
    config = finetune_config(
        base, survey(bars(tmp_path / "bars.npz")), steps=100_000, batch_size=4, threads=1
    )
    config = msgspec.structs.replace(config, checkpoint_every=50_000, evaluate_every=0)
    training.start(config, Loaded(base, load_torch(base, "cpu", 1)))
    until(lambda: training.live.snapshot is not None and training.live.snapshot.step > 1)
    folder = training.folder

    # While it goes on, with that of the nearest step of the timeline.
    training.pause()
    until(lambda: training.standing.state == "paused")
    step = training.live.keep_newest()
    place = folder / "kept" / f"step-{step:07d}"
    until(lambda: (place / "config.json").is_file())
    kept = open_bundle(place)
    at = kept.config.provenance["discriminator_steps"]
    stored = RunTimeline(folder).discriminators()
    assert abs(at - step) == min(abs(other - step) for other in stored)
    until(lambda: store.loaded(kept.model_id).bundle.spec.discriminator)

    # As a model of its own, with that which the run ends with.
    training.keep(tmp_path / "mine")
    until(lambda: bool(models))
    mine = models[0].bundle
    last, path = RunFolder(folder).checkpoints()[-1]
    assert mine.spec.discriminator
    assert mine.config.provenance["steps"] == last
    assert mine.config.provenance["discriminator_steps"] == last
    saved = torch.load(path, weights_only=True)["companions"]["discriminator"]
    tensors = load_file(mine.discriminator_path)
    assert tensors.keys() == {f"discriminator.{name}" for name in saved}
    for name, value in saved.items():
        np.testing.assert_array_equal(tensors[f"discriminator.{name}"], value.numpy())
    assert what_can_train(open_bundle(tmp_path / "mine")).discriminator == "own"
    assert "discriminator" not in window.notices.notices[-1].text
