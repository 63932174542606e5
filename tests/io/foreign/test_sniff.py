"""Files are told apart by what is in them, whatever they are called."""

import io
import tarfile
import zipfile

import numpy as np
import pytest
from PIL import Image

from genviewer.io.foreign.budget import UnreadableFileError
from genviewer.io.foreign.contents import read_contents
from genviewer.io.foreign.sniff import sniff
from tests.io.foreign.handmade import (
    MAGIC,
    pickled,
    safetensors,
    torch_legacy,
    torch_zip,
    zipped,
)


def image(kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (2, 2)).save(buffer, kind)
    return buffer.getvalue()


def npz() -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, z=np.zeros(3))
    return buffer.getvalue()


def npy() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(3))
    return buffer.getvalue()


def tar() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name in ("storages", "tensors", "pickle"):
            archive.addfile(tarfile.TarInfo(name))
    return buffer.getvalue()


def onnx_model() -> bytes:
    import onnx
    from onnx import TensorProto, helper

    values = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, 4]) for n in "xy"]
    node = helper.make_node("Relu", ["x"], ["y"])
    graph = helper.make_graph([node], "g", values[:1], values[1:])
    model = helper.make_model(graph, producer_name="tests")
    return onnx.ModelProto.SerializeToString(model)


LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 13500000\n"

KNOWN = {
    "torch-zip": torch_zip(pickled(b"}")),
    "torch-legacy": torch_legacy(pickled(b"}"), {}),
    "pickle": pickled(b"}"),
    "safetensors": safetensors(b'{"__metadata__":{"a":"b"}}'),
    "onnx": onnx_model(),
    "torchscript": zipped(
        [("m/data.pkl", pickled(b"}")), ("m/constants.pkl", b""), ("m/code/__torch__.py", b"")]
    ),
    "pt2": zipped([("m/models/model.json", b"{}"), ("m/archive_format", b"pt2")]),
}

REFUSED = {
    b"\x89HDF\r\n\x1a\n" + bytes(100): "Keras model",
    zipped([("config.json", b"{}"), ("model.weights.h5", b"")]): "Keras 3",
    image("PNG"): "PNG image, not a model",
    image("JPEG"): "JPEG image",
    image("GIF"): "GIF image",
    image("WEBP"): "WebP image",
    image("TIFF"): "TIFF image",
    image("BMP"): "BMP image",
    npy(): "NumPy array",
    npz(): "archive of NumPy arrays",
    tar(): "tar archive, perhaps of PyTorch before 0.1.10",
    LFS: r"Git LFS pointer; the real file \(13.5 MB\) was not downloaded: run git lfs pull",
    b"<!DOCTYPE html>\n<html><body>Not found</body></html>": "web page: download the file itself",
    b"\n  <html lang=en>": "web page",
    b'{"modelTopology": {}, "weightsManifest": []}': "TensorFlow.js",
    b'{"latent_dim": 10}': "JSON file",
    b"epoch 1 loss 0.5\n": "text file",
    b"\x1c\0\0\0TFL3" + bytes(100): "TensorFlow Lite",
    b"\x1f\x8b\x08" + bytes(10): "gzip",
    zipped([("a.txt", b"")]): "zip archive and not a PyTorch file",
    zipped([("m/saved_model.pb", b"")]): "SavedModel",
    bytes(range(256)) * 16: "no known kind",
    b"\xff": "no known kind",
}


@pytest.mark.parametrize("kind", KNOWN)
@pytest.mark.parametrize("suffix", [".pt", ".png", "", ".safetensors"])
def test_known_ones_are_known_under_any_name(tmp_path, kind, suffix):
    path = tmp_path / f"model{suffix}"
    path.write_bytes(KNOWN[kind])
    container = sniff(path)
    assert (container.kind, container.refusal) == (kind, None)


@pytest.mark.parametrize("data", REFUSED, ids=REFUSED.values())
def test_others_are_refused_by_their_name(tmp_path, data):
    path = tmp_path / "generator.pth"
    path.write_bytes(data)
    with pytest.raises(UnreadableFileError, match=rf"^generator.pth .*{REFUSED[data]}.*\.$"):
        read_contents(path)
    assert sniff(path).kind == "refused"


def test_kinds_that_other_readers_open_are_named(tmp_path):
    path = tmp_path / "m"
    for kind in ("onnx", "pt2"):
        path.write_bytes(KNOWN[kind])
        with pytest.raises(UnreadableFileError, match="no plain weights"):
            read_contents(path)


def test_folders(tmp_path):
    assert sniff(tmp_path).kind == "folder"
    with pytest.raises(UnreadableFileError, match="choose the file of the weights"):
        read_contents(tmp_path)
    (tmp_path / "saved_model.pb").touch()
    assert "TensorFlow SavedModel" in sniff(tmp_path).title


def test_a_magic_number_of_any_protocol(tmp_path):
    path = tmp_path / "m"
    for protocol in (2, 3, 4):
        path.write_bytes(bytes([0x80, protocol]) + MAGIC[2:] + bytes(10))
        assert sniff(path).kind == "torch-legacy"


@pytest.mark.parametrize("protocol", range(6))
def test_plain_pickles_of_every_protocol(tmp_path, protocol):
    import pickle

    path = tmp_path / "m"
    for value in ({"a": 1}, [1, 2, 3], {}, []):
        path.write_bytes(pickle.dumps(value, protocol))
        assert sniff(path).kind == "pickle"
        assert read_contents(path).tree == value


def test_a_zip_in_a_zip_is_not_looked_into(tmp_path):
    path = tmp_path / "m.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("generator.pth", KNOWN["torch-zip"])
    assert "unpack it" in (sniff(path).refusal or "")
