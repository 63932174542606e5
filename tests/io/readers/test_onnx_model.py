"""ONNX files through the whole way in: opened as any MODEL, drawn, held against NumPy."""

import numpy as np
import pytest

from genviewer.engine.generator import load_generator
from genviewer.io.bundle import BundleError
from genviewer.io.library import open_model
from tests.tiny_onnx import (
    CLASSES,
    LATENT,
    expected,
    floats,
    move_outside,
    save,
    weights,
    write_bomb,
    write_classifier,
    write_decoder,
    write_endless,
)


@pytest.fixture
def z():
    return np.random.default_rng(3).standard_normal((5, LATENT)).astype(np.float32)


ONE_HOT = np.eye(CLASSES, dtype=np.float32)


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"label": "index"},
        {"label": "weights"},
        {"layout": "nhwc", "channels": 3},
        {"batch": 1},
        {"batch": 4, "label": "index"},
        {"four_axes": True},
    ],
    ids=str,
)
def test_a_decoder_of_any_form_draws_what_numpy_draws(tmp_path, z, form):
    bundle = open_model(str(write_decoder(tmp_path / "d.onnx", **form)))
    assert (bundle.reader, bundle.spec.latent.dim) == ("onnx", LATENT)
    assert [c.size for c in bundle.spec.conditions] == ([CLASSES] if "label" in form else [])
    assert bundle.spec.image.range == (-1.0, 1.0)
    generator = load_generator(bundle)
    index = np.array([0, 1, 2, 1, 0]) if "label" in form else None
    y = None if index is None else ONE_HOT[index]
    wanted = expected(z, index, channels=form.get("channels", 1))
    np.testing.assert_allclose(generator.decode(z, y), wanted, atol=1e-6)
    levels = np.rint((wanted + 1) * 127.5).transpose(0, 2, 3, 1)
    assert np.abs(generator.decode_pixels(z, y) - levels).max() <= 1


def test_bytes_are_bytes(tmp_path, z):
    bundle = open_model(str(write_decoder(tmp_path / "d.onnx", uint8=True, layout="nhwc")))
    assert bundle.spec.image.range == (0.0, 255.0)
    pixels = load_generator(bundle).decode_pixels(z, None)
    wanted = ((expected(z) + 1) * 127.5).astype(np.uint8).transpose(0, 2, 3, 1)
    assert np.abs(pixels.astype(int) - wanted).max() <= 1  # the cast cuts off, just below a level


def test_what_is_said_is_taken_and_part_of_the_model(tmp_path):
    path = str(write_decoder(tmp_path / "d.onnx"))
    plain, told = open_model(path), open_model(path, {"range": "-2,2", "prior": "uniform"})
    assert told.spec.image.range == (-2.0, 2.0)
    assert told.spec.latent.prior == "uniform"
    assert plain.model_id != told.model_id
    assert plain.weights_sha256 == told.weights_sha256
    assert [a.field for a in plain.config.assumptions] == ["prior"]
    assert told.config.assumptions == ()


def test_a_setting_that_nobody_asks_for_is_told(tmp_path):
    with pytest.raises(BundleError, match="nonsense"):
        open_model(str(write_decoder(tmp_path / "d.onnx")), {"nonsense": "1"})


def test_weights_beside_the_graph(tmp_path, z):
    (tmp_path / "d.onnx.data").write_bytes(weights()["W"].tobytes())
    path = move_outside(write_decoder(tmp_path / "d.onnx"), "d.onnx.data")
    generator = load_generator(open_model(str(path)))
    np.testing.assert_allclose(generator.decode(z, None), expected(z), atol=1e-6)


def test_weights_of_somebody_else_are_not_read(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "secret").write_bytes(weights()["W"].tobytes())
    path = move_outside(write_decoder(folder / "d.onnx"), "../secret")
    with pytest.raises(BundleError, match="outside its folder"):
        open_model(str(path))


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (write_classifier, "takes pictures"),
        (write_bomb, "memory"),
    ],
)
def test_what_is_no_decoder_is_one_sentence(tmp_path, write, words):
    with pytest.raises(BundleError, match=words) as caught:
        open_model(str(write(tmp_path / "x.onnx")))
    assert str(caught.value).startswith("x.onnx ")
    assert str(caught.value).endswith(".")


def test_an_endless_graph_is_one_sentence(tmp_path, monkeypatch):
    from genviewer.io.programs.guarded_process import GuardedProcess

    run = GuardedProcess.run
    monkeypatch.setattr(GuardedProcess, "run", lambda self, inputs: run(self, inputs, seconds=0.5))
    with pytest.raises(BundleError, match="longer than"):
        open_model(str(write_endless(tmp_path / "loop.onnx")))


def test_a_graph_whose_memory_follows_its_input_stays_in_the_guarded_process(tmp_path):
    from onnx import TensorProto, helper, numpy_helper

    nodes = [
        helper.make_node("ReduceMax", ["z"], ["largest"], keepdims=0),
        helper.make_node("Abs", ["largest"], ["size"]),
        helper.make_node("Cast", ["size"], ["whole"], to=TensorProto.INT64),
        helper.make_node("Reshape", ["whole", "one"], ["vector"]),
        helper.make_node("ConstantOfShape", ["vector"], ["many"]),
        helper.make_node("ReduceSum", ["many"], ["nothing"], keepdims=0),
        helper.make_node("Add", ["z", "nothing"], ["image"]),
    ]
    stored = [numpy_helper.from_array(np.array([1], np.int64), "one")]
    path = tmp_path / "d.onnx"
    save(path, nodes, [floats("z", "n", 64)], [floats("image", "n", 64)], stored)
    bundle = open_model(str(path))
    assert bundle.config.network["guarded"] is True
    generator = load_generator(bundle)
    small = np.full((1, 64), 2.0, np.float32)
    np.testing.assert_allclose(generator.decode(small, None).reshape(1, 64), small)
    from genviewer.engine.generator import DecodeError

    with pytest.raises(DecodeError, match="memory"):
        generator.decode(np.full((1, 64), 1e12, np.float32), None)
    np.testing.assert_allclose(generator.decode(small, None).reshape(1, 64), small)
    generator.close()


def test_a_changed_file_is_not_drawn(tmp_path):
    from genviewer.engine.generator import LoadError

    path = write_decoder(tmp_path / "d.onnx")
    bundle = open_model(str(path))
    write_decoder(path, label="weights")
    with pytest.raises(LoadError, match="changed"):
        load_generator(bundle)


@pytest.mark.parametrize("name", ["47_onnx_memory_bomb.onnx", "49_onnx_garbage.onnx"])
def test_hostile_files(shared, name):
    with pytest.raises(BundleError) as caught:
        open_model(str(shared / "fixtures" / "hostile" / name))
    assert "\n" not in str(caught.value)
