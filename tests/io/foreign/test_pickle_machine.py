"""Pickles that would run something, eat the memory or never end: none of it happens."""

import os
import pickle
import struct
import subprocess
import sys

import pytest

from genviewer.io.foreign.budget import UnreadableFileError
from genviewer.io.foreign.contents import flat_tensors, plain, read_contents
from genviewer.io.foreign.inert import Global, OddKey, Record
from genviewer.io.foreign.stored_tensor import StoredTensor
from genviewer.io.foreign.verdict import judge
from tests.io.foreign.handmade import call, integer, mapping, named, pickled, text, torch_zip


def read(tmp_path, data):
    path = tmp_path / "model.pkl"
    path.write_bytes(data)
    return read_contents(path)


def tree_of(tmp_path, *parts, protocol=2):
    return read(tmp_path, pickled(*parts, protocol=protocol)).tree


# What would run ---------------------------------------------------------------------------------


class Fires:
    """Runs a command when it is unpickled."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.system, (f"touch {self.marker}",)


@pytest.mark.parametrize("protocol", range(6))
def test_a_command_is_named_and_not_run(tmp_path, protocol):
    marker = tmp_path / "marker"
    data = pickle.dumps(Fires(marker), protocol)
    with pytest.raises(UnreadableFileError, match=rf"would run {os.system.__module__}\.system"):
        read(tmp_path, data)
    assert not marker.exists()
    pickle.loads(data)  # the proof that it was loaded: a careless loader runs it
    assert marker.exists()


COMMAND = text("touch /tmp/never")

WAYS = {
    "GLOBAL and REDUCE": (call("posix", "system", COMMAND), "posix.system"),
    "INST": (b"(" + COMMAND + b"iposix\nsystem\n", "posix.system"),
    "OBJ": (b"(" + named("posix", "system") + COMMAND + b"o", "posix.system"),
    "NEWOBJ": (named("subprocess", "Popen") + b"(" + COMMAND + b"t\x81", "subprocess.Popen"),
    "NEWOBJ_EX": (
        named("subprocess", "Popen") + b"(" + COMMAND + b"t" + mapping(shell=b"\x88") + b"\x92",
        "subprocess.Popen",
    ),
    "STACK_GLOBAL": (text("nt") + text("system") + b"\x93(" + COMMAND + b"tR", "nt.system"),
    "dotted name": (
        text("torch.serialization") + text("os.system") + b"\x93(" + COMMAND + b"tR",
        "torch.serialization.os.system",
    ),
    "dotted name of a stranger": (
        text("stranger") + text("os.system") + b"\x93(" + COMMAND + b"tR",
        "stranger.os.system",
    ),
    "names from the memo": (
        text("system") + b"q\x00" + text("os") + b"q\x0100h\x01h\x00\x93(" + COMMAND + b"tR",
        "os.system",
    ),
    "eval": (call("builtins", "eval", COMMAND), "builtins.eval"),
    "Python 2's eval": (call("__builtin__", "eval", COMMAND), "__builtin__.eval"),
    "import": (call("builtins", "__import__", text("os")), "builtins.__import__"),
    "a shell in torch": (
        call("torch.utils.collect_env", "run", COMMAND),
        "torch.utils.collect_env.run",
    ),
    "exec in numpy": (
        call("numpy.testing._private.utils", "runstring", COMMAND, b"}"),
        "numpy.testing._private.utils.runstring",
    ),
    "a loader that unpickles": (call("torch", "load", COMMAND), "torch.load"),
    "pip": (call("pip", "main", b"]"), "pip.main"),
    "attributes of plain values": (
        call("builtins", "getattr", b")", text("__class__")),
        "builtins.getattr",
    ),
    "attributes of functions": (
        call("builtins", "getattr", named("torch", "relu"), text("__globals__")),
        "builtins.getattr",
    ),
    "getattr, then a call": (
        call("builtins", "getattr", named("torch.serialization", "os"), text("system"))
        + b"("
        + COMMAND
        + b"tR",
        "torch.serialization.os.system",
    ),
    "a method of a record, called": (
        call("builtins", "getattr", call("a", "B"), text("run")) + b")R",
        "builtins.getattr",
    ),
    "through copyreg": (
        call("copyreg", "__newobj__", named("posix", "system"), COMMAND),
        "posix.system",
    ),
    "through an old reconstructor": (
        call("copy_reg", "_reconstructor", named("os", "popen"), named("a", "b"), COMMAND),
        "os.popen",
    ),
    "by changing a class": (named("torch.nn", "Module") + b"}b", "torch.nn.Module"),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("place", ["alone", "in a torch zip"])
def test_every_way_to_run_something_ends_in_its_name(tmp_path, way, place):
    parts, name = WAYS[way]
    data = pickled(b"]" + parts + b"a", protocol=4)
    with pytest.raises(UnreadableFileError) as caught:
        read(tmp_path, data if place == "alone" else torch_zip(data))
    assert str(caught.value).startswith("model.pkl would ")
    assert f" {name}" in str(caught.value)
    path = tmp_path / "model.pkl"
    contents = read_contents(path, strict=False)
    assert contents.refusal == str(caught.value)
    assert contents.would_run


def test_functions_of_strangers_are_records_and_told(tmp_path):
    contents = read(tmp_path, pickled(mapping(a=call("their.code", "make", integer(3)))))
    record = contents.tree["a"]
    assert isinstance(record, Record)
    assert (record.label, record.args) == ("their.code.make", (3,))
    assert contents.would_run == ("their.code.make",)
    assert contents.warnings


def test_nothing_is_imported(tmp_path):
    (tmp_path / "trap.py").write_text("raise SystemExit('imported')")
    data = pickled(call("trap", "Trap") + b"}b" + call("trap", "spring"), b"\x86")
    path = tmp_path / "model.pkl"
    path.write_bytes(data)
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from genviewer.io.foreign import contents\n"
        "contents.read_contents(sys.argv[1] + '/model.pkl')\n"
        "assert 'trap' not in sys.modules and 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, timeout=60)


@pytest.mark.parametrize(
    ("module", "name", "verdict"),
    [
        ("builtins", "exec", "refuse"),
        ("builtins", "KeyError", "record"),
        ("argparse", "Namespace", "record"),
        ("argparse", "ArgumentParser", "refuse"),
        ("torch.nn.modules.conv", "Conv2d", "record"),
        ("torch.hub", "load", "refuse"),
        ("torch", "_C._something", "refuse"),
        ("model", "Generator", "record"),
        ("model", "Outer.Inner", "record"),
        ("model", "make", "function"),
        ("", "system", "refuse"),
        ("os", "", "refuse"),
        ("os.path", "join", "refuse"),
        ("osmosis", "Membrane", "record"),
    ],
)
def test_verdicts_are_by_exact_name(module, name, verdict):
    assert judge(Global(module, name)) == verdict


# What is plain ----------------------------------------------------------------------------------


def test_values_are_those_of_python(tmp_path):
    import collections
    import pathlib

    value = {
        "numbers": [0, -1, 2**40, -(2**62), 1.5, float("inf"), True, None],
        "texts": ["", "ä😀", "x" * 300],
        "bytes": [b"", b"\xff" * 300, bytearray(b"ab")],
        "tuples": [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)],
        "sets": [{1, 2}, frozenset({"a"})],
        "ordered": collections.OrderedDict(a=1),
        "default": collections.defaultdict(list, a=[1]),
        "queue": collections.deque([1, 2]),
        "path": pathlib.PurePosixPath("a/b"),
        (1, "a"): "tuple",
        None: "none",
        2.5: "float",
        True: "bool",
    }
    for protocol in range(6):
        tree = read(tmp_path, pickle.dumps(value, protocol)).tree
        wanted = value | {"queue": [1, 2], "path": "a/b"}
        wanted["bytes"] = [b"", b"\xff" * 300, b"ab"]
        assert tree == wanted
        assert list(tree) == list(value)


def test_numpy_values(tmp_path):
    import numpy as np

    arrays = {
        "whole": np.arange(6).reshape(2, 3),
        "columns": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "big": np.arange(3, dtype=">f4"),
        "bools": np.array([True, False]),
        "empty": np.zeros((0, 3), np.float16),
        "scalar": np.array(2.0),
    }
    for protocol in range(6):
        tree = read(tmp_path, pickle.dumps(arrays, protocol)).tree
        for name, expected in arrays.items():
            assert tree[name].dtype == expected.dtype
            np.testing.assert_array_equal(tree[name], expected)
            assert not tree[name].flags.writeable
        scalars = read(tmp_path, pickle.dumps([np.float32(1.5), np.int64(7)], protocol)).tree
        assert scalars == [1.5, 7]
        assert list(map(type, scalars)) == [float, int]


def test_large_arrays_of_numpy_stay_in_the_file(tmp_path):
    import numpy as np

    arrays = {
        "rows": np.arange(5000.0).reshape(50, 100),
        "columns": np.asfortranarray(np.arange(5000.0).reshape(50, 100)),
        "big": np.arange(5000, dtype=">i4"),
        "bools": np.arange(5000) % 3 == 0,
    }
    for protocol in (3, 4, 5):
        contents = read(tmp_path, pickle.dumps(arrays, protocol))
        assert all(isinstance(value, StoredTensor) for value in contents.tree.values())
        for name, tensor in flat_tensors(contents).items():
            np.testing.assert_array_equal(tensor.array(), arrays[name])


def test_tensors_of_a_kind_that_is_not_read_are_told(tmp_path):
    contents = read(tmp_path, pickled(call("torch._utils", "_rebuild_qtensor", integer(1))))
    assert contents.warnings == ("It has tensors of a kind that is not read: _rebuild_qtensor.",)


def test_strings_and_objects_of_numpy_stay_inert(tmp_path):
    import numpy as np

    tree = read(tmp_path, pickle.dumps([np.array(["a"]), np.array([None])])).tree
    assert all(isinstance(value, Record) for value in tree)


def test_arrays_that_lie_about_their_size(tmp_path):
    import numpy as np

    data = pickle.dumps(np.zeros(4, np.uint8), 2)
    lie = data.replace(b"K\x04\x85", b"M\xff\xff\x85")
    assert lie != data
    with pytest.raises(UnreadableFileError, match="shape and data disagree"):
        read(tmp_path, lie)


class Point:
    """Pickled by a class that the reader does not know."""

    def __init__(self):
        self.x = 3


class Slotted:
    __slots__ = ("y",)


class Listed(list):
    pass


class Mapped(dict):
    pass


@pytest.mark.parametrize("protocol", range(6))
def test_objects_become_records_with_their_attributes(tmp_path, protocol):
    point, listed, mapped = Point(), Listed([1, 2]), Mapped(a=1)
    listed.note = "n"
    tree = read(tmp_path, pickle.dumps([point, listed, mapped, Point], protocol)).tree
    assert [t.name for t in tree] == ["Point", "Listed", "Mapped", "Point"]
    assert all(t.module == __name__ for t in tree)
    assert tree[0].attributes == {"x": 3}
    assert tree[1].items == [1, 2]
    assert tree[1].attributes == {"note": "n"}
    assert tree[2].attributes == {"a": 1}
    assert isinstance(tree[3], Global)
    if protocol >= 2:
        slotted = Slotted()
        slotted.y = 5
        assert read(tmp_path, pickle.dumps(slotted, protocol)).tree.attributes == {"y": 5}


def test_a_value_that_holds_itself(tmp_path):
    value = {"list": []}
    value["list"].append(value)
    contents = read(tmp_path, pickle.dumps(value))
    assert contents.tree["list"][0] is contents.tree
    assert flat_tensors(contents) == {}
    plain(contents.tree)


# What is damaged --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"0",
        b"1",
        b"t",
        b"R",
        b"b",
        b"K",
        b"K\x01K\x02a",
        b"]K\x01K\x02s",
        b"}(K\x01u",
        b"h\x00",
        b"K\x01)R",
        b"NNR",
        b"cos\nsystem\nNR",
        b"K\x01K\x02\x93",
        b"\xff",
        b"Q",
        b"\x82\x01",
        b"\x83\x01\x00",
        b"\x97",
        b"\x80\x09",
        b"\x8d" + struct.pack("<Q", 1 << 40),
        b"\x8e" + struct.pack("<Q", 1 << 62),
        b"\x96" + struct.pack("<Q", (1 << 64) - 1),
        b"T" + struct.pack("<i", -1),
        b"\x8b" + struct.pack("<i", 1 << 30),
        b"\x8a\xff" + bytes(255),
        b"X\x02\x00\x00\x00\xff\xfe",
        b"Inot a number\n",
        b"I" + b"9" * 5000 + b"\n",
        b"Fnot a number\n",
        b"S'no end\n",
        b"V\\ud8\n",
        b"c" + b"a" * 100_000 + b"\nb\n",
        b"P1\n",
        b"\x95" + struct.pack("<Q", 1 << 50),
    ],
)
def test_nonsense_is_damaged(tmp_path, body):
    with pytest.raises(UnreadableFileError, match=r"^model.pkl .*\.$"):
        read(tmp_path, b"\x80\x04" + body + b".")


def test_keys_that_cannot_be_hashed_or_should_not_be(tmp_path):
    deep = b"K\x01" + b"\x85" * 100_000
    tree = tree_of(tmp_path, b"}", deep, b"K\x01s", b"]K\x02s", integer(1 << 63), b"K\x03s")
    assert sorted(tree.values()) == [1, 2, 3]
    assert all(isinstance(key, OddKey) for key in tree)


BOMBS = {
    "dictionaries": b"}" * 1_400_000,
    "sets in a list": b"](" + b"\x8f" * 240_000 + b"e",
    "nested tuples": b"K\x01" + b"\x85" * 240_000,
    "nested tuples as a key": b"}K\x01" + b"\x85" * 240_000 + b"K\x01s",
    "nested lists": b"]" * 240_000 + b"a" * 239_999,
    "nested records": named("a", "B") + b"q\x00)\x81" + b"h\x00)\x81" * 99_999 + b"b" * 99_999,
    "the memo": b"K\x01" + b"\x94" * 1_400_000,
    "marks": b"(" * 1_000_000,
    "copies of the top": b"K\x01" + b"2" * 1_400_000,
    "copies of a list": b"](" + b"K\x01" * 300_000 + b"eq\x00" + 1000 * (
        named("builtins", "tuple") + b"h\x00\x85R"
    ),
    "copies of a state": named("a", "B") + b")R}(" + b"".join(
        b"J" + struct.pack("<i", i) + b"K\x01" for i in range(100_000)
    ) + b"uq\x00b" + b"h\x00b" * 100_000,
    "a large module in many places": named("a", "B") + b")R}(" + b"".join(
        b"J" + struct.pack("<i", i) + b"K\x01" for i in range(100_000)
    ) + text("_parameters") + b"}" + text("_modules") + b"}ubq\x00" + b"0](" + (
        b"h\x00" * 100_000
    ) + b"e",
    "long paths": text("a" * 4_000_000) + b"q\x00" + named("pathlib", "Path") + b"(" + (
        b"h\x00" * 250
    ) + b"tR",
    "keys that collide": b"}(" + b"".join(
        b"\x8a\x10" + ((2**61 - 1) * i).to_bytes(16, "little") + b"\x85K\x01"
        for i in range(1, 60_000)
    ) + b"u",
    "lists of lists twice": b"]q\x00" + b"".join(
        b"](" + b"h" + bytes([i]) * 1 + b"h" + bytes([i]) + b"eq" + bytes([i + 1])
        for i in range(60)
    ),
    "copyreg in copyreg": named("copyreg", "__newobj__")
    + b"("
    + named("copyreg", "__newobj__") * 30_000
    + b"tR",
}  # fmt: skip


@pytest.mark.skipif(sys.platform == "win32", reason="no resource module here")
@pytest.mark.parametrize("part", range(4))
def test_bombs_cost_little_memory_and_end(tmp_path, part):
    """In a process of their own, which may not grow by more than 500 MB."""
    paths = []
    for i, body in enumerate(list(BOMBS.values())[part::4]):
        path = tmp_path / f"{i}.pkl"
        path.write_bytes(b"\x80\x04" + body + b".")
        paths.append(str(path))
    code = """
import resource, sys
from genviewer.io.foreign.budget import UnreadableFileError
from genviewer.io.foreign.contents import flat_tensors, module_records, plain, read_contents
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for path in sys.argv[1:]:
    try:
        contents = read_contents(path)
        plain(contents.tree)
        flat_tensors(contents)
        module_records(contents)
    except UnreadableFileError:
        pass
    contents = None
growth = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
assert growth < 500, growth
"""
    result = subprocess.run(
        [sys.executable, "-c", code, *paths],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert result.returncode == 0, result.stderr
