"""Small pictures of what models draw."""

import numpy as np
import pytest

from genviewer.core.recipe import seeded_recipe
from genviewer.engine import thumbnails
from genviewer.engine.cells import decode_recipe
from genviewer.engine.generator import LoadError, load_generator
from genviewer.engine.jobs import Cancelled, Job, Progress
from genviewer.engine.thumbnails import thumbnail
from genviewer.io.images import encode_png


def test_the_preview_is_taken_where_there_is_one(onnx_bundle):
    preview = np.arange(5 * 7 * 3, dtype=np.uint8).reshape(5, 7, 3)
    (onnx_bundle.path / "preview.png").write_bytes(encode_png(preview))
    assert (thumbnail(onnx_bundle) == preview).all()


@pytest.mark.parametrize("damage", [b"", b"no picture"])
def test_without_one_seeded_samples_are_drawn_once(onnx_bundle, monkeypatch, damage):
    (onnx_bundle.path / "preview.png").write_bytes(damage)
    drawn = thumbnail(onnx_bundle)
    generator = load_generator(onnx_bundle)
    assert drawn.shape == (18, 18, 1)
    assert (
        drawn[6:12, 6:12] == decode_recipe(generator, seeded_recipe(generator.spec, 0, 4))
    ).all()

    def never(*arguments, **named):
        raise AssertionError

    monkeypatch.setattr(thumbnails, "load_generator", never)
    assert (thumbnail(onnx_bundle) == drawn).all()


def test_it_can_be_cancelled(onnx_bundle):
    job = Job("thumbnail", None)
    job.cancel()
    with pytest.raises(Cancelled):
        thumbnail(onnx_bundle, Progress(job, None))


def test_a_model_that_cannot_draw_says_why(onnx_bundle):
    onnx_bundle.accelerator_path.unlink()
    with pytest.raises(LoadError, match="unknown network type"):
        thumbnail(onnx_bundle)
