"""PyTorch's files, held against what PyTorch itself reads from them, bit by bit."""

import collections
import struct

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from genviewer.io.foreign.budget import UnreadableFileError  # noqa: E402
from genviewer.io.foreign.contents import flat_tensors, module_records, read_contents  # noqa: E402
from tests.io.foreign.handmade import (  # noqa: E402
    integer,
    mapping,
    named,
    numbers,
    pickled,
    storage,
    tensor,
    text,
    torch_legacy,
    torch_zip,
    zipped,
)
from tests.io.foreign.networks import Net  # noqa: E402

FORMATS = ["zip", "legacy"]


def save(value, path, form="zip", protocol=2):
    new = form == "zip"
    torch.save(value, path, _use_new_zipfile_serialization=new, pickle_protocol=protocol)
    return path


def assert_same(stored, expected):
    array = stored.array()
    expected = expected.detach()
    assert stored.dtype == str(expected.dtype).removeprefix("torch.")
    wanted = (expected.float() if expected.dtype == torch.bfloat16 else expected).numpy()
    assert (array.dtype, array.shape) == (wanted.dtype, wanted.shape)
    assert array.flags.c_contiguous
    assert array.flags.writeable
    assert array.tobytes() == np.ascontiguousarray(wanted).tobytes()


def tensors():
    torch.manual_seed(0)
    base = torch.arange(24.0).reshape(2, 3, 4)
    kinds = [torch.float16, torch.bfloat16, torch.float64, torch.complex64, torch.int64]
    kinds += [torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool]
    return {
        "whole": base,
        "turned": base.permute(2, 0, 1),
        "part": base[:, 1:, ::2],
        "none": torch.zeros(0, 3),
        "scalar": torch.tensor(3.5),
        "expanded": torch.ones(1, 3).expand(4, 3),
        "parameter": torch.nn.Parameter(torch.randn(2, 2)),
        **{str(kind): torch.arange(7).to(kind) for kind in kinds},
    }


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("form", FORMATS)
def test_tensors_of_every_type_and_layout_are_exact(tmp_path, form, protocol):
    expected = tensors()
    contents = read_contents(save(expected, tmp_path / "m.pt", form, protocol))
    found = flat_tensors(contents)
    assert list(found) == list(expected)
    for name in expected:
        assert_same(found[name], expected[name])
    assert found["whole"].storage is found["turned"].storage is found["part"].storage
    assert found["whole"].storage is not found["none"].storage


def test_float32_is_given_or_refused_by_name(tmp_path):
    found = flat_tensors(read_contents(save(tensors(), tmp_path / "m.pt")))
    assert found["torch.bfloat16"].float32("x").dtype == np.float32
    assert found["torch.float64"].float32("x").tolist() == list(range(7))
    for name in ("torch.complex64", "torch.bool", "torch.int64"):
        with pytest.raises(UnreadableFileError, match=f"The tensor {name} holds"):
            found[name].float32(name)


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("form", FORMATS)
def test_a_whole_module_gives_its_state_dict_and_its_attributes(tmp_path, form, protocol):
    torch.manual_seed(1)
    net = Net()
    contents = read_contents(save({"G": net, "epoch": 3}, tmp_path / "m.pt", form, protocol))
    found = flat_tensors(contents)
    state = net.state_dict()
    assert list(found) == [f"G.{name}" for name in state]
    for name in state:
        assert_same(found[f"G.{name}"], state[name])
    modules = module_records(contents)
    names = [name for name, _ in net.named_modules(remove_duplicate=False)]
    assert list(modules) == [f"G.{name}".rstrip(".") for name in names]
    assert modules["G"].class_name == "Net"
    first = modules["G.layers.0"]
    assert (first.module, first.class_name) == ("torch.nn.modules.conv", "ConvTranspose2d")
    assert first.attributes["stride"] == (2, 2)
    assert first.attributes["padding"] == (1, 1)
    assert modules["G.layers.1"].attributes["eps"] == 0.8
    assert modules["G.layers.2"].attributes["negative_slope"] == 0.2
    assert not [k for k in first.attributes if "hook" in k or k == "_parameters"]
    assert ("torch.nn.modules.conv.ConvTranspose2d", 1) in contents.records
    assert contents.tree["epoch"] == 3
    assert contents.would_run == ()


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
def test_torchscript_gives_its_tensors_and_runs_nothing(tmp_path):
    module = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.Tanh())
    torch.jit.trace(module, torch.zeros(1, 3)).save(str(tmp_path / "m.pt"))
    contents = read_contents(tmp_path / "m.pt")
    assert contents.container.kind == "torchscript"
    found = flat_tensors(contents)
    assert list(found) == ["0.weight", "0.bias"]
    for name, value in module.state_dict().items():
        assert_same(found[name], value)


def test_a_lightning_checkpoint_with_foreign_classes(tmp_path):
    import argparse
    import pathlib

    from genviewer.io.foreign.contents import plain

    checkpoint = {
        "epoch": 7,
        "pytorch-lightning_version": "2.5.0",
        "state_dict": collections.OrderedDict({"model.fc.weight": torch.ones(2, 3)}),
        "callbacks": {pathlib.Path: {"best": torch.tensor(0.25), "path": pathlib.Path("a/b")}},
        "hyper_parameters": {"act": torch.nn.LeakyReLU, "args": argparse.Namespace(nz=100)},
    }
    contents = read_contents(save(checkpoint, tmp_path / "last.ckpt"))
    assert list(flat_tensors(contents, of=contents.tree["state_dict"])) == ["model.fc.weight"]
    shown = plain(contents.tree, tensors=False)
    assert shown["hyper_parameters"] == {
        "act": "torch.nn.modules.activation.LeakyReLU",
        "args": {"nz": 100},
    }
    assert shown["callbacks"] == {"pathlib.Path": {"path": "a/b"}}
    assert "state_dict" not in shown


@pytest.mark.parametrize("form", FORMATS)
def test_the_same_storage_is_read_for_views_only_in_part(tmp_path, form):
    big = torch.arange(1 << 16).float()
    found = flat_tensors(read_contents(save({"v": big[5:8]}, tmp_path / "m.pt", form)))
    assert found["v"].array().tolist() == [5.0, 6.0, 7.0]
    assert found["v"].storage.nbytes == 4 << 16


def test_big_endian_files(tmp_path):
    path = tmp_path / "m.pt"
    data = struct.pack(">3f", 1.0, 2.5, -3.0)
    pickle = pickled(mapping(w=tensor("0", (3,), (1,), 3)))
    entries = torch_zip(pickle, {"0": data})
    path.write_bytes(entries)
    assert flat_tensors(read_contents(path))["w"].array().tolist() != [1.0, 2.5, -3.0]
    path.write_bytes(zipped([("a/data.pkl", pickle), ("a/byteorder", b"big"), ("a/data/0", data)]))
    assert flat_tensors(read_contents(path))["w"].array().tolist() == [1.0, 2.5, -3.0]


GOOD = tensor("0", (2, 3), (3, 1), 6)
GOOD_OLD = GOOD.replace(b"tQ", b"NtQ")  # old files say that a storage is no view
DATA = struct.pack("<6f", *range(6))


def test_handmade_files_are_what_torch_reads(tmp_path):
    """So that the broken ones below are broken in one place only."""
    path = tmp_path / "m.pt"
    path.write_bytes(torch_zip(pickled(mapping(w=GOOD)), {"0": DATA}))
    expected = torch.load(path, weights_only=True)["w"]
    assert_same(flat_tensors(read_contents(path))["w"], expected)
    path.write_bytes(torch_legacy(pickled(mapping(w=GOOD_OLD)), {"0": (6, DATA)}))
    assert torch.load(path, weights_only=True)["w"].equal(expected)
    assert_same(flat_tensors(read_contents(path))["w"], expected)


def old_view(start: int, count: int) -> bytes:
    """A storage of the format before 1.0 that is a part of another."""
    view = b"(" + text("view") + integer(start) + integer(count) + b"t"
    parts = [text("storage"), named("torch", "FloatStorage"), text("0"), text("cpu")]
    identity = b"(" + b"".join(parts) + integer(6) + view + b"tQ"
    arguments = identity + integer(0) + numbers(2) + numbers(1)
    return named("torch._utils", "_rebuild_tensor") + b"(" + arguments + b"tR"


def test_storages_that_are_views_in_old_files(tmp_path):
    path = tmp_path / "m.pt"
    path.write_bytes(torch_legacy(pickled(mapping(w=old_view(3, 2))), {"0": (6, DATA)}))
    assert flat_tensors(read_contents(path))["w"].array().tolist() == [3.0, 4.0]
    path.write_bytes(torch_legacy(pickled(mapping(w=old_view(5, 2))), {"0": (6, DATA)}))
    with pytest.raises(UnreadableFileError, match="ends too early"):
        read_contents(path)


BROKEN = {
    "a tensor reaches beyond its data": tensor("0", (2, 3), (3, 1), 6, offset=1),
    "before its data": tensor("0", (2, 3), (3, 1), 6, offset=-1),
    "1,000,000,000,000 elements of which it stores 6": tensor("0", (10**6, 10**6), (0, 0), 6),
    "no usable shape": tensor("0", (-2, 3), (3, 1), 6),
    "strides disagree": tensor("0", (2, 3), (3,), 6),
    "announced size": tensor("0", (2, 3), (3, 1), 7),
    "it has no archive/data/1": tensor("1", (2, 3), (3, 1), 6),
    "kind that is not known": tensor("0", (2, 3), (3, 1), 6, kind="SecretStorage"),
    "in an unknown way": b"K\x01Q",
    "reaches beyond": tensor("0", (4,), (2,), 6),
}


@pytest.mark.parametrize("reason", BROKEN)
def test_tensors_that_do_not_fit_are_refused_before_memory_is_taken(tmp_path, reason):
    path = tmp_path / "m.pt"
    path.write_bytes(torch_zip(pickled(mapping(w=BROKEN[reason])), {"0": DATA}))
    with pytest.raises(UnreadableFileError, match=reason):
        read_contents(path)


def test_many_tensors_over_one_storage_are_not_copied_without_end(tmp_path):
    count = 1 << 16
    one = tensor("0", (count,), (1,), count)
    pickle = pickled(b"](", one * 1000, b"e")
    path = tmp_path / "m.pt"
    path.write_bytes(torch_zip(pickle, {"0": bytes(4 * count)}))
    with pytest.raises(UnreadableFileError, match="GB of tensors in a file of"):
        read_contents(path)


LEGACY_BROKEN = {
    "its list of tensors": {"1": (6, DATA)},
    "announced size": {"0": (5, DATA)},
    "ends in the middle": {"0": (6, DATA[:-1])},
}


@pytest.mark.parametrize("reason", LEGACY_BROKEN)
def test_old_files_whose_data_does_not_fit(tmp_path, reason):
    path = tmp_path / "m.pt"
    path.write_bytes(torch_legacy(pickled(mapping(w=GOOD_OLD)), LEGACY_BROKEN[reason]))
    with pytest.raises(UnreadableFileError, match=reason):
        read_contents(path)


def test_a_storage_larger_than_the_file(tmp_path):
    path = tmp_path / "m.pt"
    lie = pickled(storage("0", 1 << 40))
    path.write_bytes(torch_legacy(lie, {"0": (1 << 40, DATA)}))
    with pytest.raises(UnreadableFileError, match="larger than the file"):
        read_contents(path)


def test_a_zip_with_two_or_without_a_pickle(tmp_path):
    path = tmp_path / "m.pt"
    path.write_bytes(zipped([("a/data.pkl", pickled(b"}")), ("a/b/data.pkl", pickled(b"}"))]))
    with pytest.raises(UnreadableFileError, match="exactly one"):
        read_contents(path)


def test_compressed_files_are_refused_before_they_grow(tmp_path):
    path = tmp_path / "m.pt"
    entries = [("a/data.pkl", pickled(mapping(w=GOOD))), ("a/data/0", bytes(1 << 20))]
    path.write_bytes(zipped(entries, compressed=True))
    with pytest.raises(UnreadableFileError, match="compressed"):
        read_contents(path)


@pytest.mark.parametrize("form", FORMATS)
def test_a_file_cut_anywhere_is_damaged(tmp_path, form):
    whole = save({"w": torch.ones(3), "b": torch.zeros(2)}, tmp_path / "m.pt", form).read_bytes()
    path = tmp_path / "cut.pt"
    for length in range(1, len(whole), 7):
        path.write_bytes(whole[:length])
        with pytest.raises(UnreadableFileError, match=r"^cut.pt .*\.$"):
            flat_tensors(read_contents(path))
