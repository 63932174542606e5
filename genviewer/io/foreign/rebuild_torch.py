"""PyTorch's tensors, parameters and storages out of pickles, and StyleGAN's records of networks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from genviewer.io.foreign.budget import clean
from genviewer.io.foreign.inert import MISFIT, Global, Record
from genviewer.io.foreign.source import memory_source
from genviewer.io.foreign.stored_tensor import Storage, StoredTensor, make_tensor

if TYPE_CHECKING:
    from collections.abc import Callable

    from genviewer.io.foreign.rebuild import Rebuilder


STORAGE_TYPES = {
    "DoubleStorage": "float64", "FloatStorage": "float32", "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16", "LongStorage": "int64", "IntStorage": "int32",
    "ShortStorage": "int16", "CharStorage": "int8", "ByteStorage": "uint8", "BoolStorage": "bool",
    "ComplexFloatStorage": "complex64", "ComplexDoubleStorage": "complex128",
    "ComplexHalfStorage": "complex32", "QUInt8Storage": "quint8", "QInt8Storage": "qint8",
    "QInt32Storage": "qint32", "UntypedStorage": "uint8", "_UntypedStorage": "uint8",
    "UInt16Storage": "uint16", "UInt32Storage": "uint32", "UInt64Storage": "uint64",
    "Float8_e4m3fnStorage": "float8_e4m3fn", "Float8_e5m2Storage": "float8_e5m2",
}  # fmt: skip
"""Storage classes of torch -> the dtype of their elements."""

PERSISTENCE = "torch_utils.persistence"
"""The module name of a StyleGAN network's record; its own name is that of the network class."""


def storage_dtype(kind: object) -> str | None:
    """The dtype of a storage class that a pickle names; None if it is no storage class."""
    if isinstance(kind, Global) and kind.module in ("torch", "torch.cuda", "torch.storage"):
        return STORAGE_TYPES.get(kind.name)
    return None


def _tensor(rebuilder: Rebuilder, args: tuple[Any, ...]) -> Any:
    """``_rebuild_tensor`` and ``_v2``: storage, offset, size, stride, ..."""
    if len(args) < 4 or not isinstance(args[0], Storage):
        return MISFIT
    return make_tensor(rebuilder.budget, args[0], args[0].dtype, *args[1:4])


def _tensor_v3(rebuilder: Rebuilder, args: tuple[Any, ...]) -> Any:
    """``_rebuild_tensor_v3``: as v2, and the dtype for a storage without one."""
    if len(args) < 7 or not isinstance(args[0], Storage) or not isinstance(args[6], Global):
        return MISFIT
    dtype = args[6].name if args[6].module == "torch" else ""
    if dtype not in STORAGE_TYPES.values():
        return MISFIT
    return make_tensor(rebuilder.budget, args[0], dtype, *args[1:4])


def _first_tensor(rebuilder: Rebuilder, args: tuple[Any, ...]) -> Any:
    """A Parameter or Variable around a tensor."""
    return args[0] if args and isinstance(args[0], StoredTensor) else MISFIT


def _typed(rebuilder: Rebuilder, args: tuple[Any, ...]) -> Any:
    """``_rebuild_from_type_v2(function, type, args, state)``: what the function gives."""
    if len(args) < 3 or not isinstance(args[0], Global) or not isinstance(args[2], tuple):
        return MISFIT
    known = _REBUILD.get((args[0].module, args[0].name))
    return MISFIT if known is None else known(rebuilder, args[2])


def _nested(rebuilder: Rebuilder, args: tuple[Any, ...]) -> Any:
    """``torch.storage._load_from_bytes``: a whole torch file in a byte string."""
    if len(args) != 1:
        return MISFIT
    source = args[0]
    if isinstance(source, bytes):
        source = memory_source(source, rebuilder.budget.name)
    if not hasattr(source, "read_into"):
        return MISFIT
    rebuilder.budget.enter_nested()
    value = rebuilder.read_nested(source)
    rebuilder.budget.leave_nested()
    return value


def _persistent(rebuilder: Rebuilder, args: tuple[Any, ...]) -> Any:
    """StyleGAN's persistence record, whose source text is never run: class name and state."""
    if len(args) != 1 or not isinstance(args[0], dict):
        return MISFIT
    name, state = args[0].get("class_name"), args[0].get("state")
    kind = Global(PERSISTENCE, name if isinstance(name, str) else "")
    rebuilder.records[clean(kind.label, 80)] += 1
    return Record(kind, args, None, state if isinstance(state, dict) else None)


def _first(rebuilder: Rebuilder, args: tuple[Any, ...]) -> Any:
    """TorchScript's typed lists and tags: the list itself."""
    return args[0] if args else MISFIT


_REBUILD: dict[tuple[str, str], Callable[[Rebuilder, tuple[Any, ...]], Any]] = {
    ("torch._utils", "_rebuild_tensor"): _tensor,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch._utils", "_rebuild_tensor_v3"): _tensor_v3,
    ("torch._utils", "_rebuild_parameter"): _first_tensor,
    ("torch._utils", "_rebuild_parameter_with_state"): _first_tensor,
}

TORCH_CALLS: dict[tuple[str, str], Callable[[Rebuilder, tuple[Any, ...]], Any]] = {
    **_REBUILD,
    ("torch._tensor", "_rebuild_from_type_v2"): _typed,
    ("torch.nn.parameter", "Parameter"): _first_tensor,
    ("torch.nn.parameter", "Buffer"): _first_tensor,
    ("torch.autograd.variable", "Variable"): _first_tensor,
    ("torch.storage", "_load_from_bytes"): _nested,
    (PERSISTENCE, "_reconstruct_persistent_obj"): _persistent,
    **dict.fromkeys(
        [("torch.jit._pickle", name) for name in (
            "build_intlist", "build_tensorlist", "build_doublelist", "build_boollist",
            "restore_type_tag")],
        _first),
}  # fmt: skip
"""(module, name) -> what rebuilds its result."""
