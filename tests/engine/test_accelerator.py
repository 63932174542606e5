"""ONNX decoders: made, checked against torch, remembered, and distrusted when they differ."""

import subprocess
import sys

import numpy as np
import pytest

from genviewer.core.prior import draws
from genviewer.engine import accelerator
from genviewer.engine.cache_folder import cache_folder
from genviewer.engine.generator import LoadError, load_generator
from genviewer.engine.jobs import Cancelled, Job, Progress
from genviewer.engine.onnx_export import export_decoder
from genviewer.engine.torch_decoder import load_network
from tests.engine.linear import LinearGenerator, write_linear_bundle


@pytest.fixture
def shipped(vae_bundle, tmp_path):
    """A copy of the bundle that carries its decoder."""
    import shutil

    from genviewer.io.bundle import open_bundle

    folder = tmp_path / "shipped"
    shutil.copytree(vae_bundle.path, folder)
    bundle = open_bundle(folder)
    export_decoder(load_network(bundle), bundle.spec, bundle.model_id, bundle.accelerator_path)
    return bundle


def test_a_decoder_is_made_checked_and_used(vae_bundle):
    assert accelerator.needs_prepare(vae_bundle)
    assert load_generator(vae_bundle, device="cpu").engine == "torch"
    outcome = accelerator.make_or_check(vae_bundle)
    assert outcome.status == "exported"
    assert outcome.max_abs_diff < 1e-5
    assert not accelerator.needs_prepare(vae_bundle)
    fast, slow = (
        load_generator(vae_bundle, device="cpu"),
        load_generator(vae_bundle, engine="torch"),
    )
    assert fast.engine == "onnx"
    z, y = draws(vae_bundle.spec.latent, 5, 9), np.full((9, 3), 1 / 3, np.float32)
    assert np.allclose(fast.decode(z, y), slow.decode(z, y), atol=1e-5)
    assert np.abs(fast.decode_pixels(z, y).astype(int) - slow.decode_pixels(z, y)).max() <= 1


def test_a_shipped_decoder_is_used_at_once_and_checked_once(shipped):
    assert load_generator(shipped, device="cpu").engine == "onnx"
    assert accelerator.needs_prepare(shipped)
    assert accelerator.make_or_check(shipped).status == "verified"
    assert not accelerator.needs_prepare(shipped)


def test_other_versions_mean_another_check(shipped, monkeypatch):
    accelerator.make_or_check(shipped)
    monkeypatch.setattr(accelerator, "_versions", lambda: {"onnxruntime": "99", "torch": "99"})
    assert accelerator.needs_prepare(shipped)


def test_a_decoder_that_draws_something_else_is_not_used_again(shipped):
    import onnx
    from onnx import numpy_helper

    model = onnx.load(shipped.accelerator_path)
    floats = [t for t in model.graph.initializer if t.data_type == onnx.TensorProto.FLOAT]
    biggest = max(floats, key=lambda tensor: np.abs(numpy_helper.to_array(tensor)).sum())
    changed = numpy_helper.to_array(biggest) * np.float32(1.1)
    biggest.CopyFrom(numpy_helper.from_array(changed, biggest.name))
    onnx.save(model, shipped.accelerator_path)
    assert load_generator(shipped, device="cpu").engine == "onnx"
    outcome = accelerator.make_or_check(shipped)
    assert outcome.status == "disagrees"
    assert "draws differently" in outcome.message
    assert load_generator(shipped, device="cpu").engine == "torch"
    assert not accelerator.needs_prepare(shipped)


def test_a_damaged_decoder_gives_way_to_torch_with_a_notice(shipped):
    data = shipped.accelerator_path.read_bytes()
    shipped.accelerator_path.write_bytes(data[:-100])
    generator = load_generator(shipped, device="cpu")
    assert generator.engine == "torch"
    assert "damaged" in generator.notices[0]
    assert not accelerator.needs_prepare(shipped)
    with pytest.raises(LoadError, match="damaged"):
        load_generator(shipped, engine="onnx")


def test_a_damaged_record_counts_for_nothing(shipped):
    accelerator.make_or_check(shipped)
    (record,) = cache_folder("decoders").glob("*.json")
    record.write_text("{")
    assert accelerator.needs_prepare(shipped)


def test_another_process_prepares_it(vae_bundle, tmp_path, monkeypatch):
    # What lies in the current folder is not run, whatever its name.
    (tmp_path / "genviewer.py").write_text("raise SystemExit('not this one')")
    monkeypatch.chdir(tmp_path)
    outcome = accelerator.prepare(vae_bundle)
    assert outcome.status == "exported", outcome.message
    assert accelerator.prepare(vae_bundle).status == "verified"
    assert load_generator(vae_bundle, engine="onnx").engine == "onnx"


def test_what_cannot_be_built_fails_with_a_reason(tmp_path):
    bundle = write_linear_bundle(tmp_path / "linear", LinearGenerator())
    outcome = accelerator.prepare(bundle)
    assert outcome.status == "failed"
    assert "unknown network type" in outcome.message
    with pytest.raises(LoadError, match="unknown network type"):
        load_generator(bundle, device="cpu")
    with pytest.raises(LoadError, match="unknown network type"):
        load_generator(bundle, engine="onnx")


def test_a_process_that_says_nothing_is_a_failure(vae_bundle, monkeypatch):
    monkeypatch.setattr(accelerator.sys, "executable", "/nowhere/python")
    assert accelerator.prepare(vae_bundle).status == "failed"


def test_preparing_can_be_cancelled(vae_bundle, monkeypatch):
    job = Job("prepare", None)
    job.cancel()
    started = []
    popen = subprocess.Popen

    def watch(*arguments, **named):
        started.append(popen(*arguments, **named))
        return started[-1]

    monkeypatch.setattr(accelerator.subprocess, "Popen", watch)
    with pytest.raises(Cancelled):
        accelerator.prepare(vae_bundle, Progress(job, None))
    assert started[0].poll() is not None


def test_the_engine_that_was_asked_for_is_the_one_that_comes(shipped):
    assert load_generator(shipped, engine="torch").engine == "torch"
    assert load_generator(shipped, engine="onnx").engine == "onnx"
    with pytest.raises(LoadError, match="no engine 'fast'"):
        load_generator(shipped, engine="fast")


def test_the_first_picture_needs_no_torch(onnx_bundle):
    code = f"""
import sys
from pathlib import Path
from genviewer.core.recipe import seeded_recipe
from genviewer.core.scene import Pane, Scene
from genviewer.engine.generator import load_generator
from genviewer.engine.render import RenderThread, Request
from genviewer.io.bundle import open_bundle
import threading
ready = threading.Event()
bundle = open_bundle(Path({str(onnx_bundle.path)!r}))
thread = RenderThread(ready.set)
thread.start()
thread.use(bundle.ref, load_generator(bundle, device="cpu"))
thread.request(Request(Scene((Pane(bundle.ref, seeded_recipe(bundle.spec, 0)),))))
assert ready.wait(30)
print(thread.take().focus.pixels.shape)
thread.stop()
print(sorted({{"torch", "onnx", "PIL", "PySide6", "safetensors"}} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.split("\n")[:2] == ["(6, 6, 1)", "[]"], done.stderr
