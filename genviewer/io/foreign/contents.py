"""What is in a file from outside: the one way in for everything that opens such files.

``read_contents`` gives plain values, tensors that stay in the file, and inert records. The
functions beside it walk them: values from a file may be entangled and refer to themselves, so
walk them with these functions only.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genviewer.io.bundle import BundleError, read_header
from genviewer.io.foreign.budget import Budget, UnreadableFileError, clean
from genviewer.io.foreign.module_tree import ModuleRecord, walk_modules
from genviewer.io.foreign.plain_values import plain
from genviewer.io.foreign.sniff import Container, check_readable, sniff
from genviewer.io.foreign.source import FileSource, open_source
from genviewer.io.foreign.stored_tensor import (
    Storage,
    StoredTensor,
    check_shape,
    contiguous_strides,
)
from genviewer.io.foreign.tensor_walk import walk_tensors
from genviewer.io.foreign.torch_file import (
    find_root,
    make_rebuilder,
    read_legacy,
    read_pickle,
    read_zip,
)
from genviewer.io.foreign.zip_index import ZipIndex

if TYPE_CHECKING:
    from genviewer.io.foreign.rebuild import Rebuilder

__all__ = [
    "Contents", "ModuleRecord", "StoredTensor", "UnreadableFileError", "flat_tensors",
    "module_records", "plain", "read_contents",
]  # fmt: skip

_SAFETENSORS_TYPES = {
    "F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "I64": "int64",
    "I32": "int32", "I16": "int16", "I8": "int8", "U64": "uint64", "U32": "uint32",
    "U16": "uint16", "U8": "uint8", "BOOL": "bool", "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2": "float8_e5m2",
}  # fmt: skip

_DAMAGE = (
    ArithmeticError, AttributeError, LookupError, MemoryError, RecursionError, TypeError,
    ValueError,
)  # fmt: skip
"""What damaged files make code raise that expected something else."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a file holds. Nothing in it was executed or imported.

    Attributes:
        path: of the file.
        container: what it is.
        tree: dict, list, tuple, set, str, bytes, numbers, None, small arrays, StoredTensor,
            Record and Global; long byte strings stay a source. May refer to itself.
        metadata: the text values of a safetensors file.
        records: names of foreign classes that were met, and how often.
        would_run: names of functions that a careless loader would have called.
        warnings: sentences for the user.
        refusal: None, or why the file should not be opened, if it was read nevertheless.
    """

    path: Path
    container: Container
    tree: Any
    metadata: dict[str, str] = field(default_factory=dict)
    records: tuple[tuple[str, int], ...] = ()
    would_run: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    refusal: str | None = None


def read_contents(path: Path | str, strict: bool = True) -> Contents:
    """Read a file of PyTorch, a pickle, a safetensors file, or the tensors of TorchScript.

    Costs reading its table of contents; tensors are read when their ``array()`` is asked for.
    Any thread.

    Args:
        path: the file.
        strict: whether a file that would run something is refused. To show what such a file
            holds it can be read nevertheless; it runs nothing either way.

    Raises:
        UnreadableFileError: it is of another kind, damaged, beyond every measure, or would run
            something. One sentence for the user.
    """
    path = Path(path)
    container = sniff(path)
    check_readable(container)
    try:
        if container.kind == "folder":
            raise UnreadableFileError(
                f"{clean(path.name, 80)} is a folder; choose the file of the weights in it."
            )
        if container.kind == "onnx":
            raise UnreadableFileError(
                f"{clean(path.name, 80)} is an ONNX model, which has no plain weights."
            )
        if container.kind == "pt2":
            raise UnreadableFileError(
                f"{clean(path.name, 80)} is a program of torch.export, which has no plain weights."
            )
        if container.kind == "safetensors":
            return _read_safetensors(path, container)
        return _read_pickled(open_source(path), path, container, strict)
    except UnreadableFileError:
        raise
    except _DAMAGE:
        raise UnreadableFileError(f"{clean(path.name, 80)} is incomplete or damaged.") from None


def flat_tensors(contents: Contents, of: Any = None) -> dict[str, StoredTensor]:
    """The tensors of a file by dotted path, in its order; of a part of its tree, if given.

    Keys and list positions make the path. Modules inside pickles contribute what their
    ``state_dict()`` would. Numeric arrays of NumPy count as tensors. Two tensors of one path get
    ``#2``, ``#3`` behind it.

    Raises:
        UnreadableFileError: the tree is entangled beyond reason.
    """
    name = clean(contents.path.name, 80)
    return walk_tensors(contents.tree if of is None else of, name)


def module_records(contents: Contents, of: Any = None) -> dict[str, ModuleRecord]:
    """The modules inside a pickle by dotted path, outermost first; empty for a state dict.

    Their plain attributes, such as ``kernel_size``, are what a state dict does not tell.

    Raises:
        UnreadableFileError: the tree is entangled beyond reason.
    """
    name = clean(contents.path.name, 80)
    return walk_modules(contents.tree if of is None else of, name)


def _read_pickled(source: FileSource, path: Path, container: Container, strict: bool) -> Contents:
    budget = Budget(path.name, source.size)
    rebuilder = make_rebuilder(budget, strict)
    if container.kind == "torch-legacy":
        tree = read_legacy(source, rebuilder)
    elif container.kind == "pickle":
        tree = read_pickle(source, rebuilder)
    else:
        index = ZipIndex(source, budget)
        tree = read_zip(index, find_root(index), rebuilder)
    tensorflow = [name for name in rebuilder.records if name.startswith("dnnlib.tflib.")]
    if tensorflow:
        rebuilder.refusal = (
            f"{budget.name} is a StyleGAN of TensorFlow: convert it to PyTorch with NVIDIA's "
            "legacy.py."
        )
        if strict:
            raise UnreadableFileError(rebuilder.refusal)
    return Contents(
        path,
        container,
        tree,
        records=tuple(rebuilder.records.most_common()),
        would_run=tuple(name for name, _ in rebuilder.functions.most_common()),
        warnings=_warnings(rebuilder),
        refusal=rebuilder.refusal,
    )


def _warnings(rebuilder: Rebuilder) -> tuple[str, ...]:
    warnings = []
    functions = [name for name, _ in rebuilder.functions.most_common(3)]
    if functions:
        warnings.append(f"It names functions that were not run: {', '.join(functions)}.")
    left_out = [name for name in rebuilder.records if name.startswith("torch._utils._rebuild_")]
    if left_out:
        kinds = ", ".join(name.rpartition(".")[2] for name in left_out[:3])
        warnings.append(f"It has tensors of a kind that is not read: {kinds}.")
    return tuple(warnings)


def _read_safetensors(path: Path, container: Container) -> Contents:
    source = open_source(path)
    try:
        header, start = read_header(path)
    except BundleError as error:
        raise UnreadableFileError(clean(str(error), 200)) from None
    except OSError as error:
        reason = error.strerror or "an error of the system"
        raise UnreadableFileError(f"{clean(path.name, 80)} cannot be read: {reason}.") from None
    budget = Budget(path.name, source.size)
    tree: dict[str, StoredTensor] = {}
    for name, info in header.items():
        data = source.slice(start + info.start, info.end - info.start)
        budget.spend_tensor(max(data.size, 1))
        dtype = _SAFETENSORS_TYPES[info.dtype]
        shape = tuple(map(int, info.shape))
        check_shape(budget, shape)
        strides = contiguous_strides(shape)
        tree[name] = StoredTensor(dtype, shape, strides, 0, Storage(dtype, data))
    return Contents(path, container, tree, _safetensors_metadata(source, start))


def _safetensors_metadata(source: FileSource, start: int) -> dict[str, str]:
    import msgspec

    class Header(msgspec.Struct):
        metadata: dict[str, str] = msgspec.field(default={}, name="__metadata__")

    try:
        metadata = msgspec.json.decode(source.read(8, start - 8), type=Header).metadata
    except (msgspec.DecodeError, RecursionError):
        return {}
    return {key: value for key, value in metadata.items() if len(value) < 1 << 20}
