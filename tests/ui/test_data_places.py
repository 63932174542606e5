"""What the data set window's pages about places in latent space need, without the window."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from genviewer.core.recipe import seeded_recipe
from genviewer.engine.data_figures import DataFigures
from genviewer.engine.jobs import Job, Progress
from genviewer.ui.data_places import Nearest
from genviewer.ui.data_shows import Look
from tests.tiny_models import write_tiny_vae


@pytest.mark.parametrize("count", [1, 6])
def test_of_a_class_that_no_image_has_there_is_none_near_in_latent_space(tmp_path, count):
    bundle = write_tiny_vae(tmp_path / "tiny", optional=False)
    images = np.random.default_rng(0).integers(0, 256, (count, 8, 8, 3), np.uint8)
    path = tmp_path / "data.npz"
    np.savez(path, images=images, labels=np.full(count, 2))
    figures, quiet = DataFigures(), Progress(Job("look", None), None)

    def found(label):
        recipe = seeded_recipe(bundle.spec, 0, label)
        look = Look(bundle, bundle.ref, str(path), "train", 100, "", recipe, images[0])
        view = figures.view(str(path), "train", bundle, 100, quiet)
        return Nearest(SimpleNamespace()).measure(figures, view, look, quiet)

    none = found(1)
    assert none.why_no_latents == "The data set has no image of this class."
    assert none.latents is None
    assert none.pixels.distances[0] == 0.0
    some = found(2)
    assert some.why_no_latents == ""
    assert len(some.latents.rows) == some.encoded == count
