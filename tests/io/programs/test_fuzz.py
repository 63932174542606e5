"""Mutated program files: read without running, each is a model or one sentence."""

import io
import json
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genviewer.io.foreign.budget import UnreadableFileError
from genviewer.io.programs.exported_archive import check_exported
from genviewer.io.programs.onnx_graph import OnnxError, check, external_arrays, parse
from genviewer.io.programs.onnx_hints import hints_of, size_follows_values
from genviewer.io.programs.torchscript_code import check_torchscript
from tests.tiny_onnx import move_outside, write_decoder

EDITS = st.lists(
    st.tuples(st.integers(0, 1 << 16), st.sampled_from(["flip", "cut", "repeat"]), st.binary()),
    min_size=1,
    max_size=6,
)
QUICK = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def edited(data: bytes, edits) -> bytes:
    for at, kind, piece in edits:
        at %= max(len(data), 1)
        if kind == "flip":
            data = data[:at] + piece[:8] + data[at + len(piece[:8]) :]
        elif kind == "cut":
            data = data[:at] + data[at + 1 + len(piece) :]
        else:
            data = data[:at] + data[at : at + 64] + data[at:]
    return data


@pytest.fixture(scope="module")
def onnx_bytes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("onnx")
    path = write_decoder(folder / "d.onnx", label="index", uint8=True, layout="nhwc")
    return move_outside(path, "w.bin").read_bytes()


@QUICK
@given(edits=EDITS)
def test_onnx(tmp_path, onnx_bytes, edits):
    try:
        graph = parse(edited(onnx_bytes, edits))
        check(graph)
        hints_of(graph)
        size_follows_values(graph)
        external_arrays(graph, tmp_path)
    except OnnxError as error:
        assert "\n" not in str(error)  # noqa: PT017 - there may be none


GRAPH = {
    "graph_module": {
        "graph": {
            "nodes": [{"target": "torch.ops.aten.tanh.default", "inputs": [], "outputs": []}],
            "tensor_values": {"z": {"dtype": 7, "sizes": [{"as_int": 1}, {"as_int": 4}]}},
        },
        "signature": {"input_specs": [{"user_input": {"arg": {"as_tensor": {"name": "z"}}}}]},
    }
}


def archive(graph: str, code: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("m/models/model.json", graph)
        file.writestr("m/data/weights/model_weights_config.json", '{"config": {}}')
        file.writestr("m/data/constants/model_constants_config.json", '{"config": {}}')
        file.writestr("m/code/__torch__.py", code)
    return out.getvalue()


@QUICK
@given(edits=EDITS, inside=EDITS, zipped=st.booleans())
def test_archives(tmp_path, edits, inside, zipped):
    graph = json.dumps(GRAPH)
    if zipped:
        data = edited(archive(graph, "def forward(self): pass"), edits)
    else:
        changed = edited(graph.encode(), inside).decode("utf-8", "replace")
        data = archive(changed, changed)
    path = tmp_path / "x.pt2"
    path.write_bytes(data)
    for look in (check_exported, check_torchscript):
        try:
            look(path)
        except UnreadableFileError as error:
            assert "\n" not in str(error)  # noqa: PT017 - there may be none
