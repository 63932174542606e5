"""`convert` and the options that say how a MODEL is opened."""

import json

import numpy as np
import pytest

from genviewer.cli import main
from tests.tiny_onnx import write_classifier, write_decoder


def test_convert_and_open_again(tmp_path, capsys):
    path = str(write_decoder(tmp_path / "d.onnx", label="index"))
    out = str(tmp_path / "bundle")
    assert main(["convert", path, "--out", out]) == 0
    for source, name in ((path, "a.npy"), (out, "b.npy")):
        assert main(["sample", source, "-n", "4", "--raw", "--out", str(tmp_path / name)]) == 0
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), np.load(tmp_path / "b.npy"))
    capsys.readouterr()
    assert main(["info", out, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["conditions"][0]["size"] == 3


def test_what_is_there_needs_force(tmp_path, capsys):
    path = str(write_decoder(tmp_path / "d.onnx"))
    out = tmp_path / "bundle"
    out.mkdir()
    (out / "x").write_text("x")
    assert main(["convert", path, "--out", str(out)]) == 1
    assert "exists" in capsys.readouterr().err
    assert main(["convert", path, "--out", str(out), "--force"]) == 0


def test_a_refusal_is_one_sentence(tmp_path, capsys):
    path = str(write_classifier(tmp_path / "c.onnx"))
    assert main(["convert", path, "--out", str(tmp_path / "out")]) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_set_is_kept_in_the_bundle(tmp_path, capsys):
    path = str(write_decoder(tmp_path / "d.onnx"))
    out = str(tmp_path / "bundle")
    assert main(["convert", path, "--out", out, "--set", "range=-2,2"]) == 0
    capsys.readouterr()
    assert main(["info", out, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["image"]["range"] == [-2.0, 2.0]


@pytest.mark.parametrize("setting", ["range", "=3", "range="])
def test_a_setting_of_no_form_is_a_usage_error(tmp_path, capsys, setting):
    path = str(write_decoder(tmp_path / "d.onnx"))
    assert main(["convert", path, "--out", str(tmp_path / "o"), "--set", setting]) == 2
