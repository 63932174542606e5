"""Drawing with ONNX Runtime, and what of a file it is not given."""

import numpy as np
import pytest
from onnx import TensorProto, helper

from genviewer.core.prior import draws
from genviewer.engine import accelerator, onnx_file
from genviewer.engine.generator import DecodeError, LoadError, load_generator
from genviewer.engine.onnx_decoder import OnnxGenerator
from tests.engine.linear import LinearGenerator, make_spec, write_linear_bundle, write_onnx


def test_it_draws_what_the_weights_say(onnx_bundle):
    generator = load_generator(onnx_bundle)
    reference = LinearGenerator()
    assert (generator.engine, generator.device) == ("onnx", "cpu")
    assert generator.model_id == onnx_bundle.model_id
    z = draws(generator.spec.latent, 0, 5)
    y = np.eye(3, dtype=np.float32)[[0, 1, 2, 0, 1]]
    assert np.allclose(generator.decode(z, y), reference.decode(z, y), atol=1e-6)
    pixels = generator.decode_pixels(z, y)
    assert pixels.shape == (5, 6, 6, 1)
    assert pixels.dtype == np.uint8
    assert (pixels == reference.decode_pixels(z, y)).all()
    assert not (pixels[0] == pixels[3]).all()


def test_no_condition_is_the_empty_one(onnx_bundle):
    generator = load_generator(onnx_bundle)
    z = draws(generator.spec.latent, 0, 2)
    empty = generator.decode(z, np.zeros((2, 3), np.float32))
    assert (generator.decode(z, None) == empty).all()


@pytest.mark.parametrize(
    ("z", "y"),
    [((2, 3), (2, 3)), ((2, 4), (2, 2)), ((2, 4), (1, 3)), ((8,), (2, 3))],
)
def test_inputs_that_do_not_fit_are_refused(onnx_bundle, z, y):
    generator = load_generator(onnx_bundle)
    with pytest.raises(DecodeError, match="linear takes"):
        generator.decode(np.zeros(z, np.float32), np.zeros(y, np.float32))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_is_an_error(onnx_bundle, bad):
    generator = load_generator(onnx_bundle)
    z = np.zeros((3, 4), np.float32)
    z[1, 2] = bad
    with pytest.raises(DecodeError, match="NaN"):
        generator.decode_pixels(z, None)
    assert generator.decode_pixels(np.zeros((1, 4), np.float32), None).shape == (1, 6, 6, 1)


def refused(tmp_path, **changes):
    linear = LinearGenerator()
    path = write_onnx(tmp_path / "x.onnx", linear, "0" * 32, **changes)
    with pytest.raises(LoadError) as caught:
        OnnxGenerator(path.read_bytes(), linear.spec, linear.ref)
    return str(caught.value)


def test_references_to_other_files_are_refused(tmp_path):
    def edit(model):
        tensor = model.graph.initializer[0]
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        entry = tensor.external_data.add()
        entry.key, entry.value = "location", "../../secret"

    assert "other files" in refused(tmp_path, edit=edit)


def test_references_in_an_attribute_are_refused_too(tmp_path):
    value = helper.make_tensor("hidden", TensorProto.FLOAT, [1], [0.0])
    value.data_location = TensorProto.EXTERNAL
    node = helper.make_node("Constant", [], ["unused"], value=value)
    assert "other files" in refused(tmp_path, nodes=[node])


def test_foreign_operators_are_refused(tmp_path):
    node = helper.make_node("Gelu", ["raw"], ["unused"], domain="com.microsoft")
    assert "not standard" in refused(tmp_path, nodes=[node])
    opset = helper.make_opsetid("evil.example", 1)
    assert "not standard" in refused(tmp_path, opsets=[opset])


def test_loops_are_refused(tmp_path):
    body = helper.make_graph([], "body", [], [])
    node = helper.make_node("Loop", ["", ""], ["unused"], body=body)
    assert "Loop" in refused(tmp_path, nodes=[node])


def test_bytes_that_are_no_graph_are_refused(tmp_path):
    linear = LinearGenerator()
    whole = write_onnx(tmp_path / "x.onnx", linear, "0" * 32).read_bytes()
    rng = np.random.default_rng(0)
    for data in (b"", b"PK\x03\x04", rng.bytes(1000), whole[: len(whole) // 2], b"\x0a" * 99):
        with pytest.raises(LoadError):
            OnnxGenerator(data, linear.spec, linear.ref)


def test_damage_anywhere_never_escapes_as_another_error(tmp_path):
    whole = write_onnx(tmp_path / "x.onnx", LinearGenerator(), "0" * 32).read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(300):
        data = bytearray(whole)
        for at in rng.integers(0, len(data), 3):
            data[at] = rng.integers(0, 256)
        try:
            onnx_file.check(onnx_file.inspect(bytes(data)))
        except LoadError:
            continue


@pytest.mark.parametrize("spec", [make_spec(5), make_spec(classes=2), make_spec(classes=0)])
def test_a_decoder_of_another_shape_is_refused(tmp_path, spec):
    linear = LinearGenerator()
    path = write_onnx(tmp_path / "x.onnx", linear, "0" * 32)
    with pytest.raises(LoadError, match="does not fit"):
        OnnxGenerator(path.read_bytes(), spec, linear.ref)


def test_a_picture_of_another_size_is_an_error(tmp_path):
    linear = LinearGenerator()
    path = write_onnx(tmp_path / "x.onnx", linear, "0" * 32)
    generator = OnnxGenerator(path.read_bytes(), make_spec(size=7), linear.ref)
    with pytest.raises(DecodeError, match="another size"):
        generator.decode(np.zeros((1, 4), np.float32), None)


def test_a_decoder_that_names_another_model_does_not_count(tmp_path):
    linear = LinearGenerator()
    bundle = write_linear_bundle(tmp_path / "linear", linear)
    write_onnx(bundle.accelerator_path, linear, "f" * 32)
    assert accelerator.find(bundle) is None
    assert accelerator.needs_prepare(bundle)


def test_a_decoder_larger_than_the_model_explains_is_not_read(tmp_path, monkeypatch):
    linear = LinearGenerator()
    bundle = write_linear_bundle(tmp_path / "linear", linear)
    write_onnx(bundle.accelerator_path, linear, bundle.model_id)
    assert accelerator.find(bundle) is not None
    monkeypatch.setattr(accelerator, "MAX_OVERHEAD_BYTES", 0)
    with bundle.accelerator_path.open("ab") as file:
        file.truncate(1 << 20)
    assert accelerator.find(bundle) is None


def test_more_threads_are_tried_only_where_a_sample_takes_long(onnx_bundle, monkeypatch):
    from genviewer.engine import onnx_decoder

    assert load_generator(onnx_bundle).threads == 1
    assert load_generator(onnx_bundle, threads=2).threads == 2
    times = iter((0.010, 0.006, 0.010, 0.009))
    monkeypatch.setattr(OnnxGenerator, "_seconds_per_sample", lambda self: next(times))
    monkeypatch.setattr(onnx_decoder, "usable_cores", lambda: 4)
    assert load_generator(onnx_bundle).threads == 4
    assert load_generator(onnx_bundle).threads == 1
