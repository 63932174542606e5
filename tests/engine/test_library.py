"""Finding and opening models."""

from pathlib import Path

import pytest

from genviewer.engine.library import bundled_models, find_model, open_all
from genviewer.io.bundle import BundleError


def test_a_folder_is_a_model(onnx_bundle, monkeypatch):
    assert find_model(onnx_bundle.path) == onnx_bundle
    assert find_model(str(onnx_bundle.path)) == onnx_bundle
    monkeypatch.chdir(onnx_bundle.path.parent)
    assert find_model("linear").model_id == onnx_bundle.model_id
    assert find_model(Path("linear")).model_id == onnx_bundle.model_id


def test_what_is_no_model_is_one_sentence(tmp_path):
    for wanted in ("no-such-model", tmp_path, str(tmp_path)):
        with pytest.raises(BundleError) as caught:
            find_model(wanted)
        assert str(caught.value).endswith(".")
        assert "\n" not in str(caught.value)


def test_the_bundled_models_open_by_name():
    for bundle in bundled_models():
        assert find_model(bundle.path.name) == bundle


def test_those_that_cannot_be_opened_are_told_apart(onnx_bundle, tmp_path):
    bundles, problems = open_all([tmp_path, onnx_bundle.path])
    assert bundles == (onnx_bundle,)
    assert len(problems) == 1
    assert tmp_path.name in problems[0]
