import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from genviewer.io.programs.onnx_graph import (
    OnnxError,
    check,
    external_arrays,
    parse,
    read_onnx,
)
from genviewer.io.programs.onnx_hints import hints_of, size_follows_values
from tests.tiny_onnx import (
    CLASSES,
    LATENT,
    SIDE,
    floats,
    move_outside,
    save,
    weights,
    write_decoder,
    write_endless,
)


def test_the_walk_sees_what_the_onnx_package_sees(tmp_path):
    path = write_decoder(tmp_path / "d.onnx", label="index", uint8=True)
    model, graph = onnx.load(str(path)), read_onnx(path)[1]
    assert [v.name for v in graph.inputs] == [v.name for v in model.graph.input]
    assert [(n.operator, list(n.inputs)) for n in graph.nodes] == [
        (n.op_type, list(n.input)) for n in model.graph.node
    ]
    assert {k: (t.shape, t.code) for k, t in graph.stored.items()} == {
        t.name: (tuple(t.dims), t.data_type) for t in model.graph.initializer
    }
    assert graph.inputs[0].shape == (None, LATENT)
    assert graph.inputs[1].dtype == "int64"


def test_hints_tell_sizes_classes_and_bounds(tmp_path):
    plain = hints_of(read_onnx(write_decoder(tmp_path / "a.onnx", label="index"))[1])
    assert plain.latent_sizes == (LATENT,)
    assert plain.class_counts == (CLASSES,)
    assert plain.bounds == (-1.0, 1.0)
    levels = hints_of(read_onnx(write_decoder(tmp_path / "b.onnx", uint8=True, layout="nhwc"))[1])
    assert levels.bounds == (0.0, 255.0)


@pytest.mark.parametrize(
    ("location", "length"),
    [
        ("/etc/passwd", None),
        ("../secret.bin", None),
        ("a/../../secret.bin", None),
        ("c:\\secret.bin", None),
        ("missing.bin", None),
        ("short.bin", None),
        ("exact.bin", 8),
    ],
)
def test_external_data_stay_in_the_folder_and_fit(tmp_path, location, length):
    folder = tmp_path / "model"
    folder.mkdir()
    raw = weights()["W"].tobytes()
    (tmp_path / "secret.bin").write_bytes(raw)
    (folder / "a").mkdir()
    (folder / "short.bin").write_bytes(raw[:-1])
    (folder / "exact.bin").write_bytes(raw)
    path = move_outside(write_decoder(folder / "d.onnx"), location, length=length)
    _data, graph = read_onnx(path)
    with pytest.raises(OnnxError):
        external_arrays(graph, folder)


def test_external_data_are_not_followed_through_a_link(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "secret.bin").write_bytes(weights()["W"].tobytes())
    (folder / "link.bin").symlink_to(tmp_path / "secret.bin")
    path = move_outside(write_decoder(folder / "d.onnx"), "link.bin")
    with pytest.raises(OnnxError, match="outside"):
        external_arrays(read_onnx(path)[1], folder)


def test_external_data_in_the_folder_are_read(tmp_path):
    (tmp_path / "w.bin").write_bytes(weights()["W"].tobytes())
    path = move_outside(write_decoder(tmp_path / "d.onnx"), "w.bin")
    arrays = external_arrays(read_onnx(path)[1], tmp_path)
    np.testing.assert_array_equal(arrays["W"], weights()["W"])


def test_operators_that_are_not_standard_are_refused_by_name(tmp_path):
    path = tmp_path / "d.onnx"
    node = helper.make_node("Evil", ["z"], ["image"], domain="com.evil")
    save(path, [node], [floats("z", "n", 4)], [floats("image", "n", 64)], domain="com.evil")
    with pytest.raises(OnnxError, match=r"com\.evil"):
        read_onnx(path)


def test_functions_of_its_own_are_refused(tmp_path):
    def add(model):
        function = model.functions.add()
        function.name = "f"

    with pytest.raises(OnnxError, match="functions"):
        read_onnx(write_decoder(tmp_path / "d.onnx", edit=add))


def test_a_tensor_larger_than_its_data_is_refused(tmp_path):
    def lie(model):
        model.graph.initializer[0].dims[0] = 1 << 40

    with pytest.raises(OnnxError, match="larger than its data"):
        read_onnx(write_decoder(tmp_path / "d.onnx", edit=lie))


def test_a_typed_tensor_larger_than_its_data_is_refused(tmp_path):
    def lie(model):
        tensor = model.graph.initializer.add()
        tensor.name, tensor.data_type = "t", TensorProto.FLOAT
        tensor.dims.append(1 << 40)
        tensor.float_data.append(1.0)

    with pytest.raises(OnnxError, match="larger than its data"):
        read_onnx(write_decoder(tmp_path / "d.onnx", edit=lie))


def test_graphs_nested_too_deeply_are_refused(tmp_path):
    inner = helper.make_graph([helper.make_node("Identity", ["z"], ["o"])], "g", [], [])
    for _ in range(12):
        yes = numpy_helper.from_array(np.array(True), "yes")
        node = helper.make_node("If", ["yes"], ["o"], then_branch=inner, else_branch=inner)
        inner = helper.make_graph([node], "g", [], [], [yes])
        if len(inner.SerializeToString()) > 1 << 18:
            break
    path = save(tmp_path / "d.onnx", inner.node, [floats("z", 1)], [floats("o", 1)])
    with pytest.raises(OnnxError, match="deeply"):
        read_onnx(path)


@pytest.mark.parametrize("cut", [0, 1, 10, 60, 200])
def test_a_cut_file_is_no_model(tmp_path, cut):
    data = write_decoder(tmp_path / "d.onnx").read_bytes()
    with pytest.raises(OnnxError):
        check(parse(data[:cut] if cut else b"\xff" * 64))


def test_memory_that_follows_the_values_is_seen(tmp_path):
    held = [numpy_helper.from_array(np.array([1], np.int64), "one")]
    nodes = [
        helper.make_node("Cast", ["z"], ["size"], to=TensorProto.INT64),
        helper.make_node("Reshape", ["size", "minus"], ["vector"]),
        helper.make_node("ConstantOfShape", ["vector"], ["huge"]),
        helper.make_node("ReduceSum", ["huge"], ["image"], keepdims=0),
    ]
    held.append(numpy_helper.from_array(np.array([-1], np.int64), "minus"))
    path = save(tmp_path / "a.onnx", nodes, [floats("z", 1, 4)], [floats("image")], held)
    assert size_follows_values(read_onnx(path)[1])
    plain = write_decoder(tmp_path / "b.onnx", four_axes=True)
    assert not size_follows_values(read_onnx(plain)[1])


def test_a_shape_of_the_input_is_no_value_of_it(tmp_path):
    nodes = [
        helper.make_node("Shape", ["z"], ["shape"]),
        helper.make_node("ConstantOfShape", ["shape"], ["zeros"]),
        helper.make_node("Add", ["z", "zeros"], ["image"]),
    ]
    path = save(tmp_path / "a.onnx", nodes, [floats("z", "n", SIDE)], [floats("image", "n", SIDE)])
    assert not size_follows_values(read_onnx(path)[1])


def test_control_flow_is_named(tmp_path):
    graph = read_onnx(write_endless(tmp_path / "loop.onnx"))[1]
    assert graph.control_flow == ["Loop"]


def test_a_fifo_does_not_block(tmp_path):
    import os

    path = tmp_path / "model.onnx"
    os.mkfifo(path)
    with pytest.raises(OnnxError, match="regular"):
        read_onnx(path)
