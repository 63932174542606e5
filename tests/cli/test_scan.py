"""`genviewer scan`: what files hold, the good and the bad in one call."""

import json

import numpy as np
import pytest

from genviewer.cli import main
from tests.io.foreign.handmade import (
    call,
    integer,
    mapping,
    named,
    pickled,
    tensor,
    text,
    torch_zip,
)

DATA = np.arange(6, dtype="<f4").tobytes()
NAMESPACE = named("argparse", "Namespace") + b")\x81" + mapping(nz=integer(100)) + b"b"
GOOD = torch_zip(
    pickled(mapping(w=tensor("0", (2, 3), (3, 1), 6), args=NAMESPACE, epoch=integer(3))),
    {"0": DATA},
)


def write(path, data):
    path.write_bytes(data)
    return str(path)


@pytest.fixture
def good(tmp_path):
    return write(tmp_path / "good.pt", GOOD)


@pytest.fixture
def evil(tmp_path):
    marker = tmp_path / "marker"
    body = mapping(w=tensor("0", (6,), (1,), 6), x=call("os", "system", text(f"touch {marker}")))
    return write(tmp_path / "evil.pt", torch_zip(pickled(body), {"0": DATA}))


def documents(capsys):
    return json.loads(capsys.readouterr().out)


def test_a_good_file_as_json(good, capsys):
    assert main(["scan", good, "--json"]) == 0
    (document,) = documents(capsys)
    assert document["container"] == "torch-zip"
    assert document["error"] is None
    assert document["size"] == len(GOOD)
    assert document["parameters"] == 6
    assert document["tensors"] == [{"name": "w", "dtype": "float32", "shape": [2, 3]}]
    assert document["values"] == {"args": {"nz": 100}, "epoch": 3}
    assert document["classes"] == [{"name": "argparse.Namespace", "count": 1}]
    assert document["would_run"] == []


def test_a_good_file_for_people(good, capsys):
    assert main(["scan", good]) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    for part in ("good.pt: a PyTorch file", "1 tensors, 6 parameters", "2x3", "args.nz  100"):
        assert part in shown.out


def test_what_would_run_is_told_and_does_not_run(evil, tmp_path, capsys):
    assert main(["scan", evil, "--json"]) == 1
    shown = capsys.readouterr()
    (document,) = json.loads(shown.out)
    assert document["would_run"] == ["os.system"]
    assert [t["name"] for t in document["tensors"]] == ["w"]
    assert shown.err == f"genviewer: {document['error']}\n"
    assert "would run os.system" in shown.err
    assert not (tmp_path / "marker").exists()


def test_one_bad_file_does_not_stop_the_others(good, tmp_path, capsys):
    picture = write(tmp_path / "p.pt", b"\x89PNG\r\n\x1a\n")
    gone = str(tmp_path / "gone.pt")
    assert main(["scan", picture, gone, good, "--json"]) == 1
    found = documents(capsys)
    assert [d["error"] is None for d in found] == [False, False, True]
    assert "PNG image, not a model" in found[0]["error"]
    assert "does not exist" in found[1]["error"]


def test_values_that_are_not_finite_are_told(tmp_path, capsys):
    data = np.array([1, np.nan, 3, 4, 5, np.inf], "<f4").tobytes()
    pickle = pickled(mapping(w=tensor("0", (6,), (1,), 6)))
    assert main(["scan", write(tmp_path / "n.pt", torch_zip(pickle, {"0": data}))]) == 0
    assert "NaN or infinite values: w." in capsys.readouterr().out


def test_names_from_a_file_cannot_steer_the_terminal(tmp_path, capsys):
    key = "\x1b[31m<b>\n\u202e" + "k" * 200
    pickle = pickled(b"}" + text(key) + tensor("0", (6,), (1,), 6) + b"s")
    path = write(tmp_path / "k.pt", torch_zip(pickle, {"0": DATA}))
    assert main(["scan", path]) == 0
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert max(map(len, shown.splitlines())) < 120
    assert main(["scan", path, "--json"]) == 0
    assert documents(capsys)[0]["tensors"][0]["name"] == key


def test_onnx_and_programs_are_described_without_running(tmp_path, capsys):
    from tests.io.foreign.test_sniff import KNOWN

    paths = [write(tmp_path / kind, KNOWN[kind]) for kind in ("onnx", "pt2", "torchscript")]
    assert main(["scan", *paths, "--json"]) == 0
    onnx, exported, scripted = documents(capsys)
    assert onnx["values"]["inputs"] == {"x": ["float32", [1, 4]]}
    assert onnx["values"]["operators"] == {"Relu": 1}
    assert "m/models/model.json" in [entry["name"] for entry in exported["entries"]]
    assert exported["warnings"] == scripted["warnings"]
    assert "--trust" in exported["warnings"][0]


def test_a_folder_is_listed(good, tmp_path, capsys):
    assert main(["scan", str(tmp_path), "--json"]) == 0
    (document,) = documents(capsys)
    assert [entry["name"] for entry in document["entries"]] == ["good.pt"]
