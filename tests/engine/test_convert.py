"""Conversion: what is written draws the same, and others can use it."""

import json

import numpy as np
import onnxruntime
import pytest
from safetensors.numpy import load_file

from genviewer.core.prior import draws
from genviewer.engine.convert import convert
from genviewer.engine.generator import LoadError, load_generator
from genviewer.io.bundle import BundleError, open_bundle
from genviewer.io.library import open_model
from tests.tiny_models import write_tiny_vae
from tests.tiny_onnx import CLASSES, LATENT, expected, weights, write_bomb, write_decoder


def same_pixels(one, other, count=4):
    z = draws(one.spec.latent, 0, count)
    size = one.spec.condition_size
    y = np.eye(size, dtype=np.float32)[np.arange(count) % size] if size else None
    first, second = load_generator(one, engine="auto"), load_generator(other, engine="auto")
    np.testing.assert_array_equal(first.decode_pixels(z, y), second.decode_pixels(z, y))
    np.testing.assert_array_equal(first.decode(z, y), second.decode(z, y))


@pytest.mark.parametrize("label", [None, "index", "weights"])
def test_an_onnx_decoder_becomes_a_bundle(tmp_path, label):
    foreign = open_model(str(write_decoder(tmp_path / "d.onnx", label=label)))
    bundle = convert(foreign, tmp_path / "out")
    assert {p.name for p in (tmp_path / "out").iterdir()} == {
        "config.json", "model.safetensors", "README.md", "decoder.onnx",
    }  # fmt: skip
    same_pixels(foreign, open_model(str(tmp_path / "out")))
    assert [a.field for a in bundle.config.assumptions] == [
        a.field for a in foreign.config.assumptions
    ]
    np.testing.assert_array_equal(
        load_file(tmp_path / "out" / "model.safetensors")["W"], weights()["W"]
    )


def test_the_graph_of_a_bundle_opens_elsewhere(tmp_path):
    foreign = open_model(str(write_decoder(tmp_path / "d.onnx", label="index")))
    convert(foreign, tmp_path / "out")
    session = onnxruntime.InferenceSession(str(tmp_path / "out" / "decoder.onnx"))
    z = np.random.default_rng(1).standard_normal((3, LATENT)).astype(np.float32)
    (image,) = session.run(None, {"z": z, "label": np.array([2, 0, 1])})
    np.testing.assert_allclose(image, expected(z, [2, 0, 1]), atol=1e-6)


def test_provenance_and_assumptions_are_on_the_card(tmp_path):
    foreign = open_model(str(write_decoder(tmp_path / "d.onnx")))
    text = convert(foreign, tmp_path / "out").card()
    assert "d.onnx" in text
    assert foreign.weights_sha256 in text
    assert "prior: normal" in text


def test_a_bundle_of_ours_with_its_decoder_for_others(tmp_path):
    bundle = write_tiny_vae(tmp_path / "tiny")
    copy = convert(bundle, tmp_path / "out", onnx=True)
    assert copy.model_id == bundle.model_id
    assert copy.card() == bundle.card()
    z = draws(bundle.spec.latent, 0, 2)
    y = np.eye(4, dtype=np.float32)[:2]
    session = onnxruntime.InferenceSession(str(tmp_path / "out" / "decoder.onnx"))
    raw = session.run(["raw"], {"z": z, "y": y})[0]
    wanted = load_generator(bundle, engine="torch").decode(z, y)
    np.testing.assert_allclose(raw, wanted, atol=1e-5)


def test_what_is_there_is_kept(tmp_path):
    foreign = open_model(str(write_decoder(tmp_path / "d.onnx")))
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("mine")
    with pytest.raises(BundleError, match="--force"):
        convert(foreign, out)
    assert [p.name for p in out.iterdir()] == ["mine.txt"]
    convert(foreign, out, force=True)
    assert (out / "mine.txt").read_text() == "mine"
    same_pixels(foreign, open_bundle(out))


def test_a_failed_conversion_leaves_nothing(tmp_path, monkeypatch):
    import genviewer.engine.convert as module

    foreign = open_model(str(write_decoder(tmp_path / "d.onnx")))

    def fail(*args):
        raise OSError("disk full")

    monkeypatch.setattr(module, "with_weights_in", fail)
    with pytest.raises(OSError, match="disk full"):
        convert(foreign, tmp_path / "out")
    assert [p.name for p in tmp_path.iterdir()] == ["d.onnx"]


@pytest.fixture
def converted(tmp_path):
    foreign = open_model(str(write_decoder(tmp_path / "d.onnx", label="weights")))
    convert(foreign, tmp_path / "out")
    return tmp_path / "out"


def edit_config(folder, change):
    config = json.loads((folder / "config.json").read_text())
    change(config["network"])
    (folder / "config.json").write_text(json.dumps(config))


def test_a_bundle_whose_graph_was_swapped_is_not_drawn(converted):
    write_decoder(converted / "decoder.onnx", label="weights")
    with pytest.raises(LoadError, match="changed"):
        load_generator(open_bundle(converted))


def test_a_bundle_cannot_call_a_bomb_harmless(converted):
    import hashlib

    data = write_bomb(converted / "decoder.onnx").read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    edit_config(converted, lambda n: n.update(sha256=digest, guarded=False))
    with pytest.raises(LoadError, match=r"decoder\.onnx"):
        load_generator(open_bundle(converted))


@pytest.mark.parametrize("name", ["../d.onnx", "/etc/passwd", ""])
def test_a_bundle_names_no_decoder_outside(converted, name):
    edit_config(converted, lambda n: n.update(decoder=name))
    with pytest.raises(LoadError):
        load_generator(open_bundle(converted))


@pytest.mark.parametrize("runtime", ["torchscript", "module", "exported", "nonsense"])
def test_a_bundle_starts_no_other_program(converted, runtime):
    edit_config(converted, lambda n: n.update(runtime=runtime))
    with pytest.raises(LoadError):
        load_generator(open_bundle(converted))


@pytest.mark.parametrize("wiring", [{}, {"feeds": []}, {"feeds": [{"name": "z"}]}, 3])
def test_a_damaged_wiring_is_one_sentence(converted, wiring):
    edit_config(converted, lambda n: n.update(wiring=wiring))
    with pytest.raises(LoadError):
        load_generator(open_bundle(converted))


def test_conditions_of_a_bundle_are_those_of_the_file(converted):
    assert open_bundle(converted).spec.conditions[0].size == CLASSES
