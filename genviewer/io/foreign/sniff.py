"""What a file is, told from its content and never from its name.

Nothing is unpickled or unpacked for that: the first bytes decide, and for zip files the names in
them. What cannot be opened is called by its name, with what to do instead.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from genviewer.io.foreign.budget import Budget, UnreadableFileError, clean
from genviewer.io.foreign.onnx_mark import is_onnx
from genviewer.io.foreign.source import ByteSource, list_folder, open_source
from genviewer.io.foreign.torch_file import is_legacy
from genviewer.io.foreign.zip_index import ZipIndex

Kind = Literal[
    "torch-zip", "torch-legacy", "pickle", "torchscript", "pt2", "onnx", "safetensors", "folder",
    "refused",
]  # fmt: skip

HEAD_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Container:
    """What a file is.

    Attributes:
        kind: which reader it is for; ``refused`` for none.
        title: the same for people, with its article: "a PNG image".
        refusal: None, or why it is not opened and what to do: a whole sentence with its name.
    """

    kind: Kind
    title: str
    refusal: str | None = None


_TITLES: dict[Kind, str] = {
    "torch-zip": "a PyTorch file",
    "torch-legacy": "a PyTorch file of the format before 1.6",
    "pickle": "a Python pickle",
    "torchscript": "a TorchScript program",
    "pt2": "a program of torch.export",
    "onnx": "an ONNX model",
    "safetensors": "a safetensors file",
    "folder": "a folder",
}

_EXPORT = "export its decoder to ONNX, or save its weights with PyTorch or as safetensors"
_NO_MODEL = "choose the model's own file"

_BEGINNINGS: tuple[tuple[bytes, str, str], ...] = (
    (b"\x89HDF\r\n\x1a\n", "a Keras model (HDF5)", _EXPORT),
    (b"\x89PNG\r\n\x1a\n", "a PNG image", "not a model; " + _NO_MODEL),
    (b"\xff\xd8\xff", "a JPEG image", "not a model; " + _NO_MODEL),
    (b"GIF8", "a GIF image", "not a model; " + _NO_MODEL),
    (b"BM", "a BMP image", "not a model; " + _NO_MODEL),
    (b"II*\0", "a TIFF image", "not a model; " + _NO_MODEL),
    (b"MM\0*", "a TIFF image", "not a model; " + _NO_MODEL),
    (b"\x93NUMPY", "a NumPy array", "not a model; " + _NO_MODEL),
    (b"%PDF", "a PDF document", "not a model; " + _NO_MODEL),
    (b"\x1f\x8b", "a gzip-compressed file", "unpack it first"),
    (b"BZh", "a bzip2-compressed file", "unpack it first"),
    (b"\xfd7zXZ\0", "an xz-compressed file", "unpack it first"),
    (b"\x28\xb5\x2f\xfd", "a zstd-compressed file", "unpack it first"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it first"),
    (b"Rar!", "a RAR archive", "unpack it first"),
    (b"GGUF", "a GGUF language model", "not an image generator"),
    (b"ggml", "a GGML language model", "not an image generator"),
    (b"\x7fELF", "a program, not a model", _NO_MODEL),
    (b"MZ", "a program, not a model", _NO_MODEL),
    (b"SQLite format 3\0", "an SQLite database", "not a model; " + _NO_MODEL),
    (b"\0\0\0\x0cJXL ", "a JPEG XL image", "not a model; " + _NO_MODEL),
)

_LFS = re.compile(rb"\Aversion https://git-lfs[^\n]*\n(?:[^\n]*\n)*?size (\d{1,18})")


def sniff(path: Path | str) -> Container:
    """What a file or folder is, by its content. Any thread; reads a few kB and never blocks.

    Raises:
        UnreadableFileError: nothing is there, it may not be read, it is empty, no regular file or
            a damaged zip file.
    """
    path = Path(path)
    try:
        is_folder = path.is_dir()
    except (OSError, ValueError):
        is_folder = False
    if is_folder:
        return _sniff_folder(path)
    return sniff_source(open_source(path), path.name)


def sniff_source(source: ByteSource, file_name: str) -> Container:
    """What the content of a file is; ``file_name`` is only for sentences."""
    name = clean(file_name, 80)
    head = source.read(0, min(source.size, HEAD_BYTES))
    if head[:4] == b"PK\3\4" or head[:4] == b"PK\5\6":
        return _sniff_zip(source, name)
    for begin, title, advice in _BEGINNINGS:
        if head.startswith(begin):
            return _refused(name, title, advice)
    if head[4:8] == b"TFL3":
        return _refused(name, "a TensorFlow Lite model", _EXPORT)
    if head[8:12] == b"WEBP" and head[:4] == b"RIFF":
        return _refused(name, "a WebP image", "not a model; " + _NO_MODEL)
    if head[4:12] in (b"ftypavif", b"ftypheic"):
        return _refused(name, "an image", "not a model; " + _NO_MODEL)
    if head[257:262] == b"ustar":
        advice = "load and save it again with a PyTorch between 0.4 and 2, if it is one"
        return _refused(name, "a tar archive, perhaps of PyTorch before 0.1.10", advice)
    if _looks_like_safetensors(head, source.size):
        return _known("safetensors")
    if is_legacy(source):
        return _known("torch-legacy")
    if head[:1] == b"\x80" and head[1:2] <= b"\x05":
        return _known("pickle")
    if is_onnx(source):
        return _known("onnx")
    return _sniff_text(head, name) or _sniff_old_pickle(head) or _unknown(name)


def _known(kind: Kind) -> Container:
    return Container(kind, _TITLES[kind])


def _refused(name: str, title: str, advice: str) -> Container:
    separator = ", " if advice.startswith("not ") else ": "
    return Container("refused", title, f"{name} is {title}{separator}{advice}.")


def _unknown(name: str) -> Container:
    return Container(
        "refused",
        "a file of no known kind",
        f"{name} is of no known kind: PyTorch, safetensors and ONNX files were looked for.",
    )


def _looks_like_safetensors(head: bytes, size: int) -> bool:
    """Eight bytes of length, then JSON. A wrong length is the reader's to tell, unless it is text.

    The writers begin the JSON at once; spaces are allowed only behind it.
    """
    if head[8:9] != b"{":
        return False
    return int.from_bytes(head[:8], "little") <= size or not head[:8].isascii()


def _sniff_zip(source: ByteSource, name: str) -> Container:
    budget = Budget(name, source.size)
    index = ZipIndex(source, budget)
    names = list(index.entries)
    roots = {n.partition("/")[0] for n in names}
    below = {n.partition("/")[2] for n in names}
    if any(b.startswith("models/") and b.endswith(".json") for b in below) or (
        "archive_format" in below and "data.pkl" not in below
    ):
        return _known("pt2")
    if "serialized_exported_program.json" in {*names, *below}:
        return _known("pt2")
    if "data.pkl" in below and len(roots) == 1:
        scripted = "constants.pkl" in below and any(b.startswith("code/") for b in below)
        return _known("torchscript" if scripted else "torch-zip")
    if "model.weights.h5" in names:
        return _refused(name, "a Keras 3 model", _EXPORT)
    if names and all(n.endswith(".npy") for n in names):
        return _refused(name, "an archive of NumPy arrays", "not a model; " + _NO_MODEL)
    if any(n.endswith("saved_model.pb") for n in names):
        return _refused(name, "a zipped TensorFlow SavedModel", _EXPORT)
    if "[Content_Types].xml" in names:
        return _refused(name, "an office document", "not a model; " + _NO_MODEL)
    return _refused(
        name, "a zip archive and not a PyTorch file", "unpack it and choose the model's file in it"
    )


def _sniff_text(head: bytes, name: str) -> Container | None:
    lfs = _LFS.match(head)
    if lfs:
        size = int(lfs[1]) / 1e6
        return Container(
            "refused",
            "a Git LFS pointer",
            f"{name} is a Git LFS pointer; the real file ({size:.1f} MB) was not downloaded: run "
            "git lfs pull.",
        )
    start = head.lstrip()[:512].lower()
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<!--")):
        return _refused(name, "a web page", "download the file itself, not the page that shows it")
    if start.startswith((b"<?xml", b"<svg")):
        return _refused(name, "an XML or SVG file", "not a model; " + _NO_MODEL)
    if b'"modeltopology"' in head.lower() or b'"weightsmanifest"' in head.lower():
        return _refused(name, "a TensorFlow.js model", _EXPORT)
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        if len(head) < HEAD_BYTES or error.start < len(head) - 4:
            return None
        text = head[: error.start].decode("utf-8")
    printable = sum(c.isprintable() or c in "\n\r\t" for c in text)
    if printable < 0.98 * len(text) or _OLD_PICKLE.match(head):
        return None
    if start[:1] in (b"{", b"["):
        advice = "choose the folder it is in, or the file of the weights"
        return _refused(name, "a JSON file without weights", advice)
    return _refused(name, "a text file", "not a model; " + _NO_MODEL)


_OLD_PICKLE = re.compile(rb"\A\(*(?:[ci][\w.]+\n[\w. ]+\n|[dl]p?\d*\n|[dl]\.|[\])}](?:[q(]|\.))")
"""How pickles of protocol 0 and 1 begin: with a class, or with an empty container."""


def _sniff_old_pickle(head: bytes) -> Container | None:
    """A pickle without the mark that later protocols begin with."""
    return _known("pickle") if _OLD_PICKLE.match(head) else None


_FOLDERS: tuple[tuple[str, str], ...] = (
    ("saved_model.pb", "a TensorFlow SavedModel"),
    ("keras_metadata.pb", "a TensorFlow SavedModel"),
    ("group1-shard1of1.bin", "a TensorFlow.js model"),
)


def _sniff_folder(path: Path) -> Container:
    names = list_folder(path)
    for member, title in _FOLDERS:
        if member in names:
            return _refused(clean(path.name, 80), title, _EXPORT)
    if any(n.startswith("group1-shard") for n in names):
        return _refused(clean(path.name, 80), "a TensorFlow.js model", _EXPORT)
    return _known("folder")


def check_readable(container: Container) -> None:
    """Raise the refusal of a container that has one.

    Raises:
        UnreadableFileError: it is of a kind that is not opened.
    """
    if container.refusal is not None:
        raise UnreadableFileError(container.refusal)
