"""What the walks give: dotted paths, in order, within bounds."""

import numpy as np
import pytest

from genviewer.io.foreign.budget import UnreadableFileError
from genviewer.io.foreign.contents import (
    flat_tensors,
    module_records,
    plain,
    read_contents,
)
from tests.io.foreign.handmade import (
    call,
    integer,
    mapping,
    named,
    pickled,
    safetensors,
    tensor,
    text,
    torch_zip,
)

ONE = tensor("0", (2,), (1,), 2)


def read(tmp_path, *parts):
    path = tmp_path / "m.pt"
    path.write_bytes(torch_zip(pickled(*parts), {"0": np.arange(2, dtype="<f4").tobytes()}))
    return read_contents(path)


def test_paths_are_keys_and_places_in_the_order_of_the_file(tmp_path):
    contents = read(tmp_path, mapping(b=b"](" + ONE + ONE + b"e", a=mapping(x=ONE)))
    assert list(flat_tensors(contents)) == ["b.0", "b.1", "a.x"]
    assert list(flat_tensors(contents, of=contents.tree["a"])) == ["x"]


def test_keys_that_are_no_text(tmp_path):
    contents = read(
        tmp_path,
        b"}(",
        integer(3),
        ONE,
        b"N",
        ONE,
        b"(K\x01",
        text("a"),
        b"t",
        ONE,
        b"]",
        ONE,
        b"u",
    )
    assert list(flat_tensors(contents)) == ["3", "None", "(1, a)", "?"]


def test_two_tensors_of_one_path(tmp_path):
    contents = read(tmp_path, b"}(", text("a"), mapping(b=ONE), text("a.b"), ONE, b"u")
    assert list(flat_tensors(contents)) == ["a.b", "a.b#2"]


def test_long_keys_are_shortened_in_paths(tmp_path):
    contents = read(tmp_path, b"}(", text("k" * 200_000), ONE, b"u")
    (path,) = flat_tensors(contents)
    assert len(path) == 1025


def test_tensors_that_are_shared_are_listed_each_time(tmp_path):
    contents = read(tmp_path, b"}(", text("a"), ONE, b"q\x05", text("b"), b"h\x05u")
    found = flat_tensors(contents)
    assert list(found) == ["a", "b"]
    assert found["a"] is found["b"]


def test_arrays_count_as_tensors(tmp_path):
    import pickle

    path = tmp_path / "m.pkl"
    values = {
        "w": np.arange(6, dtype=">f4").reshape(2, 3),
        "n": np.float32(1),
        "s": np.array(["a"]),
    }
    path.write_bytes(pickle.dumps(values))
    found = flat_tensors(read_contents(path))
    assert list(found) == ["w"]
    assert found["w"].shape == (2, 3)
    np.testing.assert_array_equal(found["w"].array(), values["w"])


def entangled(depth: int) -> bytes:
    """Lists that hold the one before twice, with a tensor at the bottom."""
    body = b"](" + ONE + b"eq\x00"
    for i in range(depth):
        body += b"](h" + bytes([i]) + b"h" + bytes([i]) + b"eq" + bytes([i + 1])
    return body


def test_entangled_lists_are_walked_or_refused_but_end(tmp_path):
    assert len(flat_tensors(read(tmp_path, entangled(5)))) == 32
    contents = read(tmp_path, entangled(60))
    with pytest.raises(UnreadableFileError, match=r"^m\.pt "):
        flat_tensors(contents)
    assert module_records(contents) == {}
    plain(contents.tree)


def test_deep_nesting_is_refused(tmp_path):
    contents = read(tmp_path, b"](" * 300 + ONE + b"e" * 300)
    with pytest.raises(UnreadableFileError, match="nested too deeply"):
        flat_tensors(contents)


def stylegan_record() -> bytes:
    """A network as NVIDIA's persistence writes it."""
    parameters = mapping(weight=call("torch._utils", "_rebuild_parameter", ONE, b"\x88", b"}"))
    inner = mapping(_parameters=parameters, _buffers=b"}", _modules=b"}", up=integer(2))
    layer = call(
        "torch_utils.persistence",
        "_reconstruct_persistent_obj",
        mapping(type=text("class"), class_name=text("SynthesisLayer"), state=inner),
    )
    state = mapping(
        _parameters=b"}",
        _buffers=mapping(w_avg=ONE),
        _modules=mapping(b4=layer),
        _init_kwargs=call("dnnlib.util", "EasyDict") + b"(" + text("z_dim") + integer(512) + b"u",
        _init_args=b")",
    )
    return call(
        "torch_utils.persistence",
        "_reconstruct_persistent_obj",
        mapping(
            type=text("class"),
            module_src=text("raise SystemExit"),
            class_name=text("Generator"),
            state=state,
        ),
    )


def test_networks_of_stylegan(tmp_path):
    contents = read(tmp_path, mapping(G_ema=stylegan_record()))
    assert list(flat_tensors(contents)) == ["G_ema.w_avg", "G_ema.b4.weight"]
    modules = module_records(contents)
    assert {k: m.class_name for k, m in modules.items()} == {
        "G_ema": "Generator",
        "G_ema.b4": "SynthesisLayer",
    }
    assert modules["G_ema"].attributes == {"_init_kwargs": {"z_dim": 512}, "_init_args": ()}
    assert modules["G_ema.b4"].attributes == {"up": 2}
    assert contents.tree["G_ema"].args[0]["module_src"] == "raise SystemExit"


def test_plain_values_without_tensors(tmp_path):
    contents = read(
        tmp_path,
        mapping(
            state=mapping(w=ONE),
            epoch=integer(3),
            args=named("argparse", "Namespace") + b")\x81" + mapping(nz=integer(100)) + b"b",
            optimizer=mapping(state=b"}", lr=b"G" + b"\x7f\xf0" + bytes(6)),
            cls=named("torch.nn", "ReLU"),
            phase=call("their", "Phase", integer(2)),
        ),
    )
    assert plain(contents.tree, tensors=False) == {
        "epoch": 3,
        "args": {"nz": 100},
        "optimizer": {"state": {}, "lr": "inf"},
        "cls": "torch.nn.ReLU",
        "phase": "their.Phase(2)",
    }
    assert plain(contents.tree)["state"] == {"w": "float32 [2]"}


def test_options_of_omegaconf_are_their_values(tmp_path):
    def node(value):
        return call("omegaconf.nodes", "AnyNode") + mapping(_val=value, _parent=b"N") + b"b"

    config = call("omegaconf.dictconfig", "DictConfig")
    config += mapping(_metadata=b"N", _content=mapping(nz=node(integer(64)))) + b"b"
    contents = read(tmp_path, mapping(hyper_parameters=config))
    assert plain(contents.tree) == {"hyper_parameters": {"nz": 64}}
    circle = call("omegaconf.nodes", "AnyNode") + b"q\x07}" + text("_val") + b"h\x07sb"
    plain(read(tmp_path, circle).tree)


def test_a_stylegan_of_tensorflow_is_refused_by_name(tmp_path):
    path = tmp_path / "m.pkl"
    path.write_bytes(pickled(b"(" + 3 * call("dnnlib.tflib.network", "Network") + b"t"))
    with pytest.raises(UnreadableFileError, match=r"^m\.pkl is a StyleGAN of TensorFlow: "):
        read_contents(path)
    assert read_contents(path, strict=False).refusal


@pytest.mark.parametrize("shape", [(0, 1 << 47, 1 << 47), (1 << 47, 0, 3)])
def test_empty_tensors_of_impossible_lengths(tmp_path, shape):
    with pytest.raises(UnreadableFileError, match="no usable shape"):
        read(tmp_path, tensor("0", shape, (1, 1, 1), 2))


def test_safetensors(tmp_path):
    save_file = pytest.importorskip("safetensors.numpy").save_file
    expected = {
        "a": np.arange(6, dtype=np.float32).reshape(2, 3),
        "h": np.arange(3, dtype=np.float16),
        "i": np.arange(3),
        "b": np.array([True, False]),
        "e": np.zeros((0, 2), np.float32),
    }
    save_file(expected, tmp_path / "m.pt", metadata={"made": "here"})
    contents = read_contents(tmp_path / "m.pt")
    assert contents.metadata == {"made": "here"}
    found = flat_tensors(contents)
    assert set(found) == set(expected)
    for name, array in expected.items():
        assert found[name].array().dtype == array.dtype
        np.testing.assert_array_equal(found[name].array(), array)


def test_bfloat16_of_safetensors(tmp_path):
    path = tmp_path / "m.safetensors"
    path.write_bytes(
        safetensors(b'{"w":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}}', b"\x80\x3f\x20\xc0")
    )
    assert flat_tensors(read_contents(path))["w"].float32("w").tolist() == [1.0, -2.5]


@pytest.mark.parametrize(
    "data",
    [
        b"\0\0\0\0\0\0\0\x80{}",
        safetensors(b'{"a":{"dtype":"F32","shape":[4],"data_offsets":[-16,0]}}', bytes(16)),
        safetensors(b'{"a":{"dtype":"F32","shape":[1000000,1000000],"data_offsets":[0,16]}}'),
        safetensors(b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
        safetensors(b'{"a":3}'),
        safetensors(
            b'{"a":{"dtype":"F32","shape":[' + b"1," * 99 + b'1],"data_offsets":[0,4]}}', bytes(4)
        ),
        safetensors(
            b'{"a":{"dtype":"F32","shape":[0,4611686018427387904,9],"data_offsets":[0,0]}}'
        ),
        safetensors(b'{"a":{"dtype":"F99","shape":[],"data_offsets":[0,0]}}'),
    ],
)
def test_safetensors_that_lie(tmp_path, data):
    path = tmp_path / "m.safetensors"
    path.write_bytes(data)
    with pytest.raises(UnreadableFileError, match=r"^m.safetensors"):
        read_contents(path)
