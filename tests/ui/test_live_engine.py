"""What draws a model while it learns is said where the window says what draws."""

from __future__ import annotations

from genviewer.engine.generator import load_generator
from genviewer.ui.models import Live


def test_the_status_line_names_the_engine_of_the_newest_weights(open_explorer):
    window = open_explorer("digits-vae")
    explorer = window.explorer
    base = explorer.store.loaded(window.session.scene.model.id)
    label = window.status._labels["engine"]
    for engine in ("torch", "onnx", "torch"):
        generator = load_generator(base.bundle, "cpu", engine)
        explorer.show_live(Live(base.bundle, generator, base.ref, base))
        assert label.text() == engine
